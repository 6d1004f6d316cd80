//! What the network knows of sites, and whose word this host takes (`docs/federation.md`, sections 2 and 8).
//!
//! The host of the national site keeps the directory: `site` and `site_member` are what it says, and each change goes out
//! as a record in the national feed. Every other host reads those records: `site_member` is then what it has read last,
//! `trusted_key` the keys that it has accepted, which the directory cannot take back or exchange.

use entity::{List, SiteId, SiteKind, SiteStatus, site, site_key, site_member, trusted_key};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, prelude::Uuid, sea_query::LockType,
};

use super::{
    feeds::exact,
    host, moving,
    protocol::{
        self,
        apply::{Facts, Reason},
        directory::{Reader, Standing, may_become},
        keys::{Covers, Keys, Trusted},
        rules::Rules,
    },
    wire::{Audience, Ed25519, Epoch, Key, Member, Origin, PublicKey, Signature, Status},
};
use crate::{
    app::Work,
    auth::thumbprint,
    error::{Error, Result},
    input::{self, Check},
    share::{self, Arrival, Landed},
    sites,
};

/// Most types or keys that the directory tells of one site.
const MOST: usize = 200;

/// Whether this host keeps the directory.
///
/// # Errors
/// Only when the database fails.
pub async fn is_kept_here(db: &impl ConnectionTrait) -> Result<bool> {
    let national = sites::ops::national(db).await?;
    Ok(national.is_some_and(|national| national.hosted))
}

/// This host as a reader of feeds.
///
/// # Errors
/// Only when the database fails.
pub async fn reader(db: &impl ConnectionTrait) -> Result<Reader> {
    let hosted = site::Entity::find().filter(site::Column::Hosted.eq(true));
    let hosted = hosted.all(db).await?;
    Ok(Reader {
        is_hub: hosted.iter().any(|site| site.kind == SiteKind::National),
        sites: hosted.into_iter().map(|site| Origin(site.id.0)).collect(),
    })
}

/// What this host believes of a site: none of one that it has never heard of.
///
/// # Errors
/// Only when the database fails.
pub async fn standing(db: &impl ConnectionTrait, origin: SiteId) -> Result<Option<Standing>> {
    let (Some(site), Some(national)) = (
        site::Entity::find_by_id(origin).one(db).await?,
        sites::ops::national(db).await?,
    ) else {
        return Ok(None);
    };
    let is_national = national.id == origin;
    let listed = match site_member::Entity::find_by_id(origin).one(db).await? {
        Some(listed) => listed,
        // Of the national site itself a host knows the key before it has read anything.
        None if is_national => sites::feed::listed(origin, site.kind, &[])?,
        None => return Ok(None),
    };
    let member = sites::feed::member(&site, &listed)?;
    let keys = if national.hosted {
        told(&member)
    } else {
        trusted(db, origin).await?
    };
    Ok(Some(Standing::of(&member, Origin(national.id.0), keys)))
}

/// The keys of the directory that this host itself keeps.
pub(super) fn told(member: &Member) -> Keys {
    let keys = member.keys.iter().map(|key| Trusted {
        kid: key.kid.clone(),
        public: key.public,
        revoked: key.revoked_at.is_some(),
        covers: Covers::Windows(key.feeds.clone()),
    });
    Keys::new(keys.collect())
}

/// The keys of a site that this host has accepted.
async fn trusted(db: &impl ConnectionTrait, site: SiteId) -> Result<Keys> {
    let rows = trusted_key::Entity::find()
        .filter(trusted_key::Column::SiteId.eq(site))
        .order_by_asc(trusted_key::Column::Position);
    let keys = rows.all(db).await?.into_iter().map(|row| {
        let windows = row.windows.as_deref().map(serde_json::from_str).transpose();
        Ok(Trusted {
            kid: row.kid,
            public: PublicKey(exact(&row.public_key)?),
            revoked: row.revoked,
            covers: windows
                .map_err(Error::internal)?
                .map_or(Covers::Everything, Covers::Windows),
        })
    });
    Ok(Keys::new(keys.collect::<Result<_>>()?))
}

/// The national site as a host that joins its network is told of it, by a way that people trust.
#[derive(Clone, Debug)]
pub struct National {
    /// Its id.
    pub id: SiteId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The key that it signs with.
    pub key: PublicKey,
    /// The network's root, which proves its later keys.
    pub root: Option<PublicKey>,
}

/// Joins a network: takes the word of its national site from now on.
///
/// # Errors
/// A problem when this host is in a network already.
pub async fn join(work: &mut Work<'_>, national: National) -> Result<()> {
    if sites::ops::national(work.db()).await?.is_some() {
        return Err(Error::not_now("This host is in a network already."));
    }
    let key = national.key.to_string();
    let row = site::Model {
        id: national.id,
        slug: national.slug,
        name: national.name,
        kind: SiteKind::National,
        region: None,
        ods_code: None,
        status: SiteStatus::Active,
        status_reason: None,
        hosted: false,
        exported_at: None,
        endpoint: None,
        public_key: Some(key.clone()),
        version: 1,
        created_at: work.now(),
        updated_at: work.now(),
    };
    row.into_active_model().insert(work.db()).await?;
    if let Some(root) = national.root {
        host::pin(work, root).await?;
    }
    hold(work, national.id, &Keys::pinned(thumbprint(&key), national.key)).await
}

/// Takes in a new key of the national site that the pinned root has signed. Tells whether it was new.
///
/// # Errors
/// Only when the database fails.
pub async fn renew(work: &mut Work<'_>, national: &National) -> Result<bool> {
    let (held, root) = (trusted(work.db(), national.id).await?, host::root(work.db()).await?);
    let kid = thumbprint(&national.key.to_string());
    let known = held.held().iter().any(|key| key.kid == kid);
    if known || held.held().is_empty() || root.is_none() || root != national.root {
        return Ok(false);
    }
    let mut keys = held.held().to_vec();
    keys.push(Trusted {
        kid,
        public: national.key,
        revoked: false,
        covers: Covers::Everything,
    });
    hold(work, national.id, &Keys::new(keys)).await?;
    Ok(true)
}

/// Stores the accepted keys of a site.
async fn hold(work: &Work<'_>, site: SiteId, keys: &Keys) -> Result<()> {
    for (position, key) in (0..).zip(keys.held()) {
        let windows = match &key.covers {
            Covers::Everything => None,
            Covers::Windows(windows) => Some(serde_json::to_string(windows).map_err(Error::internal)?),
        };
        let row = trusted_key::Model {
            site_id: site,
            kid: key.kid.clone(),
            position,
            public_key: key.public.0.to_vec(),
            revoked: key.revoked,
            windows,
        };
        share::store::<trusted_key::Entity>(work.db(), row).await?;
    }
    Ok(())
}

/// Takes note, where the directory is kept, that a site has opened an epoch of a feed under a key: from now on that key may
/// sign it, and nobody reads an earlier epoch. Tells the network.
///
/// # Errors
/// [`Error::Internal`] for a key that the directory does not know.
pub async fn opened(work: &mut Work<'_>, site: SiteId, kid: &str, audience: Audience, epoch: Epoch) -> Result<()> {
    host::turn(work).await?;
    let listed = site_member::Entity::find_by_id(site).lock_exclusive();
    let (Some(mut listed), Some(row), Some(national)) = (
        listed.one(work.db()).await?,
        site::Entity::find_by_id(site).one(work.db()).await?,
        sites::ops::national(work.db()).await?,
    ) else {
        return Err(Error::internal("a site that is not in the directory opened a feed"));
    };
    let mut member = sites::feed::member(&row, &listed)?;
    if member.keys.iter().all(|key| key.kid != kid) {
        member.keys.push(own_key(work, site, kid).await?);
    }
    let member = protocol::directory::opened(&member, kid, audience, epoch).map_err(Error::internal)?;
    listed.keys = serde_json::to_string(&member.keys).map_err(Error::internal)?;
    share::store::<site_member::Entity>(work.db(), listed).await?;
    work.touch(national.id, entity::Kind::Site, site);
    Ok(())
}

/// Whether a site may append a feed for an audience, where the directory is kept: one for a single site only when that is in
/// the directory, and no more of them than its record has room for.
///
/// # Errors
/// Only when the database fails.
pub async fn may_open(db: &impl ConnectionTrait, site: SiteId, audience: Audience) -> Result<bool> {
    if let Audience::Site(reader) = audience
        && site_member::Entity::find_by_id(SiteId(reader)).one(db).await?.is_none()
    {
        return Ok(false);
    }
    let (Some(row), Some(listed)) = (
        site::Entity::find_by_id(site).one(db).await?,
        site_member::Entity::find_by_id(site).one(db).await?,
    ) else {
        return Ok(false);
    };
    Ok(protocol::directory::may_open(
        &sites::feed::member(&row, &listed)?,
        audience,
    ))
}

/// A key with which a site of this host signs, as the directory tells it.
pub(super) async fn own_key(work: &Work<'_>, site: SiteId, kid: &str) -> Result<Key> {
    let found = site_key::Entity::find_by_id((site, kid.to_owned()));
    let row = found.one(work.db()).await?;
    let row = row.ok_or_else(|| Error::internal("a feed was opened under a key that nobody knows"))?;
    let proof = row.proof.map(|proof| exact(&proof).map(Signature)).transpose()?;
    Ok(Key {
        kid: row.kid,
        public: PublicKey(exact(&row.public_key)?),
        proof,
        feeds: Vec::new(),
        revoked_at: None,
    })
}

/// Reads and checks a directory record.
///
/// # Errors
/// [`Reason::Invalid`] with what is wrong with it.
pub fn facts(record: Uuid, payload: &str) -> Result<Facts, Reason> {
    let invalid = |why: &dyn ToString| Reason::Invalid(why.to_string());
    let member = Member::parse(payload).map_err(|why| invalid(&why))?;
    let mut check = Check::new();
    check.address("slug", &member.slug);
    check.line("name", &member.name, input::TITLE);
    check.optional_line("region", member.region.clone(), input::TITLE);
    check.optional_url("endpoint", member.endpoint.clone());
    for word in member
        .types_allowed
        .iter()
        .chain(member.keys.iter().map(|key| &key.kid))
    {
        check.items("words", std::slice::from_ref(word), input::TITLE);
    }
    check.done().map_err(|_| invalid(&"a text that no site has"))?;
    let versions = [member.protocol.min, member.protocol.max];
    let countable = versions.into_iter().all(|version| i32::try_from(version).is_ok());
    if member.site.0 != record || !countable || member.types_allowed.len().max(member.keys.len()) > MOST {
        return Err(invalid(&"not the record of this site"));
    }
    Ok(Facts::default())
}

/// What a directory record has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// The site.
    pub site: SiteId,
    /// Where it stands.
    pub status: Status,
    /// Whether an accepted key has been revoked, so that its feeds are read anew.
    pub roll: bool,
}

/// Takes in what the national site says of a site.
///
/// # Errors
/// Only when the database fails.
pub async fn learn(work: &mut Work<'_>, arrival: &Arrival<'_>) -> Result<(Landed, Option<Learnt>)> {
    let member = Member::parse(arrival.payload).map_err(Error::internal)?;
    let id = SiteId(member.site.0);
    let found = site::Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
    let mut found = found.one(work.db()).await?;
    let listed = site_member::Entity::find_by_id(id).one(work.db()).await?;
    let present = match (&found, &listed) {
        (Some(row), Some(listed)) => Some(sites::feed::member(row, listed)?),
        _ => None,
    };
    let taken = sites::ops::by_slug(work.db(), &member.slug).await?;
    let owner = |_: &str| taken.as_ref().map(|taken| Origin(taken.id.0));
    if let Err(why) = may_become(present.as_ref(), &member, owner) {
        return Ok((Landed::Refused(why.to_string()), None));
    }
    if found.as_ref().is_some_and(|row| row.slug != member.slug) {
        return Ok((Landed::Refused("The slug of a site never changes.".to_owned()), None));
    }
    let held = trusted(work.db(), id).await?;
    let learnt = match held.learn(&member, host::root(work.db()).await?, &Ed25519, Rules::default()) {
        Ok(learnt) => Some(learnt),
        Err(why) => {
            tracing::error!(site = %id, %why, "the directory tells of a key that is not believed");
            None
        }
    };
    let keys = learnt.as_ref().map_or(&held, |learnt| &learnt.keys);
    hold(work, id, keys).await?;
    let before = present.map(|present| present.keys).unwrap_or_default();
    let said = if learnt.is_some() { &member.keys } else { &before };
    keep(work, &member, said).await?;
    let on_its_way = found.as_ref().is_some_and(|row| row.exported_at.is_some());
    if on_its_way && signs_elsewhere(work, &member).await? {
        moving::hand_over(work, id).await?;
        found = site::Entity::find_by_id(id).one(work.db()).await?;
    }
    let current = keys.current().map(|key| key.public.to_string());
    enter(work, found, &member, arrival.home, current).await?;
    let learnt = Learnt {
        site: id,
        status: member.status,
        roll: learnt.is_some_and(|learnt| learnt.roll),
    };
    Ok((Landed::Stored, Some(learnt)))
}

/// Whether a site signs with a key that this host does not have: another one keeps it.
async fn signs_elsewhere(work: &Work<'_>, member: &Member) -> Result<bool> {
    let Some(present) = member.keys.last() else {
        return Ok(false);
    };
    let own = site_key::Entity::find_by_id((SiteId(member.site.0), present.kid.clone()));
    Ok(own.one(work.db()).await?.is_none())
}

/// Whether this host keeps a site, or holds more than copies of it because it is on its way to another.
///
/// # Errors
/// Only when the database fails.
pub async fn holds(db: &impl ConnectionTrait, site: SiteId) -> Result<bool> {
    let found = site::Entity::find_by_id(site).one(db).await?;
    Ok(found.is_some_and(|site| site.hosted || site.exported_at.is_some()))
}

/// Keeps what the directory says of a site beside its row.
async fn keep(work: &Work<'_>, member: &Member, keys: &[Key]) -> Result<()> {
    let row = site_member::Model {
        site_id: SiteId(member.site.0),
        keys: serde_json::to_string(keys).map_err(Error::internal)?,
        types: List(member.types_allowed.clone()),
        protocol_min: i32::try_from(member.protocol.min).map_err(Error::internal)?,
        protocol_max: i32::try_from(member.protocol.max).map_err(Error::internal)?,
    };
    share::store::<site_member::Entity>(work.db(), row).await
}

/// Makes or changes the row of a site. What a site is called and where it stands is the directory's to say, also of a site
/// that this host keeps; the rest of that one is its own.
async fn enter(
    work: &Work<'_>,
    found: Option<site::Model>,
    member: &Member,
    national: SiteId,
    key: Option<String>,
) -> Result<()> {
    let id = SiteId(member.site.0);
    let status = match member.status {
        Status::Applied => SiteStatus::Applied,
        Status::Active => SiteStatus::Active,
        Status::Suspended => SiteStatus::Suspended,
        Status::Left => SiteStatus::Left,
    };
    let is_new = found.is_none();
    let before = found.unwrap_or_else(|| site::Model {
        id,
        slug: member.slug.clone(),
        name: String::new(),
        kind: if id == national {
            SiteKind::National
        } else {
            SiteKind::Regional
        },
        region: None,
        ods_code: None,
        status,
        status_reason: None,
        hosted: false,
        exported_at: None,
        endpoint: None,
        public_key: None,
        version: 0,
        created_at: work.now(),
        updated_at: work.now(),
    });
    let mut row = before.clone();
    row.name.clone_from(&member.name);
    row.region.clone_from(&member.region);
    row.status = status;
    if status != before.status {
        row.status_reason = None;
    }
    if !row.hosted {
        row.endpoint.clone_from(&member.endpoint);
        row.public_key = key.or(row.public_key);
    }
    if row == before {
        return Ok(());
    }
    row.version += 1;
    row.updated_at = work.now();
    if is_new {
        row.into_active_model().insert(work.db()).await?;
        return Ok(());
    }
    // Nobody who changes something of the site has to wait for this: its key and its name in addresses stay.
    let changed = site::ActiveModel {
        name: Set(row.name),
        region: Set(row.region),
        status: Set(row.status),
        status_reason: Set(row.status_reason),
        endpoint: Set(row.endpoint),
        public_key: Set(row.public_key),
        version: Set(row.version),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    let changed = site::Entity::update_many().set(changed);
    changed.filter(site::Column::Id.eq(id)).exec(work.db()).await?;
    Ok(())
}
