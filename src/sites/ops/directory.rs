//! The directory of sites: founding one here, admitting one that another host keeps, suspending and reinstating.

use entity::{Kind, SiteId, SiteKind, SiteStatus, site, site_member};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, sea_query::LockType,
};
use serde_json::json;

use crate::{
    app::Work,
    auth::{parse_jwk_set, thumbprint},
    error::{Error, ProblemCode, Result},
    federation::wire::{Key, PublicKey},
    input::{self, Check},
    policy::Action,
    scope::readable,
    share,
    sites::{
        feed,
        ops::{by_slug, national},
    },
};

/// A site to be founded.
#[derive(Clone, Debug)]
pub struct Founding {
    /// Its name in addresses, arguments and tokens.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// What kind of site it is.
    pub kind: SiteKind,
    /// The region it serves.
    pub region: Option<String>,
    /// Its code in the Organisation Data Service.
    pub ods_code: Option<String>,
}

/// Founds a site that this host keeps. On the operator's word: no rule is asked.
///
/// # Errors
/// Problems of the founding: a slug that is taken, a second national site.
pub async fn found(work: &mut Work<'_>, founding: Founding) -> Result<site::Model> {
    let mut check = Check::new();
    let row = site::ActiveModel {
        id: Set(work.new_id()),
        hosted: Set(true),
        endpoint: Set(Some(format!("{}/graphql", work.app().settings.public_url))),
        ..described(work, &mut check, founding).await?
    };
    check.done()?;
    let row = work.insert::<site::Entity>(row).await?;
    if let Some(keeper) = national(work.db()).await?.filter(|national| national.hosted) {
        // A national site that is founded last takes the others up.
        let founded_before = if keeper.id == row.id {
            unlisted(work).await?
        } else {
            vec![row.clone()]
        };
        for site in founded_before {
            list(work, keeper.id, &site, &[]).await?;
        }
    }
    Ok(row)
}

/// The sites that the directory has no entry of.
async fn unlisted(work: &Work<'_>) -> Result<Vec<site::Model>> {
    let listed = site_member::Entity::find()
        .select_only()
        .column(site_member::Column::SiteId);
    let rows = site::Entity::find().filter(site::Column::Id.not_in_subquery(listed.into_query()));
    Ok(rows.all(work.db()).await?)
}

/// Enters a site in the directory, which this host keeps.
async fn list(work: &mut Work<'_>, keeper: SiteId, site: &site::Model, keys: &[Key]) -> Result<()> {
    share::store::<site_member::Entity>(work.db(), feed::listed(site.id, site.kind, keys)?).await?;
    work.touch(keeper, Kind::Site, site.id);
    Ok(())
}

/// What the directory says of a new site.
async fn described(work: &Work<'_>, check: &mut Check, founding: Founding) -> Result<site::ActiveModel> {
    let slug = check.line("slug", &founding.slug, input::WORD);
    if !slug.is_empty() && slug != input::slug(&slug) {
        check.note(
            ProblemCode::Invalid,
            "slug",
            "Use lower-case letters and digits, with hyphens between words.",
        );
    }
    if by_slug(work.db(), &slug).await?.is_some() {
        check.note(ProblemCode::Taken, "slug", "Another site has this slug.");
    }
    if founding.kind == SiteKind::National && national(work.db()).await?.is_some() {
        check.note(ProblemCode::Taken, "kind", "A network has one national site.");
    }
    Ok(site::ActiveModel {
        slug: Set(slug),
        name: Set(check.line("name", &founding.name, input::TITLE)),
        kind: Set(founding.kind),
        region: Set(check.optional_line("region", founding.region, input::TITLE)),
        ods_code: Set(check.optional_ods_code("odsCode", founding.ods_code)),
        status: Set(SiteStatus::Active),
        ..site::ActiveModel::default()
    })
}

/// A site of another host to be admitted to the network.
#[derive(Clone, Debug)]
pub struct Admission {
    /// The id that its own host gave it; a new one when it has none yet.
    pub id: Option<SiteId>,
    /// What the directory says of it.
    pub founding: Founding,
    /// Its signing key: 32 bytes of Ed25519 as base64url.
    pub public_key: String,
    /// Where its host answers GraphQL.
    pub endpoint: Option<String>,
}

/// Admits a site that another host keeps.
///
/// # Errors
/// Problems of the admission; what [`Work::allow_at`] refuses on the national site.
pub async fn admit(work: &mut Work<'_>, admission: Admission) -> Result<site::Model> {
    let keeper = keeper(work, Action::Create).await?;
    let mut check = Check::new();
    if let Some(id) = admission.id
        && site::Entity::find_by_id(id).one(work.db()).await?.is_some()
    {
        check.note(ProblemCode::Taken, "id", "Another site has this id.");
    }
    let key = public_key(work, &mut check, &admission.public_key).await?;
    let row = site::ActiveModel {
        id: Set(admission.id.unwrap_or_else(|| work.new_id())),
        hosted: Set(false),
        public_key: Set(Some(key.clone())),
        endpoint: Set(check.optional_url("endpoint", admission.endpoint)),
        ..described(work, &mut check, admission.founding).await?
    };
    check.done()?;
    let public = PublicKey::parse(&key).ok_or_else(|| Error::internal("a key was checked and is none"))?;
    let first = Key {
        kid: thumbprint(&key),
        public,
        proof: None,
        feeds: Vec::new(),
        revoked_at: None,
    };
    let row = work.insert::<site::Entity>(row).await?;
    list(work, keeper, &row, &[first]).await?;
    work.note(keeper, Kind::Site, row.id);
    Ok(row)
}

/// Who holds a site's key speaks as that site, so no two sites share one.
async fn public_key(work: &Work<'_>, check: &mut Check, text: &str) -> Result<String> {
    let key = check.line("publicKey", text, input::WORD);
    let as_set = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": key }] });
    if !key.is_empty() && parse_jwk_set(&as_set.to_string()).is_err() {
        let why = "Give the Ed25519 key of the site: 32 bytes as base64url, 43 characters without padding.";
        check.note(ProblemCode::Invalid, "publicKey", why);
    }
    let same = site::Entity::find().filter(site::Column::PublicKey.eq(&key));
    if same.count(work.db()).await? > 0 {
        check.note(ProblemCode::Taken, "publicKey", "Another site has this key.");
    }
    Ok(key)
}

/// The national site, where the caller may do this to the directory. It is locked, so that two changes of the directory
/// take turns and each sees whether the other took its place.
async fn keeper(work: &Work<'_>, action: Action) -> Result<SiteId> {
    let found = site::Entity::find().filter(site::Column::Kind.eq(SiteKind::National));
    let national = found.lock(LockType::NoKeyUpdate).one(work.db()).await?;
    let national = national.ok_or_else(|| work.refusal())?;
    Ok(work.allow_at(action, Kind::Site, national.id).await?.id)
}

/// Stops a site for now: its records are hidden and its people's roles do not count.
///
/// # Errors
/// A problem for the national site, or one that is not active; what [`Work::allow_at`] refuses on the national site.
pub async fn suspend(work: &mut Work<'_>, slug: &str, reason: &str) -> Result<site::Model> {
    let keeper = keeper(work, Action::Approve).await?;
    let row = listed(work, slug).await?;
    let mut check = Check::new();
    let reason = check.text("reason", reason, input::SUMMARY);
    if row.id == keeper {
        let why = "The national site keeps the directory: it cannot be suspended.";
        check.note(ProblemCode::Invalid, "site", why);
    }
    check.done()?;
    if row.status != SiteStatus::Active {
        return Err(Error::not_now(format!(
            "A site that is {} cannot be suspended.",
            row.status
        )));
    }
    stand(work, keeper, row, SiteStatus::Suspended, Some(reason)).await
}

/// Lets a suspended site take part again.
///
/// # Errors
/// A problem for a site that is not suspended; what [`Work::allow_at`] refuses on the national site.
pub async fn reinstate(work: &mut Work<'_>, slug: &str, reason: Option<String>) -> Result<site::Model> {
    let keeper = keeper(work, Action::Approve).await?;
    let row = listed(work, slug).await?;
    let mut check = Check::new();
    let reason = check.optional_text("reason", reason, input::SUMMARY);
    check.done()?;
    if row.status != SiteStatus::Suspended {
        return Err(Error::not_now(format!(
            "A site that is {} cannot be reinstated.",
            row.status
        )));
    }
    stand(work, keeper, row, SiteStatus::Active, reason).await
}

/// Takes a site out of the network for good.
///
/// # Errors
/// A problem for the national site, or one that has left; what [`Work::allow_at`] refuses on the national site.
pub async fn leave(work: &mut Work<'_>, slug: &str, reason: Option<String>) -> Result<site::Model> {
    let keeper = keeper(work, Action::Approve).await?;
    let row = listed(work, slug).await?;
    let mut check = Check::new();
    let reason = check.optional_text("reason", reason, input::SUMMARY);
    if row.id == keeper {
        let why = "The national site keeps the directory: it cannot leave.";
        check.note(ProblemCode::Invalid, "site", why);
    }
    check.done()?;
    if row.status == SiteStatus::Left {
        return Err(Error::not_now("The site has left already."));
    }
    stand(work, keeper, row, SiteStatus::Left, reason).await
}

/// A site of the directory to change: whichever host keeps the site, the directory is the national site's.
async fn listed(work: &Work<'_>, slug: &str) -> Result<site::Model> {
    let found = readable::<site::Entity>(work.caller()).filter(site::Column::Slug.eq(slug));
    let found = found.lock(LockType::NoKeyUpdate).one(work.db()).await?;
    found.ok_or(Error::NotFound(Kind::Site))
}

async fn stand(
    work: &mut Work<'_>,
    keeper: SiteId,
    row: site::Model,
    status: SiteStatus,
    reason: Option<String>,
) -> Result<site::Model> {
    let mut row = row.into_active_model();
    row.status = Set(status);
    row.status_reason = Set(reason);
    let row = work.update::<site::Entity>(row).await?;
    work.note(keeper, Kind::Site, row.id);
    Ok(row)
}

/// The sites that this host keeps, by slug, locked until the work ends.
///
/// # Errors
/// Only when the database fails.
pub async fn hosted(db: &impl ConnectionTrait) -> Result<Vec<site::Model>> {
    let rows = site::Entity::find().filter(site::Column::Hosted.eq(true));
    Ok(rows.order_by_asc(site::Column::Slug).lock_exclusive().all(db).await?)
}
