//! How the hosts come to know what the others share while they are being filled: the regional ones call the hub over
//! HTTP, as they do when they are served, until nobody has anything to say or to read.

use std::time::Duration;

use entity::SiteId;
use futures_util::future::join_all;
use tokio::time::{sleep, timeout};
use url::Url;

use super::{
    error::{Error, Result},
    host::Host,
};
use crate::{
    federation::{
        apply, dial, directory, feeds,
        protocol::{publisher::Feed, rules::Rules},
        sequencer,
        wire::Origin,
    },
    sites,
};

/// The longest that an exchange may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// How often it is looked whether all is read.
const LOOKING: Duration = Duration::from_millis(20);

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The hub holds what every site has written, and every host has read the directory. A host believes no site that it
    /// has not read of there, and asks for it again only after a while: so this goes first.
    Directory,
    /// Every host has read all that is for its eyes.
    Everything,
}

/// Exchanges for as long as it takes. The first of the hosts is the hub.
///
/// # Errors
/// When it does not come to an end, or a database fails.
pub async fn until(reached: Reached, hosts: &[Host], hub: &Url) -> Result<()> {
    let (hub_host, regional) = hosts
        .split_first()
        .ok_or_else(|| Error::internal("there are no hosts"))?;
    let calls = regional.iter().map(|host| {
        let app = host.server.0.clone();
        dial::run(app, hub.clone())
    });
    let looking = async {
        loop {
            // In this order: when all was read and then nobody had anything to say, nobody will.
            let is_read = is_read(reached, hub_host, regional).await?;
            let written = number(hosts).await?;
            if is_read && written == 0 {
                return Ok(());
            }
            sleep(LOOKING).await;
        }
    };
    let late = |_| Error::internal("the hosts do not come to know what the others share");
    tokio::select! {
        _ = join_all(calls) => Err(Error::internal("the hosts stopped exchanging")),
        read = timeout(DEADLINE, looking) => read.map_err(late)?,
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

/// Whether the hub holds all that the regional hosts have written, and every host has read what of it is asked.
async fn is_read(reached: Reached, hub: &Host, regional: &[Host]) -> Result<bool> {
    let held = feeds::all(hub.server.0.reader()).await?;
    for host in regional {
        for feed in feeds::all(host.server.0.reader()).await? {
            if !held.iter().any(|held| end(held) == end(&feed)) {
                return Ok(false);
            }
        }
        if !has_read(reached, host, &held).await? {
            return Ok(false);
        }
    }
    has_read(reached, hub, &held).await
}

/// Whether a host has read feeds to their ends, as far as they are for it and asked.
async fn has_read(reached: Reached, host: &Host, feeds: &[Feed]) -> Result<bool> {
    let db = host.server.0.reader();
    let reader = directory::reader(db).await?;
    let national = sites::ops::national(db).await?.map(|national| Origin(national.id.0));
    for feed in feeds {
        let is_asked = reached == Reached::Everything || Some(feed.origin) == national;
        let is_own = reader.sites.contains(&feed.origin);
        if !is_asked || is_own || !reader.may_read(feed.audience, Rules::default()) {
            continue;
        }
        let cursor = apply::cursor(db, SiteId(feed.origin.0), feed.audience).await?;
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
