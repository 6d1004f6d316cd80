//! Layers: a file names only modules at its own level or lower, features' operations name one another only leftward,
//! and libraries stay behind their owners.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lowest first. The parts of a feature and of the federation are found by these words in their path.
const LEVELS: &[&[&str]] = &[
    &[
        "error", "config", "clock", "database", "erasure", "tally", "markdown", "wire", "signals", "protocol",
    ],
    &["policy"],
    &[
        "scope", "record", "read", "search", "input", "sheet", "share", "changes",
    ],
    &["app", "auth"],
    &["ops", "feed"],
    &["graphql", "federation", "check"],
    &["schema"],
    &["http"],
    &["server", "cli", "demo", "main", "lib"],
];

/// Operations may name those of a feature to their left.
const FEATURES: &[&str] = &[
    "sites",
    "champions",
    "resources",
    "projects",
    "forum",
    "impact",
    "privacy",
];

/// What does no I/O and reads no clock: simulation drives it with seeds.
const PURE: &[&str] = &["federation/protocol", "federation/wire"];

/// What pure files may not name: databases, HTTP, clocks, chance, files, sockets and the rest of the server.
const IMPURE: &[&str] = &[
    "sea_orm",
    "entity",
    "migration",
    "axum",
    "hyper",
    "reqwest",
    "tokio",
    "jsonwebtoken",
    "async_graphql",
    "std::fs",
    "std::net",
    "std::io",
    "std::time",
    "std::env",
    "std::process",
    "aws_lc_rs::rand",
    "Utc::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
];

/// Who alone may name a library.
const OWNERS: &[(&str, &[&str])] = &[
    ("reqwest", &["auth/issuers", "federation/dial"]),
    ("apollo_compiler", &["http", "schema/subgraph"]),
    ("axum", &["demo", "federation/serve", "http", "server"]),
];

#[test]
fn files_name_only_what_lies_at_their_level_or_below() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for path in paths(&name, &text) {
            if level(&path) > level(&name) {
                wrong.push(format!("{name} names {path}, which lies above it"));
            }
            if let (Some(own), Some(other)) = (feature(&name), feature(&path))
                && is_ops(&name)
                && is_ops(&path)
                && other > own
            {
                wrong.push(format!("{name} names {path}, which lies to its right"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn libraries_stay_behind_their_owners() {
    let mut wrong = Vec::new();
    let mut forbid = |name: &str, text: &str, library: &str| {
        if code(text).any(|line| line.contains(&format!("{library}::"))) {
            wrong.push(format!("{name} names {library}"));
        }
    };
    for (name, text) in sources() {
        let in_feature = feature(&name).is_some();
        if in_feature && level(&name) == level("graphql") {
            forbid(&name, &text, "sea_orm");
        }
        if level(&name) <= level("ops") && !name.starts_with("error") {
            forbid(&name, &text, "async_graphql");
        }
        if name.starts_with("policy") {
            forbid(&name, &text, "sea_orm");
        }
        if ["federation/wire", "federation/protocol"]
            .iter()
            .any(|pure| name.starts_with(pure))
        {
            for library in ["sea_orm", "tokio", "std::fs", "std::net", "std::time"] {
                forbid(&name, &text, library);
            }
        }
        for (library, owners) in OWNERS {
            if !owners.iter().any(|owner| name.starts_with(owner)) {
                forbid(&name, &text, library);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lints keep sea-orm's transactions for their owner; these are the server's own.
#[test]
fn only_the_unit_of_work_begins_and_commits() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let owns = ["app", "database"].contains(&name.as_str());
        let ends = |line: &&str| line.contains("database.begin(") || line.contains(".commit(");
        wrong.extend(
            code(&text)
                .filter(ends)
                .filter(|_| !owns)
                .map(|line| format!("{name}: {line}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_protocol_names_neither_database_nor_network_nor_clock() {
    let mut wrong = Vec::new();
    let pure = |name: &str| PURE.iter().any(|pure| name.starts_with(pure));
    for (name, text) in sources().iter().filter(|(name, _)| pure(name)) {
        for impure in IMPURE {
            if code(text).any(|line| names(line, impure)) {
                wrong.push(format!("{name} names {impure}"));
            }
        }
        let outside = paths(name, text)
            .into_iter()
            .filter(|path| !pure(&path.replace("::", "/")));
        wrong.extend(outside.map(|path| format!("{name} names {path}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(sources().iter().any(|(name, _)| pure(name)), "there is no protocol");
}

/// Whether a line names a library or path as a whole word.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        !before.is_some_and(|c| inside(c) || c == ':') && !after.is_some_and(inside)
    })
}

/// Every source file of the server, named by its path below `src` without the ending.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let name = |file: &Path| {
        file.strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .display()
            .to_string()
    };
    files
        .iter()
        .map(|file| (name(file), fs::read_to_string(file).unwrap()))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// The level of a file (`projects/ops`) or of a path in the code (`projects::ops::create`).
fn level(path: &str) -> usize {
    let words: Vec<_> = path.split(['/', ':']).filter(|word| !word.is_empty()).collect();
    let part = words.get(1).copied().unwrap_or_default();
    let named = match words[0] {
        "federation" if ["wire", "protocol"].contains(&part) => part,
        feature if FEATURES.contains(&feature) && part.is_empty() => "ops",
        feature if FEATURES.contains(&feature) => part,
        other => other,
    };
    LEVELS
        .iter()
        .position(|level| level.contains(&named))
        .unwrap_or(if FEATURES.contains(&words[0]) { 4 } else { 0 })
}

fn feature(path: &str) -> Option<usize> {
    let first = path.split(['/', ':']).next()?;
    FEATURES.iter().position(|feature| *feature == first)
}

fn is_ops(path: &str) -> bool {
    level(path) == level("ops")
}

/// The lines of code, without comments and without what is compiled for tests alone.
fn code(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines();
    std::iter::from_fn(move || match lines.next()? {
        // A declaration of a file of tests, or the tests themselves, which stand last.
        "#[cfg(test)]" if lines.next()?.ends_with(';') => lines.next(),
        "#[cfg(test)]" => None,
        line => Some(line),
    })
    .filter(|line| !line.trim_start().starts_with("//"))
}

/// Every path of the server's own that a file names: behind `crate::` and `super::`, with the braces of imports written
/// out.
fn paths(name: &str, text: &str) -> Vec<String> {
    let text = code(text).collect::<Vec<_>>().join("\n");
    let mut paths = Vec::new();
    for (at, found) in text.match_indices("crate::") {
        expand("", &text[at + found.len()..], &mut paths);
    }
    for (at, _) in text.match_indices("super::") {
        if text[..at].ends_with("super::") {
            continue;
        }
        let mut own: Vec<_> = name.split('/').filter(|word| *word != "mod").collect();
        let mut rest = &text[at..];
        while let Some(further) = rest.strip_prefix("super::") {
            own.pop();
            rest = further;
        }
        let prefix: String = own.iter().map(|word| format!("{word}::")).collect();
        expand(&prefix, rest, &mut paths);
    }
    paths.retain(|path| !path.is_empty());
    paths
}

/// Reads one import tree that begins here; tells how much of the text it took.
fn expand(prefix: &str, text: &str, paths: &mut Vec<String>) -> usize {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..end]);
    if !text[end..].starts_with('{') {
        paths.push(path.trim_end_matches(':').to_owned());
        return end;
    }
    let mut at = end + 1;
    loop {
        let rest = &text[at..];
        match rest.chars().next() {
            None => return at,
            Some('}') => return at + 1,
            Some(c) if c.is_alphanumeric() || c == '_' => at += expand(&path, rest, paths),
            Some(c) => at += c.len_utf8(),
        }
    }
}
