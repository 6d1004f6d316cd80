//! Fills what a test leaves out of inputs, by the schema: every text, number and day of every input gets a value that stands
//! nowhere else. A field that is added to an input is filled without anybody saying so.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{Days, NaiveDate};

use super::{FEW_ONLY, MEMBERS_ONLY, Schema, schema::named, text};
use crate::support::{Reply, Value, json};

/// What becomes of the visibility of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Whatever may be shared with the network is.
    All,
    /// Half of it is, in no pattern: the one half or the other.
    Half(u32),
}

/// Values that stand nowhere else.
pub struct Filler {
    schema: Schema,
    sharing: Mutex<Sharing>,
    count: AtomicI64,
    choices: AtomicI64,
    /// What was taken where, so that what is refused once is not tried again.
    taken: Mutex<HashMap<String, usize>>,
}

/// A place in an input, and what could stand there instead of what does; the next is tried when one is refused.
#[derive(Debug)]
struct Place {
    path: Vec<String>,
    instead: Vec<Value>,
    tried: usize,
}

impl Place {
    /// The same for every item of a list, and by what could stand there.
    fn name(&self, of: &str) -> String {
        let steps = self.path.iter().filter(|step| step.parse::<usize>().is_err());
        let steps: Vec<_> = steps.map(String::as_str).collect();
        format!("{of} {} {}", steps.join("."), self.instead.len())
    }
}

impl Filler {
    /// By the schema of a host.
    pub fn by(schema: Schema) -> Self {
        Self {
            schema,
            sharing: Sharing::All.into(),
            count: AtomicI64::new(0),
            choices: AtomicI64::new(0),
            taken: Mutex::default(),
        }
    }

    /// Shares otherwise from now on.
    pub fn shares(&self, sharing: Sharing) {
        *self.sharing.lock().unwrap() = sharing;
        self.choices.store(0, Ordering::SeqCst);
    }

    /// Does a mutation with as much as its host takes: what is refused is left as the test said.
    pub async fn fill(&self, of: &str, input: &Value, ask: impl AsyncFn(Value) -> Reply) -> Reply {
        let mut places = Vec::new();
        self.places(of, input, &mut Vec::new(), &mut places);
        for place in &mut places {
            place.tried = self
                .taken
                .lock()
                .unwrap()
                .get(&place.name(of))
                .copied()
                .unwrap_or_default();
        }
        loop {
            let reply = ask(filled(input, &places, None)).await;
            if reply.code() == "OK" {
                self.remember(of, &places, None);
                return reply;
            }
            let refused = if reply.0.get("errors").is_some() {
                String::new()
            } else {
                reply.problems()
            };
            let mut told = false;
            for place in &mut places {
                let path = place.path.join(".");
                let open = place.tried < place.instead.len();
                if open
                    && refused
                        .lines()
                        .any(|line| line.ends_with(&format!(" {path}")) || line.contains(&format!(" {path}.")))
                {
                    place.tried += 1;
                    told = true;
                }
            }
            if !told {
                return self.without_one(of, input, &places, ask).await;
            }
        }
    }

    /// Finds the one place that spoils the rest; without any when there are several.
    async fn without_one(&self, of: &str, input: &Value, places: &[Place], ask: impl AsyncFn(Value) -> Reply) -> Reply {
        let open = |number: &usize| places[*number].tried < places[*number].instead.len();
        for left_out in (0..places.len()).filter(open) {
            let reply = ask(filled(input, places, Some(left_out))).await;
            if reply.code() == "OK" {
                self.remember(of, places, Some(left_out));
                return reply;
            }
        }
        ask(input.clone()).await
    }

    fn remember(&self, of: &str, places: &[Place], left_out: Option<usize>) {
        let mut taken = self.taken.lock().unwrap();
        // What may be shared depends on what it is.
        let told = places
            .iter()
            .enumerate()
            .filter(|(_, place)| place.instead != [json!("NETWORK")]);
        for (number, place) in told {
            let tried = if left_out == Some(number) {
                place.instead.len()
            } else {
                place.tried
            };
            taken.insert(place.name(of), tried);
        }
    }

    fn places(&self, of: &str, input: &Value, at: &mut Vec<String>, places: &mut Vec<Place>) {
        for field in self.schema.inputs(of) {
            let (name, kind) = (text(&field["name"]), named(&field["type"]));
            at.push(name.clone());
            match &input[&name] {
                Value::Object(_) => self.places(&kind, &input[&name], at, places),
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    for (number, item) in items.iter().enumerate() {
                        at.push(number.to_string());
                        self.places(&kind, item, at, places);
                        at.pop();
                    }
                }
                value => {
                    let many = is_list(&field["type"]);
                    let instead = match self.schema.values(&kind).first().filter(|_| many && value.is_null()) {
                        Some(first) => vec![json!(first)],
                        None => self.instead(&kind, value),
                    };
                    let instead: Vec<_> = instead
                        .into_iter()
                        .map(|one| if many { json!([one]) } else { one })
                        .collect();
                    if !instead.is_empty() {
                        places.push(Place {
                            path: at.clone(),
                            instead,
                            tried: 0,
                        });
                    }
                }
            }
            at.pop();
        }
    }

    /// What could stand where this stands. What a test says stays, but for texts that nobody looks for.
    fn instead(&self, kind: &str, value: &Value) -> Vec<Value> {
        if kind == "Visibility" {
            return if self.is_shared() {
                vec![json!("NETWORK")]
            } else {
                Vec::new()
            };
        }
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let mark = format!("mk{number:05}qz");
        let said = value.as_str().or_else(|| value[0].as_str());
        match (kind, said) {
            ("String", Some(said)) if said.contains("://") => Vec::new(),
            ("String", Some(said)) if said.contains(MEMBERS_ONLY) || said.contains(FEW_ONLY) => {
                if said.contains('@') {
                    vec![json!(format!("{mark}.{said}"))]
                } else {
                    vec![json!(format!("{said} {mark}")), json!(format!("{said}-{mark}"))]
                }
            }
            _ if !value.is_null() => Vec::new(),
            ("String", None) => vec![
                json!(format!("{mark} said")),
                json!(format!("https://{mark}.test/")),
                json!(format!("{mark}@example.test")),
                json!(mark),
                // As a language tag, for private use.
                json!(format!("en-x-m{number:05}q")),
            ],
            ("Int", None) => vec![json!(710_000 + number), json!(100 + number % 900)],
            ("Decimal", None) => vec![json!((810_000 + number).to_string())],
            ("Date", None) => {
                let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap() + Days::new(number.unsigned_abs());
                [day(2027), day(2001)].map(|day| json!(day)).to_vec()
            }
            _ => Vec::new(),
        }
    }

    fn is_shared(&self) -> bool {
        match *self.sharing.lock().unwrap() {
            Sharing::All => true,
            Sharing::Half(half) => self.choices.fetch_add(1, Ordering::SeqCst).count_ones() % 2 == half,
        }
    }
}

/// The input with what stands instead, one place left out.
fn filled(input: &Value, places: &[Place], left_out: Option<usize>) -> Value {
    let mut input = input.clone();
    for (number, place) in places.iter().enumerate() {
        let Some(instead) = place.instead.get(place.tried).filter(|_| left_out != Some(number)) else {
            continue;
        };
        let mut at = &mut input;
        for step in &place.path {
            at = match step.parse::<usize>() {
                Ok(index) => &mut at[index],
                Err(_) => &mut at[step],
            };
        }
        *at = instead.clone();
    }
    input
}

fn is_list(of: &Value) -> bool {
    of["kind"] == "LIST" || (of["kind"] == "NON_NULL" && is_list(&of["ofType"]))
}
