//! What the program is built of: from where, not older than known fixes, and listed in its bill of materials.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use toml::Table;

#[path = "../../examples/bill_of_materials.rs"]
#[expect(dead_code, reason = "the example prints what is looked at here")]
mod bill_of_materials;

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

/// What a package needs by `Cargo.lock`, as names.
fn locked_needs(package: &Table) -> BTreeSet<&str> {
    let needs = package.get("dependencies").and_then(toml::Value::as_array);
    let needs = needs.into_iter().flatten().map(|need| need.as_str().unwrap());
    needs.map(|need| need.split(' ').next().unwrap()).collect()
}

#[test]
fn the_bill_of_materials_lists_what_the_program_is_built_of() {
    let bill = bill_of_materials::bill(&bill_of_materials::host().unwrap()).unwrap();
    let locked = packages();
    let mut by_reference = BTreeMap::new();
    let mut required = BTreeSet::new();
    for component in bill["components"].as_array().unwrap() {
        let (name, version) = (component["name"].as_str(), component["version"].as_str());
        let same = |package: &&Table| (text(package, "name"), text(package, "version")) == (name, version);
        let package = locked.iter().find(same).expect("Cargo.lock has it");
        let hash = component["hashes"][0]["content"].as_str();
        assert_eq!(hash, text(package, "checksum"), "{name:?}");
        by_reference.insert(component["bom-ref"].as_str().unwrap(), package);
        if component["scope"] == "required" {
            required.insert(name.unwrap());
        }
    }

    // Whatever Cargo.toml asks for is in it, and what only the tests need is not.
    let lists = |name: &str| by_reference.values().any(|package| text(package, "name") == Some(name));
    for name in read("Cargo.toml")["dependencies"].as_table().unwrap().keys() {
        assert!(lists(name), "{name} is not listed");
    }
    assert!(!["bolero", "insta", "proptest"].into_iter().any(lists));
    // What only takes part in building is told apart.
    assert!(required.contains("tokio") && !required.contains("syn") && lists("syn"));
    // Everything is there for something that is there, as Cargo.lock says.
    let mut needed = BTreeSet::new();
    for entry in bill["dependencies"].as_array().unwrap() {
        let needs = entry["dependsOn"].as_array().unwrap();
        needed.extend(needs.iter().map(|need| need.as_str().unwrap()));
        if let Some(package) = by_reference.get(entry["ref"].as_str().unwrap()) {
            let names = locked_needs(package);
            for need in needs {
                let need = by_reference[need.as_str().unwrap()];
                assert!(names.contains(text(need, "name").unwrap()), "{entry}");
            }
        }
    }
    assert_eq!(needed, by_reference.keys().copied().collect());
}
