//! What other hosts see of an organisation, and what the national site tells everybody of a site: the directory.

use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    List, OrganisationId, OrganisationRole, SiteId, SiteKind, SiteStatus, Visibility, organisation, site, site_member,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr};
use serde::{Deserialize, Serialize};

use crate::{
    app::Work,
    error::{Error, Result},
    federation::wire::{Audience, Key, Member, Origin, ProtocolRange, Status, VERSION},
    input::{self, Check},
    read,
    share::{self, Arrival, Payload, Shape, Share, shared},
    sites::ops,
};

/// What its entries are.
pub const ORGANISATION: Shape = Shape::new("organisation", "organisation@1");

/// An organisation as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Organisation {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    name: String,
    ods_code: Option<String>,
    role: OrganisationRole,
    opened_on: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    successors: Vec<String>,
}

/// The shared state of organisations; all of them leave.
///
/// # Errors
/// Only when the database fails.
pub async fn shares(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<organisation::Entity>(home, ids).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let organisation = Organisation {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                name: row.name,
                ods_code: row.ods_code,
                role: row.role,
                opened_on: row.opened_on,
                closed_on: row.closed_on,
                successors: row.successors.0,
            };
            Share::new(row.id, Audience::Network, &organisation)
        })
        .collect()
}

impl Payload for Organisation {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.line("name", &self.name, input::TITLE);
        check.optional_ods_code("odsCode", self.ods_code.clone());
        check.calendar_day("openedOn", self.opened_on);
        check.calendar_day("closedOn", self.closed_on);
        check.items("successors", &self.successors, input::WORD);
    }
}

/// Stores an organisation of another host.
///
/// # Errors
/// Only when the database fails.
pub async fn apply(work: &Work<'_>, arrival: &Arrival<'_>) -> Result<()> {
    use organisation::{Column, Entity};
    let said: Organisation = arrival.read()?;
    if let Some(code) = &said.ods_code {
        let given = Entity::update_many().col_expr(Column::OdsCode, Expr::value(None::<String>));
        let given = given.filter(Column::SiteId.eq(arrival.home));
        let given = given.filter(Column::OdsCode.eq(code)).filter(Column::Id.ne(arrival.id));
        given.exec(work.db()).await?;
    }
    let row = organisation::Model {
        id: OrganisationId(arrival.id),
        site_id: arrival.home,
        visibility: said.visibility,
        version: said.version,
        created_at: said.created_at,
        updated_at: said.updated_at,
        name: said.name,
        ods_code: said.ods_code,
        role: said.role,
        opened_on: said.opened_on,
        closed_on: said.closed_on,
        successors: List(said.successors),
    };
    share::store::<Entity>(work.db(), row).await
}

/// The directory's records of sites, when it is kept by this site and at this host: nobody else yields any.
///
/// # Errors
/// Only when the database fails.
pub async fn members(db: &impl ConnectionTrait, keeper: SiteId, ids: &[Uuid]) -> Result<Option<Vec<Share>>> {
    let national = ops::national(db).await?;
    if national.is_none_or(|national| national.id != keeper || !national.hosted) {
        return Ok(None);
    }
    let listed = site_member::Entity::find().filter(site_member::Column::SiteId.is_in(ids.iter().copied()));
    let mut listed = read::by_key(listed.all(db).await?, |row| row.site_id);
    let sites = site::Entity::find().filter(site::Column::Id.is_in(ids.iter().copied()));
    let sites = sites.all(db).await?.into_iter();
    let known = sites.filter_map(|site| Some((listed.remove(&site.id)?, site)));
    let shares = known.map(|(listed, site)| Share::new(site.id, Audience::Network, &member(&site, &listed)?));
    shares.collect::<Result<_>>().map(Some)
}

/// What the directory says of a site.
///
/// # Errors
/// [`Error::Internal`] for keys that nobody wrote.
pub fn member(site: &site::Model, listed: &site_member::Model) -> Result<Member> {
    Ok(Member {
        site: Origin(site.id.0),
        slug: site.slug.clone(),
        name: site.name.clone(),
        region: site.region.clone(),
        status: match site.status {
            SiteStatus::Applied => Status::Applied,
            SiteStatus::Active => Status::Active,
            SiteStatus::Suspended => Status::Suspended,
            SiteStatus::Left => Status::Left,
        },
        endpoint: site.endpoint.clone(),
        types_allowed: listed.types.0.clone(),
        protocol: ProtocolRange {
            min: u32::try_from(listed.protocol_min).map_err(Error::internal)?,
            max: u32::try_from(listed.protocol_max).map_err(Error::internal)?,
        },
        keys: serde_json::from_str(&listed.keys).map_err(Error::internal)?,
    })
}

/// What the directory stores of a site beside its row.
///
/// # Errors
/// Never for keys that were read or made here.
pub fn listed(site: SiteId, kind: SiteKind, keys: &[Key]) -> Result<site_member::Model> {
    let own = share::NATIONAL_TYPES.into_iter().filter(|_| kind == SiteKind::National);
    let version = i32::try_from(VERSION).map_err(Error::internal)?;
    Ok(site_member::Model {
        site_id: site,
        keys: serde_json::to_string(keys).map_err(Error::internal)?,
        types: List(share::TYPES.into_iter().chain(own).map(str::to_owned).collect()),
        protocol_min: version,
        protocol_max: version,
    })
}
