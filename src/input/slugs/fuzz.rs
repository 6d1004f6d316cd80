//! Titles of chance: their slugs are plain, short and stay what they are.

use super::{WORD, free_slug, slug};
use crate::fuzz::{Choice, MOMENT, changed, seeds};

const SEEDS: &str = include_str!("../../fuzz/slugs.txt");

const WORDS: &[&str] = &[
    "-",
    "--",
    " ",
    "\t",
    "\0",
    "é",
    "e\u{301}",
    "İ",
    "ı",
    "ß",
    "ﬁ",
    "½",
    "²",
    "K",
    "Å",
    "健康",
    "\u{200D}",
    "\u{FEFF}",
    "_",
    "/",
    "..",
    "%2F",
    "A",
    "z",
    "0",
    "untitled",
    "ǅ",
    "Σς",
    "Ⅷ",
    "①",
    "🧑‍⚕️",
];

#[test]
fn a_slug_is_plain_and_its_own_slug() {
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let title = changed(choice, &seeds(SEEDS), WORDS);
            let made = slug(&title);
            assert_eq!(slug(&made), made, "{title:?}");
            assert!((1..=WORD).contains(&made.len()), "{title:?}: {made}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(made.chars().all(plain), "{title:?}: {made}");
            assert!(made.split('-').all(|word| !word.is_empty()), "{title:?}: {made}");
            let taken = [made.clone(), format!("{made}-2")];
            assert_eq!(free_slug(&title, &taken), format!("{made}-3"));
        });
}
