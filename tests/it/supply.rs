//! What the program is built of: from where, not older than known fixes, and listed in its bill of materials.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;
use toml::Table;

fn read(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).unwrap().parse().unwrap()
}

fn text<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(toml::Value::as_str)
}

fn packages() -> Vec<Table> {
    let lock = read("Cargo.lock");
    let packages = lock["package"].as_array().unwrap().iter();
    packages.map(|package| package.as_table().unwrap().clone()).collect()
}

/// The numbers of a version, so that 0.10 is more than 0.9.
fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap();
    plain.split('.').map(|number| number.parse().unwrap()).collect()
}

#[test]
fn every_library_comes_from_the_registry_with_its_hash() {
    for package in packages() {
        let name = text(&package, "name").unwrap();
        if ["champion-network", "entity", "migration"].contains(&name) {
            continue;
        }
        let source = text(&package, "source");
        assert_eq!(
            source,
            Some("registry+https://github.com/rust-lang/crates.io-index"),
            "{name}"
        );
        assert_eq!(text(&package, "checksum").map(str::len), Some(64), "{name}");
    }
}

/// `deny.toml` refuses versions below a fix as `name@<version`, with the number of the advisory.
#[test]
fn no_library_is_older_than_a_known_fix() {
    let rules = read("deny.toml");
    let refused = rules["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule.as_table().unwrap());
    let mut floors = 0;
    for rule in refused {
        let Some((name, below)) = text(rule, "crate").unwrap().split_once("@<") else {
            continue;
        };
        floors += 1;
        let reason = text(rule, "reason").unwrap();
        assert!(reason.contains("RUSTSEC-"), "{name}: {reason}");
        for package in packages().iter().filter(|package| text(package, "name") == Some(name)) {
            let version = text(package, "version").unwrap();
            assert!(numbers(version) >= numbers(below), "{name} {version}: {reason}");
        }
    }
    assert!(floors > 5, "the floors are gone");
}

/// What cargo's own tree says that the program is built of, as `name@version`.
fn tree(edges: &str) -> BTreeSet<String> {
    let told = cargo(&[
        "tree",
        "--locked",
        "--offline",
        "-p",
        "champion-network",
        "--prefix",
        "none",
        "-e",
        edges,
    ]);
    let lines = told.lines().map(|line| {
        let mut words = line.split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        format!("{name}@{}", version.trim_start_matches('v'))
    });
    lines
        .filter(|package| !package.starts_with("champion-network@"))
        .collect()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let told = Command::new(cargo)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

#[test]
fn the_bill_of_materials_lists_what_the_program_is_built_of() {
    let bill = cargo(&[
        "run",
        "--quiet",
        "--locked",
        "--offline",
        "--example",
        "bill_of_materials",
    ]);
    let bill: Value = serde_json::from_str(&bill).unwrap();
    let listed = |scopes: &[&str]| -> BTreeSet<String> {
        let components = bill["components"].as_array().unwrap().iter();
        let of_scope = components.filter(|component| scopes.contains(&component["scope"].as_str().unwrap()));
        of_scope
            .map(|component| {
                format!(
                    "{}@{}",
                    component["name"].as_str().unwrap(),
                    component["version"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(listed(&["required", "excluded"]), tree("normal,build"));
    assert_eq!(listed(&["required"]), tree("normal,no-proc-macro"));

    let locked = packages();
    for component in bill["components"].as_array().unwrap() {
        let (name, version) = (component["name"].as_str(), component["version"].as_str());
        let same = |package: &&Table| (text(package, "name"), text(package, "version")) == (name, version);
        let package = locked.iter().find(same).expect("Cargo.lock has it");
        assert_eq!(
            component["hashes"][0]["content"].as_str(),
            text(package, "checksum"),
            "{name:?}"
        );
    }
}
