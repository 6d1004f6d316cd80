//! Subscriptions: what is told to those who follow what changes.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription};
use entity::{Kind, ThreadId, ids, thread};
use futures_util::{Stream, TryStreamExt, future::ready, stream};

use crate::{
    app::App,
    changes::{self, Cursor, FOLLOWED, Filter, Follower, Line, Start, Told, judge},
    error::{Error, Result},
    forum::graphql::Post,
    graphql::{
        Asker, Asking, Prover,
        enums::RecordKind,
        ids::argument_id,
        record::{Node, of_kind},
    },
    read, sites,
};

/// What changed about a record, as far as you can see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ChangeKind {
    /// You can read it now and could not before: it is new, or it was shared with you. Add it to your list.
    Created,
    /// It changed, and you could read it before. Replace what you hold of it by `node`.
    Updated,
    /// You could read it before and cannot now: it was deleted, withdrawn or hidden, or is shared with fewer people. Take it
    /// off your screen. Who could not read it is not told. When you yourself lose a right, or leave a closed space, no event
    /// says so: you are told nothing more.
    Removed,
}

impl From<Told> for ChangeKind {
    fn from(told: Told) -> Self {
        match told {
            Told::Created => Self::Created,
            Told::Updated => Self::Updated,
            Told::Removed => Self::Removed,
        }
    }
}

/// A post that has become visible in the thread that you follow.
#[derive(Debug, SimpleObject)]
pub struct PostEvent {
    /// The place of this event. Keep the last one that you handled, and send it as `after` when you subscribe again: you get
    /// everything that came since, without a gap or repeat.
    cursor: String,
    /// The post, as it is when the event reaches you.
    post: Post,
}

/// A record that changed.
#[derive(Debug, SimpleObject)]
pub struct ChangeEvent {
    /// The place of this event. Keep the last one that you handled, and send it as `after` when you subscribe again: you get
    /// everything that came since, without a gap or repeat.
    cursor: String,
    /// What kind of record it is.
    kind: RecordKind,
    /// The record's id.
    id: ID,
    /// What changed about it, as far as you can see it.
    change: ChangeKind,
    /// The record, as it is when the event reaches you, which may be newer than the change; null when it is `REMOVED`.
    node: Option<Node>,
}

/// What can be followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subscription;

/// What can be followed: over a WebSocket at `/graphql/ws` (`graphql-transport-ws`), or as server-sent events from
/// `/graphql/stream` (graphql-sse). What you may read is looked at anew for every event, and a subscription ends when your token
/// expires.
///
/// To miss nothing, subscribe first and fetch your lists then. When the connection breaks, subscribe again with the last
/// `cursor` as `after`. A cursor is good for as long as this host keeps changes, seven days unless its operator chose otherwise;
/// an older one is refused with `INVALID_ARGUMENT` at `after`: fetch your lists anew then, and subscribe without it.
#[Subscription]
impl Subscription {
    /// Posts that become visible in a thread, wherever in the network they were written, in the order of the thread: new ones,
    /// and those that a moderator shows again. Edits and removals are told by `changed`. A thread that you cannot read is
    /// `NOT_FOUND`.
    async fn post_added(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The thread to follow.")] thread: ID,
        #[graphql(
            desc = "The `cursor` of the last event that you have; without it you are told what comes from now on."
        )]
        after: Option<String>,
    ) -> impl Stream<Item = Result<PostEvent>> + use<> {
        let watch = async {
            let id: ThreadId = argument_id("thread", &thread)?;
            read::get::<thread::Entity>(ctx.app().reader(), ctx.caller(), id).await?;
            let filter = Filter {
                kinds: Some(vec![Kind::Post]),
                thread: Some(id),
                ..Filter::default()
            };
            Watch::begin(ctx, after.as_deref(), filter).await
        };
        told(watch.await).try_filter_map(|found| ready(Ok(found.post())))
    }

    /// Whatever you may read and that changes, on this host or in what it holds of others. Filter by kind and site, so that
    /// you get no more than you show. When a site is suspended or leaves the network, its records vanish with the one event
    /// that the site has changed: fetch your lists anew then.
    async fn changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Only records of these kinds; all of them without it: `SITE`, `PROJECT`, `CHAMPION`, `RESOURCE`, `OVERLAY`, \
                    `PROPOSAL`, `SPACE`, `THREAD`, `POST`, `MEASURE` and `RELEASE`. Other kinds are not followed and refused."
        )]
        kinds: Option<Vec<RecordKind>>,
        #[graphql(desc = "Only records whose home is the site with this slug.")] site: Option<String>,
        #[graphql(
            desc = "The `cursor` of the last event that you have; without it you are told what comes from now on."
        )]
        after: Option<String>,
    ) -> impl Stream<Item = Result<ChangeEvent>> + use<> {
        let watch = async {
            let site = match &site {
                Some(slug) => Some(sites::ops::named(ctx.app().reader(), slug).await?.id),
                None => None,
            };
            let filter = Filter {
                kinds: kinds.map(followed).transpose()?,
                site,
                ..Filter::default()
            };
            Watch::begin(ctx, after.as_deref(), filter).await
        };
        told(watch.await).map_ok(Found::change)
    }
}

/// The stored kinds that somebody asks for.
fn followed(kinds: Vec<RecordKind>) -> Result<Vec<Kind>> {
    if kinds.is_empty() {
        return Err(Error::argument("kinds", "Name at least one kind, or leave this out."));
    }
    let stored = |kind: RecordKind| {
        let found = FOLLOWED
            .into_iter()
            .find(|followed| RecordKind::from(*followed) == kind);
        found.ok_or_else(|| Error::argument("kinds", "Records of one of these kinds are not followed."))
    };
    kinds.into_iter().map(stored).collect()
}

/// An event for one caller.
struct Found {
    cursor: String,
    line: Line,
    told: Told,
    node: Option<Node>,
}

/// Somebody who follows, with the proof of who they are.
struct Watch {
    app: Arc<App>,
    asker: Arc<Asker>,
    prover: Option<Arc<Prover<Asker>>>,
    history: Arc<str>,
    follower: Follower,
}

impl Watch {
    /// Follows from a cursor on, or from when the transport was asked: what was committed after that is told.
    async fn begin(ctx: &Context<'_>, after: Option<&str>, filter: Filter) -> Result<Self> {
        let app = Arc::clone(ctx.data_unchecked::<Arc<App>>());
        let start = match (after, ctx.data_opt::<Start>()) {
            (Some(after), _) => changes::resume(app.reader(), after).await?,
            (None, Some(start)) => start.clone(),
            (None, None) => changes::start(app.reader()).await?,
        };
        let follower = app
            .followers
            .follow(app.reader(), app.signals.changes(), &start, filter);
        Ok(Self {
            asker: Arc::clone(ctx.data_unchecked::<Arc<Asker>>()),
            prover: ctx.data_opt::<Arc<Prover<Asker>>>().cloned(),
            history: start.history,
            follower,
            app,
        })
    }

    /// The next line that says something to the caller, as what they are by then.
    async fn next(&mut self) -> Result<Found> {
        loop {
            let line = self.follower.next().await?;
            if let Some(prover) = &self.prover {
                self.asker = prover.renew().await?;
            }
            let (app, caller) = (&*self.app, self.asker.caller());
            let Some(told) = judge(app.reader(), caller, &line).await? else {
                continue;
            };
            let node = match told {
                Told::Removed => None,
                // What has become unreadable since, a later line tells.
                Told::Created | Told::Updated => {
                    match of_kind(app, caller, line.kind, &[line.record_id]).await?.pop() {
                        Some((_, node)) => Some(node),
                        None => continue,
                    }
                }
            };
            let cursor = Cursor::of(&self.history, &line).to_string();
            return Ok(Found {
                cursor,
                line,
                told,
                node,
            });
        }
    }
}

/// A stream of what is told, one after the other, that ends with the first error. An error of the beginning is in it, so that it
/// is shown like all others.
fn told(watch: Result<Watch>) -> impl Stream<Item = Result<Found>> + Send + use<> {
    let next = |mut watch: Watch| async move {
        let found = watch.next().await?;
        Ok::<_, Error>(Some((found, watch)))
    };
    let watch = stream::once(ready(watch));
    watch.map_ok(move |watch| stream::try_unfold(watch, next)).try_flatten()
}

impl Found {
    fn change(self) -> ChangeEvent {
        ChangeEvent {
            cursor: self.cursor,
            kind: self.line.kind.into(),
            id: ids::print(self.line.kind, self.line.record_id).into(),
            change: self.told.into(),
            node: self.node,
        }
    }

    /// The post, when it has become visible.
    fn post(self) -> Option<PostEvent> {
        match (self.told, self.node) {
            (Told::Created, Some(Node::Post(post))) => Some(PostEvent {
                cursor: self.cursor,
                post,
            }),
            _ => None,
        }
    }
}
