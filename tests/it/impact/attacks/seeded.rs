//! Worlds that nobody has thought of: seeded, of small numbers, with corrections, withdrawals and everybody attacking.

use champion_network::impact::disclosure::SMALLEST;

use super::{Attacker, World, without_budgets};
use crate::support::on_both;

const MONTHS: [&str; 3] = ["2026-02", "2026-03", "2026-05"];
const ROUNDS: usize = 2;

/// Numbers by a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        i64::try_from((mixed ^ (mixed >> 31)) % u64::try_from(most).unwrap()).unwrap()
    }

    /// Mostly where a figure begins to be told.
    fn people(&mut self) -> i64 {
        match self.below(4) {
            0 => self.below(3),
            _ => self.below(2 * i64::from(SMALLEST)),
        }
    }
}

async fn goes_on(world: &mut World<'_>, site: &str, month: &str, chance: &mut Chance) {
    for _ in 0..chance.below(3) {
        let people = 1 + chance.below(7);
        world.helps(site, month, people, chance.below(3 * people + 1)).await;
    }
    let trained = chance.people();
    world.observes(site, "trained", month, [trained, 0]).await;
    if chance.below(3) == 0 {
        let active = chance.people();
        world.observes(site, "active", month, [active, 0]).await;
    }
    if chance.below(3) == 0 {
        let all = chance.people().max(1);
        world
            .observes(site, "returned", month, [chance.below(all + 1), all])
            .await;
    }
}

async fn attacked(host: &crate::support::Host, seed: u64) {
    let mut chance = Chance(seed);
    let mut world = World::with(
        host,
        &["people", "sessions", "sign-ups", "trained", "active", "returned"],
    )
    .await;
    let mut attackers = Attacker::all(host);
    for round in 0..ROUNDS {
        for site in super::world::SITES {
            for month in MONTHS {
                goes_on(&mut world, site, month, &mut chance).await;
            }
        }
        let from = MONTHS[usize::try_from(chance.below(2)).unwrap() * round];
        world.release_all(from, "2026-05").await;
        if round > 0 && chance.below(2) == 0 {
            world.withdraws("leeds", "trained", "2026-05").await;
        }
        for attacker in &mut attackers {
            attacker.looks(&world).await;
            let none: Vec<String> = Vec::new();
            assert_eq!(attacker.known.narrowed(), none, "seed {seed}, round {round}");
        }
    }
}

on_both! {
    with without_budgets; async fn in_worlds_of_chance_nothing_narrows(host) {
        attacked(host, 1).await;
    }
}

on_both! {
    with without_budgets; async fn in_other_worlds_of_chance_nothing_narrows(host) {
        attacked(host, 20_260_615).await;
    }
}
