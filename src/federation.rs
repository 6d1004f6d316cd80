//! How hosts exchange what sites share (`docs/federation.md`).
//!
//! | where | what |
//! |---|---|
//! | [`wire`] | what travels: names, entries, batches, checkpoints, directory records, and what is hashed and signed |
//! | [`protocol`] | the rules: pure functions over messages and a small view of the database |
//! | [`content`] | which kinds travel, as what |
//! | [`keys`] | the keys with which the sites of this host sign |
//! | [`sequencer`], [`feeds`] | from the outbox to feeds; reading a feed |
//! | [`relay`] | storing at the hub what sites append |
//! | [`apply`] | from a feed of another host to the rows of this one |
//! | [`directory`] | what the network knows of sites, and whose word is taken |
//! | [`pull`] | answers of other hosts taken in |
//! | [`renewal`] | other keys for sites |
//! | [`transport`], [`messages`], [`packing`] | tokens between hosts; what is neither batch nor entry; bodies packed |
//! | [`serve`], [`dial`] | the routes for other hosts; calling the hub |
//! | [`moving`] | moving a site to another host |
//! | [`reports`] | what hosts could not take, and proofs that a site has signed two stories |
//! | [`erasures`] | who has confirmed that something is gone |
//! | [`audit`] | the words by which sites vouch for their audits |
//! | [`witness`] | what others remember of a host that came back from a backup |
//! | [`run`], [`host`] | what works in the background; this host among hosts |
//!
//! Nothing in the first two does I/O or reads a clock: callers hand in rows and times, and carry out in one transaction what
//! the functions answer. So simulation drives exactly the code that a host runs.

pub mod apply;
pub mod audit;
pub mod backoff;
pub mod content;
pub mod dial;
pub mod directory;
pub mod erasures;
pub mod feeds;
pub mod host;
pub mod keys;
pub mod messages;
pub mod moving;
pub mod packing;
pub mod protocol;
pub mod pull;
pub mod relay;
pub mod renewal;
pub mod reports;
pub mod run;
pub mod sequencer;
pub mod serve;
pub mod transport;
pub mod wire;
pub mod witness;
