//! What people do at their site, and the sequencer that publishes it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    content::{Body, Cheap},
    world::{HOSTS, HUB, OwnFeed, Record, World, root},
};
use crate::federation::{
    protocol::{
        directory::Standing,
        keys::Keys,
        placement::{Decision, State, place},
        publisher::{Appended, Draft, Shared, append, open},
    },
    wire::{Audience, Member, Origin, Previous},
};

impl World {
    pub fn write_card(&mut self, host: usize) {
        self.insert(host, "card", vec![Audience::Network], Body::default(), None);
    }

    pub fn write_space(&mut self, host: usize) {
        self.insert(host, "space", vec![Audience::Network], Body::default(), None);
    }

    /// A new record for the network, the hub or one site.
    pub fn write_project(&mut self, host: usize) {
        let audiences = self.any_audience(host);
        let author = self.own(host, "card").first().copied();
        let body = Body {
            author,
            ..Body::default()
        };
        let kind = if host == HUB && self.chance.percent(20) {
            "measure"
        } else {
            "project"
        };
        let gid = self.insert(host, kind, audiences, body, None);
        if self.chance.percent(10) {
            self.hosts[host].db.records.get_mut(&gid).unwrap().schema = "project@2";
        }
    }

    /// A post in a space that may be another site's.
    pub fn write_post(&mut self, host: usize) {
        let home = self.any_host();
        let Some(space) = self.own(home, "space").first().copied() else {
            return;
        };
        let author = self.own(host, "card").first().copied();
        let body = Body {
            author,
            space: Some(space),
            ..Body::default()
        };
        let gid = self.insert(host, "post", vec![Audience::Network], body, Some(space));
        if home == host {
            self.place(host, gid, space);
        }
    }

    /// The home of a space places what was written into it.
    pub fn place(&mut self, home: usize, subject: Uuid, space: Uuid) {
        if self.hosts[home]
            .db
            .records
            .get(&space)
            .is_none_or(|record| record.kind != "space")
        {
            return;
        }
        let places: Vec<Body> = self.placements(home);
        let last = places.iter().map(|body| body.order).max().unwrap_or(0);
        let placed = places.iter().any(|body| body.subject == Some(subject));
        let Some(place) = place(subject, space, placed, last, self.rules) else {
            return;
        };
        let state = place.state.decide(Decision::Accept).unwrap();
        let body = Body {
            space: Some(place.space),
            subject: Some(place.subject),
            order: place.order,
            state: format!("{state:?}"),
            ..Body::default()
        };
        self.insert(home, "placement", vec![Audience::Network], body, Some(subject));
    }

    pub fn placements(&self, home: usize) -> Vec<Body> {
        let records = self.hosts[home].db.records.values();
        let placements = records.filter(|record| record.kind == "placement");
        placements.filter_map(|record| Body::parse(&record.payload)).collect()
    }

    /// Hides what is visible, shows what is hidden.
    pub fn moderate(&mut self, host: usize) {
        let Some(gid) = self.any_own(host, "placement") else {
            return;
        };
        let record = self.hosts[host].db.records.get_mut(&gid).unwrap();
        let mut body = Body::parse(&record.payload).unwrap();
        let (state, decision) = if body.state == "Visible" {
            (State::Visible, Decision::Hide)
        } else {
            (State::Hidden, Decision::Show)
        };
        body.state = format!("{:?}", state.decide(decision).unwrap());
        record.payload = body.text();
        self.touch(host, gid);
    }

    /// Edits a record; one with an unknown schema may come back to a known one and the other way round.
    pub fn edit(&mut self, host: usize) {
        let Some(gid) = self.any_own(host, "project") else {
            return;
        };
        self.ids += 1;
        let (rev, unknown) = (self.ids, self.chance.percent(15));
        let record = self.hosts[host].db.records.get_mut(&gid).unwrap();
        let mut body = Body::parse(&record.payload).unwrap();
        body.rev = rev;
        record.payload = body.text();
        record.schema = if unknown { "project@2" } else { "project@1" };
        self.touch(host, gid);
    }

    /// Shares a record with others than before, or with nobody. The record itself does not change.
    pub fn reshare(&mut self, host: usize) {
        let Some(gid) = self.any_own(host, "project") else {
            return;
        };
        let audiences = if self.chance.percent(40) {
            Vec::new()
        } else {
            self.any_audience(host)
        };
        self.hosts[host].db.records.get_mut(&gid).unwrap().audiences = audiences;
        self.touch(host, gid);
    }

    pub fn erase(&mut self, host: usize) {
        let kind = self.chance.of(&["project", "post"]).unwrap();
        let Some(gid) = self.any_own(host, kind) else { return };
        self.mark_erased(host, gid);
    }

    pub fn mark_erased(&mut self, host: usize, gid: Uuid) {
        let site = self.hosts[host].site;
        self.hosts[host].ledger.insert((site, gid));
        self.hosts[host].db.records.get_mut(&gid).unwrap().erased = true;
        self.erased.insert(gid);
        self.touch(host, gid);
    }

    /// The hub takes a directory record in and publishes it.
    pub fn enrol(&mut self, member: Member) {
        let gid = member.site.0;
        let payload = serde_json::to_string(&member).unwrap();
        let national = self.hosts[HUB].site;
        let db = &mut self.hosts[HUB].db;
        let keys = db
            .standings
            .get(&member.site)
            .map_or_else(Keys::default, |standing| standing.keys.clone());
        let keys = keys.learn(&member, Some(root()), &Cheap, self.rules).unwrap().keys;
        db.standings.insert(member.site, Standing::of(&member, national, keys));
        db.members.insert(member.site, member);
        let record = Record {
            kind: "member",
            schema: "member@1",
            audiences: vec![Audience::Network],
            payload,
            parent: None,
            erased: false,
        };
        db.records.insert(gid, record);
        self.owner.insert(gid, national);
        self.touch(HUB, gid);
    }

    fn insert(
        &mut self,
        host: usize,
        kind: &'static str,
        audiences: Vec<Audience>,
        body: Body,
        parent: Option<Uuid>,
    ) -> Uuid {
        let gid = self.id();
        let schema = match kind {
            "project" => "project@1",
            other => other,
        };
        let record = Record {
            kind,
            schema,
            audiences,
            payload: Body { rev: self.ids, ..body }.text(),
            parent,
            erased: false,
        };
        self.owner.insert(gid, self.hosts[host].site);
        self.hosts[host].db.records.insert(gid, record);
        self.touch(host, gid);
        gid
    }

    fn touch(&mut self, host: usize, gid: Uuid) {
        self.hosts[host].db.outbox.insert(gid);
    }

    /// Network, or directed: to the hub, to one other site, or both.
    fn any_audience(&mut self, host: usize) -> Vec<Audience> {
        if self.chance.percent(60) {
            return vec![Audience::Network];
        }
        let other = self.hosts[(host + 1 + self.chance.below(HOSTS - 1)) % HOSTS].site;
        let mut audiences = vec![Audience::Site(other.0)];
        if host != HUB && self.chance.percent(50) {
            audiences.push(Audience::Hub);
        }
        audiences
    }

    pub fn own(&self, host: usize, kind: &str) -> Vec<Uuid> {
        let records = self.hosts[host].db.records.iter();
        records
            .filter(|(_, record)| record.kind == kind && !record.erased)
            .map(|(gid, _)| *gid)
            .collect()
    }

    fn any_own(&mut self, host: usize, kind: &str) -> Option<Uuid> {
        let own = self.own(host, kind);
        self.chance.of(&own)
    }

    /// One run of the sequencer for all feeds of a site.
    pub fn sequence(&mut self, host: usize) {
        if self.hosts[host].holding {
            return;
        }
        let outbox = std::mem::take(&mut self.hosts[host].db.outbox);
        let mut audiences: BTreeSet<Audience> = self.hosts[host].db.feeds.keys().copied().collect();
        for gid in &outbox {
            audiences.extend(self.hosts[host].db.records[gid].audiences.iter().copied());
        }
        for audience in audiences {
            if !self.hosts[host].db.feeds.contains_key(&audience) {
                self.open_epoch(host, audience, None);
            }
            let gids: Vec<Uuid> = outbox.iter().copied().collect();
            self.emit(host, audience, &gids);
        }
    }

    fn emit(&mut self, host: usize, audience: Audience, gids: &[Uuid]) {
        let drafts: Vec<Draft> = gids.iter().map(|gid| self.draft(host, audience, *gid)).collect();
        let salts: Vec<_> = drafts.iter().map(|_| self.salt()).collect();
        let at = self.now(host);
        let here = &mut self.hosts[host];
        let own = &here.db.feeds[&audience];
        let mut salts = salts.into_iter();
        let appended = append(
            &own.feed,
            &drafts,
            |gid| own.emitted.get(&gid).copied(),
            |gid| here.ledger.contains(&(here.site, gid)),
            || salts.next().unwrap(),
            at,
            self.rules,
        );
        self.store(host, audience, appended);
    }

    fn draft(&self, host: usize, audience: Audience, gid: Uuid) -> Draft {
        let record = &self.hosts[host].db.records[&gid];
        let shared = match record {
            record if record.erased => Shared::Erased,
            record if record.audiences.contains(&audience) => Shared::As(record.payload.clone()),
            _ => Shared::No,
        };
        Draft {
            gid,
            kind: record.kind.to_owned(),
            schema: record.schema.to_owned(),
            parent: record.parent,
            shared,
        }
    }

    fn store(&mut self, host: usize, audience: Audience, appended: Appended) {
        let own = self.hosts[host].db.feeds.get_mut(&audience).unwrap();
        own.feed = appended.feed;
        for written in appended.entries {
            for earlier in own.written.iter_mut().filter(|earlier| earlier.gid == written.gid) {
                (earlier.entry.payload, earlier.entry.salt) = (None, None);
            }
            own.emitted.insert(written.gid, written.emitted);
            own.written.push(written);
        }
    }

    /// A new epoch that emits the live state again.
    pub fn open_epoch(&mut self, host: usize, audience: Audience, previous: Option<Previous>) {
        let (epoch, salt, at) = (self.epoch(), self.salt(), self.now(host));
        let site = self.hosts[host].site;
        let appended = open(site, audience, epoch, previous, salt, at);
        let before = self.hosts[host].db.feeds.get(&audience);
        let mut earlier = before.map(|own| own.earlier.clone()).unwrap_or_default();
        earlier.extend(before.map(|own| own.feed.epoch));
        let own = OwnFeed {
            feed: appended.feed,
            written: Vec::new(),
            emitted: BTreeMap::new(),
            earlier,
            next: 1,
        };
        self.hosts[host].db.feeds.insert(audience, own);
        self.store(host, audience, appended);
        let gids: Vec<Uuid> = self.hosts[host].db.records.keys().copied().collect();
        self.emit(host, audience, &gids);
    }

    /// A new epoch of a feed that the site already has.
    pub fn roll(&mut self, host: usize, audience: Audience) {
        let ended = self.hosts[host].db.feeds[&audience].feed.ended();
        self.open_epoch(host, audience, Some(ended));
    }

    pub fn site(&self, host: usize) -> Origin {
        self.hosts[host].site
    }
}
