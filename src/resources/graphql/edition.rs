//! Editions in the API.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::resource_edition;

use super::{Resource, ResourceStatus};
use crate::{
    error::Result,
    graphql::{
        Asking,
        page::connection,
        seen::{Seen, Shows},
    },
    markdown,
    resources::ops,
};

/// One edition of a resource; it never changes once it is published.
#[derive(Clone, Debug)]
pub struct ResourceEdition {
    row: Seen<resource_edition::Entity>,
    frozen: bool,
}

impl Shows for ResourceEdition {
    type Entity = resource_edition::Entity;

    fn show(row: Seen<resource_edition::Entity>) -> Self {
        Self { row, frozen: false }
    }
}

impl ResourceEdition {
    /// Shows the copy of an edition that a proposal holds.
    pub fn frozen(row: Seen<resource_edition::Entity>) -> Self {
        Self { row, frozen: true }
    }
}

/// One edition of a resource; it never changes once it is published.
#[Object]
impl ResourceEdition {
    /// Its id, the same on every host.
    pub async fn id(&self) -> ID {
        self.row.id.to_string().into()
    }

    /// Its resource; null when you may not see that, as with what a private resource offers in a proposal.
    async fn resource(&self, ctx: &Context<'_>) -> Result<Option<Resource>> {
        self.row.one(ctx, |row| Some(row.resource_id)).await
    }

    /// Its number; the first is 1.
    async fn number(&self) -> i32 {
        self.row.number
    }

    /// Where it stands. In a proposal: where it stood when it was offered.
    async fn status(&self, ctx: &Context<'_>) -> Result<ResourceStatus> {
        let resource = if self.frozen || self.row.status != entity::ResourceStatus::Published {
            None
        } else {
            self.row.one::<Resource>(ctx, |row| Some(row.resource_id)).await?
        };
        let review_by = resource.and_then(|resource| resource.0.review_by);
        Ok(ops::told_status(self.row.status, review_by, ctx.app().clock.today()).into())
    }

    /// What it is called.
    async fn title(&self) -> &str {
        &self.row.title
    }

    /// What it is about, in a paragraph.
    async fn summary(&self) -> &str {
        &self.row.summary
    }

    /// The content as Markdown; null when it stands at `url` alone.
    async fn body(&self) -> Option<&str> {
        self.row.body.as_deref()
    }

    /// The content as HTML without script, safe to put into a page.
    async fn body_html(&self) -> Option<String> {
        self.row.body.as_deref().map(markdown::to_html)
    }

    /// Where the content stands on the web.
    async fn url(&self) -> Option<&str> {
        self.row.url.as_deref()
    }

    /// Of a draft: what its author or reviewer said last. Of a published edition: what is new in it. Of a withdrawn one:
    /// why it was.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// When a review approved it; null before, and for copies in proposals.
    async fn approved_at(&self) -> Option<DateTime<Utc>> {
        self.row.approved_at
    }

    /// When it was published.
    async fn published_at(&self) -> Option<DateTime<Utc>> {
        self.row.published_at
    }
}

connection! {
    /// A page of editions.
    ResourceEditionConnection, ResourceEditionEdge, ResourceEdition
}
