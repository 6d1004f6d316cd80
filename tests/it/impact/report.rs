//! The impact report: cells as released, exact for those who may read observations, totals of what is published.

use super::{approved, measure, national, released};
use crate::support::{Host, Person, Reply, Value, json, on_both};

const REPORT: &str =
    "query($measure: String!, $from: Date!, $to: Date!, $by: ImpactPeriod! = MONTH, $sites: [String!]) {
    impact(measure: $measure, from: $from, to: $to, by: $by, sites: $sites) {
        measure { code } by
        cells { site { slug } period value {
            __typename ... on ExactValue { exact: value numerator denominator }
            ... on RoundedValue { rounded: value } ... on NotReported { expected }
            ... on BoundedValue { value lower upper monthsSuppressed monthsMissing }
        } }
        totals { period value lower upper numerator denominator sitesReporting sitesSuppressed sitesMissing }
    }
}";

async fn ask(person: &Person<'_>, measure: &str, from: &str, to: &str, by: &str) -> Reply {
    person
        .run(REPORT, json!({ "measure": measure, "from": from, "to": to, "by": by }))
        .await
}

fn cells(reply: &Reply) -> Vec<String> {
    let cells = reply.data()["impact"]["cells"].as_array().unwrap().iter();
    cells
        .map(|cell| {
            let value = &cell["value"];
            let told = match value["__typename"].as_str().unwrap() {
                "ExactValue" => format!("={}", value["exact"].as_str().unwrap()),
                "RoundedValue" => format!("~{}", value["rounded"].as_str().unwrap()),
                "SuppressedValue" => "*".to_owned(),
                "NotReported" => if value["expected"] == true { "missing" } else { "-" }.to_owned(),
                _ => format!(
                    "{} [{}, {}] {}* {}-",
                    value["value"].as_str().unwrap(),
                    value["lower"].as_str().unwrap(),
                    value["upper"].as_str().unwrap(),
                    value["monthsSuppressed"],
                    value["monthsMissing"]
                ),
            };
            format!(
                "{} {} {told}",
                cell["site"]["slug"].as_str().unwrap(),
                cell["period"].as_str().unwrap()
            )
        })
        .collect()
}

/// Leeds has released February to April, Hull March alone; both have approved more.
async fn two_sites(host: &Host) -> Value {
    let helped = national(host, "people-helped", ["COUNT", "SUM"], true).await;
    for (site, figures) in [
        (
            "leeds",
            vec![
                ("2026-02-15", "12"),
                ("2026-03-15", "3"),
                ("2026-04-15", "21"),
                ("2026-05-15", "30"),
            ],
        ),
        ("hull", vec![("2026-03-15", "40"), ("2026-05-15", "2")]),
    ] {
        let ana = host.champion(&[&format!("{site}:champion")]).await;
        let analyst = host.person(&[&format!("{site}:analyst")]);
        for (day, people) in figures {
            approved([&ana, &analyst], site, &helped, day, json!({ "value": people })).await;
        }
        let months = if site == "leeds" {
            ["2026-02-01", "2026-04-01"]
        } else {
            ["2026-03-01", "2026-03-01"]
        };
        released(&analyst, site, &helped, months[0], months[1]).await;
    }
    helped
}

on_both! {
    async fn everybody_sees_what_is_released_and_its_honest_bounds(host) {
        two_sites(host).await;
        let anonymous = host.anonymous();

        let months = ask(&anonymous, "people-helped", "2026-02-10", "2026-04-10", "MONTH").await;
        assert_eq!(cells(&months), [
            "hull 2026-02 missing", "hull 2026-03 ~40", "hull 2026-04 missing",
            "leeds 2026-02 ~10", "leeds 2026-03 *", "leeds 2026-04 ~20",
        ]);
        let totals = &months.data()["impact"]["totals"];
        assert_eq!(totals[0]["value"], "10");
        assert_eq!((&totals[0]["lower"], &totals[0]["upper"]), (&json!("8"), &json!("12")));
        assert_eq!(totals[1], json!({
            "period": "2026-03", "value": "40", "lower": "39", "upper": "49", "numerator": null, "denominator": null,
            "sitesReporting": 1, "sitesSuppressed": 1, "sitesMissing": 0,
        }));

        let quarters = ask(&anonymous, "people-helped", "2026-02-10", "2026-04-10", "QUARTER").await;
        assert_eq!(cells(&quarters), [
            "hull 2026-Q1 40 [38, 42] 0* 2-", "hull 2026-Q2 missing",
            "leeds 2026-Q1 10 [9, 19] 1* 1-", "leeds 2026-Q2 20 [18, 22] 0* 2-",
        ]);
        assert_eq!(quarters.data()["impact"]["totals"][0]["value"], "50");
        let year = ask(&anonymous, "people-helped", "2026-02-10", "2026-04-10", "YEAR").await;
        assert_eq!(year.data()["impact"]["totals"][0]["lower"], "65");
        assert_eq!(year.data()["impact"]["totals"][0]["upper"], "83");
    }
}

on_both! {
    async fn who_reads_observations_sees_exact_cells_and_the_same_totals(host) {
        two_sites(host).await;
        let public = ask(&host.anonymous(), "people-helped", "2026-02-01", "2026-05-31", "MONTH").await;
        for role in ["analyst", "project_lead", "site_admin"] {
            let person = host.person(&[&format!("leeds:{role}")]);
            let reply = ask(&person, "people-helped", "2026-02-01", "2026-05-31", "MONTH").await;
            assert_eq!(cells(&reply)[4..], ["leeds 2026-02 =12", "leeds 2026-03 =3", "leeds 2026-04 =21", "leeds 2026-05 =30"]);
            assert_eq!(cells(&reply)[..4], cells(&public)[..4]);
            assert_eq!(reply.data()["impact"]["totals"], public.data()["impact"]["totals"]);
        }
        for roles in [vec!["leeds:champion"], vec!["leeds:curator", "national:site_admin"]] {
            let reply = ask(&host.person(&roles), "people-helped", "2026-02-01", "2026-05-31", "MONTH").await;
            let leeds: Vec<_> = cells(&reply).into_iter().filter(|cell| cell.starts_with("leeds")).collect();
            assert_eq!(leeds, cells(&public)[4..]);
            assert_eq!(reply.data()["impact"]["totals"], public.data()["impact"]["totals"]);
        }
    }
}

on_both! {
    async fn a_site_without_releases_shows_when_it_is_named(host) {
        let helped = two_sites(host).await;
        let ask = json!({
            "measure": helped, "from": "2026-03-01", "to": "2026-03-01", "sites": ["national", "leeds", "nowhere"],
        });
        let reply = host.anonymous().run(REPORT, ask).await;
        assert_eq!(cells(&reply), ["leeds 2026-03 *", "national 2026-03 -"]);
        let total = &reply.data()["impact"]["totals"][0];
        assert_eq!((&total["value"], &total["lower"], &total["upper"]), (&json!(null), &json!("1"), &json!("7")));
        assert_eq!((&total["sitesReporting"], &total["sitesMissing"]), (&json!(0), &json!(1)));
    }
}

on_both! {
    async fn practices_and_scores_add_up_by_their_own_rules(host) {
        let practices = national(host, "practices", ["COVERAGE", "LATEST"], false).await;
        let score = national(host, "confidence", ["SCORE", "MEAN"], false).await;
        for (site, some, all, scores) in [("leeds", "60", "81", vec!["4", "6"]), ("hull", "20", "40", vec!["8"])] {
            let ana = host.champion(&[&format!("{site}:champion")]).await;
            let analyst = host.person(&[&format!("{site}:analyst")]);
            for (day, less) in [("2026-03-31", "1"), ("2026-04-30", some)] {
                let figure = json!({ "numerator": less, "denominator": all });
                approved([&ana, &analyst], site, &practices, day, figure).await;
            }
            for value in scores {
                approved([&ana, &analyst], site, &score, "2026-04-02", json!({ "value": value })).await;
            }
            released(&analyst, site, &practices, "2026-03-01", "2026-04-01").await;
            released(&analyst, site, &score, "2026-03-01", "2026-04-01").await;
        }
        let reply = ask(&host.anonymous(), "practices", "2026-01-01", "2026-12-31", "YEAR").await;
        assert_eq!(cells(&reply), ["hull 2026 =0.5", "leeds 2026 =0.740741"]);
        let total = &reply.data()["impact"]["totals"][0];
        assert_eq!((&total["numerator"], &total["denominator"]), (&json!("80"), &json!("121")));
        let reply = ask(&host.anonymous(), "confidence", "2026-04-01", "2026-04-30", "MONTH").await;
        assert_eq!(cells(&reply), ["hull 2026-04 =8", "leeds 2026-04 =5"]);
        let total = &reply.data()["impact"]["totals"][0];
        assert_eq!((&total["value"], &total["lower"], &total["upper"]), (&json!("6"), &json!("6"), &json!("6")));
    }
}

on_both! {
    async fn projects_add_up_each_with_its_latest(host) {
        let (ana, analyst) = (host.champion(&["leeds:champion"]).await, host.person(&["leeds:analyst"]));
        let active = measure(&analyst, "leeds", "champions-active", ["COUNT", "LATEST"], false).await["id"].clone();
        let admin = host.person(&["leeds:site_admin"]);
        for (title, figures) in [("Garden", vec![("2026-05-20", "9"), ("2026-05-10", "4")]), ("Park", vec![("2026-05-01", "3")])] {
            let input = json!({ "site": "leeds", "title": title, "summary": "Ours." });
            let project = admin.does("projectCreate", input, "project { id }").await.record()["id"].clone();
            for (day, value) in figures {
                let figure = json!({ "value": value, "project": project });
                approved([&ana, &analyst], "leeds", &active, day, figure).await;
            }
        }
        released(&analyst, "leeds", &active, "2026-05-01", "2026-05-31").await;
        let reply = ask(&host.anonymous(), active.as_str().unwrap(), "2026-05-01", "2026-05-01", "MONTH").await;
        assert_eq!(cells(&reply), ["leeds 2026-05 =12"]);
    }
}

on_both! {
    async fn a_report_costs_the_same_number_of_statements_however_large(host) {
        two_sites(host).await;
        let analyst = host.person(&["leeds:analyst"]);
        let mut statements = Vec::new();
        for (from, to) in [("2026-03-01", "2026-03-01"), ("2020-01-01", "2026-05-01")] {
            let before = host.statements();
            ask(&analyst, "people-helped", from, to, "MONTH").await.data();
            statements.push(host.statements() - before);
        }
        assert_eq!(statements[0], statements[1]);
    }
}

on_both! {
    async fn wrong_questions_are_told_with_their_argument(host) {
        two_sites(host).await;
        let anonymous = host.anonymous();
        for (from, to, by) in [("2026-03-02", "2026-03-01", "MONTH"), ("2016-05-01", "2026-05-01", "MONTH"), ("1900-01-01", "2026-01-01", "YEAR")] {
            let reply = ask(&anonymous, "people-helped", from, to, by).await;
            assert_eq!(reply.code(), "INVALID_ARGUMENT");
            assert_eq!(reply.0["errors"][0]["extensions"]["path"], json!(["to"]));
        }
        let reply = ask(&anonymous, "people-served", "2026-03-01", "2026-03-01", "MONTH").await;
        assert_eq!(reply.code(), "NOT_FOUND");
        let of_a_region = measure(&host.person(&["leeds:analyst"]), "leeds", "calls", ["COUNT", "SUM"], false).await;
        let reply = ask(&anonymous, "calls", "2026-03-01", "2026-03-01", "MONTH").await;
        assert_eq!(reply.code(), "NOT_FOUND");
        let reply = ask(&anonymous, of_a_region["id"].as_str().unwrap(), "2026-03-01", "2026-03-01", "MONTH").await;
        assert_eq!(cells(&reply), Vec::<String>::new());
    }
}
