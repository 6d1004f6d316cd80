//! Prints the bill of materials of the program as CycloneDX 1.5 (JSON): what `Cargo.lock` has it built of, for one target.
//!
//! `cargo run --example bill_of_materials -- x86_64-unknown-linux-gnu > champion-network.cdx.json`
//!
//! What is in it is what cargo's own tree says, which knows the features that are really built. The same sources and target
//! give the same bytes: no time and no random number is in it. What only takes part in building (build scripts, macros) is
//! in scope `excluded`, what is part of the program is `required`.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    process::Command,
};

use serde_json::{Value, json};

const PROGRAM: &str = "champion-network";

/// The name and version of a package.
type Named = (String, String);

/// A package that something is built of.
#[derive(Default)]
struct Package {
    licence: String,
    needs: BTreeSet<Named>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).map_or_else(host, Ok)?;
    println!("{}", serde_json::to_string_pretty(&bill(&target)?)?);
    Ok(())
}

/// The bill of materials of the program as it is built for a target.
pub fn bill(target: &str) -> Result<Value, Box<dyn Error>> {
    let all = tree(target, "normal,build")?;
    let part = tree(target, "normal,no-proc-macro")?;
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"))?;
    let hashes = hashes(&lock.parse()?);
    let program = all
        .keys()
        .find(|(name, _)| name == PROGRAM)
        .ok_or("cargo does not name the program")?;
    let others = all.iter().filter(|(named, _)| *named != program);
    let components: Vec<_> = others
        .map(|(named, package)| component(named, package, part.contains_key(named), hashes.get(named)))
        .collect();
    let dependencies = all.iter().map(|(named, package)| {
        let needs: Vec<_> = package.needs.iter().map(purl).collect();
        json!({ "ref": purl(named), "dependsOn": needs })
    });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": purl(program), "name": PROGRAM, "version": program.1,
            "licenses": licences(&all[program].licence), "purl": purl(program),
            "properties": [{ "name": "cargo:target", "value": target }],
        } },
        "components": components,
        "dependencies": dependencies.collect::<Vec<_>>(),
    }))
}

fn told(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let told = command.current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into());
    }
    Ok(String::from_utf8(told.stdout)?)
}

/// The target that this machine builds for by itself.
pub fn host() -> Result<String, Box<dyn Error>> {
    let told = told(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say its host")?.to_owned())
}

/// The packages behind the program along such edges, each with what it needs.
fn tree(target: &str, edges: &str) -> Result<BTreeMap<Named, Package>, Box<dyn Error>> {
    let place = [
        "tree",
        "--locked",
        "--package",
        PROGRAM,
        "--target",
        target,
        "--edges",
        edges,
    ];
    let told = told(
        Command::new("cargo")
            .args(place)
            .args(["--prefix", "depth", "--format", "\t{p}\t{l}"]),
    )?;
    let mut packages: BTreeMap<Named, Package> = BTreeMap::new();
    let mut above: Vec<Named> = Vec::new();
    for line in told.lines() {
        let mut columns = line.splitn(3, '\t');
        let (depth, package, licence) = (columns.next(), columns.next(), columns.next());
        let depth: usize = depth.unwrap_or_default().parse()?;
        let mut words = package.unwrap_or_default().split(' ').map(str::to_owned);
        let named = words.next().zip(words.next()).ok_or("cargo names no package")?;
        let named = (named.0, named.1.trim_start_matches('v').to_owned());
        above.truncate(depth);
        if let Some(parent) = above.last() {
            packages.entry(parent.clone()).or_default().needs.insert(named.clone());
        }
        let licence = licence.unwrap_or_default().trim_end_matches(" (*)");
        licence.clone_into(&mut packages.entry(named.clone()).or_default().licence);
        above.push(named);
    }
    Ok(packages)
}

/// The SHA-256 of each package's archive.
fn hashes(lock: &toml::Table) -> BTreeMap<Named, String> {
    let text = |package: &toml::Value, key: &str| package.get(key)?.as_str().map(str::to_owned);
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let hashes = packages.into_iter().flatten().filter_map(|package| {
        let named = (text(package, "name")?, text(package, "version")?);
        Some((named, text(package, "checksum")?))
    });
    hashes.collect()
}

fn purl((name, version): &Named) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

fn component(named: &Named, package: &Package, part: bool, hash: Option<&String>) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": purl(named), "name": named.0, "version": named.1,
        "scope": if part { "required" } else { "excluded" },
        "licenses": licences(&package.licence), "purl": purl(named),
    });
    // Those of this repository have none: they are not fetched.
    if let Some(hash) = hash {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
    }
    component
}

fn licences(expression: &str) -> Value {
    if expression.is_empty() {
        return json!([{ "license": { "name": "in its files" } }]);
    }
    // As crates wrote it before there were expressions.
    json!([{ "expression": expression.replace(" / ", "/").replace('/', " OR ") }])
}
