//! Which kinds travel, as which types, and what leaves of them.

use entity::{Kind, SiteId};
use sea_orm::{ConnectionTrait, prelude::Uuid};

use crate::{
    champions,
    error::Result,
    forum, impact, projects, resources,
    share::{Shape, Share},
    sites,
};

/// What may leave of a changed record: most kinds are one type, a thread or post is also what its space's home says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What its entries are.
    pub shape: Shape,
    /// The records that its entries could be about.
    pub records: Vec<Uuid>,
    /// The shared state of those of them that leave this host.
    pub shares: Vec<Share>,
}

/// What leaves of changed records of a kind, in the name of a site.
///
/// # Errors
/// Only when the database fails.
pub async fn of(db: &impl ConnectionTrait, site: SiteId, kind: Kind, ids: &[Uuid]) -> Result<Vec<Content>> {
    let one = |shape, shares| {
        let records = ids.to_vec();
        vec![Content { shape, records, shares }]
    };
    Ok(match kind {
        Kind::Organisation => one(sites::feed::ORGANISATION, sites::feed::shares(db, site, ids).await?),
        Kind::Champion => one(champions::feed::CHAMPION, champions::feed::shares(db, site, ids).await?),
        Kind::Resource => one(
            resources::feed::RESOURCE,
            resources::feed::resources(db, site, ids).await?,
        ),
        Kind::ResourceEdition => one(
            resources::feed::EDITION,
            resources::feed::editions(db, site, ids).await?,
        ),
        Kind::ResourceProposal => one(
            resources::feed::PROPOSAL,
            resources::feed::proposals(db, site, ids).await?,
        ),
        Kind::Project => one(projects::feed::PROJECT, projects::feed::shares(db, site, ids).await?),
        Kind::Space => one(forum::feed::SPACE, forum::feed::spaces(db, site, ids).await?),
        Kind::Thread => {
            let mut contents = one(forum::feed::THREAD, forum::feed::threads(db, site, ids).await?);
            contents.push(placements(db, site, ids).await?);
            contents
        }
        Kind::Post => {
            let mut contents = one(forum::feed::POST, forum::feed::posts(db, site, ids).await?);
            contents.push(placements(db, site, ids).await?);
            contents
        }
        Kind::Report => one(forum::feed::REPORT, forum::feed::reports(db, site, ids).await?),
        Kind::ImpactMeasure => one(impact::feed::MEASURE, impact::feed::measures(db, site, ids).await?),
        Kind::ImpactRelease => one(impact::feed::RELEASE, impact::feed::releases(db, site, ids).await?),
        Kind::Site
        | Kind::Issuer
        | Kind::SupportSession
        | Kind::ResourceOverlay
        | Kind::Observation
        | Kind::AuditEntry => Vec::new(),
    })
}

async fn placements(db: &impl ConnectionTrait, site: SiteId, subjects: &[Uuid]) -> Result<Content> {
    Ok(Content {
        shape: forum::feed::PLACEMENT,
        records: subjects.iter().copied().map(forum::feed::placement_id).collect(),
        shares: forum::feed::placements(db, site, subjects).await?,
    })
}
