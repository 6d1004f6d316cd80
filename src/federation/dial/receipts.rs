//! Telling the hub how far this host has read, a receipt for every erasure up to there, and what it could not take.

use std::{collections::HashMap, sync::Arc, time::Duration};

use entity::{SiteId, feed_cursor};
use reqwest::StatusCode;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, prelude::Uuid};
use tokio::time::sleep;

use super::{
    Dialling, audit,
    hub::{Ask, Trouble},
    reports,
};
use crate::{
    error::Error,
    federation::{
        backoff::Backoff,
        host,
        messages::{Ack, MAX_LISTED, Receipt, Witness},
        protocol::cursor::State,
        wire::{Audience, Epoch, Origin},
        witness,
    },
};

/// How often what was read is acknowledged.
const EVERY: Duration = Duration::from_secs(5);

/// What the hub has been told, by the site in whose name and the feed.
type Told = HashMap<(SiteId, Origin, Audience), (Epoch, u64)>;

/// Acknowledges what has been read, and reports what could not be, in the name of each site: the hub believes no site about another.
pub(super) async fn send(dialling: Arc<Dialling>) {
    let (mut told, mut reported, mut backoff) = (Told::new(), reports::Told::new(), Backoff::default());
    let mut vouched = audit::Told::new();
    loop {
        let sent = async {
            round(&dialling, &mut told, &mut reported).await?;
            audits(&dialling, &mut vouched).await
        };
        let pause = match sent.await {
            Ok(()) => {
                backoff.reset();
                EVERY
            }
            Err(trouble) => {
                tracing::warn!(%trouble, "what was read is not acknowledged");
                backoff.failed(&dialling.app.ids).max(trouble.pause())
            }
        };
        sleep(pause).await;
    }
}

async fn round(dialling: &Dialling, told: &mut Told, reported: &mut reports::Told) -> Result<(), Trouble> {
    let app = &dialling.app;
    let read = read_to_the_end(dialling).await?;
    let host = host::id(app).await?;
    for site in super::sites(app).await? {
        // Whom the hub turns away goes on asking elsewhere, and holds up no other site.
        if dialling.is_turned_away(site).await {
            continue;
        }
        let addressed = |audience| !matches!(audience, Audience::Site(other) if other != site.0);
        let news = read.iter().copied().filter(|receipt| {
            let before = told.get(&(site, receipt.origin, receipt.audience));
            addressed(receipt.audience) && before != Some(&(receipt.epoch, receipt.pos))
        });
        let news: Vec<_> = news.collect();
        for cursors in news.chunks(MAX_LISTED) {
            let sent = acknowledge(dialling, site, host, cursors, Vec::new()).await;
            dialling.note(site, &sent).await;
            match sent {
                Err(trouble) if trouble.is_about_the_site() => break,
                sent => sent?,
            }
            told.extend(cursors.iter().map(|receipt| {
                let feed = (site, receipt.origin, receipt.audience);
                (feed, (receipt.epoch, receipt.pos))
            }));
        }
    }
    reports::parked(dialling, reported).await
}

/// Tells the hub what the sites of this host have signed of their audits.
async fn audits(dialling: &Dialling, vouched: &mut audit::Told) -> Result<(), Trouble> {
    for site in super::sites(&dialling.app).await? {
        if !dialling.is_turned_away(site).await {
            let told = audit::tell(&dialling.app, &dialling.hub, site, vouched).await;
            dialling.note(site, &told).await;
            if !told.as_ref().is_err_and(Trouble::is_about_the_site) {
                told?;
            }
        }
    }
    Ok(())
}

/// What may be acknowledged ([`super::super::protocol::cursor::Cursor::acknowledgement`]): what was read to the end and swept.
async fn read_to_the_end(dialling: &Dialling) -> Result<Vec<Receipt>, Error> {
    let swept = [State::Live.word(), State::Stale.word()];
    let cursors = feed_cursor::Entity::find().filter(feed_cursor::Column::State.is_in(swept));
    let mut receipts = Vec::new();
    for row in cursors.all(dialling.app.reader()).await? {
        let Some(epoch) = row.epoch else { continue };
        receipts.push(Receipt {
            origin: Origin(row.origin.0),
            audience: row.audience.parse().map_err(Error::internal)?,
            epoch: Epoch(epoch),
            pos: u64::try_from(row.pos).map_err(Error::internal)?,
        });
    }
    Ok(receipts)
}

/// Tells the hub what this host remembers of sites that the hub keeps.
pub(super) async fn testify(dialling: &Dialling, site: SiteId, origins: &[Origin]) -> Result<(), Trouble> {
    let host = host::id(&dialling.app).await?;
    for origin in origins.iter().take(MAX_LISTED) {
        let whole = witness::testify(&dialling.app, *origin).await?;
        let mut page = whole.page(None);
        // The last page says that it is the last: until then the hub knows that there is more to be erased.
        while let Some(after) = page.next {
            acknowledge(dialling, site, host, &[], vec![page]).await?;
            page = whole.page(Some(after));
        }
        acknowledge(dialling, site, host, &[], vec![page]).await?;
    }
    Ok(())
}

async fn acknowledge(
    dialling: &Dialling,
    site: SiteId,
    host: Uuid,
    cursors: &[Receipt],
    testimony: Vec<Witness>,
) -> Result<(), Trouble> {
    let ack = Ack {
        host,
        cursors: cursors.to_vec(),
        testimony,
    };
    let ask = Ask {
        site,
        target: "/fed/v1/ack",
        body: Some(&serde_json::to_vec(&ack).map_err(Error::internal)?),
    };
    let answer = dialling.hub.ask(&ask).await?;
    if answer.status == StatusCode::NO_CONTENT {
        Ok(())
    } else {
        Err(answer.refused())
    }
}
