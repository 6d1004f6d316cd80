//! Feeds: what sites share, in order and signed, and nothing else.

mod checked;
mod copies;
mod moving;
mod privacy;
mod remembering;
mod sharing;
mod talk;
mod trust;

use champion_network::{
    federation::{
        feeds::{self, Served},
        protocol::{check::check_append, directory::Standing, keys::Keys, relay::Asked, rules::Rules},
        run::Background,
        sequencer,
        wire::{Audience, Batch, Ed25519, Header, Origin, PublicKey, Status},
    },
    sites,
};
use entity::{ChampionId, champion};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use crate::support::{Host, NATIONAL, Person, Value, json, on_both, until};

/// An entry of a feed as a test looks at it.
#[derive(Clone, Debug)]
struct Line {
    header: Header,
    payload: Option<Value>,
}

/// Writes what waits into the feeds.
async fn sequence(host: &Host) -> usize {
    sequencer::run(&host.server.0).await.unwrap()
}

/// A site's whole feed, read in small batches, each of which another host would have taken.
async fn feed(host: &Host, slug: &str, audience: Audience) -> Vec<Line> {
    let site = sites::ops::named(host.server.0.reader(), slug).await.unwrap();
    let origin = Origin(site.id.0);
    let mut lines: Vec<Line> = Vec::new();
    let mut asked = Asked {
        epoch: None,
        after: 0,
        head: None,
    };
    loop {
        let served = feeds::read(&host.server.0, site.id, audience, &asked, 3).await.unwrap();
        let batch = match served {
            Served::Batch(batch) => *batch,
            Served::Unchanged(checkpoint) => {
                assert_eq!(checkpoint.to, asked.after);
                return lines;
            }
            Served::Unknown => return lines,
            Served::Diverged(_) => panic!("a feed that nobody rewrote has diverged"),
        };
        assert_eq!(batch.from, asked.after + 1);
        let site = sites::ops::named(host.server.0.reader(), slug).await.unwrap();
        let key = PublicKey::parse(site.public_key.as_deref().unwrap()).unwrap();
        let standing = Standing {
            origin,
            status: Status::Active,
            national: slug == NATIONAL,
            types: Vec::new(),
            keys: Keys::pinned(batch.checkpoint.kid.clone(), key),
        };
        let checked = check_append(batch.clone(), &standing, &Ed25519, Rules::default()).unwrap();
        asked = Asked {
            epoch: Some(batch.epoch),
            after: batch.to,
            head: checked.entries().last().map(|entry| entry.head),
        };
        lines.extend(read(&batch));
    }
}

fn read(batch: &Batch) -> Vec<Line> {
    let lines = batch.entries.iter().map(|entry| Line {
        header: Header::parse(&entry.header).unwrap(),
        payload: entry
            .payload
            .as_deref()
            .map(|payload| serde_json::from_str(payload).unwrap()),
    });
    lines.collect()
}

/// The operations and types of a feed, in order, its opening left out.
fn told(lines: &[Line]) -> Vec<String> {
    let told = lines
        .iter()
        .map(|line| format!("{} {}", line.header.op.word(), line.header.kind));
    told.filter(|told| told != "open feed").collect()
}

async fn project(person: &Person<'_>, title: &str, visibility: &str) -> Value {
    let input = json!({
        "site": "leeds", "title": title, "summary": format!("All about {title}."), "visibility": visibility,
        "focusAreas": ["STAFF_CULTURE"],
    });
    person
        .does("projectCreate", input, "project { id version }")
        .await
        .record()
        .clone()
}

async fn shares(person: &Person<'_>, project: &Value, visibility: &str) -> Value {
    let input = json!({ "id": project["id"], "version": project["version"], "visibility": visibility });
    person
        .does("projectUpdate", input, "project { id version }")
        .await
        .record()
        .clone()
}

on_both! {
    async fn a_feed_tells_what_a_site_shares_and_each_change_once(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        sequence(host).await;
        let before = feed(host, "leeds", Audience::Network).await.len();
        let garden = project(&lead, "Garden", "NETWORK").await;
        let garden = shares(&lead, &garden, "PUBLIC").await;
        project(&lead, "Cellar", "SITE").await;

        assert_eq!(sequence(host).await, 1, "two changes of one record are one entry");
        assert_eq!(sequence(host).await, 0);
        let lines = feed(host, "leeds", Audience::Network).await;
        assert_eq!(told(&lines[before..]), ["put project"]);
        let shown = lines.last().unwrap().payload.clone().unwrap();
        assert_eq!((&shown["title"], &shown["visibility"]), (&json!("Garden"), &json!("PUBLIC")));
        assert_eq!(shown["version"], garden["version"]);

        let garden = shares(&lead, &garden, "SITE").await;
        assert_eq!(sequence(host).await, 1);
        shares(&lead, &garden, "NETWORK").await;
        assert_eq!(sequence(host).await, 1);
        let lines = feed(host, "leeds", Audience::Network).await;
        assert_eq!(told(&lines[before..]), ["put project", "del project", "put project"]);
        assert_eq!(lines[before].payload, None, "a payload goes when a later entry replaces it");
        assert!(lines[before + 2].payload.is_some());
        let positions: Vec<_> = lines.iter().map(|line| line.header.pos).collect();
        assert_eq!(positions, (1..=lines.len() as u64).collect::<Vec<_>>());
    }
}

on_both! {
    async fn two_sequencers_number_without_gap_or_repeat(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        for number in 0..12 {
            project(&lead, &format!("Project {number}"), "NETWORK").await;
        }
        let (one, two) = tokio::join!(sequence(host), sequence(host));
        let lines = feed(host, "leeds", Audience::Network).await;

        let projects = told(&lines).iter().filter(|told| *told == "put project").count();
        assert_eq!(projects, 12);
        assert!(one + two >= 12);
        let positions: Vec<_> = lines.iter().map(|line| line.header.pos).collect();
        assert_eq!(positions, (1..=lines.len() as u64).collect::<Vec<_>>());
    }
}

on_both! {
    async fn a_withdrawn_card_takes_its_name_from_all_that_its_owner_wrote(host) {
        let moderator = host.person(&["national:moderator"]);
        let space = json!({ "site": NATIONAL, "name": "Everybody", "about": "Talk.", "visibility": "NETWORK" });
        let space = moderator.does("spaceCreate", space, "space { id }").await.record().clone();
        let ana = host.champion(&["leeds:champion"]).await;
        let started = json!({ "space": space["id"], "title": "Tablets", "body": "Which ones last?" });
        ana.does("threadStart", started, "thread { id }").await.record();
        sequence(host).await;
        let lines = feed(host, "leeds", Audience::Network).await;
        let thread = lines.iter().rfind(|line| line.header.kind == "thread").unwrap().payload.clone().unwrap();
        assert!(thread["author"].is_string());
        let placed = feed(host, NATIONAL, Audience::Network).await;
        let placed = placed.iter().rfind(|line| line.header.kind == "placement").unwrap();
        assert_eq!(placed.payload.as_ref().unwrap()["state"], "OPEN", "the home of the space places it");

        let mine = "{ viewer { champion { id version } } }";
        let mine = ana.run(mine, json!({})).await.data()["viewer"]["champion"].clone();
        let private = json!({ "id": mine["id"], "version": mine["version"], "visibility": "SITE" });
        ana.does("championUpdate", private, "champion { id }").await.record();
        sequence(host).await;
        let lines = feed(host, "leeds", Audience::Network).await;
        let thread = lines.iter().rfind(|line| line.header.kind == "thread").unwrap().payload.clone().unwrap();
        assert_eq!(thread["author"], Value::Null);
        assert!(lines.iter().any(|line| line.header.kind == "champion" && line.header.op.word() == "del"));
    }
}

on_both! {
    async fn an_erased_champion_is_gone_from_the_feed_and_no_backup_brings_them_back(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await.data()["viewer"]["champion"].clone();
        let garden = project(&lead, "Garden", "NETWORK").await;
        let team = json!({ "id": garden["id"], "version": garden["version"], "champion": mine["id"] });
        lead.does("projectAddChampion", team, "project { id }").await.record();
        sequence(host).await;
        let name = format!("Champion {}", ana.subject);
        let shown = |lines: &[Line]| lines.iter().any(|line| line.payload.to_owned().unwrap_or_default().to_string().contains(&name));
        assert!(shown(&feed(host, "leeds", Audience::Network).await));
        let before = champion_row(host, &mine).await.unwrap();

        let erase = json!({ "id": mine["id"], "version": mine["version"] });
        assert_eq!(lead.does("championErase", erase.clone(), "champion { id }").await.code(), "FORBIDDEN");
        let stranger = host.person(&["hull:site_admin"]);
        assert_eq!(stranger.does("championErase", erase.clone(), "champion { id }").await.code(), "FORBIDDEN");
        let stale = json!({ "id": mine["id"], "version": 1 });
        assert_eq!(ana.does("championErase", stale, "champion { id }").await.code(), "CONFLICT");
        assert_eq!(ana.does("championErase", erase.clone(), "champion { id }").await.record(), &Value::Null);
        assert_eq!(ana.does("championErase", erase, "champion { id }").await.code(), "NOT_FOUND");
        sequence(host).await;
        let lines = feed(host, "leeds", Audience::Network).await;
        assert!(!shown(&lines), "neither the card nor the team names them");
        assert_eq!(told(&lines).iter().filter(|told| *told == "erase champion").count(), 1);
        assert_eq!(champion_row(host, &mine).await, None);

        // A backup of the database brings the row back; the next start erases it again, and the feed says nothing more.
        bring_back(host, before).await;
        host.restart().await;
        assert_eq!(champion_row(host, &mine).await, None);
        sequence(host).await;
        assert!(!shown(&feed(host, "leeds", Audience::Network).await));
    }
}

async fn champion_row(host: &Host, of: &Value) -> Option<champion::Model> {
    let id: ChampionId = of["id"].as_str().unwrap().parse().unwrap();
    let row = champion::Entity::find_by_id(id).one(host.server.0.reader());
    row.await.unwrap()
}

/// Puts a row back as a backup would have it.
async fn bring_back(host: &Host, row: champion::Model) {
    let back = host.server.0.system("restore", async |work| {
        champion::Entity::insert(row.clone().into_active_model().reset_all())
            .exec_without_returning(work.db())
            .await?;
        Ok(())
    });
    back.await.unwrap();
}

on_both! {
    async fn a_host_numbers_what_is_written_without_being_asked(host) {
        let lead = host.champion(&["leeds:project_lead"]).await;
        project(&lead, "Left over", "NETWORK").await;
        let background = Background::start(&host.server.0).unwrap();
        let shows = async |title: &str| {
            until(&format!("{title} is in the feed"), async || {
                let lines = feed(host, "leeds", Audience::Network).await;
                lines.iter().any(|line| format!("{:?}", line.payload).contains(title)).then_some(())
            })
            .await;
        };

        shows("Left over").await;
        project(&lead, "Written now", "NETWORK").await;
        shows("Written now").await;
        project(&lead, "Written last", "NETWORK").await;
        background.end().await;
        assert_eq!(sequence(host).await, 0, "what was written before the end is numbered");
    }
}
