//! What the demonstration holds: one file for each site, read into these types.
//!
//! Words of the API (kinds, roles, statuses) are passed on as they stand; the API itself says when one is wrong.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use entity::{ChampionStatus, MeasureKind, ProjectStatus, SiteKind, Visibility};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};

/// The slug of the national site, whose content comes first.
pub const NATIONAL: &str = "national";

/// England's integrated care boards and those that they succeeded, as any operator would import them.
pub const INTEGRATED_CARE_BOARDS: &str = include_str!("content/integrated_care_boards.csv");

const FILES: [(&str, &str); 5] = [
    (NATIONAL, include_str!("content/national.toml")),
    ("blackpool", include_str!("content/blackpool.toml")),
    ("north-staffordshire", include_str!("content/north-staffordshire.toml")),
    ("sheffield", include_str!("content/sheffield.toml")),
    ("north-east-london", include_str!("content/north-east-london.toml")),
];

/// The content of every site, the national one first.
///
/// # Errors
/// When a file says what it cannot say.
pub fn load() -> Result<Vec<SiteContent>> {
    let read = |(site, text): (&'static str, &str)| {
        let wrong = |why: String| Error::Content { site, why };
        let content: SiteContent = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        content.sessions_can_be_told_apart().map_err(wrong)?;
        Ok(content)
    };
    FILES.into_iter().map(read).collect()
}

/// The content of one site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteContent {
    /// The site itself.
    pub site: Site,
    /// Organisations that belong to it.
    #[serde(default)]
    pub organisations: Vec<Organisation>,
    /// Its people.
    pub champions: Vec<Champion>,
    /// What it undertakes.
    pub projects: Vec<Project>,
    /// What it offers to read and watch.
    pub resources: Vec<Resource>,
    /// What it lays over national resources.
    #[serde(default)]
    pub overlays: Vec<Overlay>,
    /// What it offers to the national library.
    #[serde(default)]
    pub proposals: Vec<Proposal>,
    /// Its forum areas.
    pub spaces: Vec<Space>,
    /// What its people ask, in any site's space.
    pub threads: Vec<Thread>,
    /// What it measures by.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// Figures that follow a line.
    pub observations: Vec<Series>,
    /// Figures month by month.
    #[serde(default)]
    pub observations_exact: Vec<Figure>,
    /// How its people helped others.
    pub support_sessions: Vec<SupportSession>,
}

impl SiteContent {
    /// A session has no text that could say that it was made up, so whoever held it must say it of themselves.
    fn sessions_can_be_told_apart(&self) -> Result<(), String> {
        let real = |key: &str| {
            self.champions
                .iter()
                .any(|champion| champion.key == key && !champion.sample)
        };
        let mistaken = self
            .support_sessions
            .iter()
            .find(|session| session.sample && real(&session.champion));
        mistaken.map_or(Ok(()), |session| {
            Err(format!(
                "a session of {} is sample data and {} is not",
                session.champion, session.champion
            ))
        })
    }
}

/// A site.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// What kind of site it is.
    pub kind: SiteKind,
    /// The region that it serves.
    pub region: Option<String>,
    /// Its code in the Organisation Data Service.
    pub ods_code: Option<String>,
}

/// An organisation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Its name.
    pub name: String,
    /// Its code in the Organisation Data Service.
    pub ods_code: String,
    /// What it is first of all.
    pub role: String,
}

/// A person.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Champion {
    /// How other items name the person.
    pub key: String,
    /// What the person's card says.
    pub display_name: String,
    /// What kind of champion.
    pub kind: String,
    /// The staff group.
    pub staff_group: String,
    /// What the person can help with.
    pub skills: Vec<String>,
    /// The languages that the person helps in.
    pub languages: Vec<String>,
    /// About the person.
    pub bio: String,
    /// Who sees the card.
    pub visibility: Visibility,
    /// Where the person stands.
    pub status: ChampionStatus,
    /// What the person's token grants, in lower case.
    pub roles: Vec<String>,
    /// Whether the person was made up.
    pub sample: bool,
}

/// A project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    /// How other items name it.
    pub key: String,
    /// What it is called.
    pub title: String,
    /// What it does.
    pub summary: String,
    /// The question that it answers.
    pub question: String,
    /// What it works on.
    pub focus_areas: Vec<String>,
    /// The health conditions that it is about.
    pub conditions: Vec<String>,
    /// Where it stands.
    pub status: ProjectStatus,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// Its last day.
    pub ends_on: Option<NaiveDate>,
    /// Who sees it.
    pub visibility: Visibility,
    /// Who makes it and so leads it.
    pub lead: String,
    /// Who else takes part.
    pub team: Vec<String>,
    /// What it means to reach.
    pub milestones: Vec<Milestone>,
    /// The figures that it means to reach.
    pub targets: Vec<Target>,
    /// Whether it was made up.
    pub sample: bool,
}

/// A step of a project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Milestone {
    /// What is to be reached.
    pub title: String,
    /// By when.
    pub due_on: NaiveDate,
    /// When it was.
    pub done_on: Option<NaiveDate>,
}

/// A figure that a project means to reach.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The code of the measure.
    pub measure: String,
    /// The figure.
    pub value: Option<Decimal>,
    /// Of a coverage: how many.
    pub numerator: Option<Decimal>,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
    /// By when.
    pub due_on: NaiveDate,
}

/// How far a resource has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResourceState {
    /// Being written.
    Draft,
    /// Waiting for a curator.
    InReview,
    /// To be read.
    Published,
}

/// A resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// How other items name it.
    pub key: String,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub summary: String,
    /// What it says, in Markdown.
    pub body: String,
    /// Where more stands.
    pub url: Option<String>,
    /// What kind of resource.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is found under.
    pub topics: Vec<String>,
    /// The themes of the training that it serves.
    pub themes: Vec<String>,
    /// Whom it is for.
    pub audience: Vec<String>,
    /// Its language.
    pub language: String,
    /// Under what terms it may be used.
    pub licence: String,
    /// When somebody should look at it again.
    pub review_by: NaiveDate,
    /// Who sees it once it is published.
    pub visibility: Visibility,
    /// The project that it came from.
    pub project: Option<String>,
    /// Who wrote it.
    pub author: String,
    /// How far it has come.
    pub state: ResourceState,
    /// Whether it was made up.
    pub sample: bool,
}

/// What a site lays over a national resource.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// The resource, as `site/key`.
    pub resource: String,
    /// Whether it stands first.
    pub pinned: bool,
    /// Whether it is left out.
    pub hidden: bool,
    /// What members of the site read beside it.
    pub note: String,
}

/// A local resource offered to the national library.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The resource of this site.
    pub resource: String,
    /// Why.
    pub reason: String,
}

/// A forum area.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// How threads name it.
    pub key: String,
    /// What it is called.
    pub name: String,
    /// What belongs there.
    pub about: String,
    /// Who may write.
    pub access: String,
    /// Who sees it.
    pub visibility: Visibility,
    /// Of a closed space: its members.
    #[serde(default)]
    pub members: Vec<String>,
}

/// A question or story in the forum, and what others wrote.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thread {
    /// Where, as `site/key`.
    pub space: String,
    /// Its title.
    pub title: String,
    /// Its first text.
    pub body: String,
    /// What it is found under.
    pub tags: Vec<String>,
    /// Who wrote it, as `site/key`.
    pub author: String,
    /// The project of the author's site that it is about.
    pub project: Option<String>,
    /// Whether it was made up.
    pub sample: bool,
    /// What others wrote, in order.
    pub posts: Vec<Post>,
}

/// What somebody wrote in a thread.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// Who, as `site/key`.
    pub author: String,
    /// What.
    pub body: String,
    /// Whether the thread's author marks it as the answer.
    #[serde(default)]
    pub answer: bool,
}

/// A measure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// How figures name it.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// What is counted, and how.
    pub definition: String,
    /// What one of it is.
    pub unit: String,
    /// What kind of figure.
    pub kind: MeasureKind,
    /// How figures of several months or sites come together.
    pub aggregation: String,
    /// Whether small figures could point at somebody.
    pub counts_people: bool,
}

/// Figures that follow a line: a coverage has a numerator and a denominator, all others a value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The code of the measure.
    pub measure: String,
    /// The project that they belong to.
    pub project: Option<String>,
    /// The figure of the first month.
    #[serde(default)]
    pub base: Decimal,
    /// What each month adds.
    #[serde(default)]
    pub step: Decimal,
    /// How far a month may lie off the line.
    #[serde(default)]
    pub wobble: Decimal,
    /// Of a coverage: how many in the first month.
    #[serde(default)]
    pub numerator_base: Decimal,
    /// Of a coverage: how many more each month.
    #[serde(default)]
    pub numerator_step: Decimal,
    /// Of a coverage: of how many.
    pub denominator: Option<Decimal>,
    /// Of a score: about how many people answer each month. Each answer is an observation of its own.
    pub answers: Option<u32>,
    /// How many months, the last of which is the one before now.
    pub months: u32,
    /// What they are counted for.
    #[serde(default)]
    pub breakdown: BTreeMap<String, String>,
    /// Whether they were made up.
    pub sample: bool,
}

/// A coverage of one month.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The code of the measure.
    pub measure: String,
    /// The project that it belongs to.
    pub project: String,
    /// How many months before the latest.
    pub month_offset: u32,
    /// How many.
    pub numerator: Decimal,
    /// Of how many.
    pub denominator: Decimal,
    /// Where it comes from.
    pub note: Option<String>,
    /// Whether it was made up.
    pub sample: bool,
}

/// A session in which somebody helped others.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportSession {
    /// Who helped.
    pub champion: String,
    /// In what setting.
    pub mode: String,
    /// For how long.
    pub minutes: u32,
    /// How many people.
    pub people_helped: u32,
    /// The health condition that it was about.
    pub condition: Option<String>,
    /// Who signed up to what.
    pub signups: SignUps,
    /// The campaign that brought them.
    pub campaign_code: Option<String>,
    /// How many months before the latest.
    pub month_offset: u32,
    /// The day of the month, at most 28.
    pub day: u32,
    /// Whether it was made up; its champion then is too.
    pub sample: bool,
}

/// Sign-ups to online services.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignUps {
    /// To see the record.
    pub records: u32,
    /// To order prescriptions.
    pub prescriptions: u32,
    /// To book appointments.
    pub appointments: u32,
}
