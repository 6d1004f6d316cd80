//! Documents of chance: they are read in bounded time, and what is let through is as deep and large as a slow and plain
//! measure of the parser's own tree says.

use std::sync::LazyLock;
use std::time::Instant;

use apollo_compiler::ast::{Definition, Document, Selection};
use apollo_compiler::parser::Parser;
use async_graphql::ServerError;

use super::super::documents::Documents;
use super::super::{guard, scan};
use super::{HttpSettings, schema, settings};
use crate::fuzz::{Choice, MOMENT, SOON, changed, seeds};

const SEEDS: &str = include_str!("../../fuzz/documents.txt");

const WORDS: &[&str] = &[
    "{ ",
    " }",
    "{ person ",
    "{ friend ",
    "{ name }",
    "... { ",
    "...A",
    "...B ",
    "... on Person { ",
    "(a: ",
    ")",
    "[",
    "]",
    "[[[[",
    "{ below: ",
    "\"",
    "\"\"\"",
    "\\",
    "\\\"\"\"",
    "#",
    "\n",
    "\r",
    ",",
    "\u{FEFF}",
    "$a",
    "@include(if: true)",
    "fragment B on Query { ...A } ",
    "query Q { ",
    "alias: ",
    "__schema { types { ",
    "-1",
    "1e9",
    "null",
    "\0",
    "&",
    "|",
    "!",
];

static SETTINGS: LazyLock<HttpSettings> = LazyLock::new(settings);
static DOCUMENTS: LazyLock<Documents> = LazyLock::new(|| Documents::new(&schema().sdl(), &SETTINGS).unwrap());

/// The text with the brackets closed that are open at its end, as far as a simple look tells.
fn closed(mut text: String) -> String {
    let mut open = Vec::new();
    for character in text.chars() {
        match character {
            '{' => open.push('}'),
            '[' => open.push(']'),
            '(' => open.push(')'),
            '}' | ']' | ')' => {
                open.pop();
            }
            _ => {}
        }
    }
    text.extend(open.into_iter().rev());
    text
}

fn limit(refused: &Result<(), ServerError>) -> Option<String> {
    let extensions = refused.as_ref().err()?.extensions.as_ref()?;
    extensions.get("limit").map(ToString::to_string)
}

/// How deep fields and selection sets nest, and how many selections there are, with every fragment written out. None when
/// that has no end, or none that is worth waiting for.
fn unfolded(document: &Document, selections: &[Selection], around: usize, budget: &mut usize) -> Option<[usize; 3]> {
    if around > 200 {
        return None;
    }
    let mut all = [0, 1, 0];
    for selection in selections {
        *budget = budget.checked_sub(1)?;
        let (fields, below) = match selection {
            Selection::Field(field) => (1, field.selection_set.as_slice()),
            Selection::InlineFragment(inline) => (0, inline.selection_set.as_slice()),
            Selection::FragmentSpread(spread) => (0, named(document, &spread.fragment_name)),
        };
        let [depth, levels, selected] = if below.is_empty() {
            [0, 0, 0]
        } else {
            unfolded(document, below, around + 1, budget)?
        };
        all = [
            all[0].max(depth + fields),
            all[1].max(levels + 1),
            all[2] + selected + 1,
        ];
    }
    Some(all)
}

fn named<'d>(document: &'d Document, name: &str) -> &'d [Selection] {
    let fragments = document.definitions.iter().filter_map(|definition| match definition {
        Definition::FragmentDefinition(fragment) => Some(fragment),
        _ => None,
    });
    let mut of_name = fragments.filter(|fragment| fragment.name.as_str() == name);
    of_name.next().map_or(&[], |fragment| fragment.selection_set.as_slice())
}

fn agrees(text: &str, document: &Document) {
    let refused = guard::check(document, &SETTINGS);
    let mut budget = 200_000;
    let operations = document.definitions.iter().filter_map(|definition| match definition {
        Definition::OperationDefinition(operation) => Some(operation.selection_set.as_slice()),
        _ => None,
    });
    let introspects = text.contains("__");
    for selections in operations {
        let measured = unfolded(document, selections, 0, &mut budget);
        if refused.is_ok() {
            let [depth, levels, selected] = measured.expect("what is let through has an end");
            assert!(introspects || depth <= SETTINGS.document_depth, "{depth} deep: {text}");
            assert!(depth <= 40 && levels <= 41, "{levels} levels: {text}");
            assert!(
                selected <= SETTINGS.document_selections,
                "{selected} selections: {text}"
            );
        }
    }
    let plain = !introspects && !text.contains("fragment");
    if plain && limit(&refused).as_deref() == Some("\"document_depth\"") {
        let deep = document.definitions.iter().any(|definition| match definition {
            Definition::OperationDefinition(operation) => {
                let measured = unfolded(document, &operation.selection_set, 0, &mut budget);
                measured.is_none_or(|[depth, _, _]| depth > SETTINGS.document_depth)
            }
            _ => false,
        });
        assert!(deep, "refused as too deep, which it is not: {text}");
    }
}

/// The look at the text says the same of a document and of how the parser prints it.
fn scans_alike(text: &str, document: &Document) {
    let any_length = HttpSettings {
        document_tokens: usize::MAX,
        ..SETTINGS.clone()
    };
    let nests_too_deep = |text: &str| scan::check(text, &any_length).is_err();
    assert_eq!(nests_too_deep(text), nests_too_deep(&document.to_string()), "{text}");
}

#[test]
fn whatever_a_document_holds_it_is_read_soon_and_as_deep_as_it_is() {
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let text = changed(choice, &seeds(SEEDS), WORDS);
            let text = if choice.0.is_multiple_of(3) { text } else { closed(text) };
            let started = Instant::now();
            let read = DOCUMENTS.read(&text);
            assert!(started.elapsed() < SOON, "took {:?}: {text}", started.elapsed());
            // A parser without these limits, as far as the stack allows.
            if let Ok(document) = Parser::new().recursion_limit(400).parse_ast(&text, "document") {
                agrees(&text, &document);
                scans_alike(&text, &document);
            } else {
                assert!(read.is_err(), "what is no document was read: {text}");
            }
        });
}
