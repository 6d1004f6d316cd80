//! What other hosts see of a champion: the card, where its owner shares it. Nothing else of a person ever leaves.

use chrono::{DateTime, Utc};
use entity::{ChampionKind, ChampionStatus, DigitalSkill, SiteId, StaffGroup, Visibility, champion};
use sea_orm::{ConnectionTrait, prelude::Uuid};
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    federation::wire::Audience,
    share::{Shape, Share, shared},
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
