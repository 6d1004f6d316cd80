//! Disclosure control attacked: by everybody who has only the API, with all that it says in any way, over and over. A hidden
//! figure (suppressed, or rounded and not 0) keeps at least four values that it may have, and the truth is among them.
//!
//! The rules stand in `docs/disclosure.md`. What is tried here: figures collected by [`attacker`] and narrowed by
//! [`knowledge`], in worlds made for one attack, in seeded worlds ([`seeded`]), and in whole small worlds ([`arithmetic`]).

mod arithmetic;
mod attacker;
mod knowledge;
mod seeded;
mod told;
mod world;

use champion_network::config::Settings;
use entity::{ImpactMeasureId, impact_measure};
use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel};

use super::{approved, measure, national, released};
use crate::support::{Host, Value, between_hosts, json, on_both};
use attacker::Attacker;
use world::World;

/// Attackers have all the time of the world, which stands still here.
fn without_budgets(settings: &mut Settings) {
    (settings.http.budget.person_units, settings.http.budget.address_units) = (0, 0);
}

/// Everybody attacks, and nothing narrows.
async fn nothing_narrows(attackers: &mut [Attacker<'_>], world: &World<'_>) {
    for attacker in attackers {
        attacker.looks(world).await;
        let none: Vec<String> = Vec::new();
        assert_eq!(attacker.known.narrowed_by_trying(), none);
    }
}

on_both! {
    with without_budgets; async fn asking_and_releasing_again_says_nothing_more(host) {
        let mut world = World::with(host, &["trained"]).await;
        world.observes("leeds", "trained", "2026-05", [9, 0]).await;
        world.observes("leeds", "trained", "2026-04", [3, 0]).await;
        let mut attackers = Attacker::all(host);
        for _ in 0..4 {
            world.release_all("2026-04", "2026-05").await;
            nothing_narrows(&mut attackers[..1], &world).await;
        }
        // The same figure is never told in two ways, so there is nothing to average.
        let list = "{ releases { nodes { revision value { ... on RoundedValue { value } } } totalCount } }";
        let reply = host.anonymous().run(list, json!({})).await;
        assert_eq!(reply.nodes("revision"), ["1", "1"]);
        nothing_narrows(&mut attackers, &world).await;
    }
}

on_both! {
    with without_budgets; async fn overlapping_sites_periods_and_totals_taken_from_one_another_leave_what_was_hidden(host) {
        let mut world = World::with(host, &["trained", "active"]).await;
        // One hidden month among shown ones, one hidden site among shown ones, and a total with one hidden part.
        for (site, month, people) in [
            ("leeds", "2026-01", 12), ("leeds", "2026-02", 7), ("leeds", "2026-03", 8), ("leeds", "2026-04", 0),
            ("leeds", "2026-05", 1), ("hull", "2026-01", 1), ("hull", "2026-02", 13), ("hull", "2026-03", 22),
        ] {
            world.observes(site, "trained", month, [people, 0]).await;
            world.observes(site, "active", month, [people + 1, 0]).await;
        }
        world.release_all("2026-01", "2026-05").await;
        nothing_narrows(&mut Attacker::all(host), &world).await;
    }
}

on_both! {
    with without_budgets; async fn corrections_leave_what_was_hidden_before_and_after(host) {
        let mut world = World::with(host, &["trained", "active"]).await;
        let mut attackers = Attacker::all(host);
        // 0 becomes somebody, 7 becomes 8, 12 becomes 13, and what is told by its latest falls from 8 to 7.
        for (trained, active) in [([0, 7, 12], 8), ([1, 1, 1], 7), ([6, 4, 0], 12), ([1, 0, 5], 3)] {
            for (month, people) in ["2026-03", "2026-04", "2026-05"].into_iter().zip(trained) {
                world.observes("leeds", "trained", month, [people, 0]).await;
            }
            world.observes("leeds", "active", "2026-05", [active, 0]).await;
            world.release_all("2026-03", "2026-05").await;
            nothing_narrows(&mut attackers, &world).await;
        }
        world.withdraws("leeds", "trained", "2026-04").await;
        nothing_narrows(&mut attackers, &world).await;
        world.observes("leeds", "trained", "2026-04", [1, 0]).await;
        world.release_all("2026-03", "2026-05").await;
        nothing_narrows(&mut attackers, &world).await;
    }
}

on_both! {
    with without_budgets; async fn figures_of_the_same_sessions_do_not_tell_of_one_another(host) {
        let mut world = World::with(host, &["people", "sessions", "sign-ups"]).await;
        // In March as many sessions as people; in April every person signs up to nearly everything; in May they do it twice.
        for _ in 0..7 {
            world.helps("leeds", "2026-03", 1, 0).await;
        }
        world.helps("leeds", "2026-04", 6, 17).await;
        world.helps("leeds", "2026-05", 6, 12).await;
        let mut attackers = Attacker::all(host);
        for code in ["people", "sessions"] {
            assert_eq!(world.releases("leeds", code, "2026-03", "2026-05").await, "");
        }
        assert_eq!(world.releases("leeds", "sign-ups", "2026-03", "2026-05").await, "NOT_ALLOWED_NOW measure");
        assert_eq!(world.releases("leeds", "sign-ups", "2026-05", "2026-05").await, "");
        nothing_narrows(&mut attackers, &world).await;

        // What was taken back is known still.
        world.withdraws("leeds", "people", "2026-04").await;
        assert_eq!(world.releases("leeds", "sign-ups", "2026-04", "2026-04").await, "NOT_ALLOWED_NOW measure");
        nothing_narrows(&mut attackers, &world).await;
        // The other way round: what was told first stands.
        world.helps("hull", "2026-04", 6, 17).await;
        assert_eq!(world.releases("hull", "sign-ups", "2026-04", "2026-04").await, "");
        assert_eq!(world.releases("hull", "people", "2026-04", "2026-04").await, "NOT_ALLOWED_NOW measure");
        nothing_narrows(&mut attackers, &world).await;
        // With enough people both are told.
        world.helps("hull", "2026-04", 30, 20).await;
        assert_eq!(world.releases("hull", "people", "2026-04", "2026-04").await, "");
        assert_eq!(world.releases("hull", "sign-ups", "2026-04", "2026-04").await, "");
        nothing_narrows(&mut attackers, &world).await;
    }
}

on_both! {
    with without_budgets; async fn those_who_came_between_two_releases_do_not_tell_of_those_before(host) {
        let mut world = World::with(host, &["people", "sessions", "sign-ups"]).await;
        let mut attackers = Attacker::all(host);
        world.helps("leeds", "2026-05", 9, 0).await;
        world.helps("hull", "2026-05", 9, 0).await;
        world.release_all("2026-05", "2026-05").await;
        nothing_narrows(&mut attackers, &world).await;
        // 24 sign-ups take at least eight people, so that there were eight or nine; twelve take four.
        world.helps("leeds", "2026-05", 8, 24).await;
        world.helps("hull", "2026-05", 8, 12).await;
        for site in ["leeds", "hull"] {
            assert_eq!(world.releases(site, "people", "2026-05", "2026-05").await, "");
        }
        let problems = world.releases("leeds", "sign-ups", "2026-05", "2026-05").await;
        assert_eq!(world.releases("hull", "sign-ups", "2026-05", "2026-05").await, "");
        nothing_narrows(&mut attackers, &world).await;
        assert_eq!(problems, "NOT_ALLOWED_NOW measure");
    }
}

on_both! {
    with without_budgets; async fn the_same_sessions_under_two_codes_are_not_taken_from_one_another(host) {
        let mut world = World::with(host, &["people"]).await;
        let mut attacker = Attacker::new(host.anonymous(), None);
        world.helps("leeds", "2026-05", 11, 0).await;
        world.releases("leeds", "people", "2026-05", "2026-05").await;
        attacker.looks(&world).await;
        let place = |code: &str| ("leeds".to_owned(), code.to_owned(), "2026-05".to_owned());
        let before = attacker.latest[&place("people")];
        // From now on the same people count into a second measure: it is what is added to the first.
        world.defines("leeds", "campaign", "PEOPLE_HELPED").await;
        world.helps("leeds", "2026-05", 7, 0).await;
        assert_eq!(world.releases("leeds", "people", "2026-05", "2026-05").await, "");
        assert_eq!(world.releases("leeds", "campaign", "2026-05", "2026-05").await, "NOT_ALLOWED_NOW measure");
        attacker.looks(&world).await;
        let after = attacker.latest[&place("people")];
        if let Some(campaign) = attacker.latest.get(&place("campaign")) {
            let terms = vec![(before, [1, 0]), (*campaign, [1, 0]), (after, [-1, 0])];
            attacker.known.fact("what came since", terms, 0, 0);
        }
        let none: Vec<String> = Vec::new();
        assert_eq!(attacker.known.narrowed_by_trying(), none);
        // Nor after it was taken back.
        world.withdraws("leeds", "people", "2026-05").await;
        assert_eq!(world.releases("leeds", "campaign", "2026-05", "2026-05").await, "NOT_ALLOWED_NOW measure");
        // A month of which the other says nothing is free.
        world.helps("leeds", "2026-04", 7, 0).await;
        assert_eq!(world.releases("leeds", "campaign", "2026-04", "2026-04").await, "");
    }
}

on_both! {
    with without_budgets; async fn every_figure_of_sessions_counts_people(host) {
        let analyst = host.person(&["leeds:analyst"]);
        for figure in ["SESSIONS_HELD", "PEOPLE_HELPED", "SIGN_UPS"] {
            let input = json!({
                "site": "leeds", "code": "tied", "name": "Tied", "definition": "Counted.", "unit": "units", "kind": "COUNT",
                "aggregation": "SUM", "countsPeople": false, "sessionFigure": figure,
            });
            let reply = analyst.does("measureDefine", input, "measure { id }").await;
            assert_eq!(reply.problems(), "INVALID countsPeople", "{figure}");
        }
    }
}

on_both! {
    with without_budgets; async fn of_two_releases_at_once_that_tell_of_one_another_one_is_withheld(host) {
        let mut world = World::with(host, &["people", "sign-ups"]).await;
        for month in ["2026-03", "2026-04", "2026-05"] {
            world.helps("leeds", month, 6, 17).await;
        }
        for month in ["2026-03-01", "2026-04-01", "2026-05-01"] {
            let release = async |code: &str| {
                let input = json!({
                    "site": "leeds", "measure": world.measures[code].id, "from": month, "to": month, "visibility": "PUBLIC",
                });
                world.analyst("leeds").does("impactRelease", input, "releases { id }").await.problems()
            };
            let (people, sign_ups) = tokio::join!(release("people"), release("sign-ups"));
            let mut problems = [people, sign_ups];
            problems.sort_unstable();
            assert_eq!(problems, ["", "NOT_ALLOWED_NOW measure"], "{month}");
        }
    }
}

on_both! {
    with without_budgets; async fn shares_and_means_do_not_tell_their_parts(host) {
        let mut world = World::with(host, &["returned", "confidence"]).await;
        // Small denominators, everybody, nobody.
        for (month, parts) in [("2026-02", [1, 8]), ("2026-03", [8, 8]), ("2026-04", [0, 9]), ("2026-05", [7, 40])] {
            world.observes("leeds", "returned", month, parts).await;
        }
        world.observes("hull", "returned", "2026-05", [12, 13]).await;
        // 5.5555… tells nine people, 5.6 does not; seven people are not told at all.
        for (month, scores) in [("2026-04", vec![5, 5, 5, 5, 6, 6, 6, 6, 6]), ("2026-05", vec![10; 7])] {
            for score in scores {
                world.observes("leeds", "confidence", month, [score, 0]).await;
            }
        }
        for score in [1, 2, 3, 4, 5, 6, 7, 9] {
            world.observes("hull", "confidence", "2026-04", [score, 0]).await;
        }
        world.release_all("2026-02", "2026-05").await;
        nothing_narrows(&mut Attacker::all(host), &world).await;
    }
}

on_both! {
    with without_budgets; async fn no_figure_of_a_project_or_breakdown_is_told_beside_that_of_its_site(host) {
        let world = World::with(host, &["trained"]).await;
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, world.analyst("leeds"));
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "visibility": "PUBLIC" });
        let project = host.person(&["leeds:site_admin"]).does("projectCreate", input, "project { id }").await;
        let project = project.record()["id"].clone();
        for (project, campaign, people) in [(project.clone(), "spring", "9"), (Value::Null, "autumn", "2")] {
            let figure = json!({
                "value": people, "project": project, "breakdown": [{ "dimension": "campaign", "value": campaign }],
            });
            approved([&ana, analyst], "leeds", &world.measures["trained"].id, "2026-05-15", figure).await;
        }
        released(analyst, "leeds", &world.measures["trained"].id, "2026-05-01", "2026-05-01").await;
        let observations = "query($filter: ObservationFilter) {
            observations(site: \"leeds\", filter: $filter) { nodes { id } totalCount }
        }";
        for person in [host.anonymous(), host.person(&["leeds:champion"]), host.person(&["hull:analyst", "national:site_admin"])] {
            for filter in [json!({}), json!({ "project": project }), json!({ "states": ["APPROVED"] })] {
                let reply = person.run(observations, json!({ "filter": filter })).await;
                let count = reply.0["data"]["observations"]["totalCount"].as_i64().unwrap_or_default();
                assert_eq!(count, 0, "{:#}", reply.0);
            }
            let sessions = person.run("{ supportSessions(site: \"leeds\") { totalCount } }", json!({})).await;
            assert_eq!(sessions.0["data"]["supportSessions"]["totalCount"].as_i64().unwrap_or_default(), 0);
        }
        let list = "{ releases { nodes { value { ... on RoundedValue { value } } } totalCount } }";
        assert_eq!(host.anonymous().run(list, json!({})).await.data()["releases"], json!({
            "nodes": [{ "value": { "value": "10" } }], "totalCount": 1,
        }));
    }
}

on_both! {
    with without_budgets; async fn whether_a_measure_counts_people_is_said_once(host) {
        for (site, counts) in [("leeds", true), ("leeds", false), ("national", true)] {
            let analyst = host.person(&[&format!("{site}:analyst")]);
            let defined = measure(&analyst, site, &format!("calls-{counts}"), ["COUNT", "SUM"], counts).await;
            let flipped = json!({ "id": defined["id"], "version": 1, "countsPeople": !counts });
            let reply = analyst.does("measureUpdate", flipped, "measure { id }").await;
            assert_eq!(reply.problems(), "NOT_ALLOWED_NOW countsPeople");
            let tied = json!({ "id": defined["id"], "version": 1, "sessionFigure": "PEOPLE_HELPED" });
            let reply = analyst.does("measureUpdate", tied, "measure { id }").await;
            let expected = match (site, counts) {
                ("national", _) => "NOT_ALLOWED_NOW sessionFigure",
                (_, false) => "INVALID countsPeople",
                _ => "",
            };
            assert_eq!(reply.problems(), expected, "{site} {counts}");
        }
    }
}

/// Says of a measure in the database itself whether it counts people, as no operation does.
async fn turned(host: &Host, measure: &Value, counts_people: bool) {
    let id: ImpactMeasureId = measure.as_str().unwrap().parse().unwrap();
    let turn = host.server.0.system("test", async |work| {
        let row = impact_measure::Entity::find_by_id(id).one(work.db()).await?.unwrap();
        let mut row = row.into_active_model();
        row.counts_people = Set(counts_people);
        work.update::<impact_measure::Entity>(row).await
    });
    turn.await.unwrap();
}

on_both! {
    with without_budgets; async fn what_was_told_exactly_is_not_told_rounded_later(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let calls = measure(&analyst, "leeds", "calls", ["COUNT", "SUM"], false).await["id"].clone();
        approved([&ana, &analyst], "leeds", &calls, "2026-05-15", json!({ "value": "6" })).await;
        released(&analyst, "leeds", &calls, "2026-05-01", "2026-05-01").await;
        turned(host, &calls, true).await;
        approved([&ana, &analyst], "leeds", &calls, "2026-05-16", json!({ "value": "1" })).await;
        let months = json!({ "site": "leeds", "measure": calls, "from": "2026-05-01", "to": "2026-05-01" });
        let reply = analyst.does("impactRelease", months, "releases { id }").await;
        assert_eq!(reply.problems(), "NOT_ALLOWED_NOW measure");
        let list = "{ releases { nodes { revision } } }";
        assert_eq!(host.anonymous().run(list, json!({})).await.nodes("revision"), ["1"]);
    }
}

between_hosts! {
    async fn a_copy_of_a_measure_counts_people_for_good(network) {
        let helped = national(&network.hub, "people-helped", ["COUNT", "SUM"], true).await;
        network.meets().await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let analyst = network.leeds.person(&["leeds:analyst"]);
        approved([&ana, &analyst], "leeds", &helped, "2026-05-15", json!({ "value": "3" })).await;
        // The national host is made to say that it never was about people, and that it is called otherwise.
        turned(&network.hub, &helped, false).await;
        let name = json!({ "id": helped, "version": 2, "name": "Calls" });
        network.hub.person(&["national:analyst"]).does("measureUpdate", name, "measure { id }").await.record();
        network.meets().await;
        let shown = network.leeds.anonymous().run("{ measures { nodes { name countsPeople } } }", json!({})).await;
        assert_eq!((shown.nodes("name"), shown.nodes("countsPeople")), (vec!["Calls".to_owned()], vec!["true".to_owned()]));
        let releases = released(&analyst, "leeds", &helped, "2026-05-01", "2026-05-01").await;
        assert_eq!(releases[0]["value"]["__typename"], "SuppressedValue");
    }
}
