//! How hosts exchange what sites share (`docs/federation.md`).
//!
//! | where | what |
//! |---|---|
//! | [`wire`] | what travels: names, entries, batches, checkpoints, directory records, and what is hashed and signed |
//! | [`protocol`] | the rules: pure functions over messages and a small view of the database |
//!
//! | [`content`] | which kinds travel, as what |
//! | [`keys`] | the keys with which the sites of this host sign |
//! | [`sequencer`], [`feeds`] | from the outbox to feeds; reading a feed |
//! | [`apply`] | from a feed of another host to the rows of this one |
//! | [`directory`] | what the network knows of sites, and whose word is taken |
//! | [`run`] | what a host does in the background |
//!
//! Nothing in the first two does I/O or reads a clock: callers hand in rows and times, and carry out in one transaction what
//! the functions answer. So simulation drives exactly the code that a host runs.

pub mod apply;
pub mod content;
pub mod directory;
pub mod feeds;
pub mod keys;
pub mod protocol;
pub mod run;
pub mod sequencer;
pub mod wire;
