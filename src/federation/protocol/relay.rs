//! What the hub does with a site's entries, and what whoever serves a feed answers (`docs/federation.md`, section 4).
//!
//! A relay stores and serves entries and checkpoints byte for byte. What it judges, it judges to protect the others: a
//! record that one site holds cannot be appended by another.

use uuid::Uuid;

use super::{
    check::{Checked, Refusal},
    rules::{Rule, Rules},
};
use crate::federation::wire::{Checkpoint, Epoch, Head, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, Opening, Origin, Previous};

/// What a host holds of a feed, as writer or as relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The epoch.
    pub epoch: Epoch,
    /// The last position.
    pub to: u64,
    /// The head after it.
    pub head: Head,
}

/// What the hub answers to an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// 200: store the batch's entries as they came, its checkpoint and its seal; drop payload and salt of all earlier
    /// entries of the same records. When the epoch is new, forget what was held of the one before and open the key's
    /// window ([`super::directory::opened`]).
    Stored {
        /// What is held then.
        held: Held,
        /// Whether the epoch is new.
        opened: bool,
        /// For each record its newest position: payloads and salts before it go.
        superseded: Vec<(Uuid, u64)>,
    },
    /// 409 with what is held; `None` when the epoch is unknown and the site has to send from 1. Another epoch than the
    /// one that was sent from 1 means that it does not continue the one that is held.
    Conflict(Option<Previous>),
}

/// Takes in what a site appends. `home` tells whose record a gid is, among all feeds that the hub holds.
///
/// # Errors
///
/// A batch that no resending mends: a record of another site.
pub fn append(
    held: Option<&Held>,
    batch: &Checked,
    home: impl Fn(Uuid) -> Option<Origin>,
    rules: Rules,
) -> Result<Taken, Refusal> {
    let sent = batch.batch();
    let present = held.filter(|held| held.epoch == sent.epoch);
    match present {
        Some(held) if sent.from != held.to + 1 || (sent.prev != held.head && rules.on(Rule::Chain)) => {
            return Ok(Taken::Conflict(Some(held.ended())));
        }
        Some(_) => {}
        None if sent.from != 1 || sent.entries.is_empty() => return Ok(Taken::Conflict(None)),
        None => {
            if let Some(held) = held.filter(|held| !continues(held, batch)) {
                return Ok(Taken::Conflict(Some(held.ended())));
            }
        }
    }
    for entry in batch.entries() {
        let header = &entry.header;
        if rules.on(Rule::OriginCheck) && home(header.gid).is_some_and(|home| home != sent.origin) {
            return Err(Refusal::Forged {
                pos: header.pos,
                what: "the record is bound to another origin",
            });
        }
    }
    let last = batch.entries().last();
    Ok(Taken::Stored {
        held: Held {
            epoch: sent.epoch,
            to: sent.to,
            head: last.map_or(sent.prev, |entry| entry.head),
        },
        opened: present.is_none(),
        superseded: superseded(batch),
    })
}

/// Whether a new epoch names the one that is held: so a host from which a site has moved cannot take the feed back, and
/// an old epoch that is sent again is known as such.
fn continues(held: &Held, batch: &Checked) -> bool {
    let payload = batch.batch().entries.first().and_then(|entry| entry.payload.as_deref());
    let opening = payload.and_then(|payload| Opening::parse(payload).ok());
    let previous = opening.and_then(|opening| opening.previous);
    previous.is_some_and(|previous| previous.epoch == held.epoch)
}

fn superseded(batch: &Checked) -> Vec<(Uuid, u64)> {
    let mut newest: Vec<(Uuid, u64)> = Vec::new();
    for entry in batch.entries() {
        newest.retain(|(gid, _)| *gid != entry.header.gid);
        newest.push((entry.header.gid, entry.header.pos));
    }
    newest
}

/// What somebody asks of a feed: `?epoch&after&head`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The epoch that the reader is in; none when it starts.
    pub epoch: Option<Epoch>,
    /// The position behind which it wants to read; 0 when it starts.
    pub after: u64,
    /// The head that it has there.
    pub head: Option<Head>,
}

/// What the reader is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// 200: entries behind this position, cut by [`cut`].
    Entries {
        /// The position.
        after: u64,
    },
    /// 204: nothing new, with the newest checkpoint at the reader's position or before.
    Unchanged,
    /// 409: the reader's history is not this one.
    Diverged,
}

/// Judges where a reader stands. `source` says whether this host writes the feed: only a writer knows that a reader who
/// is further has read what is no more; a relay may have fallen back itself. `head_at` tells the head after a position.
pub fn answer(held: &Held, source: bool, asked: &Asked, head_at: impl Fn(u64) -> Option<Head>, rules: Rules) -> Reply {
    let Some(epoch) = asked.epoch else {
        return Reply::Entries { after: 0 };
    };
    if epoch != held.epoch {
        return Reply::Diverged;
    }
    if asked.after > held.to {
        return if source && rules.on(Rule::Chain) {
            Reply::Diverged
        } else {
            Reply::Unchanged
        };
    }
    let known = asked.after == 0 || asked.head.is_none() || head_at(asked.after) == asked.head;
    if !known && rules.on(Rule::Chain) {
        return Reply::Diverged;
    }
    if asked.after == held.to {
        Reply::Unchanged
    } else {
        Reply::Entries { after: asked.after }
    }
}

/// The last position of the next batch. `sizes` are the bytes ([`crate::federation::wire::Entry::size`]) of the entries
/// behind the reader's position, in order; `seals` the positions that the origin has signed, for a relay; a writer signs
/// wherever it cuts and has none to heed. `limit` is what the reader asked for; a relay exceeds it when no signed position
/// comes before. `None` when nothing can be sent.
pub fn cut(after: u64, sizes: &[usize], seals: Option<&[u64]>, limit: usize) -> Option<u64> {
    let mut bytes = 0;
    let mut best = None;
    for (count, (pos, size)) in (after + 1..).zip(sizes).enumerate() {
        bytes += size;
        let full = count >= limit.clamp(1, MAX_BATCH_ENTRIES) && best.is_some();
        if full || count >= MAX_BATCH_ENTRIES || bytes > MAX_BATCH_BYTES {
            break;
        }
        if seals.is_none_or(|seals| seals.contains(&pos)) {
            best = Some(pos);
        }
    }
    best
}

/// Which checkpoint goes with a batch that ends at `to`: the newest that the sender holds, and the seal at `to`, when that
/// is another. `None` when the batch cannot be sealed.
pub fn vouchers(checkpoints: &[Checkpoint], to: u64) -> Option<(Checkpoint, Option<Checkpoint>)> {
    let seal = checkpoints
        .iter()
        .filter(|checkpoint| checkpoint.to == to)
        .max_by_key(|checkpoint| checkpoint.at)?;
    let newest = checkpoints
        .iter()
        .max_by_key(|checkpoint| (checkpoint.to, checkpoint.at))?;
    let ahead = newest.to > to;
    Some(if ahead {
        (newest.clone(), Some(seal.clone()))
    } else {
        (seal.clone(), None)
    })
}

impl Held {
    /// The same as an answer to the site, and as what its next epoch names.
    pub fn ended(&self) -> Previous {
        Previous {
            epoch: self.epoch,
            to: self.to,
            head: self.head,
        }
    }
}
