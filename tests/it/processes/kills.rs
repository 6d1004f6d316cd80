//! Killed two hundred times at any moment, while several people write: nothing that was acknowledged is lost, nothing is half
//! there, and what got no answer takes effect once when it is sent again.
//!
//! A run kills a host a dozen times on each database; `CHAMPION_TEST_KILLS=200` says how often. The moments come from a seed,
//! which a failure shows; `CHAMPION_TEST_SEED` takes it. What people send and how fast they are answered is not in the seed.

mod deeds;
mod found;

use std::{
    env,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::time::sleep;

use self::{
    deeds::{Chance, Writer},
    found::Found,
};
use super::{network::Held, *};

/// How often a host is killed when nothing else is said.
const KILLS: usize = 12;

/// How many people write at once.
const WRITERS: u64 = 4;

/// The longest that people write before they are cut off.
const WRITING: Duration = Duration::from_millis(700);

/// A start that is cut off is so at most after this.
const STARTING: Duration = Duration::from_millis(250);

/// Organisations that a host which does not run is given at once: all of them wait to be numbered at its next start.
const WAITING: usize = 3_000;

/// How soon a host is ready. What is not optimised, and shares its machine with other tests, is given more.
const READY_WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 5 });

/// What happened in a run.
#[derive(Debug, Default)]
struct Run {
    kills: usize,
    acknowledged: usize,
    done_without_a_word: usize,
    not_begun: usize,
    starts: Vec<Duration>,
}

impl Run {
    fn told(&mut self) -> String {
        self.starts.sort_unstable();
        let (median, worst) = (self.starts[self.starts.len() / 2], self.starts[self.starts.len() - 1]);
        format!(
            "{} kills, {} writes acknowledged, of those without an answer {} done and {} not; ready in {median:?}, at worst {worst:?}",
            self.kills, self.acknowledged, self.done_without_a_word, self.not_begun
        )
    }

    /// Starts a host and waits until it is ready, after starts that are cut off.
    async fn starts(&mut self, host: &Process, chance: &mut Chance) {
        while chance.below(3) == 0 {
            host.begins_to_start();
            sleep(chance.within(STARTING)).await;
            host.dies();
            self.kills += 1;
        }
        let begun = Instant::now();
        host.begins_to_start();
        until("it is ready", async || host.is_ready().await.then_some(())).await;
        let took = begun.elapsed();
        assert!(took < READY_WITHIN, "ready after {took:?}");
        self.starts.push(took);
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Looks into the database of a host that was killed. What got an answer is there; of what got none, all or nothing.
async fn looks(host: &Process, writers: &[Writer], run: &mut Run) {
    let found = Found::at(host).await;
    found.agrees_with_itself();
    for writer in writers {
        for deed in &writer.done {
            assert!(found.holds(&deed.effect), "{deed:?} was acknowledged and is lost");
        }
        let Some(deed) = &writer.in_doubt else { continue };
        match found.holds(&deed.effect) {
            true => run.done_without_a_word += 1,
            false => run.not_begun += 1,
        }
        assert!(
            found.holds(&deed.effect) || found.lacks(&deed.effect),
            "{deed:?} is half done"
        );
    }
}

/// Sends what got no answer again, and something that got one: neither takes effect twice.
async fn sends_again(writers: &mut [Writer], host: &Process, chance: &mut Chance) {
    for writer in writers.iter_mut() {
        if let Some(deed) = writer.in_doubt.take() {
            assert!(writer.sends(host, deed).await, "the host answers");
        }
        if let Some((deed, answer)) = chance.one_of(&writer.answered) {
            let again = deed.sent(host).await.expect("the host answers");
            assert_eq!(&deeds::named(&again), answer, "{deed:?} is answered otherwise");
        }
    }
}

/// Gives a host that does not run thousands of records that wait to be numbered.
fn gives_much(host: &Process) {
    let lines = (0..WAITING).map(|number| format!("L{number:04},NHS Trust {number}\n"));
    let file = format!("ods_code,name\n{}", lines.collect::<String>());
    std::fs::write(host.folder().join("trusts.csv"), file).unwrap();
    host.does(&[
        "organisations",
        "import",
        "--site",
        host.site,
        "--role",
        "nhs_trust",
        "trusts.csv",
    ]);
}

on_each_database! {
    async fn nothing_acknowledged_is_lost_and_nothing_is_half_done_however_often_a_host_is_killed(backend) {
        let seed = number("CHAMPION_TEST_SEED").unwrap_or_else(Chance::seed);
        println!("CHAMPION_TEST_SEED={seed}");
        let kills = number("CHAMPION_TEST_KILLS").map_or(KILLS, |kills| kills as usize);
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let mut writers = deeds::writers(&leeds, WRITERS, seed).await;
        let (mut run, mut chance) = (Run::default(), Chance(seed));
        in_step(&hub, &leeds).await;
        leeds.dies();
        gives_much(&leeds);
        run.starts(&leeds, &mut chance).await;

        while run.kills < kills {
            deeds::opens_a_space(&mut writers, &leeds).await;
            let write = join_all(writers.iter_mut().map(|writer| writer.works(&leeds)));
            let kill = async {
                sleep(chance.within(WRITING)).await;
                leeds.dies();
            };
            tokio::join!(write, kill);
            run.kills += 1;
            looks(&leeds, &writers, &mut run).await;
            run.starts(&leeds, &mut chance).await;
            sends_again(&mut writers, &leeds, &mut chance).await;
        }

        // Everything is settled, and the network has it.
        leeds.dies();
        looks(&leeds, &writers, &mut run).await;
        run.starts(&leeds, &mut chance).await;
        in_step(&hub, &leeds).await;
        let (written, relayed) = (Held::by(&leeds, "leeds").await, Held::by(&hub, "leeds").await);
        relayed.is_whole();
        assert_eq!(relayed.entries, written.entries, "byte for byte");
        assert_eq!(titles(&hub, "leeds").await, titles(&leeds, "leeds").await);
        run.acknowledged = writers.iter().map(|writer| writer.acknowledged).sum();
        println!("{backend:?}: {}", run.told());
    }
}

on_each_database! {
    async fn a_host_that_is_told_to_stop_answers_what_it_has_begun_and_begins_nothing_else(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let mut writers = deeds::writers(&leeds, WRITERS, 1).await;
        for _ in 0..3 {
            deeds::opens_a_space(&mut writers, &leeds).await;
            let write = join_all(writers.iter_mut().map(|writer| writer.works(&leeds)));
            let stop = async {
                sleep(WRITING / 2).await;
                leeds.stops_meanwhile().await;
            };
            tokio::join!(write, stop);

            let mut run = Run::default();
            looks(&leeds, &writers, &mut run).await;
            assert_eq!(run.done_without_a_word, 0, "whatever was done was answered");
            leeds.starts();
            sends_again(&mut writers, &leeds, &mut Chance(1)).await;
        }
        in_step(&hub, &leeds).await;
        Held::by(&hub, "leeds").await.is_whole();
    }
}
