//! What there is to ask, as the schema tells it itself: documents that ask for everything below every root field, and
//! which field of which type shows each object of an answer.

use std::collections::BTreeMap;

use super::{Seeds, text};
use crate::support::{Host, Value, json};

/// Most words of a document. What is longer is split, never cut.
const MOST_WORDS: usize = 3_000;

/// How many records deep the documents ask.
const DEPTH: usize = 2;

const INTROSPECTION: &str = "{ __schema { types { name kind possibleTypes { name }
    inputFields { name type { ...T } } enumValues { name }
    fields { name args { name defaultValue type { ...T } } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The schema as it describes itself.
pub struct Schema {
    types: BTreeMap<String, Value>,
}

impl Schema {
    pub async fn read(host: &Host) -> Self {
        let reply = host.anonymous().run(INTROSPECTION, json!({})).await;
        let types = reply.data()["__schema"]["types"].as_array().unwrap().clone();
        Self {
            types: types.into_iter().map(|of| (text(&of["name"]), of)).collect(),
        }
    }

    pub fn fields(&self, of: &str) -> Vec<Value> {
        self.types[of]["fields"].as_array().cloned().unwrap_or_default()
    }

    /// The fields of an input type.
    pub fn inputs(&self, of: &str) -> Vec<Value> {
        self.types[of]["inputFields"].as_array().cloned().unwrap_or_default()
    }

    /// The values of an enumeration.
    pub fn values(&self, of: &str) -> Vec<&str> {
        let values = self.types[of]["enumValues"].as_array().into_iter().flatten();
        values.filter_map(|value| value["name"].as_str()).collect()
    }

    /// Every value of every enumeration: words that tell nothing of anybody.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let values = self.types.values().filter_map(|of| of["enumValues"].as_array());
        values.flatten().filter_map(|value| value["name"].as_str())
    }

    fn is_leaf(&self, of: &str) -> bool {
        matches!(self.types[of]["kind"].as_str(), Some("SCALAR" | "ENUM"))
    }

    fn possible(&self, of: &str) -> Vec<String> {
        let possible = self.types[of]["possibleTypes"].as_array();
        possible.into_iter().flatten().map(|one| text(&one["name"])).collect()
    }

    /// Every field that a query can meet and that shows objects, as `Type.field`, with the type of the objects.
    pub fn edges(&self) -> BTreeMap<String, String> {
        let mut edges = BTreeMap::new();
        let (mut met, mut waiting) = (Vec::new(), vec!["Query".to_owned()]);
        while let Some(of) = waiting.pop() {
            if met.contains(&of) {
                continue;
            }
            waiting.extend(self.possible(&of));
            let concrete = self.types[&of]["kind"] == "OBJECT" && !wraps(&of);
            for field in self.fields(&of) {
                let shown = named(&field["type"]);
                if self.is_leaf(&shown) {
                    continue;
                }
                if concrete {
                    edges.insert(format!("{of}.{}", text(&field["name"])), self.unwrapped(&shown));
                }
                waiting.push(shown);
            }
            met.push(of);
        }
        edges
    }

    /// The type of the items, where a type is a connection.
    fn unwrapped(&self, of: &str) -> String {
        let nodes = self.fields(of).into_iter().find(|field| field["name"] == "nodes");
        nodes
            .filter(|_| wraps(of))
            .map_or_else(|| of.to_owned(), |nodes| named(&nodes["type"]))
    }

    /// Tells every object of an answer, with the field that shows it; items of a connection with that of the connection.
    pub fn walk(&self, data: &Value, told: &mut impl FnMut(&str, &Value)) {
        self.told_below("Query", "", data, told);
    }

    fn told_below(&self, of: &str, by: &str, object: &Value, told: &mut impl FnMut(&str, &Value)) {
        for (key, value) in object.as_object().into_iter().flatten() {
            let field = key
                .split_once("__")
                .filter(|(at, _)| !at.is_empty())
                .map_or(&**key, |(_, field)| field);
            let by = if wraps(of) {
                by.to_owned()
            } else {
                format!("{of}.{field}")
            };
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            // A scalar may hold JSON, which is no object of a type.
            for item in items.iter().filter(|item| item["__typename"].is_string()) {
                told(&by, item);
                self.told_below(&text(&item["__typename"]), &by, item, told);
            }
        }
    }

    /// For every root field the documents that together ask it for all that hangs below.
    pub fn documents(&self, seeds: &Seeds) -> Vec<(String, String)> {
        let mut documents = Vec::new();
        for field in self.fields("Query") {
            let name = text(&field["name"]);
            for arguments in self.arguments(&field, seeds) {
                // By one id there is no more than `nodes` shows by many, of one type.
                let known = seeds
                    .types
                    .iter()
                    .find(|(id, _)| name == "node" && arguments.contains(*id));
                let below = match known {
                    Some((_, of)) => {
                        let fields = pack(self.parts(of, DEPTH - 1, seeds, ""));
                        let on = fields.into_iter();
                        on.map(|fields| format!("{{ __typename ... on {of} {{ {fields} }} }}"))
                            .collect()
                    }
                    None => self.selections(&named(&field["type"]), DEPTH, seeds),
                };
                let whole = below
                    .into_iter()
                    .map(|below| (name.clone(), format!("{{ {name}{arguments} {below} }}")));
                documents.extend(whole);
            }
        }
        documents
    }

    /// Selections that together ask a record of a type for its fields, those of its parts, and those of the records that it or
    /// a part is tied to.
    pub fn below(&self, of: &str, site: &'static str) -> Vec<String> {
        let seeds = Seeds::none(site);
        let mut parts = self.parts(of, 1, &seeds, "");
        for field in self.fields(of) {
            let below = named(&field["type"]);
            let is_record = self.fields(&below).iter().any(|field| field["name"] == "id");
            if self.types[&below]["kind"] == "OBJECT" && !is_record && !wraps(&below) {
                let name = text(&field["name"]);
                let selections = self.selections(&below, 1, &seeds);
                parts.extend(selections.iter().map(|asked| format!("{name} {asked}")));
            }
        }
        pack(parts)
    }

    /// The ways to fill the needed arguments of a field: one for each seed where it takes an id.
    fn arguments(&self, field: &Value, seeds: &Seeds) -> Vec<String> {
        let mut ways = vec![String::new()];
        let quoted = |value: &str| format!("\"{value}\"");
        for argument in field["args"].as_array().unwrap() {
            let needed = argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null();
            let name = text(&argument["name"]);
            let values: Vec<String> = match name.as_str() {
                _ if !needed => continue,
                "site" => vec![quoted(seeds.site)],
                "slug" if field["name"] == "site" => vec![quoted(seeds.site)],
                "slug" if field["name"] == "project" => vec![quoted(seeds.slug("project"))],
                "slug" if field["name"] == "resource" => vec![quoted(seeds.slug("resource"))],
                "slug" => vec![quoted(seeds.slug("space")), quoted(seeds.slug("closed"))],
                "id" => seeds.types.keys().map(|id| quoted(id)).collect(),
                "ids" => {
                    let ids: Vec<_> = seeds.types.keys().map(|id| quoted(id)).collect();
                    vec![format!("[{}]", ids.join(", "))]
                }
                "representations" => {
                    let named = seeds.types.iter();
                    let named: Vec<_> = named
                        .map(|(id, of)| format!("{{ __typename: \"{of}\", id: \"{id}\" }}"))
                        .collect();
                    vec![format!("[{}]", named.join(", "))]
                }
                "measure" => vec![quoted(&seeds.ids["measure"])],
                "from" => vec![quoted("2026-01-01")],
                "to" => vec![quoted("2026-05-31")],
                other => panic!("say here how to fill the argument {other} of {}", field["name"]),
            };
            let filled = |way: &String| {
                values
                    .iter()
                    .map(|value| format!("{way} {name}: {value}"))
                    .collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(filled).collect();
        }
        ways.into_iter()
            .map(|way| if way.is_empty() { way } else { format!("({way})") })
            .collect()
    }

    /// Selections that together ask for everything below a type, `depth` records deep. Connections and edges do not
    /// count.
    fn selections(&self, of: &str, depth: usize, seeds: &Seeds) -> Vec<String> {
        if self.is_leaf(of) {
            return vec![String::new()];
        }
        let mut parts = Vec::new();
        for (number, possible) in self.possible(of).iter().enumerate() {
            // Fields of the same name have other arguments and types on other types, so each gets names of its own.
            for fields in pack(self.parts(possible, depth, seeds, &format!("t{number}__"))) {
                parts.push(format!("... on {possible} {{ {fields} }}"));
            }
        }
        if self.types[of]["kind"] == "OBJECT" {
            parts.extend(self.parts(of, depth, seeds, ""));
        }
        let whole = |parts: &String| format!("{{ __typename {parts} }}");
        pack(parts).iter().map(whole).collect()
    }

    /// Every field of a type with what is asked below it; one that asks for too much comes several times.
    fn parts(&self, of: &str, depth: usize, seeds: &Seeds, prefix: &str) -> Vec<String> {
        let mut parts = Vec::new();
        for field in self.fields(of) {
            let (name, below) = (text(&field["name"]), named(&field["type"]));
            let passes = wraps(of) || self.is_leaf(&below);
            if !passes && depth == 0 {
                continue;
            }
            let arguments = self.arguments(&field, seeds).remove(0);
            let alias = if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}{name}: ")
            };
            let selections = match name.as_str() {
                // The same rows as `nodes`.
                "edges" if wraps(of) => vec!["{ __typename cursor node { __typename id } }".to_owned()],
                _ => self.selections(&below, if passes { depth } else { depth - 1 }, seeds),
            };
            parts.extend(
                selections
                    .iter()
                    .map(|asked| format!("{alias}{name}{arguments} {asked}")),
            );
        }
        parts
    }
}

/// Whether a type only pages through others.
fn wraps(of: &str) -> bool {
    of.ends_with("Connection") || of.ends_with("Edge")
}

/// Joins parts to as few texts as keep within the words of a document.
fn pack(parts: Vec<String>) -> Vec<String> {
    let mut packs: Vec<String> = Vec::new();
    let mut room = 0;
    for part in parts {
        let words = part.split_whitespace().count();
        match packs.last_mut().filter(|_| words <= room) {
            Some(pack) => *pack = format!("{pack} {part}"),
            None => {
                packs.push(part);
                room = MOST_WORDS;
            }
        }
        room = room.saturating_sub(words);
    }
    packs
}

/// The name of a type behind its lists and non-nulls.
pub fn named(of: &Value) -> String {
    of["name"].as_str().map_or_else(|| named(&of["ofType"]), str::to_owned)
}
