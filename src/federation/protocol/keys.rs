//! Whom a host trusts to speak for a site (`docs/federation.md`, sections 2 and 8).
//!
//! A host keeps the first key that it saw of a site and refuses a later one without proof: so the hub, which carries the
//! directory, can invent a site but never become one.

use super::rules::{Rule, Rules};
use crate::federation::wire::{Audience, Epoch, Key, Member, PublicKey, Verify, Window, key_message, root_message};

/// The keys of one site that a host has accepted, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    held: Vec<Trusted>,
}

/// A key that a host has accepted. Rows of the database hold it in this shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Its name.
    pub kid: String,
    /// Its public half.
    pub public: PublicKey,
    /// Whether it was revoked. It never becomes good again.
    pub revoked: bool,
    /// What it may sign.
    pub covers: Covers,
}

/// What a key may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covers {
    /// Everything. So the national site's key, which a host pins when it joins: the feed that would carry its windows is
    /// the one that it signs.
    Everything,
    /// What the directory says.
    Windows(Vec<Window>),
}

/// What a host has learnt from a directory record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learnt {
    /// The keys that it accepts from now on.
    pub keys: Keys,
    /// Whether a key that it accepted has been revoked: every feed of the site is read anew
    /// ([`super::cursor::Cursor::restarted`]).
    pub roll: bool,
}

/// Why a directory record's keys are not believed. The keys accepted so far stay.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// A key that neither an accepted key nor the root has proven.
    #[error("the key {0} is not proven")]
    Unproven(String),
    /// The name of an accepted key with another key behind it.
    #[error("the key {0} is another than the accepted one of that name")]
    Swapped(String),
}

impl Keys {
    /// Keys as they were stored, oldest first.
    pub fn new(held: Vec<Trusted>) -> Self {
        Self { held }
    }

    /// The key of the national site that a host pins when it joins.
    pub fn pinned(kid: impl Into<String>, public: PublicKey) -> Self {
        Self::new(vec![Trusted {
            kid: kid.into(),
            public,
            revoked: false,
            covers: Covers::Everything,
        }])
    }

    /// The accepted keys, oldest first.
    pub fn held(&self) -> &[Trusted] {
        &self.held
    }

    /// Takes in what the directory says of a site's keys.
    ///
    /// # Errors
    ///
    /// A key without proof, or another key under an accepted name. Nothing of the record's keys is taken then.
    pub fn learn(
        &self,
        member: &Member,
        root: Option<PublicKey>,
        signatures: &impl Verify,
        rules: Rules,
    ) -> Result<Learnt, KeyRefusal> {
        let mut keys = self.clone();
        let mut roll = false;
        for key in &member.keys {
            if let Some(held) = keys.held.iter_mut().find(|held| held.kid == key.kid) {
                if held.public != key.public {
                    return Err(KeyRefusal::Swapped(key.kid.clone()));
                }
                roll |= held.update(key);
            } else {
                // A key that comes revoked is remembered without proof, so that it never counts, whatever a directory
                // that has forgotten says later.
                let revoked = key.revoked_at.is_some();
                let first = self.held.is_empty() && keys.held.iter().all(|held| held.revoked);
                let believed = revoked || first || keys.proves(member, key, root, signatures);
                if rules.on(Rule::KeyProof) && !believed {
                    return Err(KeyRefusal::Unproven(key.kid.clone()));
                }
                keys.held.push(Trusted {
                    kid: key.kid.clone(),
                    public: key.public,
                    revoked,
                    covers: Covers::Windows(key.feeds.clone()),
                });
            }
        }
        Ok(Learnt { keys, roll })
    }

    /// Whether the newest accepted key or the root signed this one. A revoked key proves nothing: its thief has it too.
    fn proves(&self, member: &Member, key: &Key, root: Option<PublicKey>, signatures: &impl Verify) -> bool {
        let Some(proof) = key.proof else { return false };
        let revoked_now = |kid: &str| member.keys.iter().any(|key| key.kid == kid && key.revoked_at.is_some());
        let by_previous = self.held.last().is_some_and(|previous| {
            let message = key_message(member.site, &key.kid, key.public);
            !previous.revoked && !revoked_now(&previous.kid) && signatures.verify(previous.public, &message, proof)
        });
        by_previous
            || root.is_some_and(|root| signatures.verify(root, &root_message(member.site, &key.kid, key.public), proof))
    }

    /// The key of this name, when it may sign this position.
    pub fn covering(&self, kid: &str, audience: Audience, epoch: Epoch, to: u64, rules: Rules) -> Option<PublicKey> {
        let key = self.held.iter().find(|key| key.kid == kid)?;
        let covers = !key.revoked && key.covers(audience, epoch, to);
        (covers || !rules.on(Rule::KeyWindow)).then_some(key.public)
    }

    /// Whether this epoch is the feed's present one: some key may sign it without end. An epoch that has closed must
    /// not be read again, for it ends before later erasures.
    pub fn is_open(&self, audience: Audience, epoch: Epoch, rules: Rules) -> bool {
        let open = |window: &Window| window.audience == audience && window.epoch == epoch && window.to.is_none();
        !rules.on(Rule::KeyWindow)
            || self
                .held
                .iter()
                .filter(|key| !key.revoked)
                .any(|key| match &key.covers {
                    Covers::Everything => true,
                    Covers::Windows(windows) => windows.iter().any(open),
                })
    }

    /// The key that a site signs with now: the newest, unless it is revoked.
    pub fn current(&self) -> Option<&Trusted> {
        self.held.last().filter(|key| !key.revoked)
    }
}

impl Trusted {
    /// Takes in what the directory says now. Tells whether the key has just been revoked.
    fn update(&mut self, key: &Key) -> bool {
        let revoked = !self.revoked && key.revoked_at.is_some();
        self.revoked |= revoked;
        if let Covers::Windows(windows) = &mut self.covers {
            windows.clone_from(&key.feeds);
        }
        revoked
    }

    fn covers(&self, audience: Audience, epoch: Epoch, to: u64) -> bool {
        match &self.covers {
            Covers::Everything => true,
            Covers::Windows(windows) => windows.iter().any(|window| window.covers(audience, epoch, to)),
        }
    }
}
