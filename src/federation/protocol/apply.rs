//! What one entry does to a replica (`docs/federation.md`, section 7).

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    directory::Standing,
    rules::{Rule, Rules},
};
use crate::federation::wire::{Audience, Checkpoint, Entry, Epoch, Header, Malformed, Operation, Origin};

/// What a replica says about one feed, `(origin, audience)`, as of now. A host fills it by one bulk read of
/// [`super::check::Checked::gids`]; simulation answers from its maps.
pub trait Replica {
    /// Whose record this is: a site of this host, or the origin of the feed in which it was first put (a row of `replica`
    /// with `first_applied_at`). Deletions of what never came bind nothing.
    fn home(&self, gid: Uuid) -> Option<Origin>;
    /// What this feed last said of the record.
    fn stored(&self, gid: Uuid) -> Option<Stored>;
    /// Whether another feed of the same origin shows the record.
    fn shown_elsewhere(&self, gid: Uuid) -> bool;
    /// Whether the erasure ledger holds the record as one of this origin's.
    fn erased(&self, gid: Uuid) -> bool;
    /// The records of this feed whose newest entry came without payload ([`Effect::Skip`]): all of those that the batch
    /// names, and at least one of the others if there are any.
    fn skipped(&self) -> Vec<Uuid>;
    /// The checkpoint that this host holds of the feed at a position. Starting over keeps it: only so is a story known as a
    /// second one. It goes when the feed is read beyond it, with a fork, and when a key is revoked.
    fn held(&self, epoch: Epoch, to: u64) -> Option<Checkpoint>;
}

/// What a feed last said of a record: a row of `replica`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The generation of the cursor that applied it.
    pub generation: u64,
    /// The position.
    pub pos: u64,
    /// The operation.
    pub op: Operation,
}

/// Knows types and schemas. The host gives its table of kinds, simulation its own.
pub trait Content {
    /// Reads the payload of a `put`: whether the schema is known, the payload valid, and everything in it that names a
    /// home the origin's own.
    fn check(&self, header: &Header, payload: &str, origin: Origin, audience: Audience) -> Result<Facts, Reason>;
    /// Whether only the national site may yield this type.
    fn is_national(&self, kind: &str) -> bool;
}

/// What the rules need to know of a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The record of the author; must be of the origin, as far as this host knows it.
    pub author: Option<Uuid>,
    /// Of a placement: the space that it speaks for; must be of the origin.
    pub space: Option<Uuid>,
}

/// Why an entry is parked with its bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A schema that this server does not know yet: tried again after an upgrade.
    #[error("unknown schema {0}")]
    UnknownSchema(String),
    /// A payload that its schema does not allow.
    #[error("invalid payload: {0}")]
    Invalid(String),
    /// A type that the directory does not allow to this origin.
    #[error("the origin may not yield this type")]
    TypeNotAllowed,
    /// A national type from another site.
    #[error("only the national site yields this type")]
    NationalOnly,
    /// The record is another origin's.
    #[error("the record is bound to another origin")]
    BoundElsewhere,
    /// The author is another origin's.
    #[error("the author belongs to another origin")]
    AuthorElsewhere,
    /// The space of a placement has not come yet: tried again when it does.
    #[error("the space {0} is not here yet")]
    SpaceUnknown(Uuid),
    /// The space of a placement is another origin's.
    #[error("the space belongs to another origin")]
    SpaceElsewhere,
}

/// What the transaction does for one entry. All effects of a step and its cursor go in together (I7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Store the record's shared state, and `(generation, pos, put)` in `replica`. Then try again what is parked and
    /// waits for this record.
    Put {
        /// The record.
        gid: Uuid,
        /// Its type.
        kind: String,
        /// The shape of the payload.
        schema: String,
        /// The position, which is the version of the shared state.
        pos: u64,
        /// The exact text of the shared state.
        payload: String,
        /// The record that must be readable for this one to be.
        parent: Option<Uuid>,
        /// Whether the parent has not come yet: the record is stored and becomes readable with it.
        orphan: bool,
    },
    /// The feed no longer shares the record: store `(generation, pos, del)`.
    Delete {
        /// The record.
        gid: Uuid,
        /// The position.
        pos: u64,
        /// Whether the domain row goes too: no other feed of the origin shows the record.
        last: bool,
    },
    /// The record is gone for ever: add it to the erasure ledger (synced before the commit), store
    /// `(generation, pos, erase)`, and drop its domain row and search rows, the payloads and salts of its earlier entries,
    /// and parked entries.
    Erase {
        /// The record.
        gid: Uuid,
        /// The position.
        pos: u64,
    },
    /// A payload that a later entry has replaced: remember the record as skipped until any other effect names it.
    Skip {
        /// The record.
        gid: Uuid,
        /// The position.
        pos: u64,
    },
    /// Keep the entry with its bytes and report it.
    Park {
        /// The record.
        gid: Uuid,
        /// The position.
        pos: u64,
        /// Why.
        reason: Reason,
        /// What came.
        entry: Entry,
    },
}

/// An entry that was parked, tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It applies now: carry out the effect and forget the parked entry.
    Applies(Effect),
    /// It has to wait on.
    Waits(Reason),
    /// A later entry has replaced it, or the record is erased: forget the parked entry.
    Superseded,
}

/// Tries a parked entry again: after an upgrade, or when the record that it waits for has come. `generation` is that of
/// the cursor; starting over forgets parked entries, so they are of the same.
///
/// # Errors
///
/// The bytes are no entry.
pub fn retry(
    entry: &Entry,
    audience: Audience,
    generation: u64,
    standing: &Standing,
    content: &impl Content,
    replica: &impl Replica,
    rules: Rules,
) -> Result<Retried, Malformed> {
    let header = Header::parse(&entry.header)?;
    let payload = entry.payload.as_deref();
    let facts = payload.map(|payload| content.check(&header, payload, standing.origin, audience));
    let mut view = View::new(replica);
    let judge = Judge {
        standing,
        generation,
        rules,
    };
    Ok(match judge.effect(&mut view, &header, entry, facts.as_ref(), content) {
        Some(Effect::Park { reason, .. }) => Retried::Waits(reason),
        Some(effect) => Retried::Applies(effect),
        None => Retried::Superseded,
    })
}

/// A replica together with what the batch has changed so far.
pub(super) struct View<'a, R> {
    replica: &'a R,
    stored: HashMap<Uuid, Stored>,
    bound: HashSet<Uuid>,
    erased: HashSet<Uuid>,
    skipped: HashSet<Uuid>,
}

impl<'a, R: Replica> View<'a, R> {
    pub(super) fn new(replica: &'a R) -> Self {
        Self {
            replica,
            stored: HashMap::new(),
            bound: HashSet::new(),
            erased: HashSet::new(),
            skipped: replica.skipped().into_iter().collect(),
        }
    }

    /// Whether nothing is left whose payload was skipped and whose later entry has not come.
    pub(super) fn all_followed(&self) -> bool {
        self.skipped.is_empty()
    }

    fn home(&self, gid: Uuid, here: Origin) -> Option<Origin> {
        self.replica
            .home(gid)
            .or_else(|| self.bound.contains(&gid).then_some(here))
    }

    fn stored(&self, gid: Uuid) -> Option<Stored> {
        self.stored.get(&gid).copied().or_else(|| self.replica.stored(gid))
    }

    fn erased(&self, gid: Uuid) -> bool {
        self.erased.contains(&gid) || self.replica.erased(gid)
    }
}

/// Judges entries of one feed under one generation.
pub(super) struct Judge<'a> {
    pub(super) standing: &'a Standing,
    pub(super) generation: u64,
    pub(super) rules: Rules,
}

impl Judge<'_> {
    /// What an entry does; nothing when something later or terminal is stored.
    pub(super) fn effect<R: Replica>(
        &self,
        view: &mut View<'_, R>,
        header: &Header,
        entry: &Entry,
        facts: Option<&Result<Facts, Reason>>,
        content: &impl Content,
    ) -> Option<Effect> {
        let Header { gid, pos, op, .. } = *header;
        if !matches!(op, Operation::Put | Operation::Delete | Operation::Erase) {
            return None;
        }
        view.skipped.remove(&gid);
        if self.is_settled(view, header) {
            return None;
        }
        let park = |reason| Effect::Park {
            gid,
            pos,
            reason,
            entry: entry.clone(),
        };
        let home = view.home(gid, self.standing.origin);
        if self.rules.on(Rule::OriginCheck) && home.is_some_and(|home| home != self.standing.origin) {
            return Some(park(Reason::BoundElsewhere));
        }
        if op == Operation::Put && facts.is_none() {
            view.skipped.insert(gid);
            return Some(Effect::Skip { gid, pos });
        }
        if let Some(Err(reason)) = facts.map(|facts| self.allowed(view, header, facts, content)) {
            return Some(park(reason));
        }
        view.stored.insert(
            gid,
            Stored {
                generation: self.generation,
                pos,
                op,
            },
        );
        Some(match op {
            Operation::Put => {
                view.bound.insert(gid);
                let orphan = |parent| view.home(parent, self.standing.origin).is_none();
                Effect::Put {
                    gid,
                    kind: header.kind.clone(),
                    schema: header.schema.clone(),
                    pos,
                    payload: entry.payload.clone().unwrap_or_default(),
                    parent: header.parent,
                    orphan: header.parent.is_some_and(orphan),
                }
            }
            Operation::Erase => {
                view.erased.insert(gid);
                Effect::Erase { gid, pos }
            }
            _ => Effect::Delete {
                gid,
                pos,
                last: !view.replica.shown_elsewhere(gid),
            },
        })
    }

    /// Whether what is stored is later or terminal.
    fn is_settled<R: Replica>(&self, view: &View<'_, R>, header: &Header) -> bool {
        let terminal = header.op != Operation::Erase;
        if terminal && self.rules.on(Rule::ErasureLedger) && view.erased(header.gid) {
            return true;
        }
        let Some(stored) = view.stored(header.gid) else {
            return false;
        };
        if terminal && self.rules.on(Rule::EraseTerminal) && stored.op == Operation::Erase {
            return true;
        }
        self.rules.on(Rule::PosVersion) && (stored.generation, stored.pos) >= (self.generation, header.pos)
    }

    /// Whether this origin may put this payload.
    fn allowed<R: Replica>(
        &self,
        view: &View<'_, R>,
        header: &Header,
        facts: &Result<Facts, Reason>,
        content: &impl Content,
    ) -> Result<(), Reason> {
        let origin = self.standing.origin;
        if self.rules.on(Rule::NationalTypes) && content.is_national(&header.kind) && !self.standing.national {
            return Err(Reason::NationalOnly);
        }
        if !self.standing.may_yield(&header.kind) {
            return Err(Reason::TypeNotAllowed);
        }
        let facts = facts.as_ref().map_err(Reason::clone)?;
        let author = facts.author.and_then(|author| view.home(author, origin));
        if self.rules.on(Rule::AuthorCheck) && author.is_some_and(|home| home != origin) {
            return Err(Reason::AuthorElsewhere);
        }
        if let Some(space) = facts.space.filter(|_| self.rules.on(Rule::PlacementHome)) {
            match view.home(space, origin) {
                None => return Err(Reason::SpaceUnknown(space)),
                Some(home) if home != origin => return Err(Reason::SpaceElsewhere),
                Some(_) => {}
            }
        }
        Ok(())
    }
}
