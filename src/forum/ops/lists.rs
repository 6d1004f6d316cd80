//! How spaces, threads, posts and reports are listed.

use entity::{
    ProjectId, ReportState, SpaceAccess, SpaceId, ThreadState, champion, post, project, report, space, thread,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, QuerySelect, QueryTrait, Select};

use crate::{
    error::Result,
    policy::{Action, Caller},
    read::{self, KeyType, Listing, Parent, Sort, Wide},
    scope::{covers, readable},
    search::Hits,
    sites,
};

/// A space by its address.
///
/// # Errors
/// Only when the database fails.
pub async fn space_by_slug(
    db: &impl ConnectionTrait,
    caller: &Caller,
    site: &str,
    slug: &str,
) -> Result<Option<space::Model>> {
    let home = sites::ops::home_in(space::Column::SiteId, &[site.to_owned()]);
    let rows = readable::<space::Entity>(caller).filter(home);
    Ok(rows.filter(space::Column::Slug.eq(slug)).one(db).await?)
}

/// Whether the caller says who is a member of a space, and so may see who is.
pub fn manages(caller: &Caller, row: &space::Model) -> bool {
    covers::<space::Entity>(caller, Action::Manage, row)
}

/// How champions hang on the closed spaces that they are members of.
pub const MEMBERS: Parent<champion::Entity> = Parent::Through {
    table: "space_member",
    parent: "space_id",
    row: "champion_id",
};

/// Spaces by name.
#[derive(Clone, Debug, Default)]
pub struct Spaces {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only open ones, or only closed ones.
    pub access: Option<SpaceAccess>,
}

impl Listing for Spaces {
    type Entity = space::Entity;

    fn narrow(&self, rows: Select<space::Entity>) -> Select<space::Entity> {
        rows.apply_if(self.sites.as_ref(), |rows, slugs| {
            rows.filter(sites::ops::home_in(space::Column::SiteId, slugs))
        })
        .apply_if(self.access, |rows, access| {
            rows.filter(space::Column::Access.eq(access))
        })
    }

    fn sort(&self) -> Sort {
        Sort::by("NAME_ASC", space::Column::Name, KeyType::Text, false)
    }
}

/// The threads of a project, where the caller may see that.
pub fn of_project(caller: &Caller, id: ProjectId) -> Condition {
    let seen = readable::<project::Entity>(caller).filter(project::Column::Id.eq(id));
    let seen = seen.select_only().column(project::Column::Id);
    Condition::all().add(thread::Column::ProjectId.in_subquery(seen.into_query()))
}

/// The order of a list of threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Created,
    /// Last edited first.
    Updated,
    /// Last answered first.
    LastPost,
    /// By title.
    Title,
    /// Best match first.
    Relevance,
}

/// A list of threads.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    /// Only by authors of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only in this space.
    pub space: Option<SpaceId>,
    /// Only [`of_project`].
    pub project: Option<Condition>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// Only without an accepted answer, or only with one.
    pub unanswered: Option<bool>,
    /// Only in one of these states.
    pub states: Option<Vec<ThreadState>>,
    /// Only those that match.
    pub search: Option<Hits>,
    /// The order.
    pub order: Order,
}

impl Listing for Threads {
    type Entity = thread::Entity;

    fn narrow(&self, rows: Select<thread::Entity>) -> Select<thread::Entity> {
        use thread::Column::{AnswerId, SiteId, SpaceId, State, Tags};
        rows.apply_if(self.sites.as_ref(), |rows, slugs| {
            rows.filter(sites::ops::home_in(SiteId, slugs))
        })
        .apply_if(self.space, |rows, space| rows.filter(SpaceId.eq(space)))
        .apply_if(self.project.clone(), |rows, project| rows.filter(project))
        .apply_if(self.tag.as_ref(), |rows, tag| {
            rows.filter(read::holds_any(Tags, &[tag.to_lowercase()]))
        })
        .apply_if(self.unanswered, |rows, unanswered| {
            rows.filter(if unanswered {
                AnswerId.is_null()
            } else {
                AnswerId.is_not_null()
            })
        })
        .apply_if(self.states.clone(), |rows, states| rows.filter(State.is_in(states)))
        .apply_if(self.search.as_ref(), |rows, hits| hits.join(rows))
    }

    fn sort(&self) -> Sort {
        use thread::Column::{ActiveAt, CreatedAt, Title, UpdatedAt};
        match self.order {
            Order::Created => Sort::by("CREATED_DESC", CreatedAt, KeyType::Time, true),
            Order::Updated => Sort::by("UPDATED_DESC", UpdatedAt, KeyType::Time, true),
            Order::LastPost => Sort::by("LAST_POST_DESC", ActiveAt, KeyType::Time, true),
            Order::Title => Sort::by("TITLE_ASC", Title, KeyType::Text, false),
            Order::Relevance => Hits::rank(),
        }
    }

    fn wide(&self) -> &'static [Wide<thread::Entity>] {
        &[(thread::Column::Body, &["body", "bodyHtml"])]
    }
}

/// The posts of a thread in the order that the space's home gave them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Posts;

impl Listing for Posts {
    type Entity = post::Entity;

    fn narrow(&self, rows: Select<post::Entity>) -> Select<post::Entity> {
        rows
    }

    fn sort(&self) -> Sort {
        Sort::by("THREAD_ORDER", post::Column::Position, KeyType::Number, false)
    }

    fn wide(&self) -> &'static [Wide<post::Entity>] {
        &[(post::Column::Body, &["body", "bodyHtml"])]
    }
}

/// The reports that concern a site: by its people, about what they wrote, or in its spaces. Newest first.
#[derive(Clone, Debug)]
pub struct Reports {
    /// The slug of the site.
    pub site: String,
    /// Only those that wait for a moderator, or only the others.
    pub open: Option<bool>,
}

impl Listing for Reports {
    type Entity = report::Entity;

    fn narrow(&self, rows: Select<report::Entity>) -> Select<report::Entity> {
        use report::Column::{SiteId, SpaceHomeId, State, SubjectHomeId};
        let slugs = [self.site.clone()];
        let concerns = [SiteId, SpaceHomeId, SubjectHomeId]
            .into_iter()
            .map(|column| sites::ops::home_in(column, &slugs));
        let concerns = concerns.fold(Condition::any(), Condition::add);
        rows.filter(concerns).apply_if(self.open, |rows, open| {
            rows.filter(State.eq(if open { ReportState::Open } else { ReportState::Closed }))
        })
    }

    fn sort(&self) -> Sort {
        Sort::by("CREATED_DESC", report::Column::CreatedAt, KeyType::Time, true)
    }
}
