//! The operations that frontends have registered with this host: its safelist, when nothing else may run.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// The name of the one format of manifests that has a name.
const FORMAT: &str = "apollo-persisted-query-manifest";

/// A file of operations, as tools write it: a persisted query manifest, or an object of ids and texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    Manifest {
        format: String,
        version: u64,
        operations: Vec<Registered>,
    },
    Texts(BTreeMap<String, String>),
}

/// An operation of a manifest. What else tools note of it is in its text.
#[derive(Deserialize)]
struct Registered {
    id: String,
    body: String,
}

/// The ids and texts of the operations of a file; none when the path is empty.
///
/// # Errors
/// A sentence for the operator when the file cannot be read or is of another format.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, String> {
    if path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |why: String| format!("operations_file {}: {why}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    match serde_json::from_str(&text) {
        Ok(File::Manifest {
            format,
            version: 1,
            operations,
        }) if format == FORMAT => Ok(operations.into_iter().map(|one| (one.id, one.body)).collect()),
        Ok(File::Texts(texts)) => Ok(texts.into_iter().collect()),
        _ => Err(wrong(format!(
            "this is neither a manifest of the format {FORMAT}, version 1, nor an object of ids and texts"
        ))),
    }
}
