//! How the parts of one process wake one another.
//!
//! Nothing here is a promise: who sleeps also looks from time to time, so what another process wrote, and what was
//! written before a start, is found in the database.

use tokio::sync::Notify;

/// The bells of a process.
#[derive(Debug, Default)]
pub struct Signals {
    written: Notify,
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
}
