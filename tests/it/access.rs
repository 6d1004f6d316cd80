//! The sweep: every root field, every mutation and every nested edge, asked by people who must not see or change what
//! they find there. The schema itself says what there is to ask, so that nothing new is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use entity::audit_entry;
use sea_orm::{EntityTrait, PaginatorTrait};

use crate::support::{Host, Person, Value, json, on_both};

/// Stands in every text that members of the site may read and nobody else.
const MEMBERS_ONLY: &str = "hush";
/// Stands in every text that not even all members may read.
const FEW_ONLY: &str = "whisper";

on_both! {
    async fn what_a_caller_may_not_see_is_nowhere(host) {
        let seeds = Seeds::plant(host).await;
        let schema = Schema::read(host).await;
        let member = host.champion(&["leeds:champion"]).await;
        let outsiders = [host.anonymous(), host.person(&[]), host.champion(&["hull:champion"]).await, host.person(&["hull:site_admin"])];
        let admin = host.person(&["leeds:site_admin", "leeds:moderator"]);
        let mut seen_by_admin = BTreeSet::new();
        for (field, query) in schema.queries(&seeds) {
            for outsider in &outsiders {
                let told = outsider.run(&query, json!({})).await.0;
                assert_no_trace(&field, &told, &[MEMBERS_ONLY, FEW_ONLY], &seeds.hidden);
            }
            let told = member.run(&query, json!({})).await.0;
            assert_no_trace(&field, &told, &[FEW_ONLY], &[]);
            let told = admin.run(&query, json!({})).await.0.to_string();
            if told.contains(MEMBERS_ONLY) || told.contains(FEW_ONLY) {
                seen_by_admin.insert(field);
            }
        }
        // The sweep would find something if there were something to find.
        for field in ["node", "nodes", "project", "projects", "champions", "resource", "resources", "space", "spaces",
            "threads", "reports", "observations", "supportSessions", "issuers", "site", "sites", "proposals"]
        {
            assert!(seen_by_admin.contains(field), "{field} shows the admin nothing: {seen_by_admin:?}");
        }
    }
}

on_both! {
    async fn no_mutation_is_open_to_callers_without_the_right(host) {
        let seeds = Seeds::plant(host).await;
        let schema = Schema::read(host).await;
        let inputs = seeds.inputs();
        let known: BTreeSet<_> = inputs.keys().map(|name| (*name).to_owned()).collect();
        let served: BTreeSet<_> = schema.fields("Mutation").iter().map(|field| text(&field["name"])).collect();
        assert_eq!(served, known, "every mutation stands in the table of this test");

        let weak = host.champion(&["leeds:champion"]).await;
        let stranger = host.champion(&["hull:champion"]).await;
        let foreign_admin = host.person(&["hull:site_admin", "hull:curator", "hull:moderator", "hull:analyst"]);
        let before = audit_entry::Entity::find().count(host.server.0.reader()).await.unwrap();
        let mut wrong = Vec::new();
        for (mutation, (input, open_to)) in &inputs {
            let mut ask = async |person: &Person<'_>, who: &str, refusals: [&str; 2]| {
                let reply = person.does(mutation, input.clone(), "__typename").await;
                if !refusals.contains(&reply.code()) {
                    wrong.push(format!("{mutation} {who}: {}", reply.0));
                }
            };
            ask(&host.anonymous(), "as nobody", ["UNAUTHENTICATED", "NOT_FOUND"]).await;
            if *open_to == OpenTo::Anyone {
                continue;
            }
            for person in [&stranger, &foreign_admin] {
                ask(person, "from elsewhere", ["FORBIDDEN", "NOT_FOUND"]).await;
            }
            if *open_to == OpenTo::Few {
                ask(&weak, "as a champion", ["FORBIDDEN", "NOT_FOUND"]).await;
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let after = audit_entry::Entity::find().count(host.server.0.reader()).await.unwrap();
        assert_eq!(before, after, "something was changed");
    }
}

fn assert_no_trace(field: &str, told: &Value, marks: &[&str], ids: &[String]) {
    for error in told["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        assert!(
            ["NOT_FOUND", "FORBIDDEN", "UNAUTHENTICATED"].contains(&code),
            "{field}: {error}"
        );
    }
    let told = told["data"].to_string();
    for trace in marks.iter().copied().chain(ids.iter().map(String::as_str)) {
        if let Some(at) = told.find(trace) {
            panic!(
                "{field} tells {trace}: …{}",
                &told[at.saturating_sub(300)..(at + 60).min(told.len())]
            );
        }
    }
}

/// Whom a mutation on something of Leeds is open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenTo {
    /// Everybody with a token.
    Anyone,
    /// Every champion of the site.
    Champions,
    /// Some roles or owners only.
    Few,
}

/// One record of every kind at Leeds that Hull must not see.
struct Seeds {
    ids: BTreeMap<&'static str, String>,
    versions: BTreeMap<&'static str, i64>,
    /// The ids that outsiders must not meet.
    hidden: Vec<String>,
}

impl Seeds {
    async fn plant(host: &Host) -> Self {
        let mut seeds = Self {
            ids: BTreeMap::new(),
            versions: BTreeMap::new(),
            hidden: Vec::new(),
        };
        let roles =
            ["site_admin", "project_lead", "curator", "moderator", "analyst"].map(|role| format!("leeds:{role}"));
        let all: Vec<&str> = roles.iter().map(String::as_str).collect();
        let (ana, ben) = (host.champion(&all).await, host.champion(&all).await);
        let me = ana
            .run("{ viewer { champion { id version } } }", json!({}))
            .await
            .data()["viewer"]["champion"]
            .clone();
        seeds.hide("champion", &me);
        let card = json!({
            "id": me["id"], "version": me["version"], "visibility": "SITE", "displayName": "hush Ana",
            "bio": "hush", "email": "whisper@example.org",
        });
        ana.does("championUpdate", card, "champion { id }").await.record();
        seeds.library(&ana, &ben).await;
        seeds.programme(&ana, &ben).await;
        seeds.talk(&ana, &ben, &me["id"]).await;
        seeds.figures(&ana).await;
        let jwks = host.key().jwk_set();
        let issuer = json!({
            "site": "leeds", "issuer": "https://whisper.test", "audience": "whisper", "algorithms": ["EdDSA"],
            "jwks": jwks, "mayGrant": ["CHAMPION"],
        });
        let issuer = ana.does("issuerRegister", issuer, "issuer { id }").await;
        seeds.hide("issuer", issuer.record());
        let version = "query($id: ID!) { node(id: $id) { ... on Record { version } } }";
        for (kind, id) in seeds.ids.clone() {
            let found = ana.run(version, json!({ "id": id })).await;
            if let Some(version) = found.data()["node"]["version"].as_i64() {
                seeds.versions.insert(kind, version);
            }
        }
        seeds
    }

    async fn programme(&mut self, ana: &Person<'_>, ben: &Person<'_>) {
        let project = json!({ "site": "leeds", "title": "hush project", "summary": "hush", "question": "hush" });
        let project = ana
            .does("projectCreate", project, "project { id version }")
            .await
            .record()
            .clone();
        self.hide("project", &project);
        let steps = json!({ "id": project["id"], "version": 1, "milestones": [{ "title": "hush" }] });
        ana.does("projectSetMilestones", steps, "project { id }").await.record();
        let session = json!({
            "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
            "condition": "whisper",
        });
        let session = ben.does("supportSessionRecord", session, "supportSession { id }").await;
        self.hide("session", session.record());
    }

    async fn library(&mut self, ana: &Person<'_>, ben: &Person<'_>) {
        let resource = json!({
            "site": "leeds", "title": "hush guide", "summary": "hush", "body": "hush", "type": "GUIDE",
            "topics": ["hush"], "language": "en", "licence": "OGL-UK-3.0", "visibility": "SITE",
        });
        let made = ana
            .does("resourceCreate", resource, "resource { id version }")
            .await
            .record()
            .clone();
        self.hide("resource", &made);
        let mut version = made["version"].clone();
        for (person, step, more) in [
            (ana, "resourceSubmit", json!({})),
            (ben, "resourceReview", json!({ "verdict": "APPROVE" })),
            (ben, "resourcePublish", json!({})),
        ] {
            let mut input = json!({ "id": made["id"], "version": version });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            version = person.does(step, input, "resource { version }").await.record()["version"].clone();
        }
        let proposal = json!({ "resource": made["id"], "reason": "hush" });
        let proposal = ana.does("resourcePropose", proposal, "proposal { id }").await;
        self.hide("proposal", proposal.record());
        let edit = json!({ "id": made["id"], "version": version, "title": "whisper guide", "body": "whisper" });
        ana.does("resourceUpdate", edit, "resource { id }").await.record();
    }

    async fn talk(&mut self, ana: &Person<'_>, ben: &Person<'_>, me: &Value) {
        let space =
            json!({ "site": "leeds", "name": "hush room", "about": "hush", "access": "OPEN", "visibility": "SITE" });
        let space = ana.does("spaceCreate", space, "space { id }").await.record()["id"].clone();
        self.hide("space", &json!({ "id": space }));
        let closed = json!({ "site": "leeds", "name": "whisper room", "about": "whisper", "access": "CLOSED", "visibility": "SITE" });
        let closed = ana
            .does("spaceCreate", closed, "space { id version }")
            .await
            .record()
            .clone();
        let member = json!({ "id": closed["id"], "version": closed["version"], "champion": me });
        ana.does("spaceAddMember", member, "space { id }").await.record();
        for (space, word) in [(&closed["id"], FEW_ONLY), (&space, MEMBERS_ONLY)] {
            let thread = json!({ "space": space, "title": format!("{word} thread"), "body": word, "tags": [word] });
            let thread = ana.does("threadStart", thread, "thread { id }").await.record()["id"].clone();
            let post = json!({ "thread": thread, "body": word });
            let post = ana.does("postCreate", post, "post { id }").await.record()["id"].clone();
            self.hide("thread", &json!({ "id": thread }));
            self.hide("post", &json!({ "id": post }));
        }
        let report = json!({ "id": self.ids["post"], "reason": "whisper" });
        let report = ben.does("postReport", report, "report { id }").await;
        self.hide("report", report.record());
    }

    async fn figures(&mut self, ana: &Person<'_>) {
        let measure = json!({
            "site": "leeds", "code": "people-helped", "name": "People helped", "definition": "Counted.",
            "unit": "people", "kind": "COUNT", "aggregation": "SUM", "countsPeople": true,
        });
        let measure = ana.does("measureDefine", measure, "measure { id }").await;
        self.ids.insert("measure", text(&measure.record()["id"]));
        let observation = json!({
            "site": "leeds", "measure": self.ids["measure"], "observedOn": "2026-04-02", "value": "12", "note": "whisper",
        });
        let observation = ana.does("observationRecord", observation, "observation { id }").await;
        self.hide("observation", observation.record());
    }

    fn hide(&mut self, kind: &'static str, record: &Value) {
        let id = text(&record["id"]);
        self.hidden.push(id.clone());
        self.ids.insert(kind, id);
    }

    /// An input for every mutation, on something of Leeds, and whom that is open to.
    fn inputs(&self) -> BTreeMap<&'static str, (Value, OpenTo)> {
        use OpenTo::{Anyone, Champions, Few};
        let id = |kind: &str| self.ids[kind].clone();
        let at = |kind: &str| json!({ "id": id(kind), "version": self.versions.get(kind).unwrap_or(&1) });
        let with = |kind: &str, more: Value| {
            let mut input = at(kind);
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let card = json!({ "site": "leeds", "displayName": "Eve", "kind": "STAFF" });
        [
            ("siteAdmit", json!({ "slug": "york", "name": "York", "kind": "REGIONAL", "publicKey": key }), Few),
            ("siteSuspend", json!({ "site": "leeds", "reason": "No." }), Few),
            ("siteReinstate", json!({ "site": "leeds", "reason": "Yes." }), Few),
            ("issuerRegister", json!({
                "site": "leeds", "issuer": "https://eve.test", "audience": "x", "algorithms": ["EdDSA"],
                "jwksUrl": "https://eve.test/keys", "mayGrant": ["SITE_ADMIN"],
            }), Few),
            ("issuerRevoke", at("issuer"), Few),
            ("organisationsImport", json!({ "site": "leeds", "csv": "ods_code,name\nABC,Eve's" }), Few),
            ("projectCreate", json!({ "site": "leeds", "title": "Mine", "summary": "Mine." }), Few),
            ("projectUpdate", with("project", json!({ "title": "Mine" })), Few),
            ("projectSetStatus", with("project", json!({ "status": "ACTIVE" })), Few),
            ("projectSetMilestones", with("project", json!({ "milestones": [] })), Few),
            ("projectSetTargets", with("project", json!({ "targets": [] })), Few),
            ("projectAddChampion", with("project", json!({ "champion": id("champion") })), Few),
            ("projectRemoveChampion", with("project", json!({ "champion": id("champion") })), Few),
            ("championRegister", card.clone(), Anyone),
            ("championInvite", card, Few),
            ("championClaim", json!({ "code": "AAAA-AAAA-AAAA-AAAA" }), Anyone),
            ("championUpdate", with("champion", json!({ "displayName": "Mine" })), Few),
            ("championSetStatus", with("champion", json!({ "status": "STOOD_DOWN" })), Few),
            ("supportSessionRecord", json!({
                "site": "leeds", "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
            }), Champions),
            ("supportSessionUpdate", with("session", json!({ "minutes": 5 })), Few),
            ("supportSessionDecide", with("session", json!({ "approve": true })), Few),
            ("resourceCreate", json!({
                "site": "leeds", "title": "Mine", "summary": "Mine.", "type": "GUIDE", "language": "en",
                "licence": "OGL-UK-3.0",
            }), Champions),
            ("resourceUpdate", with("resource", json!({ "title": "Mine" })), Few),
            ("resourceSubmit", at("resource"), Few),
            ("resourceReview", with("resource", json!({ "verdict": "APPROVE" })), Few),
            ("resourcePublish", at("resource"), Few),
            ("resourceWithdraw", at("resource"), Few),
            ("resourceOverlaySet", json!({ "site": "leeds", "resource": id("resource"), "hidden": true }), Few),
            ("resourceOverlayClear", json!({ "site": "leeds", "resource": id("resource") }), Few),
            ("resourcePropose", json!({ "resource": id("resource"), "reason": "Mine." }), Few),
            ("resourceProposalDecide", json!({ "id": id("proposal"), "accept": true }), Few),
            ("resourceProposalWithdraw", json!({ "id": id("proposal") }), Few),
            ("spaceCreate", json!({ "site": "leeds", "name": "Mine", "about": "Mine.", "access": "OPEN", "visibility": "SITE" }), Few),
            ("spaceUpdate", with("space", json!({ "name": "Mine" })), Few),
            ("spaceAddMember", with("space", json!({ "champion": id("champion") })), Few),
            ("spaceRemoveMember", with("space", json!({ "champion": id("champion") })), Few),
            ("threadStart", json!({ "space": id("space"), "title": "Mine", "body": "Mine." }), Champions),
            ("threadEdit", with("thread", json!({ "title": "Mine" })), Few),
            ("threadWithdraw", at("thread"), Few),
            ("threadSetState", json!({ "id": id("thread"), "state": "HIDDEN", "reason": "Mine." }), Few),
            ("threadMove", json!({ "id": id("thread"), "space": id("space"), "reason": "Mine." }), Few),
            ("threadAccept", json!({ "id": id("thread"), "post": id("post") }), Few),
            ("postCreate", json!({ "thread": id("thread"), "body": "Mine." }), Champions),
            ("postEdit", with("post", json!({ "body": "Mine." })), Few),
            ("postWithdraw", at("post"), Few),
            ("postModerate", json!({ "id": id("post"), "state": "HIDDEN", "reason": "Mine." }), Few),
            ("postReport", json!({ "id": id("post"), "reason": "Mine." }), Champions),
            ("reportClose", with("report", json!({ "outcome": "Mine." })), Few),
            ("measureDefine", json!({
                "site": "leeds", "code": "mine", "name": "Mine", "definition": "Mine.", "unit": "x", "kind": "COUNT",
                "aggregation": "SUM", "countsPeople": false,
            }), Few),
            ("measureUpdate", with("measure", json!({ "name": "Mine" })), Few),
            ("observationRecord", json!({
                "site": "leeds", "measure": id("measure"), "observedOn": "2026-04-02", "value": "1",
            }), Champions),
            ("observationUpdate", with("observation", json!({ "value": "1" })), Few),
            ("observationsImport", json!({ "site": "leeds", "csv": "measure,observed_on,value\npeople-helped,2026-04-02,1" }), Champions),
            ("observationDecide", json!({ "id": id("observation"), "approve": true }), Few),
            ("impactRelease", json!({
                "site": "leeds", "measure": id("measure"), "from": "2026-04-01", "to": "2026-04-30", "visibility": "PUBLIC",
            }), Few),
            ("impactReleaseWithdraw", json!({ "id": "release_01h455vb4pex5vsknk084sn02q", "version": 1 }), Few),
        ]
        .into_iter()
        .map(|(name, input, open_to)| (name, (input, open_to)))
        .collect()
    }
}

/// The schema as it describes itself.
struct Schema {
    types: BTreeMap<String, Value>,
}

const INTROSPECTION: &str = "{ __schema { types { name kind possibleTypes { name }
    fields { name args { name defaultValue type { ...T } } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl Schema {
    async fn read(host: &Host) -> Self {
        let reply = host.anonymous().run(INTROSPECTION, json!({})).await;
        let types = reply.data()["__schema"]["types"].as_array().unwrap().clone();
        Self {
            types: types.into_iter().map(|of| (text(&of["name"]), of)).collect(),
        }
    }

    fn fields(&self, of: &str) -> Vec<Value> {
        self.types[of]["fields"].as_array().cloned().unwrap_or_default()
    }

    /// For every root field the queries that ask it for all that hangs below.
    fn queries(&self, seeds: &Seeds) -> Vec<(String, String)> {
        let mut queries = Vec::new();
        for field in self.fields("Query") {
            let name = text(&field["name"]);
            for arguments in self.arguments(&field, seeds) {
                // As deep as fits into one document.
                let fits = |query: &String| query.split(' ').count() < 3_000;
                let mut depths = (0..=2).rev().map(|depth| {
                    let below = self.selection(&named(&field["type"]), depth, seeds);
                    format!("{{ {name}{arguments} {below} }}")
                });
                let query = depths.find(fits).expect("a query of leaves fits");
                queries.push((name.clone(), query));
            }
        }
        queries
    }

    /// The ways to fill the needed arguments of a field: one for each seed where it takes an id.
    fn arguments(&self, field: &Value, seeds: &Seeds) -> Vec<String> {
        let mut ways = vec![String::new()];
        for argument in field["args"].as_array().unwrap() {
            let needed = argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null();
            let name = text(&argument["name"]);
            let values: Vec<String> = match name.as_str() {
                _ if !needed => continue,
                "site" => vec!["\"leeds\"".to_owned()],
                "slug" if field["name"] == "site" => vec!["\"leeds\"".to_owned()],
                "slug" => vec![
                    "\"hush-project\"".to_owned(),
                    "\"hush-guide\"".to_owned(),
                    "\"hush-room\"".to_owned(),
                    "\"whisper-room\"".to_owned(),
                ],
                "id" => seeds.ids.values().map(|id| format!("\"{id}\"")).collect(),
                "ids" => vec![format!(
                    "[{}]",
                    seeds
                        .ids
                        .values()
                        .map(|id| format!("\"{id}\""))
                        .collect::<Vec<_>>()
                        .join(", ")
                )],
                "measure" => vec![format!("\"{}\"", seeds.ids["measure"])],
                "from" => vec!["\"2026-01-01\"".to_owned()],
                "to" => vec!["\"2026-05-31\"".to_owned()],
                other => panic!("say here how to fill the argument {other} of {}", field["name"]),
            };
            ways = ways
                .iter()
                .flat_map(|way| {
                    values
                        .iter()
                        .map(|value| format!("{way} {name}: {value}"))
                        .collect::<Vec<_>>()
                })
                .collect();
        }
        ways.into_iter()
            .map(|way| if way.is_empty() { way } else { format!("({way})") })
            .collect()
    }

    /// Everything below a type, `depth` records deep. Connections and edges do not count.
    fn selection(&self, of: &str, depth: usize, seeds: &Seeds) -> String {
        let kind = text(&self.types[of]["kind"]);
        if matches!(kind.as_str(), "SCALAR" | "ENUM") {
            return String::new();
        }
        let mut parts = vec!["__typename".to_owned()];
        for (number, possible) in self.types[of]["possibleTypes"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let possible = text(&possible["name"]);
            // Fields of the same name have other arguments and types on other types, so each gets names of its own.
            let below = self.fields_of(&possible, depth, seeds, &format!("t{number}_"));
            parts.push(format!("... on {possible} {{ {} }}", below.join(" ")));
        }
        if kind == "OBJECT" {
            parts.extend(self.fields_of(of, depth, seeds, ""));
        }
        format!("{{ {} }}", parts.join(" "))
    }

    fn fields_of(&self, of: &str, depth: usize, seeds: &Seeds, prefix: &str) -> Vec<String> {
        let wrapper = of.ends_with("Connection");
        let mut parts = Vec::new();
        for field in self.fields(of) {
            let (name, below) = (text(&field["name"]), named(&field["type"]));
            let leaf = matches!(self.types[&below]["kind"].as_str(), Some("SCALAR" | "ENUM"));
            if (wrapper && name == "edges") || (!leaf && !wrapper && depth == 0) {
                continue;
            }
            let deeper = if wrapper || leaf { depth } else { depth - 1 };
            let alias = if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}{name}: ")
            };
            let arguments = self.arguments(&field, seeds).remove(0);
            parts.push(format!(
                "{alias}{name}{arguments} {}",
                self.selection(&below, deeper, seeds)
            ));
        }
        parts
    }
}

/// The name of a type behind its lists and non-nulls.
fn named(of: &Value) -> String {
    of["name"].as_str().map_or_else(|| named(&of["ofType"]), str::to_owned)
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}
