//! What the applier does: a checked batch in, one transaction out.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    content::{Body, Cheap},
    world::{Database, FeedName, HUB, Host, Replicated, Row, World, root},
};
use crate::federation::{
    protocol::{
        apply::{Effect, Reason, Replica, Retried, Stored, retry},
        check::{Refusal, check},
        consumer::{Answer, Step, answered, receive},
        cursor::{State, Whole},
        directory::Standing,
        rules::{Rule, Rules},
    },
    wire::{Audience, Batch, Checkpoint, Epoch, Header, Member, Operation, Origin, Previous, Status},
};

/// How a host answers for one feed.
struct Seen<'a> {
    host: &'a Host,
    feed: FeedName,
}

impl Replica for Seen<'_> {
    fn home(&self, gid: Uuid) -> Option<Origin> {
        let own = self.host.db.records.contains_key(&gid).then_some(self.host.site);
        own.or_else(|| self.host.db.bound.get(&gid).copied())
    }

    fn stored(&self, gid: Uuid) -> Option<Stored> {
        let row = self.host.db.replicas.get(&self.feed)?.rows.get(&gid)?;
        Some(row.stored)
    }

    fn shown_elsewhere(&self, gid: Uuid) -> bool {
        let others = self
            .host
            .db
            .replicas
            .iter()
            .filter(|(name, _)| name.0 == self.feed.0 && **name != self.feed);
        let mut rows = others.filter_map(|(_, replica)| replica.rows.get(&gid));
        rows.any(Row::is_shown)
    }

    fn erased(&self, gid: Uuid) -> bool {
        self.host.ledger.contains(&(self.feed.0, gid))
    }

    fn skipped(&self) -> Vec<Uuid> {
        let replica = self.host.db.replicas.get(&self.feed);
        replica
            .map(|replica| replica.skipped.iter().copied().collect())
            .unwrap_or_default()
    }

    fn held(&self, epoch: Epoch, to: u64) -> Option<Checkpoint> {
        self.host.db.replicas.get(&self.feed)?.held.get(&(epoch, to)).cloned()
    }
}

impl World {
    /// Whose record a gid is, as this host knows it.
    pub fn home(&self, host: usize, feed: FeedName, gid: Uuid) -> Option<Origin> {
        Seen {
            host: &self.hosts[host],
            feed,
        }
        .home(gid)
    }

    /// Judges a batch and carries out what it changes. With `crash` the host dies in the middle of the transaction.
    pub fn deliver(&mut self, host: usize, batch: Batch, crash: bool) -> Result<(), Refusal> {
        let feed = (batch.origin, batch.audience);
        let now = self.now(host);
        let here = &self.hosts[host];
        let Some(standing) = here.db.standings.get(&feed.0).cloned() else {
            return Err(Refusal::Discard);
        };
        let content = here.schemas();
        let checked = check(batch, &here.reader(host), &standing, &content, &Cheap, self.rules)?;
        let cursor = here
            .db
            .replicas
            .get(&feed)
            .map(|replica| replica.cursor.clone())
            .unwrap_or_default();
        let seen = Seen { host: here, feed };
        match receive(&cursor, &standing, &checked, &content, &seen, now, self.rules) {
            Ok(mut step) => {
                if crash && self.rules.on(Rule::AtomicCursor) {
                    return Ok(());
                }
                if crash {
                    step.effects.clear();
                }
                let batch = checked.batch();
                self.accept(host, feed, batch);
                let shown = batch.checkpoint.clone();
                self.carry_out(host, feed, step);
                self.listen(host, feed, &shown);
                Ok(())
            }
            Err(refusal) => {
                if let Refusal::Fork(_) = refusal {
                    self.hosts[host].db.replicas.entry(feed).or_default().held.clear();
                }
                if matches!(refusal, Refusal::Restart(_) | Refusal::Fork(_)) {
                    self.restart(host, feed);
                }
                Err(refusal)
            }
        }
    }

    /// An answer without a batch.
    pub fn answer(&mut self, host: usize, feed: FeedName, answer: &Answer) {
        let now = self.now(host);
        let here = &self.hosts[host];
        let (Some(standing), Some(replica)) = (here.db.standings.get(&feed.0), here.db.replicas.get(&feed)) else {
            return;
        };
        let before = replica.cursor.clone();
        match answered(&before, standing, feed.1, answer, &Cheap, now, self.rules) {
            Ok(cursor) if cursor.generation > before.generation || cursor.epoch != before.epoch => {
                self.restart(host, feed);
            }
            Ok(cursor) => {
                self.hosts[host].db.replicas.get_mut(&feed).unwrap().cursor = cursor;
                if let Answer::Unchanged(checkpoint) = answer {
                    self.listen(host, feed, checkpoint);
                }
            }
            Err(Refusal::Restart(_)) => self.restart(host, feed),
            Err(_) => {}
        }
    }

    fn restart(&mut self, host: usize, feed: FeedName) {
        let rules = self.rules;
        let replica = self.hosts[host].db.replicas.entry(feed).or_default();
        replica.cursor = replica.cursor.restarted(rules);
        replica.forget();
        self.heard.remove(&(host, feed));
    }

    /// Keeps the checkpoints of a batch and notes who has signed what.
    fn accept(&mut self, host: usize, feed: FeedName, batch: &Batch) {
        let replica = self.hosts[host].db.replicas.entry(feed).or_default();
        for checkpoint in [Some(&batch.checkpoint), batch.seal.as_ref()].into_iter().flatten() {
            replica.held.insert((batch.epoch, checkpoint.to), checkpoint.clone());
            let first = *self
                .signed
                .entry((feed, batch.epoch, checkpoint.to))
                .or_insert(checkpoint.head);
            if self.no_forks && first != checkpoint.head {
                self.wrong.insert("two stories");
            }
        }
        let Checkpoint { to, head, .. } = batch.checkpoint;
        self.hosts[host].db.replicas.entry(feed).or_default().newest = Some(Previous {
            epoch: batch.epoch,
            to,
            head,
        });
    }

    /// A feed must not stay live on one word that is repeated.
    fn listen(&mut self, host: usize, feed: FeedName, checkpoint: &Checkpoint) {
        let now = self.millis;
        let heard = self.heard.entry((host, feed)).or_insert((checkpoint.at, now));
        if heard.0 < checkpoint.at {
            *heard = (checkpoint.at, now);
        }
        let heard = *heard;
        let since = heard.1;
        let local = self.now(host);
        let replica = &self.hosts[host].db.replicas[&feed];
        if replica.cursor.aged(local).state == State::Live && now - since > 61_000 {
            self.wrong.insert("stale shown as live");
        }
    }

    fn carry_out(&mut self, host: usize, feed: FeedName, step: Step) {
        for gid in &step.seen {
            self.hosts[host].db.replicas.entry(feed).or_default().seen.insert(*gid);
        }
        let generation = step.cursor.generation;
        self.hosts[host].db.replicas.entry(feed).or_default().cursor = step.cursor;
        for effect in step.effects {
            self.effect(host, feed, generation, effect);
        }
        if step.sweep {
            let Database { replicas, bound, .. } = &mut self.hosts[host].db;
            let replica = replicas.get_mut(&feed).unwrap();
            let seen = std::mem::take(&mut replica.seen);
            replica
                .rows
                .retain(|gid, row| row.stored.generation >= generation || seen.contains(gid));
            rebind(bound, replicas);
        }
    }

    fn effect(&mut self, host: usize, feed: FeedName, generation: u64, effect: Effect) {
        match effect {
            Effect::Put {
                gid,
                kind,
                pos,
                payload,
                parent,
                orphan,
                ..
            } => {
                self.judge(host, feed, gid, &kind, &payload);
                let stored = Stored {
                    generation,
                    pos,
                    op: Operation::Put,
                };
                let row = Row {
                    stored,
                    kind: kind.clone(),
                    payload: payload.clone(),
                    parent,
                    waiting: orphan,
                };
                let db = &mut self.hosts[host].db;
                let replica = db.replicas.get_mut(&feed).unwrap();
                replica.rows.insert(gid, row);
                replica.skipped.remove(&gid);
                db.bound.entry(gid).or_insert(feed.0);
                for row in db.replicas.values_mut().flat_map(|replica| replica.rows.values_mut()) {
                    row.waiting &= row.parent != Some(gid);
                }
                self.learn(host, &kind, &payload);
                if kind == "post"
                    && let Some(space) = Body::parse(&payload).and_then(|body| body.space)
                {
                    self.place(host, gid, space);
                }
                self.try_again(host, Some(gid));
            }
            Effect::Delete { gid, pos, .. } => self.tombstone(
                host,
                feed,
                gid,
                Stored {
                    generation,
                    pos,
                    op: Operation::Delete,
                },
            ),
            Effect::Erase { gid, pos } => {
                self.hosts[host].ledger.insert((feed.0, gid));
                self.purge(host, feed.0, gid);
                self.tombstone(
                    host,
                    feed,
                    gid,
                    Stored {
                        generation,
                        pos,
                        op: Operation::Erase,
                    },
                );
            }
            Effect::Skip { gid, .. } => {
                self.hosts[host].db.replicas.get_mut(&feed).unwrap().skipped.insert(gid);
            }
            Effect::Park {
                gid,
                pos,
                reason,
                entry,
            } => {
                let replica = self.hosts[host].db.replicas.get_mut(&feed).unwrap();
                replica.skipped.remove(&gid);
                replica.parked.insert(pos, (gid, reason, entry));
            }
        }
    }

    fn tombstone(&mut self, host: usize, feed: FeedName, gid: Uuid, stored: Stored) {
        let replica = self.hosts[host].db.replicas.get_mut(&feed).unwrap();
        replica.skipped.remove(&gid);
        let row = Row {
            stored,
            kind: String::new(),
            payload: String::new(),
            parent: None,
            waiting: false,
        };
        replica.rows.insert(gid, row);
    }

    /// Everything that a host holds of an erased record.
    pub fn purge(&mut self, host: usize, origin: Origin, gid: Uuid) {
        let feeds = self.hosts[host]
            .db
            .replicas
            .iter_mut()
            .filter(|(name, _)| name.0 == origin);
        for (_, replica) in feeds {
            if replica.rows.get(&gid).is_some_and(Row::is_shown) {
                let row = replica.rows.get_mut(&gid).unwrap();
                (row.stored.op, row.payload) = (Operation::Erase, String::new());
            }
            replica.parked.retain(|_, (parked, ..)| *parked != gid);
        }
    }

    /// What must never be put, judged from outside.
    fn judge(&mut self, host: usize, feed: FeedName, gid: Uuid, kind: &str, payload: &str) {
        let (origin, audience) = feed;
        let all = Rules::default();
        if !self.hosts[host].reader(host).may_read(audience, all) {
            self.wrong.insert("leaked");
        }
        if kind == "measure" && origin != self.hosts[HUB].site {
            self.wrong.insert("national type from a region");
        }
        if self.hosts[host].ledger.contains(&(origin, gid)) {
            self.wrong.insert("erased came back");
        }
        if self.owner.get(&gid).is_some_and(|owner| *owner != origin) {
            self.wrong.insert("forged");
        }
        let Some(body) = Body::parse(payload).filter(|_| kind != "member") else {
            return;
        };
        let author = body.author.and_then(|author| self.home(host, feed, author));
        if body.forged || author.is_some_and(|home| home != origin) {
            self.wrong.insert("forged");
        }
        let space = body
            .space
            .filter(|_| kind == "placement")
            .and_then(|space| self.owner.get(&space));
        if space.is_some_and(|home| *home != origin) {
            self.wrong.insert("placed in another's space");
        }
    }

    /// A directory record changes whom this host trusts. A record whose keys are not proven changes nothing.
    pub fn learn(&mut self, host: usize, kind: &str, payload: &str) -> bool {
        let Some(member) = Member::parse(payload).ok().filter(|_| kind == "member") else {
            return false;
        };
        let (rules, national) = (self.rules, self.hosts[HUB].site);
        if host == HUB || member.site == self.hosts[host].site {
            return false;
        }
        let db = &mut self.hosts[host].db;
        let keys = db
            .standings
            .get(&member.site)
            .map(|standing| standing.keys.clone())
            .unwrap_or_default();
        let Ok(learnt) = keys.learn(&member, Some(root()), &Cheap, rules) else {
            return false;
        };
        db.standings
            .insert(member.site, Standing::of(&member, national, learnt.keys));
        self.status(host, member.site, member.status);
        if learnt.roll {
            let feeds: Vec<FeedName> = self.hosts[host].db.replicas.keys().copied().collect();
            for feed in feeds.into_iter().filter(|feed| feed.0 == member.site) {
                self.restart(host, feed);
            }
        }
        true
    }

    /// Hides, shows or deletes all rows of an origin.
    pub fn status(&mut self, host: usize, site: Origin, status: Status) {
        let rules = self.rules;
        let feeds = self.hosts[host]
            .db
            .replicas
            .iter_mut()
            .filter(|(name, _)| name.0 == site);
        for (_, replica) in feeds {
            let (cursor, whole) = replica.cursor.judged(status, rules);
            replica.cursor = cursor;
            match whole {
                Some(Whole::Hide) => replica.hidden = true,
                Some(Whole::Show) => replica.hidden = false,
                Some(Whole::Purge) => {
                    replica.rows.clear();
                    replica.forget();
                }
                None => {}
            }
        }
    }

    /// Parked entries again: those that wait for a record that has come, or all after an upgrade.
    pub fn try_again(&mut self, host: usize, came: Option<Uuid>) {
        let waits =
            |reason: &Reason| came.is_none() || matches!(reason, Reason::SpaceUnknown(space) if Some(*space) == came);
        let feeds: Vec<(Origin, Audience)> = self.hosts[host].db.replicas.keys().copied().collect();
        for feed in feeds {
            let Replicated { parked, cursor, .. } = &self.hosts[host].db.replicas[&feed];
            let due: Vec<_> = parked.iter().filter(|(_, (_, reason, _))| waits(reason)).collect();
            let due: Vec<_> = due
                .into_iter()
                .map(|(pos, (_, _, entry))| (*pos, entry.clone()))
                .collect();
            let generation = cursor.generation;
            for (pos, entry) in due {
                let here = &self.hosts[host];
                let standing = &here.db.standings[&feed.0];
                let seen = Seen { host: here, feed };
                let content = here.schemas();
                let retried = retry(&entry, feed.1, generation, standing, &content, &seen, self.rules).unwrap();
                if retried != Retried::Waits(self.hosts[host].db.replicas[&feed].parked[&pos].1.clone()) {
                    self.hosts[host].db.replicas.get_mut(&feed).unwrap().parked.remove(&pos);
                }
                match retried {
                    Retried::Applies(effect) => self.effect(host, feed, generation, effect),
                    Retried::Waits(reason) => {
                        let gid = Header::parse(&entry.header).unwrap().gid;
                        let replica = self.hosts[host].db.replicas.get_mut(&feed).unwrap();
                        replica.parked.insert(pos, (gid, reason, entry));
                    }
                    Retried::Superseded => {}
                }
            }
        }
    }
}

impl Replicated {
    /// What starting over forgets.
    fn forget(&mut self) {
        self.seen.clear();
        self.skipped.clear();
        self.parked.clear();
    }
}

/// A record whose last row went with a sweep is bound to nobody.
fn rebind(bound: &mut BTreeMap<Uuid, Origin>, replicas: &BTreeMap<FeedName, Replicated>) {
    let left: BTreeSet<(Origin, Uuid)> = replicas
        .iter()
        .flat_map(|(feed, replica)| replica.rows.keys().map(|gid| (feed.0, *gid)))
        .collect();
    bound.retain(|gid, origin| left.contains(&(*origin, *gid)));
}
