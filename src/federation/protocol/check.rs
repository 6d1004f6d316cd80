//! Signatures, hashes and JSON of a batch, judged before any lock is taken (`docs/federation.md`, sections 3, 6 and 7).

use uuid::Uuid;

use super::{
    apply::{Content, Facts, Reason},
    directory::{Reader, Standing},
    rules::{Rule, Rules},
};
use crate::federation::wire::{
    Audience, Batch, Checkpoint, Epoch, Fork, Head, Header, Malformed, Operation, Status, Verify, checkpoint_message,
    first_head, next_head, payload_hash,
};

/// A batch whose every byte its origin has vouched for. Only [`check`] and [`check_append`] make one.
#[derive(Clone, Debug)]
pub struct Checked {
    pub(super) batch: Batch,
    pub(super) entries: Vec<CheckedEntry>,
}

/// One entry of a checked batch.
#[derive(Clone, Debug)]
pub struct CheckedEntry {
    /// What its header says.
    pub header: Header,
    /// The head after it.
    pub head: Head,
    /// What its payload says, when it has one and somebody looked.
    pub content: Option<Result<Facts, Reason>>,
}

/// Why a batch, an answer or an append is not taken. The variant says what the caller does next; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not continue the cursor: late, repeated or out of order. Forget it and ask again.
    #[error("does not continue where this host stands")]
    Discard,
    /// History broke: store [`super::cursor::Cursor::restarted`] and read the feed from its start.
    #[error("start over: {0}")]
    Restart(Why),
    /// The origin has signed two stories. Alert people with the proof and tell the hub of it, forget the checkpoints that
    /// are held, then start over as for [`Refusal::Restart`].
    #[error("the origin signed two stories")]
    Fork(Box<Fork>),
    /// The directory does not count the origin as active.
    #[error("the origin is {0:?}")]
    NotActive(Status),
    /// The feed is not for this host.
    #[error("the feed is for others")]
    NotForUs,
    /// An append to a feed that is for nobody in the directory, or one feed more than a site may have.
    #[error("the site may not open this feed")]
    NoSuchFeed,
    /// A key that is unknown, revoked, or not allowed to sign this position; or an epoch that the directory does not
    /// know as the present one. Ask again when the directory has moved; report it when that does not help.
    #[error("the key {kid} may not sign this")]
    UntrustedKey {
        /// The name of the key.
        kid: String,
    },
    /// A signature that does not hold. Report it.
    #[error("the signature with the key {kid} does not hold")]
    Signature {
        /// The name of the key.
        kid: String,
    },
    /// The end of the batch is not signed by its origin. Report the sender.
    #[error("the end of the batch is not signed")]
    Unsealed,
    /// An entry is not what its origin signed. Report the sender.
    #[error("forged entry at {pos}: {what}")]
    Forged {
        /// Its position.
        pos: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Too large, or no batch at all.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// Why a feed is read from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The sender's chain does not hold the cursor's head, or the feed has another epoch.
    #[error("the feed's history has changed")]
    Diverged,
    /// The origin itself says that its feed ends before the cursor or a mark.
    #[error("the origin has fallen back")]
    FellBack,
    /// The head that the consumer set out to reach is not on the chain.
    #[error("the head to reach is not on the chain")]
    BootMark,
    /// The head under which a payload was skipped is not on the chain.
    #[error("the head that explained a skipped payload is not on the chain")]
    SkipMark,
    /// A payload was missing although nothing has replaced it.
    #[error("a payload was withheld")]
    Withheld,
}

/// Judges a batch that this host pulled, and reads the payloads that it knows.
pub fn check(
    batch: Batch,
    reader: &Reader,
    standing: &Standing,
    content: &impl Content,
    signatures: &impl Verify,
    rules: Rules,
) -> Result<Checked, Refusal> {
    if !reader.may_read(batch.audience, rules) {
        return Err(Refusal::NotForUs);
    }
    if !standing.keys.is_open(batch.audience, batch.epoch, rules) {
        let kid = batch.checkpoint.kid;
        return Err(Refusal::UntrustedKey { kid });
    }
    let mut checked = verify(batch, standing, signatures, rules, Signer::Covering)?;
    let Batch {
        origin,
        audience,
        entries,
        ..
    } = &checked.batch;
    for (entry, sent) in checked.entries.iter_mut().zip(entries) {
        if let (Operation::Put, Some(payload)) = (entry.header.op, &sent.payload) {
            entry.content = Some(content.check(&entry.header, payload, *origin, *audience));
        }
    }
    Ok(checked)
}

/// Judges a batch that a site appends at the hub. Only the site's present key may sign one, wherever its windows begin: a
/// site that came back from a backup has to be told where it stands, and a new epoch has no window yet.
pub fn check_append(
    batch: Batch,
    standing: &Standing,
    signatures: &impl Verify,
    rules: Rules,
) -> Result<Checked, Refusal> {
    verify(batch, standing, signatures, rules, Signer::Present)
}

/// Whether a site may still append what [`check_append`] has taken, as far as the directory says now.
///
/// # Errors
///
/// The site is not active any more, or signs with another key.
pub fn still_appends(checked: &Checked, standing: Option<&Standing>) -> Result<(), Refusal> {
    let status = standing.map_or(Status::Left, |standing| standing.status);
    if status != Status::Active {
        return Err(Refusal::NotActive(status));
    }
    let kid = &checked.batch.checkpoint.kid;
    let present = standing.and_then(|standing| standing.keys.current());
    if present.is_none_or(|present| present.kid != *kid) {
        return Err(Refusal::UntrustedKey { kid: kid.clone() });
    }
    Ok(())
}

impl Checked {
    /// The batch as it came, byte for byte.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The entries with what was read from them, lowest position first.
    pub fn entries(&self) -> &[CheckedEntry] {
        &self.entries
    }

    /// Every record that judging the batch will ask a [`super::apply::Replica`] about; some more than once.
    pub fn gids(&self) -> impl Iterator<Item = Uuid> {
        self.entries.iter().flat_map(|entry| {
            let facts = entry.content.as_ref().and_then(|content| content.as_ref().ok());
            [
                Some(entry.header.gid),
                entry.header.parent,
                facts.and_then(|facts| facts.author),
                facts.and_then(|facts| facts.space),
            ]
            .into_iter()
            .flatten()
        })
    }

    /// The head after a position of the batch, or right before its first.
    pub(super) fn head_at(&self, pos: u64) -> Option<Head> {
        if pos + 1 == self.batch.from {
            return Some(self.batch.prev);
        }
        let index = usize::try_from(pos.checked_sub(self.batch.from)?).ok()?;
        self.entries.get(index).map(|entry| entry.head)
    }

    pub(super) fn last_head(&self) -> Head {
        self.entries.last().map_or(self.batch.prev, |entry| entry.head)
    }
}

fn verify(
    batch: Batch,
    standing: &Standing,
    signatures: &impl Verify,
    rules: Rules,
    signer: Signer,
) -> Result<Checked, Refusal> {
    if standing.status != Status::Active {
        return Err(Refusal::NotActive(standing.status));
    }
    if standing.origin != batch.origin {
        return Err(Refusal::Discard);
    }
    batch.within_limits()?;
    let begins = batch.from > 1 || batch.prev == first_head(batch.origin, batch.audience, batch.epoch);
    if !begins && rules.on(Rule::Chain) {
        return Err(forged(1, "the epoch begins with another head"));
    }
    let checked = Checked {
        entries: entries(&batch, rules)?,
        batch,
    };
    let batch = &checked.batch;
    let feed = (batch.audience, batch.epoch);
    signed(feed, &batch.checkpoint, standing, signatures, rules, signer)?;
    match batch.sealed_by() {
        Some(seal) if rules.on(Rule::Chain) && seal.head != checked.last_head() => {
            return Err(forged(batch.to, "the chain leads to another head"));
        }
        Some(seal) if batch.seal.is_some() => signed(feed, seal, standing, signatures, rules, signer)?,
        None if rules.on(Rule::Seal) => return Err(Refusal::Unsealed),
        _ => {}
    }
    Ok(checked)
}

/// Whose signature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// That of a key whose window covers the position.
    Covering,
    /// That of the site's present key.
    Present,
}

/// Whether a key that may do so signed a checkpoint of a feed.
pub(super) fn signed(
    (audience, epoch): (Audience, Epoch),
    checkpoint: &Checkpoint,
    standing: &Standing,
    signatures: &impl Verify,
    rules: Rules,
    signer: Signer,
) -> Result<(), Refusal> {
    let kid = &checkpoint.kid;
    let key = match signer {
        Signer::Covering => standing.keys.covering(kid, audience, epoch, checkpoint.to, rules),
        Signer::Present => standing
            .keys
            .current()
            .filter(|key| key.kid == *kid)
            .map(|key| key.public),
    };
    let key = key.ok_or_else(|| Refusal::UntrustedKey { kid: kid.clone() })?;
    let message = checkpoint_message(standing.origin, audience, epoch, checkpoint);
    if signatures.verify(key, &message, checkpoint.sig) {
        Ok(())
    } else {
        Err(Refusal::Signature { kid: kid.clone() })
    }
}

/// Whether a site has signed what a report says it has. `head_at` tells the head after a position as this host holds it of
/// that epoch: whoever holds the feed needs no second checkpoint for the same position.
pub fn is_proof(
    audience: Audience,
    fork: &Fork,
    standing: &Standing,
    head_at: impl Fn(u64) -> Option<Head>,
    signatures: &impl Verify,
    rules: Rules,
) -> bool {
    let feed = (audience, fork.epoch);
    let other = if fork.shown.to == fork.held.to {
        Some(fork.shown.head)
    } else {
        head_at(fork.held.to)
    };
    let is_signed = |word| signed(feed, word, standing, signatures, rules, Signer::Covering).is_ok();
    other.is_some_and(|other| other != fork.held.head) && is_signed(&fork.held) && is_signed(&fork.shown)
}

/// Reads the headers and computes the chain anew.
fn entries(batch: &Batch, rules: Rules) -> Result<Vec<CheckedEntry>, Refusal> {
    let mut head = batch.prev;
    let mut entries: Vec<CheckedEntry> = Vec::with_capacity(batch.entries.len());
    for (pos, entry) in (batch.from..).zip(&batch.entries) {
        let header = Header::parse(&entry.header).map_err(|_| forged(pos, "no header"))?;
        if header.pos != pos {
            return Err(forged(pos, "the header has another position"));
        }
        if (header.op == Operation::Open) != (pos == 1) {
            return Err(forged(pos, "an epoch begins with its opening, and nothing else does"));
        }
        if header.op.has_payload() != header.ph.is_some() {
            return Err(forged(pos, "a payload where none belongs, or none where one does"));
        }
        let hash = match (&entry.payload, entry.salt) {
            (Some(payload), Some(salt)) => Some(payload_hash(salt, payload)),
            (None, None) => header.ph,
            _ => None,
        };
        if rules.on(Rule::PayloadHash) && hash != header.ph {
            return Err(forged(pos, "another payload"));
        }
        head = next_head(head, &entry.header);
        entries.push(CheckedEntry {
            header,
            head,
            content: None,
        });
    }
    Ok(entries)
}

fn forged(pos: u64, what: &'static str) -> Refusal {
    Refusal::Forged { pos, what }
}
