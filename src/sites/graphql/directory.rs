//! What is done to the directory of sites.

use async_graphql::{Context, ID, InputObject, Object};

use crate::{
    error::Result,
    graphql::{
        ids::input_id,
        payload::{change, payload},
    },
    sites::{
        graphql::{Site, SiteKind},
        ops::{Founding, directory},
    },
};

payload! {
    /// What a change to the directory of sites came to.
    SitePayload {
        /// The site as it is now; null when there are problems.
        site: Site
    }
}

/// A site that another host keeps.
#[derive(Clone, Debug, InputObject)]
pub struct SiteAdmitInput {
    /// The id that its own host gave it, a TypeID that begins with `site_`. Leave it out to have one made.
    id: Option<ID>,
    /// Its name in addresses, arguments and tokens: lower-case letters and digits with hyphens, at most 60 characters.
    /// Never changes and is never used again.
    slug: String,
    /// Its name for people, at most 200 characters.
    name: String,
    /// What kind of site it is. A network has one national site.
    #[graphql(default_with = "SiteKind::Regional")]
    kind: SiteKind,
    /// The region it serves.
    region: Option<String>,
    /// Its code in the Organisation Data Service: 3 to 10 capital letters and digits.
    ods_code: Option<String>,
    /// Its signing key: an Ed25519 public key, 32 bytes as base64url without padding.
    public_key: String,
    /// Where its host answers GraphQL: an address that starts with `https://`, or `http://` in development. Everybody is
    /// told; no host fetches it.
    endpoint: Option<String>,
}

/// A site to be stopped for now.
#[derive(Clone, Debug, InputObject)]
pub struct SiteSuspendInput {
    /// The site's slug.
    site: String,
    /// Why, at most 1,000 characters. Everybody can read it.
    reason: String,
}

/// A site that takes part no longer.
#[derive(Clone, Debug, InputObject)]
pub struct SiteLeaveInput {
    /// The site's slug.
    site: String,
    /// Why, at most 1,000 characters. Everybody can read it.
    reason: Option<String>,
}

/// A suspended site that takes part again.
#[derive(Clone, Debug, InputObject)]
pub struct SiteReinstateInput {
    /// The site's slug.
    site: String,
    /// Why, at most 1,000 characters. Everybody can read it.
    reason: Option<String>,
}

/// What can be done to the directory of sites.
#[derive(Clone, Copy, Debug, Default)]
pub struct SiteMutations;

/// What can be done to the directory of sites.
#[Object]
impl SiteMutations {
    /// Admits a site that another host keeps. For admins of the national site.
    async fn site_admit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site.")] input: SiteAdmitInput,
    ) -> Result<SitePayload> {
        change(ctx, async |work| {
            let admission = directory::Admission {
                id: input.id.map(|id| input_id("id", &id)).transpose()?,
                founding: Founding {
                    slug: input.slug,
                    name: input.name,
                    kind: input.kind.into(),
                    region: input.region,
                    ods_code: input.ods_code,
                },
                public_key: input.public_key,
                endpoint: input.endpoint,
            };
            Ok(directory::admit(work, admission).await?.id)
        })
        .await
    }

    /// Stops a site for now: its records are hidden and its people's roles do not count. For admins of the national
    /// site, which itself cannot be suspended.
    async fn site_suspend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site and why.")] input: SiteSuspendInput,
    ) -> Result<SitePayload> {
        change(ctx, async |work| {
            Ok(directory::suspend(work, &input.site, &input.reason).await?.id)
        })
        .await
    }

    /// Takes a site out of the network for good: every other host deletes its copies of the site's records, and its slug is
    /// never used again. The site's own host keeps them. For admins of the national site, which itself cannot leave.
    async fn site_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site.")] input: SiteLeaveInput,
    ) -> Result<SitePayload> {
        change(ctx, async |work| {
            Ok(directory::leave(work, &input.site, input.reason).await?.id)
        })
        .await
    }

    /// Lets a suspended site take part again. For admins of the national site.
    async fn site_reinstate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site.")] input: SiteReinstateInput,
    ) -> Result<SitePayload> {
        change(ctx, async |work| {
            Ok(directory::reinstate(work, &input.site, input.reason).await?.id)
        })
        .await
    }
}
