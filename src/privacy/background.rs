//! What a host forgets by itself, again and again.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use tokio::time::{Instant, sleep};

use super::ops::retention;
use crate::{
    app::{App, Work},
    changes,
    database::Scrubbing,
    error::{Error, Result},
};

/// How often what is due is looked for.
const SWEEPING: Duration = Duration::from_secs(600);

/// How soon the files are tried again that somebody still reads, and how late.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(5);

/// The feeds tell of an erasure right after it and forget it too: they are waited for, so that one time does for both.
const SETTLING: Duration = Duration::from_millis(250);

/// After writing the file of the database anew nobody has it written again for so many times as long: a large one takes its time, and
/// nobody else writes meanwhile.
const RESTS: u32 = 4;

/// Forgets what is kept no longer.
pub async fn sweep(app: Arc<App>) {
    loop {
        if let Err(error) = forget(&app).await {
            error.log("what is due is not forgotten yet");
        }
        if app.signals.unless_stopping(sleep(SWEEPING)).await.is_none() {
            return;
        }
    }
}

async fn forget(app: &App) -> Result<()> {
    let sweep = async |work: &mut Work<'_>| {
        work.forget_old_outcomes().await?;
        let kept = TimeDelta::days(work.app().settings.changes_kept_days.into());
        changes::sweep(work.db(), work.now() - kept).await
    };
    app.system("sweep changes", sweep).await?;
    retention::sweep(app).await
}

/// Removes from the files of the database what is gone from its tables: at the start what a crash has left, then whenever
/// something was forgotten.
pub async fn scrub(app: Arc<App>) {
    while let Some(took) = until_done(&app).await {
        let next = async {
            sleep(took * RESTS).await;
            app.signals.forgotten().await;
            sleep(SETTLING).await;
        };
        if app.signals.unless_stopping(next).await.is_none() {
            return;
        }
    }
}

/// Scrubs until nothing is left; for how long others had to wait for it, or none when the process is to end before that.
async fn until_done(app: &App) -> Option<Duration> {
    let (mut scrubbing, mut pause) = (Scrubbing::default(), SOONEST);
    let mut took = Duration::ZERO;
    loop {
        let started = Instant::now();
        let done = app.database.scrub(&mut scrubbing).await;
        took = took.max(started.elapsed());
        match done {
            Ok(true) => return Some(took),
            Ok(false) => {}
            Err(why) => Error::from(why).log("what was forgotten is not out of the files yet"),
        }
        app.signals.unless_stopping(sleep(pause)).await?;
        pause = (pause * 2).min(LATEST);
    }
}
