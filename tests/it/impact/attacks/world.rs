//! The world that is attacked: sites whose people record and approve, analysts who release, and what is really true.

use std::collections::{BTreeMap, BTreeSet};

use champion_network::impact::disclosure::Shape;
use entity::{MeasureAggregation, MeasureKind};

use super::super::approved;
use crate::support::{Host, NATIONAL, Person, Value, json};

/// Where and when a figure is: its site, the code of its measure, its month.
pub type Place = (String, String, String);

/// The regional sites of a host.
pub const SITES: [&str; 2] = ["leeds", "hull"];

/// Measures that all sites share: their code, kind, aggregation and which figure of sessions counts into them.
pub const MEASURES: [(&str, MeasureKind, MeasureAggregation, Option<&str>); 7] = [
    (
        "people",
        MeasureKind::Count,
        MeasureAggregation::Sum,
        Some("PEOPLE_HELPED"),
    ),
    (
        "sessions",
        MeasureKind::Count,
        MeasureAggregation::Sum,
        Some("SESSIONS_HELD"),
    ),
    (
        "sign-ups",
        MeasureKind::Count,
        MeasureAggregation::Sum,
        Some("SIGN_UPS"),
    ),
    ("trained", MeasureKind::Count, MeasureAggregation::Sum, None),
    ("active", MeasureKind::Count, MeasureAggregation::Latest, None),
    ("returned", MeasureKind::Coverage, MeasureAggregation::Latest, None),
    ("confidence", MeasureKind::Score, MeasureAggregation::Mean, None),
];

/// A measure of a world.
#[derive(Clone)]
pub struct Measured {
    /// Its id in the API.
    pub id: Value,
    /// How it is told.
    pub shape: Shape,
    /// The figure of sessions that counts into it.
    pub figure: Option<&'static str>,
}

struct Staff<'a> {
    champion: Person<'a>,
    lead: Person<'a>,
    analyst: Person<'a>,
}

/// A host, its people and the truth.
pub struct World<'a> {
    /// The host.
    pub host: &'a Host,
    /// The measures by their code.
    pub measures: BTreeMap<&'static str, Measured>,
    /// What is true.
    truth: BTreeMap<Place, [i64; 2]>,
    /// What was true when it was last released.
    pub released: BTreeMap<Place, [i64; 2]>,
    /// What was released since somebody last approved something: those figures are of one moment.
    pub fresh: BTreeSet<Place>,
    staff: BTreeMap<&'static str, Staff<'a>>,
}

impl<'a> World<'a> {
    /// A world with some of the measures, by their codes.
    pub async fn with(host: &'a Host, codes: &[&str]) -> Self {
        let national = host.person(&["national:analyst"]);
        let mut measures = BTreeMap::new();
        for (code, kind, aggregation, figure) in MEASURES.into_iter().filter(|measure| codes.contains(&measure.0)) {
            let measured = define(&national, NATIONAL, code, (kind, aggregation), figure).await;
            measures.insert(code, measured);
        }
        let mut staff = BTreeMap::new();
        for site in SITES {
            let person = |role: &str| host.person(&[&format!("{site}:{role}")]);
            let champion = host.champion(&[&format!("{site}:champion")]).await;
            let (lead, analyst) = (person("project_lead"), person("analyst"));
            staff.insert(
                site,
                Staff {
                    champion,
                    lead,
                    analyst,
                },
            );
        }
        Self {
            host,
            measures,
            truth: BTreeMap::new(),
            released: BTreeMap::new(),
            fresh: BTreeSet::new(),
            staff,
        }
    }

    /// The shape of a measure.
    pub fn shape(&self, code: &str) -> Shape {
        self.measures[code].shape
    }

    /// The analyst of a site.
    pub fn analyst(&self, site: &str) -> &Person<'a> {
        &self.staff[site].analyst
    }

    fn place(site: &str, code: &str, month: &str) -> Place {
        (site.to_owned(), code.to_owned(), month.to_owned())
    }

    /// A figure is recorded and approved: a value, or a numerator and a denominator.
    pub async fn observes(&mut self, site: &str, code: &str, month: &str, numbers: [i64; 2]) {
        let measure = self.measures[code].clone();
        let coverage = measure.shape.coverage();
        let figure = if coverage {
            json!({ "numerator": numbers[0].to_string(), "denominator": numbers[1].to_string() })
        } else {
            json!({ "value": numbers[0].to_string() })
        };
        let staff = &self.staff[site];
        let day = format!("{month}-15");
        approved([&staff.champion, &staff.analyst], site, &measure.id, &day, figure).await;
        self.fresh.clear();
        let now = self.truth.entry(Self::place(site, code, month)).or_default();
        match measure.shape.aggregation {
            MeasureAggregation::Latest => *now = if coverage { numbers } else { [numbers[0], 0] },
            MeasureAggregation::Sum => now[0] += numbers[0],
            MeasureAggregation::Mean => *now = [now[0] + numbers[0], now[1] + 1],
        }
    }

    /// A session is held and approved.
    pub async fn helps(&mut self, site: &str, month: &str, people: i64, sign_ups: i64) {
        let staff = &self.staff[site];
        let input = json!({
            "site": site, "heldOn": format!("{month}-15"), "mode": "DROP_IN", "minutes": 60, "peopleHelped": people,
            "signUps": { "records": sign_ups },
        });
        let held = staff
            .champion
            .does("supportSessionRecord", input, "supportSession { id }")
            .await
            .record()
            .clone();
        let input = json!({ "id": held["id"], "approve": true });
        staff
            .lead
            .does("supportSessionDecide", input, "supportSession { state }")
            .await
            .record();
        self.fresh.clear();
        for (code, measured) in &self.measures {
            let more = match measured.figure {
                Some("SESSIONS_HELD") => 1,
                Some("PEOPLE_HELPED") => people,
                Some(_) => sign_ups,
                None => continue,
            };
            self.truth.entry(Self::place(site, code, month)).or_default()[0] += more;
        }
    }

    /// A site releases months of a measure to everybody; the problems when it may not.
    pub async fn releases(&mut self, site: &str, code: &str, from: &str, to: &str) -> String {
        let input = json!({
            "site": site, "measure": self.measures[code].id, "from": format!("{from}-01"), "to": format!("{to}-01"),
            "visibility": "PUBLIC",
        });
        let reply = self.staff[site]
            .analyst
            .does("impactRelease", input, "releases { month }")
            .await;
        let problems = reply.problems();
        if problems.is_empty() {
            let of_these = |place: &Place| place.0 == site && place.1 == code && *from <= *place.2 && *place.2 <= *to;
            for (place, numbers) in self.truth.iter().filter(|(place, _)| of_these(place)) {
                self.released.insert(place.clone(), *numbers);
                self.fresh.insert(place.clone());
            }
        }
        problems
    }

    /// Every site releases what it has of every measure in these months, but for what may not be told beside the rest.
    pub async fn release_all(&mut self, from: &str, to: &str) {
        let codes: Vec<_> = self.measures.keys().copied().collect();
        let months: BTreeSet<_> = self.truth.keys().map(|place| place.2.clone()).collect();
        for site in SITES {
            for code in &codes {
                for month in months
                    .iter()
                    .filter(|month| from <= month.as_str() && month.as_str() <= to)
                {
                    self.releases(site, code, month, month).await;
                }
            }
        }
    }

    /// A site takes back what it says of a month.
    pub async fn withdraws(&mut self, site: &str, code: &str, month: &str) {
        let filter = json!({
            "sites": [site], "measure": self.measures[code].id, "from": format!("{month}-01"),
            "to": format!("{month}-01"), "states": ["CURRENT"],
        });
        let list = "query($filter: ReleaseFilter) { releases(filter: $filter) { nodes { id version } } }";
        let reply = self.staff[site].analyst.run(list, json!({ "filter": filter })).await;
        let current = reply.data()["releases"]["nodes"][0].clone();
        self.staff[site]
            .analyst
            .does("impactReleaseWithdraw", current, "releases { state }")
            .await
            .record();
        self.released.remove(&Self::place(site, code, month));
    }

    /// A site defines a measure of its own into which a figure of sessions counts from now on.
    pub async fn defines(&mut self, site: &str, code: &'static str, figure: &'static str) {
        let shape = (MeasureKind::Count, MeasureAggregation::Sum);
        let measured = define(&self.staff[site].analyst, site, code, shape, Some(figure)).await;
        self.measures.insert(code, measured);
    }
}

async fn define(
    analyst: &Person<'_>,
    site: &str,
    code: &str,
    (kind, aggregation): (MeasureKind, MeasureAggregation),
    figure: Option<&'static str>,
) -> Measured {
    let input = json!({
        "site": site, "code": code, "name": code, "definition": "Counted.", "unit": "people", "countsPeople": true,
        "kind": kind.as_str(), "aggregation": aggregation.as_str(), "sessionFigure": figure,
    });
    let id = analyst.does("measureDefine", input, "measure { id }").await.record()["id"].clone();
    let shape = Shape {
        kind,
        aggregation,
        counts_people: true,
    };
    Measured { id, shape, figure }
}
