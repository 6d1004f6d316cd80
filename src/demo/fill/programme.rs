//! Projects: made by their leads, with a team, milestones and targets.

use chrono::TimeDelta;
use entity::ProjectStatus;
use serde_json::{Value, json};

use super::{Fill, Kind, marked, name};
use crate::demo::{
    content::{Project, SiteContent},
    error::Result,
    stage::Mutation,
};

const CREATE: Mutation = Mutation::new("projectCreate", "ProjectCreateInput", "project { id version slug }");
const SET_MILESTONES: Mutation = Mutation::new(
    "projectSetMilestones",
    "ProjectSetMilestonesInput",
    "project { id version slug }",
);
const SET_TARGETS: Mutation = Mutation::new(
    "projectSetTargets",
    "ProjectSetTargetsInput",
    "project { id version slug }",
);
const ADD_CHAMPION: Mutation = Mutation::new(
    "projectAddChampion",
    "ProjectAddChampionInput",
    "project { id version slug }",
);
const SET_STATUS: Mutation = Mutation::new(
    "projectSetStatus",
    "ProjectSetStatusInput",
    "project { id version slug }",
);

/// How long it is between two projects.
const PACE: TimeDelta = TimeDelta::hours(3);

impl Fill<'_> {
    /// The projects of a site.
    pub(super) async fn projects(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for project in &content.projects {
            let item = name(site, &project.key);
            let record = self.project(site, project, &item).await?;
            self.learn_slug(&item, &record);
            self.learn(Kind::Project, item, &record);
            self.stage.pass(site, PACE)?;
            self.progress.inc(1);
        }
        Ok(())
    }

    async fn project(&self, site: &str, project: &Project, item: &str) -> Result<Value> {
        let lead = self.person(&name(site, &project.lead), item)?;
        let mut record = self.does(lead, CREATE, item, self.draft(site, project)).await?;
        if !project.milestones.is_empty() {
            let input = next(&record, "milestones", self.milestones(project));
            record = self.does(lead, SET_MILESTONES, item, input).await?;
        }
        if !project.targets.is_empty() {
            let input = next(&record, "targets", self.targets(project, item)?);
            record = self.does(lead, SET_TARGETS, item, input).await?;
        }
        for member in &project.team {
            let champion = self.id(Kind::Champion, &name(site, member), item)?;
            let input = next(&record, "champion", json!(champion));
            record = self.does(lead, ADD_CHAMPION, item, input).await?;
        }
        for status in path(project.status) {
            record = self
                .does(lead, SET_STATUS, item, next(&record, "status", json!(status)))
                .await?;
        }
        Ok(record)
    }

    fn draft(&self, site: &str, project: &Project) -> Value {
        json!({
            "site": site,
            "title": project.title,
            "summary": marked(&project.summary, project.sample),
            "question": project.question,
            "focusAreas": project.focus_areas,
            "conditions": project.conditions,
            "startsOn": self.calendar.planned(project.starts_on),
            "endsOn": project.ends_on.map(|day| self.calendar.planned(day)),
            "visibility": project.visibility,
        })
    }

    fn milestones(&self, project: &Project) -> Value {
        let milestones = project.milestones.iter().map(|milestone| {
            json!({
                "title": milestone.title,
                "dueOn": self.calendar.planned(milestone.due_on),
                "doneOn": milestone.done_on.map(|day| self.calendar.planned(day)),
            })
        });
        milestones.collect()
    }

    fn targets(&self, project: &Project, item: &str) -> Result<Value> {
        let targets = project.targets.iter().map(|target| {
            Ok(json!({
                "measure": self.id(Kind::Measure, &target.measure, item)?,
                "value": target.value,
                "numerator": target.numerator,
                "denominator": target.denominator,
                "dueOn": self.calendar.planned(target.due_on),
            }))
        });
        targets.collect()
    }
}

/// The input of a change to one part of a project.
fn next(record: &Value, part: &str, value: Value) -> Value {
    json!({ "id": record["id"], "version": record["version"], part: value })
}

/// The statuses that lead from a draft to a status.
fn path(status: ProjectStatus) -> &'static [ProjectStatus] {
    use ProjectStatus::{Active, Archived, Completed, Draft, Paused};
    match status {
        Draft => &[],
        Active => &[Active],
        Paused => &[Active, Paused],
        Completed => &[Active, Completed],
        Archived => &[Active, Completed, Archived],
    }
}
