//! Projects: what a site undertakes, with a lead, a team, milestones and targets.

pub mod feed;
pub mod graphql;
pub mod ops;
