//! Writing a feed: from the shared state of records to entries (`docs/federation.md`, sections 3, 6 and 8).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::rules::{Rule, Rules};
use crate::federation::wire::{
    Audience, Entry, Epoch, Hash, Head, Header, MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, Opening, Operation, Origin,
    Previous, Salt, first_head, next_head, payload_hash,
};

/// The type of the entries by which a feed speaks of itself: [`Operation::Open`].
pub const FEED_TYPE: &str = "feed";

const FEED_SCHEMA: &str = "feed@1";

/// An epoch with fewer headers is never worth a new one. Whether a longer one is, is asked whenever it has grown by as many:
/// to count what is left takes longer than to write.
pub const FEWEST_HEADERS: u64 = 1_000;

/// The end of a feed that this host writes: one row of `feed_head`, locked for as long as entries are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Whose.
    pub origin: Origin,
    /// For whom.
    pub audience: Audience,
    /// The present epoch.
    pub epoch: Epoch,
    /// The last position; 0 only before [`open`] has run.
    pub pos: u64,
    /// The head after it.
    pub head: Head,
}

/// What the feed should say of a record now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The record.
    pub gid: Uuid,
    /// Its type.
    pub kind: String,
    /// The shape of the payload, such as `project@1`.
    pub schema: String,
    /// The record that must be readable for this one to be. The payload names it too, so that a change is noticed.
    pub parent: Option<Uuid>,
    /// Its state as far as this audience is concerned.
    pub shared: Shared,
}

/// The state of a record as far as an audience is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    /// Shared, as this JSON text.
    As(String),
    /// Not shared with this audience, or not any more.
    No,
    /// Gone for ever.
    Erased,
}

/// What the feed last said of a record in this epoch: a row of `feed_shared`, with the salt of that entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// The operation.
    pub op: Operation,
    /// The hash of the payload.
    pub ph: Option<Hash>,
    /// The salt of that hash.
    pub salt: Option<Salt>,
}

/// What one run of the sequencer writes, in one transaction: the entries, their rows of `feed_shared`, the new end of the
/// feed, and for every entry the loss of payload and salt of all earlier entries of the same record (legal compaction,
/// done at once; for an erasure it is what makes it one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The new end of the feed. Its checkpoint is `(pos, head)`: sign [`crate::federation::wire::checkpoint_message`].
    pub feed: Feed,
    /// The new entries, lowest position first.
    pub entries: Vec<Written>,
    /// Records whose state is too large to travel. Nothing was written of them: the limits of what people write have failed.
    pub too_large: Vec<Uuid>,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its position.
    pub pos: u64,
    /// Its record.
    pub gid: Uuid,
    /// What it says of the record from now on.
    pub emitted: Emitted,
    /// Its bytes.
    pub entry: Entry,
    /// The head after it.
    pub head: Head,
}

/// Begins an epoch with the entry that names the one before; none in a feed's first. The caller then appends the live
/// state with nothing emitted yet. Entries of the epoch before may be deleted.
pub fn open(
    origin: Origin,
    audience: Audience,
    epoch: Epoch,
    previous: Option<Previous>,
    salt: Salt,
    at: DateTime<Utc>,
) -> Appended {
    let mut run = Run {
        feed: Feed {
            origin,
            audience,
            epoch,
            pos: 0,
            head: first_head(origin, audience, epoch),
        },
        entries: Vec::new(),
        at,
    };
    let payload = Opening { previous }.text();
    run.write(&of_the_feed(epoch), Operation::Open, Some((salt, payload)));
    run.finish(Vec::new())
}

/// Writes an entry for every record of which the feed should say something else than it last said, whatever the cause.
///
/// Each record comes once; `emitted` tells what the feed last said of it in this epoch, `erased` whether the ledger holds
/// it, `salt` yields 16 new random bytes each time.
pub fn append(
    feed: &Feed,
    drafts: &[Draft],
    emitted: impl Fn(Uuid) -> Option<Emitted>,
    erased: impl Fn(Uuid) -> bool,
    mut salt: impl FnMut() -> Salt,
    at: DateTime<Utc>,
    rules: Rules,
) -> Appended {
    let mut run = Run {
        feed: *feed,
        entries: Vec::new(),
        at,
    };
    let mut too_large = Vec::new();
    for draft in drafts {
        let last = emitted(draft.gid);
        let shown = last.is_some_and(|last| last.op == Operation::Put);
        if last.is_some_and(|last| last.op == Operation::Erase) {
            continue;
        }
        let in_ledger = rules.on(Rule::ErasureLedger) && erased(draft.gid);
        match &draft.shared {
            _ if in_ledger && last.is_none() => {}
            _ if in_ledger => run.write(draft, Operation::Erase, None),
            Shared::Erased if last.is_some() => run.write(draft, Operation::Erase, None),
            Shared::No if shown => run.write(draft, Operation::Delete, None),
            Shared::As(payload) if !fits(draft, payload) => too_large.push(draft.gid),
            Shared::As(payload) if !(shown && last.is_some_and(|last| last.says(payload))) => {
                run.write(draft, Operation::Put, Some((salt(), payload.clone())));
            }
            Shared::Erased | Shared::No | Shared::As(_) => {}
        }
    }
    run.finish(too_large)
}

/// Whether a shared state is small enough to travel.
fn fits(draft: &Draft, payload: &str) -> bool {
    // Everything of a header but its two words takes less than 400 bytes.
    payload.len() <= MAX_PAYLOAD_BYTES && draft.kind.len() + draft.schema.len() + 400 <= MAX_HEADER_BYTES
}

/// Whether a feed has so many headers that a new epoch is worth everybody's reading it again. `left` is what that would say:
/// the records that are shown, and those that are gone for ever.
pub fn is_worth_reopening(headers: u64, left: u64) -> bool {
    headers >= FEWEST_HEADERS && headers > left.saturating_mul(4)
}

impl Feed {
    /// How the next epoch's first entry names this one.
    pub fn ended(&self) -> Previous {
        Previous {
            epoch: self.epoch,
            to: self.pos,
            head: self.head,
        }
    }
}

impl Emitted {
    /// What an earlier epoch said of a record, when all that matters is that it did.
    pub const BEFORE: Self = Self {
        op: Operation::Delete,
        ph: None,
        salt: None,
    };

    fn says(&self, payload: &str) -> bool {
        self.ph.is_some() && self.ph == self.salt.map(|salt| payload_hash(salt, payload))
    }
}

/// One run of the sequencer, entry by entry.
struct Run {
    feed: Feed,
    entries: Vec<Written>,
    at: DateTime<Utc>,
}

impl Run {
    fn write(&mut self, draft: &Draft, op: Operation, payload: Option<(Salt, String)>) {
        let ph = payload.as_ref().map(|(salt, payload)| payload_hash(*salt, payload));
        let (salt, payload) = payload.unzip();
        let header = Header {
            pos: self.feed.pos + 1,
            gid: draft.gid,
            kind: draft.kind.clone(),
            schema: draft.schema.clone(),
            op,
            parent: draft.parent,
            ph,
            at: self.at,
        };
        let header = header.text();
        self.feed.pos += 1;
        self.feed.head = next_head(self.feed.head, &header);
        self.entries.push(Written {
            pos: self.feed.pos,
            gid: draft.gid,
            emitted: Emitted { op, ph, salt },
            entry: Entry { header, salt, payload },
            head: self.feed.head,
        });
    }

    fn finish(self, too_large: Vec<Uuid>) -> Appended {
        Appended {
            feed: self.feed,
            entries: self.entries,
            too_large,
        }
    }
}

fn of_the_feed(epoch: Epoch) -> Draft {
    Draft {
        gid: epoch.0,
        kind: FEED_TYPE.to_owned(),
        schema: FEED_SCHEMA.to_owned(),
        parent: None,
        shared: Shared::No,
    }
}
