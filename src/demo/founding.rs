//! Founds the sites on their operators' word and makes a network of the hosts, the way two administrators do it: the
//! regional one makes the key of the site, the national one admits the site under it, and the regional one enters whose
//! word the host is to take.

use entity::SiteRole::SiteAdmin;
use serde_json::json;

use super::{
    content::{NATIONAL, Site, SiteContent},
    error::{Error, Result},
    host::Host,
    stage::{Mutation, Stage},
    tokens::{self, Person, Signer},
};
use crate::{
    app::Work,
    federation::{
        directory::{self, National},
        keys,
        wire::PublicKey,
    },
    sites,
};

const ADMIT: Mutation = Mutation::new("siteAdmit", "SiteAdmitInput", "site { id }");

/// A site as its host introduces it.
struct Introduced<'a> {
    site: &'a Site,
    row: entity::site::Model,
    key: PublicKey,
}

/// Founds every site at the host that keeps it, and lets the regional hosts join the network of the national site.
///
/// # Errors
/// When a site is refused.
pub async fn network(stage: &Stage<'_>, contents: &[SiteContent], signer: &Signer) -> Result<()> {
    let mut introduced = Vec::new();
    for content in contents {
        let host = stage.host_of(&content.site.slug)?;
        introduced.push(found(host, signer, &content.site).await?);
    }
    let hub = stage.host_of(NATIONAL)?;
    let is_national = |one: &&Introduced<'_>| one.site.slug == NATIONAL;
    let national = introduced.iter().find(is_national).ok_or_else(|| Error::Unknown {
        item: "the network".to_owned(),
        wanted: NATIONAL.to_owned(),
    })?;
    for one in introduced.iter().filter(|one| !hub.keeps(&one.site.slug)) {
        admit(stage, one).await?;
    }
    for host in stage.hosts.iter().filter(|host| !host.keeps(NATIONAL)) {
        let national = National {
            id: national.row.id,
            slug: national.row.slug.clone(),
            name: national.row.name.clone(),
            key: national.key,
            root: None,
        };
        let join = async |work: &mut Work<'_>| directory::join(work, national).await;
        host.server.0.system("siteJoin", join).await?;
    }
    stage.introduce().await
}

/// Founds a site that trusts the issuer of the demonstration, and makes its signing key.
async fn found<'a>(host: &Host, signer: &Signer, site: &'a Site) -> Result<Introduced<'a>> {
    let founding = sites::ops::Founding {
        slug: site.slug.clone(),
        name: site.name.clone(),
        kind: site.kind,
        region: site.region.clone(),
        ods_code: site.ods_code.clone(),
    };
    let trust = sites::ops::Trust::everything(tokens::ISSUER, tokens::AUDIENCE, signer.key().jwk_set());
    let found = async |work: &mut Work<'_>| {
        let row = sites::ops::found(work, founding).await?;
        sites::ops::trust(work, row.id, trust).await?;
        let key = keys::signing(work, row.id).await?.public();
        Ok((row, key))
    };
    let (row, key) = host.server.0.system("siteFound", found).await?;
    Ok(Introduced { site, row, key })
}

/// The national admin admits a site that another host keeps.
async fn admit(stage: &Stage<'_>, introduced: &Introduced<'_>) -> Result<()> {
    let Introduced { site, row, key } = introduced;
    let input = json!({
        "id": row.id.to_string(),
        "slug": site.slug,
        "name": site.name,
        "kind": site.kind,
        "region": site.region,
        "odsCode": site.ods_code,
        "publicKey": key.to_string(),
    });
    let admin = Person::holding(NATIONAL, SiteAdmin);
    stage.does(&admin, ADMIT, &site.slug, input).await?;
    Ok(())
}
