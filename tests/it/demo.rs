//! The demonstration: the built program fills three hosts, says what to open, serves them and leaves nothing behind.

mod network;

use std::fs;

use crate::support::{Demo, Value, json};

/// The sites of each host, the hub first.
const HOSTS: [&[&str]; 3] = [
    &["national", "blackpool"],
    &["north-staffordshire", "sheffield"],
    &["north-east-london"],
];
const ROLES: [&str; 6] = [
    "champion",
    "project_lead",
    "curator",
    "moderator",
    "analyst",
    "site_admin",
];

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[tokio::test]
async fn the_demonstration_holds_what_it_promises_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let demo = Demo::start(&[], temporary.path());
    let hosts = list(&demo.announced["hosts"]).iter();
    assert_eq!(
        hosts.map(|host| &host["sites"]).collect::<Vec<_>>(),
        HOSTS.map(|sites| json!(sites)).each_ref()
    );

    every_token_is_who_it_says(&demo).await;
    the_queries_answer(&demo).await;
    the_library_is_full(&demo).await;
    questions_have_answers(&demo).await;
    two_years_of_figures_are_published(&demo).await;
    every_measure_shows_figures(&demo).await;
    every_integrated_care_board_is_there(&demo).await;
    sample_data_say_so(&demo).await;
    something_waits_to_be_decided(&demo).await;
    network::every_host_is_up_to_date(&demo).await;
    network::a_national_resource_is_found_at_every_host(&demo).await;
    network::questions_and_answers_of_all_hosts_meet_in_one_thread(&demo).await;
    network::what_is_private_is_in_the_database_of_its_host_alone(&demo, temporary.path()).await;

    assert!(demo.stop().success());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_named_folder_is_filled_once_and_served_again() {
    const TITLES: &str = "{ projects(first: 100, orderBy: TITLE_ASC) { nodes { id title } totalCount } }";
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("kept");
    let arguments = ["--folder", folder.to_str().unwrap()];
    let first = Demo::start(&arguments, outer.path());
    let before = first.ask("", TITLES, json!({})).await;
    assert!(first.stop().success());
    let kept = fs::read_dir(folder.join("network")).unwrap();
    let databases = kept.filter(|kept| kept.as_ref().unwrap().path().join("champion-network.db").is_file());
    assert_eq!(databases.count(), HOSTS.len());

    let again = Demo::start(&arguments, outer.path());
    let after = again
        .ask(
            again.token("sheffield", "champion"),
            "{ viewer { champion(site: \"sheffield\") { status } } }",
            json!({}),
        )
        .await;
    assert_eq!(after["viewer"]["champion"]["status"], "ACTIVE");
    assert_eq!(again.ask("", TITLES, json!({})).await, before);
    network::every_host_is_up_to_date(&again).await;
    assert!(again.stop().success());
}

async fn every_token_is_who_it_says(demo: &Demo) {
    let tokens = list(&demo.announced["tokens"]);
    assert_eq!(tokens.len(), HOSTS.concat().len() * ROLES.len());
    for token in tokens {
        let site = token["site"].as_str().unwrap();
        let query = "query($site: String!) {
            viewer { subject roles { site { slug } role } champion(site: $site) { status site { slug } } }
        }";
        let data = demo
            .ask(token["token"].as_str().unwrap(), query, json!({ "site": site }))
            .await;
        let viewer = &data["viewer"];
        let role = token["role"].as_str().unwrap().to_uppercase();
        assert_eq!(token["host"], demo.url(site));
        assert_eq!(viewer["subject"], token["subject"]);
        assert_eq!(viewer["roles"], json!([{ "site": { "slug": site }, "role": role }]));
        assert_eq!(
            viewer["champion"],
            json!({ "status": "ACTIVE", "site": { "slug": site } })
        );
    }
}

async fn the_queries_answer(demo: &Demo) {
    let ask = async |file: &str, site, role| demo.ask(demo.token(site, role), file, json!({})).await;

    let library = include_str!("../../src/demo/queries/library.graphql");
    let data = ask(library, "north-staffordshire", "champion").await;
    let resources = list(&data["site"]["resources"]["nodes"]);
    let homes: Vec<_> = resources
        .iter()
        .map(|resource| resource["site"]["name"].as_str().unwrap())
        .collect();
    assert!(
        homes.contains(&"North Staffordshire") && homes.contains(&"National Digital Champions"),
        "{homes:?}"
    );
    assert!(
        resources.iter().any(|resource| resource["overlay"]["note"].is_string()),
        "{data:#}"
    );

    let impact = include_str!("../../src/demo/queries/impact.graphql");
    let data = ask(impact, "national", "analyst").await;
    for report in ["practices", "people"] {
        assert!(!list(&data[report]["cells"]).is_empty(), "{report}");
        assert!(
            list(&data[report]["totals"])
                .iter()
                .any(|total| total["sitesReporting"] != 0),
            "{data:#}"
        );
    }

    let forum = include_str!("../../src/demo/queries/forum.graphql");
    let data = ask(forum, "blackpool", "project_lead").await;
    let threads = list(&data["threads"]["nodes"]);
    assert_eq!(threads.len(), 5);
    assert!(
        threads.iter().all(|thread| thread["answer"]["body"].is_string()),
        "{data:#}"
    );
}

async fn the_library_is_full(demo: &Demo) {
    let query = "{ resources(first: 100, filter: { national: true, statuses: [PUBLISHED] }) { nodes { topics } } }";
    let data = demo.ask("", query, json!({})).await;
    let mut topics = std::collections::BTreeMap::new();
    for topic in list(&data["resources"]["nodes"])
        .iter()
        .flat_map(|resource| list(&resource["topics"]))
    {
        *topics.entry(topic.as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert!(topics.len() >= 6, "{topics:?}");
    assert!(topics.values().all(|resources| *resources >= 3), "{topics:?}");
}

async fn questions_have_answers(demo: &Demo) {
    let query = "{ threads(first: 100, filter: { unanswered: false }) { nodes { answer { body } } } }";
    let data = demo.ask(demo.token("national", "champion"), query, json!({})).await;
    let threads = list(&data["threads"]["nodes"]).iter();
    assert!(
        threads.filter(|thread| thread["answer"].is_object()).count() >= 6,
        "{data:#}"
    );
}

async fn two_years_of_figures_are_published(demo: &Demo) {
    let measures = demo
        .ask("", "{ measures(first: 100) { nodes { id code } } }", json!({}))
        .await;
    let measures = list(&measures["measures"]["nodes"]);
    assert!(measures.len() >= 10);
    let code = |measure: &&Value| measure["code"] == "practices-on-social-media";
    let social = &measures.iter().find(code).unwrap()["id"];
    let query = "query($measure: ID!) {
        releases(first: 100, filter: { sites: [\"north-staffordshire\"], measure: $measure }) {
            nodes { month value { ... on ExactValue { numerator denominator } } }
        }
    }";
    let data = demo.ask("", query, json!({ "measure": social })).await;
    let releases = list(&data["releases"]["nodes"]);
    let months: std::collections::BTreeSet<_> = releases.iter().map(|release| release["month"].as_str()).collect();
    assert_eq!(months.len(), 24);
    let latest = releases.iter().max_by_key(|release| release["month"].as_str()).unwrap();
    assert_eq!(latest["value"], json!({ "numerator": "60", "denominator": "81" }));
}

async fn every_measure_shows_figures(demo: &Demo) {
    let token = demo.token("national", "champion");
    let measures = demo
        .ask(token, "{ measures(first: 100) { nodes { id code } } }", json!({}))
        .await;
    let query = "query($measure: ID!) {
        releases(first: 100, filter: { measure: $measure }) { nodes { value { __typename } } }
    }";
    for measure in list(&measures["measures"]["nodes"]) {
        let data = demo.ask(token, query, json!({ "measure": measure["id"] })).await;
        let releases = list(&data["releases"]["nodes"]);
        let shown = |release: &&Value| release["value"]["__typename"] != "SuppressedValue";
        assert!(releases.iter().any(|release| shown(&release)), "{}", measure["code"]);
    }
}

async fn every_integrated_care_board_is_there(demo: &Demo) {
    let query = "{ organisations(first: 100, filter: { roles: [ICB] }) { nodes { odsCode closedOn successors { odsCode } } totalCount } }";
    let data = demo.ask("", query, json!({})).await;
    let boards = list(&data["organisations"]["nodes"]);
    let closed = boards.iter().filter(|board| board["closedOn"].is_string()).count();
    assert_eq!((boards.len() - closed, closed), (36, 12));
}

async fn sample_data_say_so(demo: &Demo) {
    let query =
        "{ projects(first: 100) { nodes { title summary } } champions(first: 100) { nodes { displayName bio } } }";
    let data = demo.ask(demo.token("national", "champion"), query, json!({})).await;
    for project in list(&data["projects"]["nodes"]) {
        assert!(
            project["summary"].as_str().unwrap().ends_with("Sample data."),
            "{project}"
        );
    }
    for champion in list(&data["champions"]["nodes"]) {
        assert!(champion["bio"].as_str().unwrap().starts_with("Sample"), "{champion}");
    }
}

async fn something_waits_to_be_decided(demo: &Demo) {
    let query = "query($site: String!) { supportSessions(site: $site, first: 100) { nodes { state } } }";
    let data = demo
        .ask(
            demo.token("blackpool", "project_lead"),
            query,
            json!({ "site": "blackpool" }),
        )
        .await;
    let sessions = list(&data["supportSessions"]["nodes"]);
    for state in ["SUBMITTED", "APPROVED"] {
        assert!(sessions.iter().any(|session| session["state"] == state), "{state}");
    }
    let query = "{ proposals(first: 10, status: OPEN) { totalCount } }";
    let data = demo.ask(demo.token("national", "curator"), query, json!({})).await;
    assert_eq!(data["proposals"]["totalCount"], 1);
}
