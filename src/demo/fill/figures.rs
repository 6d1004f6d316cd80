//! What is counted: measures, support sessions, observations, and the monthly releases of each site.

use std::collections::BTreeSet;

use entity::{
    MeasureKind,
    SiteRole::{Analyst, ProjectLead},
    Visibility,
};
use serde_json::{Value, json};

use super::{Fill, Kind, at, name};
use crate::demo::{
    calendar::MONTHS,
    content::{Measure, Series, SiteContent},
    error::{Error, Result},
    series::Value as Figure,
    stage::Mutation,
};

const DEFINE: Mutation = Mutation::new("measureDefine", "MeasureDefineInput", "measure { id }");
const RECORD: Mutation = Mutation::new(
    "supportSessionRecord",
    "SupportSessionRecordInput",
    "supportSession { id }",
);
const DECIDE_SESSION: Mutation = Mutation::new(
    "supportSessionDecide",
    "SupportSessionDecideInput",
    "supportSession { id }",
);
const IMPORT: Mutation = Mutation::new("observationsImport", "ObservationsImportInput", "imported");
const DECIDE: Mutation = Mutation::new("observationDecide", "ObservationDecideInput", "observation { id }");
const RELEASE: Mutation = Mutation::new("impactRelease", "ImpactReleaseInput", "releases { id }");

const SUBMITTED: &str = "query($site: String!) {
    observations(site: $site, first: 100, filter: { states: [SUBMITTED] }) { nodes { id } }
}";

/// The columns of the file that is imported.
const COLUMNS: [&str; 8] = [
    "measure",
    "project",
    "observed_on",
    "value",
    "numerator",
    "denominator",
    "breakdown",
    "note",
];
const SAMPLE: &str = "Sample data.";

/// Sessions of this month wait to be approved, so that there is something to approve.
const UNDECIDED_MONTH: u32 = 1;

/// The measures that approved support sessions count into by themselves.
const OF_SESSIONS: [(&str, &str); 3] = [
    ("people-helped", "PEOPLE_HELPED"),
    ("sessions-held", "SESSIONS_HELD"),
    ("online-signups", "SIGN_UPS"),
];

/// How many observations a site's content makes.
pub(super) fn count(content: &SiteContent) -> usize {
    let of_month = |series: &Series, month| series.figures(MeasureKind::Count, 0, month).len();
    let series = content.observations.iter();
    let figures = series.map(|series| (0..series.months).map(|month| of_month(series, month)).sum::<usize>());
    figures.sum::<usize>() + content.observations_exact.len()
}

impl Fill<'_> {
    /// The measures of a site.
    pub(super) async fn measures(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for measure in &content.measures {
            let input = json!({
                "site": site,
                "code": measure.code,
                "name": measure.name,
                "definition": measure.definition,
                "unit": measure.unit,
                "kind": measure.kind,
                "aggregation": measure.aggregation,
                "countsPeople": measure.counts_people,
                "sessionFigure": of_sessions(&measure.code),
            });
            let record = self
                .does(&at(site, Analyst), DEFINE, &name(site, &measure.code), input)
                .await?;
            self.learn(Kind::Measure, measure.code.clone(), &record);
            self.progress.inc(1);
        }
        Ok(())
    }

    /// The support sessions of a site: recorded by who helped, approved by the lead, who helped at none of them.
    pub(super) async fn support_sessions(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        for session in &content.support_sessions {
            let held_on = self.calendar.day(session.month_offset, session.day);
            let item = format!("{site}/session of {} on {held_on}", session.champion);
            let champion = self.person(&name(site, &session.champion), &item)?;
            let input = json!({
                "site": site,
                "heldOn": held_on,
                "mode": session.mode,
                "minutes": session.minutes,
                "peopleHelped": session.people_helped,
                "condition": session.condition,
                "signUps": session.signups,
                "campaignCode": session.campaign_code,
            });
            let record = self.does(champion, RECORD, &item, input).await?;
            if session.month_offset != UNDECIDED_MONTH {
                let input = json!({ "id": record["id"], "approve": true });
                self.does(&at(site, ProjectLead), DECIDE_SESSION, &item, input).await?;
            }
            self.progress.inc(1);
        }
        Ok(())
    }

    /// The observations of a site: imported by the lead, approved one by one by the analyst.
    pub(super) async fn observations(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        let item = format!("{site}/observations");
        let input = json!({ "site": site, "csv": self.file(content)? });
        self.does(&at(site, ProjectLead), IMPORT, &item, input).await?;
        let analyst = at(site, Analyst);
        loop {
            let page = self.stage.reads(&analyst, SUBMITTED, json!({ "site": site })).await?;
            let waiting = page["observations"]["nodes"].as_array().cloned().unwrap_or_default();
            if waiting.is_empty() {
                return Ok(());
            }
            for observation in waiting {
                let input = json!({ "id": observation["id"], "approve": true });
                self.does(&analyst, DECIDE, &item, input).await?;
                self.progress.inc(1);
            }
        }
    }

    /// The observations of a site as a file to import.
    fn file(&self, content: &SiteContent) -> Result<String> {
        let mut rows = csv::Writer::from_writer(Vec::new());
        rows.write_record(COLUMNS).map_err(Error::internal)?;
        for row in self.rows(content)? {
            rows.write_record(row).map_err(Error::internal)?;
        }
        let rows = rows.into_inner().map_err(|error| Error::internal(error.to_string()))?;
        String::from_utf8(rows).map_err(Error::internal)
    }

    fn rows(&self, content: &SiteContent) -> Result<Vec<[String; COLUMNS.len()]>> {
        let site = &content.site.slug;
        let mut rows = Vec::new();
        for (place, series) in content.observations.iter().enumerate() {
            let kind = self.measure(&series.measure, site)?.kind;
            let project = self.project_of(site, series.project.as_deref())?;
            let breakdown = series
                .breakdown
                .iter()
                .map(|(dimension, value)| format!("{dimension}={value}"));
            let breakdown = breakdown.collect::<Vec<_>>().join(";");
            let note = if series.sample { SAMPLE } else { "" };
            for month in 0..series.months {
                let day = self.calendar.month_end(series.months - 1 - month);
                for figure in series.figures(kind, place, month) {
                    let about = [series.measure.clone(), project.clone(), day.to_string()];
                    let said = [breakdown.clone(), note.to_owned()];
                    rows.push(joined(about, cells(figure), said));
                }
            }
        }
        for exact in &content.observations_exact {
            let project = self.project_of(site, Some(&exact.project))?;
            let day = self.calendar.month_end(exact.month_offset).to_string();
            let mark = if exact.sample { SAMPLE } else { "" };
            let note = exact.note.clone().unwrap_or(mark.to_owned());
            let about = [exact.measure.clone(), project, day];
            let figure = cells(Figure::Coverage(exact.numerator, exact.denominator));
            rows.push(joined(about, figure, [String::new(), note]));
        }
        Ok(rows)
    }

    fn project_of(&self, site: &str, key: Option<&str>) -> Result<String> {
        let item = format!("{site}/observations");
        let project = key.map(|key| self.slug(&name(site, key), &item));
        Ok(project.transpose()?.unwrap_or_default())
    }

    fn measure(&self, code: &str, site: &str) -> Result<&Measure> {
        let mut measures = self.contents.iter().flat_map(|content| &content.measures);
        measures
            .find(|measure| measure.code == code)
            .ok_or_else(|| Error::Unknown {
                item: format!("{site}/observations"),
                wanted: code.to_owned(),
            })
    }

    /// What a site publishes: every month of every measure that it has figures of.
    pub(super) async fn releases(&self, content: &SiteContent) -> Result<()> {
        let site = &content.site.slug;
        let measured = content.observations.iter().map(|series| series.measure.as_str());
        let exact = content.observations_exact.iter().map(|figure| figure.measure.as_str());
        let sessions = OF_SESSIONS.iter().map(|(code, _)| *code);
        let codes: BTreeSet<_> = measured.chain(exact).chain(sessions).collect();
        for code in codes {
            let measure = self.measure(code, site)?;
            let input = json!({
                "site": site,
                "measure": self.id(Kind::Measure, code, site)?,
                "from": self.calendar.month(MONTHS - 1),
                "to": self.calendar.month(0),
                "visibility": if measure.counts_people { Visibility::Network } else { Visibility::Public },
            });
            self.does(&at(site, Analyst), RELEASE, &name(site, code), input).await?;
        }
        Ok(())
    }
}

/// The cells of a figure: value, numerator, denominator.
fn cells(figure: Figure) -> [String; 3] {
    match figure {
        Figure::Plain(value) => [value.to_string(), String::new(), String::new()],
        Figure::Coverage(numerator, denominator) => [String::new(), numerator.to_string(), denominator.to_string()],
    }
}

/// A row: what it is about, its figure and what is said of it.
fn joined(about: [String; 3], figure: [String; 3], said: [String; 2]) -> [String; COLUMNS.len()] {
    let [measure, project, day] = about;
    let [value, numerator, denominator] = figure;
    let [breakdown, note] = said;
    [measure, project, day, value, numerator, denominator, breakdown, note]
}

fn of_sessions(code: &str) -> Value {
    let figure = OF_SESSIONS.iter().find(|(of, _)| *of == code);
    json!(figure.map(|(_, figure)| figure))
}
