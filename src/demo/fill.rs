//! Fills the hosts with the content, step by step, as their people would: first who they are, then what they made, then
//! what they said, then what they counted. The hosts work at the same time; between the steps they exchange, and whatever
//! refers to what another host keeps waits until that has arrived.

mod directory;
mod figures;
mod forum;
mod library;
mod people;
mod programme;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use entity::SiteRole;
use futures_util::future::try_join_all;
use indicatif::ProgressBar;
use serde_json::Value;

use super::{
    calendar::Calendar,
    content::{NATIONAL, SiteContent},
    error::{Error, Result},
    stage::{Mutation, Stage},
    tokens::Person,
};

/// What is filled, and what is known of it by now.
#[derive(Debug)]
pub struct Fill<'a> {
    /// Where it happens.
    pub stage: &'a Stage<'a>,
    /// When it happens.
    pub calendar: Calendar,
    /// What it is filled with.
    pub contents: &'a [SiteContent],
    /// How far it has come.
    pub progress: &'a ProgressBar,
    people: HashMap<String, Person>,
    known: Mutex<Known>,
}

/// What was made so far.
#[derive(Debug, Default)]
struct Known {
    ids: HashMap<Kind, HashMap<String, String>>,
    // Of projects, by which files of figures name them.
    slugs: HashMap<String, String>,
}

/// What an item of the content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Champion,
    Measure,
    Project,
    Resource,
    Space,
}

impl<'a> Fill<'a> {
    /// Nothing yet.
    ///
    /// # Errors
    /// When the content names a role that there is not.
    pub fn new(
        stage: &'a Stage<'a>,
        calendar: Calendar,
        contents: &'a [SiteContent],
        progress: &'a ProgressBar,
    ) -> Result<Self> {
        let mut people = HashMap::new();
        for content in contents {
            for champion in &content.champions {
                let site = &content.site.slug;
                people.insert(name(site, &champion.key), Person::of(site, champion)?);
            }
        }
        Ok(Self {
            stage,
            calendar,
            contents,
            progress,
            people,
            known: Mutex::default(),
        })
    }

    /// Everything, in an order in which nothing is named before it exists.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn everything(&self) -> Result<()> {
        self.everywhere(async |content| {
            self.organisations(content).await?;
            self.champions(content).await?;
            self.measures(content).await?;
            self.spaces(content).await
        })
        .await?;
        self.stage.meet().await?;
        let is_national = |content: &SiteContent| content.site.slug == NATIONAL;
        self.everywhere(async |content| {
            self.projects(content).await?;
            if is_national(content) {
                self.resources(content).await?;
            }
            Ok(())
        })
        .await?;
        self.stage.meet().await?;
        // The regions build on the national library, so theirs are newer.
        self.everywhere(async |content| {
            if !is_national(content) {
                self.resources(content).await?;
            }
            self.overlays(content).await?;
            self.proposals(content).await
        })
        .await?;
        self.stage.pass_until(self.calendar.forum_opens());
        self.forum().await?;
        self.stage.pass_until(self.calendar.now());
        self.everywhere(async |content| {
            self.support_sessions(content).await?;
            self.observations(content).await?;
            self.releases(content).await
        })
        .await?;
        self.stage.meet().await
    }

    /// Does a part at all hosts at the same time, at each for one of its sites after the other.
    async fn everywhere(&self, part: impl AsyncFn(&'a SiteContent) -> Result<()>) -> Result<()> {
        let part = &part;
        let hosts = self.stage.hosts.iter().map(|host| async move {
            let kept = self.contents.iter().filter(|content| host.keeps(&content.site.slug));
            for content in kept {
                part(content).await?;
            }
            Ok::<_, Error>(())
        });
        try_join_all(hosts).await?;
        Ok(())
    }

    /// How many items there are to be told as progress.
    pub fn length(contents: &[SiteContent]) -> u64 {
        let items = contents.iter().map(|content| {
            let made = content.champions.len() + content.measures.len() + content.projects.len();
            let offered = content.resources.len() + content.overlays.len() + content.proposals.len();
            let said = content.spaces.len() + content.threads.len();
            let counted = content.support_sessions.len() + figures::count(content);
            1 + made + offered + said + counted
        });
        items.map(|items| items as u64).sum()
    }

    /// Somebody does something with an item.
    async fn does(&self, who: &Person, mutation: Mutation, item: &str, input: Value) -> Result<Value> {
        self.stage.does(who, mutation, item, input).await
    }

    /// Somebody who is named as `site/key`.
    fn person(&self, wanted: &str, item: &str) -> Result<&Person> {
        self.people.get(wanted).ok_or_else(|| unknown(item, wanted))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, kind: Kind, name: String, record: &Value) -> String {
        let id = text(&record["id"]);
        self.known().ids.entry(kind).or_default().insert(name, id.clone());
        id
    }

    fn learn_slug(&self, project: &str, record: &Value) {
        self.known().slugs.insert(project.to_owned(), text(&record["slug"]));
    }

    fn slug(&self, project: &str, item: &str) -> Result<String> {
        let found = self.known().slugs.get(project).cloned();
        found.ok_or_else(|| unknown(item, project))
    }

    fn id(&self, kind: Kind, wanted: &str, item: &str) -> Result<String> {
        let found = self.known().ids.get(&kind).and_then(|ids| ids.get(wanted).cloned());
        found.ok_or_else(|| unknown(item, wanted))
    }
}

/// How items name one another.
fn name(site: &str, key: &str) -> String {
    format!("{site}/{key}")
}

fn unknown(item: &str, wanted: &str) -> Error {
    Error::Unknown {
        item: item.to_owned(),
        wanted: wanted.to_owned(),
    }
}

/// The person who holds a role at a site.
fn at(site: &str, role: SiteRole) -> Person {
    Person::holding(site, role)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A text that says of itself when it was made up.
fn marked(text: &str, sample: bool) -> String {
    if sample && !text.starts_with("Sample") {
        format!("{}\n\nSample data.", text.trim_end())
    } else {
        text.to_owned()
    }
}

/// Tags or topics that say when something was made up.
fn tagged(tags: &[String], sample: bool) -> Vec<&str> {
    let mark = sample.then_some("sample");
    tags.iter().map(String::as_str).chain(mark).collect()
}
