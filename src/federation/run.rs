//! What a host does in the background: numbering what was written, applying what it relays, calling the hub.
//!
//! Several replicas over one database may all do so: rows are locked where it matters, and everything may be repeated.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use url::Url;

use super::{apply, audit, backoff::Backoff, dial, host, pull, sequencer, witness};
use crate::{
    app::App,
    error::{Error, Result},
    privacy::background,
};

/// The shortest time from one run of the sequencer to the next.
const RUNS_APART: Duration = Duration::from_millis(50);

/// How often what another process left behind is looked for.
const LOOKING: Duration = Duration::from_secs(5);

/// How often it is looked whether another process was told what others have read.
const LISTENING: Duration = Duration::from_secs(1);

/// How often what is relayed and not applied is looked for. An append applies its own batch.
const CATCHING_UP: Duration = Duration::from_secs(30);

/// The tasks of a host. Dropped, they end at once; [`Background::end`] lets them finish.
#[derive(Debug)]
pub struct Background {
    app: Arc<App>,
    hub: Option<Url>,
    tasks: JoinSet<()>,
    ending: watch::Sender<bool>,
}

impl Background {
    /// Starts them.
    ///
    /// # Errors
    /// When the setting `hub_url` cannot be used.
    pub fn start(app: &Arc<App>) -> Result<Self> {
        Self::begin(app, true)
    }

    /// Starts them, and asks nobody what the network has read of the sites of this host: on the operator's word.
    ///
    /// # Errors
    /// When the setting `hub_url` cannot be used.
    pub fn unasked(app: &Arc<App>) -> Result<Self> {
        Self::begin(app, false)
    }

    fn begin(app: &Arc<App>, ask: bool) -> Result<Self> {
        let hub = dial::hub_url(&app.settings).map_err(Error::internal)?;
        let (ending, ended) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(sequence(Arc::clone(app), ask, ended));
        tasks.spawn(catch_up(Arc::clone(app)));
        tasks.spawn(background::sweep(Arc::clone(app)));
        tasks.spawn(background::scrub(Arc::clone(app)));
        tasks.spawn(vouch(Arc::clone(app)));
        if let Some(hub) = hub.clone() {
            tasks.spawn(dial::run(Arc::clone(app), hub));
        }
        Ok(Self {
            app: Arc::clone(app),
            hub,
            tasks,
            ending,
        })
    }

    /// Resolves when the process is told to stop, and tells everybody here who waits for somebody else.
    pub fn stopping(&self, stop: impl Future<Output = ()>) -> impl Future<Output = ()> {
        let app = Arc::clone(&self.app);
        async move {
            stop.await;
            app.signals.stop();
        }
    }

    /// Lets the tasks finish, once nobody writes any more. What was written until now is numbered, and the sites have vouched
    /// for their audits.
    pub async fn end(mut self) {
        self.app.signals.stop();
        self.ending.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(why) = ended {
                tracing::error!(%why, "a background task failed");
            }
        }
        if let Err(error) = audit::vouch(&self.app).await {
            error.log("the sites have not vouched for their audits");
        }
        if let Some(hub) = self.hub {
            dial::audit::last_words(&self.app, hub).await;
        }
    }
}

/// Numbers what was written, at the start what was left over, and once more at the end.
async fn sequence(app: Arc<App>, ask: bool, mut ending: watch::Receiver<bool>) {
    let mut backoff = Backoff::default();
    while let Err(error) = begin_work(&app, ask).await {
        error.log("nothing is published yet");
        if app
            .signals
            .unless_stopping(sleep(backoff.failed(&app.ids)))
            .await
            .is_none()
        {
            return;
        }
    }
    while !app.signals.asks().is_empty() {
        tokio::select! {
            () = app.signals.all_heard() => {}
            () = sleep(LISTENING) => look_for_testimony(&app).await,
            _ = ending.changed() => return,
        }
    }
    loop {
        let last = *ending.borrow_and_update();
        let pause = match sequencer::run(&app).await {
            Ok(_) => {
                backoff.reset();
                RUNS_APART
            }
            Err(error) => {
                error.log("what was written is not in the feeds yet");
                backoff.failed(&app.ids)
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

/// Sees what is to become of the sites of which this database may be an older one.
async fn begin_work(app: &App, ask: bool) -> Result<()> {
    if ask {
        witness::settle_unread(app).await?;
    } else {
        witness::trust(app).await?;
    }
    if !app.signals.asks().is_empty() {
        tracing::warn!(
            "this database is older than what stands beside it: it publishes nothing until another host has told what it has read"
        );
    }
    Ok(())
}

/// Another process over the same database may have been told.
async fn look_for_testimony(app: &App) {
    match host::doubted(app.reader()).await {
        Ok(doubted) => app.signals.ask(doubted),
        Err(error) => error.log("what others have told cannot be read"),
    }
}

/// Applies what was relayed before a start, or could not be applied when it came.
async fn catch_up(app: Arc<App>) {
    if let Err(error) = apply::retry(&app).await {
        error.log("what could not be taken when it came is not tried again");
    }
    loop {
        match pull::behind(&app).await {
            Ok(behind) => {
                for (origin, audience) in behind {
                    if app.signals.is_stopping() {
                        return;
                    }
                    if let Err(error) = pull::catch_up(&app, origin, audience).await {
                        error.log("a relayed feed is not applied yet");
                    }
                }
            }
            Err(error) => error.log("what is relayed cannot be read"),
        }
        if app.signals.unless_stopping(sleep(CATCHING_UP)).await.is_none() {
            return;
        }
    }
}

/// Has the sites vouch for their audits.
async fn vouch(app: Arc<App>) {
    loop {
        if let Err(error) = audit::vouch(&app).await {
            error.log("the sites have not vouched for their audits");
        }
        if app.signals.unless_stopping(sleep(audit::EVERY)).await.is_none() {
            return;
        }
    }
}
