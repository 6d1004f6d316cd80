//! The program as its operator meets it: the built binary, its commands, what they print and how they end.

mod traces;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Instant,
};

use crate::support::{Backend, DEADLINE, FreshDatabase, Value, json};

/// How tokens name this host.
const PUBLIC_URL: &str = "http://champion.test";

/// Writes each test twice: once on SQLite, once on PostgreSQL. No host runs before the test starts one.
macro_rules! on_both_databases {
    (fn $name:ident($operator:ident) $body:block) => {
        mod $name {
            use super::*;

            fn test($operator: &Operator) $body

            #[tokio::test]
            async fn sqlite() {
                test(&Operator::at(FreshDatabase::make(Backend::Sqlite).await));
            }

            #[tokio::test]
            async fn postgres() {
                test(&Operator::at(FreshDatabase::make(Backend::Postgres).await));
            }
        }
    };
}

/// Somebody who runs commands on one database.
struct Operator {
    database: FreshDatabase,
}

impl Operator {
    fn at(database: FreshDatabase) -> Self {
        Self { database }
    }

    fn folder(&self) -> &Path {
        self.database.folder.path()
    }

    /// A command on this database, with no settings but these.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_champion-network"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CHAMPION_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("CHAMPION_DATABASE_URL", &self.database.url)
            .env("CHAMPION_PUBLIC_URL", PUBLIC_URL)
            .env("CHAMPION_LISTEN", "127.0.0.1:0")
            .env("CHAMPION_POSTGRES_CONNECTIONS", "4")
            .env("CHAMPION_SQLITE_READERS", "2");
        command
    }

    /// The same where the development issuer counts.
    fn in_development(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("CHAMPION_DEVELOPMENT_ISSUER", "true");
        command
    }

    /// Runs a command that succeeds; what it prints.
    fn does(&self, arguments: &[&str]) -> String {
        succeeds(self.command(arguments))
    }

    /// Runs a command that fails; what it says.
    fn is_refused(&self, arguments: &[&str]) -> String {
        fails(self.command(arguments))
    }

    fn writes(&self, file: &str, text: &str) {
        fs::write(self.folder().join(file), text).unwrap();
    }

    /// A site that can be worked on with tokens of the development issuer.
    fn founds_leeds(&self) {
        self.does(&["keys"]);
        succeeds(self.in_development(&["site", "create", "--slug", "leeds", "--name", "Leeds"]));
    }

    fn token(&self, roles: &[&str]) -> String {
        self.token_of("ana", roles)
    }

    fn token_of(&self, subject: &str, roles: &[&str]) -> String {
        let mut arguments = vec!["token", "--site", "leeds", "--subject", subject];
        arguments.extend(roles.iter().flat_map(|role| ["--role", *role]));
        succeeds(self.in_development(&arguments)).trim().to_owned()
    }
}

fn succeeds(mut command: Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{command:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn fails(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert_eq!(status.code(), Some(1), "{command:?}");
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "{command:?}");
    let told = String::from_utf8(stderr).unwrap();
    assert!(!told.contains("panicked"), "{told}");
    told
}

/// A host that serves; it is killed when the test ends before it does.
struct Serving {
    child: Child,
    address: String,
}

/// Starts a host without waiting for it.
fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap()
}

impl Serving {
    /// Waits until a host says where it listens.
    fn of(mut child: Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.strip_prefix("listening on http://");
        let address = address
            .unwrap_or_else(|| panic!("the host said {line:?}"))
            .trim()
            .to_owned();
        Self { child, address }
    }

    /// Waits until it is ready.
    fn is_ready(&self) {
        let begun = Instant::now();
        while self.asks("GET /health/ready HTTP/1.1", "").0 != 200 {
            assert!(
                begun.elapsed() < DEADLINE,
                "the host at {} does not get ready",
                self.address
            );
        }
    }

    /// Sends one request; status and body of the answer.
    fn asks(&self, start: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let head = format!(
            "{start}\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}",
            self.address,
            body.len()
        );
        write!(stream, "{head}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Sends a GraphQL query with a token; status and answer.
    fn runs(&self, token: &str, query: &str) -> (u16, Value) {
        self.posts(token, &json!({ "query": query }))
    }

    /// Sends a mutation that is done; what it gives back of `selection`.
    fn does(&self, token: &str, mutation: &str, input: &Value, selection: &str) -> Value {
        let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {name}!) {{ {mutation}(input: $input) {{ {selection} problems {{ message }} }} }}"
        );
        let (_, answer) = self.posts(token, &json!({ "query": query, "variables": { "input": input } }));
        let payload = answer["data"][mutation].clone();
        assert_eq!(payload["problems"], json!([]), "{answer}");
        payload
    }

    fn posts(&self, token: &str, request: &Value) -> (u16, Value) {
        let start = format!(
            "POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n\
             accept: application/graphql-response+json"
        );
        let (status, body) = self.asks(&start, &request.to_string());
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Tells it to stop, and waits for its end.
    fn ends_on(mut self, signal: &str) -> Option<i32> {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const VIEWER: &str = "{ viewer { subject issuer roles { role site { slug } } } }";

#[tokio::test]
async fn the_schema_is_printed_without_settings_or_database() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    let mut command = operator.command(&["schema"]);
    command
        .env("CHAMPION_DATABASE_URL", "nowhere")
        .env("CHAMPION_LOGG", "info");

    assert_eq!(
        succeeds(command).trim_end(),
        champion_network::schema::document().trim_end()
    );
    assert!(!operator.folder().join("host.db").exists());
}

#[tokio::test]
async fn an_unknown_setting_is_refused_by_name() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    let mut misspelt = operator.command(&["migrate"]);
    misspelt.env("CHAMPION_LOGG", "info");
    assert!(fails(misspelt).contains("logg"));
    operator.writes("host.toml", "[http]\nbody_byte = 5\n");
    assert!(
        operator
            .is_refused(&["--config", "host.toml", "serve"])
            .contains("body_byte")
    );
    assert!(
        operator
            .is_refused(&["serve", "--config", "missing.toml"])
            .contains("missing.toml")
    );
    assert!(!operator.folder().join("host.db").exists());
}

#[tokio::test]
async fn a_wrong_command_line_ends_with_code_2() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    for wrong in [
        &["sreve"][..],
        &["token", "--site", "leeds", "--role", "lead", "--subject", "ana"],
        &[
            "token",
            "--site",
            "leeds",
            "--role",
            "curator",
            "--subject",
            "ana",
            "--hours",
            "25",
        ],
        &["issuer", "add", "--site", "leeds"],
    ] {
        assert_eq!(
            operator.command(wrong).output().unwrap().status.code(),
            Some(2),
            "{wrong:?}"
        );
    }
}

#[tokio::test]
async fn the_development_key_is_secret_and_never_replaced() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);

    assert!(operator.does(&["keys"]).contains("development-key.pem"));

    let file = operator.folder().join("development-key.pem");
    let key = fs::read_to_string(&file).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(operator.is_refused(&["keys"]).contains("already"));
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
}

#[tokio::test]
async fn no_token_is_made_unless_the_settings_allow_the_development_issuer() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    let arguments = ["token", "--site", "leeds", "--role", "curator", "--subject", "ana"];
    assert!(fails(operator.in_development(&arguments)).contains("champion-network keys"));
    operator.does(&["keys"]);
    assert!(operator.is_refused(&arguments).contains("development_issuer"));
    let no_slug = ["token", "--site", "leeds:x", "--role", "curator", "--subject", "ana"];
    assert!(fails(operator.in_development(&no_slug)).contains("slug"));
    assert_eq!(
        succeeds(operator.in_development(&arguments)).trim().split('.').count(),
        3
    );
}

on_both_databases! {
    fn a_database_is_migrated_twice_without_harm(operator) {
        assert_eq!(operator.does(&["migrate"]), operator.does(&["migrate"]));
        assert_eq!(operator.does(&["site", "list"]), "");
    }
}

on_both_databases! {
    fn two_hosts_that_start_at_once_on_an_empty_database_both_come_up(operator) {
        operator.does(&["keys"]);
        let children = [(); 2].map(|()| start(operator.in_development(&["serve"])));
        for host in children.map(Serving::of) {
            host.is_ready();
            let (status, body) = host.asks("GET /graphql?query={sites{totalCount}} HTTP/1.1", "");
            assert_eq!((status, body.as_str()), (200, r#"{"data":{"sites":{"totalCount":0}}}"#));
            assert_eq!(host.ends_on("TERM"), Some(0));
        }
    }
}

on_both_databases! {
    fn two_hosts_that_start_at_once_register_the_development_issuer_once(operator) {
        operator.founds_leeds();
        operator.does(&["site", "create", "--slug", "hull", "--name", "Hull"]);
        let children = [(); 2].map(|()| start(operator.in_development(&["serve"])));
        let hosts = children.map(Serving::of);
        let admin = operator.token(&["site_admin"]);
        for host in &hosts {
            let (_, answer) = host.runs(&admin, "{ issuers(site: \"leeds\") { nodes { development } } }");
            assert_eq!(answer["data"]["issuers"]["nodes"], json!([{ "development": true }]));
        }
        let hull = ["token", "--site", "hull", "--subject", "ana", "--role", "site_admin"];
        let hull = succeeds(operator.in_development(&hull));
        let (_, answer) = hosts[0].runs(hull.trim(), "{ issuers(site: \"hull\") { nodes { development } } }");
        assert_eq!(answer["data"]["issuers"]["nodes"], json!([{ "development": true }]));
    }
}

on_both_databases! {
    fn a_token_of_the_development_issuer_counts_only_where_the_settings_say_so(operator) {
        operator.founds_leeds();
        let token = operator.token(&["project_lead", "CURATOR"]);
        let host = Serving::of(start(operator.in_development(&["serve"])));
        let (status, answer) = host.runs(&token, VIEWER);
        assert_eq!(status, 200);
        let roles = ["PROJECT_LEAD", "CURATOR"].map(|role| json!({ "role": role, "site": { "slug": "leeds" } }));
        let issuer = format!("{PUBLIC_URL}/development");
        assert_eq!(answer["data"]["viewer"], json!({ "subject": "ana", "issuer": issuer, "roles": roles }));
        assert_eq!(host.ends_on("INT"), Some(0));

        let strict = Serving::of(start(operator.command(&["serve"])));
        assert_eq!(strict.runs(&token, VIEWER).0, 401);
        drop(strict);

        fs::remove_file(operator.folder().join("development-key.pem")).unwrap();
        assert!(fails(operator.in_development(&["serve"])).contains("champion-network keys"));
        operator.does(&["keys"]);
        let rekeyed = Serving::of(start(operator.in_development(&["serve"])));
        assert_eq!(rekeyed.runs(&token, VIEWER).0, 401);
        assert_eq!(rekeyed.runs(&operator.token(&["curator"]), VIEWER).0, 200);
    }
}

on_both_databases! {
    fn the_operator_founds_sites_and_names_their_first_issuer(operator) {
        let create = ["site", "create", "--slug", "national", "--name", "The national team", "--kind", "national"];
        assert!(operator.does(&create).starts_with("national\tsite_"));
        let again = operator.is_refused(&create);
        assert!(again.contains("--slug: ") && again.contains("--kind: "), "{again}");
        let create = ["site", "create", "--slug", "hull", "--name", "Hull", "--region", "North", "--ods-code", "ab"];
        assert!(operator.is_refused(&create).contains("--ods-code: "));
        let listed = operator.does(&["site", "list"]);
        assert_eq!(listed.lines().count(), 1);
        assert!(listed.contains("NATIONAL\tACTIVE\tkept here\tThe national team"), "{listed}");

        let key = champion_network::auth::DevelopmentKey::generate().unwrap();
        operator.writes("keys.json", &key.jwk_set());
        let add = [
            "issuer", "add", "--site", "national", "--issuer", "https://login.test", "--algorithm", "EdDSA",
            "--jwks", "keys.json", "--may-grant", "site-admin", "--may-grant", "curator",
        ];
        assert!(operator.does(&add).contains("\tnational\thttps://login.test\thttp://champion.test"));
        assert!(operator.is_refused(&add).contains("--issuer: "));
        let elsewhere: Vec<_> = add.iter().map(|word| if *word == "national" { "atlantis" } else { *word }).collect();
        assert!(operator.is_refused(&elsewhere).contains("There is no such site."));

        let host = Serving::of(start(operator.command(&["serve"])));
        let now = champion_network::clock::Clock::System.now().timestamp();
        let claims = json!({
            "iss": "https://login.test", "sub": "eve", "aud": PUBLIC_URL, "iat": now, "exp": now + 60,
            "roles": ["national:site_admin"],
        });
        let (status, answer) = host.runs(&key.sign(&claims).unwrap(), VIEWER);
        assert_eq!((status, &answer["data"]["viewer"]["roles"][0]["role"]), (200, &json!("SITE_ADMIN")));
    }
}

on_both_databases! {
    fn what_a_refusal_repeats_commands_no_terminal(operator) {
        let file = "list\u{1b}[2J\r\u{9b}31m.csv";
        let why = operator.is_refused(&["organisations", "import", "--site", "leeds", file]);
        assert!(why.contains("list\\u001b[2J\\r\\u009b31m.csv"), "{why:?}");
    }
}

on_both_databases! {
    fn an_import_of_organisations_is_all_or_nothing(operator) {
        operator.does(&["site", "create", "--slug", "national", "--name", "National", "--kind", "national"]);
        operator.writes("bad.csv", "ods_code,name,closed_on\r\nQOX,NHS Bath,\r\nQ,NHS Short,\r\nQHL,,2026-3-1\r\n");
        operator.writes("good.csv", "ods_code,name\nQOX,NHS Bath\nQHL,NHS Birmingham\n");
        let import = |file| ["organisations", "import", "--site", "national", "--role", "icb", file];

        assert_eq!(
            operator.is_refused(&import("bad.csv")),
            "champion-network: Nothing of bad.csv was stored.\n\
             Line 3, ods_code: An ODS code has 3 to 10 capital letters and digits.\n\
             Line 4, name: This cannot be empty.\n\
             Line 4, closed_on: Write a date as YYYY-MM-DD.\n"
        );
        assert!(operator.is_refused(&import("missing.csv")).contains("missing.csv"));
        let host = Serving::of(start(operator.command(&["serve"])));
        let count = || {
            let (_, body) = host.asks("GET /graphql?query={organisations{totalCount}} HTTP/1.1", "");
            serde_json::from_str::<Value>(&body).unwrap()["data"]["organisations"]["totalCount"].clone()
        };
        assert_eq!(count(), 0);
        // Also while a host serves.
        assert_eq!(operator.does(&import("good.csv")), "organisations of good.csv now at national: 2\n");
        assert_eq!(count(), 2);
    }
}

on_both_databases! {
    fn an_import_of_observations_is_all_or_nothing_and_somebody_elses_to_approve(operator) {
        operator.founds_leeds();
        let host = Serving::of(start(operator.in_development(&["serve"])));
        let ana = operator.token(&["analyst", "site_admin"]);
        let ben = operator.token_of("ben", &["analyst"]);
        let champion = |token: &str, name: &str| {
            let input = json!({ "site": "leeds", "displayName": name, "kind": "STAFF" });
            host.does(token, "championRegister", &input, "champion { id version }")["champion"].clone()
        };
        let (ana_there, ben_there) = (champion(&ana, "Ana"), champion(&ben, "Ben"));
        let accept = json!({ "id": ben_there["id"], "version": ben_there["version"], "status": "IN_TRAINING" });
        host.does(&ana, "championSetStatus", &accept, "");
        let measure = json!({
            "site": "leeds", "code": "sessions", "name": "Sessions", "definition": "Sessions held.", "unit": "sessions",
            "kind": "COUNT", "aggregation": "SUM", "countsPeople": false,
        });
        host.does(&ana, "measureDefine", &measure, "");
        operator.writes("bad.csv", "measure,observed_on,value\nsessions,2026-03-31,4\nsession,2026-3-1,x\n");
        operator.writes("good.csv", "measure,observed_on,value\nsessions,2026-03-31,4\nsessions,2026-04-30,12\n");
        let import = |champion: &Value, file| {
            ["observations", "import", "--site", "leeds", "--champion", champion.as_str().unwrap(), file].map(str::to_owned)
        };
        let refused = |champion: &Value, file| operator.is_refused(&import(champion, file).each_ref().map(String::as_str));
        let count = || host.runs(&ana, "{observations(site:\"leeds\"){totalCount}}").1["data"]["observations"]["totalCount"].clone();

        assert_eq!(
            refused(&ben_there["id"], "bad.csv"),
            "champion-network: Nothing of bad.csv was stored.\n\
             Line 3, measure: Neither this site nor the national one has a measure \"session\".\n\
             Line 3, observed_on: Write the day as YYYY-MM-DD.\n\
             Line 3, value: Write a number such as 12 or 12.50.\n"
        );
        assert!(refused(&ana_there["id"], "good.csv").contains("--champion: "), "an applicant records nothing");
        assert_eq!(count(), 0);

        let done = import(&ben_there["id"], "good.csv");
        let done = operator.does(&done.each_ref().map(String::as_str));
        assert_eq!(done, "observations of good.csv recorded at leeds: 2\n");
        assert_eq!(count(), 2);
        let query = "{observations(site:\"leeds\",first:1){nodes{recordedBy{id} viewerCan}}}";
        let actions = |token: &str| host.runs(token, query).1["data"]["observations"]["nodes"][0].clone();
        assert_eq!(actions(&ben)["recordedBy"]["id"], ben_there["id"]);
        assert!(!actions(&ben)["viewerCan"].to_string().contains("APPROVE"), "nobody approves their own");
        assert!(actions(&ana)["viewerCan"].to_string().contains("APPROVE"));
    }
}

on_both_databases! {
    fn the_integrated_care_boards_that_come_with_the_program_go_in(operator) {
        operator.does(&["site", "create", "--slug", "national", "--name", "National", "--kind", "national"]);
        operator.writes("boards.csv", include_str!("../../src/demo/content/integrated_care_boards.csv"));
        let import = ["organisations", "import", "--site", "national", "--role", "icb", "boards.csv"];
        assert_eq!(operator.does(&import), "organisations of boards.csv now at national: 48\n");
    }
}

#[tokio::test]
async fn a_host_that_cannot_listen_or_log_says_so() {
    let operator = Operator::at(FreshDatabase::make(Backend::Sqlite).await);
    let host = Serving::of(start(operator.command(&["serve"])));
    let mut second = operator.command(&["serve"]);
    second.env("CHAMPION_LISTEN", &host.address);
    assert!(fails(second).contains(&host.address));
    let mut mute = operator.command(&["serve"]);
    mute.env("CHAMPION_LOG", "champion_network=loud");
    assert!(fails(mute).contains("log"));
    let mut lost = operator.command(&["migrate"]);
    lost.env("CHAMPION_DATABASE_URL", "mysql://root:secret@localhost/x");
    let told = fails(lost);
    assert!(told.contains("database_url") && !told.contains("secret"), "{told}");
}
