//! What writing costs while feeds are written in the background: as many writers as asked for make projects as fast as they
//! can, with the sequencer and without it, in turns.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use champion_network::federation::run::Background;
use entity::outbox;
use sea_orm::EntityTrait;
use tokio::task::JoinSet;

use super::{
    host::Host,
    measure::{line, median},
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Writers at the same time.
    #[arg(long, default_value_t = 8)]
    writers: usize,
    /// How long each turn takes, in seconds.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Turns of each kind.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

pub async fn run(postgres: Option<&str>, arguments: &Arguments) {
    println!("\nprojects made a second by {} writers", arguments.writers);
    line(&["round", "without", "with", "ratio", "left over"]);
    let mut ratios = Vec::new();
    for round in 1..=arguments.rounds {
        let (without, _) = turn(postgres, arguments, false).await;
        let (with, left) = turn(postgres, arguments, true).await;
        ratios.push(with / without);
        let cells = [
            round.to_string(),
            format!("{without:.0}"),
            format!("{with:.0}"),
            format!("{:.2}", with / without),
            left.to_string(),
        ];
        line(&cells.each_ref().map(String::as_str));
    }
    println!("median ratio {:.2}", median(ratios));
}

/// A turn on a new host. Tells how many were made a second, and how many were not in a feed at its end.
async fn turn(postgres: Option<&str>, arguments: &Arguments, sequenced: bool) -> (f64, usize) {
    let host = Arc::new(Host::open(postgres, "leeds", None).await);
    let background = sequenced.then(|| Background::start(&host.app).unwrap());
    let made = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(arguments.seconds);
    let mut writers = JoinSet::new();
    for _ in 0..arguments.writers {
        let (host, made) = (Arc::clone(&host), Arc::clone(&made));
        writers.spawn(async move {
            let admin = host.admin();
            while Instant::now() < until {
                let number = made.fetch_add(1, Ordering::Relaxed);
                host.creates(&admin, number).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let rate = made.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    let left = outbox::Entity::find().all(host.app.reader()).await.unwrap().len();
    if let Some(background) = background {
        background.end().await;
    }
    Arc::into_inner(host).unwrap().close().await;
    (rate, left)
}
