//! Hosts, their databases, and the steps of a run.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::content::{Chance, Schemas};
use crate::federation::{
    protocol::{
        apply::{Reason, Stored},
        cursor::Cursor,
        directory::{Reader, Standing},
        keys::Keys,
        publisher::{Emitted, Feed, Written},
        relay::Held,
        rules::Rules,
    },
    wire::{
        Audience, Batch, Checkpoint, Entry, Epoch, Head, Key, Member, Operation, Origin, Previous, ProtocolRange,
        PublicKey, Salt, Signature, Status,
    },
};

pub const HUB: usize = 0;
pub const HOSTS: usize = 3;

/// Which feed a host reads.
pub type FeedName = (Origin, Audience);

/// A network and what is known about it from outside.
pub struct World {
    pub chance: Chance,
    pub rules: Rules,
    pub hosts: Vec<Host>,
    pub millis: i64,
    pub ids: u64,
    pub wrong: BTreeSet<&'static str>,
    /// Batches on their way, to be repeated and delayed.
    pub sent: BTreeMap<(usize, FeedName), Vec<Batch>>,
    /// Whose record a gid really is.
    pub owner: BTreeMap<Uuid, Origin>,
    /// What was erased for ever.
    pub erased: BTreeSet<Uuid>,
    /// When a host first saw the newest word of an origin.
    pub heard: BTreeMap<(usize, FeedName), (DateTime<Utc>, i64)>,
    /// Every checkpoint that anybody accepted; checked in runs in which nobody may sign two stories.
    pub signed: BTreeMap<(FeedName, Epoch, u64), Head>,
    pub no_forks: bool,
    /// Only the national site writes, and only its network feed is read before the end.
    pub national: bool,
}

/// A host with one site.
pub struct Host {
    pub site: Origin,
    pub db: Database,
    pub backup: Option<Database>,
    /// A file beside the database.
    pub ledger: BTreeSet<(Origin, Uuid)>,
    /// The site's keys, oldest first, with the proofs of the later ones: files too.
    pub keys: Vec<(String, PublicKey, Option<Signature>)>,
    /// Keys that the network was told to revoke.
    pub revoked: BTreeSet<String>,
    pub clock: TimeDelta,
    pub upgraded: bool,
    /// Came up after an unclean stop and has not asked its witness.
    pub holding: bool,
}

/// What a transaction changes and a backup brings back.
#[derive(Clone, Default)]
pub struct Database {
    pub records: BTreeMap<Uuid, Record>,
    pub outbox: BTreeSet<Uuid>,
    pub feeds: BTreeMap<Audience, OwnFeed>,
    pub replicas: BTreeMap<FeedName, Replicated>,
    pub bound: BTreeMap<Uuid, Origin>,
    pub relay: BTreeMap<FeedName, Relayed>,
    pub standings: BTreeMap<Origin, Standing>,
    /// At the hub: the directory.
    pub members: BTreeMap<Origin, Member>,
}

/// A record of the host's own site.
#[derive(Clone, Debug)]
pub struct Record {
    pub kind: &'static str,
    pub schema: &'static str,
    pub audiences: Vec<Audience>,
    pub payload: String,
    pub parent: Option<Uuid>,
    pub erased: bool,
}

#[derive(Clone)]
pub struct OwnFeed {
    pub feed: Feed,
    pub written: Vec<Written>,
    pub emitted: BTreeMap<Uuid, Emitted>,
    pub earlier: Vec<Epoch>,
    /// The next position to send to the hub.
    pub next: u64,
}

#[derive(Clone)]
pub struct Relayed {
    pub held: Held,
    pub entries: Vec<Entry>,
    pub gids: Vec<Uuid>,
    pub heads: Vec<Head>,
    pub checkpoints: Vec<Checkpoint>,
}

/// A feed as a host has read it.
#[derive(Clone, Default)]
pub struct Replicated {
    pub cursor: Cursor,
    pub rows: BTreeMap<Uuid, Row>,
    pub seen: BTreeSet<Uuid>,
    pub skipped: BTreeSet<Uuid>,
    pub parked: BTreeMap<u64, (Uuid, Reason, Entry)>,
    pub held: BTreeMap<(Epoch, u64), Checkpoint>,
    /// The newest checkpoint that was ever accepted, for the origin when it asks its witnesses.
    pub newest: Option<Previous>,
    pub hidden: bool,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub stored: Stored,
    pub kind: String,
    pub payload: String,
    pub parent: Option<Uuid>,
    pub waiting: bool,
}

impl Row {
    pub fn is_shown(&self) -> bool {
        self.stored.op == Operation::Put
    }
}

impl World {
    pub fn new(seed: u64, rules: Rules) -> Self {
        let mut chance = Chance::new(seed);
        let clocks = [0, 86_400_000, -86_400_000, 1_500];
        let hosts = (0..HOSTS).map(|index| Host {
            site: Origin(Uuid::from_u128(0xf000 + index as u128)),
            db: Database::default(),
            backup: None,
            ledger: BTreeSet::new(),
            keys: vec![("k1".into(), key_of(index, 1), None)],
            revoked: BTreeSet::new(),
            clock: TimeDelta::milliseconds(clocks[chance.below(4)]),
            upgraded: false,
            holding: false,
        });
        let hosts: Vec<Host> = hosts.collect();
        let mut world = Self {
            chance,
            rules,
            hosts,
            millis: 1_795_000_000_000,
            ids: 0,
            wrong: BTreeSet::new(),
            sent: BTreeMap::new(),
            owner: BTreeMap::new(),
            erased: BTreeSet::new(),
            heard: BTreeMap::new(),
            signed: BTreeMap::new(),
            no_forks: false,
            national: false,
        };
        world.found();
        world
    }

    /// The first records: members, a space and a champion's card each.
    fn found(&mut self) {
        let national = self.hosts[HUB].site;
        for index in 0..HOSTS {
            let host = &mut self.hosts[index];
            let pinned = Keys::pinned("k1", key_of(HUB, 1));
            let mut standing = Standing {
                origin: national,
                status: Status::Active,
                national: true,
                types: types(true),
                keys: pinned,
            };
            host.db.standings.insert(national, standing.clone());
            if index != HUB {
                let member = self.member(index);
                standing.national = false;
                self.enrol(member);
            }
            self.write_card(index);
            self.write_space(index);
        }
    }

    fn member(&self, index: usize) -> Member {
        let host = &self.hosts[index];
        Member {
            site: host.site,
            slug: format!("site-{index}"),
            name: format!("Site {index}"),
            region: None,
            status: Status::Active,
            endpoint: None,
            types_allowed: types(false),
            protocol: ProtocolRange { min: 1, max: 1 },
            keys: vec![Key {
                kid: "k1".into(),
                public: host.keys[0].1,
                proof: None,
                feeds: Vec::new(),
                revoked_at: None,
            }],
        }
    }

    pub fn now(&self, host: usize) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.millis).unwrap() + self.hosts[host].clock
    }

    pub fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(0x1_0000_0000 + u128::from(self.ids))
    }

    pub fn epoch(&mut self) -> Epoch {
        Epoch(self.id())
    }

    pub fn salt(&mut self) -> Salt {
        self.ids += 1;
        Salt(u128::from(self.ids).to_be_bytes())
    }

    pub fn index(&self, site: Origin) -> usize {
        self.hosts.iter().position(|host| host.site == site).unwrap()
    }

    /// Who comes up for a turn.
    pub fn any_host(&mut self) -> usize {
        self.chance.below(HOSTS)
    }

    pub fn any_region(&mut self) -> usize {
        1 + self.chance.below(HOSTS - 1)
    }
}

impl Host {
    pub fn reader(&self, index: usize) -> Reader {
        Reader {
            sites: vec![self.site],
            is_hub: index == HUB,
        }
    }

    pub fn schemas(&self) -> Schemas {
        Schemas {
            upgraded: self.upgraded,
        }
    }

    /// The key that the site signs with now.
    pub fn key(&self) -> (String, PublicKey) {
        let (kid, key, _) = self.keys.last().unwrap();
        (kid.clone(), *key)
    }
}

impl OwnFeed {
    pub fn head_at(&self, pos: u64) -> Option<Head> {
        let index = usize::try_from(pos.checked_sub(1)?).ok()?;
        self.written.get(index).map(|written| written.head)
    }
}

pub fn key_of(host: usize, number: usize) -> PublicKey {
    let mut key = [0; 32];
    (key[0], key[1], key[2]) = (u8::try_from(host).unwrap(), u8::try_from(number).unwrap(), 7);
    PublicKey(key)
}

pub fn root() -> PublicKey {
    PublicKey([42; 32])
}

fn types(national: bool) -> Vec<String> {
    // A careless directory that allows the national type: the rule about national types must hold all the same.
    let all = ["card", "project", "post", "space", "placement", "measure", "member"];
    let count = if national { 7 } else { 6 };
    all[..count].iter().map(|kind| (*kind).to_owned()).collect()
}
