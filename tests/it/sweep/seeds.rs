//! One record of every kind at a site, tied to others wherever one can be, and an input for every mutation on them.

use std::collections::{BTreeMap, BTreeSet};

use super::{FIGURE, text};
use crate::support::{Host, Person, Value, json};

/// Whom a mutation on something of the site is open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenTo {
    /// Everybody with a token.
    Anyone,
    /// Every champion of the site.
    Champions,
    /// Some roles or owners only.
    Few,
}

/// One record of every kind at a site that other sites must not see, and what of the national one hangs on them.
#[derive(Default)]
pub struct Seeds {
    /// The slug of the site.
    pub site: &'static str,
    /// The record of each kind that mutations are tried on.
    pub ids: BTreeMap<&'static str, String>,
    /// Every id, with its type.
    pub types: BTreeMap<String, String>,
    versions: BTreeMap<String, i64>,
    slugs: BTreeMap<String, String>,
    /// The ids that outsiders must not meet.
    pub hidden: BTreeSet<String>,
    /// Those of them that not even all members may meet.
    pub few: BTreeSet<String>,
}

impl Seeds {
    /// Nothing at a site.
    pub fn none(site: &'static str) -> Self {
        Self {
            site,
            ..Self::default()
        }
    }

    /// Plants them; tells who may see them all.
    pub async fn plant<'a>(host: &'a Host, site: &'static str) -> (Self, Person<'a>) {
        let mut seeds = Self::none(site);
        let roles =
            ["site_admin", "project_lead", "curator", "moderator", "analyst"].map(|role| format!("{site}:{role}"));
        let all: Vec<&str> = roles.iter().map(String::as_str).collect();
        let (ana, ben) = (host.champion(&all).await, host.champion(&all).await);
        for (person, kind) in [(&ben, "colleague"), (&ana, "champion")] {
            let me = person.run("{ viewer { champion { id version } } }", json!({})).await;
            let me = me.data()["viewer"]["champion"].clone();
            let card = json!({
                "id": me["id"], "version": me["version"], "visibility": "SITE", "displayName": "hush Ana",
                "bio": "hush", "email": "whisper@example.org",
            });
            person.does("championUpdate", card, "champion { id }").await.record();
            seeds.hide(kind, &me["id"]);
        }
        seeds.figures(&ana, &ben).await;
        seeds.programme(&ana, &ben).await;
        seeds.library(host, &ana, &ben).await;
        // Nobody moderates what they wrote, and only moderators see what was done.
        seeds.talk(&ben, &ana).await;
        seeds.office(host, &ana).await;
        seeds.look_up(&ana).await;
        (seeds, ana)
    }

    /// Measures and organisations, which are everybody's, and figures, which are not.
    async fn figures(&mut self, ana: &Person<'_>, ben: &Person<'_>) {
        let measure = json!({
            "site": self.site, "code": "people-helped", "name": "People helped", "definition": "Counted.",
            "unit": "people", "kind": "COUNT", "aggregation": "SUM", "countsPeople": true,
        });
        let measure = ana.does("measureDefine", measure, "measure { id }").await;
        self.show("measure", &measure.record()["id"]);
        let project = json!({ "site": self.site, "title": "hush origin", "summary": "hush" });
        self.plants(ana, "origin", "projectCreate", project, "project").await;
        for part in [5, FIGURE.parse::<u32>().unwrap() - 5] {
            let observation = json!({
                "site": self.site, "measure": self.ids["measure"], "project": self.ids["origin"],
                "observedOn": "2026-04-02", "value": part.to_string(), "note": "whisper",
                "breakdown": [{ "dimension": "channel", "value": "whisper" }],
            });
            self.plants(ana, "observation", "observationRecord", observation, "observation")
                .await;
            self.few.insert(self.ids["observation"].clone());
            let decision = json!({ "id": self.ids["observation"], "approve": true, "reason": "whisper" });
            ben.does("observationDecide", decision, "observation { id }")
                .await
                .record();
            let release = json!({
                "site": self.site, "measure": self.ids["measure"], "from": "2026-04-01", "to": "2026-04-30",
                "visibility": "SITE",
            });
            let releases = ana.does("impactRelease", release, "releases { id }").await;
            self.hide("release", &releases.record()[0]["id"]);
        }
    }

    async fn programme(&mut self, ana: &Person<'_>, ben: &Person<'_>) {
        let project = json!({
            "site": self.site, "title": "hush project", "summary": "hush", "question": "hush",
            "clonedFrom": self.ids["origin"],
        });
        self.plants(ana, "project", "projectCreate", project, "project").await;
        for (version, step, more) in [
            (
                1,
                "projectSetMilestones",
                json!({ "milestones": [{ "title": "hush" }] }),
            ),
            (
                2,
                "projectSetTargets",
                json!({ "targets": [{ "measure": self.ids["measure"], "value": FIGURE }] }),
            ),
            (3, "projectAddChampion", json!({ "champion": self.ids["champion"] })),
        ] {
            let mut input = json!({ "id": self.ids["project"], "version": version });
            extend(&mut input, more);
            ana.does(step, input, "project { id }").await.record();
        }
        let session = json!({
            "site": self.site, "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
            "condition": "whisper",
        });
        self.plants(ben, "session", "supportSessionRecord", session, "supportSession")
            .await;
        self.few.insert(self.ids["session"].clone());
    }

    async fn library(&mut self, host: &Host, ana: &Person<'_>, ben: &Person<'_>) {
        // Offered to the national team and taken: its text is the network's from then on, where it stems from is not.
        let offered = self.published(ana, ben, "offered", "Plain guide", "Plain.").await;
        self.hide("offered", &offered["id"]);
        let proposal = json!({ "resource": offered["id"], "reason": "hush" });
        self.plants(ana, "taken", "resourcePropose", proposal, "proposal").await;
        let decision = json!({ "id": self.ids["taken"], "accept": true, "reason": "hush" });
        let national = host.person(&["national:curator"]);
        let decided = national
            .does("resourceProposalDecide", decision, "proposal { nationalCopy { id } }")
            .await;
        self.show("copy", &decided.record()["nationalCopy"]["id"]);
        let overlay = json!({ "site": self.site, "resource": self.ids["copy"], "pinned": true, "note": "hush" });
        self.plants(ana, "overlay", "resourceOverlaySet", overlay, "overlay")
            .await;

        let guide = self.published(ana, ben, "resource", "hush guide", "hush").await;
        let proposal = json!({ "resource": guide["id"], "reason": "hush" });
        self.plants(ana, "proposal", "resourcePropose", proposal, "proposal")
            .await;
        let edit = json!({
            "id": guide["id"], "version": guide["version"], "title": "whisper guide", "body": "whisper",
        });
        let edited = ana
            .does(
                "resourceUpdate",
                edit,
                "resource { draft { id } editions { nodes { id } } }",
            )
            .await;
        for edition in edited.record()["editions"]["nodes"].as_array().unwrap() {
            self.hide("edition", &edition["id"]);
        }
        self.few.insert(text(&edited.record()["draft"]["id"]));
    }

    async fn published(
        &mut self,
        ana: &Person<'_>,
        ben: &Person<'_>,
        kind: &'static str,
        title: &str,
        said: &str,
    ) -> Value {
        let resource = json!({
            "site": self.site, "title": title, "summary": said, "body": said, "type": "GUIDE", "topics": [said],
            "language": "en", "licence": "OGL-UK-3.0", "visibility": "SITE", "project": self.ids["project"],
        });
        let mut now = ana
            .does("resourceCreate", resource, "resource { id version }")
            .await
            .record()
            .clone();
        self.hide(kind, &now["id"]);
        for (person, step, more) in [
            (ana, "resourceSubmit", json!({})),
            (ben, "resourceReview", json!({ "verdict": "APPROVE" })),
            (ben, "resourcePublish", json!({})),
        ] {
            let mut input = now.clone();
            extend(&mut input, more);
            now = person
                .does(step, input, "resource { id version }")
                .await
                .record()
                .clone();
        }
        now
    }

    async fn talk(&mut self, author: &Person<'_>, moderator: &Person<'_>) {
        for (kind, name, access) in [
            ("closed", "whisper room", "CLOSED"),
            ("hall", "hush hall", "OPEN"),
            ("space", "hush room", "OPEN"),
        ] {
            let about = &name[..name.len() - 5];
            let space =
                json!({ "site": self.site, "name": name, "about": about, "access": access, "visibility": "SITE" });
            self.plants(author, kind, "spaceCreate", space, "space").await;
        }
        for (version, person) in [(1, "champion"), (2, "colleague")] {
            let member = json!({ "id": self.ids["closed"], "version": version, "champion": self.ids[person] });
            author.does("spaceAddMember", member, "space { id }").await.record();
        }
        for (space, word) in [("closed", "whisper"), ("hall", "hush")] {
            let thread = json!({
                "space": self.ids[space], "title": format!("{word} thread"), "body": word, "tags": [word],
                "project": self.ids["project"],
            });
            self.plants(author, "thread", "threadStart", thread, "thread").await;
            let post = json!({ "thread": self.ids["thread"], "body": word });
            self.plants(author, "post", "postCreate", post, "post").await;
            if space == "closed" {
                self.few
                    .extend([&self.ids["closed"], &self.ids["thread"], &self.ids["post"]].map(String::clone));
            }
        }
        let (thread, post) = (self.ids["thread"].clone(), self.ids["post"].clone());
        let answer = json!({ "thread": thread, "body": "hush", "replyTo": post });
        self.plants(author, "answer", "postCreate", answer, "post").await;
        for (step, input, record) in [
            (
                "threadMove",
                json!({ "id": thread, "space": self.ids["space"], "reason": "whisper" }),
                "thread { id }",
            ),
            ("threadAccept", json!({ "id": thread, "post": post }), "thread { id }"),
            (
                "postModerate",
                json!({ "id": post, "state": "HIDDEN", "reason": "whisper" }),
                "post { id }",
            ),
            (
                "postModerate",
                json!({ "id": post, "state": "VISIBLE", "reason": "whisper" }),
                "post { id }",
            ),
        ] {
            moderator.does(step, input, record).await.record();
        }
        self.sink(author, moderator).await;
        for (kind, subject) in [("thread report", thread), ("report", post)] {
            let report = json!({ "id": subject, "reason": "whisper" });
            self.plants(moderator, kind, "postReport", report, "report").await;
            self.few.insert(self.ids[kind].clone());
        }
    }

    /// What would be everybody's, were the thread that it is in not out of sight.
    async fn sink(&mut self, author: &Person<'_>, moderator: &Person<'_>) {
        let space = json!({
            "site": self.site, "name": "Square", "about": "For all.", "access": "OPEN", "visibility": "PUBLIC",
        });
        let space = moderator.does("spaceCreate", space, "space { id }").await;
        self.show("square", &space.record()["id"]);
        let thread = json!({ "space": self.ids["square"], "title": "whisper", "body": "whisper" });
        self.plants(author, "sunk thread", "threadStart", thread, "thread")
            .await;
        let post = json!({ "thread": self.ids["sunk thread"], "body": "whisper" });
        self.plants(author, "sunk post", "postCreate", post, "post").await;
        let state = json!({ "id": self.ids["sunk thread"], "state": "HIDDEN", "reason": "whisper" });
        moderator.does("threadSetState", state, "thread { id }").await.record();
        self.few
            .extend([&self.ids["sunk thread"], &self.ids["sunk post"]].map(String::clone));
    }

    /// What an admin keeps: issuers and the audit for the site, organisations for everybody.
    async fn office(&mut self, host: &Host, ana: &Person<'_>) {
        let issuer = json!({
            "site": self.site, "issuer": "https://whisper.test", "audience": "whisper", "algorithms": ["EdDSA"],
            "jwks": host.key().jwk_set(), "mayGrant": ["CHAMPION"],
        });
        self.plants(ana, "issuer", "issuerRegister", issuer, "issuer").await;
        let place = self.site.to_uppercase();
        let file = json!({
            "site": self.site, "defaultRole": "NHS_TRUST",
            "csv": format!("ods_code,name,successors\n{place}1,Old trust,{place}2\n{place}2,New trust,\n"),
        });
        ana.does("organisationsImport", file, "imported").await.record();
        let kept = "query($site: String!) {
            organisations { nodes { id } } auditEntries(site: $site) { nodes { id } }
        }";
        let kept = ana.run(kept, json!({ "site": self.site })).await;
        self.show("organisation", &kept.data()["organisations"]["nodes"][0]["id"]);
        self.hide("audit entry", &kept.data()["auditEntries"]["nodes"][0]["id"]);
        self.few
            .extend([&self.ids["issuer"], &self.ids["audit entry"]].map(String::clone));
    }

    /// Learns the type of every id, and the version of every record; all of them must be there.
    async fn look_up(&mut self, ana: &Person<'_>) {
        let asked = "query($id: ID!) { node(id: $id) { __typename ... on Record { version }
            ... on Project { slug } ... on Resource { slug } ... on Space { slug }
        } }";
        for id in self.hidden.iter().chain(self.ids.values()) {
            let found = ana.run(asked, json!({ "id": id })).await;
            let node = &found.data()["node"];
            self.types.insert(id.clone(), text(&node["__typename"]));
            if let Some(version) = node["version"].as_i64() {
                self.versions.insert(id.clone(), version);
            }
            if let Some(slug) = node["slug"].as_str() {
                self.slugs.insert(id.clone(), slug.to_owned());
            }
        }
    }

    /// Makes a record that outsiders must not meet.
    async fn plants(&mut self, person: &Person<'_>, kind: &'static str, how: &str, input: Value, what: &str) {
        let made = person.does(how, input, &format!("{what} {{ id }}")).await;
        self.hide(kind, &made.record()["id"]);
    }

    fn hide(&mut self, kind: &'static str, id: &Value) {
        self.hidden.insert(text(id));
        self.show(kind, id);
    }

    fn show(&mut self, kind: &'static str, id: &Value) {
        self.ids.insert(kind, text(id));
    }

    /// The slug of the record of a kind.
    pub fn slug(&self, kind: &str) -> &str {
        &self.slugs[&self.ids[kind]]
    }

    /// An input for every mutation, on something of the site, and whom that is open to.
    pub fn inputs(&self) -> BTreeMap<&'static str, (Value, OpenTo)> {
        use OpenTo::{Anyone, Champions, Few};
        let id = |kind: &str| self.ids[kind].clone();
        let at = |kind: &str| json!({ "id": id(kind), "version": self.versions.get(&id(kind)).unwrap_or(&1) });
        let with = |kind: &str, more: Value| {
            let mut input = at(kind);
            extend(&mut input, more);
            input
        };
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let card = json!({ "site": self.site, "displayName": "Eve", "kind": "STAFF" });
        [
            ("siteAdmit", json!({ "slug": "york", "name": "York", "kind": "REGIONAL", "publicKey": key }), Few),
            ("siteSuspend", json!({ "site": self.site, "reason": "No." }), Few),
            ("siteLeave", json!({ "site": self.site, "reason": "It closes." }), Few),
            ("siteReinstate", json!({ "site": self.site, "reason": "Yes." }), Few),
            ("issuerRegister", json!({
                "site": self.site, "issuer": "https://eve.test", "audience": "x", "algorithms": ["EdDSA"],
                "jwksUrl": "https://eve.test/keys", "mayGrant": ["SITE_ADMIN"],
            }), Few),
            ("issuerRevoke", at("issuer"), Few),
            ("organisationsImport", json!({ "site": self.site, "csv": "ods_code,name\nABC,Eve's" }), Few),
            ("projectCreate", json!({ "site": self.site, "title": "Mine", "summary": "Mine." }), Few),
            ("projectUpdate", with("project", json!({ "title": "Mine" })), Few),
            ("projectSetStatus", with("project", json!({ "status": "ACTIVE" })), Few),
            ("projectSetMilestones", with("project", json!({ "milestones": [] })), Few),
            ("projectSetTargets", with("project", json!({ "targets": [] })), Few),
            ("projectAddChampion", with("project", json!({ "champion": id("champion") })), Few),
            ("projectRemoveChampion", with("project", json!({ "champion": id("champion") })), Few),
            ("championRegister", card.clone(), Anyone),
            ("championInvite", card, Few),
            ("championClaim", json!({ "code": "AAAA-AAAA-AAAA-AAAA" }), Anyone),
            ("championUpdate", with("champion", json!({ "displayName": "Mine" })), Few),
            ("championSetStatus", with("champion", json!({ "status": "STOOD_DOWN" })), Few),
            ("championErase", at("champion"), Few),
            ("championExport", json!({ "id": id("champion") }), Few),
            ("supportSessionRecord", json!({
                "site": self.site, "heldOn": "2026-05-04", "mode": "GROUP", "minutes": 60, "peopleHelped": 9,
            }), Champions),
            ("supportSessionUpdate", with("session", json!({ "minutes": 5 })), Few),
            ("supportSessionDecide", with("session", json!({ "approve": true })), Few),
            ("resourceCreate", json!({
                "site": self.site, "title": "Mine", "summary": "Mine.", "type": "GUIDE", "language": "en",
                "licence": "OGL-UK-3.0",
            }), Champions),
            ("resourceUpdate", with("resource", json!({ "title": "Mine" })), Few),
            ("resourceSubmit", at("resource"), Few),
            ("resourceReview", with("resource", json!({ "verdict": "APPROVE" })), Few),
            ("resourcePublish", at("resource"), Few),
            ("resourceWithdraw", at("resource"), Few),
            ("resourceOverlaySet", json!({ "site": self.site, "resource": id("copy"), "hidden": true }), Few),
            ("resourceOverlayClear", json!({ "site": self.site, "resource": id("copy") }), Few),
            ("resourcePropose", json!({ "resource": id("resource"), "reason": "Mine." }), Few),
            ("resourceProposalDecide", json!({ "id": id("proposal"), "accept": true }), Few),
            ("resourceProposalWithdraw", json!({ "id": id("proposal") }), Few),
            ("spaceCreate", json!({ "site": self.site, "name": "Mine", "about": "Mine.", "access": "OPEN", "visibility": "SITE" }), Few),
            ("spaceUpdate", with("space", json!({ "name": "Mine" })), Few),
            ("spaceAddMember", with("space", json!({ "champion": id("champion") })), Few),
            ("spaceRemoveMember", with("space", json!({ "champion": id("champion") })), Few),
            ("threadStart", json!({ "space": id("space"), "title": "Mine", "body": "Mine." }), Champions),
            ("threadEdit", with("thread", json!({ "title": "Mine" })), Few),
            ("threadWithdraw", at("thread"), Few),
            ("threadSetState", json!({ "id": id("thread"), "state": "HIDDEN", "reason": "Mine." }), Few),
            ("threadMove", json!({ "id": id("thread"), "space": id("space"), "reason": "Mine." }), Few),
            ("threadAccept", json!({ "id": id("thread"), "post": id("post") }), Few),
            ("postCreate", json!({ "thread": id("thread"), "body": "Mine." }), Champions),
            ("postEdit", with("post", json!({ "body": "Mine." })), Few),
            ("postWithdraw", at("post"), Few),
            ("postModerate", json!({ "id": id("post"), "state": "HIDDEN", "reason": "Mine." }), Few),
            ("postReport", json!({ "id": id("post"), "reason": "Mine." }), Champions),
            ("reportClose", with("report", json!({ "outcome": "Mine." })), Few),
            ("measureDefine", json!({
                "site": self.site, "code": "mine", "name": "Mine", "definition": "Mine.", "unit": "x", "kind": "COUNT",
                "aggregation": "SUM", "countsPeople": false,
            }), Few),
            ("measureUpdate", with("measure", json!({ "name": "Mine" })), Few),
            ("observationRecord", json!({
                "site": self.site, "measure": id("measure"), "observedOn": "2026-04-02", "value": "1",
            }), Champions),
            ("observationUpdate", with("observation", json!({ "value": "1" })), Few),
            ("observationsImport", json!({ "site": self.site, "csv": "measure,observed_on,value\npeople-helped,2026-04-02,1" }), Champions),
            ("observationDecide", json!({ "id": id("observation"), "approve": true }), Few),
            ("impactRelease", json!({
                "site": self.site, "measure": id("measure"), "from": "2026-04-01", "to": "2026-04-30", "visibility": "PUBLIC",
            }), Few),
            ("impactReleaseWithdraw", at("release"), Few),
        ]
        .into_iter()
        .map(|(name, input, open_to)| (name, (input, open_to)))
        .collect()
    }
}

/// Adds fields to an input.
fn extend(input: &mut Value, more: Value) {
    let more = more.as_object().unwrap().clone();
    input.as_object_mut().unwrap().extend(more);
}
