//! The end of a run: everything heals, and then every host is compared with what the sites share.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    content::Body,
    faults::Tamper,
    world::{FeedName, HOSTS, HUB, Row, World},
};
use crate::federation::{
    protocol::{placement::counts, rules::Rules},
    wire::{Header, Status},
};

/// How many rounds of reading everything a network may need to come to rest.
const MOST_ROUNDS: usize = 30;

impl World {
    /// Heals everything, reads until nothing moves, and says what is wrong.
    pub fn settle(&mut self) -> BTreeSet<&'static str> {
        for host in 0..HOSTS {
            self.hosts[host].upgraded = true;
            if self.hosts[host].holding {
                self.ask_witness(host, true);
            }
        }
        for region in 1..HOSTS {
            self.suspend(region, Status::Active);
            self.send_keys(region);
        }
        let mut rounds = 0;
        while self.round() {
            rounds += 1;
            if rounds > MOST_ROUNDS {
                self.wrong.insert("never at rest");
                break;
            }
        }
        for host in 0..HOSTS {
            self.try_again(host, None);
            self.compare(host);
        }
        self.gapless();
        self.places();
        std::mem::take(&mut self.wrong)
    }

    /// Everybody does everything once; tells whether anything moved.
    fn round(&mut self) -> bool {
        let mut moved = false;
        for host in 0..HOSTS {
            moved |= !self.hosts[host].db.outbox.is_empty();
            self.sequence(host);
            moved |= self.push(host);
        }
        for host in 0..HOSTS {
            for feed in self.feeds() {
                for _ in 0..40 {
                    self.millis += 1;
                    if !self.pull(host, feed, Tamper::None, false) {
                        break;
                    }
                    moved = true;
                }
            }
        }
        self.millis += 1_000;
        moved
    }

    /// A replica is what the site shares with this host: no less, no more (I3, I4).
    fn compare(&mut self, host: usize) {
        let reader = self.hosts[host].reader(host);
        let mut wrong = BTreeSet::new();
        let mut names: BTreeSet<FeedName> = self.feeds().into_iter().collect();
        names.extend(self.hosts[host].db.replicas.keys().copied());
        for (origin, audience) in names {
            if origin == self.hosts[host].site {
                continue;
            }
            let records = self.hosts[self.index(origin)].db.records.iter();
            let shared = records.filter(|(_, record)| !record.erased && record.audiences.contains(&audience));
            let shared: BTreeMap<Uuid, &str> = shared.map(|(gid, record)| (*gid, record.payload.as_str())).collect();
            let replica = self.hosts[host].db.replicas.get(&(origin, audience));
            let rows = replica
                .into_iter()
                .flat_map(|replica| &replica.rows)
                .filter(|(_, row)| row.is_shown());
            let rows: BTreeMap<Uuid, &str> = rows.map(|(gid, row)| (*gid, row.payload.as_str())).collect();
            if reader.may_read(audience, Rules::default()) && rows != shared
                || replica.is_some_and(|replica| replica.hidden)
            {
                wrong.insert("diverged");
            }
            if rows.keys().any(|gid| self.erased.contains(gid)) {
                wrong.insert("erased visible");
            }
            let here = |gid: &Uuid| self.home(host, (origin, audience), *gid).is_some();
            let mut waiting = replica
                .into_iter()
                .flat_map(|replica| replica.rows.values())
                .filter(|row| row.waiting);
            if waiting.any(|row| row.parent.as_ref().is_some_and(here)) {
                wrong.insert("an orphan beside its parent");
            }
        }
        self.wrong.extend(wrong);
    }

    /// Positions count up from 1 and the hub holds what the site wrote, byte for byte (I2).
    fn gapless(&mut self) {
        let mut wrong = false;
        for host in &self.hosts {
            for (audience, own) in &host.db.feeds {
                wrong |= (1..).zip(&own.written).any(|(pos, written)| {
                    written.pos != pos || Header::parse(&written.entry.header).unwrap().pos != pos
                });
                if let Some(relay) = self.hosts[HUB].db.relay.get(&(host.site, *audience)) {
                    let texts = relay.entries.iter().map(|entry| &entry.header);
                    wrong |= !texts.eq(own.written.iter().map(|written| &written.entry.header));
                }
            }
        }
        if wrong {
            self.wrong.insert("positions or bytes changed");
        }
    }

    /// Every space has one order, the same on every host, and a subject one place in it (I6).
    fn places(&mut self) {
        for home in 0..HOSTS {
            let placements = self.placements(home);
            let subjects: BTreeSet<_> = placements.iter().map(|body| body.subject).collect();
            let orders: BTreeSet<_> = placements.iter().map(|body| body.order).collect();
            if subjects.len() != placements.len() || orders.len() != placements.len() {
                self.wrong.insert("placed twice");
            }
            let Some(space) = self.own(home, "space").first().copied() else {
                continue;
            };
            let lists: BTreeSet<Vec<_>> = (0..HOSTS).map(|host| self.order_of(host, space)).collect();
            if lists.len() > 1 {
                self.wrong.insert("another order elsewhere");
            }
        }
    }

    /// The visible posts of a space as a host shows them.
    fn order_of(&self, host: usize, space: Uuid) -> Vec<(u64, Uuid)> {
        let db = &self.hosts[host].db;
        let own = db.records.iter().filter(|(_, record)| !record.erased);
        let own = own.map(|(gid, record)| (self.site(host), *gid, record.kind, record.payload.as_str()));
        let rows = db
            .replicas
            .iter()
            .flat_map(|(feed, replica)| replica.rows.iter().map(move |(gid, row)| (feed.0, gid, row)));
        let rows = rows
            .filter(|(.., row)| row.is_shown())
            .map(|(origin, gid, row): (_, &Uuid, &Row)| (origin, *gid, row.kind.as_str(), row.payload.as_str()));
        let all: Vec<_> = own.chain(rows).collect();
        let posts = all.iter().filter(|record| record.2 == "post");
        let posts: BTreeMap<Uuid, Option<Uuid>> = posts
            .filter_map(|record| Some((record.1, Body::parse(record.3)?.space)))
            .collect();
        let home = all.iter().find(|record| record.1 == space).map(|record| record.0);
        let mut list: Vec<(u64, Uuid)> = Vec::new();
        for (placed_by, _, _, payload) in all.iter().filter(|record| record.2 == "placement") {
            let Some(body) = Body::parse(payload).filter(|body| body.state == "Visible") else {
                continue;
            };
            let (Some(subject), Some(of)) = (body.subject, body.space) else {
                continue;
            };
            let Some(Some(into)) = posts.get(&subject) else {
                continue;
            };
            if of == space && counts(*placed_by, home, of, *into, self.rules) {
                list.push((body.order, subject));
            }
        }
        list.sort_unstable();
        list
    }
}
