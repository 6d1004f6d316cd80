//! Everything that goes wrong: restores, crashes, forgers, thieves, a bad hub, lost keys.

use super::{
    content::{Body, Cheap},
    network::sign_with,
    world::{FeedName, HOSTS, HUB, World, key_of, root},
};
use crate::federation::{
    protocol::{
        directory::{revoked, rotated},
        rules::{Rule, Rules},
    },
    wire::{
        Audience, Batch, Entry, Epoch, Head, Header, Key, Operation, Origin, PublicKey, Status, Window, key_message,
        next_head, payload_hash, root_message,
    },
};
use std::collections::BTreeSet;

use uuid::Uuid;

/// What a bad hub does to what it hands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    None,
    /// Another payload under the same header.
    Payload,
    /// Another header, with the hash of another payload, and the chain of it.
    Header,
    /// The same without the seal that would show it.
    Unsealed,
    /// No payload, as if a later entry had replaced it.
    Withhold,
    /// Another feed's audience.
    Misdeliver,
    /// The oldest checkpoint instead of the newest.
    Freeze,
}

impl World {
    pub fn any_tamper(&mut self) -> Tamper {
        use Tamper::{Freeze, Header, Misdeliver, Payload, Unsealed, Withhold};
        self.chance
            .of(&[Payload, Header, Unsealed, Withhold, Misdeliver, Freeze])
            .unwrap()
    }

    /// Changes a batch of a region as the hub could. What the national site itself signs it cannot forge.
    pub fn tamper(&mut self, host: usize, batch: &mut Batch, tamper: Tamper) {
        if batch.origin == self.hosts[HUB].site || batch.entries.is_empty() {
            return;
        }
        let index = self.chance.below(batch.entries.len());
        let salt = self.salt();
        let forged = Body {
            forged: true,
            rev: self.ids,
            ..Body::default()
        }
        .text();
        let entry = &mut batch.entries[index];
        let mut header = Header::parse(&entry.header).unwrap();
        if header.op != Operation::Put {
            return;
        }
        match tamper {
            Tamper::None | Tamper::Freeze => {}
            Tamper::Payload => (entry.payload, entry.salt) = (Some(forged), Some(salt)),
            Tamper::Withhold => (entry.payload, entry.salt) = (None, None),
            Tamper::Misdeliver => {
                let other = self.hosts[(host + 1) % HOSTS].site;
                batch.audience = Audience::Site(other.0);
            }
            Tamper::Header | Tamper::Unsealed => {
                header.ph = Some(payload_hash(salt, &forged));
                entry.header = header.text();
                (entry.payload, entry.salt) = (Some(forged), Some(salt));
                if tamper == Tamper::Unsealed {
                    batch.seal = None;
                }
            }
        }
    }

    /// A late, repeated or reordered batch.
    pub fn redeliver(&mut self) {
        let ways: Vec<_> = self.sent.keys().copied().collect();
        let Some(way) = self.chance.of(&ways) else { return };
        let batches = self.sent[&way].clone();
        if let Some(batch) = self.chance.of(&batches) {
            let _ = self.deliver(way.0, batch, false);
        }
    }

    pub fn back_up(&mut self, host: usize) {
        self.hosts[host].backup = Some(self.hosts[host].db.clone());
    }

    /// The database comes back from a backup; files beside it do not. An unclean stop is noticed or not.
    pub fn restore(&mut self, host: usize, noticed: bool) {
        let Some(backup) = self.hosts[host].backup.clone() else {
            return;
        };
        self.hosts[host].db = backup;
        self.heard.retain(|(reader, _), _| *reader != host);
        if self.rules.on(Rule::ErasureLedger) {
            self.purge_by_ledger(host);
        }
        if host == HUB {
            for region in 1..HOSTS {
                self.report_revoked(region);
            }
        }
        let upgraded = self.hosts[host].upgraded;
        if upgraded {
            self.try_again(host, None);
        }
        if noticed {
            self.hosts[host].holding = true;
            let reachable = self.chance.percent(70);
            self.ask_witness(host, reachable);
        }
    }

    fn purge_by_ledger(&mut self, host: usize) {
        let here = &self.hosts[host];
        let site = here.site;
        let holds = |gid| here.db.records.get(&gid).is_some_and(|record| !record.erased);
        let own = here
            .ledger
            .iter()
            .filter(|(origin, gid)| *origin == site && holds(*gid));
        let own: Vec<_> = own.map(|(_, gid)| *gid).collect();
        let others: Vec<_> = here
            .ledger
            .iter()
            .filter(|(origin, _)| *origin != site)
            .copied()
            .collect();
        for gid in own {
            self.mark_erased(host, gid);
        }
        for (origin, gid) in others {
            self.purge(host, origin, gid);
        }
    }

    /// A new key of a site, proven by the one before.
    pub fn rotate(&mut self, region: usize) {
        let site = self.hosts[region].site;
        let number = self.hosts[region].keys.len() + 1;
        let (kid, key) = (format!("k{number}"), key_of(region, number));
        let (_, before) = self.hosts[region].key();
        let proof = Cheap::sign(before, &key_message(site, &kid, key));
        self.hosts[region].keys.push((kid, key, Some(proof)));
        if self.chance.percent(70) {
            self.send_keys(region);
        }
    }

    /// A site's key was stolen: the network revokes it, the root proves a new one, and the site opens new epochs.
    pub fn lose_key(&mut self, region: usize) {
        let site = self.hosts[region].site;
        let number = self.hosts[region].keys.len() + 1;
        let (kid, key) = (format!("k{number}"), key_of(region, number));
        let proof = Cheap::sign(root(), &root_message(site, &kid, key));
        let (stolen, _) = self.hosts[region].key();
        self.send_keys(region);
        self.hosts[region].keys.push((kid, key, Some(proof)));
        self.hosts[region].revoked.insert(stolen);
        self.report_revoked(region);
        self.send_keys(region);
        let audiences: Vec<Audience> = self.hosts[region].db.feeds.keys().copied().collect();
        for audience in audiences {
            self.roll(region, audience);
        }
    }

    /// `POST /fed/v1/keys/rotate`, for every key that the directory lacks.
    pub fn send_keys(&mut self, region: usize) {
        let site = self.hosts[region].site;
        for (kid, key, proof) in self.hosts[region].keys.clone() {
            let member = self.hosts[HUB].db.members[&site].clone();
            if member.keys.iter().any(|known| known.kid == kid) {
                continue;
            }
            let relays = self.hosts[HUB].db.relay.iter().filter(|(name, _)| name.0 == site);
            let held: Vec<_> = relays
                .map(|(name, relay)| (name.1, relay.held.epoch, relay.held.to))
                .collect();
            let member = rotated(&member, &kid, key, proof.unwrap(), &held).unwrap();
            let keys = self.hosts[HUB].db.standings[&site].keys.clone();
            if keys.learn(&member, Some(root()), &Cheap, self.rules).is_ok() {
                self.enrol(member);
            }
        }
        self.report_revoked(region);
    }

    fn report_revoked(&mut self, region: usize) {
        let site = self.hosts[region].site;
        let at = self.now(HUB);
        for kid in self.hosts[region].revoked.clone() {
            let Some(member) = self.hosts[HUB].db.members.get(&site) else {
                return;
            };
            match revoked(member, &kid, at) {
                Ok(changed) if changed != *member => self.enrol(changed),
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// The network suspends a site, or takes it back.
    pub fn suspend(&mut self, region: usize, status: Status) {
        let site = self.hosts[region].site;
        let Some(mut member) = self.hosts[HUB].db.members.get(&site).cloned() else {
            return;
        };
        if member.status != status {
            member.status = status;
            self.enrol(member);
            self.status(HUB, site, status);
        }
    }

    /// A site speaks for others: it appends at the hub, or a hub in league with it hands it straight to a host.
    pub fn forge(&mut self, forger: usize) {
        let victim = (forger + 1 + self.chance.below(HOSTS - 1)) % HOSTS;
        let directly = self.chance.percent(50);
        let reader = self.any_host();
        let name = (self.hosts[forger].site, Audience::Network);
        let gid = self.id();
        let victims: Vec<Uuid> = self
            .owner
            .iter()
            .filter(|(_, owner)| **owner == self.site(victim))
            .map(|(gid, _)| *gid)
            .collect();
        let known = victims
            .into_iter()
            .filter(|gid| !directly || self.home(reader, name, *gid) == Some(self.site(victim)));
        let published =
            |gid: &Uuid| directly || self.hosts[HUB].db.relay.values().any(|relay| relay.gids.contains(gid));
        let known: Vec<Uuid> = known.filter(published).collect();
        let Some(theirs) = self.chance.of(&known) else { return };
        let space = self.own(victim, "space").first().copied();
        let author = self.own(victim, "card").first().copied();
        let mine = self.own(forger, "card").first().copied();
        let (gid, kind, op, body) = match self.chance.below(5) {
            0 => (
                theirs,
                "project",
                Operation::Put,
                Body {
                    author: mine,
                    ..Body::default()
                },
            ),
            1 => (theirs, "project", Operation::Delete, Body::default()),
            2 => (
                gid,
                "project",
                Operation::Put,
                Body {
                    author,
                    ..Body::default()
                },
            ),
            3 => (gid, "measure", Operation::Put, Body::default()),
            _ => (
                gid,
                "placement",
                Operation::Put,
                Body {
                    space,
                    subject: Some(theirs),
                    ..Body::default()
                },
            ),
        };
        let (kid, key) = self.hosts[forger].key();
        if directly && reader != forger {
            if let Some((epoch, pos, head)) = self.cursor(reader, name) {
                let batch = self.forged(name, epoch, (pos, head), (kid, key), (gid, kind, op, body));
                let _ = self.deliver(reader, batch, false);
            }
        } else if let Some(relay) = self.hosts[HUB].db.relay.get(&name) {
            let held = relay.held;
            let batch = self.forged(
                name,
                held.epoch,
                (held.to, held.head),
                (kid, key),
                (gid, kind, op, body),
            );
            let _ = self.append_at_hub(batch);
        }
    }

    /// Somebody with a key that should be worth nothing: an old one beyond its window, a revoked one, or one that a bad
    /// hub made up and lists without proof.
    pub fn impersonate(&mut self, victim: usize) {
        let reader = (victim + 1 + self.chance.below(HOSTS - 1)) % HOSTS;
        let name = (self.site(victim), Audience::Network);
        let Some((epoch, pos, head)) = self.cursor(reader, name) else {
            return;
        };
        let keys = self.hosts[victim].keys.clone();
        let (kid, key) = if self.chance.percent(50) {
            self.swap_key(reader, victim, epoch)
        } else {
            let (kid, key, _) = self.chance.of(&keys).unwrap();
            (kid, key)
        };
        let standing = &self.hosts[reader].db.standings[&name.0];
        let honest = self.hosts[victim].keys.iter().any(|(_, own, _)| *own == key);
        if honest
            && standing
                .keys
                .covering(&kid, name.1, epoch, pos + 1, Rules::default())
                .is_some()
        {
            return;
        }
        let body = Body {
            forged: true,
            ..Body::default()
        };
        let gid = self.id();
        let batch = self.forged(
            name,
            epoch,
            (pos, head),
            (kid, key),
            (gid, "project", Operation::Put, body),
        );
        let _ = self.deliver(reader, batch, false);
    }

    fn swap_key(&mut self, reader: usize, victim: usize, epoch: Epoch) -> (String, PublicKey) {
        let key = PublicKey([66; 32]);
        let Some(mut member) = self.hosts[HUB].db.members.get(&self.site(victim)).cloned() else {
            return ("rogue".into(), key);
        };
        if self.chance.percent(50) {
            let at = self.now(HUB);
            member.keys.iter_mut().for_each(|key| key.revoked_at = Some(at));
        }
        let window = Window {
            audience: Audience::Network,
            epoch,
            from: 1,
            to: None,
        };
        member.keys.push(Key {
            kid: "rogue".into(),
            public: key,
            proof: None,
            feeds: vec![window],
            revoked_at: None,
        });
        let payload = serde_json::to_string(&member).unwrap();
        self.learn(reader, "member", &payload);
        ("rogue".into(), key)
    }

    fn cursor(&self, host: usize, name: FeedName) -> Option<(Epoch, u64, Head)> {
        let cursor = &self.hosts[host].db.replicas.get(&name)?.cursor;
        Some((cursor.epoch?, cursor.pos, cursor.head))
    }

    /// A batch with one entry that its origin never wrote, in the right place and signed with this key.
    fn forged(
        &mut self,
        name: FeedName,
        epoch: Epoch,
        (pos, prev): (u64, Head),
        (kid, key): (String, PublicKey),
        (gid, kind, op, body): (Uuid, &str, Operation, Body),
    ) -> Batch {
        let salt = self.salt();
        let at = self.now(self.index(name.0));
        let payload = (op == Operation::Put).then(|| body.text());
        let header = Header {
            pos: pos + 1,
            gid,
            kind: kind.into(),
            schema: format!("{kind}@1"),
            op,
            parent: None,
            ph: payload.as_ref().map(|payload| payload_hash(salt, payload)),
            at,
        };
        let header = header.text();
        let head = next_head(prev, &header);
        Batch {
            origin: name.0,
            audience: name.1,
            epoch,
            from: pos + 1,
            to: pos + 1,
            prev,
            entries: vec![Entry {
                header,
                salt: payload.as_ref().map(|_| salt),
                payload,
            }],
            checkpoint: sign_with(name, epoch, kid, key, (pos + 1, head), at),
            seal: None,
        }
    }

    /// Every feed that some site writes or some host reads.
    pub fn feeds(&self) -> Vec<(Origin, Audience)> {
        let own = self
            .hosts
            .iter()
            .flat_map(|host| host.db.feeds.keys().map(|audience| (host.site, *audience)));
        let read = self.hosts.iter().flat_map(|host| host.db.replicas.keys().copied());
        let feeds: BTreeSet<_> = own.chain(read).collect();
        feeds.into_iter().collect()
    }
}
