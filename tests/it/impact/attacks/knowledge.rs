//! What an attacker knows: for each hidden figure the numbers that it may be, and facts that hold between figures. Facts take
//! numbers away until none does any more; what is left is then tried value by value.

/// The least number of values that a hidden figure keeps.
pub const LEFT: usize = 4;

/// How many assignments the search for a witness tries before it gives up; a figure that it gives up on counts as possible.
const MOST_TRIES: usize = 20_000;

/// A figure of a site, measure and month at one moment: one number, or a sum and a count, or a numerator and a denominator.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Which, for people.
    pub name: String,
    /// What it may be, as far as its own publication says.
    pub candidates: Vec<[i64; 2]>,
    /// What it is.
    pub truth: [i64; 2],
    /// Which of its numbers are hidden.
    pub hidden: [bool; 2],
}

/// A weighted sum of figures that lies between two numbers.
#[derive(Clone, Debug)]
pub struct Fact {
    /// How it is known, for people.
    pub name: String,
    /// The figures, each with the weights of its two numbers.
    pub terms: Vec<(usize, [i64; 2])>,
    /// The least.
    pub low: i64,
    /// The most.
    pub high: i64,
}

/// Everything that an attacker has found out.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// The figures.
    pub cells: Vec<Cell>,
    /// What holds between them.
    pub facts: Vec<Fact>,
}

fn weigh(weights: [i64; 2], numbers: [i64; 2]) -> i64 {
    weights[0] * numbers[0] + weights[1] * numbers[1]
}

impl Knowledge {
    /// Learns of a figure.
    pub fn cell(&mut self, cell: Cell) -> usize {
        assert!(
            !cell.candidates.is_empty(),
            "{}: nothing could be told as this",
            cell.name
        );
        self.cells.push(cell);
        self.cells.len() - 1
    }

    /// Learns what holds between figures.
    pub fn fact(&mut self, name: impl Into<String>, terms: Vec<(usize, [i64; 2])>, low: i64, high: i64) {
        let name = name.into();
        self.facts.push(Fact { name, terms, low, high });
    }

    /// Learns that a number is at most so many times another.
    pub fn at_most(&mut self, name: impl Into<String>, one: usize, times: i64, other: usize) {
        self.fact(name, vec![(other, [times, 0]), (one, [-1, 0])], 0, i64::MAX);
    }

    /// The control is honest: the truth is among what may be, and every fact holds of it.
    pub fn is_honest(&self) {
        for cell in &self.cells {
            assert!(
                cell.candidates.contains(&cell.truth),
                "{} is {:?}",
                cell.name,
                cell.truth
            );
        }
        for fact in &self.facts {
            let terms = fact.terms.iter();
            let sum: i64 = terms
                .map(|(cell, weights)| weigh(*weights, self.cells[*cell].truth))
                .sum();
            assert!(
                fact.low <= sum && sum <= fact.high,
                "{}: {sum} is not from {} to {}",
                fact.name,
                fact.low,
                fact.high
            );
        }
    }

    /// Takes away what cannot be, until nothing more goes. False when a figure can be nothing any more.
    fn propagate(facts: &[Fact], cells: &mut [Vec<[i64; 2]>]) -> bool {
        let mut changed = true;
        while changed {
            changed = false;
            for fact in facts {
                let ends = |cell: usize, weights: [i64; 2]| {
                    let sums = || cells[cell].iter().map(|numbers| weigh(weights, *numbers));
                    Some((sums().min()?, sums().max()?))
                };
                let Some(ends) = fact
                    .terms
                    .iter()
                    .map(|(cell, weights)| ends(*cell, *weights))
                    .collect::<Option<Vec<_>>>()
                else {
                    return false;
                };
                let least: i64 = ends.iter().map(|(least, _)| least).sum();
                let most: i64 = ends.iter().map(|(_, most)| most).sum();
                for ((cell, weights), (low, high)) in fact.terms.iter().zip(&ends) {
                    let (others_least, others_most) = (least - low, most - high);
                    let before = cells[*cell].len();
                    cells[*cell].retain(|numbers| {
                        let own = weigh(*weights, *numbers);
                        own + others_least <= fact.high && own + others_most >= fact.low
                    });
                    changed |= cells[*cell].len() < before;
                }
            }
            if cells.iter().any(Vec::is_empty) {
                return false;
            }
        }
        true
    }

    /// What the figures may be after all that is known.
    fn left(&self) -> Vec<Vec<[i64; 2]>> {
        let mut left: Vec<_> = self.cells.iter().map(|cell| cell.candidates.clone()).collect();
        let possible = Self::propagate(&self.facts, &mut left);
        assert!(possible, "what is published contradicts itself");
        left
    }

    /// The values of a number of a figure that may still be, of those in `left`.
    fn values(left: &[[i64; 2]], part: usize) -> Vec<i64> {
        let mut values: Vec<_> = left.iter().map(|numbers| numbers[part]).collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    fn hidden(&self) -> impl Iterator<Item = (usize, usize)> {
        let cells = self.cells.iter().enumerate();
        cells.flat_map(|(at, cell)| {
            [0, 1]
                .into_iter()
                .filter(|part| cell.hidden[*part])
                .map(move |part| (at, part))
        })
    }

    /// The hidden figures that facts narrow below [`LEFT`] values, with those values.
    pub fn narrowed(&self) -> Vec<String> {
        let left = self.left();
        let told = self.hidden().filter_map(|(at, part)| {
            let values = Self::values(&left[at], part);
            (values.len() < LEFT).then(|| format!("{} [{part}] is one of {values:?}", self.cells[at].name))
        });
        told.collect()
    }

    /// The same with every value tried: whether there are numbers for all other figures with which it may be.
    pub fn narrowed_by_trying(&self) -> Vec<String> {
        let left = self.left();
        let told = self.hidden().filter_map(|(at, part)| {
            let mut values = Self::values(&left[at], part);
            values.retain(|value| self.may_be(&left, at, part, *value));
            (values.len() < LEFT).then(|| format!("{} [{part}] is one of {values:?}", self.cells[at].name))
        });
        told.collect()
    }

    fn may_be(&self, left: &[Vec<[i64; 2]>], at: usize, part: usize, value: i64) -> bool {
        let mut cells = left.to_vec();
        cells[at].retain(|numbers| numbers[part] == value);
        let mut tries = MOST_TRIES;
        self.solvable(cells, &mut tries)
    }

    fn solvable(&self, mut cells: Vec<Vec<[i64; 2]>>, tries: &mut usize) -> bool {
        if *tries == 0 {
            return true;
        }
        *tries -= 1;
        if !Self::propagate(&self.facts, &mut cells) {
            return false;
        }
        let open = (0..cells.len()).filter(|at| cells[*at].len() > 1);
        let Some(at) = open.min_by_key(|at| cells[*at].len()) else {
            return true;
        };
        let choices = cells[at].clone();
        choices.into_iter().any(|numbers| {
            let mut next = cells.clone();
            next[at] = vec![numbers];
            self.solvable(next, tries)
        })
    }
}

/// A figure that may be any of these numbers.
fn among(name: &str, numbers: impl Iterator<Item = i64>, truth: i64) -> Cell {
    Cell {
        name: name.to_owned(),
        candidates: numbers.map(|number| [number, 0]).collect(),
        truth: [truth, 0],
        hidden: [true, false],
    }
}

#[test]
fn a_total_beside_all_parts_but_one_narrows_that_one() {
    let mut known = Knowledge::default();
    let (one, two) = (known.cell(among("one", 8..=12, 9)), known.cell(among("two", 1..=7, 3)));
    known.fact("total", vec![(one, [1, 0]), (two, [1, 0])], 12, 12);
    known.is_honest();
    assert!(known.narrowed().is_empty());
    assert!(
        known.narrowed_by_trying().is_empty(),
        "8 and 4, 9 and 3, 10 and 2, 11 and 1 are left: four"
    );
    known.fact("another total", vec![(one, [1, 0])], 9, 20);
    assert_eq!(known.narrowed().len(), 2);
}

#[test]
fn what_no_single_fact_tells_is_found_by_trying() {
    let mut known = Knowledge::default();
    let one = known.cell(among("one", 0..=9, 4));
    let two = known.cell(among("two", 0..=9, 5));
    // One is even and two is odd, which is beyond what the ends of the facts say.
    let odd = known.cell(among("half", 0..=9, 2));
    known.fact("even", vec![(one, [1, 0]), (odd, [-2, 0])], 0, 0);
    known.fact("sum", vec![(one, [1, 0]), (two, [1, 0])], 9, 9);
    known.fact("middle", vec![(one, [1, 0])], 2, 8);
    known.is_honest();
    assert!(known.narrowed().is_empty(), "{:?}", known.narrowed());
    known.fact("ends", vec![(two, [1, 0])], 2, 7);
    assert_eq!(known.narrowed_by_trying().len(), 3);
}
