//! Prints the bill of materials of the program as CycloneDX 1.5 (JSON): what `Cargo.lock` has it built of, for one target.
//!
//! `cargo run --example bill_of_materials -- x86_64-unknown-linux-gnu > champion-network.cdx.json`
//!
//! The same sources and target give the same bytes: no time and no random number is in it. What only takes part in building
//! (build scripts, macros) is in scope `excluded`, what is part of the program is `required`.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    process::Command,
};

use serde_json::{Value, json};

const PROGRAM: &str = "champion-network";

fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).map_or_else(host, Ok)?;
    let metadata = metadata(&target)?;
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"))?;
    let bill = bill(&metadata, &hashes(&lock.parse()?), &target).ok_or("cargo's metadata are not as expected")?;
    println!("{}", serde_json::to_string_pretty(&bill)?);
    Ok(())
}

/// The target that this machine builds for by itself.
fn host() -> Result<String, Box<dyn Error>> {
    let told = Command::new("rustc").arg("-vV").output()?;
    let told = String::from_utf8(told.stdout)?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say its host")?.to_owned())
}

fn metadata(target: &str) -> Result<Value, Box<dyn Error>> {
    let arguments = [
        "metadata",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        target,
    ];
    let told = Command::new("cargo")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    if !told.status.success() {
        return Err(String::from_utf8_lossy(&told.stderr).into());
    }
    Ok(serde_json::from_slice(&told.stdout)?)
}

/// The SHA-256 of each package's archive, by name and version.
fn hashes(lock: &toml::Table) -> BTreeMap<(String, String), String> {
    let text = |package: &toml::Value, key: &str| package.get(key)?.as_str().map(str::to_owned);
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let packages = packages.into_iter().flatten();
    let hashes = packages.filter_map(|package| {
        let named = (text(package, "name")?, text(package, "version")?);
        Some((named, text(package, "checksum")?))
    });
    hashes.collect()
}

/// The packages behind a package, each with whether it becomes part of the program, and who needs whom.
struct Graph<'m> {
    packages: BTreeMap<&'m str, &'m Value>,
    nodes: BTreeMap<&'m str, &'m Value>,
    part_of_it: BTreeMap<&'m str, bool>,
    needs: BTreeMap<&'m str, BTreeSet<&'m str>>,
}

impl<'m> Graph<'m> {
    fn of(metadata: &'m Value) -> Option<Self> {
        let by_id = |list: &'m Value| -> Option<BTreeMap<&'m str, &'m Value>> {
            let list = list.as_array()?.iter();
            list.map(|entry| Some((entry["id"].as_str()?, entry))).collect()
        };
        Some(Self {
            packages: by_id(&metadata["packages"])?,
            nodes: by_id(&metadata["resolve"]["nodes"])?,
            part_of_it: BTreeMap::new(),
            needs: BTreeMap::new(),
        })
    }

    /// Follows what a package is built of. Whatever a build script or macro needs is not part of the program.
    fn follow(&mut self, id: &'m str, part: bool) -> Option<()> {
        match self.part_of_it.get(id) {
            Some(before) if *before || !part => return Some(()),
            _ => self.part_of_it.insert(id, part),
        };
        for dependency in self.nodes.get(id)?["deps"].as_array()? {
            let other = dependency["pkg"].as_str()?;
            let kinds = dependency["dep_kinds"]
                .as_array()?
                .iter()
                .map(|kind| kind["kind"].as_str());
            let kinds: BTreeSet<_> = kinds.collect();
            if !kinds.contains(&None) && !kinds.contains(&Some("build")) {
                continue;
            }
            self.needs.entry(id).or_default().insert(other);
            self.follow(other, part && kinds.contains(&None) && !self.is_macro(other))?;
        }
        Some(())
    }

    fn is_macro(&self, id: &str) -> bool {
        let targets = self.packages.get(id).and_then(|package| package["targets"].as_array());
        let mut kinds = targets
            .into_iter()
            .flatten()
            .filter_map(|target| target["kind"].as_array());
        kinds.any(|kinds| kinds.iter().any(|kind| kind == "proc-macro"))
    }
}

fn bill(metadata: &Value, hashes: &BTreeMap<(String, String), String>, target: &str) -> Option<Value> {
    let mut graph = Graph::of(metadata)?;
    let named = |package: &&Value| package["name"] == PROGRAM;
    let root = metadata["packages"].as_array()?.iter().find(named)?;
    let id = root["id"].as_str()?;
    graph.follow(id, true)?;
    let reference = |id: &str| graph.packages.get(id).and_then(|package| purl(package));
    let others = graph.part_of_it.iter().filter(|(other, _)| **other != id);
    let components: Option<Vec<_>> = others
        .map(|(other, part)| component(graph.packages.get(other)?, *part, hashes))
        .collect();
    let dependencies: Option<Vec<_>> = graph
        .part_of_it
        .keys()
        .map(|id| {
            let needs = graph.needs.get(id).into_iter().flatten().map(|other| reference(other));
            Some(json!({ "ref": reference(id)?, "dependsOn": needs.collect::<Option<Vec<_>>>()? }))
        })
        .collect();
    Some(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "bom-ref": purl(root)?, "name": PROGRAM, "version": root["version"],
            "licenses": licences(root), "purl": purl(root)?,
            "properties": [{ "name": "cargo:target", "value": target }],
        } },
        "components": components?,
        "dependencies": dependencies?,
    }))
}

fn purl(package: &Value) -> Option<String> {
    let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
    Some(format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")))
}

fn component(package: &Value, part: bool, hashes: &BTreeMap<(String, String), String>) -> Option<Value> {
    let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
    let mut component = json!({
        "type": "library", "bom-ref": purl(package)?, "name": name, "version": version,
        "scope": if part { "required" } else { "excluded" },
        "licenses": licences(package), "purl": purl(package)?,
    });
    // Those of this repository have none: they are not fetched.
    if let Some(hash) = hashes.get(&(name.to_owned(), version.to_owned())) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
    }
    Some(component)
}

fn licences(package: &Value) -> Value {
    match package["license"].as_str() {
        // As crates wrote it before there were expressions.
        Some(expression) => json!([{ "expression": expression.replace(" / ", "/").replace('/', " OR ") }]),
        None => json!([{ "license": { "name": package["license_file"].as_str().unwrap_or("not stated") } }]),
    }
}
