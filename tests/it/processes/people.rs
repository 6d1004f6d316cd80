//! People at a host that runs as a process, and what they see.

use champion_network::clock::Clock;
use chrono::TimeDelta;

use super::*;

/// Somebody with a token.
pub struct Member<'a> {
    host: &'a Process,
    token: String,
}

impl Process {
    /// Somebody of its site with a role.
    pub fn member<'a>(&'a self, subject: &str, role: &str) -> Member<'a> {
        self.person(subject, &[role])
    }

    /// Somebody of its site with several roles.
    pub fn person<'a>(&'a self, subject: &str, roles: &[&str]) -> Member<'a> {
        let roles: Vec<_> = roles.iter().map(|role| format!("{}:{role}", self.site)).collect();
        let (now, url) = (Clock::System.now(), self.public_url());
        let claims = json!({
            "iss": format!("{url}/development"), "sub": subject, "aud": url, "iat": now.timestamp(),
            "exp": (now + TimeDelta::hours(1)).timestamp(), "roles": roles,
        });
        let token = self.key.sign(&claims).unwrap();
        Member { host: self, token }
    }

    /// Somebody with a role who is an active champion of its site and shares their card.
    pub async fn champion<'a>(&'a self, subject: &str, role: &str) -> Member<'a> {
        self.active(self.member(subject, role), subject).await
    }

    /// Makes somebody an active champion of its site who shares their card.
    pub async fn active<'a>(&self, person: Member<'a>, subject: &str) -> Member<'a> {
        let admin = self.member("admin", "site_admin");
        let input = json!({
            "site": self.site, "displayName": format!("Champion {subject}"), "kind": "STAFF",
            "staffGroup": "NURSING_AND_MIDWIFERY", "visibility": "NETWORK",
        });
        let mut champion = person.does("championRegister", input, "champion { id version }").await;
        for status in ["IN_TRAINING", "ACTIVE"] {
            let input = json!({ "id": champion["id"], "version": champion["version"], "status": status });
            champion = admin.does("championSetStatus", input, "champion { id version }").await;
        }
        person
    }
}

impl Member<'_> {
    /// What the host answers; none when it does not.
    pub async fn tries(&self, query: &str, variables: Value) -> Option<Value> {
        self.sends(None, query, variables).await
    }

    /// The same under an `Idempotency-Key`.
    async fn sends(&self, key: Option<&str>, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = self.host.client.post(format!("http://{}/graphql", self.host.address));
        let mut request = request
            .header("content-type", "application/json")
            .bearer_auth(&self.token);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.body(body).send().await.ok()?.text().await.ok()?;
        serde_json::from_str(&answer).ok()
    }

    /// The data of an answer without errors.
    pub async fn asks(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.tries(query, variables).await.expect("the host answers");
        assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
        answer["data"].take()
    }

    /// Does a mutation whose input type is named after it; these fields of what it was done to.
    pub async fn does(&self, field: &str, input: Value, record: &str) -> Value {
        let answer = self.asks(&mutation(field, record), json!({ "input": input })).await;
        done(&answer[field]).unwrap_or_else(|| panic!("{field}: {answer:#}"))
    }

    /// The same where the host may die meanwhile: none when it did not say that it was done.
    pub async fn tries_to(&self, field: &str, input: Value, record: &str) -> Option<Value> {
        let answer = self.tries(&mutation(field, record), json!({ "input": input })).await?;
        done(&answer["data"][field])
    }

    /// Does a mutation under an `Idempotency-Key`. The whole answer; none when none came.
    pub async fn does_once(&self, key: &str, field: &str, input: &Value, record: &str) -> Option<Value> {
        let variables = json!({ "input": input });
        self.sends(Some(key), &mutation(field, record), variables).await
    }

    /// Shares a new project.
    pub async fn writes(&self, title: &str) -> Value {
        self.does("projectCreate", self.project(title), "project { id version }")
            .await
    }

    /// The input of a project that is shared.
    pub fn project(&self, title: &str) -> Value {
        json!({ "site": self.host.site, "title": title, "summary": "All about it.", "visibility": "NETWORK" })
    }

    /// Their own card.
    pub async fn card(&self) -> Value {
        let query = "{ viewer { champion { id version } } }";
        self.asks(query, json!({})).await["viewer"]["champion"].clone()
    }
}

fn mutation(field: &str, record: &str) -> String {
    let input = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    format!("mutation($input: {input}!) {{ {field}(input: $input) {{ {record} problems {{ code message path }} }} }}")
}

/// What a payload without problems holds.
pub fn done(payload: &Value) -> Option<Value> {
    let fields = payload.as_object().filter(|_| payload["problems"] == json!([]))?;
    fields
        .iter()
        .find(|(name, _)| *name != "problems")
        .map(|(_, record)| record.clone())
}

/// The titles of all projects of a site that a member of a host sees, by title.
pub async fn titles(host: &Process, site: &str) -> Vec<String> {
    let reader = host.member("reader", "champion");
    let query = "query($site: String!, $after: String) {
        projects(first: 100, after: $after, filter: { sites: [$site] }, orderBy: TITLE_ASC) {
            nodes { title } pageInfo { hasNextPage endCursor }
        }
    }";
    let (mut titles, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = reader.asks(query, json!({ "site": site, "after": after })).await["projects"].clone();
        let nodes = page["nodes"].as_array().unwrap().iter();
        titles.extend(nodes.map(|node| node["title"].as_str().unwrap().to_owned()));
        if page["pageInfo"]["hasNextPage"] != json!(true) {
            return titles;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// How a host stands with the feed of a site.
pub async fn sync(host: &Process, site: &str) -> Value {
    let query = "query($site: String!) { site(slug: $site) { sync { state position parked lastError } } }";
    let reader = host.member("reader", "champion");
    reader.asks(query, json!({ "site": site })).await["site"]["sync"].clone()
}
