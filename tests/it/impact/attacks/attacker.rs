//! Who attacks: somebody with the API, the rules and the code, who asks for everything in every way and forgets nothing.

use std::collections::{BTreeMap, BTreeSet};

use champion_network::{
    federation::wire::{Audience, Header},
    impact::{disclosure::Shape, together::SERVICES},
};
use entity::{ImpactReleaseId, MeasureAggregation};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{
    knowledge::{Cell, Fact, Knowledge},
    told::{Told, as_told},
    world::{Place, SITES, World},
};
use crate::support::{Host, Person, Value, json, network};

/// Shares and means are printed with so many decimal places at most.
const SCALE: i64 = 1_000_000;

const FIGURE: &str = "__typename
    ... on RoundedValue { value numerator denominator count }
    ... on ExactValue { value numerator denominator count }
    ... on BoundedValue { lower upper monthsSuppressed }";

/// An attacker.
pub struct Attacker<'a> {
    person: Person<'a>,
    /// The site whose observations they may read, whose figures are hidden from others only.
    own: Option<&'static str>,
    /// What they know.
    pub known: Knowledge,
    /// The figure of each place that they saw last.
    pub latest: BTreeMap<Place, usize>,
    /// Figures of the same sessions that were told at one moment, by site, month and which.
    moments: BTreeMap<Place, Vec<(usize, usize)>>,
    looks: usize,
    possible: BTreeMap<(String, Told), Vec<[i64; 2]>>,
}

impl<'a> Attacker<'a> {
    /// Somebody, who reads the observations of a site or of none.
    pub fn new(person: Person<'a>, own: Option<&'static str>) -> Self {
        Self {
            person,
            own,
            known: Knowledge::default(),
            latest: BTreeMap::new(),
            moments: BTreeMap::new(),
            looks: 0,
            possible: BTreeMap::new(),
        }
    }

    /// Everybody who has only the API: anonymous, a member of another site, the analyst of another region.
    pub fn all(host: &'a Host) -> Vec<Self> {
        vec![
            Self::new(host.anonymous(), None),
            Self::new(host.person(&["national:champion"]), None),
            Self::new(host.person(&["hull:analyst"]), Some("hull")),
        ]
    }

    /// Asks for everything in every way, and works out what it says of the truth.
    pub async fn looks(&mut self, world: &World<'_>) {
        self.looks += 1;
        let current = self.current(world).await;
        let mut now = BTreeMap::new();
        for (place, told) in &current {
            let at = self.learns(world, place, told);
            now.insert(place.clone(), at);
        }
        for (place, at) in &now {
            let adds_up = world.shape(&place.1).aggregation == MeasureAggregation::Sum;
            if let Some(before) = self.latest.get(place).filter(|_| adds_up) {
                self.known.at_most("a sum only grows", *before, 1, *at);
            }
        }
        self.latest.extend(now.clone());
        self.holds_together(world);
        self.asks_for_reports(world, &now, &current).await;
        self.known.is_honest();
    }

    fn learns(&mut self, world: &World<'_>, place: &Place, told: &Told) -> usize {
        let shape = world.shape(&place.1);
        let truth = world.released[place];
        let key = (place.1.clone(), told.clone());
        let possible = self.possible.entry(key).or_insert_with(|| as_told(shape, told)).clone();
        let exactly = self.own == Some(place.0.as_str());
        self.known.cell(Cell {
            name: format!("{} {} {} at look {}, {told:?}", place.0, place.1, place.2, self.looks),
            candidates: if exactly { vec![truth] } else { possible },
            truth,
            hidden: if exactly { [false, false] } else { told.hides(shape) },
        })
    }

    /// A session has at least one person, who signs up to each service at most once.
    fn holds_together(&mut self, world: &World<'_>) {
        let months: BTreeSet<_> = self.latest.keys().map(|place| place.2.clone()).collect();
        for (site, month) in SITES
            .into_iter()
            .flat_map(|site| months.iter().map(move |month| (site, month)))
        {
            let of = |code: &str| {
                let place = (site.to_owned(), code.to_owned(), month.clone());
                world.fresh.contains(&place).then(|| self.latest.get(&place).copied())?
            };
            let Some(people) = of("people") else { continue };
            for (code, times) in [("sessions", 1), ("sign-ups", SERVICES.into())] {
                let Some(others) = of(code) else { continue };
                self.known.at_most(format!("{code} have people"), others, times, people);
                let before = self
                    .moments
                    .entry((site.to_owned(), code.to_owned(), month.clone()))
                    .or_default();
                for (people_before, others_before) in before.iter().copied() {
                    let terms = vec![
                        (people, [times, 0]),
                        (people_before, [-times, 0]),
                        (others, [-1, 0]),
                        (others_before, [1, 0]),
                    ];
                    self.known.fact(format!("{code} since have people"), terms, 0, i64::MAX);
                }
                before.push((people, others));
            }
        }
    }

    /// The releases that stand, by list, filter, page, id and feed, which all say the same.
    async fn current(&self, world: &World<'_>) -> BTreeMap<Place, Told> {
        let list = format!(
            "query($filter: ReleaseFilter, $after: String, $first: Int) {{
                releases(filter: $filter, after: $after, first: $first) {{
                    nodes {{ id month state site {{ slug }} measure {{ code }} value {{ {FIGURE} }} }}
                    pageInfo {{ hasNextPage endCursor }} totalCount
                }}
            }}"
        );
        let mut all = BTreeMap::new();
        let filters = [
            json!({}),
            json!({ "sites": ["leeds"] }),
            json!({ "sites": ["hull"] }),
            json!({ "states": ["CURRENT"] }),
        ];
        for (first, filter) in [100, 7, 100, 100].into_iter().zip(filters) {
            let mut after = Value::Null;
            loop {
                let reply = self
                    .person
                    .run(&list, json!({ "filter": filter, "after": after, "first": first }))
                    .await;
                let page = &reply.data()["releases"];
                for node in page["nodes"].as_array().unwrap() {
                    let before = all.insert(node["id"].as_str().unwrap().to_owned(), node.clone());
                    assert!(
                        before.is_none_or(|before| before == *node),
                        "asked in another way it says something else"
                    );
                }
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
        }
        self.by_id(&all).await;
        for site in SITES {
            heard(world.host, site, &all).await;
        }
        let current = all.values().filter(|node| node["state"] == "CURRENT");
        current.map(|node| (place(node), Told::read(&node["value"]))).collect()
    }

    async fn by_id(&self, all: &BTreeMap<String, Value>) {
        let query = format!(
            "query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on ImpactRelease {{
                id month state site {{ slug }} measure {{ code }} value {{ {FIGURE} }}
            }} }} }}"
        );
        let ids: Vec<_> = all.keys().collect();
        for ids in ids.chunks(50) {
            let reply = self.person.run(&query, json!({ "ids": ids })).await;
            for node in reply.data()["nodes"].as_array().unwrap() {
                assert_eq!(Some(node), all.get(node["id"].as_str().unwrap()));
            }
        }
    }

    /// Every report: whole, by site, without a site, by month, quarter and year, over all months and some.
    async fn asks_for_reports(
        &mut self,
        world: &World<'_>,
        now: &BTreeMap<Place, usize>,
        current: &BTreeMap<Place, Told>,
    ) {
        let query = format!(
            "query($measure: String!, $from: Date!, $to: Date!, $by: ImpactPeriod!, $sites: [String!]) {{
                impact(measure: $measure, from: $from, to: $to, by: $by, sites: $sites) {{
                    cells {{ site {{ slug }} period value {{ {FIGURE} }} }}
                    totals {{ period lower upper }}
                }}
            }}"
        );
        let sites = [
            Value::Null,
            json!(["leeds"]),
            json!(["hull"]),
            json!(["leeds", "national"]),
        ];
        for (code, measured) in &world.measures {
            for (by, from) in [
                ("MONTH", "2026-01-01"),
                ("MONTH", "2026-04-01"),
                ("QUARTER", "2026-01-01"),
                ("YEAR", "2026-01-01"),
            ] {
                for sites in &sites {
                    let variables =
                        json!({ "measure": measured.id, "from": from, "to": "2026-05-31", "by": by, "sites": sites });
                    let reply = self.person.run(&query, variables).await;
                    let report = &reply.data()["impact"];
                    let shown: BTreeSet<_> = report["cells"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|cell| slug(cell).to_owned())
                        .collect();
                    for cell in report["cells"].as_array().unwrap() {
                        self.reads_cell(code, measured.shape, cell, now, current);
                    }
                    for total in report["totals"].as_array().unwrap() {
                        let counted = shown.iter().flat_map(|site| {
                            counted(
                                measured.shape,
                                site,
                                code,
                                total["period"].as_str().unwrap(),
                                now.keys(),
                            )
                        });
                        let counted: Vec<_> = counted.map(|place| now[&place]).collect();
                        self.lies_between(&format!("the total of {code}"), measured.shape, &counted, total);
                    }
                }
            }
        }
    }

    fn reads_cell(
        &mut self,
        code: &str,
        shape: Shape,
        cell: &Value,
        now: &BTreeMap<Place, usize>,
        current: &BTreeMap<Place, Told>,
    ) {
        let (site, value) = (slug(cell), &cell["value"]);
        let of_cell = counted(shape, site, code, cell["period"].as_str().unwrap(), now.keys());
        match value["__typename"].as_str().unwrap() {
            "ExactValue" => assert_eq!(Some(site), self.own, "{cell} is told exactly"),
            "BoundedValue" => {
                let shown = |place: &&Place| !shape.mean() || !current[*place].suppressed;
                let counted: Vec<_> = of_cell.iter().filter(shown).map(|place| now[place]).collect();
                self.lies_between(&format!("{site} {code}"), shape, &counted, value);
            }
            "NotReported" => assert!(of_cell.is_empty(), "{cell} is released"),
            "SuppressedValue" => assert!(of_cell.iter().all(|place| current[place].suppressed), "{cell}"),
            _ => assert_eq!(Told::read(value), current[&of_cell[0]], "{cell} is not as released"),
        }
    }

    /// Bounds of a sum, or of a share or mean, whose denominators or counts are then weights.
    fn lies_between(&mut self, name: &str, shape: Shape, counted: &[usize], bounds: &Value) {
        let end = |name: &str| bounds[name].as_str().map(|end| end.parse::<Decimal>().unwrap());
        let Some((low, high)) = end("lower").zip(end("upper")) else {
            return;
        };
        let scaled = |end: Decimal| (end * Decimal::from(SCALE)).to_i64().unwrap();
        let name = format!("{name} lies from {low} to {high}");
        let terms = |weights: [i64; 2]| -> Vec<_> { counted.iter().map(|at| (*at, weights)).collect() };
        if shape.coverage() || shape.mean() {
            self.learn_fact(&name, terms([SCALE, -scaled(low)]), 0, i64::MAX);
            self.learn_fact(&name, terms([SCALE, -scaled(high)]), i64::MIN, 0);
        } else {
            self.learn_fact(
                &name,
                terms([1, 0]),
                low.ceil().to_i64().unwrap(),
                high.floor().to_i64().unwrap(),
            );
        }
    }

    fn learn_fact(&mut self, name: &str, terms: Vec<(usize, [i64; 2])>, low: i64, high: i64) {
        let same = |fact: &Fact| fact.terms == terms && fact.low == low && fact.high == high;
        if !self.known.facts.iter().any(same) {
            self.known.fact(name, terms, low, high);
        }
    }
}

fn slug(node: &Value) -> &str {
    node["site"]["slug"].as_str().unwrap()
}

fn place(node: &Value) -> Place {
    let month = &node["month"].as_str().unwrap()[..7];
    (
        slug(node).to_owned(),
        node["measure"]["code"].as_str().unwrap().to_owned(),
        month.to_owned(),
    )
}

/// The released months of a site that count into a period, which is named `2026-03`, `2026-Q1` or `2026`.
fn counted<'p>(
    shape: Shape,
    site: &str,
    code: &str,
    period: &str,
    released: impl Iterator<Item = &'p Place>,
) -> Vec<Place> {
    let within = |month: &str| match period.split_once("-Q") {
        Some((year, quarter)) => {
            let number: u32 = month[5..].parse().unwrap();
            month.starts_with(year) && number.div_ceil(3).to_string() == quarter
        }
        None => month.starts_with(period),
    };
    let all = released.filter(|place| place.0 == site && place.1 == code && within(&place.2));
    let all: Vec<_> = all.cloned().collect();
    let from = if shape.takes_last() {
        all.len().saturating_sub(1)
    } else {
        0
    };
    all[from..].to_vec()
}

/// What a peer reads in the feed of a site says the same as the API.
async fn heard(host: &Host, site: &str, all: &BTreeMap<String, Value>) {
    network::sequence(host).await;
    let batch = network::from_start(host, site, Audience::Network, 10_000).await;
    for entry in &batch.entries {
        let header = Header::parse(&entry.header).unwrap();
        let Some(payload) = entry.payload.as_deref().filter(|_| header.kind == "release") else {
            continue;
        };
        let told: Value = serde_json::from_str(payload).unwrap();
        // Whoever reads the API has seen the others too, before they were taken back.
        let Some(node) = all.get(&ImpactReleaseId(header.gid).to_string()) else {
            continue;
        };
        for number in ["numerator", "denominator", "count"] {
            assert_eq!(
                node["value"].get(number).unwrap_or(&Value::Null),
                &told[number],
                "{told}"
            );
        }
        let suppressed = node["value"]["__typename"] == "SuppressedValue";
        assert_eq!(suppressed, told["disclosed"] == "SUPPRESSED", "{told}");
        if node["value"]["denominator"].is_null() {
            assert_eq!(
                node["value"].get("value").unwrap_or(&Value::Null),
                &told["value"],
                "{told}"
            );
        }
    }
}
