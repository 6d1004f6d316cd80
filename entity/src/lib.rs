//! The tables: columns, no behaviour, nothing of the API.
//!
//! Every table that can be shared carries `site_id` (its home), `visibility` and `version`. Replicas arrive in any
//! order, so no foreign key ties a record to one of another site. Columns that repeat what a parent says
//! (`space_home_id`, `thread_state`, `resource_status` and the like) exist so that access is one condition on one row.

pub mod enums;
pub mod figure;
pub mod ids;
pub mod kind;
pub mod list;

pub mod audit_checkpoint;
pub mod audit_entry;
pub mod audit_head;
pub mod audit_person;
pub mod champion;
pub mod change;
pub mod change_log;
pub mod change_told;
pub mod feed_checkpoint;
pub mod feed_cursor;
pub mod feed_entry;
pub mod feed_head;
pub mod feed_held;
pub mod feed_parked;
pub mod feed_seen;
pub mod feed_shared;
pub mod feed_skipped;
pub mod host;
pub mod idempotent_outcome;
pub mod impact_measure;
pub mod impact_month;
pub mod impact_release;
pub mod issuer;
pub mod moderation_action;
pub mod observation;
pub mod organisation;
pub mod outbox;
pub mod peer_ack;
pub mod peer_report;
pub mod placement;
pub mod post;
pub mod project;
pub mod project_champion;
pub mod project_milestone;
pub mod project_target;
pub mod replica;
pub mod report;
pub mod resource;
pub mod resource_edition;
pub mod resource_overlay;
pub mod resource_proposal;
pub mod search_document;
pub mod site;
pub mod site_key;
pub mod site_member;
pub mod space;
pub mod space_member;
pub mod support_session;
pub mod thread;
pub mod trusted_key;

pub use enums::*;
pub use figure::Figure;
pub use ids::*;
pub use kind::Kind;
pub use list::List;
