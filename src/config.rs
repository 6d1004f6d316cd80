//! Every setting: from the commented default file, a TOML file and `CHAMPION_…` variables, in that order.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, Environment, File, FileFormat};
use ipnet::IpNet;
use serde::Deserialize;

/// The default file: the manual of all settings.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// The settings of one host. What each means stands in [`DEFAULTS`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How people outside reach this host, without a slash at the end.
    pub public_url: String,
    /// What this host is called.
    pub host_name: String,
    /// A SQLite or PostgreSQL URL.
    pub database_url: String,
    /// The file of what was erased for ever, on PostgreSQL.
    pub erasure_ledger_path: PathBuf,
    /// Reading connections to SQLite.
    pub sqlite_readers: u32,
    /// Connections to PostgreSQL.
    pub postgres_connections: u32,
    /// Where the network's hub is; empty when this host calls nobody.
    pub hub_url: String,
    /// Whether the development issuer's tokens count.
    pub development_issuer: bool,
    /// The development issuer's private key.
    pub development_key_file: PathBuf,
    /// Seconds until a JWK set is fetched again.
    pub jwks_max_age: u64,
    /// Days for which changes are kept for those who follow them.
    pub changes_kept_days: u32,
    /// What is logged.
    pub log: String,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Where a collector takes traces, over OTLP/HTTP; empty: there are none.
    pub traces_url: String,
    /// How many requests in a hundred are traced.
    pub traces_percent: u8,
    /// How the HTTP face behaves.
    pub http: HttpSettings,
    /// What is kept no longer than needed.
    pub retention: RetentionSettings,
}

/// For how many days what people have left behind is kept; 0 keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionSettings {
    /// Cards of people who were declined or never decided on, from the last change on.
    pub applications_days: u32,
    /// Cards that nobody has claimed, from the end of the invitation on.
    pub invitations_days: u32,
    /// E-mail and telephone of champions who have stood down, from the last change of the card on.
    pub contact_days: u32,
    /// The words of reports, from the day on which they were closed.
    pub reports_days: u32,
    /// Support sessions and observations that are decided, from the day that they are about.
    pub figures_days: u32,
}

/// How the HTTP face behaves. Every limit refuses before work is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// Origins of web apps that may call this host from a browser; `*` allows all, an empty list none.
    pub allowed_origins: Vec<String>,
    /// Proxies in front of this host, whose word on where a request comes from counts.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a browser may remember the answer of a preflight.
    pub cors_max_age_seconds: u64,
    /// Whether `/graphiql` is served.
    pub graphiql: bool,
    /// The largest request body, and the longest query string of a GET.
    pub body_bytes: usize,
    /// How long a client may take to send its body.
    pub body_seconds: u64,
    /// The most bytes of headers that a request may have.
    pub header_bytes: usize,
    /// The most headers that a request may have.
    pub header_count: usize,
    /// How long a client may take to send its headers, also between two requests of one connection.
    pub header_seconds: u64,
    /// How long a client may take nothing of its answer.
    pub answer_seconds: u64,
    /// The most connections at one time; further ones wait to be accepted.
    pub connections: usize,
    /// How long requests in work may take to finish once the host is told to stop.
    pub shutdown_seconds: u64,
    /// The most WebSockets and event streams at one time; further ones are refused.
    pub sockets: usize,
    /// How long the client of a WebSocket may take to say who it is.
    pub socket_init_seconds: u64,
    /// The most operations that run at one time on one WebSocket.
    pub socket_operations: usize,
    /// How often the other side of a WebSocket or event stream is asked whether it is still there.
    pub socket_ping_seconds: u64,
    /// The most tokens of a GraphQL document.
    pub document_tokens: usize,
    /// How deep brackets of any kind may nest in a document.
    pub document_nesting: usize,
    /// How deep selections may nest once every fragment stands in the place of its spreads.
    pub document_depth: usize,
    /// The most fields and fragments that a document may select, fragments counted at each spread.
    pub document_selections: usize,
    /// The most aliases of a document, fragments counted at each spread.
    pub document_aliases: usize,
    /// The most directives of a document, fragments counted at each spread.
    pub document_directives: usize,
    /// The most items of one list in a document or its variables.
    pub list_items: usize,
    /// The most values that one request may ask for, with every list at the page size that is asked for.
    pub answer_values: u64,
    /// How many parsed documents are kept; one counts once for every 4 KiB of its text.
    pub cached_documents: u64,
    /// Longer documents are not kept.
    pub cached_document_bytes: usize,
    /// The file of the operations that this host knows beforehand; empty when there is none.
    pub operations_file: PathBuf,
    /// Whether no other operations run.
    pub operations_only: bool,
    /// How long anybody may keep an answer that everybody is given.
    pub public_max_age_seconds: u64,
    /// What a Prometheus server shows at `/metrics`; empty when there is nothing to read there.
    pub metrics_token: String,
    /// How much work callers may ask for.
    pub budget: BudgetSettings,
}

/// How much work callers may ask for, in cost units: a budget is full at first and gains what it lacks second by second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetSettings {
    /// The whole budget of somebody with a token; 0 for no limit.
    pub person_units: u32,
    /// What it gains a second.
    pub person_units_per_second: u32,
    /// The whole budget of all who come from one address without a token; 0 for no limit.
    pub address_units: u32,
    /// What it gains a second.
    pub address_units_per_second: u32,
    /// What every request costs, answered or refused.
    pub request_cost: u32,
    /// What each field of a mutation costs beside the values that it answers with.
    pub mutation_cost: u32,
    /// How many budgets are remembered; who was not heard of for longest has a full one again.
    pub remembered: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Settings::defaults().expect("a test reads the default file").http
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads the settings of a process.
    ///
    /// # Errors
    /// When the file cannot be read, a name is unknown or a value has the wrong type; the message names it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut sources = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            sources = sources.add_source(File::from(file).format(FileFormat::Toml));
        }
        sources.add_source(environment()).build()?.try_deserialize()
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never for the file that this version carries: a test reads it.
    pub fn defaults() -> Result<Self, ConfigError> {
        Config::builder()
            .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
            .build()?
            .try_deserialize()
    }
}

fn environment() -> Environment {
    Environment::with_prefix("CHAMPION")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("http.allowed_origins")
        .with_list_parse_key("http.trusted_proxies")
        // The test suite's own variables are no settings of a host.
        .source(Some(
            std::env::vars()
                .filter(|(name, _)| !name.starts_with("CHAMPION_TEST_"))
                .collect(),
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_is_whole() {
        let settings = Settings::defaults().unwrap();

        assert_eq!(settings.listen.port(), 8080);
        assert!(!settings.development_issuer);
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.toml");
        std::fs::write(&file, "databse_url = \"sqlite:other.db\"").unwrap();

        let refusal = Settings::load(Some(&file)).unwrap_err().to_string();

        assert!(refusal.contains("databse_url"), "{refusal}");
    }

    #[test]
    fn the_settings_that_the_manual_shows_are_settings() {
        let (_, shown) = include_str!("../docs/deploy.md").split_once("```toml\n").unwrap();
        let (shown, _) = shown.split_once("```").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("host.toml");
        std::fs::write(&file, shown).unwrap();

        let settings = Settings::load(Some(&file)).unwrap();

        assert_eq!(settings.http.trusted_proxies.len(), 1);
        assert!(!settings.http.graphiql);
    }
}
