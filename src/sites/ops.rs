//! What is done to sites, and how they are listed.

use std::collections::HashMap;

use entity::{Kind, SiteId, SiteKind, SiteStatus, site};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::{
    error::{Error, Result},
    input,
    read::{KeyType, Listing, Sort},
    search,
};

pub mod audit;
pub mod directory;
pub mod issuers;
mod organisation_file;
pub mod organisations;
pub mod sync;

pub use directory::{Founding, found};
pub use issuers::{Trust, trust};

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
    Ok(site::Entity::find().order_by_asc(site::Column::Slug).all(db).await?)
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
        holding(rows, self.search.as_deref(), &[Name, Slug])
    }

    fn sort(&self) -> Sort {
        Sort::by("NAME_ASC", site::Column::Name, KeyType::Text, false)
    }
}

/// Keeps the rows that have each word of a search among names in one of these columns, in any case.
pub fn holding<E: EntityTrait>(rows: Select<E>, search: Option<&str>, columns: &[E::Column]) -> Select<E> {
    search.into_iter().flat_map(search::words).fold(rows, |rows, word| {
        // A word is letters and digits, so it holds no wildcard.
        let holds = |column: &E::Column| Expr::expr(Func::lower(column.into_simple_expr())).like(format!("%{word}%"));
        rows.filter(columns.iter().map(holds).fold(Condition::any(), Condition::add))
    })
}

/// The ids of those sites that there are, by their slugs.
///
/// # Errors
/// Only when the database fails.
pub async fn ids_by_slug(
    db: &impl ConnectionTrait,
    slugs: impl Iterator<Item = &str>,
) -> Result<HashMap<String, SiteId>> {
    let sites = site::Entity::find()
        .select_only()
        .columns([site::Column::Slug, site::Column::Id])
        .filter(site::Column::Slug.is_in(slugs));
    Ok(sites
        .into_tuple::<(String, SiteId)>()
        .all(db)
        .await?
        .into_iter()
        .collect())
}

/// The id of a site of the caller's choice, by its slug.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn id_of(db: &impl ConnectionTrait, slug: &str) -> Result<SiteId> {
    Ok(named(db, slug).await?.id)
}
