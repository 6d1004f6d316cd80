//! What changes of the records that this host shows, for those who follow it: a log that every commit writes, and those who
//! read on in it.
//!
//! - **One line a changed record and commit**, in the same transaction, whoever changed it: a person here, or the applier
//!   that stores what another host has written. A line keeps what the rules read of the record before and after, ids and
//!   words of the rules alone, so that somebody who loses sight of it is told so and nobody else is.
//! - **No gap.** Lines have a [`Place`]. A place is never read before one that comes earlier may still appear: SQLite has one
//!   writer, and on PostgreSQL lines are read only of transactions older than every one that is still open.
//! - **One task a process reads new lines once** ([`Followers`]) and hands them on through a channel of fixed length; whoever is
//!   too slow for it reads on in the table. Nothing is read while nobody follows.

mod access;
mod enter;
mod follow;
mod keep;
mod log;
mod place;

pub use access::{Told, judge};
pub use enter::{FOLLOWED, enter};
pub use follow::{Follower, Followers};
pub use keep::{begin_anew, belongs_here, new_history, sweep};
pub use log::{Filter, Line, Start, resume, start};
pub use place::{Cursor, Place};
