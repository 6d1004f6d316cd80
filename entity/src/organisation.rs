//! An organisation that champions and practices belong to. `successors` holds ODS codes.

use sea_orm::entity::prelude::*;

use crate::{List, OrganisationId, OrganisationRole, SiteId, Visibility};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganisationId,
    pub site_id: SiteId,
    pub visibility: Visibility,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub name: String,
    pub ods_code: Option<String>,
    pub role: OrganisationRole,
    pub opened_on: Option<Date>,
    pub closed_on: Option<Date>,
    pub successors: List<String>,
}

impl ActiveModelBehavior for ActiveModel {}
