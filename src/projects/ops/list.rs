//! How projects are found and listed.

use entity::{FocusArea, ProjectStatus, project};
use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryTrait, Select};

use crate::{
    error::Result,
    policy::Caller,
    read::{self, KeyType, Listing, Sort, Wide},
    scope::readable,
    search::Hits,
    sites,
};

/// A project by its address.
///
/// # Errors
/// Only when the database fails.
pub async fn by_slug(
    db: &impl ConnectionTrait,
    caller: &Caller,
    site: &str,
    slug: &str,
) -> Result<Option<project::Model>> {
    let rows = readable::<project::Entity>(caller);
    let home = sites::ops::home_in(project::Column::SiteId, &[site.to_owned()]);
    Ok(rows.filter(home).filter(project::Column::Slug.eq(slug)).one(db).await?)
}

/// The order of a list of projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Created,
    /// Last changed first.
    Updated,
    /// By title.
    Title,
    /// Best match first.
    Relevance,
}

/// A list of projects.
#[derive(Clone, Debug, Default)]
pub struct Projects {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only with one of these statuses.
    pub statuses: Option<Vec<ProjectStatus>>,
    /// Only with one of these focus areas.
    pub focus_areas: Option<Vec<FocusArea>>,
    /// Only about this condition.
    pub condition: Option<String>,
    /// Only those that match.
    pub search: Option<Hits>,
    /// The order.
    pub order: Order,
}

impl Listing for Projects {
    type Entity = project::Entity;

    fn narrow(&self, rows: Select<project::Entity>) -> Select<project::Entity> {
        use project::Column::{Conditions, FocusAreas, SiteId, Status};
        rows.apply_if(self.sites.as_ref(), |rows, slugs| {
            rows.filter(sites::ops::home_in(SiteId, slugs))
        })
        .apply_if(self.statuses.clone(), |rows, statuses| {
            rows.filter(Status.is_in(statuses))
        })
        .apply_if(self.focus_areas.as_ref(), |rows, areas| {
            rows.filter(read::holds_any(FocusAreas, areas))
        })
        .apply_if(self.condition.as_ref(), |rows, one| {
            rows.filter(read::holds_any(Conditions, &[one.to_lowercase()]))
        })
        .apply_if(self.search.as_ref(), |rows, hits| hits.join(rows))
    }

    fn sort(&self) -> Sort {
        match self.order {
            Order::Created => Sort::by("CREATED_DESC", project::Column::CreatedAt, KeyType::Time, true),
            Order::Updated => Sort::by("UPDATED_DESC", project::Column::UpdatedAt, KeyType::Time, true),
            Order::Title => Sort::by("TITLE_ASC", project::Column::Title, KeyType::Text, false),
            Order::Relevance => Hits::rank(),
        }
    }

    fn wide(&self) -> &'static [Wide<project::Entity>] {
        &[
            (project::Column::Summary, &["summary"]),
            (project::Column::Question, &["question"]),
        ]
    }
}
