//! Sites and what surrounds them: the directory, issuers, organisations, and who did what.

mod audit;
mod directory;
mod issuers;
mod organisations;

use champion_network::auth::DevelopmentKey;

use crate::support::{Value, json};

/// The public keys of RFC 8032, section 7.1, tests 1 to 3.
const KEYS: [&str; 3] = [
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",
];

const SITE: &str = "site { id slug name kind region odsCode status statusReason hostedHere sync { state } viewerCan }";
const SITES: &str = "query($search: String) { sites(filter: { search: $search }) { nodes { slug status } } }";

/// A site of another host.
fn york() -> Value {
    json!({ "slug": "york", "name": "York", "region": "North East and Yorkshire", "odsCode": "RCB", "publicKey": KEYS[0] })
}

/// The registration of an identity provider of Leeds.
fn registration(key: &DevelopmentKey) -> Value {
    json!({
        "site": "leeds", "issuer": "https://login.leeds.test", "audience": "leeds", "algorithms": ["EdDSA"],
        "jwks": key.jwk_set(), "mayGrant": ["PROJECT_LEAD", "CURATOR"],
    })
}

const AUDIT: &str = "query($site: String!, $first: Int, $after: String) {
    auditEntries(site: $site, first: $first, after: $after) {
        nodes { id site { slug } at action kind recordId record { id __typename } issuer subject pseudonym position hash }
        pageInfo { hasNextPage endCursor } totalCount
    }
}";
