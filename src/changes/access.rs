//! What a line keeps of a record for the rules, and what it says to one caller.

use std::collections::HashSet;

use entity::{
    ChampionId, ChampionStatus, Kind, ObservationState, PostState, ProposalStatus, ReleaseState, ReportState,
    ResourceStatus, SiteId, SiteStatus, SpaceId, ThreadState, Visibility, site,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};

use super::log::Line;
use crate::{
    error::{Error, Result},
    policy::{Access, Caller},
    scope::would_read,
};

/// What a line says to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// They can read the record and could not before.
    Created,
    /// They could read it before and can now.
    Updated,
    /// They could read it before and cannot now.
    Removed,
}

/// What the rules read, in few letters: there are very many of these. Whose work a record is about plays no part in reading.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    k: Kind,
    h: SiteId,
    v: Visibility,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    t: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<SiteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s: Option<SiteId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    o: Option<ChampionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    c: Option<SpaceId>,
}

/// Writes down what the rules read of a record and its parents.
///
/// # Errors
/// Never for what the tables hold.
pub(super) fn print(accesses: &[Access]) -> Result<String> {
    let kept: Vec<_> = accesses
        .iter()
        .map(|access| Kept {
            k: access.kind,
            h: access.home,
            v: access.visibility,
            t: access.state.to_owned(),
            r: access.receiver,
            s: access.subject,
            o: access.owner,
            c: access.closed_space,
        })
        .collect();
    serde_json::to_string(&kept).map_err(Error::internal)
}

/// Reads what [`print()`] wrote.
///
/// # Errors
/// When nobody wrote it.
pub(super) fn read(text: &str) -> Result<Vec<Access>> {
    let kept: Vec<Kept> = serde_json::from_str(text).map_err(Error::internal)?;
    let access = |kept: Kept| Access {
        receiver: kept.r,
        subject: kept.s,
        owner: kept.o,
        visibility: kept.v,
        state: known_state(&kept.t),
        closed_space: kept.c,
        ..Access::at(kept.k, kept.h)
    };
    Ok(kept.into_iter().map(access).collect())
}

/// The word of the rules that is the same; none for a word that they no longer know, which then grants nothing.
fn known_state(word: &str) -> &'static str {
    macro_rules! among {
        ($($states:ident),+) => {
            [$($states::ALL.iter().map(|state| state.as_str()).find(|state| *state == word)),+]
        };
    }
    let found = among!(
        ChampionStatus,
        ObservationState,
        PostState,
        ProposalStatus,
        ReleaseState,
        ReportState,
        ResourceStatus,
        ThreadState
    );
    found.into_iter().flatten().next().unwrap_or_default()
}

/// What a line says to a caller; none when they see it neither before nor after. Who sees it after must still be asked whether
/// they see it now.
///
/// # Errors
/// Only when the database fails.
pub async fn judge(db: &impl ConnectionTrait, caller: &Caller, line: &Line) -> Result<Option<Told>> {
    let after = line.access_after.as_deref().map(read).transpose()?;
    let before = match &line.access_before {
        Some(before) => Some(read(before)?),
        None if line.was_there => after.clone(),
        None => None,
    };
    let reads = |accesses: &Option<Vec<Access>>| accesses.as_ref().is_some_and(|rows| would_read(caller, rows));
    let told = match (reads(&before), reads(&after)) {
        (false, false) => return Ok(None),
        (false, true) => Told::Created,
        (true, true) => Told::Updated,
        (true, false) => Told::Removed,
    };
    // Whatever is of a site that is not active is hidden with it.
    let rows = if told == Told::Removed { before } else { after };
    let homes: HashSet<_> = rows
        .iter()
        .flatten()
        .filter(|row| row.kind != Kind::Site)
        .map(|row| row.home)
        .collect();
    Ok(all_active(db, homes).await?.then_some(told))
}

async fn all_active(db: &impl ConnectionTrait, sites: HashSet<SiteId>) -> Result<bool> {
    if sites.is_empty() {
        return Ok(true);
    }
    let active = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Id.is_in(sites.iter().copied()))
        .filter(site::Column::Status.eq(SiteStatus::Active));
    let active: Vec<SiteId> = active.into_tuple().all(db).await?;
    Ok(active.len() == sites.len())
}

#[cfg(test)]
mod tests {
    use sea_orm::prelude::Uuid;

    use super::*;
    use crate::policy::{Action, rules};

    #[test]
    fn what_the_rules_read_comes_back_as_it_was() {
        let row = Access {
            receiver: Some(SiteId(Uuid::from_u128(2))),
            owner: Some(ChampionId(Uuid::from_u128(3))),
            visibility: Visibility::Network,
            state: PostState::Visible.as_str(),
            closed_space: Some(SpaceId(Uuid::from_u128(4))),
            ..Access::at(Kind::Post, SiteId(Uuid::from_u128(1)))
        };
        let rows = [row, Access::at(Kind::Space, SiteId(Uuid::from_u128(2)))];

        assert_eq!(read(&print(&rows).unwrap()).unwrap(), rows);
    }

    #[test]
    fn a_word_that_no_rule_knows_grants_nothing() {
        assert_eq!(known_state("GONE"), "");
        assert_eq!(known_state("VISIBLE"), "VISIBLE");
    }

    #[test]
    fn no_rule_of_reading_asks_whose_work_a_record_is_about() {
        for kind in Kind::ALL {
            assert!(rules(*kind, Action::Read).iter().all(|rule| !rule.not_own), "{kind}");
        }
    }
}
