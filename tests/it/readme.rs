//! The README: every command and example in it is run, in the order in which it stands there, and what it says of files,
//! settings and commands is compared with them.
//!
//! A block that nothing here knows how to run fails its test. [`reader`] says what stands for the README's addresses,
//! tokens and file names.

mod page;
mod reader;

use std::{collections::BTreeMap, path::Path, process::Command};

use champion_network::config::DEFAULTS;

use crate::support::{Backend, Demo, FreshDatabase, json};
use page::{Block, blocks, spans, table};
use reader::{Outcome, Reader, compare, free_address};

/// The sections whose blocks start hosts of their own. All others talk to the demonstration.
const OWN_HOST: &str = "Running a host";
const OWN_NETWORK: &str = "A network of hosts";

fn of(section: &str) -> Vec<Block> {
    let found: Vec<_> = blocks().into_iter().filter(|block| block.section == section).collect();
    assert!(!found.is_empty(), "there is no section {section}");
    found
}

#[tokio::test]
async fn the_examples_do_on_the_demonstration_what_they_say() {
    let temporary = tempfile::tempdir().unwrap();
    let demo = Demo::start(&[], temporary.path());
    let address = |site| demo.url(site).trim_start_matches("http://").to_owned();
    let addresses = vec![
        ("127.0.0.1:8080", address("national")),
        ("127.0.0.1:8081", address("north-staffordshire")),
    ];
    let tokens = table("### Tokens for the examples").into_iter().map(|row| {
        let (site, role) = row[1].split_once(':').unwrap();
        (row[0].clone(), demo.token(site, role).to_owned())
    });
    let mut reader = Reader::new(addresses, tokens.collect());
    let own = [OWN_HOST, OWN_NETWORK];
    let blocks: Vec<_> = blocks()
        .into_iter()
        .filter(|block| !own.contains(&block.section.as_str()))
        .collect();

    reader.follows(&blocks).await;

    assert!(demo.stop().success());
}

#[tokio::test]
async fn a_host_of_ones_own_starts_as_described() {
    let database = FreshDatabase::make(Backend::Postgres).await;
    let instead = vec![
        ("127.0.0.1:8090", free_address()),
        ("postgres://champion:secret@127.0.0.1/champion", database.url.clone()),
    ];
    let mut reader = Reader::new(instead, BTreeMap::new());

    reader.follows(&of(OWN_HOST)).await;
}

#[tokio::test]
async fn a_network_of_ones_own_starts_as_described_and_bears_a_hub_that_stops() {
    let ports = ["127.0.0.1:8091", "127.0.0.1:8092", "127.0.0.1:8093"];
    let mut instead: Vec<_> = ports.map(|port| (port, free_address())).into();
    // The commands name ports alone, too.
    for (written, bare) in [(0, "ask 8091"), (1, "ask 8092"), (2, "ask 8093")] {
        let port = instead[written].1.rsplit_once(':').unwrap().1.to_owned();
        instead.push((bare, format!("ask {port}")));
    }
    let mut reader = Reader::new(instead, BTreeMap::new());

    reader.follows(&of(OWN_NETWORK)).await;
}

#[test]
fn the_table_of_settings_is_the_default_file() {
    let told: BTreeMap<_, _> = table("### Settings")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let defaults: toml::Table = DEFAULTS.parse().unwrap();
    let mut kept = BTreeMap::new();
    flatten("", defaults, &mut kept);

    assert_eq!(told, kept);
}

/// Names the settings of a section and of those within it by their whole names.
fn flatten(section: &str, settings: toml::Table, into: &mut BTreeMap<String, String>) {
    for (name, value) in settings {
        let name = format!("{section}{name}");
        match value {
            toml::Value::Table(within) => flatten(&format!("{name}."), within, into),
            plain => drop(into.insert(name, written(&plain))),
        }
    }
}

/// A value as TOML writes it.
fn written(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        toml::Value::Array(values) => format!("[{}]", values.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => panic!("the default file holds {other:?}"),
    }
}

#[test]
fn every_file_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/", "tests/", "entity/", "migration/"];
    let named: Vec<_> = spans()
        .into_iter()
        .filter(|span| folders.iter().any(|folder| span.starts_with(folder)) && !span.contains(' '))
        .collect();

    assert!(named.len() > 10, "{named:?}");
    for path in named {
        assert!(root.join(path).exists(), "the README names {path}");
    }
}

#[test]
fn every_command_that_is_named_exists() {
    let named = spans()
        .into_iter()
        .filter_map(|span| span.strip_prefix("champion-network "));
    let is_word = |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase());
    let mut count = 0;
    for command in named {
        let words: Vec<_> = command.split(' ').take_while(is_word).collect();
        let mut program = Command::new(env!("CARGO_BIN_EXE_champion-network"));
        let answer = program.args(&words).arg("--help").output().unwrap();
        let help = String::from_utf8(answer.stdout).unwrap();
        assert!(answer.status.success(), "the README names `champion-network {command}`");
        let options = command.split(' ').filter(|word| word.starts_with("--"));
        for option in options {
            assert!(help.contains(option), "`champion-network {command}` knows no {option}");
        }
        count += 1;
    }

    assert!(count > 3, "{count} commands are named");
}

#[test]
fn what_an_example_comes_to_is_compared() {
    let answer = || Outcome::Answered(json!({ "data": { "id": "project_01k", "titles": ["Garden"] } }));
    let told = |text: &str| compare(&answer(), "json", text);

    assert_eq!(
        told(r#"{ "data": { "titles": ["Garden"], "id": "project_…" } }"#),
        Ok(())
    );
    assert!(told(r#"{ "data": { "id": "project_…" } }"#).is_err());
    let wrong = told(r#"{ "data": { "id": "project_…", "titles": ["Park"] } }"#).unwrap_err();
    assert_eq!(wrong, r#"answer.data.titles.0 is "Garden", not "Park""#);
    assert!(compare(&Outcome::Printed("one\ntwo\n".to_owned()), "text", "one\n").is_err());
    assert!(compare(&Outcome::Nothing, "text", "").is_err());
}
