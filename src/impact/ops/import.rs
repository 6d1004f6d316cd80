//! Observations from a spreadsheet: CSV text (RFC 4180) with a header, all or nothing.

use std::collections::HashMap;

use chrono::NaiveDate;
use entity::{
    ChampionId, Kind, ObservationId, ObservationState, ProjectId, SiteId, Visibility, champion, impact_measure,
    observation, project,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{
    national,
    observations::{Breakdown, Said, checked},
};
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::Check,
    policy::{Action, may_write},
    sheet::{self, Line, Sheet},
    sites,
};

/// Most lines of one mutation below the first.
const MOST_LINES: usize = 5_000;

/// The columns; those that must be there come first.
const NEEDED: usize = 2;
const COLUMNS: [&str; 8] = [
    "measure",
    "observed_on",
    "project",
    "value",
    "numerator",
    "denominator",
    "breakdown",
    "note",
];

/// What lines name, by code and slug.
struct Named {
    measures: HashMap<String, impact_measure::Model>,
    projects: HashMap<String, ProjectId>,
}

/// Records every line of a CSV text as an observation of the caller.
///
/// # Errors
/// Problems at `csv.<line>.<column>` for every line that is wrong, at `csv` for too many lines; what [`Work::allow_at`]
/// and [`Work::author`] refuse.
pub async fn import(work: &mut Work<'_>, site: &str, csv: &str) -> Result<Vec<ObservationId>> {
    let site = sites::ops::named(work.db(), site).await?;
    work.allow_at(Action::Create, Kind::Observation, site.id).await?;
    let owner = work.author(site.id)?;
    let sheet = Sheet::read(csv, &COLUMNS, NEEDED)?;
    if sheet.line_count() > MOST_LINES {
        let why = format!("Import at most {MOST_LINES} lines at once.");
        return Err(Error::problem(ProblemCode::TooLong, "csv", why));
    }
    take_in(work, site.id, owner, sheet, |_, _| ()).await
}

/// Records every line of a CSV text as an observation of a champion, on the operator's word. `progress` hears how many
/// lines of how many are done.
///
/// # Errors
/// Problems at `csv.<line>.<column>` for every line that is wrong, at `champion` when it is no champion of the site or
/// one that may not write now.
pub async fn import_for(
    work: &mut Work<'_>,
    site: &str,
    champion: ChampionId,
    csv: &str,
    progress: impl Fn(usize, usize) + Send + Sync,
) -> Result<Vec<ObservationId>> {
    let site = sites::ops::named(work.db(), site).await?;
    work.hosted(site.id).await?;
    let owner = champion::Entity::find_by_id(champion).one(work.db()).await?;
    let owner = owner.filter(|row| row.site_id == site.id && may_write(row.status));
    let owner = owner.ok_or_else(|| {
        let why = "This is no champion of the site who is in training, active or on a break.";
        Error::problem(ProblemCode::Invalid, "champion", why)
    })?;
    let sheet = Sheet::read(csv, &COLUMNS, NEEDED)?;
    take_in(work, site.id, owner.id, sheet, progress).await
}

/// Records every line of a sheet, all of them or none.
async fn take_in(
    work: &mut Work<'_>,
    site: SiteId,
    owner: ChampionId,
    sheet: Sheet,
    progress: impl Fn(usize, usize) + Send + Sync,
) -> Result<Vec<ObservationId>> {
    let named = named(work, site, &sheet).await?;
    let today = work.today();
    let rows = sheet.each(|check, line| observation(check, line, &named, today))?;
    let mut ids = Vec::new();
    let all = rows.len();
    for row in rows {
        let row = observation::ActiveModel {
            id: Set(work.new_id()),
            site_id: Set(site),
            visibility: Set(Visibility::Site),
            owner_id: Set(Some(owner)),
            state: Set(ObservationState::Submitted),
            decision_reason: Set(None),
            ..row
        };
        ids.push(work.insert::<observation::Entity>(row).await?.id);
        progress(ids.len(), all);
    }
    Ok(ids)
}

/// Reads the measures and projects that a file names; measures are held until the work ends.
async fn named(work: &Work<'_>, site: SiteId, sheet: &Sheet) -> Result<Named> {
    use impact_measure::Column as Measure;
    let all = |column: &str| {
        let mut names: Vec<_> = sheet.column(column).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let homes = std::iter::once(site).chain(national(work).await?);
    // Who may record at a site may read its projects and every measure, so nothing is told here that was hidden.
    let measures = impact_measure::Entity::find()
        .filter(Measure::SiteId.is_in(homes))
        .filter(Measure::Code.is_in(all("measure")))
        .lock_shared();
    let mut measures = measures.all(work.db()).await?;
    // The site's own come last, so that they win over national ones of the same code.
    measures.sort_by_key(|measure| measure.site_id == site);
    let projects = project::Entity::find()
        .filter(project::Column::SiteId.eq(site))
        .filter(project::Column::Slug.is_in(all("project")));
    let projects = projects.all(work.db()).await?;
    Ok(Named {
        measures: measures.into_iter().map(|row| (row.code.clone(), row)).collect(),
        projects: projects.into_iter().map(|row| (row.slug, row.id)).collect(),
    })
}

/// The observation that a line tells. Every column is read before it gives up, so that a person learns of all that is
/// wrong in a line.
fn observation(check: &mut Check, line: &Line, named: &Named, today: NaiveDate) -> Option<observation::ActiveModel> {
    let measure = measure(check, line, named);
    let project = project(check, line, named);
    let day = day(check, line);
    let value = figure(check, line, "value");
    let numerator = figure(check, line, "numerator");
    let denominator = figure(check, line, "denominator");
    let breakdown = breakdown(check, line);
    let measure = measure?;
    let said = Said {
        project: project?,
        observed_on: day?,
        value: value?,
        numerator: numerator?,
        denominator: denominator?,
        breakdown: breakdown?,
        note: line.cell("note").map(str::to_owned),
    };
    Some(observation::ActiveModel {
        measure_id: Set(measure.id),
        ..checked(check, measure, said, today)
    })
}

fn measure<'a>(check: &mut Check, line: &Line, named: &'a Named) -> Option<&'a impact_measure::Model> {
    let Some(code) = line.cell("measure") else {
        check.note(ProblemCode::Required, "measure", "Name a measure by its code.");
        return None;
    };
    let found = named.measures.get(code);
    if found.is_none() {
        let why = format!("Neither this site nor the national one has a measure {code:?}.");
        check.note(ProblemCode::Invalid, "measure", why);
    }
    found
}

fn project(check: &mut Check, line: &Line, named: &Named) -> Option<Option<ProjectId>> {
    let Some(slug) = line.cell("project") else {
        return Some(None);
    };
    let found = named.projects.get(slug).copied();
    if found.is_none() {
        let why = format!("This site has no project {slug:?}.");
        check.note(ProblemCode::Invalid, "project", why);
    }
    found.map(Some)
}

fn day(check: &mut Check, line: &Line) -> Option<NaiveDate> {
    let Some(text) = line.cell("observed_on") else {
        check.note(ProblemCode::Required, "observed_on", "Give a day as YYYY-MM-DD.");
        return None;
    };
    let day = sheet::day(text);
    if day.is_none() {
        check.note(ProblemCode::Invalid, "observed_on", "Write the day as YYYY-MM-DD.");
    }
    day
}

fn figure(check: &mut Check, line: &Line, column: &str) -> Option<Option<Decimal>> {
    let Some(text) = line.cell(column) else {
        return Some(None);
    };
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let figure = Decimal::from_str_exact(text).ok().filter(|_| plain);
    if figure.is_none() {
        check.note(ProblemCode::Invalid, column, "Write a number such as 12 or 12.50.");
    }
    figure.map(Some)
}

fn breakdown(check: &mut Check, line: &Line) -> Option<Vec<Breakdown>> {
    let pairs = line.cell("breakdown").unwrap_or_default().split(';');
    let pairs = pairs.filter(|pair| !pair.trim().is_empty()).map(|pair| {
        let (dimension, value) = pair.split_once('=')?;
        Some(Breakdown {
            dimension: dimension.to_owned(),
            value: value.to_owned(),
        })
    });
    let pairs = pairs.collect::<Option<Vec<_>>>();
    if pairs.is_none() {
        let why = "Write dimension=value, with a semicolon between two of them.";
        check.note(ProblemCode::Invalid, "breakdown", why);
    }
    pairs
}
