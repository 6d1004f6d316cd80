//! The contract of the API's core: every name of it stands in the schema, and everything in the schema is described.

use std::collections::BTreeMap;

use apollo_compiler::ast::{Definition, Document, FieldDefinition, InputValueDefinition, Type};
use champion_network::schema;

/// What frontends rely on.
const CONTRACT: &str = include_str!("../contract.graphql");

/// What stands at a name such as `Project.title` or `Query.node(id)`.
#[derive(Clone, Debug)]
enum Item {
    /// A type, an enum value, a member of a union or an interface of a type.
    Name,
    /// A field, with what it gives.
    Gives(Type),
    /// An argument or a field of an input, with what it takes.
    Takes(Type),
}

/// The items of a document by their names, and whether each is described.
type Items = BTreeMap<String, (Item, bool)>;

fn items(document: &str) -> Items {
    let document = Document::parse(document, "schema.graphql").unwrap();
    let mut items = Items::new();
    for definition in &document.definitions {
        collect(&mut items, definition);
    }
    items
}

fn collect(items: &mut Items, definition: &Definition) {
    let Some(name) = definition.name() else { return };
    let mut named = |described| items.insert(name.to_string(), (Item::Name, described));
    match definition {
        Definition::ScalarTypeDefinition(it) => drop(named(it.description.is_some())),
        Definition::ObjectTypeDefinition(it) => {
            named(it.description.is_some());
            fields(items, name, &it.fields);
            names(items, name, "implements", it.implements_interfaces.iter());
        }
        Definition::InterfaceTypeDefinition(it) => {
            named(it.description.is_some());
            fields(items, name, &it.fields);
        }
        Definition::UnionTypeDefinition(it) => {
            named(it.description.is_some());
            names(items, name, "=", it.members.iter());
        }
        Definition::EnumTypeDefinition(it) => {
            named(it.description.is_some());
            for value in &it.values {
                let described = value.description.is_some();
                items.insert(format!("{name}.{}", value.value), (Item::Name, described));
            }
        }
        Definition::InputObjectTypeDefinition(it) => {
            named(it.description.is_some());
            for field in &it.fields {
                items.insert(format!("{name}.{}", field.name), taken(field));
            }
        }
        _ => {}
    }
}

fn fields<'a>(items: &mut Items, of: &str, all: impl IntoIterator<Item = &'a apollo_compiler::Node<FieldDefinition>>) {
    for field in all {
        let name = format!("{of}.{}", field.name);
        for argument in &field.arguments {
            items.insert(format!("{name}({})", argument.name), taken(argument));
        }
        items.insert(name, (Item::Gives(field.ty.clone()), field.description.is_some()));
    }
}

fn taken(value: &InputValueDefinition) -> (Item, bool) {
    (Item::Takes((*value.ty).clone()), value.description.is_some())
}

/// What is only named needs no description: it has one where it is declared.
fn names<'a>(items: &mut Items, of: &str, word: &str, all: impl Iterator<Item = &'a apollo_compiler::Name>) {
    items.extend(all.map(|name| (format!("{of} {word} {name}"), (Item::Name, true))));
}

/// What the schema lacks of the contract, a sentence each. It may promise more: a field that is never null, an argument
/// that may be left out.
fn lacking(contract: &Items, schema: &Items) -> Vec<String> {
    contract
        .iter()
        .filter_map(|(name, (promised, _))| {
            let Some((kept, _)) = schema.get(name) else {
                return Some(format!("{name} is missing"));
            };
            match (promised, kept) {
                (Item::Gives(want), Item::Gives(have)) => (!have.is_assignable_to(want))
                    .then(|| format!("{name} gives {have}, where the contract has {want}")),
                (Item::Takes(want), Item::Takes(have)) => (!want.is_assignable_to(have))
                    .then(|| format!("{name} takes {have}, where the contract has {want}")),
                _ => None,
            }
        })
        .chain(undeclared(contract, schema))
        .collect()
}

/// Types that the contract uses and leaves to the schema to declare, such as payloads and connections.
fn undeclared(contract: &Items, schema: &Items) -> Vec<String> {
    const BUILT_IN: [&str; 4] = ["ID", "String", "Int", "Boolean"];
    let mut missing = Vec::new();
    for (name, (item, _)) in contract {
        let (Item::Gives(of) | Item::Takes(of)) = item else {
            continue;
        };
        let of = of.inner_named_type().as_str();
        if !BUILT_IN.contains(&of) && !schema.contains_key(of) {
            missing.push(format!("{of} of {name} is missing"));
        }
        if of.ends_with("Connection") {
            let parts = ["nodes", "edges", "pageInfo", "totalCount"].map(|part| format!("{of}.{part}"));
            missing.extend(
                parts
                    .into_iter()
                    .filter(|part| !schema.contains_key(part))
                    .map(|part| format!("{part} is missing")),
            );
        }
    }
    missing
}

#[test]
fn every_name_of_the_contract_stands_in_the_schema() {
    let lacking = lacking(&items(CONTRACT), &items(&schema::document()));

    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn everything_in_the_schema_is_described() {
    let schema = items(&schema::document());
    let bare = schema.iter().filter(|(_, (_, described))| !described);
    let bare: Vec<_> = bare.map(|(name, _)| name.as_str()).collect();

    assert!(schema.len() > 500, "the schema was not read: {} items", schema.len());
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

#[test]
fn a_schema_that_breaks_the_contract_is_told_where() {
    let contract = "type A { kept(x: Int): String gone: Int list: [Int!]! } enum E { ONE TWO } union U = A";
    let schema = "type A { kept(x: Int!): String! list: [Int]! } enum E { ONE } union U = B";

    assert_eq!(
        lacking(&items(contract), &items(schema)),
        [
            "A.gone is missing",
            "A.kept(x) takes Int!, where the contract has Int",
            "A.list gives [Int]!, where the contract has [Int!]!",
            "E.TWO is missing",
            "U = A is missing",
        ]
    );
}

#[test]
fn an_undescribed_item_is_found() {
    let schema = items("\"A.\" type A { \"B.\" b(c: Int): Int } \"E.\" enum E { ONE }");
    let bare = schema.iter().filter(|(_, (_, described))| !described);

    assert_eq!(
        bare.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["A.b(c)", "E.ONE"]
    );
}
