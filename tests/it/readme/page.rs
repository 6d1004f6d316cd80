//! The README as its readers see it: blocks, tables, and words in backticks.

use std::{fs, sync::LazyLock};

/// The text, read when the test runs: who mends a sentence need not compile.
static README: LazyLock<String> =
    LazyLock::new(|| fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap());

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The heading of the second level above it.
    pub section: String,
    /// The line on which its text begins.
    pub line: usize,
    /// The word behind the fence.
    pub language: String,
    /// What stands in it.
    pub text: String,
}

impl Block {
    /// Where it stands, for messages.
    pub fn place(&self) -> String {
        format!("README.md:{} ({}, {})", self.line, self.section, self.language)
    }
}

/// Every fenced block, in order.
pub fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = String::new();
    let mut open = false;
    for (number, line) in (1..).zip(README.lines()) {
        if let Some(language) = line.strip_prefix("```") {
            open = !open;
            if open {
                blocks.push(Block {
                    section: section.clone(),
                    line: number + 1,
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
        } else if open {
            let block = blocks.last_mut().unwrap();
            block.text += line;
            block.text.push('\n');
        } else if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        }
    }
    assert!(!open, "the last block of the README is never closed");
    blocks
}

/// The rows of the table under a heading, without its head; cells without their backticks.
pub fn table(heading: &str) -> Vec<Vec<String>> {
    let mut lines = README.lines().skip_while(|line| *line != heading).skip(1);
    let rows: Vec<_> = lines
        .by_ref()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
        })
        .collect();
    assert!(!rows.is_empty(), "there is no table under {heading}");
    rows
}

/// What stands in backticks outside of blocks.
pub fn spans() -> Vec<&'static str> {
    let mut open = false;
    let prose = README.lines().filter(move |line| {
        let fence = line.starts_with("```");
        open ^= fence;
        !open && !fence
    });
    prose.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}
