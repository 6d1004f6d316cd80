//! What travels between hosts, version `cn-fed/1` (`docs/federation.md`, sections 2 and 3).
//!
//! Headers and payloads are JSON texts that travel as JSON *strings*. They are stored, relayed and hashed as those very
//! bytes, so nothing has to be canonicalised to verify a signature. Bytes (hashes, salts, keys, signatures) are base64url
//! without padding. Times are whole milliseconds since 1970.

mod audit;
mod bytes;
mod entry;
mod hash;
mod member;
mod names;
mod signature;
#[cfg(test)]
mod tests;

pub use audit::{AuditCheckpoint, AuditLink, audit_message, first_link, next_link};
pub use bytes::{Hash, Head, PublicKey, Salt, Signature};
pub use entry::{Batch, Checkpoint, Entry, Fork, Header, Malformed, Opening, Previous, Seal};
pub use hash::{checkpoint_message, first_head, key_message, next_head, payload_hash, root_message};
pub use member::{Key, Member, ProtocolRange, Status, Window};
pub use names::{Audience, Epoch, Operation, Origin, UnknownAudience};
pub use signature::{Ed25519, Verify};

/// The version of the protocol that this server speaks, as the directory's `protocol` range counts it.
pub const VERSION: u32 = 1;

/// Most entries of one batch.
pub const MAX_BATCH_ENTRIES: usize = 500;

/// Most bytes of one batch: the sum of [`Entry::size`].
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Most bytes of one payload. A larger one is refused when it is written.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// Most bytes of the name of a type or schema: ASCII without spaces.
pub const MAX_NAME_BYTES: usize = 64;

/// Most bytes of one header.
pub const MAX_HEADER_BYTES: usize = 4 * 1024;
