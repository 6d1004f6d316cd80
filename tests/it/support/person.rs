//! People: they hold a token and ask through the API.

use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    Host,
    host::{AUDIENCE, ISSUER},
};

/// Somebody who asks.
pub struct Person<'a> {
    host: &'a Host,
    token: Option<String>,
    /// Who they are at the issuer.
    pub subject: String,
}

/// What the host answered.
#[derive(Debug)]
pub struct Reply(pub Value);

impl<'a> Person<'a> {
    /// Somebody without a token.
    pub fn anonymous(host: &'a Host) -> Self {
        Self {
            host,
            token: None,
            subject: String::new(),
        }
    }

    /// Somebody with roles, written `leeds:curator`.
    pub fn with_roles(host: &'a Host, subject: &str, roles: &[&str]) -> Self {
        let now = host.now();
        let claims = json!({
            "iss": ISSUER,
            "sub": subject,
            "aud": AUDIENCE,
            "iat": now.timestamp(),
            "exp": (now + TimeDelta::hours(12)).timestamp(),
            "roles": roles,
        });
        let token = host.key().sign(&claims).unwrap();
        Self {
            host,
            token: Some(token),
            subject: subject.to_owned(),
        }
    }

    /// Somebody with a token that a test has made.
    pub fn with_token(host: &'a Host, token: String) -> Self {
        Self {
            host,
            token: Some(token),
            subject: String::new(),
        }
    }

    /// The host that they ask.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Their token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same person with another token.
    pub fn holding(&self, roles: &[&str]) -> Person<'a> {
        Person::with_roles(self.host, &self.subject, roles)
    }

    /// Asks, or does something.
    pub async fn run(&self, query: &str, variables: Value) -> Reply {
        self.run_with(query, variables, &[]).await
    }

    /// The same with further headers.
    pub async fn run_with(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Reply {
        let answer = self.host.send(self.request(query, &variables, headers)).await;
        Reply(serde_json::from_slice(answer.body()).unwrap())
    }

    /// What they send.
    pub fn request(&self, query: &str, variables: &Value, headers: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = json!({ "query": query, "variables": variables }).to_string();
        request.body(Body::from(body)).unwrap()
    }

    /// Does a mutation `field(input: …)`, asking for the problems and these fields of the record; the input type's
    /// name is the field's with a capital and `Input` behind it.
    pub async fn does(&self, field: &str, input: Value, record: &str) -> Reply {
        let input_type = match field {
            "resourceSubmit" | "resourcePublish" | "resourceWithdraw" => "ResourceActInput".to_owned(),
            _ => format!("{}{}Input", field[..1].to_uppercase(), &field[1..]),
        };
        let query = format!(
            "mutation($input: {input_type}!) {{ {field}(input: $input) {{ {record} problems {{ code message path }} }} }}"
        );
        let ask = async |input: Value| self.run(&query, json!({ "input": input })).await;
        let Some(filler) = self.host.filler.get() else {
            return ask(input).await;
        };
        // So that nothing else happens at the same moment.
        self.host.server.0.clock.advance(TimeDelta::milliseconds(1_017));
        filler.fill(&input_type, &input, ask).await
    }

    /// Registers with a site and is approved by its admin.
    pub async fn becomes_champion(&self, site: &str) -> String {
        // Where a test looks for what has left, who somebody is to the issuer stands in nothing that they share.
        let name = match self.host.filler.get() {
            Some(_) => format!("Champion of {site}"),
            None => format!("Champion {}", self.subject),
        };
        let input = json!({
            "site": site, "displayName": name, "kind": "STAFF",
            "staffGroup": "NURSING_AND_MIDWIFERY", "visibility": "NETWORK",
        });
        let reply = self.does("championRegister", input, "champion { id version }").await;
        let champion = &reply.data()["championRegister"]["champion"];
        let (id, version) = (champion["id"].as_str().unwrap().to_owned(), champion["version"].clone());
        let admin = Person::with_roles(self.host, "site-admin", &[&format!("{site}:site_admin")]);
        let active = json!({ "id": id, "version": version, "status": "IN_TRAINING" });
        let reply = admin
            .does("championSetStatus", active, "champion { status version }")
            .await;
        let version = reply.data()["championSetStatus"]["champion"]["version"].clone();
        let active = json!({ "id": id, "version": version, "status": "ACTIVE" });
        admin
            .does("championSetStatus", active, "champion { status }")
            .await
            .data();
        id
    }
}

impl Reply {
    /// The data of an answer without errors.
    pub fn data(&self) -> &Value {
        assert!(self.0.get("errors").is_none(), "{:#}", self.0);
        &self.0["data"]
    }

    /// The record of the only mutation, which had no problems.
    pub fn record(&self) -> &Value {
        let payload = self.payload();
        assert_eq!(payload["problems"], json!([]), "{:#}", self.0);
        let record = payload
            .as_object()
            .unwrap()
            .iter()
            .find(|(name, _)| *name != "problems");
        record.expect("the payload shows a record").1
    }

    /// The payload of the only mutation.
    pub fn payload(&self) -> &Value {
        self.data().as_object().unwrap().values().next().unwrap()
    }

    /// The code of the only error, or of the only problem, or `OK`.
    pub fn code(&self) -> &str {
        if let Some(errors) = self.0.get("errors") {
            return errors[0]["extensions"]["code"].as_str().unwrap_or("without a code");
        }
        let problem = self.0["data"]
            .as_object()
            .and_then(|data| data.values().next()?.get("problems")?.get(0));
        problem.map_or("OK", |problem| problem["code"].as_str().unwrap())
    }

    /// The problems of the only mutation as `CODE at.its.path`, one a line.
    pub fn problems(&self) -> String {
        let problems = self.payload()["problems"].as_array().unwrap().iter();
        let lines = problems.map(|problem| {
            let path = problem["path"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part.as_str().unwrap());
            format!(
                "{} {}",
                problem["code"].as_str().unwrap(),
                path.collect::<Vec<_>>().join(".")
            )
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The values of one field of every node of the only connection of the answer.
    pub fn nodes(&self, field: &str) -> Vec<String> {
        let connection = self.data().as_object().unwrap().values().next().unwrap();
        let nodes = connection["nodes"].as_array().unwrap().iter();
        nodes
            .map(|node| {
                node[field]
                    .as_str()
                    .map_or_else(|| node[field].to_string(), str::to_owned)
            })
            .collect()
    }
}
