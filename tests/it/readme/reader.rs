//! Somebody who follows the README: types its commands into one shell a section, sends its queries, saves and runs its
//! programs, and compares what comes back.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use apollo_compiler::ast::{Document, OperationDefinition};
use tempfile::TempDir;

use super::page::Block;
use crate::support::{Value, json, tools};

/// Commands that run already: the demonstration that the examples talk to, and the tests themselves.
const RUNNING: [&str; 2] = ["cargo run --release -- demo", "tests/run"];

/// Ends the output of a block.
const DONE: &str = "--- the block is done ---";

/// Runs the scripts whose names come in, as one shell, and stops at the first that fails.
const SHELL: &str = r#"
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    while IFS= read -r script; do
        source "$script" </dev/null
        printf '\n%s\n' "$DONE"
    done
"#;

/// What a block came to.
#[derive(Debug)]
pub enum Outcome {
    /// What was printed.
    Printed(String),
    /// What the API answered.
    Answered(Value),
    /// Nothing to compare.
    Nothing,
}

/// Somebody who follows the README.
pub struct Reader {
    folder: TempDir,
    /// What the README writes, and what stands for it here.
    instead: Vec<(&'static str, String)>,
    environment: BTreeMap<String, String>,
    shell: Option<(String, Shell)>,
    client: reqwest::Client,
    host: String,
    /// The latest values of the answers' fields, for variables of their name.
    seen: BTreeMap<String, Value>,
}

impl Reader {
    /// With what stands for addresses of the README, and with variables.
    pub fn new(instead: Vec<(&'static str, String)>, variables: BTreeMap<String, String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_champion-network"));
        let mut environment = variables;
        let path = format!("{}:{}", binary.parent().unwrap().display(), env::var("PATH").unwrap());
        environment.insert("PATH".to_owned(), path);
        environment.insert("TMPDIR".to_owned(), folder.path().display().to_string());
        #[expect(clippy::disallowed_methods, reason = "the test is a client from outside")]
        let client = reqwest::Client::new();
        Self {
            folder,
            host: "http://127.0.0.1:8080".to_owned(),
            instead,
            environment,
            shell: None,
            client,
            seen: BTreeMap::new(),
        }
    }

    /// Follows blocks in order. What stands in `json` or `text` is what the block before it comes to.
    pub async fn follows(&mut self, blocks: &[Block]) {
        let mut blocks = blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            let outcome = self.does(block).await;
            let Some(expected) = blocks.next_if(|next| matches!(next.language.as_str(), "json" | "text")) else {
                continue;
            };
            let text = self.localised(&expected.text);
            if let Err(why) = compare(&outcome, &expected.language, &text) {
                panic!("{}: {why}\n{outcome:#?}", expected.place());
            }
        }
    }

    async fn does(&mut self, block: &Block) -> Outcome {
        let text = self.localised(&block.text);
        match block.language.as_str() {
            "sh" if RUNNING.contains(&text.trim()) => Outcome::Nothing,
            "sh" => Outcome::Printed(self.types(block, &text)),
            "graphql" => Outcome::Answered(self.asks(block, &text).await),
            "toml" => {
                let name = text.lines().next().and_then(|line| line.strip_prefix("# "));
                let name = name.unwrap_or_else(|| panic!("{}: its first line names no file", block.place()));
                fs::write(self.folder.path().join(name), &text).unwrap();
                Outcome::Nothing
            }
            "python" => Outcome::Printed(self.runs_python(block, &text)),
            "ts" => Outcome::Printed(self.runs_typescript(block, &text)),
            _ => panic!("{}: nothing runs such a block", block.place()),
        }
    }

    fn localised(&self, text: &str) -> String {
        let instead = self.instead.iter();
        instead.fold(text.to_owned(), |text, (written, here)| text.replace(written, here))
    }

    /// Types into the shell of the block's section.
    fn types(&mut self, block: &Block, text: &str) -> String {
        if self.shell.as_ref().is_none_or(|(section, _)| *section != block.section) {
            self.shell = Some((
                block.section.clone(),
                Shell::start(self.folder.path(), &self.environment),
            ));
        }
        let (_, shell) = self.shell.as_mut().unwrap();
        shell
            .types(text)
            .unwrap_or_else(|why| panic!("{}: {why}", block.place()))
    }

    /// Sends every operation of a document in order; tells the answer of the last.
    async fn asks(&mut self, block: &Block, text: &str) -> Value {
        let document = Document::parse(text, block.place()).unwrap();
        let token = self.token_of(block, text);
        let operations = document.definitions.iter();
        let operations: Vec<_> = operations
            .filter_map(|definition| definition.as_operation_definition())
            .collect();
        let mut answer = Value::Null;
        for operation in operations {
            let body = json!({
                "query": text,
                "operationName": operation.name.as_ref().map(|name| name.as_str()),
                "variables": self.variables(block, operation),
            });
            let mut request = self.client.post(format!("{}/graphql", self.host_of(text)));
            request = request.header("content-type", "application/json");
            if let Some(token) = &token {
                request = request.bearer_auth(token);
            }
            let sent = request.body(body.to_string()).send().await.unwrap();
            answer = serde_json::from_str(&sent.text().await.unwrap()).unwrap();
            let name = operation.name.as_ref().map_or("it", |name| name.as_str());
            assert!(answer.get("errors").is_none(), "{}: {name}: {answer:#}", block.place());
            remember(&mut self.seen, &answer);
        }
        answer
    }

    /// `# At http://127.0.0.1:8081` on the first line of a document says which host it is for, when it is not the first.
    fn host_of(&self, text: &str) -> String {
        let named = text.lines().next().and_then(|line| line.strip_prefix("# At "));
        named.map_or_else(|| self.localised(&self.host), str::to_owned)
    }

    /// `# As $CURATOR` on the first line of a document says whose token goes with it.
    fn token_of(&self, block: &Block, text: &str) -> Option<String> {
        let name = text.lines().next()?.strip_prefix("# As $")?;
        let name = name.split(|letter: char| !letter.is_ascii_uppercase()).next()?;
        let token = self.environment.get(name);
        Some(
            token
                .unwrap_or_else(|| panic!("{}: ${name} is not known", block.place()))
                .clone(),
        )
    }

    /// Variables without a default are taken from the latest answer that has a field of their name.
    fn variables(&self, block: &Block, operation: &OperationDefinition) -> Value {
        let open = operation
            .variables
            .iter()
            .filter(|variable| variable.default_value.is_none());
        open.map(|variable| {
            let name = variable.name.to_string();
            let seen = self.seen.get(&name);
            let value = seen.unwrap_or_else(|| panic!("{}: no answer before it has `{name}`", block.place()));
            (name, value.clone())
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
    }

    fn runs_python(&self, block: &Block, text: &str) -> String {
        self.saves("example.py", text);
        self.runs(block, tools().join("venv/bin/python"), &["example.py"])
    }

    /// Compiles as strictly as the compiler can, then runs what came out.
    fn runs_typescript(&self, block: &Block, text: &str) -> String {
        self.saves("package.json", r#"{ "type": "module" }"#);
        self.saves("example.ts", text);
        let compiler = tools().join("node_modules/.bin/tsc");
        let options =
            "--strict --noUncheckedIndexedAccess --target es2022 --module nodenext --lib es2022,dom example.ts";
        self.runs(block, compiler, &options.split(' ').collect::<Vec<_>>());
        self.runs(block, PathBuf::from("node"), &["example.js"])
    }

    fn saves(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn runs(&self, block: &Block, program: PathBuf, arguments: &[&str]) -> String {
        let mut command = Command::new(&program);
        command.args(arguments).stdin(Stdio::null());
        let output = settle(&mut command, self.folder.path(), &self.environment)
            .output()
            .unwrap_or_else(|why| panic!("{} does not start: {why}", program.display()));
        let (printed, said) = (utf8(output.stdout), utf8(output.stderr));
        assert!(output.status.success(), "{}: {printed}{said}", block.place());
        printed
    }
}

/// In a folder, with variables, and without settings of this machine's own hosts.
fn settle<'a>(command: &'a mut Command, folder: &Path, environment: &BTreeMap<String, String>) -> &'a mut Command {
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("CHAMPION_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).envs(environment)
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// One shell, into which blocks are typed one after the other.
struct Shell {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    folder: PathBuf,
    blocks: usize,
}

impl Shell {
    fn start(folder: &Path, environment: &BTreeMap<String, String>) -> Self {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", SHELL]).env("DONE", DONE);
        let mut process = settle(&mut command, folder, environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("shell.log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().unwrap()),
            process,
            folder: folder.to_owned(),
            blocks: 0,
        }
    }

    /// Tells what a block prints, or what it says when it fails.
    fn types(&mut self, text: &str) -> Result<String, String> {
        self.blocks += 1;
        let script = self.folder.join(format!("block-{}.sh", self.blocks));
        fs::write(&script, text).unwrap();
        writeln!(self.input.as_mut().unwrap(), "{}", script.display()).unwrap();
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                let said = fs::read_to_string(self.folder.join("shell.log")).unwrap();
                return Err(format!("the shell ended.\n{printed}\n{said}"));
            }
            if line.trim_end() == DONE {
                return Ok(printed);
            }
            printed += &line;
        }
    }
}

impl Drop for Shell {
    /// Ends the shell, which ends what it started.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// Keeps the plain values of an answer under the names of their fields.
fn remember(seen: &mut BTreeMap<String, Value>, answer: &Value) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Object(_) | Value::Array(_) => remember(seen, value),
                    plain => drop(seen.insert(name.clone(), plain.clone())),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| remember(seen, value)),
        _ => {}
    }
}

/// An address of this machine that nobody listens at.
pub fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Compares what a block came to with what stands under it. A text or line that ends in `…` may go on differently.
pub fn compare(outcome: &Outcome, language: &str, expected: &str) -> Result<(), String> {
    match (outcome, language) {
        (Outcome::Answered(answer), "json") => same(&read(expected)?, answer, "answer"),
        (Outcome::Printed(printed), "json") => same(&read(expected)?, &read(printed)?, "answer"),
        (Outcome::Printed(printed), "text") => {
            let (expected, printed): (Vec<_>, Vec<_>) =
                (expected.trim().lines().collect(), printed.trim().lines().collect());
            let alike = expected.len() == printed.len() && expected.iter().zip(&printed).all(|(a, b)| like(a, b));
            if alike {
                Ok(())
            } else {
                Err("something else was printed".to_owned())
            }
        }
        _ => Err("nothing stands before it that could come to this".to_owned()),
    }
}

fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|why| format!("{why}: {text}"))
}

fn like(expected: &str, actual: &str) -> bool {
    match expected.strip_suffix('…') {
        Some(start) => actual.starts_with(start),
        None => expected == actual,
    }
}

fn same(expected: &Value, actual: &Value, path: &str) -> Result<(), String> {
    match (expected, actual) {
        (Value::String(expected), Value::String(actual)) if like(expected, actual) => Ok(()),
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let mut pairs = expected.iter().zip(actual).enumerate();
            pairs.try_for_each(|(index, (expected, actual))| same(expected, actual, &format!("{path}.{index}")))
        }
        (Value::Object(expected), Value::Object(actual)) if expected.keys().eq(actual.keys()) => {
            let mut pairs = expected.iter().zip(actual.values());
            pairs.try_for_each(|((name, expected), actual)| same(expected, actual, &format!("{path}.{name}")))
        }
        _ if expected == actual => Ok(()),
        _ => Err(format!("{path} is {actual}, not {expected}")),
    }
}
