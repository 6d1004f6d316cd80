//! Checking signatures.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use super::{PublicKey, Signature};

/// Checks signatures. Hosts use [`Ed25519`]; simulation uses something cheaper.
pub trait Verify {
    /// Whether the private half of `key` signed exactly this message. A key that is no key verifies nothing.
    fn verify(&self, key: PublicKey, message: &[u8], signature: Signature) -> bool;
}

/// Ed25519 (RFC 8032).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl Verify for Ed25519 {
    fn verify(&self, key: PublicKey, message: &[u8], signature: Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, key.0)
            .verify(message, &signature.0)
            .is_ok()
    }
}
