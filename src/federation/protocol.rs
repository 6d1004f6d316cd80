//! The rules of the exchange as pure functions (`docs/federation.md`, sections 2, 3, 7 and 8).
//!
//! | where | what |
//! |---|---|
//! | [`check`] | signatures, hashes and JSON of a batch, before any lock is taken |
//! | [`consumer`], [`cursor`] | from a checked batch to what one transaction changes; where a feed is read up to |
//! | [`apply`] | what one entry does to a replica; parked entries tried again |
//! | [`publisher`], [`epoch`] | from shared state to entries; new epochs; starting again after an unclean stop |
//! | [`relay`] | taking a site's entries in at the hub, and answering who reads a feed |
//! | [`keys`], [`directory`] | whom a host trusts, and what the network knows of a site |
//! | [`placement`], [`erasure`] | the home of a space orders what others write; proof that something is gone |
//!
//! No function does I/O or reads a clock. What a function needs of the database it asks of a small trait that the caller
//! has filled by bulk reads; what it answers the caller carries out in one transaction (I7). The simulation beside these
//! files drives the same functions with seeds.

pub mod apply;
pub mod check;
pub mod consumer;
pub mod cursor;
pub mod directory;
pub mod epoch;
pub mod erasure;
pub mod keys;
pub mod placement;
pub mod publisher;
pub mod relay;
pub mod rules;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
