//! What others have written to find out whether a server keeps to a specification, against this one.

use std::process::Command;

use tokio::task::spawn_blocking;

use crate::support::{Host, Served, Value, json, on_both, tools};

/// What it came to, an object a line.
fn lines(script: &str, arguments: Vec<String>) -> Vec<Value> {
    let script = format!("{}/tests/it/audits/{script}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node").arg(script).arg(tools()).args(arguments).output();
    let output = output.expect("node starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Has a script ask a host that serves.
async fn asks(host: &Host, script: &'static str, arguments: Vec<String>) -> Vec<Value> {
    let served = Served::start(&host.server).await;
    let url = format!("http://{}/graphql", served.address);
    let told = spawn_blocking(move || lines(script, [vec![url], arguments].concat()))
        .await
        .unwrap();
    served.stop().await;
    told
}

on_both! {
    async fn every_public_audit_of_graphql_over_http_is_passed(host) {
        let audits = asks(host, "http.mjs", Vec::new()).await;
        let failed: Vec<_> = audits.iter().filter(|audit| audit["status"] != "ok").collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(audits.len() > 50, "{}", audits.len());
    }
}

on_both! {
    async fn a_gateway_puts_the_graph_beside_another(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        let input = json!({ "site": "leeds", "title": "Garden", "summary": "Ours.", "visibility": "SITE" });
        let project = lead.does("projectCreate", input, "project { id }").await.record()["id"].clone();
        let project = project.as_str().unwrap().to_owned();
        let answers = asks(host, "gateway.mjs", vec![lead.token().unwrap().to_owned(), project]).await;

        let room = json!([{ "name": "The library" }]);
        let leeds = json!({ "name": "Leeds" });
        assert_eq!(
            answers[0]["data"]["rooms"],
            json!([{ "name": "The library", "project": { "title": "Garden", "site": leeds, "rooms": room } }]),
            "{answers:#?}"
        );
        assert_eq!(
            answers[1]["data"]["reception"],
            json!({ "phone": "0113 496 0000", "name": "Leeds", "kind": "REGIONAL" })
        );
        assert_eq!(answers[2]["data"]["projects"]["nodes"], json!([{ "title": "Garden", "rooms": room }]));
        let sites = answers[3]["data"]["sites"]["nodes"].as_array().unwrap();
        assert!(sites.len() == 3 && sites.iter().all(|site| site["phone"] == "0113 496 0000"));
        let roots = answers[4]["data"]["__schema"]["queryType"]["fields"].as_array().unwrap();
        let roots: Vec<_> = roots.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert!(roots.contains(&"projects") && roots.contains(&"rooms"));
        assert!(!["node", "nodes", "viewer"].iter().any(|own| roots.contains(own)), "{roots:?}");
    }
}
