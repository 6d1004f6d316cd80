//! What is done to sites, and how they are listed.

use entity::{Kind, List, SiteId, SiteKind, SiteRole, SiteStatus, TokenAlgorithm, issuer, site};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    Select, sea_query::ExprTrait,
};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check},
    read::{KeyType, Listing, Sort},
    search::terms,
};

/// The rows whose home is one of the sites with these slugs.
pub fn home_in<C: ColumnTrait>(home: C, slugs: &[String]) -> Condition {
    let sites = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Slug.is_in(slugs));
    Condition::all().add(home.in_subquery(sites.into_query()))
}

/// The rows whose home is the national site.
pub fn home_is_national<C: ColumnTrait>(home: C, national: bool) -> Condition {
    let kind = if national {
        SiteKind::National
    } else {
        SiteKind::Regional
    };
    let sites = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Kind.eq(kind));
    Condition::all().add(home.in_subquery(sites.into_query()))
}

/// A slug made from a title that no other row of a table has on this site. The columns are those of home and slug.
///
/// # Errors
/// Only when the database fails.
pub async fn free_slug<E: EntityTrait>(
    db: &impl ConnectionTrait,
    [home, slug]: [E::Column; 2],
    site: SiteId,
    title: &str,
) -> Result<String> {
    let rows = E::find().select_only().column(slug).filter(home.eq(site));
    let rows = rows.filter(slug.starts_with(input::slug(title)));
    Ok(input::free_slug(title, &rows.into_tuple().all(db).await?))
}

/// A site by its slug.
///
/// # Errors
/// Only when the database fails.
pub async fn by_slug(db: &impl ConnectionTrait, slug: &str) -> Result<Option<site::Model>> {
    Ok(site::Entity::find().filter(site::Column::Slug.eq(slug)).one(db).await?)
}

/// A site that an input names by its slug.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn named(db: &impl ConnectionTrait, slug: &str) -> Result<site::Model> {
    by_slug(db, slug).await?.ok_or(Error::NotFound(Kind::Site))
}

/// The national site of the network, once this host knows it.
///
/// # Errors
/// Only when the database fails.
pub async fn national(db: &impl ConnectionTrait) -> Result<Option<site::Model>> {
    Ok(site::Entity::find()
        .filter(site::Column::Kind.eq(SiteKind::National))
        .one(db)
        .await?)
}

/// Every site that this host knows, by slug.
///
/// # Errors
/// Only when the database fails.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<site::Model>> {
    use sea_orm::QueryOrder;
    Ok(site::Entity::find().order_by_asc(site::Column::Slug).all(db).await?)
}

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
    if founding.slug != input::slug(&founding.slug) {
        check.note(
            ProblemCode::Invalid,
            "slug",
            "Use lower-case letters and digits, with hyphens between words.",
        );
    }
    if by_slug(work.db(), &founding.slug).await?.is_some() {
        check.note(ProblemCode::Taken, "slug", "Another site has this slug.");
    }
    if founding.kind == SiteKind::National && national(work.db()).await?.is_some() {
        check.note(ProblemCode::Taken, "kind", "A network has one national site.");
    }
    let row = site::ActiveModel {
        id: Set(work.new_id()),
        slug: Set(founding.slug),
        name: Set(check.line("name", &founding.name, input::TITLE)),
        kind: Set(founding.kind),
        region: Set(check.optional_line("region", founding.region, input::TITLE)),
        ods_code: Set(check.optional_ods_code("odsCode", founding.ods_code)),
        status: Set(SiteStatus::Active),
        hosted: Set(true),
        ..site::ActiveModel::default()
    };
    check.done()?;
    work.insert::<site::Entity>(row).await
}

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

/// Registers an issuer for a site. On the operator's word: no rule is asked.
///
/// # Errors
/// Problems of the registration.
pub async fn trust(work: &mut Work<'_>, site: SiteId, trust: Trust) -> Result<issuer::Model> {
    let row = issuer::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site),
        issuer: Set(trust.issuer),
        audience: Set(trust.audience),
        algorithms: Set(List(trust.algorithms)),
        jwks: Set(trust.jwks),
        jwks_url: Set(trust.jwks_url),
        roles_claim: Set(trust.roles_claim),
        may_grant: Set(List(trust.may_grant)),
        ..issuer::ActiveModel::default()
    };
    work.insert::<issuer::Entity>(row).await
}

/// Sites by name.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    /// Only of this kind.
    pub kind: Option<SiteKind>,
    /// Only with this status.
    pub status: Option<SiteStatus>,
    /// Only those that this host keeps, or only the others.
    pub hosted_here: Option<bool>,
    /// Only those whose name or slug holds every word of this.
    pub search: Option<String>,
}

impl Listing for Sites {
    type Entity = site::Entity;

    fn narrow(&self, mut rows: Select<site::Entity>) -> Select<site::Entity> {
        use site::Column::{Hosted, Kind, Name, Slug, Status};
        rows = rows.apply_if(self.kind, |rows, kind| rows.filter(Kind.eq(kind)));
        rows = rows.apply_if(self.status, |rows, status| rows.filter(Status.eq(status)));
        rows = rows.apply_if(self.hosted_here, |rows, hosted| rows.filter(Hosted.eq(hosted)));
        for term in self.search.iter().flat_map(|search| terms(search)) {
            rows = rows.filter(contains(Name, &term).add(Slug.contains(&term)));
        }
        rows
    }

    fn sort(&self) -> Sort {
        Sort::by("NAME_ASC", site::Column::Name, KeyType::Text, false)
    }
}

/// Rows whose column holds a folded term, in any case.
pub fn contains<C: ColumnTrait>(column: C, term: &str) -> Condition {
    use sea_orm::{IntoSimpleExpr, sea_query::Func};
    let lower = sea_orm::sea_query::Expr::expr(Func::lower(column.into_simple_expr()));
    // A term is letters and digits, so it holds no wildcard.
    Condition::any().add(lower.like(format!("%{term}%")))
}

/// The id of a site of the caller's choice, by its slug.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn id_of(db: &impl ConnectionTrait, slug: &str) -> Result<SiteId> {
    Ok(named(db, slug).await?.id)
}
