//! Spaces with their members, and what people ask and answer in them.

use chrono::TimeDelta;
use entity::SiteRole::Moderator;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::{Fill, Kind, at, name, tagged};
use crate::demo::{
    content::{SiteContent, Thread},
    error::{Error, Result},
    stage::Mutation,
    tokens::Person,
};

const CREATE: Mutation = Mutation::new("spaceCreate", "SpaceCreateInput", "space { id version }");
const ADD_MEMBER: Mutation = Mutation::new("spaceAddMember", "SpaceAddMemberInput", "space { id version }");
const START: Mutation = Mutation::new("threadStart", "ThreadStartInput", "thread { id version }");
const POST: Mutation = Mutation::new("postCreate", "PostCreateInput", "post { id version }");
const ACCEPT: Mutation = Mutation::new("threadAccept", "ThreadAcceptInput", "thread { id version }");

/// How long it is quiet before somebody writes anew.
const QUIET: TimeDelta = TimeDelta::hours(7);

/// What happens in a round.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A thread is started.
    Ask,
    /// This post of a thread is written.
    Answer(usize),
    /// The post that helped, which all have before them by now, is marked.
    Accept,
}

/// A thread as far as it has come.
#[derive(Debug)]
struct Talk<'a> {
    thread: &'a Thread,
    item: String,
    id: Value,
    answer: Option<Value>,
}

impl<'a> Talk<'a> {
    fn new(thread: &'a Thread) -> Self {
        Self {
            thread,
            item: format!("{}: {}", thread.space, thread.title),
            id: Value::Null,
            answer: None,
        }
    }

    /// What a round brings to it.
    fn turns(&self, round: usize) -> Vec<Turn> {
        let posts = &self.thread.posts;
        let helped = |number: &usize| posts.get(*number).is_some_and(|post| post.answer);
        let Some(next) = round.checked_sub(1) else {
            return vec![Turn::Ask];
        };
        let marked = next.checked_sub(1).filter(helped).map(|_| Turn::Accept);
        let written = posts.get(next).map(|_| Turn::Answer(next));
        marked.into_iter().chain(written).collect()
    }

    fn goes_on(&mut self, turn: Turn, record: &Value) {
        match turn {
            Turn::Ask => self.id = record["id"].clone(),
            Turn::Answer(number) if self.thread.posts[number].answer => self.answer = Some(record["id"].clone()),
            Turn::Answer(_) | Turn::Accept => {}
        }
    }
}

impl<'a> Fill<'a> {
    /// The spaces of a site.
    pub(super) async fn spaces(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        let moderator = at(site, Moderator);
        for space in &content.spaces {
            let item = name(site, &space.key);
            let input = json!({
                "site": site,
                "name": space.name,
                "about": space.about,
                "access": space.access,
                "visibility": space.visibility,
            });
            let mut record = self.does(&moderator, CREATE, &item, input).await?;
            for member in &space.members {
                let champion = self.id(Kind::Champion, &name(site, member), &item)?;
                let input = json!({ "id": record["id"], "version": record["version"], "champion": champion });
                record = self.does(&moderator, ADD_MEMBER, &item, input).await?;
            }
            self.learn(Kind::Space, item, &record);
            self.progress.inc(1);
        }
        Ok(())
    }

    /// The threads of all sites: first everybody asks, then everybody answers, as often as the longest thread wants it. So
    /// each has before them what the others wrote at hosts of their own.
    pub(super) async fn forum(&self) -> Result<()> {
        let mut talks: Vec<_> = self.by_turns().map(Talk::new).collect();
        let most = talks.iter().map(|talk| talk.thread.posts.len()).max();
        for round in 0..most.unwrap_or_default() + 2 {
            self.stage.meet().await?;
            self.round(&mut talks, round).await?;
        }
        Ok(())
    }

    /// By turns of the sites, so that the newest are not all of one.
    fn by_turns(&self) -> impl Iterator<Item = &'a Thread> {
        let contents = self.contents;
        let most = contents.iter().map(|content| content.threads.len()).max();
        (0..most.unwrap_or_default())
            .flat_map(move |turn| contents.iter().filter_map(move |content| content.threads.get(turn)))
    }

    /// What a round brings to every thread, one after the other in the story's time, and each at its writer's host.
    async fn round(&self, talks: &mut [Talk<'_>], round: usize) -> Result<()> {
        let begins = self.stage.now();
        let mut acts = Vec::new();
        for (number, talk) in talks.iter().enumerate() {
            for turn in talk.turns(round) {
                let at = begins + QUIET * i32::try_from(acts.len() + 1).unwrap_or(i32::MAX);
                acts.push((number, turn, self.whose(talk, turn)?, at));
            }
        }
        let (acts, written) = (&acts, &*talks);
        let hosts = self.stage.hosts.iter().map(|host| async move {
            let mut made = Vec::new();
            for (number, turn, who, at) in acts.iter().filter(|(.., who, _)| host.keeps(&who.site)) {
                host.pass_until(*at);
                made.push((*number, *turn, self.act(&written[*number], *turn, who).await?));
            }
            Ok::<_, Error>(made)
        });
        for (number, turn, record) in try_join_all(hosts).await?.into_iter().flatten() {
            talks[number].goes_on(turn, &record);
        }
        Ok(())
    }

    /// Whose turn it is in a thread.
    fn whose(&self, talk: &Talk<'_>, turn: Turn) -> Result<Person> {
        let (thread, item) = (talk.thread, &talk.item);
        let author = self.person(&thread.author, item)?;
        let space = site_of(&thread.space);
        Ok(match turn {
            Turn::Ask => author.clone(),
            Turn::Answer(number) => self.person(&thread.posts[number].author, item)?.clone(),
            Turn::Accept if self.stage.host_of(space)?.keeps(&author.site) => author.clone(),
            // The home of the space marks the answer: for authors of other hosts its moderator does.
            Turn::Accept => at(space, Moderator),
        })
    }

    async fn act(&self, talk: &Talk<'_>, turn: Turn, who: &Person) -> Result<Value> {
        let (thread, item) = (talk.thread, &talk.item);
        match turn {
            Turn::Ask => {
                let started = self.does(who, START, item, self.opening(thread, item)?).await?;
                self.progress.inc(1);
                Ok(started)
            }
            Turn::Answer(number) => {
                let input = json!({ "thread": talk.id, "body": thread.posts[number].body });
                self.does(who, POST, item, input).await
            }
            Turn::Accept => {
                let input = json!({ "id": talk.id, "post": talk.answer });
                self.does(who, ACCEPT, item, input).await
            }
        }
    }

    fn opening(&self, thread: &Thread, item: &str) -> Result<Value> {
        let project = thread.project.as_ref();
        let project = project.map(|key| self.id(Kind::Project, &name(site_of(&thread.author), key), item));
        Ok(json!({
            "space": self.id(Kind::Space, &thread.space, item)?,
            "title": thread.title,
            "body": thread.body,
            "tags": tagged(&thread.tags, thread.sample),
            "project": project.transpose()?,
        }))
    }
}

/// The site of something that is named as `site/key`.
fn site_of(named: &str) -> &str {
    named.split('/').next().unwrap_or_default()
}
