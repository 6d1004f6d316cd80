//! How the parts of one process wake one another.
//!
//! Nothing here is a promise: who sleeps also looks from time to time, so what another process wrote, and what was
//! written before a start, is found in the database.

use std::{pin::pin, sync::Arc};

use tokio::sync::{Notify, watch};

use crate::federation::wire::Origin;

/// The bells of a process.
#[derive(Debug)]
pub struct Signals {
    written: Notify,
    changed: Arc<Notify>,
    forgot: Notify,
    grown: watch::Sender<u64>,
    learnt: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    asking: watch::Sender<Vec<Origin>>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            written: Notify::new(),
            changed: Arc::default(),
            forgot: Notify::new(),
            grown: watch::Sender::new(0),
            learnt: watch::Sender::new(0),
            stopping: watch::Sender::new(false),
            asking: watch::Sender::new(Vec::new()),
        }
    }
}

impl Signals {
    /// A work that feeds may have to tell of has been committed.
    pub fn wrote(&self) {
        self.written.notify_one();
    }

    /// Resolves when something was committed since it last did. One sleeper at a time.
    pub async fn written(&self) {
        self.written.notified().await;
    }

    /// The log of changes has grown.
    pub fn changed(&self) {
        self.changed.notify_one();
    }

    /// Rings when the log of changes has grown, for the one task that reads it.
    pub fn changes(&self) -> &Arc<Notify> {
        &self.changed
    }

    /// Something is gone that must not be found in the files of the database either.
    pub fn forgot(&self) {
        self.forgot.notify_one();
    }

    /// Resolves when something was forgotten since it last did. One sleeper at a time.
    pub async fn forgotten(&self) {
        self.forgot.notified().await;
    }

    /// A feed that this host writes or relays has grown, or was vouched for anew.
    pub fn grew(&self) {
        self.grown.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Sees every growth from now on.
    pub fn growth(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    /// The directory has told something of sites.
    pub fn learnt(&self) {
        self.learnt.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Sees from now on whenever the directory tells something.
    pub fn directory(&self) -> watch::Receiver<u64> {
        self.learnt.subscribe()
    }

    /// Peers are to tell what they remember of these sites and of no others, before anything of them is published.
    pub fn ask(&self, sites: Vec<Origin>) {
        let changes = |asking: &mut Vec<Origin>| {
            let other = *asking != sites;
            *asking = sites;
            other
        };
        if self.asking.send_if_modified(changes) {
            self.grew();
        }
    }

    /// The sites of which peers are to tell what they remember.
    pub fn asks(&self) -> Vec<Origin> {
        self.asking.borrow().clone()
    }

    /// Whether peers are to tell what they remember of a site.
    pub fn asks_about(&self, site: Origin) -> bool {
        self.asking.borrow().contains(&site)
    }

    /// Resolves when nothing is asked any more.
    pub async fn all_heard(&self) {
        let mut asking = self.asking.subscribe();
        // The sender lives as long as this.
        let _ = asking.wait_for(Vec::is_empty).await;
    }

    /// The process is to end: who waits for somebody else waits no longer.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the process is to end.
    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Resolves when the process is to end.
    pub async fn stopping(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as this.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }

    /// What a future comes to, unless the process is to end first.
    pub async fn unless_stopping<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let future = pin!(future);
        tokio::select! {
            () = self.stopping() => None,
            value = future => Some(value),
        }
    }
}
