//! All that this host keeps of a person, page by page (`docs/privacy.md`, section 3).
//!
//! A page is one document. It walks the sources below in their order and each by its ids, so that a person with any number
//! of records gets them in as many pages as needed, each at a bounded number of statements and of bounded size.

mod records;
mod sources;

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{ChampionId, Kind, SiteId, audit_person, champion};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};
use serde_json::{Value, json};

use self::sources::SOURCES;
use crate::{
    app::{App, Work},
    error::{Error, ProblemCode, Result},
    policy::{Action, Caller},
    scope::covers,
    sites,
};

/// What the document calls itself.
const FORMAT: &str = "champion-network/person";

/// The version of its shape.
const VERSION: u32 = 1;

/// How many records a page holds at the most; one with a long text counts for several.
pub const RECORDS_A_PAGE: u64 = 1_000;

/// What is said of a place that is none.
const NO_PLACE: &str = "This is no `next` of an export.";

/// Whose records are wanted.
#[derive(Clone, Debug)]
struct Person {
    champions: Vec<ChampionId>,
    identity: Option<(String, String)>,
    /// Their names in the audits of the sites where these say who they are.
    pseudonyms: Vec<Uuid>,
}

impl Person {
    /// Somebody with these cards; the names of a token say at `sites` who they are.
    async fn of(
        db: &impl ConnectionTrait,
        champions: Vec<ChampionId>,
        identity: Option<(String, String)>,
        sites: &[SiteId],
    ) -> Result<Self> {
        let pseudonyms = match &identity {
            Some((issuer, subject)) => pseudonyms(db, issuer, subject, sites).await?,
            None => Vec::new(),
        };
        Ok(Self {
            champions,
            identity,
            pseudonyms,
        })
    }
}

async fn pseudonyms(db: &impl ConnectionTrait, issuer: &str, subject: &str, sites: &[SiteId]) -> Result<Vec<Uuid>> {
    use audit_person::Column::{Issuer, Pseudonym, SiteId, Subject};
    let own = audit_person::Entity::find()
        .select_only()
        .column(Pseudonym)
        .filter(Issuer.eq(issuer))
        .filter(Subject.eq(subject))
        .filter(SiteId.is_in(sites.iter().copied()));
    Ok(own.into_tuple().all(db).await?)
}

/// The slugs of the sites.
type Slugs = HashMap<SiteId, String>;

/// From where a page goes on: in a source, behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    source: usize,
    after: Option<Uuid>,
}

impl Place {
    const START: Self = Self { source: 0, after: None };

    fn parse(text: &str) -> Option<Self> {
        let (name, after) = text.split_once('.').unwrap_or((text, ""));
        let source = SOURCES.iter().position(|source| source.name() == name)?;
        let after = match after {
            "" => None,
            id => Some(id.parse().ok()?),
        };
        Some(Self { source, after })
    }

    fn print(self) -> String {
        let name = SOURCES[self.source].name();
        self.after.map_or_else(|| name.to_owned(), |id| format!("{name}.{id}"))
    }
}

/// A page of what this host keeps of the caller, at all sites that accept their token.
///
/// # Errors
/// [`Error::Unauthenticated`] when nobody is signed in, [`Error::Argument`] for what is no place of an export.
pub async fn of_caller(app: &App, caller: &Caller, after: Option<&str>) -> Result<Value> {
    let identity = caller.identity.as_ref().ok_or(Error::Unauthenticated)?;
    let champions = caller.champions.iter().map(|own| own.id).collect();
    let names = Some((identity.issuer.clone(), identity.subject.clone()));
    let person = Person::of(app.reader(), champions, names, &identity.sites).await?;
    page(app, &person, after).await
}

/// Enters in the audit that somebody is handed what is kept of a champion.
///
/// # Errors
/// A problem for what is no place of an export; what [`Work::get`] and [`Work::allow`] refuse.
pub async fn hand_over(work: &mut Work<'_>, id: ChampionId, after: Option<&str>) -> Result<ChampionId> {
    let row = work.get::<champion::Entity>(id).await?;
    work.allow::<champion::Entity>(Action::Export, &row)?;
    if after.is_some_and(|after| Place::parse(after).is_none()) {
        return Err(Error::problem(ProblemCode::Invalid, "after", NO_PLACE));
    }
    work.audit(row.site_id, Kind::Champion, id);
    Ok(id)
}

/// A page of what this host keeps of a champion, at the champion's site.
///
/// # Errors
/// [`Error::Forbidden`] when the caller may not have it, [`Error::Argument`] for what is no place of an export.
pub async fn of_champion(app: &App, caller: &Caller, row: &champion::Model, after: Option<&str>) -> Result<Value> {
    if !covers::<champion::Entity>(caller, Action::Export, row) {
        return Err(Error::Forbidden);
    }
    let names = row.issuer.clone().zip(row.subject.clone());
    let person = Person::of(app.reader(), vec![row.id], names, &[row.site_id]).await?;
    page(app, &person, after).await
}

async fn page(app: &App, person: &Person, after: Option<&str>) -> Result<Value> {
    let place = match after {
        Some(text) => Place::parse(text).ok_or_else(|| Error::argument("after", NO_PLACE))?,
        None => Place::START,
    };
    let db = app.reader();
    let slugs = sites::ops::all(db).await?.into_iter();
    let slugs = slugs.map(|site| (site.id, site.slug)).collect();
    let (records, next) = walk(db, person, &slugs, place).await?;
    let (issuer, subject) = person.identity.clone().unzip();
    Ok(json!({
        "format": FORMAT,
        "version": VERSION,
        "host": app.settings.host_name,
        "madeAt": time(app.clock.now()),
        "person": { "issuer": issuer, "subject": subject },
        "records": records,
        "next": next.map(Place::print),
    }))
}

/// The records from a place on that a page has room for, and where the next one goes on.
async fn walk(
    db: &impl ConnectionTrait,
    person: &Person,
    slugs: &Slugs,
    start: Place,
) -> Result<(Vec<Value>, Option<Place>)> {
    let (mut records, mut room) = (Vec::new(), RECORDS_A_PAGE);
    for (number, source) in SOURCES.iter().enumerate().skip(start.source) {
        let limit = room / source.weight();
        let mut after = start.after.filter(|_| number == start.source);
        if limit > 0 {
            let found = source.read(db, person, slugs, after, limit).await?;
            let count = found.len() as u64;
            room -= count * source.weight();
            after = found.last().map(|(id, _)| *id).or(after);
            records.extend(found.into_iter().map(|(_, record)| record));
            if count < limit {
                continue;
            }
        }
        return Ok((records, Some(Place { source: number, after })));
    }
    Ok((records, None))
}

/// An instant as the API prints it.
fn time(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_printed_and_nothing_else_is_one() {
        for (source, _) in SOURCES.iter().enumerate() {
            for after in [None, Some(Uuid::from_u128(7))] {
                let place = Place { source, after };
                assert_eq!(Place::parse(&place.print()), Some(place));
            }
        }
        for other in [
            "",
            "x",
            "Post.1",
            "Nothing",
            "Nothing.00000000-0000-0000-0000-000000000007",
        ] {
            assert_eq!(Place::parse(other), None, "{other}");
        }
    }
}
