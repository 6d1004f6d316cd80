//! Releases: made by analysts after disclosure control, corrected by later ones, taken back.

use super::{RELEASES, approved, measure, national, released};
use crate::support::{json, on_both};

const LIST: &str = "query($filter: ReleaseFilter) {
    releases(filter: $filter) { nodes { month revision state value { __typename ... on RoundedValue { value } } } totalCount }
}";

on_both! {
    async fn months_are_released_after_disclosure_control(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        for (day, people) in [
            ("2026-01-15", "0"), ("2026-02-15", "1"), ("2026-03-15", "7"), ("2026-04-15", "8"), ("2026-05-15", "10"),
            ("2026-05-31", "2"),
        ] {
            approved([&ana, &analyst], "leeds", &helped, day, json!({ "value": people })).await;
        }
        let releases = released(&analyst, "leeds", &helped, "2026-01-01", "2026-05-31").await;
        let told: Vec<_> = releases.as_array().unwrap().iter().map(|release| {
            let value = &release["value"];
            format!("{} {} {}", release["month"].as_str().unwrap(), value["__typename"].as_str().unwrap(), value["rounded"])
        }).collect();
        assert_eq!(told, [
            "2026-01-01 RoundedValue \"0\"",
            "2026-02-01 SuppressedValue null",
            "2026-03-01 SuppressedValue null",
            "2026-04-01 RoundedValue \"10\"",
            "2026-05-01 RoundedValue \"10\"",
        ]);
        assert_eq!(releases[1]["value"]["profile"], "NHS_HES_2018");
        assert_eq!(releases[0]["value"]["base"], 5);
        // As released for everybody: those who approved the figures see the same.
        let reply = host.anonymous().run(LIST, json!({})).await;
        assert_eq!(reply.data(), analyst.run(LIST, json!({})).await.data());
        assert_eq!(reply.nodes("month")[0], "2026-05-01");
    }
}

on_both! {
    async fn both_parts_of_a_coverage_of_people_are_disclosed_together(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let people = measure(&analyst, "leeds", "follow-ups", ["COVERAGE", "LATEST"], true).await["id"].clone();
        let practices = measure(&analyst, "leeds", "practices", ["COVERAGE", "LATEST"], false).await["id"].clone();
        for (day, some, all) in [("2026-03-10", "7", "81"), ("2026-04-10", "61", "78"), ("2026-05-10", "0", "7")] {
            let figure = json!({ "numerator": some, "denominator": all });
            approved([&ana, &analyst], "leeds", &people, day, figure.clone()).await;
            approved([&ana, &analyst], "leeds", &practices, day, figure).await;
        }
        let releases = released(&analyst, "leeds", &people, "2026-03-01", "2026-05-01").await;
        assert_eq!(releases[0]["value"]["__typename"], "SuppressedValue");
        assert_eq!((&releases[1]["value"]["some"], &releases[1]["value"]["all"]), (&json!("60"), &json!("80")));
        assert_eq!(releases[1]["value"]["rounded"], "0.75");
        assert_eq!(releases[2]["value"]["__typename"], "SuppressedValue");
        let releases = released(&analyst, "leeds", &practices, "2026-03-01", "2026-03-31").await;
        assert_eq!(releases[0]["value"]["numerator"], "7");
    }
}

on_both! {
    async fn a_correction_supersedes_and_an_unchanged_month_stays(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        approved([&ana, &analyst], "leeds", &helped, "2026-04-15", json!({ "value": "12" })).await;
        approved([&ana, &analyst], "leeds", &helped, "2026-05-15", json!({ "value": "10" })).await;
        let first = released(&analyst, "leeds", &helped, "2026-04-01", "2026-05-01").await;
        // 12 and 11 are both published as 10, so nothing is to be said of the change.
        approved([&ana, &analyst], "leeds", &helped, "2026-05-16", json!({ "value": "1" })).await;
        let second = released(&analyst, "leeds", &helped, "2026-04-01", "2026-05-01").await;
        assert_eq!(first, second);

        approved([&ana, &analyst], "leeds", &helped, "2026-05-16", json!({ "value": "5" })).await;
        let third = released(&analyst, "leeds", &helped, "2026-04-01", "2026-05-01").await;
        assert_eq!(third[0], first[0]);
        assert_eq!((&third[1]["revision"], &third[1]["state"]), (&json!(2), &json!("CURRENT")));
        assert_eq!(third[1]["supersedes"]["id"], first[1]["id"]);
        let may = json!({ "filter": { "from": "2026-05-01", "sites": ["leeds"], "measure": helped } });
        let reply = host.anonymous().run(LIST, may).await;
        assert_eq!(reply.nodes("state"), ["SUPERSEDED", "CURRENT"]);

        let withdraw = json!({ "id": third[1]["id"], "version": 1 });
        assert_eq!(host.person(&["leeds:site_admin"]).does("impactReleaseWithdraw", withdraw.clone(), RELEASES).await.record()[0]["state"], "WITHDRAWN");
        assert_eq!(host.anonymous().run(LIST, json!({ "filter": { "from": "2026-05-01" } })).await.nodes("state"), ["SUPERSEDED"]);
        assert_eq!(analyst.run(LIST, json!({ "filter": { "states": ["WITHDRAWN"] } })).await.nodes("revision"), ["2"]);
        let again = released(&analyst, "leeds", &helped, "2026-05-01", "2026-05-01").await;
        assert_eq!((&again[0]["revision"], &again[0]["supersedes"]), (&json!(3), &json!(null)));
    }
}

on_both! {
    async fn only_analysts_and_admins_release_and_only_whole_months_that_have_ended(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        approved([&ana, &analyst], "leeds", &helped, "2026-06-15", json!({ "value": "12" })).await;
        let months = |from: &str, to: &str| json!({ "site": "leeds", "measure": helped, "from": from, "to": to });
        for (person, code) in [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&["leeds:project_lead"]), "FORBIDDEN"),
            (host.person(&["hull:analyst"]), "FORBIDDEN"),
        ] {
            assert_eq!(person.does("impactRelease", months("2026-05-01", "2026-05-01"), RELEASES).await.code(), code);
        }
        for (from, to, problems) in [
            ("2026-05-02", "2026-05-15", "INVALID from\nINVALID to"),
            ("2026-05-01", "2026-04-01", "INVALID to"),
            ("2026-06-01", "2026-06-01", "INVALID to"),
            ("2021-05-01", "2026-05-01", "INVALID to"),
        ] {
            assert_eq!(analyst.does("impactRelease", months(from, to), RELEASES).await.problems(), problems, "{from}");
        }
        let none = analyst.does("impactRelease", months("2021-06-01", "2026-05-01"), RELEASES).await;
        assert_eq!(none.record(), &json!([]));
        let theirs = measure(&host.person(&["hull:analyst"]), "hull", "calls", ["COUNT", "SUM"], false).await;
        let input = json!({ "site": "leeds", "measure": theirs["id"], "from": "2026-05-01", "to": "2026-05-01" });
        assert_eq!(analyst.does("impactRelease", input, RELEASES).await.problems(), "INVALID measure");
    }
}

on_both! {
    async fn releases_show_by_their_visibility_and_are_withdrawn_once(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
        approved([&ana, &analyst], "leeds", &helped, "2026-04-15", json!({ "value": "12" })).await;
        let months = json!({ "site": "leeds", "measure": helped, "from": "2026-04-01", "to": "2026-04-01" });
        let network = analyst.does("impactRelease", months, RELEASES).await.record()[0].clone();
        assert_eq!(network["visibility"], "NETWORK");
        let hull = host.person(&["hull:champion"]);
        assert_eq!(hull.run(LIST, json!({})).await.nodes("revision"), ["1"]);
        assert_eq!(host.anonymous().run(LIST, json!({})).await.nodes("revision"), Vec::<String>::new());
        let input = json!({ "id": network["id"], "version": 1 });
        assert_eq!(host.anonymous().does("impactReleaseWithdraw", input.clone(), RELEASES).await.code(), "NOT_FOUND");
        assert_eq!(hull.does("impactReleaseWithdraw", input.clone(), RELEASES).await.code(), "FORBIDDEN");
        let public = released(&analyst, "leeds", &helped, "2026-04-01", "2026-04-01").await;
        assert_eq!((&public[0]["revision"], &public[0]["visibility"]), (&json!(2), &json!("PUBLIC")));
        assert_eq!(analyst.does("impactReleaseWithdraw", input, RELEASES).await.code(), "CONFLICT");
        let old = json!({ "id": network["id"], "version": 2 });
        assert_eq!(analyst.does("impactReleaseWithdraw", old, RELEASES).await.code(), "NOT_ALLOWED_NOW");
        let input = json!({ "id": public[0]["id"], "version": 1 });
        analyst.does("impactReleaseWithdraw", input, RELEASES).await.record();
        let input = json!({ "id": public[0]["id"], "version": 2 });
        assert_eq!(analyst.does("impactReleaseWithdraw", input, RELEASES).await.code(), "NOT_ALLOWED_NOW");
    }
}
