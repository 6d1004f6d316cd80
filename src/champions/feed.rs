//! What other hosts see of a champion: the card, where its owner shares it. Nothing else of a person ever leaves.

use chrono::{DateTime, Utc};
use entity::{ChampionId, ChampionKind, ChampionStatus, DigitalSkill, List, SiteId, StaffGroup, Visibility, champion};
use sea_orm::{ConnectionTrait, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    app::Work,
    error::{ProblemCode, Result},
    federation::wire::Audience,
    input::{self, Check},
    policy::states::CARD,
    share::{self, Arrival, Payload, Shape, Share, shared},
};

/// What its entries are.
pub const CHAMPION: Shape = Shape::new("champion", "champion@1");

/// A champion's card as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Card {
    version: i32,
    visibility: Visibility,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    display_name: String,
    kind: ChampionKind,
    staff_group: StaffGroup,
    skills: Vec<DigitalSkill>,
    languages: Vec<String>,
    bio: Option<String>,
    status: ChampionStatus,
}

/// The cards of those of the champions who share theirs.
///
/// # Errors
/// Only when the database fails.
pub async fn shares(db: &impl ConnectionTrait, home: SiteId, ids: &[Uuid]) -> Result<Vec<Share>> {
    let rows = shared::<champion::Entity>(home, ids).all(db).await?;
    rows.into_iter()
        .map(|row| {
            let card = Card {
                version: row.version,
                visibility: row.visibility,
                created_at: row.created_at,
                updated_at: row.updated_at,
                display_name: row.display_name,
                kind: row.kind,
                staff_group: row.staff_group,
                skills: row.skills.0,
                languages: row.languages.0,
                bio: row.bio,
                status: row.status,
            };
            Share::new(row.id, Audience::Network, &card)
        })
        .collect()
}

impl Payload for Card {
    fn check(&self, check: &mut Check) {
        check.shared(self.version, self.visibility, [self.created_at, self.updated_at]);
        check.line("displayName", &self.display_name, input::TITLE);
        check.values("skills", &self.skills);
        check.items("languages", &self.languages, input::WORD);
        check.optional_text("bio", self.bio.clone(), input::ABOUT);
        if !CARD.contains(&self.status.as_str()) {
            check.note(ProblemCode::Invalid, "status", "Champions of this status have no card.");
        }
    }
}

/// Stores the cards of champions of another host, each once. What is private never came, so it stays empty.
///
/// # Errors
/// Only when the database fails.
pub async fn apply(work: &Work<'_>, arrivals: &[Arrival<'_>]) -> Result<()> {
    let rows = arrivals.iter().map(row).collect::<Result<_>>()?;
    share::store_all::<champion::Entity>(work.db(), rows).await
}

fn row(arrival: &Arrival<'_>) -> Result<champion::Model> {
    let card: Card = arrival.read()?;
    Ok(champion::Model {
        id: ChampionId(arrival.id),
        site_id: arrival.home,
        visibility: card.visibility,
        version: card.version,
        created_at: card.created_at,
        updated_at: card.updated_at,
        display_name: card.display_name,
        kind: card.kind,
        staff_group: card.staff_group,
        skills: List(card.skills),
        languages: List(card.languages),
        bio: card.bio,
        status: card.status,
        status_reason: None,
        email: None,
        phone: None,
        issuer: None,
        subject: None,
        claim_code_hash: None,
        claim_expires_at: None,
    })
}
