//! Champion Network: the open platform for digital champions in health and care.
//!
//! One host serves one GraphQL schema over one database, in which several sites keep their records apart. Hosts exchange
//! what their sites share, so that every list spans the network and no query waits for another host. This page is
//! the map; how to run and use a host stands in the README.
//!
//! # Map
//!
//! ```text
//! request → http → schema → feature/graphql → feature/ops → Work → commit → outbox → sequencer → feed → other hosts
//! another host's feed → federation/apply ──────────────────────┘ (the same tables, another home site)
//!                                                  commit → log of changes → subscriptions
//! ```
//!
//! Data goes right, answers are return values, nothing calls back.
//!
//! | where | what |
//! |---|---|
//! | [`http`] | routes, GraphQL over HTTP, WebSockets and event streams, exports, limits and budgets, the query editor |
//! | [`auth`] | from a token to a [`policy::Caller`] |
//! | [`schema`] | joins the features; `node` and `nodes`; the schema as a subgraph |
//! | [`graphql`] | what resolvers share: pages, rows read together, payloads, scalars |
//! | [`sites`] [`champions`] [`resources`] [`projects`] [`forum`] [`impact`] [`privacy`] | a feature each: `ops` does, `graphql` shows |
//! | [`app`] | [`app::App`] and [`app::Work`]: the only begin and commit |
//! | [`policy`] | the rule table: who may do what, as pure data |
//! | [`scope`] | the same rules as SQL |
//! | [`read`], [`search`] | keyset pages, pages of many parents at once, full-text search |
//! | [`input`], [`markdown`], [`sheet`] | checking what people type, and the tables that they send |
//! | [`changes`] | the log of what changes, and those who follow it |
//! | [`signals`] | how the parts of one process wake one another |
//! | [`check`] | whether a database holds together |
//! | [`erasure`], [`tally`] | what stands beside the database, so that no backup takes it back |
//! | [`share`], [`federation`] | what of a record leaves its host; how hosts exchange it |
//! | [`demo`], [`cli`], [`server`] | the worked example, the commands, a host ready to serve |
//!
//! # Invariants, and what checks each
//!
//! | invariant | test |
//! |---|---|
//! | A file names only modules at its level or below; libraries stay behind their owners. | `layers` |
//! | A change of rights shows in review. | `policy::the_matrix_of_rights_is_the_committed_one` |
//! | A rule says the same of a row in memory as of the table in SQL. | `policy::a_reach_says_the_same_of_a_row_as_of_the_table` |
//! | What a caller may not see does not exist: in lists, counts, search, `node` and nested edges. | `access` |
//! | A mutation leaves its rows, its audit entry and its outbox row, or nothing. | `work::a_mutation_leaves_its_audit_entry_and_outbox_row_or_nothing` |
//! | The audit of a site is a chain without gap, and whoever changes it behind the server's back is found. | `audit`, `hosts::audit` |
//! | An erased person is named nowhere in the audit, and its chain holds. | `audit::erasure` |
//! | A repeat under an `Idempotency-Key` takes effect once, twins at the same moment included. | `work::twins_under_one_key_take_effect_once_and_get_one_answer` |
//! | Every committed change is told once to whoever may read it, across reconnects, restarts and replicas. | `subscriptions::resuming` |
//! | Who could not read a record is not told that it is gone; rights and tokens are looked at for every event. | `subscriptions::access` |
//! | A socket keeps to its protocol and its limits, whatever a client says. | `http::socket::protocol`, `subscriptions::protocol` |
//! | A host that is killed at any moment has lost nothing that it acknowledged and done nothing by halves. | `processes::kills` |
//! | A backup is whole or none, and a restore changes all or nothing. | `processes::drills` |
//! | Of many edits of one version one is kept. | `work::of_many_edits_of_one_version_one_is_kept_and_the_others_are_told` |
//! | A list pages both ways without gap or repeat. | `projects::a_list_pages_both_ways_without_gap_or_repeat` |
//! | A query costs a constant number of statements, however many rows it shows. | `statements` |
//! | `schema.graphql` is what the code serves. | `tests/run` |
//! | Hosts show the same, whoever wrote it, and only its own host changes a record. | `federation` |
//! | Nobody is believed about a site but the site itself: not the hub, not a file, not a backup. | `hosts`, `federation::trust`, `federation::remembering` |
//! | A site that moves leaves nothing behind but what it shares. | `federation::moving` |
//! | An export holds all that the tables hold of a person, and nothing of anybody else. | `privacy::export` |
//! | Of an erased person no byte is left in tables, files or logs, here or elsewhere. | `privacy::erasure` |
//! | No log and no metric holds what people do or send. | `privacy::logs` |
//! | Whoever has only the API is left with four values or more for each hidden figure about people, the truth among them. | `impact::attacks` |
//! | Whatever a document, token, batch, title or text holds, its reader keeps its promises. | the files named `fuzz` |
//! | Every library is one that `deny.toml` lets in, and none is older than a known fix. | `tests/run`, `supply` |
//! | Whatever goes wrong between hosts, a replica ends as what its site shares. | `federation::protocol::simulation` |
//! | The protocol does no I/O and reads no clock. | `layers::the_protocol_names_neither_database_nor_network_nor_clock` |
//! | Every name of `tests/contract.graphql` stands in the schema, and every item of it is described. | `contract` |
//! | The transport keeps to GraphQL over HTTP, and a gateway can put the schema beside others. | `audits` |
//! | The README's commands and examples do what they say; its settings are the default file. | `readme` |
//!
//! # Decisions
//!
//! - **Rows read together load together** ([`graphql::seen`]): the first row that is asked for a nested field loads it
//!   for all rows of its level, in one statement with a window function. The selection itself tells what to load and
//!   with which arguments, so nothing is planned twice and no timer waits for a batch.
//! - **Access is one condition on one row**: what a record needs of its parents is copied to its row and kept in step by
//!   the work that changes the parent. So lists, counts and search filter in SQL, and `viewerCan` costs no statement.
//! - **A stale version is told before a missing right**: both are looked at before anything changes, the version is no secret
//!   to who can read the record, and somebody whose right ended with the change that they missed learns that it changed.
//! - **A list column is text with an item a line** (`entity::List`): the same `LIKE` finds an item on both databases.
//! - **Figures are text in the database and decimals in the server**, added up when they are approved; no float is
//!   involved anywhere.
//! - **SQLite's file is written anew after an erasure** ([`database`]): `secure_delete` overwrites what is deleted, but not the copies
//!   of rows that SQLite leaves when it moves them between pages, as a test shows.
//! - **An export takes rows apart by name** (`privacy/ops/export/records.rs`): a column that is added does not compile before it has a
//!   name there, or a word why it stays.
//! - **Words are folded in the server** ([`search`]), so that FTS5 and `tsvector` index the same terms; the PostgreSQL
//!   configuration has no stop words, because FTS5 has none.
//! - **The end of an audit is locked last in its transaction** ([`app`]), in the order of the sites: so works of one site take turns there
//!   and nowhere else, and no two wait for each other. The hash is made in that transaction, because a chain that is made after it
//!   could be rewritten before.
//! - **Issuer and subject stand beside the chain**, under a pseudonym that it hashes: whoever is erased loses one row.
//! - **[`check`] asks the sequencer what it would write**: a feed says what its tables say when that is nothing.
//! - **A backup is one file**: what the database's own tool writes, then a manifest and a hash, so that nobody tears them apart. The list of
//!   the erased and the tally are in none.
//! - **One writer on SQLite** behind a fair lock with `synchronous=FULL`, readers apart and read-only.
//! - **The log of changes keeps what the rules read, before and after** ([`changes`]): so a line says to each caller whether the
//!   record came, changed or went for them, by the rule table alone. It is compared with what the log said last, so that no
//!   operation has to know what a record was.
//! - **On PostgreSQL the log is read up to the oldest open transaction**: numbers are taken in another order than transactions
//!   commit in. No LISTEN/NOTIFY, which poolers do not pass on; replicas look twice a second while somebody follows.
//! - **The WebSocket protocol is our own state machine** and async-graphql only executes: its transport has no deadline, no limit of
//!   operations, looks at no origin, and outlives the token.
//! - **Figures about people are hidden where a release is made**, never where one is read: so every report, total, page and feed is
//!   a function of what is published, and asking in another way cannot tell more. What two releases would tell of one another is
//!   refused when the second one is made (`docs/disclosure.md`).
//! - **Attacks of chance are tests** by bolero: they run on stable Rust in every run of the tests, and the same targets under a fuzzer.
//! - **apollo-compiler validates, async-graphql executes**: the executor's own validation misses rules and costs
//!   exponential time on nested fragments. Validated documents are cached.
//!
//! # Quirks that must not be copied
//!
//! - The macros in [`graphql`] write whole `#[Object]` blocks, because async-graphql takes only one per type.
//! - A cursor of a search holds its rank. Ranks move a little when other records are indexed between two pages.

pub mod app;
pub mod auth;
pub mod champions;
pub mod changes;
pub mod check;
pub mod cli;
pub mod clock;
pub mod config;
pub mod database;
pub mod demo;
pub mod erasure;
pub mod error;
pub mod federation;
pub mod forum;
#[cfg(test)]
mod fuzz;
pub mod graphql;
pub mod http;
pub mod impact;
pub mod input;
pub mod markdown;
pub mod policy;
pub mod privacy;
pub mod projects;
pub mod read;
pub mod record;
pub mod resources;
pub mod schema;
pub mod scope;
pub mod search;
pub mod server;
pub mod share;
pub mod sheet;
pub mod signals;
pub mod sites;
pub mod tally;
