//! A local resource offered to the national team, with a frozen copy of what is offered.

use sea_orm::entity::prelude::*;

use crate::{ChampionId, ProposalStatus, ResourceId, ResourceProposalId, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_proposal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ResourceProposalId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub owner_id: Option<ChampionId>,
    pub resource_id: ResourceId,
    /// The author of what is offered, who does not decide on it either. Stays at home.
    pub resource_owner_id: Option<ChampionId>,
    /// The frozen copy: JSON of the resource's facts and of the offered edition.
    pub offer: String,
    pub reason: String,
    pub status: ProposalStatus,
    pub decision: Option<String>,
    /// The national site that decides.
    pub national_site_id: SiteId,
    pub national_copy_id: Option<ResourceId>,
}

impl ActiveModelBehavior for ActiveModel {}
