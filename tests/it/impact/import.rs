//! Observations from a spreadsheet: all lines or none.

use super::{measure, national};
use crate::support::{json, on_both};

const PAYLOAD: &str = "imported";
const LIST: &str = "{ observations(site: \"leeds\") { nodes {
    value numerator denominator observedOn note breakdown { dimension value } project { slug } measure { site { slug } }
} } }";

on_both! {
    async fn a_file_is_imported_whole(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        national(host, "people-helped", ["COUNT", "SUM"], true).await;
        national(host, "practices", ["COVERAGE", "LATEST"], false).await;
        measure(&analyst, "leeds", "practices", ["COVERAGE", "LATEST"], false).await;
        let admin = host.person(&["leeds:site_admin"]);
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours." });
        admin.does("projectCreate", input, "project { id }").await.record();
        let csv = "measure,project,observed_on,value,numerator,denominator,breakdown,note\r\n\
            people-helped,garden,2026-05-04,12,,,channel=Ward; service=records,\"At the door,\nby hand.\"\r\n\
            practices,,2026-05-03,,60,81,,\r\n";

        let input = json!({ "site": "leeds", "csv": csv });
        let reply = ana.does("observationsImport", input.clone(), PAYLOAD).await;
        assert_eq!(reply.record(), &json!(2));
        let listed = analyst.run(LIST, json!({})).await;
        let nodes = &listed.data()["observations"]["nodes"];
        assert_eq!(nodes[0]["note"], "At the door,\nby hand.");
        assert_eq!(nodes[0]["project"]["slug"], "garden");
        assert_eq!(nodes[0]["breakdown"][1], json!({ "dimension": "service", "value": "records" }));
        assert_eq!((&nodes[1]["numerator"], &nodes[1]["denominator"]), (&json!("60"), &json!("81")));
        assert_eq!(nodes[1]["measure"]["site"]["slug"], "leeds");

        let query = "mutation($input: ObservationsImportInput!) { observationsImport(input: $input) { imported } }";
        let key = [("idempotency-key", "file")];
        for _ in 0..2 {
            let reply = ana.run_with(query, json!({ "input": input }), &key).await;
            assert_eq!(reply.payload()["imported"], 2);
        }
        let count = analyst.run("{ observations(site: \"leeds\") { totalCount } }", json!({})).await;
        assert_eq!(count.data()["observations"]["totalCount"], 4);
    }
}

on_both! {
    async fn every_bad_line_is_told_and_nothing_is_stored(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        national(host, "people-helped", ["COUNT", "SUM"], true).await;
        measure(&host.person(&["hull:analyst"]), "hull", "theirs", ["COUNT", "SUM"], false).await;
        let csv = "measure,project,observed_on,value,breakdown\n\
            people-helped,,2026-05-04,12,\n\
            theirs,park,2026-5-4,twelve,ward\n\
            \n\
            people-helped,,2026-06-16,1.5,\n\
            people-helped,,2026-05-04\n\
            ,,,,\n";
        let reply = ana.does("observationsImport", json!({ "site": "leeds", "csv": csv }), PAYLOAD).await;
        assert_eq!(
            reply.problems().lines().collect::<Vec<_>>(),
            [
                "INVALID csv.3.measure",
                "INVALID csv.3.project",
                "INVALID csv.3.observed_on",
                "INVALID csv.3.value",
                "INVALID csv.3.breakdown",
                "INVALID csv.5.value",
                "INVALID csv.5.observed_on",
                "INVALID csv.6",
                "REQUIRED csv.7.measure",
                "REQUIRED csv.7.observed_on",
            ]
        );
        assert_eq!(reply.payload()["imported"], 0);
        let first = reply.payload()["problems"][0]["message"].as_str().unwrap();
        assert!(first.starts_with("Line 3, measure: "), "{first}");
        let count = ana.run("{ observations(site: \"leeds\") { totalCount } }", json!({})).await;
        assert_eq!(count.data()["observations"]["totalCount"], 0);
    }
}

on_both! {
    async fn only_champions_of_the_site_import(host) {
        let csv = "measure,observed_on,value\npeople-helped,2026-05-04,12\n";
        let input = json!({ "site": "leeds", "csv": csv });
        for (person, code) in [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&["hull:analyst"]), "FORBIDDEN"),
            (host.person(&["leeds:analyst"]), "NOT_ALLOWED_NOW"),
        ] {
            assert_eq!(person.does("observationsImport", input.clone(), PAYLOAD).await.code(), code);
        }
        let ana = host.champion(&["leeds:champion"]).await;
        let long = format!("measure,observed_on,value\n{}", "x,2026-05-04,1\n".repeat(5_001));
        let reply = ana.does("observationsImport", json!({ "site": "leeds", "csv": long }), PAYLOAD).await;
        assert_eq!(reply.problems(), "TOO_LONG csv");
    }
}
