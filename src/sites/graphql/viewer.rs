//! Who the caller is.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{champion, site};

use crate::{
    champions::graphql::Champion,
    error::Result,
    graphql::{Asking, enums::SiteRole, seen::Seen},
    policy::Role,
    privacy::{graphql::PersonExport, ops::export},
    read,
    sites::{graphql::Site, ops},
};

/// Who the token says you are, and what this host lets you do.
#[derive(Clone, Debug)]
pub struct Viewer;

/// Who the token says you are, and what this host lets you do.
#[Object]
impl Viewer {
    /// Who you are at your identity provider.
    async fn subject(&self, ctx: &Context<'_>) -> String {
        ctx.caller()
            .identity
            .as_ref()
            .map(|identity| identity.subject.clone())
            .unwrap_or_default()
    }

    /// Your identity provider.
    async fn issuer(&self, ctx: &Context<'_>) -> String {
        ctx.caller()
            .identity
            .as_ref()
            .map(|identity| identity.issuer.clone())
            .unwrap_or_default()
    }

    /// Your roles: what the token says, as far as its issuer may grant it.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<RoleGrant>> {
        let roles = &ctx.caller().roles;
        let ids: Vec<_> = roles.iter().map(|role| role.site).collect();
        let sites = read::by_ids::<site::Entity>(ctx.app().reader(), ctx.caller(), &ids).await?;
        let sites: Vec<_> = Seen::<site::Entity>::all(sites).collect();
        let grant = |role: &Role| {
            let site = sites.iter().find(|site| site.id == role.site)?;
            Some(RoleGrant {
                site: Site(site.clone()),
                role: role.role.into(),
            })
        };
        Ok(roles.iter().filter_map(grant).collect())
    }

    /// The champion that you are on a site, or on the only site where you are one.
    async fn champion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug of the site; needed when you are a champion of several.")] site: Option<String>,
    ) -> Result<Option<Champion>> {
        let db = ctx.app().reader();
        let at = match site {
            Some(slug) => Some(ops::by_slug(db, &slug).await?.map(|site| site.id)),
            None => None,
        };
        let mut own = ctx
            .caller()
            .champions
            .iter()
            .filter(|own| at.is_none_or(|site| site == Some(own.site)));
        let (Some(one), None) = (own.next(), own.next()) else {
            return Ok(None);
        };
        let found = read::by_ids::<champion::Entity>(db, ctx.caller(), &[one.id]).await?;
        Ok(found.into_iter().next().map(|row| Champion(Seen::alone(row))))
    }

    /// All that this host keeps about you, at every site that accepts your token: your cards with their private fields, what you
    /// recorded, wrote, offered and reported, what became of it, and what you have done. Nothing in it is about anybody
    /// else. Ask again with the `next` of a page until it is null.
    async fn export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The `next` of the page before; left out for the first page.")] after: Option<String>,
    ) -> Result<PersonExport> {
        let page = export::of_caller(ctx.app(), ctx.caller(), after.as_deref()).await?;
        Ok(PersonExport(page))
    }

    /// When your token ends. Ask your identity provider for a new one before.
    async fn expires_at(&self, ctx: &Context<'_>) -> DateTime<Utc> {
        ctx.caller()
            .identity
            .as_ref()
            .map(|identity| identity.expires_at)
            .unwrap_or_default()
    }
}

/// A role on a site.
#[derive(Clone, Debug, SimpleObject)]
pub struct RoleGrant {
    /// The site.
    site: Site,
    /// The role there. It includes `CHAMPION`.
    role: SiteRole,
}
