//! Observations from a spreadsheet: CSV text (RFC 4180) with a header, all or nothing.

use std::collections::HashMap;

use chrono::NaiveDate;
use csv::StringRecord;
use entity::{
    Kind, ObservationId, ObservationState, ProjectId, SiteId, Visibility, impact_measure, observation, project,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QuerySelect};

use super::{
    national,
    observations::{Breakdown, Said, checked},
};
use crate::{
    app::Work,
    error::{Error, Problem, ProblemCode, Result},
    input::Check,
    policy::Action,
    scope::readable,
    sites,
};

/// Most lines of one file below its header.
pub const MOST_LINES: usize = 5_000;

/// The columns that a file may have; the first two it must have.
pub const COLUMNS: [&str; 8] = [
    "measure",
    "observed_on",
    "project",
    "value",
    "numerator",
    "denominator",
    "breakdown",
    "note",
];

/// A line of the file by its columns.
struct Line {
    number: u64,
    columns: HashMap<&'static str, String>,
}

/// What lines name, by code and slug.
struct Named {
    measures: HashMap<String, impact_measure::Model>,
    projects: HashMap<String, ProjectId>,
}

/// Records every line of a CSV text as an observation. `progress` hears how many lines of how many are done.
///
/// # Errors
/// Problems at `csv.<line>.<column>` for every line that is wrong; what [`Work::allow_at`] and [`Work::author`] refuse.
pub async fn import(
    work: &mut Work<'_>,
    site: &str,
    csv: &str,
    progress: impl Fn(usize, usize) + Send + Sync,
) -> Result<Vec<ObservationId>> {
    let site = sites::ops::named(work.db(), site).await?;
    work.allow_at(Action::Create, Kind::Observation, site.id).await?;
    let owner = work.author(site.id)?;
    let (lines, mut problems) = lines(csv)?;
    let named = named(work, site.id, &lines).await?;
    let mut rows = Vec::new();
    for line in &lines {
        match line.observation(&named, work.today()) {
            Ok(row) => rows.push(row),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    let mut ids = Vec::new();
    let all = rows.len();
    for row in rows {
        let row = observation::ActiveModel {
            id: Set(work.new_id()),
            site_id: Set(site.id),
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

/// The lines below the header, and the problems of those that are no line of this table.
fn lines(csv: &str) -> Result<(Vec<Line>, Vec<Problem>)> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes());
    let mut records = reader.records();
    let columns = match records.next() {
        Some(Ok(header)) => header_columns(&header)?,
        _ => {
            return Err(Error::problem(
                ProblemCode::Required,
                "csv",
                "Begin with a line of column names.",
            ));
        }
    };
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    for record in records {
        // Text is UTF-8 and lines may have any length, so a record is always read.
        let record = record.map_err(Error::internal)?;
        let number = line_number(csv, &record);
        if record.len() == columns.len() {
            let fields = record.iter().map(|field| field.trim().to_owned());
            let columns = columns.iter().copied().zip(fields).collect();
            lines.push(Line { number, columns });
        } else {
            let why = format!("This line has {} columns, the header {}.", record.len(), columns.len());
            problems.push(problem(number, "", ProblemCode::Invalid, &why));
        }
    }
    if lines.len() + problems.len() > MOST_LINES {
        let why = format!("Import at most {MOST_LINES} lines at once.");
        return Err(Error::problem(ProblemCode::TooLong, "csv", why));
    }
    if lines.is_empty() && problems.is_empty() {
        return Err(Error::problem(
            ProblemCode::Required,
            "csv",
            "There is no line below the header.",
        ));
    }
    Ok((lines, problems))
}

/// The number of the line, from 1, on which a record begins. Blank lines before it are no record.
fn line_number(csv: &str, record: &StringRecord) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let blank = csv.get(start..).map_or("", |rest| {
        &rest[..rest.len() - rest.trim_start_matches(['\r', '\n']).len()]
    });
    position.line() + blank.matches('\n').count() as u64
}

fn header_columns(header: &StringRecord) -> Result<Vec<&'static str>> {
    let mut check = Check::new();
    let mut columns = Vec::new();
    for name in header {
        let name = name.trim().to_lowercase();
        match COLUMNS.iter().find(|column| **column == name) {
            Some(column) if columns.contains(column) => {
                check.note(
                    ProblemCode::Invalid,
                    "csv.1",
                    format!("The column {column} occurs twice."),
                );
            }
            Some(column) => columns.push(*column),
            None => {
                let known = COLUMNS.join(", ");
                check.note(
                    ProblemCode::Invalid,
                    "csv.1",
                    format!("There is no column {name:?}. The columns are {known}."),
                );
            }
        }
    }
    for needed in &COLUMNS[..2] {
        if !columns.contains(needed) {
            let path = format!("csv.1.{needed}");
            check.note(ProblemCode::Required, &path, format!("The column {needed} is missing."));
        }
    }
    check.done()?;
    Ok(columns)
}

/// Reads the measures and projects that a file names; measures are held until the work ends.
async fn named(work: &Work<'_>, site: SiteId, lines: &[Line]) -> Result<Named> {
    use impact_measure::Column as Measure;
    let all = |column: &str| {
        let mut names: Vec<_> = lines.iter().filter_map(|line| line.field(column)).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let homes = std::iter::once(site).chain(national(work).await?);
    let measures = readable::<impact_measure::Entity>(work.caller())
        .filter(Measure::SiteId.is_in(homes))
        .filter(Measure::Code.is_in(all("measure")))
        .lock_shared();
    let mut measures = measures.all(work.db()).await?;
    // The site's own come last, so that they win over national ones of the same code.
    measures.sort_by_key(|measure| measure.site_id == site);
    let projects = readable::<project::Entity>(work.caller())
        .filter(project::Column::SiteId.eq(site))
        .filter(project::Column::Slug.is_in(all("project")));
    let projects = projects.all(work.db()).await?;
    Ok(Named {
        measures: measures.into_iter().map(|row| (row.code.clone(), row)).collect(),
        projects: projects.into_iter().map(|row| (row.slug, row.id)).collect(),
    })
}

impl Line {
    fn field(&self, column: &str) -> Option<&str> {
        self.columns
            .get(column)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The observation that a line tells.
    fn observation(&self, named: &Named, today: NaiveDate) -> Result<observation::ActiveModel, Vec<Problem>> {
        let mut check = Check::new();
        let row = self.read(&mut check, named, today);
        match (check.done(), row) {
            (Ok(()), Some(row)) => Ok(row),
            (Err(Error::Invalid(problems)), _) => Err(problems.iter().map(|one| self.placed(one)).collect()),
            (Err(_), _) | (Ok(()), None) => Err(vec![problem(
                self.number,
                "",
                ProblemCode::Invalid,
                "This line cannot be read.",
            )]),
        }
    }

    /// Reads every column before it gives up, so that a person learns of all that is wrong in a line.
    fn read(&self, check: &mut Check, named: &Named, today: NaiveDate) -> Option<observation::ActiveModel> {
        let measure = self.measure(check, named);
        let project = self.project(check, named);
        let day = self.day(check);
        let value = self.figure(check, "value");
        let numerator = self.figure(check, "numerator");
        let denominator = self.figure(check, "denominator");
        let breakdown = self.breakdown(check);
        let measure = measure?;
        let said = Said {
            project: project?,
            observed_on: day?,
            value: value?,
            numerator: numerator?,
            denominator: denominator?,
            breakdown: breakdown?,
            note: self.field("note").map(str::to_owned),
        };
        Some(observation::ActiveModel {
            measure_id: Set(measure.id),
            ..checked(check, measure, said, today)
        })
    }

    fn measure<'a>(&self, check: &mut Check, named: &'a Named) -> Option<&'a impact_measure::Model> {
        let Some(code) = self.field("measure") else {
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

    fn project(&self, check: &mut Check, named: &Named) -> Option<Option<ProjectId>> {
        let Some(slug) = self.field("project") else {
            return Some(None);
        };
        let found = named.projects.get(slug).copied();
        if found.is_none() {
            let why = format!("This site has no project {slug:?}.");
            check.note(ProblemCode::Invalid, "project", why);
        }
        found.map(Some)
    }

    fn day(&self, check: &mut Check) -> Option<NaiveDate> {
        let Some(text) = self.field("observed_on") else {
            check.note(ProblemCode::Required, "observed_on", "Give a day as YYYY-MM-DD.");
            return None;
        };
        let day = text.parse().ok().filter(|_| text.len() == 10);
        if day.is_none() {
            check.note(ProblemCode::Invalid, "observed_on", "Write the day as YYYY-MM-DD.");
        }
        day
    }

    fn figure(&self, check: &mut Check, column: &str) -> Option<Option<Decimal>> {
        let Some(text) = self.field(column) else {
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

    fn breakdown(&self, check: &mut Check) -> Option<Vec<Breakdown>> {
        let pairs = self.field("breakdown").unwrap_or_default().split(';');
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

    /// The same problem with its place in the file.
    fn placed(&self, found: &Problem) -> Problem {
        let column = match found.path.first().map_or("", String::as_str) {
            "observedOn" => "observed_on",
            other => other,
        };
        problem(self.number, column, found.code, &found.message)
    }
}

fn problem(line: u64, column: &str, code: ProblemCode, why: &str) -> Problem {
    Problem::new(code, format!("csv.{line}.{column}"), format!("Line {line}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(csv: &str) -> Vec<u64> {
        let (lines, _) = lines(csv).unwrap();
        lines.iter().map(|line| line.number).collect()
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        assert_eq!(numbers("measure,observed_on\na,b\nc,d\n"), [2, 3]);
        assert_eq!(numbers("measure,observed_on\r\na,b\r\n\r\n\r\nc,d"), [2, 5]);
        assert_eq!(
            numbers("\u{feff}measure,observed_on,note\na,b,\"two\nlines\"\nc,d,e\n"),
            [2, 4]
        );
    }

    #[test]
    fn the_header_names_known_columns_once_in_any_order() {
        let refused = |csv| lines(csv).is_err();

        assert!(!refused("Observed_On, measure\na,b"));
        assert!(refused("measure\na"));
        assert!(refused("measure,observed_on,measure\na,b,c"));
        assert!(refused("measure,observed_on,colour\na,b,c"));
        assert!(refused("measure,observed_on\n"));
        assert!(refused(""));
    }

    #[test]
    fn a_line_of_another_length_is_a_problem_of_that_line() {
        let (lines, problems) = lines("measure,observed_on\na,b\nc\n").unwrap();

        assert_eq!(lines.len(), 1);
        assert_eq!(problems[0].path, ["csv", "3"]);
    }
}
