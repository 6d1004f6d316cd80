//! Sites and what surrounds them: the directory, issuers, organisations, and who did what.

use champion_network::auth::DevelopmentKey;
use chrono::TimeDelta;

use crate::support::{Host, NATIONAL, Person, Value, json, on_both};

/// The public keys of RFC 8032, section 7.1, tests 1 to 3.
const KEYS: [&str; 3] = [
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",
];

const SITE: &str = "site { id slug name kind region odsCode status statusReason hostedHere sync { state } }";
const SITES: &str = "query($search: String) { sites(filter: { search: $search }) { nodes { slug status } } }";

fn york() -> Value {
    json!({ "slug": "york", "name": "York", "region": "North East and Yorkshire", "odsCode": "RCB", "publicKey": KEYS[0] })
}

on_both! {
    async fn a_site_of_another_host_is_admitted(host) {
        let admin = host.person(&["national:site_admin"]);
        let mut input = york();
        input["id"] = json!("site_01h455vb4pex5vsknk084sn02q");

        let reply = admin.does("siteAdmit", input, SITE).await;

        assert_eq!(*reply.record(), json!({
            "id": "site_01h455vb4pex5vsknk084sn02q", "slug": "york", "name": "York", "kind": "REGIONAL",
            "region": "North East and Yorkshire", "odsCode": "RCB", "status": "ACTIVE", "statusReason": null,
            "hostedHere": false, "sync": { "state": "CATCHING_UP" },
        }));
        let input = json!({ "site": "york", "title": "Garden", "summary": "Elsewhere." });
        let refused = admin.does("projectCreate", input, "project { id }").await;
        assert_eq!(refused.code(), "NOT_HOSTED_HERE");
        assert_eq!(refused.0["errors"][0]["extensions"]["site"], "york");
    }
}

on_both! {
    async fn only_the_national_admin_admits_and_suspends_sites(host) {
        let strangers = [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&[]), "FORBIDDEN"),
            (host.person(&["leeds:site_admin"]), "FORBIDDEN"),
            (host.person(&["national:curator", "national:moderator"]), "FORBIDDEN"),
        ];
        for (stranger, code) in strangers {
            assert_eq!(stranger.does("siteAdmit", york(), SITE).await.code(), code);
            let input = json!({ "site": "hull", "reason": "No." });
            assert_eq!(stranger.does("siteSuspend", input.clone(), SITE).await.code(), code);
            assert_eq!(stranger.does("siteReinstate", input, SITE).await.code(), code);
        }
        assert_eq!(host.anonymous().run(SITES, json!({})).await.nodes("slug"), ["hull", "leeds", "national"]);
        assert_eq!(host.anonymous().run(SITES, json!({})).await.nodes("status"), ["ACTIVE"; 3]);
    }
}

on_both! {
    async fn an_admission_with_problems_stores_nothing(host) {
        let admin = host.person(&["national:site_admin"]);
        admin.does("siteAdmit", york(), SITE).await.record();
        let cases = [
            (json!({ "slug": "The North" }), "INVALID slug"),
            (json!({ "slug": "" }), "REQUIRED slug"),
            (json!({ "slug": "york" }), "TAKEN slug"),
            (json!({ "name": " " }), "REQUIRED name"),
            (json!({ "name": "a\u{1}b" }), "INVALID name"),
            (json!({ "kind": "NATIONAL" }), "TAKEN kind"),
            (json!({ "odsCode": "rc" }), "INVALID odsCode"),
            (json!({ "publicKey": KEYS[0] }), "TAKEN publicKey"),
            (json!({ "publicKey": "11qYAYKxCrfVS" }), "INVALID publicKey"),
            (json!({ "publicKey": format!("{}=", KEYS[1]) }), "INVALID publicKey"),
            (json!({ "id": site_id(host, "leeds").await }), "TAKEN id"),
            (json!({ "id": "project_01h455vb4pex5vsknk084sn02q" }), "INVALID id"),
            (json!({ "slug": "-", "name": "", "publicKey": "" }), "INVALID slug\nREQUIRED name\nREQUIRED publicKey"),
        ];
        for (change, problems) in cases {
            let mut input = json!({ "slug": "ripon", "name": "Ripon", "publicKey": KEYS[1] });
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = admin.does("siteAdmit", input.clone(), SITE).await;
            let mut found: Vec<_> = reply.problems().lines().map(str::to_owned).collect();
            found.sort_by_key(|line| problems.find(line.as_str()));
            assert_eq!(found.join("\n"), problems, "{input}");
        }
        let all = host.anonymous().run(SITES, json!({})).await.nodes("slug");
        assert_eq!(all, ["hull", "leeds", "national", "york"]);
    }
}

async fn site_id(host: &Host, slug: &str) -> Value {
    let found = "query($slug: String!) { site(slug: $slug) { id } }";
    let reply = host.anonymous().run(found, json!({ "slug": slug })).await;
    reply.data()["site"]["id"].clone()
}

on_both! {
    async fn a_suspended_site_is_hidden_until_it_is_reinstated(host) {
        let national = host.person(&["national:site_admin"]);
        let leeds = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "visibility": "PUBLIC" });
        leeds.does("projectCreate", input.clone(), "project { id }").await.record();
        let titles = async || host.anonymous().run("{ projects { nodes { title } } }", json!({})).await.nodes("title");
        let roles = "{ viewer { roles { role } } }";

        let suspension = json!({ "site": "leeds", "reason": "Their key is stolen." });
        let site = national.does("siteSuspend", suspension.clone(), SITE).await.record().clone();

        assert_eq!((&site["status"], &site["statusReason"]), (&json!("SUSPENDED"), &json!("Their key is stolen.")));
        assert_eq!(site["sync"]["state"], "SUSPENDED");
        assert_eq!(titles().await, Vec::<String>::new());
        assert_eq!(leeds.run(roles, json!({})).await.data()["viewer"]["roles"], json!([]));
        assert_eq!(leeds.does("projectCreate", input, "project { id }").await.code(), "FORBIDDEN");
        assert_eq!(national.does("siteSuspend", suspension, SITE).await.code(), "NOT_ALLOWED_NOW");

        host.server.0.clock.advance(TimeDelta::minutes(1));
        let site = national.does("siteReinstate", json!({ "site": "leeds" }), SITE).await.record().clone();

        assert_eq!((&site["status"], &site["statusReason"]), (&json!("ACTIVE"), &json!(null)));
        assert_eq!(titles().await, ["Garden"]);
        let again = national.does("siteReinstate", json!({ "site": "leeds" }), SITE).await;
        assert_eq!(again.code(), "NOT_ALLOWED_NOW");
        for person in [&national, &leeds] {
            let site = if person.subject == leeds.subject { "leeds" } else { NATIONAL };
            let entries = person.run(AUDIT, json!({ "site": site })).await;
            let told: Vec<_> = entries.nodes("action").into_iter().filter(|action| action.starts_with("site")).collect();
            assert_eq!(told, ["siteReinstate", "siteSuspend"], "{site}");
        }
    }
}

on_both! {
    async fn a_site_of_another_host_can_be_suspended_and_the_national_one_cannot(host) {
        let admin = host.person(&["national:site_admin"]);
        admin.does("siteAdmit", york(), SITE).await.record();

        let suspended = admin.does("siteSuspend", json!({ "site": "york", "reason": "Asked." }), SITE).await;
        assert_eq!(suspended.record()["status"], "SUSPENDED");
        let national = admin.does("siteSuspend", json!({ "site": NATIONAL, "reason": "Asked." }), SITE).await;
        assert_eq!(national.problems(), "INVALID site");
        let silent = admin.does("siteSuspend", json!({ "site": "hull", "reason": " " }), SITE).await;
        assert_eq!(silent.problems(), "REQUIRED reason");
        let unknown = admin.does("siteSuspend", json!({ "site": "atlantis", "reason": "Sunk." }), SITE).await;
        assert_eq!(unknown.code(), "NOT_FOUND");
        let all = host.anonymous().run(SITES, json!({})).await;
        assert_eq!(all.nodes("status"), ["ACTIVE", "ACTIVE", "ACTIVE", "SUSPENDED"]);
    }
}

const ISSUER: &str =
    "issuer { id issuer audience algorithms jwks keyIds jwksUrl rolesClaim mayGrant development revokedAt
    version createdAt site { slug } viewerCan }";
const ISSUERS: &str = "query($site: String!) { issuers(site: $site) { nodes { issuer revokedAt } totalCount } }";

fn registration(key: &DevelopmentKey) -> Value {
    json!({
        "site": "leeds", "issuer": "https://login.leeds.test", "audience": "leeds", "algorithms": ["EdDSA"],
        "jwks": key.jwk_set(), "mayGrant": ["PROJECT_LEAD", "CURATOR"],
    })
}

fn signed<'a>(host: &'a Host, key: &DevelopmentKey, roles: &[&str]) -> Person<'a> {
    let claims = json!({
        "iss": "https://login.leeds.test", "sub": "ana", "aud": "leeds", "iat": host.now().timestamp(),
        "exp": (host.now() + TimeDelta::hours(1)).timestamp(), "roles": roles,
    });
    Person::with_token(host, key.sign(&claims).unwrap())
}

on_both! {
    async fn a_registered_issuer_grants_what_it_may_at_its_site_until_it_is_revoked(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = DevelopmentKey::generate().unwrap();
        let ana = signed(host, &key, &["leeds:project_lead", "leeds:site_admin", "national:curator"]);
        let viewer = "{ viewer { subject issuer roles { role site { slug } } } }";
        assert_eq!(ana.run(viewer, json!({})).await.code(), "UNAUTHENTICATED");

        let issuer = admin.does("issuerRegister", registration(&key), ISSUER).await.record().clone();

        assert_eq!(issuer["keyIds"], json!([key.kid()]));
        assert_eq!(issuer["jwks"], key.jwk_set());
        assert_eq!(issuer["algorithms"], json!(["EdDSA"]));
        assert_eq!(issuer["mayGrant"], json!(["PROJECT_LEAD", "CURATOR"]));
        assert_eq!((&issuer["rolesClaim"], &issuer["version"]), (&json!("roles"), &json!(1)));
        assert_eq!((&issuer["development"], &issuer["revokedAt"]), (&json!(false), &json!(null)));
        assert_eq!((&issuer["site"]["slug"], &issuer["viewerCan"]), (&json!("leeds"), &json!(["WITHDRAW"])));
        let told = ana.run(viewer, json!({})).await.data()["viewer"].clone();
        assert_eq!(told, json!({
            "subject": "ana", "issuer": "https://login.leeds.test",
            "roles": [{ "role": "PROJECT_LEAD", "site": { "slug": "leeds" } }],
        }));

        let wrong = json!({ "id": issuer["id"], "version": 2 });
        let conflict = admin.does("issuerRevoke", wrong, ISSUER).await;
        assert_eq!((conflict.code(), &conflict.payload()["issuer"]["version"]), ("CONFLICT", &json!(1)));
        let right = json!({ "id": issuer["id"], "version": 1 });
        let revoked = admin.does("issuerRevoke", right, ISSUER).await.record().clone();
        assert_eq!(revoked["revokedAt"], revoked["createdAt"]);
        assert_eq!(ana.run(viewer, json!({})).await.code(), "UNAUTHENTICATED");
        let again = admin.does("issuerRevoke", json!({ "id": issuer["id"], "version": 2 }), ISSUER).await;
        assert_eq!(again.code(), "NOT_ALLOWED_NOW");
        // A revoked registration keeps nobody from registering the issuer anew.
        assert_eq!(admin.does("issuerRegister", registration(&key), ISSUER).await.code(), "OK");
        assert_eq!(ana.run(viewer, json!({})).await.code(), "OK");
    }
}

on_both! {
    async fn issuers_are_the_business_of_the_site_s_admins_alone(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = DevelopmentKey::generate().unwrap();
        let issuer = admin.does("issuerRegister", registration(&key), ISSUER).await.record().clone();
        let shown = admin.run(ISSUERS, json!({ "site": "leeds" })).await;
        assert_eq!(shown.nodes("issuer").len(), 2);

        let strangers = [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&["hull:site_admin", "national:site_admin"]), "FORBIDDEN"),
            (host.person(&["leeds:curator", "leeds:moderator", "leeds:project_lead", "leeds:analyst"]), "FORBIDDEN"),
        ];
        for (stranger, code) in strangers {
            let hidden = stranger.run(ISSUERS, json!({ "site": "leeds" })).await;
            assert_eq!(hidden.data()["issuers"], json!({ "nodes": [], "totalCount": 0 }));
            let node = stranger.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": issuer["id"] })).await;
            assert_eq!(node.data()["node"], json!(null));
            let revoke = json!({ "id": issuer["id"], "version": 1 });
            assert_eq!(stranger.does("issuerRevoke", revoke, ISSUER).await.code(), "NOT_FOUND");
            assert_eq!(stranger.does("issuerRegister", registration(&key), ISSUER).await.code(), code);
        }
        let node = "query($id: ID!) { node(id: $id) { id ... on Issuer { issuer revokedAt } } }";
        let found = admin.run(node, json!({ "id": issuer["id"] })).await;
        let untouched = json!({ "id": issuer["id"], "issuer": issuer["issuer"], "revokedAt": null });
        assert_eq!(found.data()["node"], untouched);
    }
}

on_both! {
    async fn a_registration_with_problems_stores_nothing(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let key = DevelopmentKey::generate().unwrap();
        let secret = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": KEYS[0], "d": KEYS[1] }] }).to_string();
        let nameless = [0, 1].map(|at| json!({ "kty": "OKP", "crv": "Ed25519", "x": KEYS[at] }));
        let cases = [
            (json!({ "issuer": " " }), "REQUIRED issuer"),
            (json!({ "issuer": "i".repeat(256) }), "TOO_LONG issuer"),
            (json!({ "issuer": "https://a\nb" }), "INVALID issuer"),
            (json!({ "issuer": "https://issuer.test", "audience": "https://host.test" }), "TAKEN issuer"),
            (json!({ "audience": "" }), "REQUIRED audience"),
            (json!({ "algorithms": [] }), "REQUIRED algorithms"),
            (json!({ "algorithms": ["ES256", "RS256"] }), "INVALID algorithms"),
            (json!({ "mayGrant": [] }), "REQUIRED mayGrant"),
            (json!({ "rolesClaim": "" }), "REQUIRED rolesClaim"),
            (json!({ "jwks": null }), "REQUIRED jwks"),
            (json!({ "jwks": "{}" }), "INVALID jwks"),
            (json!({ "jwks": secret }), "INVALID jwks"),
            (json!({ "jwks": json!({ "keys": nameless }).to_string() }), "INVALID jwks"),
            (json!({ "jwksUrl": "https://login.leeds.test/keys" }), "INVALID jwksUrl"),
            (json!({ "jwks": null, "jwksUrl": "http://login.leeds.test/keys" }), "INVALID jwksUrl"),
            (json!({ "jwks": null, "jwksUrl": "https://10.0.0.1/keys" }), "INVALID jwksUrl"),
            (json!({ "jwks": null, "jwksUrl": "http://127.0.0.1:8081/keys" }), "INVALID jwksUrl"),
        ];
        for (change, problems) in cases {
            let mut input = registration(&key);
            input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let reply = admin.does("issuerRegister", input, ISSUER).await;
            assert_eq!(reply.problems(), problems, "{change}");
            assert_eq!(reply.payload()["issuer"], json!(null));
        }
        let input = json!({
            "site": "leeds", "issuer": "", "audience": "", "algorithms": [], "mayGrant": [], "rolesClaim": "",
        });
        let all = admin.does("issuerRegister", input, ISSUER).await.problems();
        assert_eq!(all.lines().count(), 6, "{all}");
        let mut input = registration(&key);
        input["site"] = json!("atlantis");
        assert_eq!(admin.does("issuerRegister", input, ISSUER).await.code(), "NOT_FOUND");
        let shown = admin.run(ISSUERS, json!({ "site": "leeds" })).await;
        assert_eq!(shown.nodes("issuer"), ["https://issuer.test"]);
    }
}

on_both! {
    async fn an_issuer_may_publish_its_keys_itself(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let mut input = registration(&DevelopmentKey::generate().unwrap());
        input["jwks"] = json!(null);
        input["jwksUrl"] = json!("https://login.leeds.test/keys");
        input["rolesClaim"] = json!("https://login.leeds.test/roles");

        let issuer = admin.does("issuerRegister", input, ISSUER).await.record().clone();

        assert_eq!((&issuer["jwks"], &issuer["keyIds"]), (&json!(null), &json!([])));
        assert_eq!(issuer["jwksUrl"], "https://login.leeds.test/keys");
        assert_eq!(issuer["rolesClaim"], "https://login.leeds.test/roles");
    }
}

const BOARDS: &str = "\
ods_code,name,opened_on,closed_on,successors
S1Y5D,NHS Central East,2026-04-01,,
D7T5G,NHS Essex,2026-04-01,,
QHG,\"NHS Bedfordshire, Luton and Milton Keynes\",2022-07-01,2026-03-31,S1Y5D
QM7,NHS Hertfordshire and West Essex,2022-07-01,2026-03-31,S1Y5D D7T5G ZZZZZ
";
const ORGANISATIONS: &str = "query($filter: OrganisationFilter, $first: Int) {
    organisations(filter: $filter, first: $first) {
        nodes { odsCode name role openedOn closedOn version visibility site { slug } viewerCan successors { odsCode } }
    }
}";

async fn imports(person: &Person<'_>, site: &str, csv: &str) -> String {
    let input = json!({ "site": site, "csv": csv, "defaultRole": "ICB" });
    let reply = person.does("organisationsImport", input, "imported").await;
    if reply.code() == "OK" {
        reply.record().to_string()
    } else {
        reply.code().to_owned()
    }
}

on_both! {
    async fn a_file_of_organisations_is_taken_in_and_found(host) {
        let admin = host.person(&["national:site_admin"]);
        assert_eq!(imports(&admin, NATIONAL, BOARDS).await, "4");

        let found = |filter: Value| async move {
            host.anonymous().run(ORGANISATIONS, json!({ "filter": filter })).await.nodes("odsCode")
        };
        assert_eq!(found(json!({})).await, ["QHG", "S1Y5D", "D7T5G", "QM7"]);
        assert_eq!(found(json!({ "odsCode": "qm7" })).await, ["QM7"]);
        assert_eq!(found(json!({ "openOn": "2026-03-31" })).await, ["QHG", "QM7"]);
        assert_eq!(found(json!({ "openOn": "2026-04-01" })).await, ["S1Y5D", "D7T5G"]);
        assert_eq!(found(json!({ "search": "essex, WEST" })).await, ["QM7"]);
        assert_eq!(found(json!({ "search": "qhg" })).await, ["QHG"]);
        assert_eq!(found(json!({ "roles": ["GP_PRACTICE"] })).await, Vec::<String>::new());
        assert_eq!(found(json!({ "roles": ["GP_PRACTICE", "ICB"], "search": "luton" })).await, ["QHG"]);
        let filter = json!({ "filter": { "odsCode": "QM7" } });
        let closed = admin.run(ORGANISATIONS, filter).await.data()["organisations"]["nodes"][0].clone();
        assert_eq!(closed, json!({
            "odsCode": "QM7", "name": "NHS Hertfordshire and West Essex", "role": "ICB", "openedOn": "2022-07-01",
            "closedOn": "2026-03-31", "version": 1, "visibility": "PUBLIC", "site": { "slug": "national" },
            "viewerCan": ["EDIT"], "successors": [{ "odsCode": "S1Y5D" }, { "odsCode": "D7T5G" }],
        }));
    }
}

on_both! {
    async fn a_second_import_changes_what_differs_and_nothing_else(host) {
        let admin = host.person(&["national:site_admin"]);
        imports(&admin, NATIONAL, BOARDS).await;

        let changed = "role,name,ods_code\nCHARITY,NHS Essex,D7T5G\nicb,NHS Kent,QKS\n";
        assert_eq!(imports(&admin, NATIONAL, changed).await, "2");
        assert_eq!(imports(&admin, NATIONAL, changed).await, "2");

        let all = host.anonymous().run(ORGANISATIONS, json!({})).await;
        assert_eq!(all.nodes("odsCode"), ["QHG", "S1Y5D", "D7T5G", "QM7", "QKS"]);
        assert_eq!(all.nodes("version"), ["1", "1", "2", "1", "1"]);
        assert_eq!(all.nodes("openedOn")[2], "null");
        assert_eq!(all.nodes("role"), ["ICB", "ICB", "CHARITY", "ICB", "ICB"]);
    }
}

on_both! {
    async fn a_file_with_bad_lines_is_refused_whole(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let national = host.person(&["national:site_admin"]);
        imports(&national, NATIONAL, "ods_code,name\nQOX,NHS Bath\n").await;
        let file = "ods_code,name,opened_on\nQUA,NHS Black Country,\nQU,NHS Short,2022-13-01\nQUY,,\nQOP,\"a\u{1}b\",\n";

        let input = json!({ "site": "leeds", "csv": file, "defaultRole": "ICB" });
        let refused = admin.does("organisationsImport", input, "imported").await;
        assert_eq!(
            refused.problems(),
            "INVALID csv.3.ods_code\nINVALID csv.3.opened_on\nREQUIRED csv.4.name\nINVALID csv.5.name"
        );
        assert_eq!(refused.payload()["imported"], 0);
        assert_eq!(
            refused.payload()["problems"][2]["message"],
            "Line 4, name: This cannot be empty."
        );

        let file = "ods_code,name\nQUA,NHS Black Country\nQOX,NHS Bath\nQUA,NHS Black Country\n";
        let input = json!({ "site": "leeds", "csv": file, "defaultRole": "ICB" });
        let taken = admin.does("organisationsImport", input, "imported").await;
        assert_eq!(taken.problems(), "TAKEN csv.3.ods_code\nTAKEN csv.4.ods_code");
        let input = json!({ "site": "leeds", "csv": "ods_code,name\nQUA,NHS Black Country\n" });
        let role = admin.does("organisationsImport", input, "imported").await;
        assert_eq!(role.problems(), "REQUIRED csv.2.role");
        assert_eq!(host.anonymous().run(ORGANISATIONS, json!({})).await.nodes("odsCode"), ["QOX"]);
    }
}

on_both! {
    async fn organisations_are_entered_by_their_site_s_admins_alone(host) {
        assert_eq!(imports(&host.anonymous(), "leeds", BOARDS).await, "UNAUTHENTICATED");
        assert_eq!(imports(&host.person(&["hull:site_admin"]), "leeds", BOARDS).await, "FORBIDDEN");
        assert_eq!(imports(&host.person(&["leeds:curator", "leeds:analyst"]), "leeds", BOARDS).await, "FORBIDDEN");
        let admin = host.person(&["national:site_admin"]);
        assert_eq!(imports(&admin, "atlantis", BOARDS).await, "NOT_FOUND");
        admin.does("siteAdmit", york(), SITE).await.record();
        assert_eq!(imports(&admin, "york", BOARDS).await, "NOT_HOSTED_HERE");
        assert_eq!(host.anonymous().run(ORGANISATIONS, json!({})).await.nodes("odsCode"), Vec::<String>::new());
    }
}

on_both! {
    async fn successors_cost_one_statement_however_many_there_are(host) {
        let admin = host.person(&["national:site_admin"]);
        let lines = (0..20).map(|number| format!("A{number:02},Board {number:02},B{number:02}\nB{number:02},Next {number:02},\n"));
        let file = format!("ods_code,name,successors\n{}", lines.collect::<String>());
        assert_eq!(imports(&admin, NATIONAL, &file).await, "40");
        let asked = async |first: i32| {
            let before = host.statements();
            let variables = json!({ "first": first, "filter": { "search": "board" } });
            let reply = host.anonymous().run(ORGANISATIONS, variables).await;
            assert_eq!(reply.nodes("successors").len(), usize::try_from(first).unwrap());
            assert!(reply.nodes("successors").iter().all(|next| next.contains("odsCode")));
            host.statements() - before
        };
        assert_eq!(asked(2).await, asked(20).await);
    }
}

const AUDIT: &str = "query($site: String!, $first: Int, $after: String) {
    auditEntries(site: $site, first: $first, after: $after) {
        nodes { id site { slug } at action kind recordId record { id __typename } issuer subject }
        pageInfo { hasNextPage endCursor } totalCount
    }
}";

on_both! {
    async fn a_site_s_admins_read_who_did_what_newest_first(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let lead = host.person(&["leeds:project_lead"]);
        host.server.0.clock.advance(TimeDelta::minutes(1));
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        let project = lead.does("projectCreate", input, "project { id }").await.record().clone();
        host.server.0.clock.advance(TimeDelta::minutes(1));
        let issuer = registration(&DevelopmentKey::generate().unwrap());
        let issuer = admin.does("issuerRegister", issuer, "issuer { id }").await.record().clone();

        let entries = admin.run(AUDIT, json!({ "site": "leeds" })).await;

        assert_eq!(entries.nodes("action"), ["issuerRegister", "projectCreate", "found", "found"]);
        let nodes = entries.data()["auditEntries"]["nodes"].clone();
        assert_eq!(nodes[0]["recordId"], issuer["id"]);
        assert_eq!(nodes[0]["record"], json!({ "id": issuer["id"], "__typename": "Issuer" }));
        assert_eq!((&nodes[0]["kind"], &nodes[1]["kind"]), (&json!("ISSUER"), &json!("PROJECT")));
        assert_eq!(nodes[1]["record"], json!({ "id": project["id"], "__typename": "Project" }));
        assert_eq!(nodes[1]["site"]["slug"], "leeds");
        assert_eq!((&nodes[0]["subject"], &nodes[1]["subject"]), (&json!(admin.subject), &json!(lead.subject)));
        assert_eq!((&nodes[1]["issuer"], &nodes[3]["subject"]), (&json!("https://issuer.test"), &json!(null)));
        let node = "query($id: ID!) { node(id: $id) { id ... on AuditEntry { action } } }";
        let found = admin.run(node, json!({ "id": nodes[0]["id"] })).await;
        assert_eq!(found.data()["node"]["action"], "issuerRegister");

        let page = admin.run(AUDIT, json!({ "site": "leeds", "first": 2 })).await.data()["auditEntries"].clone();
        assert_eq!((&page["pageInfo"]["hasNextPage"], &page["totalCount"]), (&json!(true), &json!(4)));
        let after = &page["pageInfo"]["endCursor"];
        let rest = admin.run(AUDIT, json!({ "site": "leeds", "after": after })).await;
        assert_eq!(rest.nodes("action"), ["found", "found"]);

        for stranger in [host.anonymous(), lead, host.person(&["hull:site_admin", "national:site_admin"])] {
            let hidden = stranger.run(AUDIT, json!({ "site": "leeds" })).await;
            assert_eq!(hidden.data()["auditEntries"]["totalCount"], 0);
            assert_eq!(hidden.nodes("id"), Vec::<String>::new());
            let node = stranger.run(node, json!({ "id": nodes[0]["id"] })).await;
            assert_eq!(node.data()["node"], json!(null));
        }
    }
}

on_both! {
    async fn the_records_of_audit_entries_cost_one_statement_a_kind(host) {
        let admin = host.person(&["leeds:site_admin"]);
        host.server.0.clock.advance(TimeDelta::minutes(1));
        for number in 0..12 {
            let input = json!({ "site": "leeds", "title": format!("Garden {number}"), "summary": "Ours." });
            admin.does("projectCreate", input, "project { id }").await.record();
        }
        let asked = async |first: i32| {
            let before = host.statements();
            let reply = admin.run(AUDIT, json!({ "site": "leeds", "first": first })).await;
            assert!(reply.nodes("record").iter().all(|record| record.contains("project_")));
            host.statements() - before
        };
        assert_eq!(asked(2).await, asked(12).await);
    }
}
