//! Logs and metrics: whatever people do and send, nothing of them stands there.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, Mutex},
};

use axum::{
    body::Body,
    http::{Method, Request},
};
use champion_network::federation::run::Background;

use super::card;
use crate::{
    support::{Backend, Host, Network, Person, Value, json, on_each_database, tables::tables},
    sweep::{Filler, Schema, Seeds, whatever_is_asked},
};

/// What is logged by the whole process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Logs everything that this program says from now on. Each test is a process of its own.
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        let lines = tracing_subscriber::fmt()
            .with_env_filter("champion_network=trace")
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::set_global_default(lines).unwrap();
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What a test or the schema itself has written, and what names somebody: every text of the tables that is no word of the schema.
async fn said(host: &Host, schema: &Schema) -> BTreeSet<String> {
    let words: BTreeSet<_> = schema.words().collect();
    let kept = [
        "site",
        "issuer",
        "host",
        "seaql_migrations",
        "search_index",
        "site_key",
        "organisation",
        "change_log",
        "feed_",
    ];
    let mut said = BTreeSet::new();
    for (table, rows) in tables(host).await {
        if kept.iter().any(|name| table.starts_with(name)) {
            continue;
        }
        let cells = rows
            .iter()
            .flatten()
            .filter_map(|(column, cell)| Some((column, cell.as_deref()?)));
        let texts = cells.filter(|(column, cell)| {
            let is_name = column.ends_with("id")
                || column.ends_with("hash")
                || column.ends_with("_at")
                || column.ends_with("_on");
            !is_name && !["at", "action", "kind"].contains(&column.as_str()) && cell.len() >= 7 && !words.contains(cell)
        });
        said.extend(texts.map(|(_, cell)| cell.to_owned()));
    }
    said
}

/// What clients send that is wrong in every way in which something can be wrong, each with a word that stands nowhere else.
fn wrong(token: &str) -> Vec<Request<Body>> {
    let post = |body: Value| {
        Request::post("/graphql")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    let mut requests = vec![
        post(json!({ "query": "query zqoperation { zqfield(zqargument: \"zqliteral\") }" })),
        post(json!({ "query": "{ project(site: \"zqsite\", slug: \"zqslug\") { zqalias: title } }" })),
        post(
            json!({ "query": "query($n: Int!) { projects(first: $n) { zqalias: nodes { id } } }", "variables": { "n": "zqvariable" } }),
        ),
        post(
            json!({ "query": "query($f: ChampionFilter) { champions(filter: $f) { totalCount } }", "variables": { "f": { "zqunknown": 1 } } }),
        ),
        post(json!({ "query": "{ node(id: \"zqid\") { id } }" })),
        post(json!({ "query": "{ champions(after: \"zqcursor\", filter: { search: \"zqsearch\" }) { totalCount } }" })),
        post(json!({ "query": "{ zq\u{1b}[31m" })),
        post(json!({ "query": "{ viewer { export(after: \"zqplace\") } }" })),
        post(json!({ "documentId": "zqdocument" })),
        Request::post("/graphql")
            .header("content-type", "application/json")
            .body(Body::from("{\"zqbroken\": "))
            .unwrap(),
        Request::post("/graphql")
            .header("content-type", "zq/media")
            .body(Body::from("zqbody"))
            .unwrap(),
        Request::get("/graphql?query=%7BzqQuery%7D&zqparameter=zqvalue")
            .body(Body::empty())
            .unwrap(),
        Request::get("/zqpath/zqname?zqquery=1").body(Body::empty()).unwrap(),
        Request::builder()
            .method(Method::from_bytes(b"ZQMETHOD").unwrap())
            .uri("/graphql")
            .body(Body::empty())
            .unwrap(),
        Request::get("/fed/v1/zqfed").body(Body::empty()).unwrap(),
        Request::get("/metrics")
            .header("authorization", "Bearer zqmetrics")
            .body(Body::empty())
            .unwrap(),
    ];
    for (name, value) in [
        ("authorization", "Bearer zqtoken.zqtoken.zqtoken"),
        ("authorization", "zqscheme zqcredentials"),
        ("idempotency-key", "zqkey"),
        ("x-zqheader", "zqvalue"),
        ("origin", "https://zqorigin.test"),
        ("user-agent", "zqagent"),
    ] {
        let mut request = post(json!({ "query": "{ viewer { subject } }" }));
        request.headers_mut().insert(name, value.parse().unwrap());
        requests.push(request);
    }
    for request in &mut requests {
        request
            .headers_mut()
            .entry("authorization")
            .or_insert(format!("Bearer {token}").parse().unwrap());
    }
    requests
}

async fn metrics(host: &Host) -> String {
    let request = Request::get("/metrics").header("authorization", "Bearer let me in");
    let answer = host.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 200);
    String::from_utf8(answer.body().to_vec()).unwrap()
}

/// Inputs that are refused, with words that stand nowhere else.
async fn is_refused(person: &Person<'_>) {
    let mine = card(person).await;
    for (field, input, record) in [
        (
            "championUpdate",
            json!({ "id": mine["id"], "version": 99, "displayName": "zqname" }),
            "champion { id }",
        ),
        (
            "championUpdate",
            json!({ "id": mine["id"], "version": mine["version"], "email": "zqemail" }),
            "champion { id }",
        ),
        (
            "championUpdate",
            json!({ "id": mine["id"], "version": mine["version"], "languages": ["zqlanguage"] }),
            "champion { id }",
        ),
        ("championClaim", json!({ "code": "zqcode" }), "champion { id }"),
        (
            "postReport",
            json!({ "id": "zqid", "reason": "zqreason" }),
            "report { id }",
        ),
        (
            "observationsImport",
            json!({ "site": "leeds", "csv": "zqcolumn\nzqcell" }),
            "imported",
        ),
        (
            "projectCreate",
            json!({ "site": "zqsite", "title": "zqtitle", "summary": "zqsummary" }),
            "project { id }",
        ),
    ] {
        let refused = person.does(field, input, record).await;
        assert_ne!(refused.code(), "OK", "{field}");
    }
}

on_each_database! {
    async fn nothing_that_people_do_or_send_stands_in_logs_or_metrics(backend) {
        let log = Log::start();
        let shown = |settings: &mut champion_network::config::Settings| {
            whatever_is_asked(settings);
            settings.http.metrics_token = "let me in".to_owned();
        };
        let host = &Host::start(backend, shown).await;
        let background = Background::start(&host.server.0).unwrap();
        let schema = Schema::read(host).await;
        assert!(host.filler.set(Filler::by(Schema::read(host).await)).is_ok());
        let (_, ana) = Seeds::plant(host, "leeds").await;
        is_refused(&ana).await;
        let token = ana.token().unwrap().to_owned();
        for request in wrong(&token) {
            host.send(request).await;
        }
        let said = said(host, &schema).await;
        assert!(said.len() > 100, "{} things were said", said.len());
        let text = format!("{}\n{}", log.text(), metrics(host).await);
        assert!(text.contains("answered") && text.contains("champion_requests_total"), "{text}");
        let mine = card(&ana).await;
        let erase = json!({ "id": mine["id"], "version": mine["version"] });
        ana.does("championErase", erase, "champion { id }").await;
        background.end().await;

        let text = format!("{text}\n{}", log.text()).to_lowercase();
        let told: Vec<_> = said.iter().filter(|said| text.contains(&said.to_lowercase())).collect();
        assert!(told.is_empty(), "{told:?}");
        for trace in ["zq", "whisper", "hush", "mk0", &ana.subject, &token.to_lowercase(), mine["id"].as_str().unwrap()] {
            let at = text.find(trace).map(|at| text[at.saturating_sub(200)..].chars().take(400).collect::<String>());
            assert_eq!(at, None, "{trace}");
        }
    }
}

on_each_database! {
    async fn hosts_that_meet_log_nothing_of_people(backend) {
        let log = Log::start();
        let network = &Network::start(backend).await;
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let mut mine = card(&ana).await;
        (mine["displayName"], mine["bio"], mine["visibility"]) = (json!("zqname"), json!("zqbio"), json!("NETWORK"));
        ana.does("championUpdate", mine, "champion { id }").await.record();
        network.meets().await;
        let mine = card(&ana).await;
        ana.does("championErase", mine, "champion { id }").await.data();
        network.meets().await;

        let text = log.text().to_lowercase();
        assert!(text.contains("answered"), "{text}");
        assert!(!text.contains("zq") && !text.contains(&ana.subject), "{text}");
    }
}

/// A host whose database fails says so in its log, and nothing of who asked what.
#[tokio::test]
async fn a_failure_inside_is_logged_without_what_was_sent() {
    let log = Log::start();
    let host = &Host::start(Backend::Sqlite, |_| {}).await;
    let ana = host.champion(&["leeds:champion"]).await;
    let mine = card(&ana).await;
    let gone = async |work: &mut champion_network::app::Work<'_>| {
        use sea_orm::ConnectionTrait;
        work.db().execute_unprepared("DROP TABLE change_told").await?;
        Ok(())
    };
    host.server.0.system("break", gone).await.unwrap();
    let update = json!({ "id": mine["id"], "version": mine["version"], "displayName": "zqname", "bio": "zqbio" });
    assert_eq!(
        ana.does("championUpdate", update, "champion { id }").await.code(),
        "INTERNAL"
    );

    let text = log.text();
    assert!(
        text.contains("internal error") && text.contains("change_told"),
        "{text}"
    );
    assert!(!text.contains("zq") && !text.contains(&ana.subject), "{text}");
}
