//! CSV text (RFC 4180) whose first line names its columns: every line is checked, and every problem says where it is.

use chrono::NaiveDate;
use csv::{ReaderBuilder, StringRecord, Trim};

use crate::{
    error::{Error, Problem, ProblemCode, Result},
    input::Check,
};

/// Most problems that are told of one text.
const MOST_PROBLEMS: usize = 200;

/// A table whose first line named known columns, each once.
#[derive(Debug)]
pub struct Sheet {
    lines: Vec<Line>,
    /// Of lines with more or fewer cells than there are columns.
    uneven: Vec<Problem>,
}

/// A line below the first one, by its columns.
#[derive(Debug)]
pub struct Line {
    /// Where it begins, as an editor counts; the first line of the text has number 1.
    pub number: usize,
    columns: Vec<&'static str>,
    cells: StringRecord,
}

impl Sheet {
    /// Reads a text. The first `needed` of the known columns must be there; any order will do.
    ///
    /// # Errors
    /// Problems at `csv.1` for columns that are unknown, there twice or missing, at `csv` when no line follows.
    pub fn read(csv: &str, known: &[&'static str], needed: usize) -> Result<Self> {
        // Spreadsheets put a byte order mark in front.
        let csv = csv.strip_prefix('\u{feff}').unwrap_or(csv);
        let mut reader = ReaderBuilder::new()
            .flexible(true)
            .trim(Trim::All)
            .from_reader(csv.as_bytes());
        // Text is UTF-8 and lines may have any length, so a record is always read.
        let columns = columns(reader.headers().map_err(Error::internal)?, known, needed)?;
        let (mut lines, mut uneven, mut places) = (Vec::new(), Vec::new(), Places::of(csv));
        for record in reader.records() {
            let cells = record.map_err(Error::internal)?;
            let number = places.line_at(cells.position().map_or(0, csv::Position::byte));
            if cells.len() == columns.len() {
                let columns = columns.clone();
                lines.push(Line { number, columns, cells });
            } else {
                let (cells, columns) = (cells.len(), columns.len());
                let why = format!("This line has {cells} columns, the first line {columns}.");
                uneven.push(problem(number, "", ProblemCode::Invalid, &why));
            }
        }
        if lines.is_empty() && uneven.is_empty() {
            let why = "There is no line below the column names.";
            return Err(Error::problem(ProblemCode::Required, "csv", why));
        }
        Ok(Self { lines, uneven })
    }

    /// How many lines there are below the first one.
    pub fn line_count(&self) -> usize {
        self.lines.len() + self.uneven.len()
    }

    /// What stands in a column, empty cells left out.
    pub fn column<'a>(&'a self, column: &str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.cell(column))
    }

    /// What every line means. A reader notes problems by column or by the input field of the same name, reading on so that
    /// all of a line are told, and answers `None` when nothing can be made of it.
    ///
    /// # Errors
    /// Problems at `csv.<line>.<column>` for every line that is wrong.
    pub fn each<T>(self, mut read: impl FnMut(&mut Check, &Line) -> Option<T>) -> Result<Vec<T>> {
        let (mut meanings, mut problems) = (Vec::new(), self.uneven);
        for line in &self.lines {
            let mut check = Check::new();
            let meaning = read(&mut check, line);
            match check.done() {
                Ok(()) => meanings.extend(meaning),
                Err(Error::Invalid(found)) => problems.extend(found.iter().map(|one| {
                    let field = one.path.first().map_or("", String::as_str);
                    problem(line.number, &column_of(field), one.code, &one.message)
                })),
                Err(other) => return Err(other),
            }
        }
        if problems.is_empty() {
            return Ok(meanings);
        }
        let number = |one: &Problem| one.path.get(1).and_then(|number| number.parse::<usize>().ok());
        problems.sort_by_key(number);
        if problems.len() > MOST_PROBLEMS {
            let why = format!("There are {} more problems.", problems.len() - MOST_PROBLEMS);
            problems.truncate(MOST_PROBLEMS);
            problems.push(Problem::new(ProblemCode::Invalid, "csv", why));
        }
        Err(Error::Invalid(problems))
    }
}

impl Line {
    /// What stands in a column; `None` for an empty cell and a column that is not there.
    pub fn cell(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| *name == column)?;
        self.cells.get(at).filter(|text| !text.is_empty())
    }
}

/// The column for an input field: `observed_on` for `observedOn`.
fn column_of(field: &str) -> String {
    let mut column = String::new();
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            column.push('_');
        }
        column.push(letter.to_ascii_lowercase());
    }
    column
}

/// Reads a day, which is written in one way only.
pub fn day(text: &str) -> Option<NaiveDate> {
    // chrono also reads years of other lengths and missing zeros.
    text.parse().ok().filter(|_| text.len() == 10)
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

/// Which column stands where.
fn columns(header: &StringRecord, known: &[&'static str], needed: usize) -> Result<Vec<&'static str>> {
    let mut problems = Vec::new();
    let mut found: Vec<&'static str> = Vec::new();
    for name in header {
        match known.iter().find(|known| **known == name.to_lowercase()) {
            Some(column) if found.contains(column) => {
                let message = format!("The column {column} is there twice.");
                problems.push(problem(1, "", ProblemCode::Invalid, &message));
            }
            Some(column) => found.push(column),
            None => {
                let message = format!("There is no column {name:?}. The columns are {}.", known.join(", "));
                problems.push(problem(1, "", ProblemCode::Invalid, &message));
            }
        }
    }
    for column in known[..needed].iter().filter(|column| !found.contains(column)) {
        let message = format!("The column {column} is missing.");
        problems.push(problem(1, "", ProblemCode::Required, &message));
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(Error::Invalid(problems))
    }
}

/// Tells lines by where they begin. The reader's own count is one short after CR LF and after blank lines.
struct Places<'a> {
    csv: &'a [u8],
    at: usize,
    line: usize,
}

impl<'a> Places<'a> {
    fn of(csv: &'a str) -> Self {
        let csv = csv.as_bytes();
        Self { csv, at: 0, line: 1 }
    }

    /// The number of the line that begins at an offset, or after the line ends that stand there. Offsets only grow.
    fn line_at(&mut self, offset: u64) -> usize {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        while let Some(byte) = self.csv.get(self.at) {
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

    const COLUMNS: [&str; 3] = ["code", "name", "note"];

    /// The lines of a text as number and code; its problems when it has some.
    fn read(csv: &str) -> Result<Vec<(usize, String)>, Vec<String>> {
        let read = |check: &mut Check, line: &Line| {
            if line.cell("name").is_none() {
                check.note(ProblemCode::Required, "name", "This cannot be empty.");
            }
            Some((line.number, line.cell("code")?.to_owned()))
        };
        match Sheet::read(csv, &COLUMNS, 2).and_then(|sheet| sheet.each(read)) {
            Ok(lines) => Ok(lines),
            Err(Error::Invalid(problems)) => Err(problems
                .into_iter()
                .map(|problem| format!("{}: {}", problem.path.join("."), problem.message))
                .collect()),
            Err(other) => unreachable!("{other}"),
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for end in ["\n", "\r\n"] {
            let csv = ["code,name", "a,One", "", "b,\"Two", "lines\"", "", "c,Five", ""].join(end);
            let numbers: Vec<_> = read(&csv).unwrap().into_iter().map(|(number, _)| number).collect();
            assert_eq!(numbers, [2, 4, 7], "{end:?}");
        }
    }

    #[test]
    fn columns_stand_in_any_order_and_may_be_left_out() {
        assert_eq!(read("\u{feff}Name, CODE\nOne, a \n").unwrap(), [(2, "a".to_owned())]);
        assert_eq!(read("note,name,code\n,One,a").unwrap(), [(2, "a".to_owned())]);
    }

    #[test]
    fn every_problem_of_every_line_is_told_in_order() {
        assert_eq!(
            read("code,name\na,\nb\nc,\n").unwrap_err(),
            [
                "csv.2.name: Line 2, name: This cannot be empty.",
                "csv.3: Line 3: This line has 1 columns, the first line 2.",
                "csv.4.name: Line 4, name: This cannot be empty.",
            ]
        );
    }

    #[test]
    fn of_very_many_problems_the_first_are_told() {
        let told = read(&format!("code,name\n{}", "a,\n".repeat(250))).unwrap_err();

        assert_eq!(told.len(), 201);
        assert_eq!(told[200], "csv: There are 50 more problems.");
    }

    #[test]
    fn a_header_that_is_none_is_told_once() {
        assert_eq!(
            read("key,name,name\na,One,\nb,Two,\n").unwrap_err(),
            [
                "csv.1: Line 1: There is no column \"key\". The columns are code, name, note.",
                "csv.1: Line 1: The column name is there twice.",
                "csv.1: Line 1: The column code is missing.",
            ]
        );
        assert_eq!(read("").unwrap_err().len(), 2);
        assert_eq!(
            read("code,name\n").unwrap_err(),
            ["csv: There is no line below the column names."]
        );
    }
}
