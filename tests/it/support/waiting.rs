//! Waiting for what happens beside a test, by looking.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// The longest that anything may take of which no time is promised.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Looks again and again until something is so.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(DEADLINE, what, look).await
}

/// The same, of which a time is promised: a look that takes longer comes too late.
pub async fn within<T>(promised: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(promised, looking)
        .await
        .unwrap_or_else(|_| panic!("it never came to this in {promised:?}: {what}"))
}
