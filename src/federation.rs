//! How hosts exchange what sites share (`docs/federation.md`).
//!
//! | where | what |
//! |---|---|
//! | [`wire`] | what travels: names, entries, batches, checkpoints, directory records, and what is hashed and signed |
//! | [`protocol`] | the rules: pure functions over messages and a small view of the database |
//!
//! Nothing in these two does I/O or reads a clock: callers hand in rows and times, and carry out in one transaction what
//! the functions answer. So simulation drives exactly the code that a host runs.

pub mod protocol;
pub mod wire;
