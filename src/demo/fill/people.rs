//! Champions: each applies, and somebody else takes them on.

use chrono::TimeDelta;
use entity::{
    ChampionStatus,
    SiteRole::{ProjectLead, SiteAdmin},
};
use serde_json::{Value, json};

use super::{Fill, Kind, at, marked, name};
use crate::demo::{
    content::{Champion, SiteContent},
    error::Result,
    stage::Mutation,
};

const REGISTER: Mutation = Mutation::new("championRegister", "ChampionRegisterInput", "champion { id version }");
const SET_STATUS: Mutation = Mutation::new("championSetStatus", "ChampionSetStatusInput", "champion { id version }");

/// How long it is between two applications.
const PACE: TimeDelta = TimeDelta::hours(2);

impl Fill<'_> {
    /// The champions of a site.
    pub(super) async fn champions(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for champion in &content.champions {
            let item = name(site, &champion.key);
            let input = registration(site, champion);
            let mut record = self.does(self.person(&item, &item)?, REGISTER, &item, input).await?;
            let id = self.learn(Kind::Champion, item.clone(), &record);
            // Nobody decides on their own application.
            let approver = at(
                site,
                if champion.key == "site_admin" {
                    ProjectLead
                } else {
                    SiteAdmin
                },
            );
            for status in path(champion.status) {
                let input = json!({ "id": id, "version": record["version"], "status": status });
                record = self.does(&approver, SET_STATUS, &item, input).await?;
            }
            self.stage.pass(site, PACE)?;
            self.progress.inc(1);
        }
        Ok(())
    }
}

fn registration(site: &str, champion: &Champion) -> Value {
    let email = format!("{}@{site}.example", champion.key.replace('_', "."));
    json!({
        "site": site,
        "displayName": champion.display_name,
        "kind": champion.kind,
        "staffGroup": champion.staff_group,
        "skills": champion.skills,
        "languages": champion.languages,
        "bio": marked(&champion.bio, champion.sample),
        "email": champion.sample.then_some(email),
        "visibility": champion.visibility,
    })
}

/// The statuses that lead from an application to a status.
fn path(status: ChampionStatus) -> &'static [ChampionStatus] {
    use ChampionStatus::{Active, Applied, Declined, InTraining, OnBreak, StoodDown};
    match status {
        Applied | Declined => &[],
        InTraining => &[InTraining],
        Active => &[InTraining, Active],
        OnBreak => &[InTraining, Active, OnBreak],
        StoodDown => &[InTraining, Active, StoodDown],
    }
}
