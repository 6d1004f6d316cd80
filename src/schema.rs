//! Joins the features into one schema.

mod subgraph;

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Context, Data, ID, MergedObject, Object, Response, SDLExportOptions, Schema, SchemaBuilder, ValidationMode,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use entity::{Kind, ids::parse_any};
use sea_orm::prelude::Uuid;

use self::subgraph::SubgraphQueries;
use crate::{
    app::App,
    champions::graphql::{ChampionMutations, ChampionQueries},
    error::{Error, Result},
    forum::graphql::{
        PostMutations, ReportMutations, ReportQueries, SpaceMutations, SpaceQueries, ThreadMutations, ThreadQueries,
    },
    graphql::{
        Asker, Asking, Prover, RequestId,
        partial::PartialData,
        record::{Node, Record, of_kind},
        show,
        subscription::Subscription,
    },
    impact::graphql::{ImpactMutations, ImpactQueries},
    privacy::graphql::PrivacyMutations,
    projects::graphql::{ProjectMutations, ProjectQueries},
    resources::graphql::{ResourceMutations, ResourceQueries},
    sites::graphql::{
        AuditQueries, IssuerMutations, IssuerQueries, OrganisationMutations, OrganisationQueries, SiteMutations,
        SiteQueries,
    },
};

/// The executable schema.
pub type Api = Schema<Query, Mutation, Subscription>;

/// What can be asked. Every list spans the network and answers from this host's own database.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct Query(
    NodeQueries,
    SiteQueries,
    OrganisationQueries,
    IssuerQueries,
    AuditQueries,
    ChampionQueries,
    ResourceQueries,
    ProjectQueries,
    SpaceQueries,
    ThreadQueries,
    ReportQueries,
    ImpactQueries,
    SubgraphQueries,
);

/// What can be changed. Every mutation takes one `input` and answers with the record, or with `problems` that a person
/// can mend. Send an `Idempotency-Key` header to repeat a mutation safely, or
/// `extensions.idempotencyKey` on a WebSocket.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct Mutation(
    SiteMutations,
    OrganisationMutations,
    IssuerMutations,
    ChampionMutations,
    ResourceMutations,
    ProjectMutations,
    SpaceMutations,
    ThreadMutations,
    PostMutations,
    ReportMutations,
    ImpactMutations,
    PrivacyMutations,
);

/// Builds the schema. Documents reach it validated.
pub fn build(app: Arc<App>) -> Api {
    builder().data(app).finish()
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .register_output_type::<Record>()
        .validation_mode(ValidationMode::Fast)
        .extension(ShowErrors)
        .extension(PartialData)
}

/// The schema as a document.
pub fn document() -> String {
    let options = SDLExportOptions::new().include_specified_by();
    builder().finish().sdl_with_options(options)
}

/// Records by id.
#[derive(Clone, Copy, Debug, Default)]
pub struct NodeQueries;

/// Records by id.
#[Object]
impl NodeQueries {
    /// Anything by its id; null when there is nothing by that id that you may see.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The id.")] id: ID) -> Result<Option<Node>> {
        Ok(nodes(ctx, "id", &[id]).await?.pop().flatten())
    }

    /// Things by their ids, in the order asked; null for each that you may not see. At most 100 at once.
    async fn nodes(&self, ctx: &Context<'_>, #[graphql(desc = "The ids.")] ids: Vec<ID>) -> Result<Vec<Option<Node>>> {
        if ids.len() > 100 {
            return Err(Error::argument("ids", "Ask for at most 100 at once."));
        }
        nodes(ctx, "ids", &ids).await
    }
}

async fn nodes(ctx: &Context<'_>, path: &str, ids: &[ID]) -> Result<Vec<Option<Node>>> {
    let parse = |id: &ID| parse_any(id).ok_or_else(|| Error::argument(path, "This is not an id."));
    let ids = ids.iter().map(parse).collect::<Result<Vec<_>>>()?;
    let found = found(ctx, &ids).await?;
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}

/// What the caller may see of what is named, one statement for each kind.
async fn found(ctx: &Context<'_>, named: &[(Kind, Uuid)]) -> Result<HashMap<(Kind, Uuid), Node>> {
    let mut found = HashMap::new();
    for kind in Kind::ALL {
        let wanted: Vec<_> = named.iter().filter(|(of, _)| of == kind).map(|(_, id)| *id).collect();
        if !wanted.is_empty() {
            let rows = of_kind(ctx.app(), ctx.caller(), *kind, &wanted).await?;
            found.extend(rows.into_iter().map(|(id, node)| ((*kind, id), node)));
        }
    }
    Ok(found)
}

/// Gives the errors of resolvers their codes, and each event of a subscription the caller as they were proven for it.
struct ShowErrors;

impl ExtensionFactory for ShowErrors {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ShowErrors {
    async fn execute(&self, ctx: &ExtensionContext<'_>, operation: Option<&str>, next: NextExecute<'_>) -> Response {
        let proven = ctx.data_opt::<Arc<Prover<Asker>>>().and_then(|prover| prover.proven());
        let mut response = match proven {
            Some(asker) => {
                let mut data = Data::default();
                data.insert(asker);
                next.run_with_data(ctx, operation, data).await
            }
            None => next.run(ctx, operation).await,
        };
        let request = ctx.data_opt::<RequestId>().map(|id| id.0.as_str()).unwrap_or_default();
        for error in &mut response.errors {
            show(error, request);
        }
        response
    }
}
