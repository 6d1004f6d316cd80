//! Reading a CSV file of organisations: every line is checked, and every problem says where it is.

use chrono::NaiveDate;
use csv::{ReaderBuilder, StringRecord, Trim};
use entity::OrganisationRole;

use crate::{
    error::{Error, Problem, ProblemCode, Result},
    input::{self, Check},
};

/// The columns; those that must be there come first.
const COLUMNS: [&str; 6] = ["ods_code", "name", "opened_on", "closed_on", "successors", "role"];
const NEEDED: usize = 2;

/// What a line says of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it stands in the file; the first line has number 1.
    pub number: usize,
    /// Its code in the Organisation Data Service.
    pub ods_code: String,
    /// What it is called.
    pub name: String,
    /// Its first day.
    pub opened_on: Option<NaiveDate>,
    /// Its last day.
    pub closed_on: Option<NaiveDate>,
    /// The codes of those that took its place.
    pub successors: Vec<String>,
    /// What it is.
    pub role: OrganisationRole,
}

/// A problem of a line, optionally of one of its columns.
pub fn problem(number: usize, column: &str, code: ProblemCode, message: &str) -> Problem {
    let place = if column.is_empty() {
        format!("Line {number}")
    } else {
        format!("Line {number}, {column}")
    };
    Problem::new(code, format!("csv.{number}.{column}"), format!("{place}: {message}"))
}

/// Reads a file. `role` is that of lines which say none.
///
/// # Errors
/// [`Error::Invalid`] with the problems of every line that has some.
pub fn read(file: &str, role: Option<OrganisationRole>, today: NaiveDate) -> Result<Vec<Line>> {
    // Spreadsheets put a byte order mark in front.
    let file = file.strip_prefix('\u{feff}').unwrap_or(file);
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .trim(Trim::All)
        .from_reader(file.as_bytes());
    let columns = columns(reader.headers().map_err(Error::internal)?)?;
    let (mut lines, mut problems, mut places) = (Vec::new(), Vec::new(), Places::of(file));
    for record in reader.records() {
        let record = record.map_err(Error::internal)?;
        let number = places.line_at(record.position().map_or(0, csv::Position::byte));
        match line(number, &record, &columns, role, today) {
            Ok(line) => lines.push(line),
            Err(Error::Invalid(found)) => problems.extend(
                found
                    .into_iter()
                    .map(|one| problem(number, &one.path.join("."), one.code, &one.message)),
            ),
            Err(other) => return Err(other),
        }
    }
    if problems.is_empty() {
        Ok(lines)
    } else {
        Err(Error::Invalid(problems))
    }
}

/// Which column stands where.
fn columns(header: &StringRecord) -> Result<Vec<&'static str>> {
    let mut problems = Vec::new();
    let mut found: Vec<&'static str> = Vec::new();
    for name in header {
        match COLUMNS.iter().find(|known| **known == name.to_lowercase()) {
            Some(known) if found.contains(known) => {
                let message = format!("The column {known} is there twice.");
                problems.push(problem(1, "", ProblemCode::Invalid, &message));
            }
            Some(known) => found.push(known),
            None => {
                let message = format!("There is no column {name:?}. The columns are {}.", COLUMNS.join(", "));
                problems.push(problem(1, "", ProblemCode::Invalid, &message));
            }
        }
    }
    for needed in COLUMNS[..NEEDED].iter().filter(|needed| !found.contains(needed)) {
        let message = format!("The column {needed} is missing.");
        problems.push(problem(1, "", ProblemCode::Required, &message));
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(Error::Invalid(problems))
    }
}

fn line(
    number: usize,
    record: &StringRecord,
    columns: &[&str],
    role: Option<OrganisationRole>,
    today: NaiveDate,
) -> Result<Line> {
    let mut check = Check::new();
    if record.len() != columns.len() {
        let why = format!(
            "This line has {} columns, the first line {}.",
            record.len(),
            columns.len()
        );
        return Err(Error::problem(ProblemCode::Invalid, "", why));
    }
    let cell = |name: &str| {
        let at = columns.iter().position(|column| *column == name);
        let text = at.and_then(|at| record.get(at)).unwrap_or_default();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let code = check.optional_ods_code("ods_code", cell("ods_code"));
    if code.is_none() {
        check.note(ProblemCode::Required, "ods_code", "This cannot be empty.");
    }
    let line = Line {
        number,
        name: check.line("name", &cell("name").unwrap_or_default(), input::TITLE),
        opened_on: day(&mut check, "opened_on", cell("opened_on"), today),
        closed_on: day(&mut check, "closed_on", cell("closed_on"), today),
        successors: successors(&mut check, cell("successors"), code.as_deref()),
        role: known_role(&mut check, cell("role"), role),
        ods_code: code.unwrap_or_default(),
    };
    check.period("closed_on", line.opened_on, line.closed_on);
    check.done()?;
    Ok(line)
}

fn day(check: &mut Check, column: &str, text: Option<String>, today: NaiveDate) -> Option<NaiveDate> {
    let text = text?;
    // chrono also reads years of other lengths and missing zeros.
    let day = Some(&text).filter(|text| text.len() == 10);
    if let Some(Ok(day)) = day.map(|text| text.parse()) {
        Some(check.day(column, day, today))
    } else {
        check.note(ProblemCode::Invalid, column, "Write a date as YYYY-MM-DD.");
        None
    }
}

fn successors(check: &mut Check, text: Option<String>, own: Option<&str>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let codes = text.split_whitespace();
    let codes: Vec<_> = codes
        .filter_map(|code| check.optional_ods_code("successors", Some(code.to_owned())))
        .collect();
    if codes.iter().any(|code| Some(code.as_str()) == own) {
        check.note(
            ProblemCode::Invalid,
            "successors",
            "An organisation does not succeed itself.",
        );
    }
    check.set("successors", codes)
}

fn known_role(check: &mut Check, text: Option<String>, role: Option<OrganisationRole>) -> OrganisationRole {
    let given = text.as_ref().map(|text| text.to_uppercase().parse());
    match (given, role) {
        (Some(Ok(given)), _) => return given,
        (Some(Err(_)), _) => {
            let known: Vec<_> = OrganisationRole::ALL.iter().map(|role| role.as_str()).collect();
            let why = format!("Give one of {}.", known.join(", "));
            check.note(ProblemCode::Invalid, "role", why);
        }
        (None, Some(role)) => return role,
        (None, None) => check.note(
            ProblemCode::Required,
            "role",
            "Say what it is: here, or for all lines that do not.",
        ),
    }
    OrganisationRole::Other
}

/// Tells lines by where they begin. The reader's own count is one short after CR LF and after blank lines.
struct Places<'a> {
    file: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Places<'a> {
    fn of(file: &'a str) -> Self {
        Self {
            file: file.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The number of the line that begins at an offset, or after the line ends that stand there. Offsets only grow.
    fn line_at(&mut self, offset: u64) -> usize {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        while let Some(byte) = self.file.get(self.at) {
            if self.at >= offset && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += usize::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 6, 15);

    fn read_as_icb(file: &str) -> Result<Vec<Line>> {
        read(file, Some(OrganisationRole::Icb), TODAY.unwrap())
    }

    fn problems(file: &str) -> Vec<String> {
        let Err(Error::Invalid(problems)) = read(file, None, TODAY.unwrap()) else {
            unreachable!("the file has problems");
        };
        let told = problems
            .into_iter()
            .map(|problem| format!("{} {}", problem.path.join("."), problem.message));
        told.collect()
    }

    #[test]
    fn a_line_is_read_in_whole() {
        let lines = read_as_icb(
            "\u{feff}ods_code,name,opened_on,closed_on,successors\n\
             QJG,\"Suffolk, and North East Essex\",2022-07-01,2026-03-31,D7T5G T6Y0W\n",
        );

        let on = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
        assert_eq!(
            lines.unwrap(),
            [Line {
                number: 2,
                ods_code: "QJG".to_owned(),
                name: "Suffolk, and North East Essex".to_owned(),
                opened_on: on(2022, 7, 1),
                closed_on: on(2026, 3, 31),
                successors: vec!["D7T5G".to_owned(), "T6Y0W".to_owned()],
                role: OrganisationRole::Icb,
            }]
        );
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for end in ["\n", "\r\n"] {
            let file = [
                "ods_code,name",
                "ABC,One",
                "",
                "ABD,\"Two",
                "lines\"",
                "",
                "ABE,Five",
                "",
            ]
            .join(end);
            let found = problems(&file);
            let places: Vec<_> = found.iter().map(|told| told.split(' ').next().unwrap()).collect();
            assert_eq!(
                places,
                ["csv.2.role", "csv.4.name", "csv.4.role", "csv.7.role"],
                "{end:?}"
            );
        }
    }

    #[test]
    fn every_problem_of_every_line_is_told() {
        let found = problems(
            "role,ods_code,name,opened_on,closed_on,successors\n\
             ICB,ab,,2022-7-1,1947-12-31,ABC\n\
             PUB,ABC,Inn,2026-02-02,2026-02-01,ABC x\n\
             ICB,ABD\n",
        );

        let places: Vec<_> = found.iter().map(|told| told.split(' ').next().unwrap()).collect();
        assert_eq!(
            places,
            [
                "csv.2.ods_code",
                "csv.2.name",
                "csv.2.opened_on",
                "csv.2.closed_on",
                "csv.3.successors",
                "csv.3.successors",
                "csv.3.role",
                "csv.3.closed_on",
                "csv.4",
            ]
        );
        assert_eq!(found[8], "csv.4 Line 4: This line has 2 columns, the first line 6.");
    }

    #[test]
    fn a_header_that_is_none_is_told_once() {
        assert_eq!(
            problems("code,name\nABC,One\nABD,Two\n"),
            [
                "csv.1 Line 1: There is no column \"code\". The columns are ods_code, name, opened_on, closed_on, \
                 successors, role.",
                "csv.1 Line 1: The column ods_code is missing.",
            ]
        );
        assert_eq!(problems("").len(), 2);
    }
}
