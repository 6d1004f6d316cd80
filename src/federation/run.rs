//! What a host does in the background: numbering what was written.
//!
//! Several replicas over one database may all do so: rows are locked where it matters, and everything may be repeated.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::sequencer;
use crate::app::App;

/// The shortest time from one run of the sequencer to the next.
const RUNS_APART: Duration = Duration::from_millis(50);

/// How long the sequencer waits after a run that failed.
const AFTER_A_FAILURE: Duration = Duration::from_secs(2);

/// How often what another process left behind is looked for.
const LOOKING: Duration = Duration::from_secs(5);

/// The tasks of a host. Dropped, they end at once; [`Background::end`] lets them finish.
#[derive(Debug)]
pub struct Background {
    tasks: JoinSet<()>,
    ending: watch::Sender<bool>,
}

impl Background {
    /// Starts them.
    pub fn start(app: &Arc<App>) -> Self {
        let (ending, ended) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(sequence(Arc::clone(app), ended));
        Self { tasks, ending }
    }

    /// Lets the tasks finish, once nobody writes any more. What was written until now is numbered.
    pub async fn end(mut self) {
        self.ending.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(why) = ended {
                tracing::error!(%why, "a background task failed");
            }
        }
    }
}

/// Numbers what was written, at the start what was left over, and once more at the end.
async fn sequence(app: Arc<App>, mut ending: watch::Receiver<bool>) {
    loop {
        let last = *ending.borrow_and_update();
        let pause = match sequencer::run(&app).await {
            Ok(_) => RUNS_APART,
            Err(error) => {
                // An internal error does not print its cause.
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "what was written is not in the feeds yet");
                AFTER_A_FAILURE
            }
        };
        if last {
            return;
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = ending.changed() => continue,
        }
        tokio::select! {
            _ = timeout(LOOKING, app.signals.written()) => {}
            _ = ending.changed() => {}
        }
    }
}
