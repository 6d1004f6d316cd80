//! What an operator sends a host to the hub for, once.

use std::sync::Arc;

use entity::SiteId;
use reqwest::StatusCode;
use url::Url;

use super::hub::{Ask, Hub, Trouble};
use crate::{
    app::{App, Work},
    auth::thumbprint,
    error::Error,
    federation::{
        directory::National,
        keys::{self, SiteKey},
        messages::{Acknowledged, Keeper, Rotation, Witness},
        wire::{Ed25519, Signature, Verify, root_message},
    },
};

/// Asks the hub for the national site and the network's root, which has signed its key.
///
/// # Errors
/// A sentence for the operator.
pub async fn national(app: &Arc<App>, hub: Url) -> Result<National, String> {
    let hello = Hub::at(hub, Arc::clone(app)).hello().await;
    let keeper = hello.map_err(|trouble| trouble.to_string())?.keeper;
    let keeper = keeper.ok_or("this network has no root yet: its operator makes it with `champion-network root`")?;
    proven(keeper).ok_or_else(|| "the root that the hub tells of has not signed the national site's key".to_owned())
}

/// The national site, when its root has signed its key.
pub(super) fn proven(keeper: Keeper) -> Option<National> {
    let kid = thumbprint(&keeper.public.to_string());
    let message = root_message(keeper.site, &kid, keeper.public);
    Ed25519.verify(keeper.root, &message, keeper.proof).then_some(National {
        id: SiteId(keeper.site.0),
        slug: keeper.slug,
        name: keeper.name,
        key: keeper.public,
        root: Some(keeper.root),
    })
}

/// Asks the hub who has read the feeds of a site of this host how far.
///
/// # Errors
/// A sentence for the operator.
pub async fn acknowledged(app: &Arc<App>, hub: Url, site: SiteId) -> Result<Vec<Acknowledged>, String> {
    let told = Hub::at(hub, Arc::clone(app)).witness(site).await;
    Ok(told.map_err(|trouble| trouble.to_string())?.acknowledged)
}

/// Tells the hub again of the rotations of a site of this host that it has forgotten, because it came back from a backup:
/// each in the name of the key before, which the hub still expects. Tells whether it knows the present key now.
pub(super) async fn rotate_again(app: &App, hub: &Hub, site: SiteId) -> Result<bool, Trouble> {
    let keys = keys::used(app.reader(), site).await?;
    let steps: Vec<_> = keys.iter().zip(keys.iter().skip(1)).collect();
    // The newest key that the hub lets in is the one that it expects.
    for first in (0..steps.len()).rev() {
        let mut taken = 0;
        for (before, next) in &steps[first..] {
            if !offer_again(hub, site, &before.0, next).await? {
                break;
            }
            taken += 1;
        }
        if taken > 0 {
            tracing::warn!(%site, "the hub had forgotten with which key a site signs");
            return Ok(first + taken == steps.len());
        }
    }
    Ok(false)
}

/// Offers the hub the key that followed another, in the name of that one. Tells whether it took it: not when it knows neither,
/// nor a key without a proof, which took the place of a lost one.
async fn offer_again(
    hub: &Hub,
    site: SiteId,
    before: &SiteKey,
    (next, proof): &(SiteKey, Option<Signature>),
) -> Result<bool, Trouble> {
    let Some(proof) = *proof else { return Ok(false) };
    let public = next.public();
    let body = serde_json::to_vec(&Rotation { public, proof }).map_err(Error::internal)?;
    let ask = Ask {
        site,
        target: "/fed/v1/keys/rotate",
        body: Some(&body),
    };
    let told = hub.ask_with(&ask, before).await?;
    match told.status {
        StatusCode::NO_CONTENT => Ok(true),
        StatusCode::UNAUTHORIZED => Ok(false),
        _ => Err(told.refused()),
    }
}

/// Asks the hub what it knows of a site that another host has written down, by the key in the file.
///
/// # Errors
/// A sentence for the operator: also when the hub takes another key by now.
pub async fn known_of(app: &Arc<App>, hub: Url, site: SiteId, key: &SiteKey) -> Result<Witness, String> {
    let hub = Hub::at(hub, Arc::clone(app));
    let mut known = hub.witness_with(site, key).await;
    if let Err(Trouble::Refused { status: 401, .. }) = &known {
        // The hub may have taken in the next key before, and the answer was lost.
        let next = keys::made(app.reader(), site).await;
        if let Some(next) = next.map_err(|error| Trouble::from(error).to_string())? {
            known = hub.witness_with(site, &next).await;
        }
    }
    known.map_err(|trouble| trouble.to_string())
}

/// Has a site of this host sign with a new key, once the hub has taken it in. Stopped half-way, it may be repeated.
///
/// # Errors
/// A sentence for the operator. Then the site signs with its present key as before.
pub async fn rotate(app: &Arc<App>, hub: Url, site: SiteId) -> Result<SiteKey, String> {
    let told = |error: Error| Trouble::from(error).to_string();
    let next = app.system("next key", async |work| keys::next(work, site).await).await;
    let (next, proof) = next.map_err(told)?;
    let rotation = Rotation {
        public: next.public(),
        proof,
    };
    let body = serde_json::to_vec(&rotation).map_err(|why| told(Error::internal(why)))?;
    let ask = Ask {
        site,
        target: "/fed/v1/keys/rotate",
        body: Some(&body),
    };
    let hub = Hub::at(hub, Arc::clone(app));
    let mut answer = hub.ask(&ask).await.map_err(|trouble| trouble.to_string())?;
    if answer.status == StatusCode::UNAUTHORIZED {
        // The hub may have taken it in before, and the answer was lost.
        answer = hub.ask_with(&ask, &next).await.map_err(|trouble| trouble.to_string())?;
    }
    if answer.status != StatusCode::NO_CONTENT {
        return Err(answer.refused().to_string());
    }
    let take_over = async |work: &mut Work<'_>| keys::take_over(work, site, &next).await;
    app.system("rotate key", take_over).await.map_err(told)?;
    Ok(next)
}
