//! Documents made to exhaust the stack, the processor or the memory. Each is refused, and quickly, on a thread whose
//! stack is no larger than those of the server.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::super::documents::Documents;
use super::{HttpSettings, Toy, schema, settings};

/// Far more than a refusal takes, far less than the work that it avoids.
const SOON: Duration = Duration::from_secs(2);

/// Limits as an operator may widen them for frontends of their own.
fn wide() -> HttpSettings {
    HttpSettings {
        document_tokens: 10_000,
        document_depth: 32,
        document_aliases: 10_000,
        document_directives: 10_000,
        ..settings()
    }
}

/// The longest that a refusal may take. Without optimisation everything takes several times as long.
const REFUSED_WITHIN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 500 } else { 50 });

/// The code and limit that a document is refused with.
fn refused(text: &str) -> String {
    refused_by(&settings(), text)
}

fn refused_by(settings: &HttpSettings, text: &str) -> String {
    let documents = Documents::new(&schema().sdl(), settings).unwrap();
    let started = Instant::now();
    let errors = documents.read(text).err().unwrap_or_default();
    let took = started.elapsed();
    println!(
        "{took:?} for {} bytes: {:?}",
        text.len(),
        errors.first().map(|error| &error.message)
    );
    assert!(took < SOON, "took {took:?}");
    let extensions = errors
        .first()
        .and_then(|error| error.extensions.clone())
        .unwrap_or_default();
    ["code", "limit"]
        .iter()
        .filter_map(|name| extensions.get(name))
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

const NESTING: &str = r#""LIMIT_EXCEEDED" "document_nesting""#;
const TOKENS: &str = r#""LIMIT_EXCEEDED" "document_tokens""#;
const DEPTH: &str = r#""LIMIT_EXCEEDED" "document_depth""#;
const LEVELS: &str = r#""LIMIT_EXCEEDED" "document_levels""#;
const ALIASES: &str = r#""LIMIT_EXCEEDED" "document_aliases""#;
const DIRECTIVES: &str = r#""LIMIT_EXCEEDED" "document_directives""#;
const SELECTIONS: &str = r#""LIMIT_EXCEEDED" "document_selections""#;

#[test]
fn ten_thousand_nested_brackets_of_any_kind_are_refused() {
    let deep = |open: &str, core: &str, close: &str| format!("{}{core}{}", open.repeat(10_000), close.repeat(10_000));
    for document in [
        format!("{{ sum(numbers: {}) }}", deep("[", "1", "]")),
        format!("{{ sum(numbers: {}", "[".repeat(10_000)),
        format!("{{ described(patch: {}) }}", deep("{ below: ", "{}", "}")),
        format!("{{ described(patch: {}", "{ below: ".repeat(10_000)),
        format!("{{ described(patch: {}) }}", deep("{ below: [", "1", "]}")),
        format!("{{ person {} }}", deep("{ friend ", "{ name }", "}")),
        format!("{{ person {}", "{ friend ".repeat(10_000)),
        format!("{{ {} }}", deep("... { ", "hello", "}")),
        format!("{{ {} }}", deep("... on Query { ", "hello", "}")),
        format!("query($a: {}) {{ hello }}", deep("[", "Int", "]")),
        format!("query($a: {}", "[".repeat(10_000)),
        format!("query($a: Int = {}) {{ hello }}", deep("[", "1", "]")),
        format!("{{ hello @include(if: {}) }}", deep("[", "true", "]")),
        format!("query @note(a: {}) {{ hello }}", deep("{ a: ", "1", "}")),
        format!(
            "fragment F on Query @a(a: {}) {{ hello }} {{ ...F }}",
            deep("[", "1", "]")
        ),
        deep("{", "hello", "}"),
    ] {
        assert_eq!(refused(&document), NESTING, "{}", &document[..60]);
    }
}

#[test]
fn the_deepest_nesting_that_passes_the_limit_does_not_overflow_the_stack() {
    let nested = |levels: usize| {
        format!(
            "{{ person {} {{ name }} {} }}",
            "{ friend ".repeat(levels),
            "}".repeat(levels)
        )
    };
    assert_eq!(refused(&nested(10)), "");
    assert_eq!(refused(&nested(11)), DEPTH);
    assert_eq!(refused_by(&wide(), &nested(30)), "");
    assert_eq!(refused_by(&wide(), &nested(31)), DEPTH);
    let list = |levels: usize| format!("{{ sum(numbers: {}1{}) }}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(refused(&list(60)), r#""VALIDATION_FAILED""#);
    let types = format!(
        "query($a: {}Int{}) {{ sum(numbers: $a) }}",
        "[".repeat(60),
        "]".repeat(60)
    );
    assert_eq!(refused(&types), r#""VALIDATION_FAILED""#);
}

#[tokio::test]
async fn the_deepest_query_that_is_allowed_is_executed() {
    let levels = 30;
    let query = format!(
        "{{ person {} {{ name }} {} }}",
        "{ friend ".repeat(levels),
        "}".repeat(levels)
    );
    assert_eq!(Toy::with(|settings| *settings = wide()).run(&query).await.status, 200);
}

#[test]
fn a_document_of_too_many_tokens_is_refused() {
    assert_eq!(refused(&format!("{{ {} }}", "hello ".repeat(20_000))), TOKENS);
    assert_eq!(refused(&format!("{{ hello {} }}", "@a ".repeat(20_000))), TOKENS);
    assert_eq!(
        refused(&format!("{{ sum(numbers: [{}]) }}", "1 ".repeat(50_000))),
        TOKENS
    );
}

#[test]
fn text_that_is_no_graphql_at_all_is_refused() {
    for text in [
        "%".repeat(250_000),
        "\"".repeat(250_000),
        "\\".repeat(250_000),
        "\u{1F600}".repeat(60_000),
        "#".repeat(250_000),
    ] {
        let code = refused(&text);
        assert!(
            code.contains("PARSE_FAILED") || code == TOKENS || code.contains("VALIDATION_FAILED"),
            "{code}"
        );
    }
}

/// Fragments of which each spreads the next twice: 2 to the power of their number.
fn doubling(fragments: usize) -> String {
    let mut text = "{ person { ...F0 } }".to_owned();
    for number in 0..fragments {
        let next = number + 1;
        write!(
            text,
            " fragment F{number} on Node {{ ...F{next} friend {{ ...F{next} }} }}"
        )
        .unwrap();
    }
    write!(text, " fragment F{fragments} on Node {{ name }}").unwrap();
    text
}

#[test]
fn fragments_that_unfold_without_end_are_refused() {
    let chain = doubling(14);
    assert!(chain.len() < 1_000);
    assert_eq!(refused_by(&wide(), &chain), SELECTIONS);
    assert_eq!(refused(&chain), DEPTH);
    assert_eq!(refused_by(&wide(), &doubling(100)), LEVELS);
    let wide = format!(
        "{{ {} }} fragment A on Query {{ {} }} fragment B on Query {{ {} }} fragment C on Query {{ hello }}",
        "...A ".repeat(100),
        "...B ".repeat(100),
        "...C ".repeat(100)
    );
    assert_eq!(refused(&wide), SELECTIONS);
}

#[test]
fn fragments_in_a_circle_or_in_a_long_chain_are_refused() {
    assert_eq!(
        refused("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
        r#""VALIDATION_FAILED""#
    );
    let mut web = "{ ...F0 }".to_owned();
    for number in 0..55 {
        let spreads = (0..55).map(|other| format!("...F{other} ")).collect::<String>();
        write!(web, " fragment F{number} on Query {{ {spreads} }}").unwrap();
    }
    assert_eq!(refused_by(&wide(), &web), r#""VALIDATION_FAILED""#);
    let chain = |order: &mut dyn Iterator<Item = usize>| {
        let links = order.map(|number| format!(" fragment F{number} on Query {{ ...F{} }}", number + 1));
        format!(
            "{{ ...F0 }}{} fragment F1000 on Query {{ hello }}",
            links.collect::<String>()
        )
    };
    assert_eq!(refused_by(&wide(), &chain(&mut (0..1000))), LEVELS);
    assert_eq!(refused_by(&wide(), &chain(&mut (0..1000).rev())), LEVELS);
}

#[test]
fn fragments_that_nothing_spreads_cost_nothing_either() {
    let chain = doubling(14).replacen("...F0", "name", 1);
    assert_eq!(refused_by(&wide(), &chain), SELECTIONS);
}

#[test]
fn aliases_and_directives_are_counted_wherever_a_fragment_is_spread() {
    let aliases = |count: usize| {
        let fields = (0..count).map(|number| format!("a{number}: hello "));
        fields.collect::<String>()
    };
    let directives = |count: usize| "hello @include(if: true) ".repeat(count);
    let alone = |fields: String| format!("{{ {fields} }}");
    let spread = |fields: String| format!("{{ {} }} fragment F on Query {{ {fields} }}", "...F ".repeat(5));
    assert_eq!(refused(&alone(aliases(30))), "");
    assert_eq!(refused(&alone(aliases(31))), ALIASES);
    assert_eq!(refused(&spread(aliases(6))), "");
    assert_eq!(refused(&spread(aliases(7))), ALIASES);
    assert_eq!(refused(&alone(directives(20))), "");
    assert_eq!(refused(&alone(directives(21))), DIRECTIVES);
    assert_eq!(refused(&spread(directives(4))), "");
    assert_eq!(refused(&spread(directives(5))), DIRECTIVES);
}

#[tokio::test]
async fn a_refusal_is_soon_and_small() {
    let toy = Toy::default();
    for text in [
        format!("{{ person {}", "{ friend ".repeat(20_000)),
        format!("{{ {} }}", "hello ".repeat(40_000)),
        format!("{{ {} }}", "%".repeat(250_000)),
        "#".repeat(250_000),
        doubling(40),
        format!(
            "{{ {} }}",
            (0..300).map(|number| format!("x{number} ")).collect::<String>()
        ),
    ] {
        let mut quickest = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            let reply = toy.run(&text).await;
            quickest = quickest.min(started.elapsed());
            assert_eq!(reply.status, 400);
            assert!(reply.body.len() < 4_000, "{} bytes", reply.body.len());
        }
        assert!(quickest < REFUSED_WITHIN, "{quickest:?}");
    }
}

#[test]
fn introspection_that_multiplies_is_refused() {
    let query = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(refused(query), r#""LIMIT_EXCEEDED" "introspection_lists""#);
}

/// What passes every limit where it is wide and still makes the validator compare, unfold and report as much as it can.
fn heaviest() -> Vec<(&'static str, String)> {
    let repeat = |count: usize, make: &dyn Fn(usize) -> String| (0..count).map(make).collect::<String>();
    vec![
        ("the same field again", format!("{{ {} }}", "hello ".repeat(9_900))),
        (
            "aliases",
            format!("{{ {} }}", repeat(3_300, &|number| format!("a{number}: hello "))),
        ),
        (
            "one alias for other arguments",
            format!(
                "{{ {} }}",
                repeat(1_200, &|number| format!("a: hello(name: \"{number}\") "))
            ),
        ),
        (
            "the same object again",
            format!("{{ {} }}", "person { friend { name } } ".repeat(1_400)),
        ),
        (
            "the same deep object again",
            format!(
                "{{ {} }}",
                repeat(90, &|_| format!(
                    "person {} {{ name }} {} ",
                    "{ friend ".repeat(28),
                    "}".repeat(28)
                ))
            ),
        ),
        (
            "many operations",
            repeat(1_900, &|number| format!("query Q{number} {{ hello }} ")),
        ),
        (
            "many fragments",
            format!(
                "{{ {} }} {}",
                repeat(1_200, &|number| format!("...F{number} ")),
                repeat(1_200, &|number| format!("fragment F{number} on Query {{ hello }} "))
            ),
        ),
        (
            "operations that share fragments",
            format!(
                "{} fragment F on Query {{ {} }}",
                repeat(900, &|number| format!("query Q{number} {{ ...F }} ")),
                "hello ".repeat(9)
            ),
        ),
        (
            "many variables",
            format!(
                "query({}) {{ sum(numbers: [{}]) }}",
                repeat(1_400, &|number| format!("$a{number}: Int! ")),
                repeat(1_400, &|number| format!("$a{number} "))
            ),
        ),
        (
            "many unknown fields",
            format!("{{ {} }}", repeat(9_000, &|number| format!("x{number} "))),
        ),
        (
            "many unknown arguments",
            format!("{{ hello({}) }}", repeat(2_400, &|number| format!("x{number}: 1 "))),
        ),
        (
            "the same argument again",
            format!("{{ hello({}) }}", repeat(2_400, &|_| "name: \"\" ".to_owned())),
        ),
        (
            "many directives",
            format!("{{ hello {} }}", "@include(if: true) ".repeat(1_100)),
        ),
        ("unknown directives", format!("{{ hello {} }}", "@x ".repeat(4_900))),
        (
            "the same key again",
            format!("{{ described(patch: {{ {} }}) }}", "title: \"\" ".repeat(3_000)),
        ),
        ("a long list", format!("{{ sum(numbers: [{}]) }}", "1 ".repeat(9_900))),
        ("a long text", format!("{{ hello(name: \"{}\") }}", "x".repeat(250_000))),
        (
            "a long block",
            format!("{{ hello(name: \"\"\"{}\"\"\") }}", " \n".repeat(120_000)),
        ),
        ("a long name", format!("{{ {} }}", "x".repeat(250_000))),
        (
            "nested inline fragments",
            format!(
                "{{ {} }}",
                repeat(60, &|_| format!("{} hello {} ", "... { ".repeat(30), "} ".repeat(30)))
            ),
        ),
        (
            "fields of a fragment spread again",
            format!(
                "{{ person {{ {} }} }} fragment F on Node {{ {} }}",
                "...F ".repeat(60),
                "friend { name } ".repeat(80)
            ),
        ),
    ]
}

#[test]
fn the_heaviest_documents_that_pass_the_limits_are_read_in_bounded_time() {
    for (name, text) in heaviest() {
        print!("{name}: ");
        refused(&text);
        refused_by(&wide(), &text);
    }
}

#[tokio::test]
async fn the_heaviest_documents_that_are_valid_are_executed_in_bounded_time() {
    let toy = Toy::with(|settings| *settings = wide());
    for (name, text) in heaviest() {
        let started = Instant::now();
        let status = toy.run(&text).await.status;
        println!("{name}: {status} after {:?}", started.elapsed());
        assert!(started.elapsed() < SOON, "{name}");
    }
}
