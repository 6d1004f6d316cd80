//! The keys with which the sites of this host sign their feeds.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, Utc};
use entity::{SiteId, site, site_key, site_key::Secret};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::{
    app::Work,
    auth::thumbprint,
    error::{Error, Result},
    federation::wire::{Audience, Checkpoint, Epoch, Head, Origin, PublicKey, Signature, checkpoint_message},
};

/// The signing key of a site. What it prints for debugging is its name, not its secret.
pub struct SiteKey {
    kid: String,
    public: PublicKey,
    pair: Ed25519KeyPair,
}

impl SiteKey {
    fn of(kid: String, secret: &[u8]) -> Result<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(secret).map_err(|_| Error::internal("a site's key cannot be read"))?;
        let public = public_half(&pair)?;
        Ok(Self { kid, public, pair })
    }

    /// Its name: its thumbprint (RFC 7638).
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The site's word for a feed up to a position.
    pub fn checkpoint(
        &self,
        (origin, audience, epoch): (Origin, Audience, Epoch),
        (to, head): (u64, Head),
        at: DateTime<Utc>,
    ) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint {
            to,
            head,
            at,
            kid: self.kid.clone(),
            sig: Signature([0; 64]),
        };
        let message = checkpoint_message(origin, audience, epoch, &checkpoint);
        checkpoint.sig = self.sign(&message)?;
        Ok(checkpoint)
    }

    /// Signs a message that says itself what it is.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature> {
        let signature = self.pair.sign(message);
        let bytes = signature.as_ref().try_into();
        bytes.map(Signature).map_err(Error::internal)
    }
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SiteKey");
        shown.field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// The key with which a site signs now, when it has one.
///
/// # Errors
/// Only when the database fails.
pub async fn current(db: &impl ConnectionTrait, site: SiteId) -> Result<Option<SiteKey>> {
    let current = site_key::Entity::find()
        .filter(site_key::Column::SiteId.eq(site))
        .filter(site_key::Column::RetiredAt.is_null());
    let row = current.one(db).await?;
    row.map(|row| SiteKey::of(row.kid, &row.secret.0)).transpose()
}

/// The key with which a site signs now; its first one is made when it is asked for. Only whoever holds the lock of the
/// site's feeds may ask, so that two replicas do not make two.
///
/// # Errors
/// Only when the database or the machine's randomness fails.
pub async fn signing(work: &Work<'_>, site: SiteId) -> Result<SiteKey> {
    match current(work.db(), site).await? {
        Some(key) => Ok(key),
        None => first(work, site).await,
    }
}

async fn first(work: &Work<'_>, site: SiteId) -> Result<SiteKey> {
    let made = Ed25519KeyPair::generate().and_then(|pair| Ok((pair.to_pkcs8v1()?, pair)));
    let (secret, pair) = made.map_err(|_| Error::internal("this machine gives no randomness"))?;
    let public = public_half(&pair)?;
    let kid = thumbprint(&public.to_string());
    let row = site_key::ActiveModel {
        site_id: Set(site),
        kid: Set(kid.clone()),
        public_key: Set(public.0.to_vec()),
        secret: Set(Secret(secret.as_ref().to_vec())),
        proof: Set(None),
        created_at: Set(work.now()),
        retired_at: Set(None),
    };
    row.insert(work.db()).await?;
    let known = site::Entity::update_many().col_expr(site::Column::PublicKey, public.to_string().into());
    known.filter(site::Column::Id.eq(site)).exec(work.db()).await?;
    Ok(SiteKey { kid, public, pair })
}

fn public_half(pair: &Ed25519KeyPair) -> Result<PublicKey> {
    let bytes = pair.public_key().as_ref().try_into();
    bytes.map(PublicKey).map_err(Error::internal)
}
