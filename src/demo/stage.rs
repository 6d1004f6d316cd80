//! The host while it is being filled: people act on it through its routes, with tokens, as they would from outside.

use std::{collections::HashMap, fmt, sync::Mutex};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, header},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    error::{Error, Result},
    tokens::{Person, Signer},
};
use crate::{clock::Clock, server::Server};

/// A mutation of the API and what is read from its answer.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// Its field.
    pub field: &'static str,
    /// The type of its input.
    pub input: &'static str,
    /// What is asked of its payload besides problems, under the name `answer`.
    pub answer: &'static str,
}

impl Mutation {
    /// A mutation, its input type and what to read.
    pub const fn new(field: &'static str, input: &'static str, answer: &'static str) -> Self {
        Self { field, input, answer }
    }

    fn document(&self) -> String {
        let Self { field, input, answer } = self;
        format!(
            "mutation($input: {input}!) {{ {field}(input: $input) {{ answer: {answer} problems {{ code message path }} }} }}"
        )
    }
}

/// The host while it is being filled.
pub struct Stage<'a> {
    router: Router,
    clock: Clock,
    signer: &'a Signer,
    tokens: Mutex<HashMap<String, (DateTime<Utc>, String)>>,
}

impl fmt::Debug for Stage<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stage").finish_non_exhaustive()
    }
}

impl<'a> Stage<'a> {
    /// A host whose clock only the filling moves.
    ///
    /// # Errors
    /// Only when the settings cannot be used.
    pub fn new(server: &Server, signer: &'a Signer) -> Result<Self> {
        Ok(Self {
            router: server.router()?,
            clock: server.0.clock.clone(),
            signer,
            tokens: Mutex::default(),
        })
    }

    /// Lets time pass.
    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// Lets time pass until an instant; time never goes back.
    pub fn pass_until(&self, instant: DateTime<Utc>) {
        self.clock.advance((instant - self.clock.now()).max(TimeDelta::zero()));
    }

    /// Somebody does something with an item; tells what the mutation answers.
    ///
    /// # Errors
    /// [`Error::Refused`] with every problem.
    pub async fn does(&self, who: &Person, mutation: Mutation, item: &str, input: Value) -> Result<Value> {
        let mut answer = self.ask(who, &mutation.document(), json!({ "input": input })).await?;
        let payload = answer["data"][mutation.field].take();
        let problems = payload["problems"].as_array().map_or(&[][..], Vec::as_slice);
        let errors = answer["errors"].as_array().map_or(&[][..], Vec::as_slice);
        if payload.is_null() || !problems.is_empty() || !errors.is_empty() {
            return Err(Error::Refused {
                mutation: mutation.field,
                item: item.to_owned(),
                why: reasons(errors.iter().chain(problems)),
            });
        }
        Ok(payload["answer"].clone())
    }

    /// Somebody asks something; tells the data.
    ///
    /// # Errors
    /// When the answer has errors.
    pub async fn reads(&self, who: &Person, query: &str, variables: Value) -> Result<Value> {
        let mut answer = self.ask(who, query, variables).await?;
        if let Some(errors) = answer["errors"].as_array() {
            return Err(Error::internal(reasons(errors)));
        }
        Ok(answer["data"].take())
    }

    async fn ask(&self, who: &Person, query: &str, variables: Value) -> Result<Value> {
        let request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token(who)?))
            .body(Body::from(
                json!({ "query": query, "variables": variables }).to_string(),
            ))
            .map_err(Error::internal)?;
        let response = self.router.clone().oneshot(request).await.map_err(Error::internal)?;
        let body = to_bytes(response.into_body(), usize::MAX)
            .await
            .map_err(Error::internal)?;
        serde_json::from_slice(&body).map_err(Error::internal)
    }

    /// A token of a person, signed again when time has passed it by.
    fn token(&self, who: &Person) -> Result<String> {
        let now = self.clock.now();
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((ends, token)) = tokens.get(&who.subject)
            && *ends > now
        {
            return Ok(token.clone());
        }
        let (ends, token) = self.signer.sign(who, now)?;
        tokens.insert(who.subject.clone(), (ends, token.clone()));
        Ok(token)
    }
}

/// What errors and problems say, with their codes and places.
fn reasons<'v>(all: impl IntoIterator<Item = &'v Value>) -> String {
    let reason = |one: &Value| {
        let code = one["code"]
            .as_str()
            .or(one["extensions"]["code"].as_str())
            .unwrap_or("ERROR");
        let path: Vec<_> = one["path"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let message = one["message"].as_str().unwrap_or_default();
        format!("{code} {}: {message}", path.join("."))
    };
    let reasons: Vec<_> = all.into_iter().map(reason).collect();
    if reasons.is_empty() {
        "there was no answer".to_owned()
    } else {
        reasons.join("; ")
    }
}
