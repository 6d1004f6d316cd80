//! How the hosts come to know what the others share while they are being filled: the regional ones call the hub over
//! HTTP, as they do when they are served, until nobody has anything to say or to read.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use url::Url;

use super::{
    error::{Error, Result},
    host::Host,
};
use crate::federation::{
    apply, dial, directory, feeds,
    protocol::{publisher::Feed, rules::Rules},
    sequencer,
};

/// The longest that an exchange may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often it is looked whether all is read.
const LOOKING: Duration = Duration::from_millis(10);

/// Exchanges until every host has read what the others share. The first of the hosts is the hub.
///
/// # Errors
/// When it does not come to an end, or a database fails.
pub async fn until_all_is_read(hosts: &[Host], hub: &Url) -> Result<()> {
    let (hub_host, regional) = hosts
        .split_first()
        .ok_or_else(|| Error::internal("there are no hosts"))?;
    let calls = regional.iter().map(|host| {
        let app = host.server.0.clone();
        dial::run(app, hub.clone())
    });
    let all_is_read = async {
        // What is asked last may not make news: whoever writes then is heard in the next round.
        loop {
            let read = is_read(hub_host, regional).await?;
            let written = number(hosts).await?;
            if read && written == 0 {
                return Ok(());
            }
            if written == 0 {
                sleep(LOOKING).await;
            }
        }
    };
    tokio::select! {
        _ = join_all(calls) => Err(Error::internal("the hosts stopped exchanging")),
        read = timeout(DEADLINE, all_is_read) => read.map_err(|_| Error::internal("the hosts do not come to know each other's records"))?,
    }
}

/// Writes what waits at each host into its feeds; tells how many entries that made.
async fn number(hosts: &[Host]) -> Result<usize> {
    let mut written = 0;
    for host in hosts {
        written += sequencer::run(&host.server.0).await?;
    }
    Ok(written)
}

/// Whether the hub holds all that the regional hosts have written, and every host has read what of it is for its eyes.
async fn is_read(hub: &Host, regional: &[Host]) -> Result<bool> {
    let held = feeds::all(hub.server.0.reader()).await?;
    for host in regional {
        for feed in feeds::all(host.server.0.reader()).await? {
            if !held.iter().any(|held| end(held) == end(&feed)) {
                return Ok(false);
            }
        }
        if !has_read(host, &held).await? {
            return Ok(false);
        }
    }
    has_read(hub, &held).await
}

/// Whether a host has read feeds to their ends, as far as they are for it.
async fn has_read(host: &Host, feeds: &[Feed]) -> Result<bool> {
    let db = host.server.0.reader();
    let reader = directory::reader(db).await?;
    for feed in feeds {
        let is_own = reader.sites.contains(&feed.origin);
        if is_own || !reader.may_read(feed.audience, Rules::default()) {
            continue;
        }
        let cursor = apply::cursor(db, entity::SiteId(feed.origin.0), feed.audience).await?;
        if (cursor.epoch, cursor.pos, cursor.head) != (Some(feed.epoch), feed.pos, feed.head) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which feed it is and where it ends.
fn end(feed: &Feed) -> impl PartialEq {
    (feed.origin, feed.audience, feed.epoch, feed.pos, feed.head)
}
