//! The inputs of what can be done to resources.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::{ResourceType, ResourceVerdict, Theme};
use crate::{
    champions::graphql::StaffGroup,
    error::Result,
    graphql::{
        enums::{Visibility, stored},
        ids::input_id,
        scalars::Date,
    },
    resources::ops::{self, FactChanges, Facts, Text, TextChanges},
};

/// A new resource.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceCreateInput {
    /// The slug of its site.
    site: String,
    /// What it is called, at most 200 characters.
    title: String,
    /// What it is about, at most 1,000 characters.
    summary: String,
    /// The content as Markdown, at most 50,000 characters. Give a body or a `url` before you hand it in.
    body: Option<String>,
    /// Where the content stands on the web, as `https://…` or `http://…`.
    url: Option<String>,
    /// What it is.
    #[graphql(name = "type")]
    kind: ResourceType,
    /// What it is about, e.g. `nhs-app`: at most 30, each of at most 60 characters. Stored in lower case.
    #[graphql(default)]
    topics: Vec<String>,
    /// How it helps people to take part.
    #[graphql(default)]
    themes: Vec<Theme>,
    /// The staff groups that it is for; none for all.
    #[graphql(default)]
    audience: Vec<StaffGroup>,
    /// Its language as a BCP 47 tag.
    #[graphql(default_with = "\"en\".to_owned()")]
    language: String,
    /// `OGL-UK-3.0`, `CC-BY-4.0`, `CC-BY-SA-4.0`, `CC-BY-NC-4.0` or `CC0-1.0`.
    #[graphql(default_with = "\"OGL-UK-3.0\".to_owned()")]
    licence: String,
    /// When it is to be reviewed, at most ten years ahead.
    review_by: Option<Date>,
    /// Who will see it once it is published.
    #[graphql(default_with = "Visibility::Site")]
    visibility: Visibility,
    /// The project of its site that it comes out of.
    project: Option<ID>,
}

impl ResourceCreateInput {
    pub(super) fn draft(self) -> Result<ops::Draft> {
        Ok(ops::Draft {
            site: self.site,
            text: Text {
                title: self.title,
                summary: self.summary,
                body: self.body,
                url: self.url,
            },
            facts: Facts {
                kind: self.kind.into(),
                topics: self.topics,
                themes: stored(self.themes),
                audience: stored(self.audience),
                language: self.language,
                licence: self.licence,
                review_by: self.review_by.map(|day| day.0),
                visibility: self.visibility.into(),
                project: self.project.map(|id| input_id("project", &id)).transpose()?,
            },
        })
    }
}

/// Changes to a resource. What is left out stays; null empties.
///
/// `title`, `summary`, `body` and `url` go into the draft edition. All other fields take effect at once; once the
/// resource was published, only curators and admins may change those (`SHARE` in `viewerCan`).
#[derive(Clone, Debug, InputObject)]
pub struct ResourceUpdateInput {
    /// The resource.
    pub(super) id: ID,
    /// The version that you read.
    pub(super) version: i32,
    /// What the draft is called, at most 200 characters.
    title: MaybeUndefined<String>,
    /// What the draft is about, at most 1,000 characters.
    summary: MaybeUndefined<String>,
    /// The content of the draft as Markdown, at most 50,000 characters.
    body: MaybeUndefined<String>,
    /// Where the content of the draft stands on the web, as `https://…` or `http://…`.
    url: MaybeUndefined<String>,
    /// What it is.
    #[graphql(name = "type")]
    kind: MaybeUndefined<ResourceType>,
    /// What it is about: at most 30, each of at most 60 characters. Stored in lower case.
    topics: MaybeUndefined<Vec<String>>,
    /// How it helps people to take part.
    themes: MaybeUndefined<Vec<Theme>>,
    /// The staff groups that it is for; none for all.
    audience: MaybeUndefined<Vec<StaffGroup>>,
    /// Its language as a BCP 47 tag.
    language: MaybeUndefined<String>,
    /// `OGL-UK-3.0`, `CC-BY-4.0`, `CC-BY-SA-4.0`, `CC-BY-NC-4.0` or `CC0-1.0`.
    licence: MaybeUndefined<String>,
    /// When it is to be reviewed, at most ten years ahead.
    review_by: MaybeUndefined<Date>,
    /// Who sees it.
    visibility: MaybeUndefined<Visibility>,
    /// The project of its site that it comes out of.
    project: MaybeUndefined<ID>,
}

impl ResourceUpdateInput {
    pub(super) fn changes(self) -> Result<ops::Changes> {
        let project = self.project.map_value(|id| input_id("project", &id)).transpose()?;
        Ok(ops::Changes {
            text: TextChanges {
                title: self.title.into(),
                summary: self.summary.into(),
                body: self.body.into(),
                url: self.url.into(),
            },
            facts: FactChanges {
                kind: self.kind.map_value(Into::into).into(),
                topics: self.topics.into(),
                themes: self.themes.map_value(stored).into(),
                audience: self.audience.map_value(stored).into(),
                language: self.language.into(),
                licence: self.licence.into(),
                review_by: self.review_by.map_value(|day| day.0).into(),
                visibility: self.visibility.map_value(Into::into).into(),
                project: project.into(),
            },
        })
    }
}

/// A step that a resource takes.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceActInput {
    /// The resource.
    pub(super) id: ID,
    /// The version that you read.
    pub(super) version: i32,
    /// At most 1,000 characters: for `resourceSubmit` to the reviewer, for `resourcePublish` what is new in this edition,
    /// which its readers see, for `resourceWithdraw` why.
    pub(super) note: Option<String>,
}

/// What a review says of a draft.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceReviewInput {
    /// The resource.
    pub(super) id: ID,
    /// The version that you read.
    pub(super) version: i32,
    /// Whether the draft may be published.
    pub(super) verdict: ResourceVerdict,
    /// What you say to the author, at most 1,000 characters; needed with `CHANGES_REQUESTED`.
    pub(super) note: Option<String>,
}

/// What a regional site lays over a national resource. What is left out stays as it was, or `false` and empty at first;
/// null empties.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceOverlaySetInput {
    /// The slug of the regional site.
    pub(super) site: String,
    /// The national resource.
    pub(super) resource: ID,
    /// Whether it stands before all others at the site.
    pinned: MaybeUndefined<bool>,
    /// Whether the site leaves it out. Pin or hide, not both.
    hidden: MaybeUndefined<bool>,
    /// What the site tells its members about it, at most 1,000 characters.
    note: MaybeUndefined<String>,
    /// The number of a published edition that the site holds on to.
    pinned_edition: MaybeUndefined<i32>,
}

impl ResourceOverlaySetInput {
    pub(super) fn layer(self) -> ops::Layer {
        ops::Layer {
            pinned: self.pinned.into(),
            hidden: self.hidden.into(),
            note: self.note.into(),
            pinned_edition: self.pinned_edition.into(),
        }
    }
}

/// An overlay to be taken off.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceOverlayClearInput {
    /// The slug of the regional site.
    pub(super) site: String,
    /// The national resource.
    pub(super) resource: ID,
}

/// A local resource to be offered to the national team.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceProposeInput {
    /// The resource: published, and of a regional site.
    pub(super) resource: ID,
    /// Why it should become a national one, at most 1,000 characters.
    pub(super) reason: String,
}

/// The national team's answer to a proposal.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceProposalDecideInput {
    /// The proposal.
    pub(super) id: ID,
    /// Whether it is accepted.
    pub(super) accept: bool,
    /// What you say to the site, at most 1,000 characters; needed when you decline.
    pub(super) reason: Option<String>,
}

/// A proposal to be taken back.
#[derive(Clone, Debug, InputObject)]
pub struct ResourceProposalWithdrawInput {
    /// The proposal.
    pub(super) id: ID,
}
