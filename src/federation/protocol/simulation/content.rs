//! What travels in the simulation: kinds, payloads, cheap signatures and chance.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::federation::{
    protocol::apply::{Content, Facts, Reason},
    wire::{Audience, Header, Origin, PublicKey, Signature, Verify},
};

/// The payload of every kind but `member`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    pub rev: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Uuid>,
    /// Of a post: where it was written into. Of a placement: what it speaks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Uuid>,
    #[serde(default)]
    pub order: u64,
    #[serde(default)]
    pub state: String,
    #[serde(default)]
    pub forged: bool,
}

impl Body {
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Which schemas a host knows: those of version 2 only after its upgrade.
#[derive(Clone, Copy, Debug)]
pub struct Schemas {
    pub upgraded: bool,
}

impl Content for Schemas {
    fn check(&self, header: &Header, payload: &str, _: Origin, _: Audience) -> Result<Facts, Reason> {
        if header.schema.ends_with("@2") && !self.upgraded {
            return Err(Reason::UnknownSchema(header.schema.clone()));
        }
        if header.kind == "member" {
            return Ok(Facts::default());
        }
        let body = Body::parse(payload).ok_or_else(|| Reason::Invalid("no body".into()))?;
        Ok(Facts {
            author: body.author,
            space: body.space.filter(|_| header.kind == "placement"),
        })
    }

    fn is_national(&self, kind: &str) -> bool {
        matches!(kind, "member" | "measure")
    }
}

/// Signatures that cost little: whoever knows the public half can sign, and nobody in the simulation does who may not.
#[derive(Clone, Copy, Debug)]
pub struct Cheap;

impl Cheap {
    pub fn sign(key: PublicKey, message: &[u8]) -> Signature {
        let mut state = u64::from_be_bytes(key.0[..8].try_into().unwrap());
        for chunk in message.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            state = (state ^ u64::from_be_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            state ^= state >> 29;
        }
        let mut signature = [0; 64];
        signature[..8].copy_from_slice(&state.to_be_bytes());
        Signature(signature)
    }
}

impl Verify for Cheap {
    fn verify(&self, key: PublicKey, message: &[u8], signature: Signature) -> bool {
        Self::sign(key, message) == signature
    }
}

/// Chance from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }

    /// True so often in a hundred.
    pub fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        (!choices.is_empty()).then(|| choices[self.below(choices.len())].clone())
    }
}
