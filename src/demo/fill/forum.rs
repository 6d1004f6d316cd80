//! Spaces with their members, and what people ask and answer in them.

use chrono::TimeDelta;
use entity::SiteRole::Moderator;
use serde_json::{Value, json};

use super::{Fill, Kind, at, name, tagged};
use crate::demo::{
    content::{SiteContent, Thread},
    error::Result,
    stage::Mutation,
};

const CREATE: Mutation = Mutation::new("spaceCreate", "SpaceCreateInput", "space { id version }");
const ADD_MEMBER: Mutation = Mutation::new("spaceAddMember", "SpaceAddMemberInput", "space { id version }");
const START: Mutation = Mutation::new("threadStart", "ThreadStartInput", "thread { id version }");
const POST: Mutation = Mutation::new("postCreate", "PostCreateInput", "post { id version }");
const ACCEPT: Mutation = Mutation::new("threadAccept", "ThreadAcceptInput", "thread { id version }");

/// How long people take to answer.
const ANSWER: TimeDelta = TimeDelta::minutes(97);
/// How long it is quiet before somebody asks anew.
const QUIET: TimeDelta = TimeDelta::hours(21);

impl Fill<'_> {
    /// The spaces of a site.
    pub(super) async fn spaces(&mut self, content: &SiteContent) -> Result<()> {
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

    /// The threads of all sites: by turns, so that the newest are not all of one site.
    pub(super) async fn threads(&self) -> Result<()> {
        let most = self.contents.iter().map(|content| content.threads.len()).max();
        for turn in 0..most.unwrap_or_default() {
            for thread in self.contents.iter().filter_map(|content| content.threads.get(turn)) {
                self.thread(thread).await?;
                self.stage.pass(QUIET);
                self.progress.inc(1);
            }
        }
        Ok(())
    }

    async fn thread(&self, thread: &Thread) -> Result<()> {
        let item = format!("{}: {}", thread.space, thread.title);
        let author = self.person(&thread.author, &item)?;
        let started = self.does(author, START, &item, self.opening(thread, &item)?).await?;
        let mut answer = None;
        for post in &thread.posts {
            self.stage.pass(ANSWER);
            let writer = self.person(&post.author, &item)?;
            let input = json!({ "thread": started["id"], "body": post.body });
            let record = self.does(writer, POST, &item, input).await?;
            if post.answer {
                answer = Some(record);
            }
        }
        if let Some(answer) = answer {
            self.stage.pass(ANSWER);
            let input = json!({ "id": started["id"], "post": answer["id"] });
            self.does(author, ACCEPT, &item, input).await?;
        }
        Ok(())
    }

    fn opening(&self, thread: &Thread, item: &str) -> Result<Value> {
        let home = thread.author.split('/').next().unwrap_or_default();
        let project = thread.project.as_ref();
        let project = project.map(|key| self.id(Kind::Project, &name(home, key), item));
        Ok(json!({
            "space": self.id(Kind::Space, &thread.space, item)?,
            "title": thread.title,
            "body": thread.body,
            "tags": tagged(&thread.tags, thread.sample),
            "project": project.transpose()?,
        }))
    }
}
