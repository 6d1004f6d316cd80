//! Lists of resources, editions, overlays and proposals.

use chrono::NaiveDate;
use entity::{
    ProposalStatus, ResourceId, ResourceStatus, ResourceType, SiteKind, StaffGroup, Theme, resource, resource_edition,
    resource_overlay, resource_proposal, site,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Alias, Expr, ExprTrait, Func, JoinType, LikeExpr},
};

use crate::{
    error::Result,
    policy::Caller,
    read::{self, KeyType, Listing, Parent, Sort, SortKey, Wide},
    scope::readable,
    search::Hits,
    sites,
};

/// Later than any review: where resources stand that have no review day.
const NEVER: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("the calendar has this day");

/// A resource by its address.
///
/// # Errors
/// Only when the database fails.
pub async fn by_slug(
    db: &impl ConnectionTrait,
    caller: &Caller,
    site: &str,
    slug: &str,
) -> Result<Option<resource::Model>> {
    let home = sites::ops::home_in(resource::Column::SiteId, &[site.to_owned()]);
    let rows = readable::<resource::Entity>(caller).filter(home);
    Ok(rows.filter(resource::Column::Slug.eq(slug)).one(db).await?)
}

/// The overlays that a site has on some resources.
///
/// # Errors
/// Only when the database fails.
pub async fn overlays(
    db: &impl ConnectionTrait,
    caller: &Caller,
    site: &str,
    resources: &[ResourceId],
) -> Result<Vec<resource_overlay::Model>> {
    use resource_overlay::Column;
    let own = sites::ops::home_in(Column::SiteId, &[site.to_owned()]);
    let rows = readable::<resource_overlay::Entity>(caller).filter(own);
    let rows = rows.filter(Column::ResourceId.is_in(resources.iter().copied()));
    Ok(rows.all(db).await?)
}

/// How resources hang on the sites whose people use them: on their home, national ones on every site.
pub fn of_site() -> Parent<resource::Entity> {
    let home = Expr::col((resource::Entity, resource::Column::SiteId));
    let national = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Kind.eq(SiteKind::National));
    Parent::Joined {
        table: "site",
        on: Condition::any()
            .add(home.clone().equals((site::Entity, site::Column::Id)))
            .add(home.in_subquery(national.into_query())),
    }
}

/// The order of a list of resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Created,
    /// Last changed first.
    Updated,
    /// By title.
    Title,
    /// The first to be reviewed first.
    ReviewBy,
    /// Best match first.
    Relevance,
}

/// A list of resources.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only national ones, or only the others.
    pub national: Option<bool>,
    /// Only of these types.
    pub types: Option<Vec<ResourceType>>,
    /// Only about this topic.
    pub topic: Option<String>,
    /// Only serving one of these themes.
    pub themes: Option<Vec<Theme>>,
    /// Only for one of these staff groups.
    pub audience: Option<Vec<StaffGroup>>,
    /// Only in this language or a variety of it.
    pub language: Option<String>,
    /// Only with one of these statuses.
    pub statuses: Option<Vec<ResourceStatus>>,
    /// Only those to be reviewed before this day.
    pub review_due_before: Option<NaiveDate>,
    /// Only those that match.
    pub search: Option<Hits>,
    /// The order.
    pub order: Order,
    /// The present day: it decides what is due for review.
    pub today: NaiveDate,
    /// Whether the overlays of the parent site apply. Only below [`of_site`].
    pub overlaid: bool,
}

impl Listing for Resources {
    type Entity = resource::Entity;

    fn narrow(&self, rows: Select<resource::Entity>) -> Select<resource::Entity> {
        use resource::Column::{Audience, Kind, ReviewBy, SiteId, Themes, Topics};
        let rows = if self.overlaid { unhidden(rows) } else { rows };
        rows.apply_if(self.sites.as_ref(), |rows, slugs| {
            rows.filter(sites::ops::home_in(SiteId, slugs))
        })
        .apply_if(self.national, |rows, national| {
            rows.filter(sites::ops::home_is_national(SiteId, national))
        })
        .apply_if(self.types.clone(), |rows, types| rows.filter(Kind.is_in(types)))
        .apply_if(self.topic.as_ref(), |rows, topic| {
            rows.filter(read::holds_any(Topics, &[topic.to_lowercase()]))
        })
        .apply_if(self.themes.as_ref(), |rows, themes| {
            rows.filter(read::holds_any(Themes, themes))
        })
        .apply_if(self.audience.as_ref(), |rows, groups| {
            rows.filter(read::holds_any(Audience, groups))
        })
        .apply_if(self.language.as_ref(), |rows, tag| rows.filter(speaks(tag)))
        .apply_if(self.statuses.as_ref(), |rows, statuses| {
            rows.filter(told(statuses, self.today))
        })
        .apply_if(self.review_due_before, |rows, day| rows.filter(ReviewBy.lt(day)))
        .apply_if(self.search.as_ref(), |rows, hits| hits.join(rows))
    }

    fn sort(&self) -> Sort {
        use resource::Column::{CreatedAt, ReviewBy, Title, UpdatedAt};
        let review = Func::coalesce([ReviewBy.into_simple_expr(), Expr::val(NEVER)]);
        let (pinned, sort) = match self.order {
            Order::Created => (
                "PINNED_CREATED_DESC",
                Sort::by("CREATED_DESC", CreatedAt, KeyType::Time, true),
            ),
            Order::Updated => (
                "PINNED_UPDATED_DESC",
                Sort::by("UPDATED_DESC", UpdatedAt, KeyType::Time, true),
            ),
            Order::Title => ("PINNED_TITLE_ASC", Sort::by("TITLE_ASC", Title, KeyType::Text, false)),
            Order::ReviewBy => (
                "PINNED_REVIEW_BY_ASC",
                Sort::by("REVIEW_BY_ASC", Expr::expr(review), KeyType::Day, false),
            ),
            Order::Relevance => ("PINNED_RELEVANCE", Hits::rank()),
        };
        if self.overlaid { sort.after(pinned, pin()) } else { sort }
    }

    fn wide(&self) -> &'static [Wide<resource::Entity>] {
        &[(resource::Column::Summary, &["summary"])]
    }
}

/// Joins the overlays that the parent site keeps here, and leaves out what it hides.
fn unhidden(mut rows: Select<resource::Entity>) -> Select<resource::Entity> {
    use resource_overlay::{Column, Entity};
    let laid = Condition::all()
        .add(Expr::col((Entity, Column::ResourceId)).equals((resource::Entity, resource::Column::Id)))
        .add(Expr::col((Entity, Column::SiteId)).equals((site::Entity, site::Column::Id)))
        .add(Expr::col((site::Entity, site::Column::Hosted)).eq(true));
    QueryTrait::query(&mut rows).join(JoinType::LeftJoin, Alias::new("resource_overlay"), laid);
    let hidden = Expr::col((Entity, Column::Hidden));
    rows.filter(hidden.clone().is_null().or(hidden.eq(false)))
}

fn pin() -> SortKey {
    SortKey {
        by: Expr::cust("CAST(CASE WHEN resource_overlay.pinned THEN 1 ELSE 0 END AS bigint)"),
        holds: KeyType::Number,
        descending: true,
    }
}

/// Resources in a language or a variety of it: `en` finds `en-GB` (RFC 4647, basic filtering).
fn speaks(tag: &str) -> Condition {
    let tag = tag.to_lowercase();
    let variety = tag.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let language = Expr::expr(Func::lower(resource::Column::Language.into_simple_expr()));
    Condition::any()
        .add(language.clone().eq(tag))
        .add(language.like(LikeExpr::new(format!("{variety}-%")).escape('\\')))
}

/// Resources with one of these statuses, as [`super::told_status`] tells them.
fn told(statuses: &[ResourceStatus], today: NaiveDate) -> Condition {
    use resource::Column::{ReviewBy, Status};
    let one = |status: &ResourceStatus| match status {
        ResourceStatus::Published => Condition::all()
            .add(Status.eq(ResourceStatus::Published))
            .add(ReviewBy.is_null().or(ReviewBy.gte(today))),
        ResourceStatus::ReviewDue => Condition::all()
            .add(Status.eq(ResourceStatus::Published))
            .add(ReviewBy.lt(today)),
        other => Condition::all().add(Status.eq(*other)),
    };
    let nothing = Condition::any().add(Expr::cust("1 = 0"));
    statuses.iter().map(one).fold(nothing, Condition::add)
}

/// The editions of a resource, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Editions;

impl Listing for Editions {
    type Entity = resource_edition::Entity;

    fn narrow(&self, rows: Select<resource_edition::Entity>) -> Select<resource_edition::Entity> {
        rows
    }

    fn sort(&self) -> Sort {
        let number = resource_edition::Column::Number.into_simple_expr();
        Sort::by("NUMBER_DESC", number.cast_as("bigint"), KeyType::Number, true)
    }

    fn wide(&self) -> &'static [Wide<resource_edition::Entity>] {
        &[
            (resource_edition::Column::Summary, &["summary"]),
            (resource_edition::Column::Body, &["body", "bodyHtml"]),
        ]
    }
}

/// The overlays of a site, last changed first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overlays {
    /// Only those that pin, or only the others.
    pub pinned: Option<bool>,
    /// Only those that hide, or only the others.
    pub hidden: Option<bool>,
}

impl Listing for Overlays {
    type Entity = resource_overlay::Entity;

    fn narrow(&self, rows: Select<resource_overlay::Entity>) -> Select<resource_overlay::Entity> {
        use resource_overlay::Column::{Hidden, Pinned};
        rows.apply_if(self.pinned, |rows, pinned| rows.filter(Pinned.eq(pinned)))
            .apply_if(self.hidden, |rows, hidden| rows.filter(Hidden.eq(hidden)))
    }

    fn sort(&self) -> Sort {
        Sort::by("UPDATED_DESC", resource_overlay::Column::UpdatedAt, KeyType::Time, true)
    }
}

/// Proposals, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proposals {
    /// Only with this status.
    pub status: Option<ProposalStatus>,
}

impl Listing for Proposals {
    type Entity = resource_proposal::Entity;

    fn narrow(&self, rows: Select<resource_proposal::Entity>) -> Select<resource_proposal::Entity> {
        use resource_proposal::Column::Status;
        rows.apply_if(self.status, |rows, status| rows.filter(Status.eq(status)))
    }

    fn sort(&self) -> Sort {
        Sort::by(
            "CREATED_DESC",
            resource_proposal::Column::CreatedAt,
            KeyType::Time,
            true,
        )
    }

    fn wide(&self) -> &'static [Wide<resource_proposal::Entity>] {
        &[(resource_proposal::Column::Offer, &["offered"])]
    }
}
