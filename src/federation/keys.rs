//! The keys with which the sites of this host sign their feeds.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use entity::{SiteId, site, site_key, site_key::Secret};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    app::Work,
    auth::thumbprint,
    error::{Error, Result},
    federation::{
        feeds::exact,
        wire::{
            Audience, AuditCheckpoint, Checkpoint, Epoch, Head, Origin, PublicKey, Signature, audit_message,
            checkpoint_message, key_message, root_message,
        },
    },
};

/// The signing key of a site. What it prints for debugging is its name, not its secret.
pub struct SiteKey {
    kid: String,
    public: PublicKey,
    pair: Ed25519KeyPair,
}

impl SiteKey {
    /// A key as it was stored.
    pub(super) fn of(kid: String, secret: &[u8]) -> Result<Self> {
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

    /// The site's word for its audit up to a position.
    ///
    /// # Errors
    /// Only when the key cannot sign.
    pub fn vouch(&self, site: Origin, (position, hash): (u64, Head), at: DateTime<Utc>) -> Result<AuditCheckpoint> {
        let mut checkpoint = AuditCheckpoint {
            position,
            hash,
            at,
            kid: self.kid.clone(),
            sig: Signature([0; 64]),
        };
        checkpoint.sig = self.sign(&audit_message(site, &checkpoint))?;
        Ok(checkpoint)
    }

    /// Signs a message that says itself what it is.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature> {
        signature(&self.pair, message)
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
        .filter(site_key::Column::SignsFrom.is_not_null())
        .filter(site_key::Column::RetiredAt.is_null());
    let row = current.one(db).await?;
    row.map(|row| SiteKey::of(row.kid, &row.secret.0)).transpose()
}

/// The keys with which a site has signed, oldest first, each with its proof.
///
/// # Errors
/// Only when the database fails.
pub async fn used(db: &impl ConnectionTrait, site: SiteId) -> Result<Vec<(SiteKey, Option<Signature>)>> {
    let used = site_key::Entity::find()
        .filter(site_key::Column::SiteId.eq(site))
        .filter(site_key::Column::SignsFrom.is_not_null())
        .order_by_asc(site_key::Column::SignsFrom);
    let keys = used.all(db).await?.into_iter().map(|row| {
        let proof = row.proof.map(|proof| exact(&proof).map(Signature)).transpose()?;
        Ok((SiteKey::of(row.kid, &row.secret.0)?, proof))
    });
    keys.collect()
}

/// Forgets keys that were made and that a site has never signed with. After a theft nobody knows who has them too.
///
/// # Errors
/// Only when the database fails.
pub async fn forget_unused(work: &Work<'_>, site: SiteId) -> Result<()> {
    let unused = site_key::Entity::delete_many().filter(site_key::Column::SiteId.eq(site));
    unused
        .filter(site_key::Column::SignsFrom.is_null())
        .exec(work.db())
        .await?;
    Ok(())
}

/// The key with which a site signs now; its first one is made when it is asked for. Only whoever holds the lock of the
/// site's feeds may ask, so that two replicas do not make two.
///
/// # Errors
/// Only when the database or the machine's randomness fails.
pub async fn signing(work: &Work<'_>, site: SiteId) -> Result<SiteKey> {
    if let Some(key) = current(work.db(), site).await? {
        return Ok(key);
    }
    let key = make(work, site).await?;
    take_over(work, site, &key).await?;
    Ok(key)
}

/// The key that is to sign next: one that was made and that nobody has taken in yet, else a new one. It is proven by the
/// site's present key.
///
/// # Errors
/// Only when the database or the machine's randomness fails.
pub async fn next(work: &Work<'_>, site: SiteId) -> Result<(SiteKey, Signature)> {
    let key = match made(work.db(), site).await? {
        Some(key) => key,
        None => make(work, site).await?,
    };
    let proof = signing(work, site)
        .await?
        .sign(&key_message(Origin(site.0), &key.kid, key.public))?;
    prove(work, site, &key, proof).await?;
    Ok((key, proof))
}

/// The key of a site that was made last and does not sign yet, when there is one.
///
/// # Errors
/// Only when the database fails.
pub async fn made(db: &impl ConnectionTrait, site: SiteId) -> Result<Option<SiteKey>> {
    let made = site_key::Entity::find()
        .filter(site_key::Column::SiteId.eq(site))
        .filter(site_key::Column::SignsFrom.is_null())
        .order_by_desc(site_key::Column::CreatedAt);
    let row = made.one(db).await?;
    row.map(|row| SiteKey::of(row.kid, &row.secret.0)).transpose()
}

/// Keeps the proof of a key.
///
/// # Errors
/// Only when the database fails.
pub async fn prove(work: &Work<'_>, site: SiteId, key: &SiteKey, proof: Signature) -> Result<()> {
    let proven = site_key::Entity::update_many().col_expr(site_key::Column::Proof, proof.0.to_vec().into());
    let proven = proven.filter(site_key::Column::SiteId.eq(site));
    proven
        .filter(site_key::Column::Kid.eq(&key.kid))
        .exec(work.db())
        .await?;
    Ok(())
}

/// Makes a key that does not sign yet.
///
/// # Errors
/// Only when the database or the machine's randomness fails.
pub async fn make(work: &Work<'_>, site: SiteId) -> Result<SiteKey> {
    let (secret, pair) = generate()?;
    let public = public_half(&pair)?;
    let kid = thumbprint(&public.to_string());
    let row = site_key::ActiveModel {
        site_id: Set(site),
        kid: Set(kid.clone()),
        public_key: Set(public.0.to_vec()),
        secret: Set(Secret(secret)),
        proof: Set(None),
        created_at: Set(work.now()),
        signs_from: Set(None),
        retired_at: Set(None),
    };
    row.insert(work.db()).await?;
    Ok(SiteKey { kid, public, pair })
}

/// Has a site sign with a key from now on, and with no other.
///
/// # Errors
/// Only when the database fails.
pub async fn take_over(work: &Work<'_>, site: SiteId, key: &SiteKey) -> Result<()> {
    use site_key::Column;
    let retired = site_key::Entity::update_many().col_expr(Column::RetiredAt, work.now().into());
    let retired = retired.filter(Column::SiteId.eq(site)).filter(Column::Kid.ne(&key.kid));
    retired
        .filter(Column::SignsFrom.is_not_null())
        .filter(Column::RetiredAt.is_null())
        .exec(work.db())
        .await?;
    let signs = site_key::Entity::update_many().col_expr(Column::SignsFrom, work.now().into());
    let signs = signs.filter(Column::SiteId.eq(site)).filter(Column::Kid.eq(&key.kid));
    signs.exec(work.db()).await?;
    let known = site::Entity::update_many().col_expr(site::Column::PublicKey, key.public.to_string().into());
    known.filter(site::Column::Id.eq(site)).exec(work.db()).await?;
    Ok(())
}

/// A new pair of keys: its secret half as PKCS #8, and itself.
fn generate() -> Result<(Vec<u8>, Ed25519KeyPair)> {
    let made = Ed25519KeyPair::generate().and_then(|pair| Ok((pair.to_pkcs8v1()?, pair)));
    let (secret, pair) = made.map_err(|_| Error::internal("this machine gives no randomness"))?;
    Ok((secret.as_ref().to_vec(), pair))
}

/// The network's root: it proves the keys of the national site, and a key of any site after a loss. It is used by hand
/// and kept offline.
pub struct RootKey {
    secret: Vec<u8>,
    pair: Ed25519KeyPair,
}

impl RootKey {
    /// Makes one.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn generate() -> Result<Self> {
        let (secret, pair) = generate()?;
        Ok(Self { secret, pair })
    }

    /// Reads one: PKCS #8 as base64.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let secret = STANDARD.decode(text.trim()).map_err(|_| "it is not base64")?;
        let pair = Ed25519KeyPair::from_pkcs8(&secret).map_err(|_| "it is not an Ed25519 key")?;
        Ok(Self { secret, pair })
    }

    /// PKCS #8 as base64, a line.
    pub fn text(&self) -> String {
        STANDARD.encode(&self.secret) + "\n"
    }

    /// Its public half.
    ///
    /// # Errors
    /// Never for a key that was made or read.
    pub fn public(&self) -> Result<PublicKey> {
        public_half(&self.pair)
    }

    /// Proves a key of a site.
    ///
    /// # Errors
    /// Only when the key cannot sign.
    pub fn proves(&self, site: SiteId, kid: &str, key: PublicKey) -> Result<Signature> {
        signature(&self.pair, &root_message(Origin(site.0), kid, key))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RootKey").finish_non_exhaustive()
    }
}

fn signature(pair: &Ed25519KeyPair, message: &[u8]) -> Result<Signature> {
    let signature = pair.sign(message);
    let bytes = signature.as_ref().try_into();
    bytes.map(Signature).map_err(Error::internal)
}

fn public_half(pair: &Ed25519KeyPair) -> Result<PublicKey> {
    let bytes = pair.public_key().as_ref().try_into();
    bytes.map(PublicKey).map_err(Error::internal)
}
