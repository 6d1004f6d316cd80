//! What all resolvers share: context, ids, pages, rows read together, payloads and scalars.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_graphql::{Context, Name, ServerError, Value};
use futures_util::future::BoxFuture;

use crate::{
    app::App,
    error::{Error, Result},
    policy::Caller,
};

pub mod enums;
pub mod ids;
pub mod page;
pub mod partial;
pub mod payload;
pub mod record;
pub mod scalars;
pub mod seen;
pub mod subscription;

/// What the client calls this attempt, so that a repeat of it changes nothing twice; none where the header is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

/// The name of one request in logs and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Who asks in a request. What they are may change by what they do: somebody who registers is a champion from then on.
#[derive(Debug)]
pub struct Asker {
    caller: Caller,
    renewed: OnceLock<Box<Self>>,
}

impl Asker {
    /// As the token proved them.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            renewed: OnceLock::new(),
        }
    }

    /// Who they are by now.
    pub fn caller(&self) -> &Caller {
        self.renewed.get().map_or(&self.caller, |renewed| renewed.caller())
    }

    /// Takes note of what they have become.
    pub fn renew(&self, caller: Caller) {
        if let Err(next) = self.renewed.set(Box::new(Self::new(caller)))
            && let Some(renewed) = self.renewed.get()
        {
            renewed.renew(next.caller);
        }
    }
}

/// Proves anew who asks, for what goes on after the request: rights end, and tokens with them.
pub struct Prover<C> {
    prove: Box<dyn Fn() -> BoxFuture<'static, Option<Arc<C>>> + Send + Sync>,
    proven: Mutex<Option<Arc<C>>>,
}

impl<C> Prover<C> {
    /// Proves by a function, which gives nobody when the token counts no more.
    pub fn new(prove: impl Fn() -> BoxFuture<'static, Option<Arc<C>>> + Send + Sync + 'static) -> Self {
        Self {
            prove: Box::new(prove),
            proven: Mutex::default(),
        }
    }

    /// Who asks, as of now.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the token counts no more.
    pub async fn renew(&self) -> Result<Arc<C>> {
        let proven = (self.prove)().await.ok_or(Error::Unauthenticated)?;
        *self.proven.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&proven));
        Ok(proven)
    }

    /// Who was proven last.
    pub fn proven(&self) -> Option<Arc<C>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<C> std::fmt::Debug for Prover<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover").finish_non_exhaustive()
    }
}

/// What a resolver asks of its request.
pub trait Asking {
    /// The server.
    fn app(&self) -> &App;
    /// Who asks.
    fn caller(&self) -> &Caller;
    /// The GraphQL fields asked of the rows of a connection, below `nodes` and `edges { node }`; empty when unknown.
    fn asked_of_rows(&self) -> Vec<String>;
    /// Names the field as it stands in the query: the same for all rows of a list, whatever the row.
    fn place(&self) -> String;
}

impl Asking for Context<'_> {
    fn app(&self) -> &App {
        self.data_unchecked::<Arc<App>>()
    }

    fn caller(&self) -> &Caller {
        self.data_unchecked::<Arc<Asker>>().caller()
    }

    fn asked_of_rows(&self) -> Vec<String> {
        let connection = self.look_ahead();
        let rows = [connection.field("nodes"), connection.field("edges").field("node")];
        let fields = rows.iter().flat_map(|rows| rows.selection_fields());
        let mut names: Vec<_> = fields
            .flat_map(|field| {
                field
                    .selection_set()
                    .map(|asked| asked.name().to_owned())
                    .collect::<Vec<_>>()
            })
            .collect();
        names.push("id".to_owned());
        names.sort();
        names.dedup();
        names
    }

    fn place(&self) -> String {
        let field = self.field();
        let arguments = field.arguments().unwrap_or_default();
        let written = arguments.iter().map(|(name, value)| format!("{name}:{value}"));
        format!(
            "{}({})[{}]",
            field.name(),
            written.collect::<Vec<_>>().join(","),
            self.asked_of_rows().join(",")
        )
    }
}

/// Gives an error of ours its code and path. What went wrong inside is logged here, once, and not told.
pub fn show(error: &mut ServerError, request_id: &str) {
    let Some(cause) = error.source::<Error>().cloned() else {
        return;
    };
    let mut extensions = error.extensions.take().unwrap_or_default();
    extensions.set("code", cause.code());
    match &cause {
        Error::Argument { path, .. } if !path.is_empty() => {
            extensions.set(
                "path",
                Value::List(path.iter().map(|part| Value::String(part.clone())).collect()),
            );
        }
        Error::NotHostedHere { site, endpoint } => {
            extensions.set("site", site.as_str());
            let endpoint = endpoint.clone().map_or(Value::Null, Value::String);
            extensions.set("endpoint", endpoint);
        }
        Error::Internal(inner) => {
            tracing::error!(request_id, cause = %inner, "internal error");
            extensions.set("requestId", Value::String(request_id.to_owned()));
        }
        _ => {}
    }
    error.extensions = Some(extensions);
}

/// Arguments as one text, the same whenever the same is asked, for hashing.
pub fn canonical(arguments: &[(Name, Value)]) -> String {
    arguments
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect()
}
