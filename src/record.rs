//! What all records have besides their access: a home site, a version and the time of their last change.

use chrono::{DateTime, Utc};
use entity::{
    SiteId, champion, impact_measure, impact_release, issuer, observation, organisation, post, project, report,
    resource, resource_edition, resource_overlay, resource_proposal, site, space, support_session, thread,
};
use sea_orm::{ActiveModelBehavior, ActiveModelTrait, ActiveValue, EntityTrait};

use crate::scope::Scoped;

/// A table of records that work inserts and updates.
pub trait Record:
    Scoped + EntityTrait<ActiveModel: ActiveModelTrait<Entity = Self> + ActiveModelBehavior + Send>
{
    /// Its home.
    fn site(row: &Self::Model) -> SiteId;
    /// Its version.
    fn version(row: &Self::Model) -> i32;
    /// The version that is being changed.
    fn active_version(row: &Self::ActiveModel) -> i32;
    /// Sets the version and the time of change; version 1 is a new record.
    fn stamp(row: &mut Self::ActiveModel, version: i32, now: DateTime<Utc>);
}

macro_rules! records {
    ($($table:ident: $home:ident),+ $(,)?) => {$(
        impl Record for $table::Entity {
            fn site(row: &Self::Model) -> SiteId {
                row.$home
            }

            fn version(row: &Self::Model) -> i32 {
                row.version
            }

            fn active_version(row: &Self::ActiveModel) -> i32 {
                match row.version {
                    ActiveValue::Set(version) | ActiveValue::Unchanged(version) => version,
                    ActiveValue::NotSet => 0,
                }
            }

            fn stamp(row: &mut Self::ActiveModel, version: i32, now: DateTime<Utc>) {
                row.version = ActiveValue::Set(version);
                row.updated_at = ActiveValue::Set(now);
                if version == 1 {
                    row.created_at = ActiveValue::Set(now);
                }
            }
        }
    )+};
}

records! {
    site: id, organisation: site_id, issuer: site_id, champion: site_id, project: site_id, support_session: site_id,
    resource: site_id, resource_edition: site_id, resource_overlay: site_id, resource_proposal: site_id,
    space: site_id, thread: site_id, post: site_id, report: site_id, impact_measure: site_id, observation: site_id,
    impact_release: site_id,
}
