//! The demonstration as a process of its own, spoken to over HTTP.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use super::{NATIONAL, Value, json};

/// A running demonstration.
pub struct Demo {
    process: Child,
    // Kept open, so that the program never writes to nobody.
    _output: BufReader<ChildStdout>,
    /// What it said once it was ready.
    pub announced: Value,
    client: reqwest::Client,
}

impl Demo {
    /// Starts the program and awaits its line.
    pub fn start(arguments: &[&str], temporary: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_champion-network"))
            .args(["demo", "--json"])
            .args(arguments)
            .env("TMPDIR", temporary)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test is a client from outside")]
        let client = reqwest::Client::new();
        Self {
            process,
            announced: serde_json::from_str(&line).unwrap(),
            _output: output,
            client,
        }
    }

    /// Where the host that keeps a site listens.
    pub fn url(&self, site: &str) -> &str {
        let mut hosts = self.announced["hosts"].as_array().unwrap().iter();
        let keeps = |host: &&Value| host["sites"].as_array().unwrap().contains(&site.into());
        hosts.find(keeps).unwrap()["url"].as_str().unwrap()
    }

    /// The token of a role at a site.
    pub fn token(&self, site: &str, role: &str) -> &str {
        let mut tokens = self.announced["tokens"].as_array().unwrap().iter();
        let found = tokens.find(|token| token["site"] == site && token["role"] == role);
        found.unwrap()["token"].as_str().unwrap()
    }

    /// Asks with a token at the host that it is for, or without one at the national host where it is empty; tells the data of
    /// an answer without errors.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Value {
        let mut tokens = self.announced["tokens"].as_array().unwrap().iter();
        let own = tokens.find(|own| own["token"] == token);
        let url = own.map_or_else(|| self.url(NATIONAL), |own| own["host"].as_str().unwrap());
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = self.client.post(format!("{url}/graphql"));
        request = request.header("content-type", "application/json").body(body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap().text().await.unwrap();
        let mut answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
        answer["data"].take()
    }

    /// Stops it as a service manager does.
    pub fn stop(mut self) -> ExitStatus {
        // The shell's own `kill`: a bare Debian has no other.
        let kill = format!("kill -TERM {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Demo {
    /// A test that failed leaves no process behind.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
