//! Wires: a site appends at the hub, hosts pull from it, and what a bad hub does on the way.

use chrono::{DateTime, Utc};

use super::{
    content::Cheap,
    faults::Tamper,
    world::{FeedName, HOSTS, HUB, Host, OwnFeed, Relayed, World},
};
use crate::federation::{
    protocol::{
        check::{Refusal, check_append},
        consumer::Answer,
        directory::opened,
        epoch::{Continue, Witness, resume, start},
        relay::{Asked, Held, Reply, Taken, answer, append, cut, vouchers},
    },
    wire::{
        Audience, Batch, Checkpoint, Entry, Epoch, Head, Origin, PublicKey, Signature, checkpoint_message, first_head,
    },
};

impl World {
    /// A site sends the hub what it has not got. A site that has fallen out with the hub opens a new epoch.
    pub fn push(&mut self, host: usize) -> bool {
        let mut moved = false;
        if host == HUB || self.hosts[host].holding {
            return moved;
        }
        self.recall(host);
        let audiences: Vec<Audience> = self.hosts[host].db.feeds.keys().copied().collect();
        for audience in audiences {
            for _ in 0..6 {
                let Some(batch) = self.next_append(host, audience) else {
                    break;
                };
                let done = batch.entries.is_empty();
                moved |= !done;
                let answered = self.append_at_hub(batch.clone());
                match answered {
                    Ok(Taken::Stored { held, .. }) => {
                        self.hosts[host].db.feeds.get_mut(&audience).unwrap().next = held.to + 1;
                        if done {
                            break;
                        }
                    }
                    Ok(Taken::Conflict(held)) => {
                        let own = &self.hosts[host].db.feeds[&audience];
                        match resume(&own.feed, |pos| own.head_at(pos), held) {
                            Continue::From(next) => self.hosts[host].db.feeds.get_mut(&audience).unwrap().next = next,
                            Continue::NewEpoch { previous } => self.open_epoch(host, audience, Some(previous)),
                            Continue::Hold => break,
                        }
                    }
                    Err(Refusal::UntrustedKey { .. }) => self.send_keys(host),
                    Err(_) => break,
                }
            }
        }
        moved
    }

    /// `hello`: the hub holds feeds that a restored site has forgotten. They are opened anew.
    fn recall(&mut self, host: usize) {
        let relays = self.hosts[HUB]
            .db
            .relay
            .iter()
            .filter(|(name, _)| name.0 == self.site(host));
        let held: Vec<_> = relays.map(|(name, relay)| (name.1, relay.held.ended())).collect();
        for (audience, ended) in held {
            if !self.hosts[host].db.feeds.contains_key(&audience) {
                self.open_epoch(host, audience, Some(ended));
            }
        }
    }

    /// The next batch of an own feed; only a fresh checkpoint when everything was sent.
    fn next_append(&mut self, host: usize, audience: Audience) -> Option<Batch> {
        let limit = 1 + self.chance.below(6);
        let own = &self.hosts[host].db.feeds[&audience];
        let next = own.next.min(own.feed.pos + 1);
        self.own_batch(host, audience, next - 1, limit)
    }

    /// A batch of an own feed, sealed where it ends.
    fn own_batch(&self, host: usize, audience: Audience, after: u64, limit: usize) -> Option<Batch> {
        let here = &self.hosts[host];
        let own = here.db.feeds.get(&audience)?;
        let behind = &own.written[usize::try_from(after).unwrap()..];
        let sizes: Vec<usize> = behind.iter().map(|written| written.entry.size()).collect();
        let to = cut(after, &sizes, None, limit).unwrap_or(after);
        let name = (here.site, audience);
        let at = self.now(host);
        let sign = |to, head| signed(here, name, own, to, head, at);
        let head = |pos: u64| {
            own.head_at(pos)
                .unwrap_or_else(|| first_head(here.site, audience, own.feed.epoch))
        };
        let ahead = to < own.feed.pos;
        Some(Batch {
            origin: here.site,
            audience,
            epoch: own.feed.epoch,
            from: after + 1,
            to,
            prev: head(after),
            entries: behind[..usize::try_from(to - after).unwrap()]
                .iter()
                .map(|written| written.entry.clone())
                .collect(),
            checkpoint: sign(own.feed.pos, own.feed.head),
            seal: ahead.then(|| sign(to, head(to))),
        })
    }

    /// The hub judges an append and stores it byte for byte.
    pub fn append_at_hub(&mut self, batch: Batch) -> Result<Taken, Refusal> {
        let name = (batch.origin, batch.audience);
        let hub = &self.hosts[HUB];
        let standing = hub.db.standings.get(&batch.origin).ok_or(Refusal::Discard)?;
        let checked = check_append(batch, standing, &Cheap, self.rules)?;
        let held = hub.db.relay.get(&name).map(|relay| relay.held);
        let home = |gid| {
            let own = hub.db.records.contains_key(&gid).then_some(hub.site);
            let other = hub
                .db
                .relay
                .iter()
                .find(|(name, relay)| name.0 != checked.batch().origin && relay.gids.contains(&gid));
            own.or(other.map(|(name, _)| name.0))
        };
        let taken = append(held.as_ref(), &checked, home, self.rules)?;
        if let Taken::Stored {
            held,
            opened: new,
            superseded,
        } = &taken
        {
            let batch = checked.batch();
            if *new {
                self.hosts[HUB].db.relay.insert(name, Relayed::new(*held));
                let member = self.hosts[HUB].db.members[&batch.origin].clone();
                let member = opened(&member, &batch.checkpoint.kid, batch.audience, batch.epoch).unwrap();
                self.enrol(member);
            }
            let relay = self.hosts[HUB].db.relay.get_mut(&name).unwrap();
            relay.held = *held;
            for (sent, entry) in batch.entries.iter().zip(checked.entries()) {
                relay.entries.push(sent.clone());
                relay.gids.push(entry.header.gid);
                relay.heads.push(entry.head);
            }
            for (gid, newest) in superseded {
                for (pos, entry) in (1..*newest).zip(&mut relay.entries) {
                    if relay.gids[usize::try_from(pos - 1).unwrap()] == *gid {
                        (entry.payload, entry.salt) = (None, None);
                    }
                }
            }
            relay.checkpoints.push(batch.checkpoint.clone());
            relay.checkpoints.extend(batch.seal.clone());
        }
        Ok(taken)
    }

    /// A host asks for more of a feed.
    pub fn pull(&mut self, host: usize, feed: FeedName, tamper: Tamper, crash: bool) -> bool {
        let reader = self.hosts[host].reader(host);
        if feed.0 == self.hosts[host].site || !reader.may_read(feed.1, self.rules) {
            return false;
        }
        let cursor = self.hosts[host]
            .db
            .replicas
            .get(&feed)
            .map(|replica| replica.cursor.clone())
            .unwrap_or_default();
        let asked = Asked {
            epoch: cursor.epoch,
            after: cursor.pos,
            head: cursor.epoch.map(|_| cursor.head),
        };
        let source = feed.0 == self.hosts[HUB].site;
        if source && !self.hosts[HUB].holding && !self.hosts[HUB].db.feeds.contains_key(&feed.1) {
            self.open_epoch(HUB, feed.1, None);
        }
        let Some(held) = self.held_at_hub(feed) else {
            return false;
        };
        match answer(&held, source, &asked, |pos| self.head_at_hub(feed, pos), self.rules) {
            Reply::Diverged => self.answer(host, feed, &Answer::Diverged),
            Reply::Unchanged => {
                if let Some(checkpoint) = self.newest_at_hub(feed, tamper) {
                    self.answer(host, feed, &Answer::Unchanged(checkpoint));
                }
                return false;
            }
            Reply::Entries { after } => {
                let Some(mut batch) = self.batch_at_hub(feed, after) else {
                    return false;
                };
                if tamper == Tamper::None {
                    let sent = self.sent.entry((host, feed)).or_default();
                    sent.push(batch.clone());
                    if sent.len() > 5 {
                        sent.remove(0);
                    }
                } else {
                    self.tamper(host, &mut batch, tamper);
                }
                let done = self.deliver(host, batch, crash);
                return matches!(done, Ok(()) | Err(Refusal::Restart(_) | Refusal::Fork(_)));
            }
        }
        true
    }

    fn held_at_hub(&self, feed: FeedName) -> Option<Held> {
        let hub = &self.hosts[HUB];
        if feed.0 != hub.site {
            return hub.db.relay.get(&feed).map(|relay| relay.held);
        }
        let end = hub.db.feeds.get(&feed.1).filter(|_| !hub.holding)?.feed;
        Some(Held {
            epoch: end.epoch,
            to: end.pos,
            head: end.head,
        })
    }

    pub fn head_at_hub(&self, feed: FeedName, pos: u64) -> Option<Head> {
        let hub = &self.hosts[HUB];
        if feed.0 == hub.site {
            return hub.db.feeds.get(&feed.1)?.head_at(pos);
        }
        let index = usize::try_from(pos.checked_sub(1)?).ok()?;
        hub.db.relay.get(&feed)?.heads.get(index).copied()
    }

    /// The newest word about a feed at rest. A frozen hub repeats an old one.
    fn newest_at_hub(&self, feed: FeedName, tamper: Tamper) -> Option<Checkpoint> {
        let hub = &self.hosts[HUB];
        if feed.0 == hub.site {
            let own = hub.db.feeds.get(&feed.1)?;
            return Some(signed(hub, feed, own, own.feed.pos, own.feed.head, self.now(HUB)));
        }
        let relay = hub.db.relay.get(&feed)?;
        let mut at_rest = relay
            .checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.to == relay.held.to);
        if tamper == Tamper::Freeze {
            at_rest.next().cloned()
        } else {
            at_rest.max_by_key(|checkpoint| checkpoint.at).cloned()
        }
    }

    fn batch_at_hub(&mut self, feed: FeedName, after: u64) -> Option<Batch> {
        let limit = 1 + self.chance.below(6);
        if feed.0 == self.hosts[HUB].site {
            return self.own_batch(HUB, feed.1, after, limit);
        }
        let relay = self.hosts[HUB].db.relay.get(&feed)?;
        let behind: &[Entry] = &relay.entries[usize::try_from(after).unwrap()..];
        let sizes: Vec<usize> = behind.iter().map(Entry::size).collect();
        let seals: Vec<u64> = relay.checkpoints.iter().map(|checkpoint| checkpoint.to).collect();
        let to = cut(after, &sizes, Some(&seals), limit)?;
        let (checkpoint, seal) = vouchers(&relay.checkpoints, to)?;
        let first = first_head(feed.0, feed.1, relay.held.epoch);
        Some(Batch {
            origin: feed.0,
            audience: feed.1,
            epoch: relay.held.epoch,
            from: after + 1,
            to,
            prev: self.head_at_hub(feed, after).unwrap_or(first),
            entries: behind[..usize::try_from(to - after).unwrap()].to_vec(),
            checkpoint,
            seal,
        })
    }

    /// A host that came up after an unclean stop asks who has read its feeds: the hub, or for the hub all peers.
    pub fn ask_witness(&mut self, host: usize, reachable: bool) {
        let audiences: Vec<Audience> = self.hosts[host].db.feeds.keys().copied().collect();
        let mut holding = false;
        for audience in audiences {
            let name = (self.hosts[host].site, audience);
            let witnesses = self.witnesses(host, name, reachable);
            let own = &self.hosts[host].db.feeds[&audience];
            match start(
                &own.feed,
                &own.earlier,
                |pos| own.head_at(pos),
                &witnesses,
                false,
                self.rules,
            ) {
                Continue::From(_) => {}
                Continue::NewEpoch { previous } => self.open_epoch(host, audience, Some(previous)),
                Continue::Hold => holding = true,
            }
        }
        self.hosts[host].holding = holding;
    }

    fn witnesses(&self, host: usize, name: (Origin, Audience), reachable: bool) -> Vec<Witness> {
        if !reachable {
            return vec![Witness::Silent];
        }
        if host != HUB {
            let held = self.hosts[HUB].db.relay.get(&name).map(|relay| relay.held.ended());
            return vec![held.map_or(Witness::Nothing, Witness::Holds)];
        }
        (1..HOSTS)
            .map(|peer| {
                let replica = self.hosts[peer].db.replicas.get(&name);
                replica
                    .and_then(|replica| replica.newest)
                    .map_or(Witness::Nothing, Witness::Holds)
            })
            .collect()
    }
}

impl Relayed {
    fn new(held: Held) -> Self {
        Self {
            held,
            entries: Vec::new(),
            gids: Vec::new(),
            heads: Vec::new(),
            checkpoints: Vec::new(),
        }
    }
}

/// A checkpoint of an own feed, signed with the site's present key.
fn signed(host: &Host, name: FeedName, own: &OwnFeed, to: u64, head: Head, at: DateTime<Utc>) -> Checkpoint {
    let (kid, key) = host.key();
    sign_with(name, own.feed.epoch, kid, key, (to, head), at)
}

/// A checkpoint signed with any key.
pub fn sign_with(
    name: FeedName,
    epoch: Epoch,
    kid: String,
    key: PublicKey,
    (to, head): (u64, Head),
    at: DateTime<Utc>,
) -> Checkpoint {
    let mut checkpoint = Checkpoint {
        to,
        head,
        at,
        kid,
        sig: Signature([0; 64]),
    };
    checkpoint.sig = Cheap::sign(key, &checkpoint_message(name.0, name.1, epoch, &checkpoint));
    checkpoint
}
