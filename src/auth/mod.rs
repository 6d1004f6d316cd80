//! From a bearer token to a caller: the token profile, the keys of issuers, and the key of the development issuer.
//!
//! A request goes `token::claimed_issuer` → the registrations of that issuer ([`callers`]) → `token::verify` → its
//! champions and spaces. Only `issuers` reaches the network.

mod addresses;
pub mod callers;
mod issuers;
mod jwk;
mod keys;
mod strict_json;
mod token;

pub use addresses::is_public;
pub use issuers::{KeyPolicy, KeySets, parse_jwks_url};
pub use jwk::{JwkSet, MAX_JWK_SET_BYTES, VerifyingKey, parse_jwk_set};
pub use keys::{DevelopmentClaims, DevelopmentKey, Grant, thumbprint};
pub use token::{KeySource, LEEWAY, Proven, Registration, TokenRefused, claimed_issuer, role_name, verify};
