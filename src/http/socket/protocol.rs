//! The protocol `graphql-transport-ws` as the server sees it: a pure function over the messages of one WebSocket.
//!
//! <https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>. It reads no clock and does no I/O: what has to be done is
//! said by [`Step`], and the loop around it does that.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::http::params::Params;

/// The name of the protocol, as WebSockets negotiate it.
pub(super) const NAME: &str = "graphql-transport-ws";

/// The longest reason of a close frame: 123 bytes go into one.
const LONGEST_REASON: usize = 120;

/// Why a WebSocket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason: String = reason.into();
        while reason.len() > LONGEST_REASON {
            reason.pop();
        }
        Self { code, reason }
    }

    /// A message that the protocol does not know.
    fn malformed(why: impl std::fmt::Display) -> Self {
        Self::new(4400, format!("Invalid message: {why}"))
    }

    /// Whoever has not said, or could not prove, who they are.
    pub(super) fn unauthorised(why: impl Into<String>) -> Self {
        Self::new(4401, why)
    }

    /// A token that counts no more.
    pub(super) fn expired() -> Self {
        Self::new(4403, "Forbidden: the token counts no more")
    }

    pub(super) fn no_subprotocol() -> Self {
        Self::new(4406, format!("Subprotocol not acceptable: ask for {NAME}"))
    }

    pub(super) fn too_late() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn going_away() -> Self {
        Self::new(1001, "This host is stopping: connect again")
    }

    pub(super) fn too_big() -> Self {
        Self::new(1009, "This message is too big")
    }

    pub(super) fn passing() -> Self {
        Self::new(1013, "This host cannot check the token at the moment: connect again")
    }
}

/// What has to be done after a message.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing.
    Nothing,
    /// Prove who asks, by the `Authorization` of the payload if there is one, then say so.
    Prove(Option<String>),
    /// Send this.
    Send(String),
    /// Run an operation under this name.
    Start(String, Box<Params>),
    /// Refuse to run an operation under this name, because so many run already.
    Refuse(String),
    /// End the operation of this name, whose client wants no more of it.
    Stop(String),
    /// Close the WebSocket.
    Close(Close),
}

/// How far a WebSocket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was said.
    Fresh,
    /// Who asks is being proved.
    Proving,
    /// Operations may run.
    Open,
}

/// One WebSocket.
#[derive(Debug)]
pub(super) struct Session {
    state: State,
    running: HashSet<String>,
    most: usize,
}

impl Session {
    /// A WebSocket on which at most so many operations run at one time.
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: State::Fresh,
            running: HashSet::new(),
            most,
        }
    }

    /// Whether operations may run.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Takes in a message.
    pub(super) fn hear(&mut self, text: &str) -> Step {
        self.step(text).unwrap_or_else(Step::Close)
    }

    fn step(&mut self, text: &str) -> Result<Step, Close> {
        let message: Value = serde_json::from_str(text).map_err(|_| Close::malformed("it is not JSON"))?;
        let Value::Object(mut message) = message else {
            return Err(Close::malformed("it is not an object"));
        };
        let payload = message.remove("payload");
        match message.get("type").and_then(Value::as_str) {
            Some("connection_init") => self.begin(payload),
            Some("ping") => {
                let pong = match object(payload)? {
                    Some(payload) => json!({ "type": "pong", "payload": payload }),
                    None => json!({ "type": "pong" }),
                };
                Ok(Step::Send(pong.to_string()))
            }
            Some("pong") => object(payload).map(|_| Step::Nothing),
            Some("subscribe") => self.subscribe(id(&message)?, payload),
            Some("complete") => {
                let id = id(&message)?;
                Ok(if self.running.remove(&id) {
                    Step::Stop(id)
                } else {
                    // It may have ended at the same moment.
                    Step::Nothing
                })
            }
            Some(_) => Err(Close::malformed("its type is unknown here")),
            None => Err(Close::malformed("it has no type")),
        }
    }

    fn begin(&mut self, payload: Option<Value>) -> Result<Step, Close> {
        if self.state != State::Fresh {
            return Err(Close::new(4429, "Too many initialisation requests"));
        }
        let payload = object(payload)?.unwrap_or_default();
        let mut named = payload
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let authorization = match (named.next(), named.next()) {
            (None, _) | (Some((_, Value::Null)), None) => None,
            (Some((_, Value::String(text))), None) => Some(text.clone()),
            _ => return Err(Close::malformed("`Authorization` must be given once, as a string")),
        };
        self.state = State::Proving;
        Ok(Step::Prove(authorization))
    }

    fn subscribe(&mut self, id: String, payload: Option<Value>) -> Result<Step, Close> {
        if self.state != State::Open {
            return Err(Close::unauthorised(
                "Unauthorized: send connection_init and wait for its answer",
            ));
        }
        if self.running.contains(&id) {
            return Err(Close::new(4409, format!("Subscriber for {id} already exists")));
        }
        let payload = object(payload)?.ok_or_else(|| Close::malformed("`payload` is missing"))?;
        let params = Params::from_members(payload).map_err(|error| Close::malformed(error.message))?;
        let is_named = params.document_id.is_some() || params.extensions.contains_key("persistedQuery");
        if params.query.is_none() && !is_named {
            return Err(Close::malformed("`payload.query` is missing"));
        }
        if self.running.len() >= self.most {
            return Ok(Step::Refuse(id));
        }
        self.running.insert(id.clone());
        Ok(Step::Start(id, Box::new(params)))
    }

    /// Who asks is proved: what to send.
    pub(super) fn proved(&mut self) -> String {
        self.state = State::Open;
        json!({ "type": "connection_ack" }).to_string()
    }

    /// An operation has ended by itself; tells whether its client still waits for it.
    pub(super) fn ended(&mut self, id: &str) -> bool {
        self.running.remove(id)
    }

    /// How many operations run.
    #[cfg(test)]
    fn running(&self) -> usize {
        self.running.len()
    }
}

/// A payload that may be left out.
fn object(payload: Option<Value>) -> Result<Option<Map<String, Value>>, Close> {
    match payload {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(Close::malformed("`payload` must be an object")),
    }
}

fn id(message: &Map<String, Value>) -> Result<String, Close> {
    let id = message.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
    id.map(str::to_owned)
        .ok_or_else(|| Close::malformed("`id` must be a string that is not empty"))
}

#[cfg(test)]
mod tests;
