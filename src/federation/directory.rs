//! What this host believes of a site (`docs/federation.md`, section 2).

use entity::{SiteId, SiteKind, SiteStatus, site};
use sea_orm::{ConnectionTrait, EntityTrait};

use super::{
    protocol::{directory::Standing, keys::Keys},
    wire::{Audience, Epoch, Origin, PublicKey, Status},
};
use crate::{app::Work, auth::thumbprint, error::Result};

/// What this host believes of a site: its status and the key that is registered for it.
///
/// # Errors
/// Only when the database fails.
pub async fn standing(db: &impl ConnectionTrait, origin: SiteId) -> Result<Option<Standing>> {
    let site = site::Entity::find_by_id(origin).one(db).await?;
    Ok(site.and_then(|site| {
        let public = PublicKey::parse(site.public_key.as_deref()?)?;
        Some(Standing {
            origin: Origin(origin.0),
            status: match site.status {
                SiteStatus::Applied => Status::Applied,
                SiteStatus::Active => Status::Active,
                SiteStatus::Suspended => Status::Suspended,
                SiteStatus::Left => Status::Left,
            },
            national: site.kind == SiteKind::National,
            types: Vec::new(),
            keys: Keys::pinned(thumbprint(&public.to_string()), public),
        })
    }))
}

/// Opens the window of a site's key for a new epoch. A registered key may sign everything.
///
/// # Errors
/// None.
pub async fn opened(_work: &mut Work<'_>, _site: SiteId, _kid: &str, _audience: Audience, _epoch: Epoch) -> Result<()> {
    Ok(())
}
