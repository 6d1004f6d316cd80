//! The key of the development issuer: making it, publishing its public half, signing tokens with it.
//!
//! Real issuers keep their keys elsewhere. This one exists for a demonstration on one machine and for tests.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::serde::ts_seconds;
use chrono::{DateTime, Utc};
use entity::SiteRole;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde::{Serialize, Serializer};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::token::role_name;

const PEM_START: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// An Ed25519 key pair that signs tokens. What it prints for debugging is its name, not its secret.
pub struct DevelopmentKey {
    pem: String,
    kid: String,
    public: String,
    secret: EncodingKey,
}

impl DevelopmentKey {
    /// Makes a new key.
    pub fn generate() -> Result<Self, &'static str> {
        let document = Ed25519KeyPair::generate().and_then(|pair| pair.to_pkcs8v1());
        Self::from_pkcs8(
            document
                .map_err(|_| "No key could be made: this machine gives no randomness.")?
                .as_ref(),
        )
    }

    /// Reads a key as [`DevelopmentKey::pem`] printed it: PKCS #8, as other tools write it too.
    pub fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let body = pem
            .trim()
            .strip_prefix(PEM_START)
            .and_then(|rest| rest.strip_suffix(PEM_END));
        let body: String = body
            .ok_or("This is not a PEM file with one private key.")?
            .split_whitespace()
            .collect();
        let document = STANDARD
            .decode(body)
            .map_err(|_| "The private key in the PEM file is not base64.")?;
        Self::from_pkcs8(&document)
    }

    fn from_pkcs8(document: &[u8]) -> Result<Self, &'static str> {
        let pair = Ed25519KeyPair::from_pkcs8(document).map_err(|_| "The private key is not an Ed25519 key.")?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key());
        Ok(Self {
            pem: format!("{PEM_START}\n{}\n{PEM_END}\n", STANDARD.encode(document)),
            kid: thumbprint(&public),
            public,
            secret: EncodingKey::from_ed_der(document),
        })
    }

    /// The private key as a PEM file. Keep it secret.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The name of the key: its thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWK set, ready to be registered.
    pub fn jwk_set(&self) -> String {
        let key = json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.public,
        });
        json!({ "keys": [key] }).to_string()
    }

    /// Signs claims as an access token.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, &'static str> {
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": self.kid });
        let claims = serde_json::to_string(claims).map_err(|_| "The claims cannot be written as JSON.")?;
        self.sign_parts(&header.to_string(), &claims)
    }

    pub(super) fn sign_parts(&self, header: &str, claims: &str) -> Result<String, &'static str> {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.secret, Algorithm::EdDSA);
        Ok(format!(
            "{message}.{}",
            signature.map_err(|_| "The token cannot be signed with this key.")?
        ))
    }
}

impl fmt::Debug for DevelopmentKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DevelopmentKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// The name of an Ed25519 key, of which base64url is given: its thumbprint (RFC 7638), the hash of the required members
/// alone in the order of their names.
pub fn thumbprint(public: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// What the development issuer says about a person.
#[derive(Clone, Debug, Serialize)]
pub struct DevelopmentClaims {
    /// The development issuer.
    pub iss: String,
    /// The person.
    pub sub: String,
    /// The audience that the site registered.
    pub aud: String,
    /// When the token was made.
    #[serde(with = "ts_seconds")]
    pub iat: DateTime<Utc>,
    /// When it ends; at most 24 hours later.
    #[serde(with = "ts_seconds")]
    pub exp: DateTime<Utc>,
    /// The roles of the person.
    pub roles: Vec<Grant>,
}

/// A role on a site, as a token lists it: `blackpool:project_lead`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The name of the site in its address.
    pub site_slug: String,
    /// The role.
    pub role: SiteRole,
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.site_slug, role_name(self.role))
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::parse_jwk_set;

    #[test]
    fn a_key_survives_its_pem_file() {
        let key = DevelopmentKey::generate().expect("a key");
        let again =
            DevelopmentKey::from_pem(&format!("\r\n{}", key.pem().replace('\n', "\r\n"))).expect("the same key");
        assert_eq!(
            (again.pem(), again.kid(), again.jwk_set()),
            (key.pem(), key.kid(), key.jwk_set())
        );
    }

    #[test]
    fn every_new_key_is_another_one() {
        let [one, other] = [(); 2].map(|()| DevelopmentKey::generate().expect("a key"));
        assert_ne!(one.kid(), other.kid());
    }

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        // The key and the thumbprint of RFC 8037, appendix A.3.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }

    #[test]
    fn the_public_half_can_be_registered_and_holds_no_secret() {
        let key = DevelopmentKey::generate().expect("a key");
        let set = parse_jwk_set(&key.jwk_set()).expect("a key set");
        assert!(set.knows(key.kid()));
        assert!(!key.jwk_set().contains("\"d\""));
    }

    #[test]
    fn printing_a_key_for_debugging_does_not_print_its_secret() {
        let key = DevelopmentKey::generate().expect("a key");
        let secret = key.pem().lines().nth(1).expect("the body");
        assert!(!format!("{key:?}").contains(secret));
    }

    #[test]
    fn a_file_that_is_no_private_key_is_refused() {
        for pem in [
            "",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            PEM_START,
        ] {
            assert!(DevelopmentKey::from_pem(pem).is_err());
        }
        for body in ["", "AAAA", "no base64"] {
            assert!(DevelopmentKey::from_pem(&format!("{PEM_START}\n{body}\n{PEM_END}")).is_err());
        }
    }

    #[test]
    fn a_role_is_written_in_lower_case() {
        let grant = Grant {
            site_slug: "blackpool".into(),
            role: SiteRole::ProjectLead,
        };
        assert_eq!(grant.to_string(), "blackpool:project_lead");
        assert_eq!(json!(grant), json!("blackpool:project_lead"));
    }
}
