//! Who may sign tokens for a site, in the API.

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::issuer;

use crate::{
    error::Result,
    graphql::{
        enums::{RecordAction, SiteRole, api_enum, shown, stored},
        ids::input_id,
        page::{Connection, Paging, connection},
        payload::{change, payload},
        record::{home, viewer_can},
        seen::{Seen, Shows},
    },
    sites::{
        graphql::Site,
        ops::{
            Trust,
            issuers::{self as ops, Issuers},
        },
    },
};

api_enum! {
    /// How tokens may be signed. All are asymmetric: this host holds no secret of an issuer.
    TokenAlgorithm {
        /// Ed25519.
        #[graphql(name = "EdDSA")]
        EdDsa,
        /// ECDSA on the curve P-256.
        #[graphql(name = "ES256")]
        Es256,
        /// RSA with PKCS #1 padding, at least 2048 bits.
        #[graphql(name = "RS256")]
        Rs256,
        /// RSA with PSS padding, at least 2048 bits.
        #[graphql(name = "PS256")]
        Ps256,
    }
}

/// An identity provider whose tokens a site accepts.
#[derive(Clone, Debug)]
pub struct Issuer(pub Seen<issuer::Entity>);

impl Shows for Issuer {
    type Entity = issuer::Entity;

    fn show(row: Seen<issuer::Entity>) -> Self {
        Self(row)
    }
}

/// An identity provider whose tokens a site accepts, and what they may grant there. Only the site's admins see it.
#[Object]
impl Issuer {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The site that accepts its tokens: the only one on which they grant roles by this registration.
    async fn site(&self, ctx: &Context<'_>) -> Result<Site> {
        home(&self.0, ctx, |row| row.site_id).await
    }

    /// The `iss` of its tokens, compared exactly.
    async fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// What its tokens must list in `aud`, compared exactly.
    async fn audience(&self) -> &str {
        &self.0.audience
    }

    /// How its tokens may be signed.
    async fn algorithms(&self) -> Vec<TokenAlgorithm> {
        shown(&self.0.algorithms.0)
    }

    /// Its public keys as a JWK set (RFC 7517) in JSON; null when it publishes them at `jwksUrl`.
    async fn jwks(&self) -> Option<&str> {
        self.0.jwks.as_deref()
    }

    /// The names (`kid`) of the keys in `jwks`; empty when the issuer publishes them itself.
    async fn key_ids(&self) -> Vec<String> {
        self.0.jwks.as_deref().map(ops::key_ids).unwrap_or_default()
    }

    /// Where it publishes its keys; null when they are in `jwks`.
    async fn jwks_url(&self) -> Option<&str> {
        self.0.jwks_url.as_deref()
    }

    /// The claim of its tokens that lists roles as `site-slug:role`.
    async fn roles_claim(&self) -> &str {
        &self.0.roles_claim
    }

    /// The roles that it may grant. Others in its tokens have no effect.
    async fn may_grant(&self) -> Vec<SiteRole> {
        shown(&self.0.may_grant.0)
    }

    /// Whether it is the development issuer of this host, whose tokens count only while the host's settings say so.
    async fn development(&self) -> bool {
        self.0.development
    }

    /// Since when its tokens do not count any more; null while they do.
    async fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.0.revoked_at
    }

    /// Grows with every change. Send back the one that you read when you revoke it.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What you may do with it: `WITHDRAW` is to revoke it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<RecordAction> {
        viewer_can::<issuer::Entity>(ctx, &self.0)
    }
}

connection! {
    /// A page of issuers.
    IssuerConnection, IssuerEdge, Issuer
}

payload! {
    /// What a change to the issuers of a site came to.
    IssuerPayload {
        /// The issuer as it is now; null when there are problems, unless somebody was faster.
        issuer: Issuer
    }
}

/// What can be asked about issuers.
#[derive(Clone, Copy, Debug, Default)]
pub struct IssuerQueries;

/// What can be asked about issuers.
#[Object]
impl IssuerQueries {
    /// Who may sign tokens for a site, and who might once, newest first. For the site's admins; empty for others.
    async fn issuers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<IssuerConnection> {
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        Ok(IssuerConnection(Connection::root(ctx, paging, Issuers { site }).await?))
    }
}

/// An identity provider to be trusted.
#[derive(Clone, Debug, InputObject)]
pub struct IssuerRegisterInput {
    /// The slug of the site that trusts it.
    site: String,
    /// The `iss` of its tokens exactly as they say it, usually an https URL; at most 255 characters.
    issuer: String,
    /// What its tokens must list in `aud`, at most 255 characters: usually the address of this host.
    audience: String,
    /// How its tokens may be signed; at least one.
    algorithms: Vec<TokenAlgorithm>,
    /// Its public keys as a JWK set (RFC 7517) in JSON, at most 64 KiB. Give either these or `jwksUrl`. A set with a
    /// private key is refused.
    jwks: Option<String>,
    /// Where it publishes its keys: an https URL at a public address.
    jwks_url: Option<String>,
    /// The claim of its tokens that lists roles as `site-slug:role`, e.g. `blackpool:project_lead`.
    #[graphql(default_with = "\"roles\".to_owned()")]
    roles_claim: String,
    /// The roles that it may grant on this site; at least one.
    may_grant: Vec<SiteRole>,
}

/// An identity provider whose tokens shall not count any more.
#[derive(Clone, Debug, InputObject)]
pub struct IssuerRevokeInput {
    /// The issuer.
    id: ID,
    /// The version that you read.
    version: i32,
}

/// What can be done to issuers.
#[derive(Clone, Copy, Debug, Default)]
pub struct IssuerMutations;

/// What can be done to issuers.
#[Object]
impl IssuerMutations {
    /// Has a site accept the tokens of an identity provider. For site admins.
    async fn issuer_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The issuer.")] input: IssuerRegisterInput,
    ) -> Result<IssuerPayload> {
        change(ctx, async |work| {
            let trusted = Trust {
                issuer: input.issuer,
                audience: input.audience,
                algorithms: stored(input.algorithms),
                jwks: input.jwks,
                jwks_url: input.jwks_url,
                roles_claim: input.roles_claim,
                may_grant: stored(input.may_grant),
            };
            Ok(ops::register(work, &input.site, trusted).await?.id)
        })
        .await
    }

    /// Ends a registration: from now on none of its tokens count, also those that were issued before. It stays in the
    /// list with `revokedAt`. For site admins.
    async fn issuer_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The issuer.")] input: IssuerRevokeInput,
    ) -> Result<IssuerPayload> {
        change(ctx, async |work| {
            let id = input_id("id", &input.id)?;
            Ok(ops::revoke(work, id, input.version).await?.id)
        })
        .await
    }
}
