//! A feed that a bench writes itself, with the key of its site and nothing of a host behind it.

use std::sync::Arc;

use champion_network::{
    app::App,
    federation::{
        keys::SiteKey,
        protocol::{
            publisher::{self, Draft, Feed, Shared, Written},
            rules::Rules,
        },
        wire::{Audience, Batch, Epoch, Head, Origin, Salt, first_head},
    },
};
use entity::SiteId;
use serde_json::json;

use super::host::SUMMARY;

/// A feed of projects.
pub struct Story {
    /// The key of that site.
    pub key: Arc<SiteKey>,
    /// Where it ends.
    pub feed: Feed,
    written: Vec<Written>,
    /// The head before what was not taken yet.
    before: Head,
    told: usize,
}

impl Story {
    /// Begins a feed.
    pub fn begins(app: &App, site: SiteId, key: Arc<SiteKey>) -> Self {
        let now = app.clock.now();
        let epoch = Epoch(app.ids.ordered(now));
        let opened = publisher::open(
            Origin(site.0),
            Audience::Network,
            epoch,
            None,
            Salt(app.ids.bytes()),
            now,
        );
        Self {
            key,
            feed: opened.feed,
            written: opened.entries,
            before: first_head(Origin(site.0), Audience::Network, epoch),
            told: 0,
        }
    }

    /// Goes on with new projects.
    pub fn tells(&mut self, app: &App, projects: usize) {
        let now = app.clock.now();
        let drafts: Vec<_> = (0..projects)
            .map(|_| {
                self.told += 1;
                Draft {
                    gid: app.ids.ordered(now),
                    kind: "project".to_owned(),
                    schema: "project@1".to_owned(),
                    parent: None,
                    shared: Shared::As(project(self.told, now.to_rfc3339())),
                }
            })
            .collect();
        let salt = || Salt(app.ids.bytes());
        let appended = publisher::append(&self.feed, &drafts, |_| None, |_| false, salt, now, Rules::default());
        self.feed = appended.feed;
        self.written.extend(appended.entries);
    }

    /// What was written since this was last asked, signed.
    pub fn takes(&mut self, app: &App) -> Batch {
        let written = std::mem::take(&mut self.written);
        let (from, prev) = match written.first() {
            Some(first) => (first.pos, self.before),
            None => (self.feed.pos + 1, self.feed.head),
        };
        let of = (self.feed.origin, self.feed.audience, self.feed.epoch);
        let end = (self.feed.pos, self.feed.head);
        self.before = self.feed.head;
        Batch {
            origin: self.feed.origin,
            audience: self.feed.audience,
            epoch: self.feed.epoch,
            from,
            to: self.feed.pos,
            prev,
            entries: written.into_iter().map(|written| written.entry).collect(),
            checkpoint: self.key.checkpoint(of, end, app.clock.now()).unwrap(),
            seal: None,
        }
    }
}

/// A project as it travels.
fn project(number: usize, now: String) -> String {
    json!({
        "version": 1, "visibility": "NETWORK", "createdAt": now, "updatedAt": now, "lead": null,
        "slug": format!("digital-skills-on-ward-{number}"), "title": format!("Digital skills on ward {number}"),
        "summary": SUMMARY, "question": "Do people who are shown the app at their bedside use it after six weeks?",
        "focusAreas": ["STAFF_CULTURE"], "conditions": ["Diabetes"], "sponsors": [], "status": "DRAFT",
        "startsOn": null, "endsOn": null, "clonedFrom": null, "team": [], "milestones": [], "targets": [],
    })
    .to_string()
}

/// The sites of a host that exists only to make keys, each with its own.
pub async fn keys(app: &App, slugs: &[String]) -> Vec<(SiteId, SiteKey)> {
    let mut made = Vec::new();
    for slug in slugs {
        let founding = super::host::founding(slug);
        let made_one = app.system("found", async |work| {
            let site = champion_network::sites::ops::found(work, founding).await?.id;
            Ok((site, champion_network::federation::keys::signing(work, site).await?))
        });
        made.push(made_one.await.unwrap());
    }
    made
}
