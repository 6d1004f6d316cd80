//! Rows that name what is not there.

use champion_network::federation::sequencer;

use super::*;
use crate::support::on_both;

/// How the database writes this id.
fn uuid(host: &Host, id: &str) -> String {
    if host.settings.database_url.starts_with("sqlite:") {
        format!("X'{}'", id.replace('-', ""))
    } else {
        format!("'{id}'")
    }
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000007";

on_both! {
    async fn a_row_that_names_what_is_not_there_is_found(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        starts(&lead, "leeds", "Garden").await;
        let garden = "'Garden'";
        let measure = json!({
            "site": "leeds", "code": "met", "name": "Met", "definition": "Counted.", "unit": "people", "kind": "COUNT",
            "aggregation": "SUM", "countsPeople": false,
        });
        host.person(&["leeds:analyst"]).does("measureDefine", measure, "measure { id }").await.record();
        assert_eq!(findings(host).await, Vec::<String>::new());

        let nobody = uuid(host, NOBODY);
        suffers(host, &format!("UPDATE project SET owner_id = {nobody} WHERE title = {garden}")).await;
        let found = findings(host).await;
        let owner = format!("owner_id names the champion {NOBODY}, which is not there and was not erased");
        assert!(found.len() == 1 && found[0].starts_with("leeds: project ") && found[0].contains(&owner), "{found:?}");

        suffers(host, &format!("UPDATE project SET owner_id = NULL, cloned_from_id = {nobody} WHERE title = {garden}")).await;
        finds(host, &["leeds: project ", "cloned_from_id names the project"]).await;
    }
}

on_both! {
    async fn a_lead_of_another_site_is_found(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        host.champion(&["hull:project_lead"]).await;
        starts(&lead, "leeds", "Garden").await;
        sequencer::run(&host.server.0).await.unwrap();
        let hull = uuid(host, &id(host, "hull").await.0.to_string());
        suffers(host, &format!("UPDATE project SET owner_id = (SELECT id FROM champion WHERE site_id = {hull})")).await;
        let found = findings(host).await;
        assert!(found.iter().any(|found| found.contains("owner_id names the champion") && found.ends_with("which is a record of hull")), "{found:?}");
    }
}

on_both! {
    async fn what_an_erased_person_wrote_and_led_is_no_fault(host) {
        let ana = host.champion(&["leeds:project_lead"]).await;
        starts(&ana, "leeds", "Garden").await;
        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await;
        let mine = &mine.data()["viewer"]["champion"];
        let input = json!({ "id": mine["id"], "version": mine["version"] });
        let erase = "mutation($input: ChampionEraseInput!) { championErase(input: $input) { problems { code } } }";
        ana.run(erase, json!({ "input": input })).await.data();

        assert_eq!(findings(host).await, Vec::<String>::new());
    }
}
