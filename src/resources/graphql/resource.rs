//! Resources themselves in the API.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Enum, InputObject};
use chrono::{DateTime, Utc};
use entity::{ResourceEditionId, resource, resource_edition, resource_overlay};

use super::{ResourceEdition, ResourceEditionConnection, ResourceOverlay, ResourceStatus, ResourceType, Theme};
use crate::{
    champions::graphql::{Champion, StaffGroup},
    error::Result,
    graphql::{
        Asking,
        enums::{shown, stored},
        page::{Paging, connection},
        payload::payload,
        record::record_object,
        scalars::Date,
        seen::Seen,
    },
    markdown,
    projects::graphql::Project,
    read::{self, Parent},
    resources::ops::{self, Order, Resources},
};

record_object! {
    /// Something to learn or teach with. It has editions; `title`, `summary`, `body` and `url` here are those of the
    /// edition that readers see, or of the draft while nothing was published.
    Resource shows resource {
        /// Its name in addresses, unique on its site. Never changes.
        async fn slug(&self) -> &str {
            &self.0.slug
        }

        /// What it is called.
        async fn title(&self) -> &str {
            &self.0.title
        }

        /// What it is about, in a paragraph.
        async fn summary(&self) -> &str {
            &self.0.summary
        }

        /// The content as Markdown; null when it stands at `url` alone.
        async fn body(&self, ctx: &Context<'_>) -> Result<Option<String>> {
            let editions = shown_editions(&self.0, ctx).await?;
            Ok(editions.get(&self.0.shown_edition_id).and_then(|edition| edition.body.clone()))
        }

        /// The content as HTML without script, safe to put into a page.
        async fn body_html(&self, ctx: &Context<'_>) -> Result<Option<String>> {
            let editions = shown_editions(&self.0, ctx).await?;
            let body = editions.get(&self.0.shown_edition_id).and_then(|edition| edition.body.as_deref());
            Ok(body.map(markdown::to_html))
        }

        /// Where the content stands on the web.
        async fn url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
            let editions = shown_editions(&self.0, ctx).await?;
            Ok(editions.get(&self.0.shown_edition_id).and_then(|edition| edition.url.clone()))
        }

        /// What it is.
        #[graphql(name = "type")]
        async fn kind(&self) -> ResourceType {
            self.0.kind.into()
        }

        /// What it is about, in lower case, e.g. `nhs-app`.
        async fn topics(&self) -> &[String] {
            &self.0.topics.0
        }

        /// How it helps people to take part.
        async fn themes(&self) -> Vec<Theme> {
            shown(&self.0.themes.0)
        }

        /// The staff groups that it is for; empty when it is for all.
        async fn audience(&self) -> Vec<StaffGroup> {
            shown(&self.0.audience.0)
        }

        /// Its language as a BCP 47 tag, e.g. `en` or `so`.
        async fn language(&self) -> &str {
            &self.0.language
        }

        /// Under which licence it may be used: `OGL-UK-3.0`, `CC-BY-4.0`, `CC-BY-SA-4.0`, `CC-BY-NC-4.0` or `CC0-1.0`
        /// (SPDX identifiers).
        async fn licence(&self) -> &str {
            &self.0.licence
        }

        /// Where it stands: as its published or withdrawn edition does, or as its draft while nothing was published.
        async fn status(&self, ctx: &Context<'_>) -> ResourceStatus {
            ops::told_status(self.0.status, self.0.review_by, ctx.app().clock.today()).into()
        }

        /// The number of the edition that is shown.
        async fn edition(&self) -> i32 {
            self.0.edition
        }

        /// When it is to be reviewed. After that day its status is `REVIEW_DUE`, and readers go on seeing it.
        async fn review_by(&self) -> Option<Date> {
            self.0.review_by.map(Date)
        }

        /// When the edition that is shown was published.
        async fn published_at(&self) -> Option<DateTime<Utc>> {
            self.0.published_at
        }

        /// Who wrote it, if you may see them; null for the national copy of a local resource.
        async fn author(&self, ctx: &Context<'_>) -> Result<Option<Champion>> {
            self.0.one(ctx, |row| row.owner_id).await
        }

        /// The local resource that this national one is a copy of, if you may see that.
        async fn derived_from(&self, ctx: &Context<'_>) -> Result<Option<Resource>> {
            self.0.one(ctx, |row| row.derived_from_id).await
        }

        /// The edition in work: for its author and the curators and admins of its site, null for everybody else.
        async fn draft(&self, ctx: &Context<'_>) -> Result<Option<ResourceEdition>> {
            self.0.one(ctx, |row| row.draft_edition_id).await
        }

        /// Its editions that you may see, newest first.
        async fn editions(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
            #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        ) -> Result<ResourceEditionConnection> {
            let paging = Paging { first, after, ..Paging::default() };
            let parent = Parent::Column(resource_edition::Column::ResourceId);
            Ok(ResourceEditionConnection(self.0.page(ctx, paging, ops::Editions, parent).await?))
        }

        /// What a regional site lays over this national resource: for members of that site, null for everybody else.
        async fn overlay(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "The slug of the regional site.")] site: String,
        ) -> Result<Option<ResourceOverlay>> {
            let load = async |rows: &[resource::Model]| {
                let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
                let found = ops::overlays(ctx.app().reader(), ctx.caller(), &site, &ids).await?;
                let seen: Vec<Seen<resource_overlay::Entity>> = Seen::all(found).collect();
                Ok(read::by_key(seen, |overlay| overlay.resource_id))
            };
            let all = self.0.together(format!("overlay {site}"), load).await?;
            Ok(all.get(&self.0.id).cloned().map(ResourceOverlay))
        }

        /// The project that it came out of, if you may see that.
        async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
            self.0.one(ctx, |row| row.project_id).await
        }
    }
}

type Shown = Arc<HashMap<ResourceEditionId, resource_edition::Model>>;

/// The editions that are shown of all resources that were read together.
async fn shown_editions(row: &Seen<resource::Entity>, ctx: &Context<'_>) -> Result<Shown> {
    let load = async |rows: &[resource::Model]| {
        let ids: Vec<_> = rows.iter().map(|row| row.shown_edition_id).collect();
        let found = read::by_ids::<resource_edition::Entity>(ctx.app().reader(), ctx.caller(), &ids).await?;
        Ok(read::by_key(found, |edition| edition.id))
    };
    row.together("shown editions".to_owned(), load).await
}

connection! {
    /// A page of resources.
    ResourceConnection(bool), ResourceEdge, Resource, {
        /// Whether a site's pins and hides were applied: true at `Site.resources` of a site that this host keeps, false
        /// there for all other sites, whose overlays their own hosts alone know, and false in every other list.
        async fn overlaid(&self) -> bool {
            self.1
        }
    }
}

payload! {
    /// What a change to a resource came to.
    ResourcePayload {
        /// The resource as it is now; null when there are problems, unless somebody was faster.
        resource: Resource
    }
}

/// The order of a list of resources. At `Site.resources` what the site pins comes first in every order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ResourceOrder {
    /// Newest first.
    CreatedDesc,
    /// Last changed first.
    UpdatedDesc,
    /// By title.
    TitleAsc,
    /// The first to be reviewed first; last those without `reviewBy`.
    ReviewByAsc,
    /// Best match first. The default with `search`, and only with it.
    Relevance,
}

/// Which resources. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ResourceFilter {
    /// Of the sites with these slugs.
    sites: Option<Vec<String>>,
    /// Only those of the national site, or only those of all others.
    national: Option<bool>,
    /// Of one of these types.
    types: Option<Vec<ResourceType>>,
    /// About this topic.
    topic: Option<String>,
    /// Serving one of these themes.
    themes: Option<Vec<Theme>>,
    /// Meant for one of these staff groups.
    audience: Option<Vec<StaffGroup>>,
    /// In this language or a variety of it: `en` also finds `en-GB`.
    language: Option<String>,
    /// With one of these statuses.
    statuses: Option<Vec<ResourceStatus>>,
    /// To be reviewed before this day.
    review_due_before: Option<Date>,
    /// With all of these words, in any order and inflexion, in title, summary, body or topics. Finds published resources
    /// only, by the edition that readers see.
    search: Option<String>,
}

impl ResourceFilter {
    /// The list that a filter and an order describe.
    pub fn list(ctx: &Context<'_>, filter: Option<Self>, order: Option<ResourceOrder>) -> Resources {
        let filter = filter.unwrap_or_default();
        let search = filter.search.map(|search| ctx.app().hits(&search));
        let order = match order {
            Some(ResourceOrder::UpdatedDesc) => Order::Updated,
            Some(ResourceOrder::TitleAsc) => Order::Title,
            Some(ResourceOrder::ReviewByAsc) => Order::ReviewBy,
            Some(ResourceOrder::Relevance) | None if search.is_some() => Order::Relevance,
            _ => Order::Created,
        };
        Resources {
            sites: filter.sites,
            national: filter.national,
            types: filter.types.map(stored),
            topic: filter.topic,
            themes: filter.themes.map(stored),
            audience: filter.audience.map(stored),
            language: filter.language,
            statuses: filter.statuses.map(stored),
            review_due_before: filter.review_due_before.map(|day| day.0),
            search,
            order,
            today: ctx.app().clock.today(),
            overlaid: false,
        }
    }
}
