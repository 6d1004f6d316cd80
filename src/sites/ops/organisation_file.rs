//! What the lines of a CSV file say of organisations.

use chrono::NaiveDate;
use entity::OrganisationRole;

use crate::{
    error::{ProblemCode, Result},
    input::{self, Check},
    sheet::{self, Sheet},
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

/// Reads a file. `role` is that of lines which say none.
///
/// # Errors
/// Those of [`Sheet::read`] and [`Sheet::each`].
pub fn read(file: &str, role: Option<OrganisationRole>, today: NaiveDate) -> Result<Vec<Line>> {
    Sheet::read(file, &COLUMNS, NEEDED)?.each(|check, cells| line(check, cells, role, today))
}

fn line(check: &mut Check, cells: &sheet::Line, role: Option<OrganisationRole>, today: NaiveDate) -> Option<Line> {
    let cell = |name: &str| cells.cell(name).map(str::to_owned);
    let code = check.optional_ods_code("ods_code", cell("ods_code"));
    if code.is_none() {
        check.note(ProblemCode::Required, "ods_code", "This cannot be empty.");
    }
    let line = Line {
        number: cells.number,
        name: check.line("name", &cell("name").unwrap_or_default(), input::TITLE),
        opened_on: day(check, "opened_on", cell("opened_on"), today),
        closed_on: day(check, "closed_on", cell("closed_on"), today),
        successors: successors(check, cell("successors"), code.as_deref()),
        role: known_role(check, cell("role"), role),
        ods_code: code.unwrap_or_default(),
    };
    check.period("closed_on", line.opened_on, line.closed_on);
    Some(line)
}

fn day(check: &mut Check, column: &str, text: Option<String>, today: NaiveDate) -> Option<NaiveDate> {
    let text = text?;
    match sheet::day(&text) {
        Some(day) => Some(check.day(column, day, today)),
        None => {
            check.note(ProblemCode::Invalid, column, "Write a date as YYYY-MM-DD.");
            None
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

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
    fn every_problem_of_every_line_is_told() {
        let found = problems(
            "role,ods_code,name,opened_on,closed_on,successors\n\
             ICB,ab,,2022-7-1,1947-12-31,ABC\n\
             PUB,ABC,Inn,2026-02-02,2026-02-01,ABC x\n\
",
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
            ]
        );
    }
}
