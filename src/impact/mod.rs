//! Impact: what is measured, what people record and approve, what a site publishes of it after disclosure control, and
//! how the published figures add up over periods and sites.
//!
//! [`disclosure`], [`together`], [`period`] and [`report`] are arithmetic alone: no database, so that every small number can be tried.

pub mod disclosure;
pub mod feed;
pub mod graphql;
pub mod ops;
pub mod period;
pub mod report;
pub mod together;
