//! The tools that come with PostgreSQL: which of them to use, and what they are told of the database.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Seek},
    path::PathBuf,
    process::{Command, Stdio},
};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::cli::Outcome;

/// Where Debian keeps the tools of each version apart.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The tools of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// The number of that version.
    pub version: u32,
    /// Where they are; none when they are found by their names.
    folder: Option<PathBuf>,
}

impl Tools {
    /// The oldest that are as new as this version: what they write, that version of the server reads.
    pub fn of(version: u32) -> Outcome<Self> {
        let mut found: Vec<_> = all().into_iter().filter(|tools| tools.version >= version).collect();
        found.sort_by_key(|tools| tools.version);
        found.into_iter().next().ok_or_else(|| {
            format!(
                "This needs pg_dump, pg_restore and psql of PostgreSQL {version} or newer, on the PATH or below {DEBIAN} \
                 (Debian: apt-get install postgresql-client)."
            )
        })
    }

    /// A tool that is told of the database by its environment: its command line shows nobody the password.
    pub fn command(&self, tool: &str, environment: &BTreeMap<&'static str, String>) -> Command {
        let path = self
            .folder
            .as_ref()
            .map_or_else(|| tool.into(), |folder| folder.join(tool));
        let mut command = Command::new(path);
        command.envs(environment).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// All versions that are there.
fn all() -> Vec<Tools> {
    let folders = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let folders = folders.map(|version| Some(version.path().join("bin")));
    // Where both name the same version, the folder comes first.
    let folders = folders.chain(std::iter::once(None));
    folders
        .filter_map(|folder| {
            let version = version(folder.as_ref())?;
            Some(Tools { version, folder })
        })
        .collect()
}

fn version(folder: Option<&PathBuf>) -> Option<u32> {
    let tool = folder.map_or_else(|| "pg_dump".into(), |folder| folder.join("pg_dump"));
    let told = Command::new(tool).arg("--version").stdin(Stdio::null()).output().ok()?;
    number(&String::from_utf8(told.stdout).ok()?)
}

/// The first number of what a tool says of its version.
fn number(told: &str) -> Option<u32> {
    let number = told.find(|c: char| c.is_ascii_digit())?;
    let digits = told[number..].split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// What a URL says of a database, in the words of the tools' environment.
pub fn environment(url: &str) -> Outcome<BTreeMap<&'static str, String>> {
    let unreadable = |_| "The setting database_url cannot be read.".to_owned();
    let url = Url::parse(url).map_err(unreadable)?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(Cow::into_owned);
    let mut said = BTreeMap::new();
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    for (name, text) in [
        ("PGHOST", host),
        ("PGUSER", url.username()),
        ("PGPASSWORD", url.password().unwrap_or_default()),
        ("PGDATABASE", url.path().trim_start_matches('/')),
    ] {
        if !text.is_empty() {
            let text = decoded(text).map_err(|_| "The setting database_url is not written in UTF-8.")?;
            said.insert(name, text);
        }
    }
    if let Some(port) = url.port() {
        said.insert("PGPORT", port.to_string());
    }
    for (key, value) in url.query_pairs() {
        let name = match &*key {
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            "host" => "PGHOST",
            "hostaddr" => "PGHOSTADDR",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "dbname" => "PGDATABASE",
            "options" => "PGOPTIONS",
            // How the host itself uses its connections.
            _ => continue,
        };
        said.insert(name, value.into_owned());
    }
    Ok(said)
}

/// Runs a tool to its end. Tells what it complains of when it fails.
pub fn run(mut command: Command) -> Outcome {
    let heard = Heard::from(&mut command)?;
    let ended = command.status();
    let ended = ended.map_err(|why| format!("{} cannot be run: {why}", name(&command)))?;
    if ended.success() {
        return Ok(());
    }
    Err(heard.complaint(&command))
}

/// What a tool says of what went wrong. It goes into a file, which takes any amount while nobody reads.
pub struct Heard(File);

impl Heard {
    /// Listens to a tool that is to be run.
    pub fn from(command: &mut Command) -> Outcome<Self> {
        let impossible = |why: io::Error| format!("No temporary file can be made: {why}");
        let file = tempfile::tempfile().map_err(impossible)?;
        command.stderr(file.try_clone().map_err(impossible)?);
        Ok(Self(file))
    }

    /// What went wrong with it.
    pub fn complaint(mut self, command: &Command) -> String {
        let mut told = String::new();
        // What is no text is left out; that it failed is told in any case.
        let _ = self.0.rewind().and_then(|()| self.0.read_to_string(&mut told));
        let name = name(command);
        match told.trim() {
            "" => format!("{name} has failed."),
            told => format!("{name} has failed: {told}"),
        }
    }
}

fn name(command: &Command) -> String {
    let path = PathBuf::from(command.get_program());
    path.file_name().unwrap_or_default().display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_wherever_it_stands() {
        assert_eq!(
            number("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(number("pg_dump (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(number("none"), None);
    }

    #[test]
    fn a_url_is_told_by_the_environment() {
        let said = environment(
            "postgres://cham%20pion:s%2Fcret@db.test:5433/host%3F?sslmode=require&statement-cache-capacity=9",
        );
        let said = said.unwrap();
        let said: Vec<_> = said.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            said,
            [
                "PGDATABASE=host?",
                "PGHOST=db.test",
                "PGPASSWORD=s/cret",
                "PGPORT=5433",
                "PGSSLMODE=require",
                "PGUSER=cham pion"
            ]
        );
        let socket = environment("postgres://%2Frun%2Fpostgresql/host").unwrap();
        assert_eq!((&*socket["PGHOST"], socket.len()), ("/run/postgresql", 2));
        assert_eq!(environment("postgres://[::1]/host").unwrap()["PGHOST"], "::1");
    }
}
