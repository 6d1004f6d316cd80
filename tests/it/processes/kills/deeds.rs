//! What people do while their host may die at any moment, each under a key of its own.

use champion_network::clock::Ids;

use super::{super::people::done, *};

/// Lines of a file that is taken in whole or not at all.
pub const LINES: i64 = 60;

/// The roles of those who write.
const ROLES: [&str; 4] = ["champion", "project_lead", "moderator", "analyst"];

/// Chance that can be had again: SplitMix64.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A seed that was not there before.
    pub fn seed() -> u64 {
        u64::from_le_bytes(Ids::default().bytes())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below another.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// One of several.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let number = usize::try_from(self.below(all.len().max(1) as u64)).unwrap();
        all.get(number)
    }

    /// A time up to another.
    pub fn within(&mut self, longest: Duration) -> Duration {
        let most = u64::try_from(longest.as_micros()).unwrap();
        Duration::from_micros(self.below(most))
    }
}

/// What is in the database once something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A project of this title.
    Project(String),
    /// A project has this version, or a later one.
    Version(String, i64),
    /// So many figures with this note.
    Figures(String),
    /// A thread of this title.
    Thread(String),
    /// A post that says this.
    Post(String),
    /// A space has this version, and its threads and posts its visibility.
    Space(String, i64),
    /// A card with this name.
    Card(String),
    /// No card with this id, for ever.
    Erased(String),
}

/// Something that somebody does.
#[derive(Clone, Debug)]
pub struct Deed {
    key: String,
    who: String,
    field: &'static str,
    input: Value,
    record: &'static str,
    /// What comes of it.
    pub effect: Effect,
}

impl Deed {
    /// Sends it, again if need be, under its key. None when no answer came; any answer says that it was done.
    pub async fn sent(&self, host: &Process) -> Option<Value> {
        let person = host.person(&self.who, &ROLES);
        let answer = person
            .does_once(&self.key, self.field, &self.input, self.record)
            .await?;
        let gone = matches!(self.effect, Effect::Erased(_)) && answer["errors"][0]["extensions"]["code"] == "NOT_FOUND";
        if gone {
            // It was on record when the host died, and its next start has done it.
            return Some(Value::Null);
        }
        let done = done(&answer["data"][self.field]);
        Some(done.unwrap_or_else(|| panic!("{self:?}: {answer:#}")))
    }

    /// Whether every later answer names the same.
    fn names_for_ever(&self) -> bool {
        matches!(
            self.effect,
            Effect::Project(_) | Effect::Thread(_) | Effect::Post(_) | Effect::Figures(_)
        )
    }
}

/// A record at the version that its writer knows.
#[derive(Clone, Debug)]
struct Known {
    id: Value,
    version: i64,
}

impl Known {
    fn of(record: &Value) -> Self {
        let (id, version) = (record["id"].clone(), record["version"].as_i64().unwrap());
        Self { id, version }
    }

    fn next(&self, change: Value) -> Value {
        let mut input = json!({ "id": self.id, "version": self.version });
        input
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        input
    }
}

/// Somebody who does one thing after another.
#[derive(Debug)]
pub struct Writer {
    name: String,
    chance: Chance,
    count: u64,
    /// How much was acknowledged.
    pub acknowledged: usize,
    /// What was acknowledged, but for cards of those who have gone.
    pub done: Vec<Deed>,
    /// What was acknowledged and is answered in the same way for ever, with the answer.
    pub answered: Vec<(Deed, Value)>,
    /// What was sent and got no answer.
    pub in_doubt: Option<Deed>,
    space: Option<Known>,
    opens: bool,
    shares: bool,
    project: Option<Known>,
    thread: Option<Value>,
    leaver: Option<(String, Known)>,
}

/// People who are champions of a host's site, with a measure to count by.
pub async fn writers(host: &Process, count: u64, seed: u64) -> Vec<Writer> {
    let measure = json!({
        "site": host.site, "code": "people-helped", "name": "People helped", "definition": "Whom somebody has shown something.",
        "unit": "people", "kind": "COUNT", "aggregation": "SUM", "countsPeople": false,
    });
    host.member("analyst", "analyst")
        .does("measureDefine", measure, "measure { id }")
        .await;
    let mut writers = Vec::new();
    for number in 0..count {
        let name = format!("writer-{number}");
        host.active(host.person(&name, &ROLES), &name).await;
        writers.push(Writer::new(name, Chance(seed ^ (number << 32)), number == 0));
    }
    writers
}

/// Opens a space for all of them to talk in; the first may share it with the network and take it back.
pub async fn opens_a_space(writers: &mut [Writer], host: &Process) {
    let person = host.person("writer-0", &ROLES);
    let name = format!("Space {}", writers[0].done.len());
    let space = json!({ "site": host.site, "name": name, "about": "Talk.", "visibility": "SITE" });
    let space = person.does("spaceCreate", space, "space { id version }").await;
    for writer in writers {
        (writer.space, writer.thread, writer.shares) = (Some(Known::of(&space)), None, false);
    }
}

impl Writer {
    fn new(name: String, chance: Chance, opens: bool) -> Self {
        Self {
            name,
            chance,
            count: 0,
            acknowledged: 0,
            done: Vec::new(),
            answered: Vec::new(),
            in_doubt: None,
            space: None,
            opens,
            shares: false,
            project: None,
            thread: None,
            leaver: None,
        }
    }

    /// Does one thing after another until no answer comes.
    pub async fn works(&mut self, host: &Process) {
        loop {
            let deed = self.next(host.site);
            if !self.sends(host, deed).await {
                return;
            }
        }
    }

    /// Sends something. Tells whether it was acknowledged.
    pub async fn sends(&mut self, host: &Process, deed: Deed) -> bool {
        let Some(answer) = deed.sent(host).await else {
            self.in_doubt = Some(deed);
            return false;
        };
        self.learns(&deed, &answer);
        if deed.names_for_ever() {
            self.answered.push((deed.clone(), named(&answer)));
        }
        self.acknowledged += 1;
        self.done.push(deed);
        true
    }

    fn learns(&mut self, deed: &Deed, answer: &Value) {
        match &deed.effect {
            Effect::Project(_) | Effect::Version(..) => self.project = Some(Known::of(answer)),
            Effect::Thread(_) => self.thread = Some(answer["id"].clone()),
            Effect::Space(..) => self.space = Some(Known::of(answer)),
            Effect::Card(name) => self.leaver = Some((name.clone(), Known::of(answer))),
            Effect::Erased(_) => self.leaver = None,
            Effect::Figures(_) | Effect::Post(_) => {}
        }
    }

    fn deed(&self, field: &'static str, input: Value, record: &'static str, effect: Effect) -> Deed {
        let (key, who) = (format!("{}-{}", self.name, self.count), self.name.clone());
        Deed {
            key,
            who,
            field,
            input,
            record,
            effect,
        }
    }

    fn next(&mut self, site: &str) -> Deed {
        self.count += 1;
        match self.chance.below(20) {
            0..4 => self.changes_a_project(site),
            4..6 => self.counts(site),
            6..9 => self.starts_a_thread(),
            9..13 => self.answers(),
            13..16 if self.opens => self.shares_the_space(),
            16..18 => self.comes_or_goes(site),
            _ => self.creates_a_project(site),
        }
    }

    fn creates_a_project(&self, site: &str) -> Deed {
        let title = format!("{} project {}", self.name, self.count);
        let input = json!({ "site": site, "title": title, "summary": title, "visibility": "NETWORK" });
        self.deed("projectCreate", input, "project { id version }", Effect::Project(title))
    }

    fn changes_a_project(&self, site: &str) -> Deed {
        let Some(project) = &self.project else {
            return self.creates_a_project(site);
        };
        let input = project.next(json!({ "summary": format!("{} changes {}", self.name, self.count) }));
        let effect = Effect::Version(text(&project.id), project.version + 1);
        self.deed("projectUpdate", input, "project { id version }", effect)
    }

    fn counts(&self, site: &str) -> Deed {
        let note = format!("{} file {}", self.name, self.count);
        let lines = (1..=LINES).map(|number| format!("people-helped,2026-05-04,{number},{note}\n"));
        let csv = format!("measure,observed_on,value,note\n{}", lines.collect::<String>());
        let input = json!({ "site": site, "csv": csv });
        self.deed("observationsImport", input, "imported", Effect::Figures(note))
    }

    fn starts_a_thread(&self) -> Deed {
        let title = format!("{} thread {}", self.name, self.count);
        let space = &self.space.as_ref().unwrap().id;
        let input = json!({ "space": space, "title": title, "body": "Which ones last?" });
        self.deed("threadStart", input, "thread { id }", Effect::Thread(title))
    }

    fn answers(&self) -> Deed {
        let Some(thread) = &self.thread else {
            return self.starts_a_thread();
        };
        let body = format!("{} post {}", self.name, self.count);
        let input = json!({ "thread": thread, "body": body });
        self.deed("postCreate", input, "post { id }", Effect::Post(body))
    }

    fn shares_the_space(&mut self) -> Deed {
        self.shares = !self.shares;
        let space = self.space.as_ref().unwrap();
        let input = space.next(json!({ "visibility": if self.shares { "NETWORK" } else { "SITE" } }));
        let effect = Effect::Space(text(&space.id), space.version + 1);
        self.deed("spaceUpdate", input, "space { id version }", effect)
    }

    /// Somebody joins, or who has joined last is erased.
    fn comes_or_goes(&mut self, site: &str) -> Deed {
        if let Some((name, card)) = &self.leaver {
            self.done.retain(|deed| deed.effect != Effect::Card(name.clone()));
            let effect = Effect::Erased(text(&card.id));
            let deed = self.deed("championErase", card.next(json!({})), "champion { id }", effect);
            return Deed {
                who: name.clone(),
                ..deed
            };
        }
        let name = format!("{} leaver {}", self.name, self.count);
        let input = json!({
            "site": site, "displayName": name, "kind": "STAFF", "staffGroup": "NURSING_AND_MIDWIFERY", "visibility": "NETWORK",
        });
        let deed = self.deed(
            "championRegister",
            input,
            "champion { id version }",
            Effect::Card(name.clone()),
        );
        Deed { who: name, ..deed }
    }
}

/// What an answer names: an id, or how many.
pub fn named(answer: &Value) -> Value {
    answer.get("id").unwrap_or(answer).clone()
}

fn text(id: &Value) -> String {
    id.as_str().unwrap().to_owned()
}
