//! How the home of a space places a thread or post that may be another site's: order, state, lock and accepted answer.

use sea_orm::entity::prelude::*;

use crate::{Kind, PostId, SiteId, SpaceId, ThreadId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "placement")]
pub struct Model {
    /// The site that says so. Its word counts where it is the home of the space that the subject is in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub site_id: SiteId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    /// The record that it is in the feed of its site.
    pub record_id: Uuid,
    pub kind: Kind,
    pub space_id: SpaceId,
    pub thread_id: ThreadId,
    pub version: i32,
    pub position: i64,
    pub state: String,
    pub reason: Option<String>,
    pub answer_id: Option<PostId>,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
