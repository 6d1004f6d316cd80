//! What attacks of chance stand on: texts that resemble real ones, changed in many places. Compiled for tests alone.
//!
//! A target is a test beside the code that it attacks. Under `cargo test` it runs for a moment with chance numbers; with
//! `BOLERO_RANDOM_TEST_TIME_MS` for as long as that says; under `cargo bolero test` a fuzzer that sees which lines are
//! reached chooses the changes. The seeds are small texts in `src/fuzz`, a file for each target, parted by lines of `----`.

use std::time::Duration;

/// How long a target runs when nobody says otherwise.
pub const MOMENT: Duration = Duration::from_millis(1_500);

/// The longest that one text may take, on a busy machine and without optimisation.
pub const SOON: Duration = Duration::from_secs(5);

/// A change to a text: what is done, where, to how much, and with what.
pub type Change = (u8, u16, u8, u16);

/// What a fuzzer chooses: a seed, and changes to it.
pub type Choice = (u16, Vec<Change>);

/// The seeds of a target.
pub fn seeds(file: &str) -> Vec<&str> {
    file.split("\n----\n").map(str::trim_end).collect()
}

/// A seed with the changes made to it, in order. Words are what the grammar of the target knows.
pub fn changed(choice: &Choice, seeds: &[&str], words: &[&str]) -> String {
    let pick = |from: &[&str], number: u16| from[usize::from(number) % from.len()].to_owned();
    let mut text = pick(seeds, choice.0);
    for (kind, place, length, with) in &choice.1 {
        let at = boundary(&text, usize::from(*place) % (text.len() + 1));
        let end = boundary(&text, (at + usize::from(*length)).min(text.len()));
        match kind % 8 {
            0 => text.insert_str(at, &pick(words, *with)),
            1 => text.replace_range(at..end, &pick(words, *with)),
            2 => text.replace_range(at..end, ""),
            3 => text.insert_str(at, &text[at..end].repeat(usize::from(*with % 40))),
            4 => text.insert_str(at, &pick(seeds, *with)),
            5 => text.insert_str(at, &pick(words, *with).repeat(usize::from(*length))),
            6 => text.insert(at, char::from_u32(u32::from(*with)).unwrap_or('\u{FFFD}')),
            _ => text.insert(at, char::from(*length)),
        }
        if text.len() > 20_000 {
            break;
        }
    }
    text
}

/// The start of the character that a byte belongs to.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[test]
fn no_change_is_the_seed_itself() {
    let seeds = seeds("one\n----\ntwo\n");

    assert_eq!(seeds, ["one", "two"]);
    assert_eq!(changed(&(1, Vec::new()), &seeds, &["x"]), "two");
    assert_eq!(changed(&(0, vec![(0, 2, 0, 0), (2, 0, 1, 0)]), &seeds, &["äx"]), "näxe");
}
