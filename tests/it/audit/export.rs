//! The audit of a site as a file, and the script that verifies it.

use std::{fs, path::Path, process::Command};

use axum::{
    body::Body,
    http::{Request, header},
};
use champion_network::federation::{audit, sequencer};

use super::*;
use crate::support::on_both;

/// Asks for the audit of a site: status, type and text.
async fn asks(host: &Host, person: &Person<'_>, site: &str) -> (u16, String, String) {
    let mut request = Request::get(format!("/audit/{site}"));
    if let Some(token) = person.token() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = host.send(request.body(Body::empty()).unwrap()).await;
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    (
        answer.status().as_u16(),
        kind,
        String::from_utf8(answer.body().to_vec()).unwrap(),
    )
}

/// What the script says of a file, and whether it found it good.
fn verified(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.ndjson");
    fs::write(&file, text).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify_audit.py");
    let output = Command::new("python3")
        .arg("-B")
        .arg(script)
        .arg(file)
        .output()
        .unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.success(), told)
}

on_both! {
    async fn an_export_is_verified_by_the_script_and_no_other_file_is(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let admin = host.person(&["leeds:site_admin"]);
        starts(&lead, "leeds", "Garden").await;
        let (status, kind, text) = asks(host, &admin, "leeds").await;
        assert_eq!((status, kind.as_str()), (200, "application/x-ndjson"));
        let (good, told) = verified(&text);
        assert!(good && told.contains("The audit of leeds holds: ") && told.contains("not signed yet"), "{told}");

        sequencer::run(&host.server.0).await.unwrap();
        audit::vouch(&host.server.0).await.unwrap();
        starts(&lead, "leeds", "Orchard").await;
        audit::vouch(&host.server.0).await.unwrap();
        let (_, _, text) = asks(host, &admin, "leeds").await;
        let (good, told) = verified(&text);
        let count = entries(host, "leeds").await.len();
        assert!(good && told.contains(&format!("{count} entries, signed up to entry {count}")), "{told}");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |kind: &str| lines.iter().filter(|line| line.get(kind).is_some()).count();
        assert_eq!((of("audit"), of("entry"), of("checkpoint"), of("end")), (1, count, 2, 1));
        let last = &lines[count]["entry"];
        assert_eq!((&last["subject"], &last["action"], &last["kind"]), (&json!(lead.subject), &json!("projectCreate"), &json!("PROJECT")));

        let rows: Vec<_> = text.lines().collect();
        let without = |gone: usize| rows.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, row)| format!("{row}\n")).collect::<String>();
        for (bad, why) in [
            (text.replacen("projectCreate", "projectDelete", 1), "not as it was written"),
            (without(2), "entry 2 is missing"),
            (without(count), "the checkpoint at entry"),
            (without(rows.len() - 1), "the file is not whole"),
            (rows[..4].join("\n"), "the file is not whole"),
            (text.replacen("\"signature\":\"", "\"signature\":\"AAAA", 1), "not signed by the site"),
            (text.replacen("\"publicKey\":\"", "\"publicKey\":\"AAAA", 1), ""),
        ] {
            let (good, told) = verified(&bad);
            assert!(!good && told.contains(why), "{why}: {told}");
        }
    }
}

on_both! {
    async fn the_audit_of_a_site_is_exported_to_its_admins_alone(host) {
        let admin = host.person(&["leeds:site_admin"]);
        let lead = host.person(&["leeds:project_lead", "leeds:curator", "leeds:moderator", "leeds:analyst", "leeds:champion"]);
        let elsewhere = host.person(&["hull:site_admin", "national:site_admin"]);
        assert_eq!(asks(host, &admin, "leeds").await.0, 200);
        for (person, site) in [(&host.anonymous(), "leeds"), (&lead, "leeds"), (&elsewhere, "leeds"), (&admin, "hull"), (&admin, "nowhere")] {
            let (status, _, text) = asks(host, person, site).await;
            let told: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((status, &told["errors"][0]["extensions"]["code"]), (404, &json!("NOT_FOUND")), "{site}");
        }
        let forged = Person::with_token(host, "forged".to_owned());
        assert_eq!(asks(host, &forged, "leeds").await.0, 401);
    }
}

on_both! {
    async fn an_audit_of_several_pages_is_exported_whole_and_as_far_as_it_went(host) {
        let leeds = id(host, "leeds").await;
        let notes = async |work: &mut champion_network::app::Work<'_>| {
            for number in 0..1_200_u128 {
                work.note(leeds, entity::Kind::Project, sea_orm::prelude::Uuid::from_u128(number));
            }
            Ok(())
        };
        host.server.0.system("note", notes).await.unwrap();
        let admin = host.person(&["leeds:site_admin"]);
        let (_, _, text) = asks(host, &admin, "leeds").await;
        let (good, told) = verified(&text);
        assert!(good && told.contains("1202 entries"), "{told}");
    }
}
