//! Resources with their editions, and what regional sites lay over and offer to the national library.

use chrono::TimeDelta;
use entity::SiteRole::Curator;
use serde_json::{Value, json};

use super::{Fill, Kind, at, name, tagged};
use crate::demo::{
    content::{Resource, ResourceState, SiteContent},
    error::Result,
    stage::Mutation,
};

const CREATE: Mutation = Mutation::new("resourceCreate", "ResourceCreateInput", "resource { id version }");
const SUBMIT: Mutation = Mutation::new("resourceSubmit", "ResourceActInput", "resource { id version }");
const REVIEW: Mutation = Mutation::new("resourceReview", "ResourceReviewInput", "resource { id version }");
const PUBLISH: Mutation = Mutation::new("resourcePublish", "ResourceActInput", "resource { id version }");
const OVERLAY: Mutation = Mutation::new("resourceOverlaySet", "ResourceOverlaySetInput", "overlay { id }");
const PROPOSE: Mutation = Mutation::new("resourcePropose", "ResourceProposeInput", "proposal { id }");

/// How long a curator takes to look at something.
const PACE: TimeDelta = TimeDelta::hours(7);

impl Fill<'_> {
    /// The resources of a site, each as far as it has come.
    pub(super) async fn resources(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for resource in &content.resources {
            let item = name(site, &resource.key);
            let record = self.resource(site, resource, &item).await?;
            self.learn(Kind::Resource, item, &record);
            self.progress.inc(1);
        }
        Ok(())
    }

    async fn resource(&self, site: &str, resource: &Resource, item: &str) -> Result<Value> {
        let author = self.person(&name(site, &resource.author), item)?;
        let curator = at(site, Curator);
        let mut record = self
            .does(author, CREATE, item, self.written(site, resource, item)?)
            .await?;
        if resource.state == ResourceState::Draft {
            return Ok(record);
        }
        let input = json!({ "id": record["id"], "version": record["version"] });
        record = self.does(author, SUBMIT, item, input).await?;
        if resource.state == ResourceState::InReview {
            return Ok(record);
        }
        self.stage.pass(site, PACE)?;
        let input = json!({ "id": record["id"], "version": record["version"], "verdict": "APPROVE" });
        record = self.does(&curator, REVIEW, item, input).await?;
        let input = json!({ "id": record["id"], "version": record["version"] });
        self.does(&curator, PUBLISH, item, input).await
    }

    fn written(&self, site: &str, resource: &Resource, item: &str) -> Result<Value> {
        let project = resource.project.as_ref();
        let project = project.map(|key| self.id(Kind::Project, &name(site, key), item));
        Ok(json!({
            "site": site,
            "title": resource.title,
            "summary": resource.summary,
            "body": resource.body,
            "url": resource.url,
            "type": resource.kind,
            "topics": tagged(&resource.topics, resource.sample),
            "themes": resource.themes,
            "audience": resource.audience,
            "language": resource.language,
            "licence": resource.licence,
            "reviewBy": self.calendar.planned(resource.review_by),
            "visibility": resource.visibility,
            "project": project.transpose()?,
        }))
    }

    /// What a site lays over national resources.
    pub(super) async fn overlays(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for overlay in &content.overlays {
            let item = format!("{site}/overlays of {}", overlay.resource);
            let input = json!({
                "site": site,
                "resource": self.id(Kind::Resource, &overlay.resource, &item)?,
                "pinned": overlay.pinned,
                "hidden": overlay.hidden,
                "note": overlay.note,
            });
            self.does(&at(site, Curator), OVERLAY, &item, input).await?;
            self.progress.inc(1);
        }
        Ok(())
    }

    /// What a site offers to the national library.
    pub(super) async fn proposals(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for proposal in &content.proposals {
            let item = name(site, &proposal.resource);
            let input = json!({
                "resource": self.id(Kind::Resource, &item, &item)?,
                "reason": proposal.reason,
            });
            self.does(&at(site, Curator), PROPOSE, &item, input).await?;
            self.progress.inc(1);
        }
        Ok(())
    }
}
