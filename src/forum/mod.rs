//! The forum: spaces of sites, threads that champions of any site start there, and posts that answer them.
//!
//! A thread or post belongs to its author's site. The home of the space *places* it: order, state, lock, move and
//! accepted answer stand in a placement that only the space's home writes. The columns `state`, `answer_id`,
//! `post_count` and the like of a row are what record and placement come to together.

pub mod feed;
pub mod graphql;
pub mod ops;
