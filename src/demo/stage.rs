//! The hosts while they are being filled: people act on the host of their site through its routes, with tokens, as they
//! would from outside.

use std::{collections::HashMap, sync::Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use url::Url;

use super::{
    error::{Error, Result},
    exchange::{self, Reached},
    host::Host,
    tokens::{Person, Signer},
};

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

/// The hosts while they are being filled.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The hosts, the hub first.
    pub hosts: &'a [Host],
    /// Where the hub answers the others meanwhile.
    hub: Url,
    signer: &'a Signer,
    tokens: Mutex<HashMap<String, (DateTime<Utc>, String)>>,
}

impl<'a> Stage<'a> {
    /// Hosts whose clocks only the filling moves.
    pub fn new(hosts: &'a [Host], hub: Url, signer: &'a Signer) -> Self {
        Self {
            hosts,
            hub,
            signer,
            tokens: Mutex::default(),
        }
    }

    /// The host that keeps a site.
    ///
    /// # Errors
    /// When none does.
    pub fn host_of(&self, site: &str) -> Result<&'a Host> {
        let found = self.hosts.iter().find(|host| host.keeps(site));
        found.ok_or_else(|| Error::Unknown {
            item: "a host".to_owned(),
            wanted: site.to_owned(),
        })
    }

    /// The present instant of the host that is ahead of the others.
    pub fn now(&self) -> DateTime<Utc> {
        let clocks = self.hosts.iter().map(|host| host.server.0.clock.now());
        clocks.max().unwrap_or_default()
    }

    /// Lets time pass at the host that keeps a site.
    ///
    /// # Errors
    /// When none does.
    pub fn pass(&self, site: &str, time: TimeDelta) -> Result<()> {
        self.host_of(site)?.server.0.clock.advance(time);
        Ok(())
    }

    /// Lets time pass everywhere until an instant; time never goes back.
    pub fn pass_until(&self, instant: DateTime<Utc>) {
        for host in self.hosts {
            host.pass_until(instant);
        }
    }

    /// Lets the hosts hear of each other's sites.
    ///
    /// # Errors
    /// When they do not come to an end.
    pub async fn introduce(&self) -> Result<()> {
        exchange::until(Reached::Directory, self.hosts, &self.hub).await
    }

    /// Lets the hosts exchange until each has read what the others share. Time is the same everywhere then, and stands
    /// still: hosts whose clocks jump do not believe one another.
    ///
    /// # Errors
    /// When they do not come to an end.
    pub async fn meet(&self) -> Result<()> {
        self.pass_until(self.now());
        exchange::until(Reached::Everything, self.hosts, &self.hub).await
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
        let host = self.host_of(&who.site)?;
        let token = self.token(who, host.server.0.clock.now())?;
        host.ask(&token, query, variables).await
    }

    /// A token of a person, signed again when time has passed it by.
    fn token(&self, who: &Person, now: DateTime<Utc>) -> Result<String> {
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
