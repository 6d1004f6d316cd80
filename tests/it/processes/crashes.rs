//! Killed in the middle of something, a host goes on where it stood: nothing is lost, repeated or half there.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{network::Held, people::Member, *};

/// Organisations that a region shares at once.
const MANY: usize = 2_000;

/// Writes until the host does not answer any more; what it said was done.
async fn writes_until_the_end(person: &Member<'_>, name: &str, count: &AtomicUsize) -> Vec<String> {
    let mut done = Vec::new();
    loop {
        let title = format!("{name} {:03}", done.len());
        if person
            .tries_to("projectCreate", person.project(&title), "project { id }")
            .await
            .is_none()
        {
            return done;
        }
        done.push(title);
        count.fetch_add(1, Ordering::SeqCst);
    }
}

on_each_database! {
    async fn a_region_killed_in_a_stream_of_writes_loses_nothing_and_says_nothing_twice(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let lead = leeds.champion("lead", "project_lead").await;
        let mut done = Vec::new();
        for round in 0..2 {
            let count = AtomicUsize::new(0);
            let names = ["Ash", "Birch", "Cedar"].map(|name| format!("{name} {round}"));
            let [ash, birch, cedar] = names.each_ref().map(|name| writes_until_the_end(&lead, name, &count));
            let kill = async {
                until("much is written", async || (count.load(Ordering::SeqCst) >= 20).then_some(())).await;
                leeds.dies();
            };
            let (ash, birch, cedar, ()) = tokio::join!(ash, birch, cedar, kill);
            done.extend([ash, birch, cedar].concat());
            leeds.starts();
        }
        lead.writes("Last").await;
        in_step(&hub, &leeds).await;

        let kept = titles(&leeds, "leeds").await;
        assert!(done.iter().all(|title| kept.contains(title)), "what was answered was committed");
        assert!(kept.len() <= done.len() + 7, "and of the rest at most what each writer was at");
        assert_eq!(titles(&hub, "leeds").await, kept);
        let (written, relayed) = (Held::by(&leeds, "leeds").await, Held::by(&hub, "leeds").await);
        relayed.is_whole();
        assert_eq!(relayed.entries, written.entries, "byte for byte");
    }
}

on_each_database! {
    async fn a_hub_killed_while_it_takes_in_thousands_of_entries_holds_whole_batches_and_ends_with_all(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        in_step(&hub, &leeds).await;
        let lines = (0..MANY).map(|number| format!("L{number:04},NHS Trust {number}\n"));
        let file = format!("ods_code,name\n{}", lines.collect::<String>());
        fs::write(leeds.folder().join("trusts.csv"), file).unwrap();
        leeds.does(&["organisations", "import", "--site", "leeds", "--role", "nhs_trust", "trusts.csv"]);

        let mut before = 0;
        for _ in 0..2 {
            let looking = hub.inside().await;
            let leeds_site = network::id(&looking.0, "leeds").await;
            until("some more was taken in", async || {
                let held = network::end(&looking.0, leeds_site).await;
                (held > before + 100).then_some(())
            }).await;
            hub.dies();
            looking.0.database.close().await.unwrap();
            let held = Held::by(&hub, "leeds").await;
            held.is_whole();
            before = held.head.unwrap().pos;
            hub.starts();
        }
        in_step(&hub, &leeds).await;

        let (written, relayed) = (Held::by(&leeds, "leeds").await, Held::by(&hub, "leeds").await);
        relayed.is_whole();
        assert_eq!(relayed.entries, written.entries, "byte for byte");
        let query = r#"{ organisations(filter: { search: "trust" }) { totalCount } }"#;
        let seen = hub.member("reader", "champion").asks(query, json!({})).await;
        assert_eq!(seen["organisations"]["totalCount"], json!(MANY));
    }
}
