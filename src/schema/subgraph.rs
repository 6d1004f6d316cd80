//! What a gateway asks that puts this host's graph beside others (Apollo Federation 2, subgraph specification): the schema
//! with its keys, and records by them.

use apollo_compiler::{
    Name, Node,
    ast::{Argument, Definition, Directive, Document, ObjectTypeDefinition, Value as SdlValue},
    name,
};
use async_graphql::{Any, Context, Object, SimpleObject, Value};
use entity::{Kind, ids::parse_any};
use sea_orm::prelude::Uuid;

use super::{document, found};
use crate::{
    error::{Error, Result},
    graphql::{
        Asking,
        record::{Entity, kind_of_type},
    },
    sites,
};

/// The version of the specification whose directives the schema uses.
const LINK: &str = r#"extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable", "@inaccessible"])"#;

/// Fields of the root that every subgraph may have: a gateway's own graph shows none of them.
const OWN: [&str; 3] = ["node", "nodes", "viewer"];

/// What gateways ask for and their callers never see.
const FOR_GATEWAYS: [&str; 2] = ["_entities", "_service"];

/// For gateways: the schema as a subgraph.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "_Service")]
pub struct Service {
    /// The schema in the schema definition language, with the directives of Apollo Federation 2.
    sdl: String,
}

/// For gateways.
#[derive(Clone, Copy, Debug, Default)]
pub struct SubgraphQueries;

/// For gateways.
#[Object]
impl SubgraphQueries {
    /// For gateways: the schema of this host as a subgraph of Apollo Federation 2.
    #[graphql(name = "_service")]
    async fn service(&self) -> Result<Service> {
        Ok(Service { sdl: sdl()? })
    }

    /// For gateways: records by their keys, in the order asked; null for each that the caller may not see. The key of every
    /// record is its `id`; that of a site may be its `slug` as well.
    #[graphql(name = "_entities")]
    async fn entities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What names them: each with `__typename` and its key.")] representations: Vec<Any>,
    ) -> Result<Vec<Option<async_graphql::Result<Entity>>>> {
        let named: Vec<_> = representations.iter().map(|Any(value)| Named::read(value)).collect();
        let slugs = named.iter().flatten().filter_map(Named::slug);
        let sites = sites::ops::ids_by_slug(ctx.app().reader(), slugs).await?;
        let keys = named.into_iter().map(|named| {
            Ok(match named? {
                Named::Id(kind, id) => Some((kind, id)),
                Named::Slug(slug) => sites.get(&slug).map(|id| (Kind::Site, id.0)),
            })
        });
        let keys: Vec<Result<Option<(Kind, Uuid)>>> = keys.collect();
        let wanted: Vec<_> = keys.iter().flatten().flatten().copied().collect();
        let found = found(ctx, &wanted).await?;
        let answers = keys.into_iter().map(|key| match key {
            Ok(key) => found.get(&key?).map(|node| Ok(node.clone().into())),
            Err(error) => Some(Err(error.into())),
        });
        Ok(answers.collect())
    }
}

/// What a representation names.
enum Named {
    Id(Kind, Uuid),
    Slug(String),
}

impl Named {
    fn read(value: &Value) -> Result<Self> {
        let wrong = |why: &str| Error::argument("representations", why);
        let Value::Object(members) = value else {
            return Err(wrong("A representation is an object."));
        };
        let text = |member: &str| match members.get(member) {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let kind = text("__typename").and_then(kind_of_type);
        let kind = kind.ok_or_else(|| wrong("`__typename` names no type that has a key here."))?;
        match (text("id"), text("slug")) {
            (Some(id), _) => {
                let named = parse_any(id).filter(|(of, _)| *of == kind);
                let (_, id) = named.ok_or_else(|| wrong("This is not an id of that type."))?;
                Ok(Self::Id(kind, id))
            }
            (None, Some(slug)) if kind == Kind::Site => Ok(Self::Slug(slug.to_owned())),
            _ => Err(wrong("A representation needs its key, such as `id`.")),
        }
    }

    fn slug(&self) -> Option<&str> {
        match self {
            Self::Id(..) => None,
            Self::Slug(slug) => Some(slug),
        }
    }
}

/// The schema as a subgraph.
///
/// # Errors
/// Never for the schema of this version: a test reads it.
pub fn sdl() -> Result<String> {
    let document = Document::parse(document(), "schema.graphql");
    let mut document = document.map_err(|_| Error::internal("the schema does not parse"))?;
    for definition in &mut document.definitions {
        if let Definition::ObjectTypeDefinition(object) = definition {
            let object = object.make_mut();
            match object.name.as_str() {
                "Query" => hide_own(object),
                "Mutation" | "Subscription" => {}
                _ => give_keys(object),
            }
        }
    }
    document.definitions.retain(|definition| {
        let name = definition.name().map(Name::as_str).unwrap_or_default();
        !matches!(name, "_Any" | "_Entity" | "_Service")
    });
    Ok(format!("{LINK}\n\n{document}"))
}

fn hide_own(query: &mut ObjectTypeDefinition) {
    query
        .fields
        .retain(|field| !FOR_GATEWAYS.contains(&field.name.as_str()));
    for field in &mut query.fields {
        if OWN.contains(&field.name.as_str()) {
            field.make_mut().directives.push(Directive::new(name!("inaccessible")));
        }
    }
}

/// Records have keys; what has none is a value, which other subgraphs may define alike.
fn give_keys(object: &mut ObjectTypeDefinition) {
    if !object.implements_interfaces.iter().any(|interface| interface == "Node") {
        object.directives.push(Directive::new(name!("shareable")));
        return;
    }
    let keys: &[&str] = if object.name == "Site" {
        &["id", "slug"]
    } else {
        &["id"]
    };
    for key in keys {
        let fields = Argument {
            name: name!("fields"),
            value: Node::new(SdlValue::String((*key).to_owned())),
        };
        let directive = Directive {
            name: name!("key"),
            arguments: vec![Node::new(fields)],
        };
        object.directives.push(directive);
    }
}
