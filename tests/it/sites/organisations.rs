//! Organisations: taken in from files, found by name, code and day.

use super::{SITE, york};
use crate::support::{NATIONAL, Person, Value, json, on_both};

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
        imports(&host.person(&["leeds:site_admin"]), "leeds", "ods_code,name\nW1M,Bwrdd Ynys Môn\n").await;
        assert_eq!(found(json!({ "search": "môn" })).await, ["W1M"]);
        assert_eq!(found(json!({ "search": "Ynys MO\u{302}N" })).await, ["W1M"]);
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
