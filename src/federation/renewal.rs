//! Other keys for sites, where the directory is kept (`docs/federation.md`, section 8, key): rotation, revocation, and a new
//! start after a loss.
//!
//! A site's next key is proven by its present one. After that one is lost or stolen only the network's root proves another:
//! people who know each other compare the key, and somebody takes the root from where it is kept.

use entity::{Kind, SiteId, SiteKind, feed_head, site, site_member};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{
    apply, directory, feeds, host,
    keys::{self, RootKey, SiteKey},
    messages::{Keeper, Rotation},
    moving, protocol,
    wire::{Audience, Ed25519, Epoch, Member, Origin, PublicKey, Signature, Verify, key_message, root_message},
};
use crate::{
    app::Work,
    auth::thumbprint,
    error::{Error, Result},
    share, sites,
};

/// Why a key is not taken in. A sentence for whoever offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyRefused(pub &'static str);

/// The national site for hosts that join; none before it has a root and a key.
///
/// # Errors
/// Only when the database fails.
pub async fn keeper(db: &impl ConnectionTrait) -> Result<Option<Keeper>> {
    let national = sites::ops::national(db).await?.filter(|national| national.hosted);
    let (Some(national), Some(root)) = (national, host::root(db).await?) else {
        return Ok(None);
    };
    let Some(listed) = site_member::Entity::find_by_id(national.id).one(db).await? else {
        return Ok(None);
    };
    let member = sites::feed::member(&national, &listed)?;
    let present = member.keys.last().and_then(|key| Some((key.public, key.proof?)));
    Ok(present.map(|(public, proof)| Keeper {
        site: member.site,
        slug: national.slug,
        name: national.name,
        public,
        proof,
        root,
    }))
}

/// Gives the network its root, which proves the national site's present key.
///
/// # Errors
/// A problem when the network has a root, or when the directory is kept elsewhere.
pub async fn found_root(work: &mut Work<'_>, root: &RootKey) -> Result<()> {
    if host::root(work.db()).await?.is_some() {
        return Err(Error::not_now("This network has a root already."));
    }
    let national = sites::ops::national(work.db())
        .await?
        .filter(|national| national.hosted);
    let national = national.ok_or_else(|| Error::not_now("This host does not keep the national site."))?;
    host::pin(work, root.public()?).await?;
    let key = keys::signing(work, national.id).await?;
    let proof = root.proves(national.id, key.kid(), key.public())?;
    keys::prove(work, national.id, &key, proof).await?;
    let mut listed = Listed::of(work, national.id).await?;
    match listed.member.keys.iter_mut().find(|listed| listed.kid == key.kid()) {
        Some(listed) => listed.proof = Some(proof),
        None => listed
            .member
            .keys
            .push(directory::own_key(work, national.id, key.kid()).await?),
    }
    listed.store(work).await
}

/// Takes in the next key of a site, proven by its present one. It may be repeated.
///
/// # Errors
/// Only when the database fails; what is wrong with the key is the inner error.
pub async fn rotate(work: &mut Work<'_>, site: SiteId, next: &Rotation) -> Result<Result<(), KeyRefused>> {
    let mut listed = Listed::of(work, site).await?;
    let kid = thumbprint(&next.public.to_string());
    if listed
        .member
        .keys
        .iter()
        .any(|key| key.kid == kid && key.revoked_at.is_none())
    {
        return Ok(Ok(()));
    }
    if listed.site.kind == SiteKind::National {
        return Ok(Err(KeyRefused("The root alone proves a key of the national site.")));
    }
    let message = key_message(Origin(site.0), &kid, next.public);
    let present = directory::told(&listed.member);
    let proven = present
        .current()
        .is_some_and(|present| Ed25519.verify(present.public, &message, next.proof));
    if !proven {
        return Ok(Err(KeyRefused("The present key of the site has not signed this one.")));
    }
    if !protocol::directory::may_rotate(&listed.member) {
        let why = "This site has had too many keys: have its keys revoked, and its next one proven by the root.";
        return Ok(Err(KeyRefused(why)));
    }
    listed.take_in(work, &kid, next.public, next.proof).await
}

/// Takes in a key that the network's root proves.
///
/// # Errors
/// Only when the database fails; what is wrong with the key is the inner error.
pub async fn accept(
    work: &mut Work<'_>,
    site: SiteId,
    public: PublicKey,
    proof: Signature,
) -> Result<Result<(), KeyRefused>> {
    let Some(root) = host::root(work.db()).await? else {
        return Ok(Err(KeyRefused("This network has no root yet.")));
    };
    let kid = thumbprint(&public.to_string());
    if !Ed25519.verify(root, &root_message(Origin(site.0), &kid, public), proof) {
        return Ok(Err(KeyRefused("The root of this network has not signed this key.")));
    }
    let mut listed = Listed::of(work, site).await?;
    listed.take_in(work, &kid, public, proof).await
}

/// Revokes the keys of a site: nothing that they signed counts any more, here and everywhere. Returns how many.
///
/// # Errors
/// Only when the database fails.
pub async fn revoke(work: &mut Work<'_>, site: SiteId) -> Result<usize> {
    let mut listed = Listed::of(work, site).await?;
    let counting = listed.member.keys.iter().filter(|key| key.revoked_at.is_none());
    let kids: Vec<_> = counting.map(|key| key.kid.clone()).collect();
    for kid in &kids {
        listed.member = protocol::directory::revoked(&listed.member, kid, work.now()).map_err(Error::internal)?;
    }
    listed.store(work).await?;
    apply::roll(work, site).await?;
    Ok(kids.len())
}

/// A site's entry in the directory, locked until the work ends.
struct Listed {
    site: site::Model,
    row: site_member::Model,
    member: Member,
}

impl Listed {
    async fn of(work: &Work<'_>, site: SiteId) -> Result<Self> {
        host::turn(work).await?;
        let row = site_member::Entity::find_by_id(site).lock_exclusive();
        let (Some(row), Some(site)) = (
            row.one(work.db()).await?,
            site::Entity::find_by_id(site).one(work.db()).await?,
        ) else {
            return Err(Error::not_now(
                "This host does not keep the directory, or the site is not in it.",
            ));
        };
        let member = sites::feed::member(&site, &row)?;
        Ok(Self { site, row, member })
    }

    /// Has a key take the place of the present one, from where the feeds that are held here end. After a revocation the
    /// site has to begin new epochs.
    async fn take_in(
        &mut self,
        work: &mut Work<'_>,
        kid: &str,
        public: PublicKey,
        proof: Signature,
    ) -> Result<Result<(), KeyRefused>> {
        let known = site::Entity::find()
            .filter(site::Column::PublicKey.eq(public.to_string()))
            .filter(site::Column::Id.ne(self.site.id));
        let unknown = self.member.keys.iter().all(|key| key.kid != kid);
        if !unknown || known.one(work.db()).await?.is_some() {
            return Ok(Err(KeyRefused("This key was used before.")));
        }
        let revoked = self.member.keys.last().is_some_and(|key| key.revoked_at.is_some());
        let held = if revoked {
            Vec::new()
        } else {
            ends(work, self.site.id).await?
        };
        let member = protocol::directory::rotated(&self.member, kid, public, proof, &held);
        self.member = member.map_err(Error::internal)?;
        let signs = site::Entity::update_many().col_expr(site::Column::PublicKey, public.to_string().into());
        signs.filter(site::Column::Id.eq(self.site.id)).exec(work.db()).await?;
        self.store(work).await?;
        if self.site.exported_at.is_some() {
            moving::hand_over(work, self.site.id).await?;
        }
        Ok(Ok(()))
    }

    async fn store(&self, work: &mut Work<'_>) -> Result<()> {
        let mut row = self.row.clone();
        row.keys = serde_json::to_string(&self.member.keys).map_err(Error::internal)?;
        share::store::<site_member::Entity>(work.db(), row).await?;
        if let Some(national) = sites::ops::national(work.db()).await? {
            work.touch(national.id, Kind::Site, self.site.id);
        }
        Ok(())
    }
}

/// Where the feeds of a site end that this host writes or relays.
async fn ends(work: &Work<'_>, site: SiteId) -> Result<Vec<(Audience, Epoch, u64)>> {
    let heads = feed_head::Entity::find()
        .filter(feed_head::Column::Origin.eq(site))
        .filter(feed_head::Column::Pos.gt(0));
    let heads = heads.all(work.db()).await?;
    let ends = heads.iter().map(|row| {
        let feed = feeds::stored(row)?;
        Ok((feed.audience, feed.epoch, feed.pos))
    });
    ends.collect()
}

/// Has a site of this host sign with its next key, where this host also keeps the directory. The national site's is proven by
/// the root.
///
/// # Errors
/// Only when the database fails; what is wrong with the key is the inner error.
pub async fn rotate_here(
    work: &mut Work<'_>,
    site: SiteId,
    root: Option<&RootKey>,
) -> Result<Result<SiteKey, KeyRefused>> {
    let (key, proof) = keys::next(work, site).await?;
    let taken = match root {
        Some(root) => {
            let proof = root.proves(site, key.kid(), key.public())?;
            keys::prove(work, site, &key, proof).await?;
            accept(work, site, key.public(), proof).await?
        }
        None => {
            let public = key.public();
            rotate(work, site, &Rotation { public, proof }).await?
        }
    };
    if let Err(refused) = taken {
        return Ok(Err(refused));
    }
    keys::take_over(work, site, &key).await?;
    Ok(Ok(key))
}
