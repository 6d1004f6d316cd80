//! The rules by name, so that simulation can switch one off and show that it is needed.

/// One rule of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// A batch continues the head that the cursor holds; the chain is computed anew.
    Chain,
    /// Who starts over reads under a new generation, which beats whatever an earlier one stored.
    Generation,
    /// A batch that does not begin right behind the cursor is discarded.
    InOrder,
    /// Nothing follows an erasure.
    EraseTerminal,
    /// What the ledger beside the database holds is neither emitted nor applied, whatever a backup says.
    ErasureLedger,
    /// Who has read a feed from its start deletes the rows that it did not see.
    Sweep,
    /// Cursor and rows move in one transaction. The caller's rule: nothing here can hold it.
    AtomicCursor,
    /// A record that is bound to one origin is closed to all others, at the hub and at every consumer.
    OriginCheck,
    /// An entry that is tried again never replaces a later one.
    PosVersion,
    /// The head that a consumer set out to reach must lie on the chain that it reads.
    BootMark,
    /// So must the head under which a superseded payload was skipped.
    SkipMark,
    /// What was skipped as superseded was superseded: by then a later entry of it has come.
    Withheld,
    /// The origin's signature stands at the end of every batch.
    Seal,
    /// A payload has the hash that its header says.
    PayloadHash,
    /// A later key of a site is proven by the one before or by the root.
    KeyProof,
    /// A key signs only the positions that the directory gives it, and none once it is revoked.
    KeyWindow,
    /// A placement comes from the home of its space and places only what was written into that space.
    PlacementHome,
    /// A subject is placed once.
    PlacedOnce,
    /// The author inside a payload belongs to the origin.
    AuthorCheck,
    /// Only the national site yields national types.
    NationalTypes,
    /// A directed feed reaches only whom it is for.
    AudienceCheck,
    /// After an unclean stop a publisher asks its witness before it publishes.
    Witness,
    /// A checkpoint that is not newer proves nothing about now.
    Freshness,
}

/// The rules that hold. Outside tests it has no size and all of them do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    #[cfg(test)]
    off: u32,
}

impl Rules {
    /// Whether a rule holds.
    #[cfg(not(test))]
    pub const fn on(self, _rule: Rule) -> bool {
        true
    }

    /// Whether a rule holds.
    #[cfg(test)]
    pub const fn on(self, rule: Rule) -> bool {
        self.off & (1 << rule as u32) == 0
    }

    /// The same without one rule.
    #[cfg(test)]
    pub const fn without(self, rule: Rule) -> Self {
        Self {
            off: self.off | (1 << rule as u32),
        }
    }
}
