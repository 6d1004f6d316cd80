//! The hosts of the demonstration among each other: what is shared is at all of them, what is private at one.

use std::{fs, path::Path};

use super::{HOSTS, list};
use crate::support::{Demo, Value, json, until};

/// The first site of each host, in whose name it is asked.
const ASKERS: [&str; 3] = [HOSTS[0][0], HOSTS[1][0], HOSTS[2][0]];

/// What nobody beyond the host of its site may come to know.
const PRIVATE: [(&str, &str); 4] = [
    ("email", "quartz.lantern@north-staffordshire.example"),
    ("phone", "+44 1632 960 417"),
    ("draft", "Quartz lantern: a draft for us alone"),
    ("note", "Quartz lantern: counted at the desk by hand"),
];

/// Does a mutation, which has no problems; tells the record.
async fn does(demo: &Demo, token: &str, field: &str, input: Value, record: &str) -> Value {
    let input_type = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {field}(input: $input) {{ record: {record} problems {{ code path }} }} }}"
    );
    let mut data = demo.ask(token, &query, json!({ "input": input })).await;
    assert_eq!(data[field]["problems"], json!([]), "{field}");
    data[field]["record"].take()
}

/// Every host keeps its own sites and follows all others.
pub async fn every_host_is_up_to_date(demo: &Demo) {
    let query = "{ network { sites { site { slug hostedHere } state lagSeconds lastError parked } } }";
    for (kept, asker) in HOSTS.iter().zip(ASKERS) {
        until(&format!("the host of {asker} is up to date"), async || {
            let data = demo.ask(demo.token(asker, "champion"), query, json!({})).await;
            let sites = list(&data["network"]["sites"]);
            assert_eq!(sites.len(), HOSTS.concat().len(), "{data:#}");
            let all = sites.iter().all(|status| {
                let is_kept = kept.contains(&status["site"]["slug"].as_str().unwrap());
                assert_eq!(status["site"]["hostedHere"], is_kept, "{status}");
                assert_eq!(
                    (&status["parked"], &status["lastError"]),
                    (&json!(0), &Value::Null),
                    "{status}"
                );
                status["state"] == if is_kept { "HOME" } else { "LIVE" } && status["lagSeconds"].is_number()
            });
            all.then_some(())
        })
        .await;
    }
}

pub async fn a_national_resource_is_found_at_every_host(demo: &Demo) {
    let query = "{ resources(first: 5, filter: { national: true, search: \"nhs app\" }) {
        nodes { slug title provenance { replicated home { slug } } }
    } }";
    for asker in ASKERS {
        let data = demo.ask(demo.token(asker, "champion"), query, json!({})).await;
        let found = list(&data["resources"]["nodes"]);
        let replicated = json!({ "replicated": asker != "national", "home": { "slug": "national" } });
        assert!(!found.is_empty(), "{asker}");
        assert!(
            found.iter().all(|one| one["provenance"] == replicated),
            "{asker}: {data:#}"
        );
    }
}

/// The text of every post of the thread that the announcement proposes to answer in, with the site that it comes from, as a
/// host shows it.
async fn posts(demo: &Demo, asker: &str) -> Vec<(String, String)> {
    let query = "{ threads(first: 1, filter: { search: \"kite marks\" }) {
        nodes { id posts(first: 100) { nodes { body site { slug } } } }
    } }";
    let data = demo.ask(demo.token(asker, "champion"), query, json!({})).await;
    let posts = list(&data["threads"]["nodes"][0]["posts"]["nodes"]).iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    posts
        .map(|post| (text(&post["site"]["slug"]), text(&post["body"])))
        .collect()
}

/// The file of the announcement answers, and what it writes arrives at the other hosts, behind what stood there.
pub async fn questions_and_answers_of_all_hosts_meet_in_one_thread(demo: &Demo) {
    let before = posts(demo, "national").await;
    assert!(before.len() > 1 && before.iter().all(|(site, _)| !HOSTS[1].contains(&site.as_str())));
    let query = "{ threads(first: 1, filter: { search: \"kite marks\" }) { nodes { id site { slug } } } }";
    let writer = demo.token("north-east-london", "champion");
    let thread = demo.ask(writer, query, json!({})).await["threads"]["nodes"][0].clone();
    assert_eq!(thread["site"]["slug"], "north-staffordshire");

    let answer = include_str!("../../../src/demo/queries/answer.graphql");
    let data = demo.ask(writer, answer, json!({ "thread": thread["id"] })).await;
    assert_eq!(data["postCreate"]["problems"], json!([]));

    let read = include_str!("../../../src/demo/queries/thread.graphql");
    for asker in ASKERS {
        until(&format!("the answer is at the host of {asker}"), async || {
            let data = demo
                .ask(demo.token(asker, "champion"), read, json!({ "thread": thread["id"] }))
                .await;
            let newest = list(&data["node"]["posts"]["nodes"]).last().unwrap().clone();
            let here = newest["site"]["name"] == "North East London";
            (here && newest["body"].as_str().unwrap().contains("phone number")).then_some(())
        })
        .await;
        let after = posts(demo, asker).await;
        assert_eq!(after[..before.len()], before, "{asker}");
        assert_eq!(after.len(), before.len() + 1, "{asker}");
    }
}

/// Somebody writes what is private in every way that there is, and then something for everybody: when that has arrived, the
/// rest would have too.
pub async fn what_is_private_is_in_the_database_of_its_host_alone(demo: &Demo, temporary: &Path) {
    writes_in_private(demo).await;
    let shared = "Quartz lantern: news for everybody";
    let lead = demo.token("north-staffordshire", "project_lead");
    let input = json!({
        "site": "north-staffordshire", "title": shared, "summary": "Sample data.", "visibility": "NETWORK",
        "focusAreas": ["STAFF_CULTURE"],
    });
    does(demo, lead, "projectCreate", input, "project { id }").await;
    let query = "{ projects(first: 5, filter: { search: \"quartz lantern\" }) { nodes { title } } }";
    for asker in ASKERS {
        until(&format!("the news is at the host of {asker}"), async || {
            let data = demo.ask(demo.token(asker, "champion"), query, json!({})).await;
            (data["projects"]["nodes"] == json!([{ "title": shared }])).then_some(())
        })
        .await;
    }

    let databases = databases(temporary);
    assert_eq!(databases.len(), HOSTS.len());
    for (what, text) in PRIVATE {
        let holders = databases.iter().filter(|(_, held)| held.contains(text));
        let holders: Vec<_> = holders.map(|(host, _)| host.as_str()).collect();
        assert_eq!(holders, ["midlands-and-yorkshire"], "{what}");
    }
    assert!(databases.iter().all(|(_, held)| held.contains(shared)));
}

async fn writes_in_private(demo: &Demo) {
    let site = "north-staffordshire";
    let [email, phone, draft, note] = PRIVATE.map(|(_, text)| text);
    let champion = demo.token(site, "champion");
    let query = format!(
        "{{ viewer {{ champion(site: \"{site}\") {{ id version }} }} measures(first: 100) {{ nodes {{ id code }} }} }}"
    );
    let found = demo.ask(champion, &query, json!({})).await;
    let me = &found["viewer"]["champion"];
    let input = json!({ "id": me["id"], "version": me["version"], "email": email, "phone": phone });
    does(demo, champion, "championUpdate", input, "champion { id }").await;
    let input =
        json!({ "site": site, "title": draft, "summary": "Sample data.", "type": "GUIDE", "visibility": "NETWORK" });
    does(demo, champion, "resourceCreate", input, "resource { id }").await;
    let mut measures = list(&found["measures"]["nodes"]).iter();
    let measure = measures.find(|measure| measure["code"] == "people-helped").unwrap();
    let input = json!({
        "site": site, "measure": measure["id"], "observedOn": "2026-01-31", "value": "9", "note": note,
    });
    does(demo, champion, "observationRecord", input, "observation { id }").await;
}

/// What is in the files of each host's database, by the name of its folder.
fn databases(temporary: &Path) -> Vec<(String, String)> {
    let demonstration = fs::read_dir(temporary).unwrap().next().unwrap().unwrap().path();
    let hosts = fs::read_dir(demonstration.join("network"))
        .unwrap()
        .map(|host| host.unwrap().path());
    let files = |host: &Path| {
        let files = fs::read_dir(host).unwrap().map(|file| file.unwrap().path());
        let held: Vec<_> = files.flat_map(|file| fs::read(file).unwrap()).collect();
        String::from_utf8_lossy(&held).into_owned()
    };
    let name = |host: &Path| host.file_name().unwrap().to_str().unwrap().to_owned();
    hosts
        .filter(|host| host.is_dir())
        .map(|host| (name(&host), files(&host)))
        .collect()
}
