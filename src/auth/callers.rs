//! From a request's token to its caller: the registrations of its issuer, and the champions bound to the person.

use std::{collections::HashMap, sync::Arc};

use entity::{SiteId, SiteKind, SiteStatus, SpaceId, champion, issuer, site, space_member};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use url::Url;

use super::{KeySource, Registration, TokenRefused, claimed_issuer, parse_jwk_set, verify};
use crate::{
    app::App,
    error::{Error, Result},
    policy::{Caller, Identity, OwnChampion, Role},
};

/// Why no caller could be made of a token.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// The token does not count; the sentence says why and holds nothing of it.
    #[error("{0}")]
    Refused(#[from] TokenRefused),
    /// Something went wrong on our side.
    #[error("{0}")]
    Failed(#[from] Error),
}

/// Proves who asks. Nobody's token is nobody: an anonymous caller.
///
/// # Errors
/// [`Unproved::Refused`] for a token that no registration of a site on this host accepts.
pub async fn caller(app: &App, token: Option<&str>) -> Result<Caller, Unproved> {
    let Some(token) = token else {
        return Ok(Caller::default());
    };
    let (registrations, sites) = registrations(app, &claimed_issuer(token)?).await?;
    let proven = verify(token, &registrations, &app.key_sets, app.clock.now()).await?;
    let active = |id: &SiteId| sites.get(id).filter(|site| site.status == SiteStatus::Active);
    let roles = proven.roles.iter().filter_map(|(id, role)| {
        Some(Role {
            site: *id,
            role: *role,
            national: active(id)?.kind == SiteKind::National,
        })
    });
    let roles = roles.collect();
    let identity = Identity {
        issuer: proven.iss,
        subject: proven.sub,
        expires_at: proven.expires_at,
        sites: proven.sites.into_iter().filter(|id| active(id).is_some()).collect(),
    };
    Ok(of_identity(app.reader(), identity, roles).await?)
}

/// What a person with these roles is on this host.
///
/// # Errors
/// Only when the database fails.
pub async fn of_identity(db: &impl ConnectionTrait, identity: Identity, roles: Vec<Role>) -> Result<Caller> {
    let bound = champion::Entity::find()
        .filter(champion::Column::Issuer.eq(&identity.issuer))
        .filter(champion::Column::Subject.eq(&identity.subject));
    let bound = bound.all(db).await?.into_iter();
    let (own, namesakes): (Vec<_>, Vec<_>) = bound.partition(|row| identity.sites.contains(&row.site_id));
    let champions = own.into_iter().map(|row| OwnChampion {
        id: row.id,
        site: row.site_id,
        status: row.status,
    });
    let mut caller = Caller {
        identity: Some(identity),
        roles,
        champions: champions.collect(),
        namesakes: namesakes.into_iter().map(|row| row.id).collect(),
        spaces: Vec::new(),
    };
    caller.spaces = closed_spaces(db, &caller).await?;
    Ok(caller)
}

/// The closed spaces of a caller: as a champion who may write, of a site on which the token still grants a role.
async fn closed_spaces(db: &impl ConnectionTrait, caller: &Caller) -> Result<Vec<SpaceId>> {
    let serving = |own: &&OwnChampion| caller.member_of(own.site) && caller.writes_as(own.site) == Some(own.id);
    let serving: Vec<_> = caller.champions.iter().filter(serving).map(|own| own.id).collect();
    if serving.is_empty() {
        return Ok(Vec::new());
    }
    let spaces = space_member::Entity::find()
        .select_only()
        .column(space_member::Column::SpaceId)
        .filter(space_member::Column::ChampionId.is_in(serving));
    Ok(spaces.into_tuple().all(db).await?)
}

type Sites = HashMap<SiteId, site::Model>;

/// The registrations of an issuer at the sites of this host, and those sites.
async fn registrations(app: &App, issuer: &str) -> Result<(Vec<Registration>, Sites)> {
    use issuer::{Column, Entity};
    let db = app.reader();
    let mut rows = Entity::find()
        .filter(Column::Issuer.eq(issuer))
        .filter(Column::RevokedAt.is_null())
        .all(db)
        .await?;
    rows.retain(|row| app.settings.development_issuer || !row.development);
    if rows.is_empty() {
        return Ok((Vec::new(), Sites::new()));
    }
    let ids = rows.iter().map(|row| row.site_id);
    let sites = site::Entity::find()
        .filter(site::Column::Id.is_in(ids))
        .filter(site::Column::Hosted.eq(true));
    let sites: Sites = sites.all(db).await?.into_iter().map(|site| (site.id, site)).collect();
    let registration = |row: issuer::Model| {
        let id = row.id;
        registration(row, &sites)
            .inspect_err(|why| tracing::error!(issuer = %id, why, "an issuer cannot be used"))
            .ok()
    };
    Ok((rows.into_iter().filter_map(registration).collect(), sites))
}

/// One that cannot be read takes nothing from the others: several sites may trust one issuer.
fn registration(row: issuer::Model, sites: &Sites) -> Result<Registration, &'static str> {
    let site = sites.get(&row.site_id).ok_or("its site is not hosted here")?;
    let keys = match (&row.jwks, &row.jwks_url) {
        (Some(jwks), _) => KeySource::Inline(Arc::new(parse_jwk_set(jwks)?)),
        (None, Some(url)) => KeySource::Url(Url::parse(url).map_err(|_| "its address is none")?),
        (None, None) => return Err("it has no keys"),
    };
    Ok(Registration {
        site: site.id,
        site_slug: site.slug.clone(),
        iss: row.issuer,
        audience: row.audience,
        algorithms: row.algorithms.0,
        keys,
        roles_claim: row.roles_claim,
        may_grant: row.may_grant.0,
    })
}
