//! The faults that the exchange between hosts survives and the threats that a host answers, and that for each a test shows it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Where the tests of each kind stand.
const KINDS: [(&str, &[&str]); 13] = [
    ("api", &["tests/it"]),
    ("auth", &["src/auth"]),
    ("cli", &["src/cli"]),
    ("http", &["src/http"]),
    ("impact", &["src/impact"]),
    ("text", &["src/markdown", "src/input"]),
    ("wire", &["src/federation/wire"]),
    ("simulation", &["src/federation/protocol/simulation"]),
    ("protocol", &["src/federation/protocol/tests"]),
    ("privacy", &["tests/it/privacy"]),
    ("processes", &["tests/it/processes"]),
    ("hosts", &["tests/it/hosts"]),
    ("federation", &["tests/it/federation.rs", "tests/it/federation"]),
];

/// What the rows of the first table below a heading say: the fault or threat, and its tests as kind and name.
fn faults(page: &str, heading: &str) -> Vec<(String, Vec<(String, String)>)> {
    let page = fs::read_to_string(root().join(page)).unwrap();
    let (_, section) = page.split_once(heading).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let rows = rows.map(|row| {
        let row = row.trim().trim_matches('|');
        let (fault, _) = row.split_once('|').unwrap();
        let (_, tests) = row.rsplit_once('|').unwrap();
        let tests = tests.split('`').skip(1).step_by(2).map(|test| {
            let (kind, name) = test.split_once(": ").unwrap_or_else(|| panic!("{test} is of no kind"));
            (kind.to_owned(), name.to_owned())
        });
        (fault.trim().to_owned(), tests.collect())
    });
    rows.collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(at: PathBuf) -> Vec<PathBuf> {
    if at.is_file() {
        return vec![at];
    }
    let entries = fs::read_dir(&at).unwrap_or_else(|why| panic!("{}: {why}", at.display()));
    entries.flat_map(|entry| files(entry.unwrap().path())).collect()
}

/// Whether a source makes a test of this name: as a function, or as the line of a macro that makes it one.
fn makes(source: &str, name: &str) -> bool {
    let mut lines = source.lines().map(str::trim);
    lines.any(|line| line.contains(&format!("fn {name}(")) || line.starts_with(&format!("{name}: ")))
}

#[test]
fn a_test_shows_that_each_fault_is_survived_and_each_threat_answered() {
    let sources: BTreeMap<_, _> = KINDS
        .iter()
        .map(|(kind, folders)| {
            let files = folders.iter().flat_map(|folder| files(root().join(folder)));
            let text: String = files.map(|file| fs::read_to_string(file).unwrap()).collect();
            (*kind, text)
        })
        .collect();
    let headings = [
        "## 1. Callers",
        "## 2. Tokens",
        "## 3. What is kept",
        "## 5. Figures about people",
        "## 6. What comes from others, and from chance",
    ];
    let threats = headings.iter().flat_map(|heading| faults("docs/security.md", heading));
    let attacks = faults("docs/disclosure.md", "## 2. What stays hidden");
    let threats: Vec<_> = threats.chain(attacks).collect();
    let faults = faults("docs/federation.md", "## 10. Faults to survive");
    assert!(faults.len() > 20 && threats.len() > 20, "{faults:?} {threats:?}");
    for (fault, tests) in faults.into_iter().chain(threats) {
        assert!(!tests.is_empty(), "nothing shows that this is survived: {fault}");
        for (kind, name) in tests {
            let source = sources.get(&*kind).unwrap_or_else(|| panic!("{kind} are no tests"));
            assert!(makes(source, &name), "{fault}: there is no test {name} among {kind}");
        }
    }
}
