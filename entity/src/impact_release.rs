//! A site's published figure for one measure and month, after disclosure control. Immutable but for its state.

use sea_orm::entity::prelude::*;

use crate::{Disclosed, Figure, ImpactMeasureId, ImpactReleaseId, ReleaseState, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "impact_release")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ImpactReleaseId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub measure_id: ImpactMeasureId,
    pub month: Date,
    pub revision: i32,
    pub supersedes_id: Option<ImpactReleaseId>,
    pub state: ReleaseState,
    pub disclosed: Disclosed,
    pub value: Option<Figure>,
    pub numerator: Option<Figure>,
    pub denominator: Option<Figure>,
    /// How many figures stand behind a mean, itself disclosed; null when that is withheld.
    pub count: Option<Figure>,
}

impl ActiveModelBehavior for ActiveModel {}
