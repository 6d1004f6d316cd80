//! Who may sign tokens for a site.

use entity::{IssuerId, Kind, List, SiteId, SiteRole, TokenAlgorithm, issuer, site};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, Select,
    sea_query::LockType,
};
use serde_json::Value;

use crate::{
    app::Work,
    auth::{JwkSet, parse_jwk_set, parse_jwks_url},
    error::{Error, ProblemCode, Result},
    input::Check,
    policy::Action,
    read::{KeyType, Listing, Sort},
    sites::ops::{directory, home_in, named},
};

/// Longest name of an issuer, audience or claim, in characters: what a token may hold.
const NAME: usize = 255;

/// Whose tokens a site accepts, and what they may grant.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The issuer, as tokens name it.
    pub issuer: String,
    /// The audience that a token must name.
    pub audience: String,
    /// The algorithms that the issuer may use.
    pub algorithms: Vec<TokenAlgorithm>,
    /// Its keys as a JWK set (RFC 7517).
    pub jwks: Option<String>,
    /// Where it publishes its keys.
    pub jwks_url: Option<String>,
    /// The claim that lists roles.
    pub roles_claim: String,
    /// The roles that it may grant.
    pub may_grant: Vec<SiteRole>,
}

impl Trust {
    /// Trusts an issuer with every role. For development.
    pub fn everything(issuer: &str, audience: &str, jwks: String) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            algorithms: vec![TokenAlgorithm::EdDsa],
            jwks: Some(jwks),
            jwks_url: None,
            roles_claim: "roles".to_owned(),
            may_grant: SiteRole::ALL.to_vec(),
        }
    }
}

/// Registers an issuer for a site.
///
/// # Errors
/// Problems of the registration; what [`Work::allow_at`] refuses.
pub async fn register(work: &mut Work<'_>, site: &str, trusted: Trust) -> Result<issuer::Model> {
    let site = named(work.db(), site).await?;
    work.allow_at(Action::Create, Kind::Issuer, site.id).await?;
    trust(work, site.id, trusted).await
}

/// Registers an issuer for a site. On the operator's word: no rule is asked.
///
/// # Errors
/// Problems of the registration.
pub async fn trust(work: &mut Work<'_>, site: SiteId, trusted: Trust) -> Result<issuer::Model> {
    store(work, site, trusted, false).await
}

async fn store(work: &mut Work<'_>, site: SiteId, trusted: Trust, development: bool) -> Result<issuer::Model> {
    // Two registrations of one site take turns, so that each sees whether the other took its place.
    let home = site::Entity::find_by_id(site).lock(LockType::NoKeyUpdate);
    home.one(work.db()).await?.ok_or(Error::NotFound(Kind::Site))?;
    let mut check = Check::new();
    let (jwks, jwks_url) = keys(work, &mut check, &trusted);
    let named = name(&mut check, "issuer", &trusted.issuer);
    let audience = name(&mut check, "audience", &trusted.audience);
    let same = standing(site)
        .filter(issuer::Column::Issuer.eq(&named))
        .filter(issuer::Column::Audience.eq(&audience));
    if same.count(work.db()).await? > 0 {
        let why = "This issuer is registered for this audience. Revoke that registration first.";
        check.note(ProblemCode::Taken, "issuer", why);
    }
    let row = issuer::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site),
        issuer: Set(named),
        audience: Set(audience),
        algorithms: Set(List(at_least_one(&mut check, "algorithms", trusted.algorithms))),
        jwks: Set(jwks),
        jwks_url: Set(jwks_url),
        roles_claim: Set(name(&mut check, "rolesClaim", &trusted.roles_claim)),
        may_grant: Set(List(at_least_one(&mut check, "mayGrant", trusted.may_grant))),
        development: Set(development),
        ..issuer::ActiveModel::default()
    };
    check.done()?;
    work.insert::<issuer::Entity>(row).await
}

/// The registrations of a site that count.
fn standing(site: SiteId) -> Select<issuer::Entity> {
    issuer::Entity::find()
        .filter(issuer::Column::SiteId.eq(site))
        .filter(issuer::Column::RevokedAt.is_null())
}

/// A text that a token can hold: one line without tabs.
fn name(check: &mut Check, path: &str, text: &str) -> String {
    let text = check.line(path, text, NAME);
    if text.contains('\t') {
        check.note(ProblemCode::Invalid, path, "This holds a tab, which no token can.");
    }
    text
}

fn at_least_one<T: PartialEq>(check: &mut Check, path: &str, values: Vec<T>) -> Vec<T> {
    if values.is_empty() {
        check.note(ProblemCode::Required, path, "Give at least one.");
    }
    check.set(path, values)
}

/// The key set or the URL of one, whichever is given.
fn keys(work: &Work<'_>, check: &mut Check, trusted: &Trust) -> (Option<String>, Option<String>) {
    match (&trusted.jwks, &trusted.jwks_url) {
        (Some(_), Some(_)) => {
            let why = "Give either the key set or its URL, not both.";
            check.note(ProblemCode::Invalid, "jwksUrl", why);
        }
        (None, None) => {
            let why = "Give the key set, or the URL where the issuer publishes it.";
            check.note(ProblemCode::Required, "jwks", why);
        }
        (Some(jwks), None) => match parse_jwk_set(jwks) {
            Ok(set) => usable(check, jwks, &set, &trusted.algorithms),
            Err(why) => check.note(ProblemCode::Invalid, "jwks", why),
        },
        (None, Some(url)) => match parse_jwks_url(url, work.app().settings.development_issuer) {
            Ok(url) => return (None, Some(url.into())),
            Err(why) => check.note(ProblemCode::Invalid, "jwksUrl", why),
        },
    }
    (trusted.jwks.clone(), None)
}

/// Notes a problem when no token could ever be checked with these keys.
fn usable(check: &mut Check, jwks: &str, set: &JwkSet, algorithms: &[TokenAlgorithm]) {
    let named = key_ids(jwks);
    let names = named.iter().map(|kid| Some(kid.as_str())).chain([None]);
    let keys: Vec<_> = names.flat_map(|kid| set.candidates(kid)).collect();
    if keys.is_empty() {
        let why = "The key set has several keys without a kid: no token can say which one it is signed with.";
        check.note(ProblemCode::Invalid, "jwks", why);
    } else if !algorithms.is_empty() && !keys.iter().any(|key| algorithms.iter().any(|one| key.allows(*one))) {
        let why = "No key of the key set can be used with these algorithms.";
        check.note(ProblemCode::Invalid, "algorithms", why);
    }
}

/// The names of the keys in a JWK set.
pub fn key_ids(jwks: &str) -> Vec<String> {
    let set: Value = serde_json::from_str(jwks).unwrap_or_default();
    let keys = set["keys"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["kid"].as_str()).map(str::to_owned).collect()
}

/// Ends a registration: from now on no token of it counts. The row stays for the record.
///
/// # Errors
/// A problem when it has ended already; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn revoke(work: &mut Work<'_>, id: IssuerId, version: i32) -> Result<issuer::Model> {
    let row = work.get_at::<issuer::Entity>(id, version).await?;
    work.allow::<issuer::Entity>(Action::Withdraw, &row)?;
    if row.revoked_at.is_some() {
        return Err(Error::not_now("This registration is revoked already."));
    }
    end(work, row).await
}

async fn end(work: &mut Work<'_>, row: issuer::Model) -> Result<issuer::Model> {
    let mut row = row.into_active_model();
    row.revoked_at = Set(Some(work.now()));
    work.update::<issuer::Entity>(row).await
}

/// Has every site that this host keeps trust the development issuer, and only this one. On the operator's word: no rule
/// is asked. Doing it twice changes nothing.
///
/// # Errors
/// Problems of the registration.
pub async fn keep_development(work: &mut Work<'_>, trusted: &Trust) -> Result<()> {
    for site in directory::hosted(work.db()).await? {
        let of_development = standing(site.id).filter(issuer::Column::Development.eq(true));
        let mut kept = false;
        for row in of_development.all(work.db()).await? {
            if row.issuer == trusted.issuer && row.audience == trusted.audience && row.jwks == trusted.jwks {
                kept = true;
            } else {
                end(work, row).await?;
            }
        }
        if !kept {
            store(work, site.id, trusted.clone(), true).await?;
        }
    }
    Ok(())
}

/// The issuers of a site, newest first.
#[derive(Clone, Debug)]
pub struct Issuers {
    /// The slug of the site.
    pub site: String,
}

impl Listing for Issuers {
    type Entity = issuer::Entity;

    fn narrow(&self, rows: Select<issuer::Entity>) -> Select<issuer::Entity> {
        rows.filter(home_in(issuer::Column::SiteId, std::slice::from_ref(&self.site)))
    }

    fn sort(&self) -> Sort {
        Sort::by("CREATED_DESC", issuer::Column::CreatedAt, KeyType::Time, true)
    }
}
