//! Runs by the thousand: none may end wrong, and without any one rule some must.

use std::collections::BTreeSet;

use super::world::{HUB, World};
use crate::federation::{
    protocol::rules::{Rule, Rules},
    wire::Status,
};

/// How often each thing happens in a run.
#[derive(Clone, Copy, Debug)]
struct Profile {
    steps: usize,
    /// Restores of a publisher are always noticed, and only the hub's happen: then nobody may sign two stories.
    no_forks: bool,
    /// (weight, what), see [`step`].
    turns: &'static [(usize, Turn)],
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    Write,
    Post,
    Edit,
    Reshare,
    Erase,
    Moderate,
    Sync,
    Pull,
    PullAtHub,
    Crash,
    Tamper,
    Redeliver,
    BackUp,
    Restore,
    RestoreHub,
    Roll,
    Rotate,
    LoseKey,
    Suspend,
    Forge,
    Impersonate,
    Upgrade,
    Wait,
    AskWitness,
}

const EVERYTHING: Profile = Profile {
    steps: 60,
    no_forks: false,
    turns: &[
        (12, Turn::Write), (5, Turn::Post), (8, Turn::Edit), (6, Turn::Reshare), (5, Turn::Erase), (3, Turn::Moderate),
        (22, Turn::Sync), (34, Turn::Pull), (3, Turn::Crash), (5, Turn::Tamper), (5, Turn::Redeliver),
        (4, Turn::BackUp), (4, Turn::Restore), (2, Turn::RestoreHub), (2, Turn::Roll), (2, Turn::Rotate), (1, Turn::LoseKey), (1, Turn::Suspend),
        (3, Turn::Forge), (3, Turn::Impersonate), (1, Turn::Upgrade), (2, Turn::Wait), (3, Turn::AskWitness),
    ],
};

/// A national site whose database comes back from backups again and again, unnoticed, while one peer reads: what the
/// marks are for.
const RESTORED_PUBLISHER: Profile = Profile {
    steps: 120,
    no_forks: false,
    turns: &[
        (16, Turn::Write), (20, Turn::Edit), (6, Turn::Reshare), (12, Turn::Sync), (40, Turn::Pull),
        (10, Turn::BackUp), (10, Turn::RestoreHub), (2, Turn::Roll),
    ],
};

/// The national site comes back from backups and always notices.
const WITNESSED: Profile = Profile {
    steps: 60,
    no_forks: true,
    turns: &[
        (16, Turn::Write), (10, Turn::Edit), (3, Turn::Erase), (20, Turn::Sync), (40, Turn::Pull), (6, Turn::BackUp),
        (6, Turn::RestoreHub), (3, Turn::AskWitness), (2, Turn::Roll),
    ],
};

/// Little happens but that somebody forges, steals keys or carries messages badly.
const HOSTILE: Profile = Profile {
    steps: 60,
    no_forks: false,
    turns: &[
        (10, Turn::Write), (4, Turn::Post), (3, Turn::Edit), (16, Turn::Sync), (30, Turn::Pull), (12, Turn::Tamper),
        (5, Turn::Redeliver), (3, Turn::Rotate), (1, Turn::LoseKey), (8, Turn::Forge), (8, Turn::Impersonate),
    ],
};

/// Much waits for an upgrade.
const UPGRADES: Profile = Profile {
    steps: 60,
    no_forks: false,
    turns: &[(10, Turn::Write), (24, Turn::Edit), (20, Turn::Sync), (40, Turn::Pull), (1, Turn::Upgrade)],
};

/// Time passes, and the hub repeats itself.
const FROZEN: Profile = Profile {
    steps: 60,
    no_forks: false,
    turns: &[(6, Turn::Write), (14, Turn::Sync), (30, Turn::Pull), (20, Turn::Tamper), (14, Turn::Wait)],
};

/// What a run ends with.
fn run(seed: u64, steps: usize, profile: Profile, rules: Rules) -> BTreeSet<&'static str> {
    let mut world = World::new(seed, rules);
    world.no_forks = profile.no_forks;
    let total: usize = profile.turns.iter().map(|(weight, _)| weight).sum();
    for _ in 0..steps {
        let mut at = world.chance.below(total);
        let turn = profile.turns.iter().find(|(weight, _)| {
            let here = at < *weight;
            at = at.wrapping_sub(*weight);
            here
        });
        world.millis += i64::try_from(1 + world.chance.below(3_000)).unwrap();
        if std::env::var("TRACE").is_ok() { eprintln!("{:?}", turn.unwrap().1); }
        world.turn(turn.unwrap().1);
    }
    world.settle()
}

impl World {
    fn turn(&mut self, turn: Turn) {
        let host = self.any_host();
        match turn {
            Turn::Write => self.write_project(host),
            Turn::Post => self.write_post(host),
            Turn::Edit => self.edit(host),
            Turn::Reshare => self.reshare(host),
            Turn::Erase => self.erase(host),
            Turn::Moderate => self.moderate(host),
            Turn::Sync => {
                self.sequence(host);
                self.push(host);
            }
            Turn::Pull => self.pull_any(host, super::faults::Tamper::None, false),
            Turn::PullAtHub => self.pull_any(HUB, super::faults::Tamper::None, false),
            Turn::Crash => self.pull_any(host, super::faults::Tamper::None, true),
            Turn::Tamper => {
                let tamper = self.any_tamper();
                self.pull_any(host, tamper, false);
            }
            Turn::Redeliver => self.redeliver(),
            Turn::BackUp => self.back_up(host),
            Turn::Restore => {
                let noticed = self.chance.percent(50);
                self.restore(host, noticed);
            }
            Turn::RestoreHub => {
                let noticed = self.no_forks || self.chance.percent(50);
                self.restore(HUB, noticed);
            }
            Turn::AskWitness if self.hosts[host].holding => self.ask_witness(host, true),
            Turn::AskWitness => {}
            _ => self.rare_turn(turn),
        }
    }

    fn rare_turn(&mut self, turn: Turn) {
        let region = self.any_region();
        match turn {
            Turn::Roll => {
                let host = self.any_host();
                let audiences: Vec<_> = self.hosts[host].db.feeds.keys().copied().collect();
                if let Some(audience) = self.chance.of(&audiences).filter(|_| !self.hosts[host].holding) {
                    self.roll(host, audience);
                }
            }
            Turn::Rotate => self.rotate(region),
            Turn::LoseKey => self.lose_key(region),
            Turn::Suspend => {
                let status = self.chance.of(&[Status::Suspended, Status::Active, Status::Active]).unwrap();
                self.suspend(region, status);
            }
            Turn::Forge => self.forge(region),
            Turn::Impersonate => self.impersonate(region),
            Turn::Upgrade => {
                self.hosts[region].upgraded = true;
                self.try_again(region, None);
            }
            _ => self.millis += 20_000,
        }
    }

    fn pull_any(&mut self, host: usize, tamper: super::faults::Tamper, crash: bool) {
        let feeds = self.feeds();
        if let Some(feed) = self.chance.of(&feeds) {
            self.pull(host, feed, tamper, crash);
        }
    }
}

/// Runs many seeds; the first that ends wrong fails the test and says how to see it again.
fn all_end_well(seeds: std::ops::Range<u64>, profile: Profile) {
    for seed in seeds {
        let wrong = run(seed, profile.steps, profile, Rules::default());
        assert!(wrong.is_empty(), "seed {seed} ends with {wrong:?}");
    }
}

/// Without these rules some seed ends wrong.
fn some_end_wrong(rules: &[Rule], profile: Profile, seeds: u64) {
    let off = rules.iter().fold(Rules::default(), |off, rule| off.without(*rule));
    let found = (0..seeds).any(|seed| !run(seed, profile.steps, profile, off).is_empty());
    assert!(found, "without {rules:?} all of {seeds} seeds end well");
}

#[test]
fn probe() {
    let profile = match std::env::var("PROFILE").as_deref() {
        Ok("publisher") => RESTORED_PUBLISHER,
        Ok("witnessed") => WITNESSED,
        Ok("hostile") => HOSTILE,
        Ok("upgrades") => UPGRADES,
        Ok("frozen") => FROZEN,
        _ => EVERYTHING,
    };
    let seeds: u64 = std::env::var("SEEDS").map_or(100, |seeds| seeds.parse().unwrap());
    let mut rules = Rules::default();
    if let Ok(off) = std::env::var("OFF") {
        for number in off.split(',') {
            rules = rules.without(ALL_RULES[number.parse::<usize>().unwrap()]);
        }
        eprintln!("{off}: {:?}", off.split(',').map(|n| ALL_RULES[n.parse::<usize>().unwrap()]).collect::<Vec<_>>());
    }
    let mut count = std::collections::BTreeMap::<_, (usize, u64)>::new();
    let first: u64 = std::env::var("SEED").map_or(0, |seeds| seeds.parse().unwrap());
    for seed in first..first + seeds {
        for wrong in run(seed, profile.steps, profile, rules) {
            let entry = count.entry(wrong).or_default();
            if entry.0 == 0 { entry.1 = seed; }
            entry.0 += 1;
        }
    }
    eprintln!("{count:?}");
}
const ALL_RULES: [Rule; 23] = [Rule::Chain, Rule::Generation, Rule::InOrder, Rule::EraseTerminal, Rule::ErasureLedger, Rule::Sweep, Rule::AtomicCursor, Rule::OriginCheck, Rule::PosVersion, Rule::BootMark, Rule::SkipMark, Rule::Withheld, Rule::Seal, Rule::PayloadHash, Rule::KeyProof, Rule::KeyWindow, Rule::PlacementHome, Rule::PlacedOnce, Rule::AuthorCheck, Rule::NationalTypes, Rule::AudienceCheck, Rule::Witness, Rule::Freshness];
