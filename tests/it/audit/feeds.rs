//! Feeds that were altered, and records that are not what their feed says of them.

use champion_network::federation::sequencer;

use super::*;
use crate::{
    support::on_both,
    sweep::{Seeds, whatever_is_asked},
};

on_both! {
    with whatever_is_asked; async fn a_host_with_a_record_of_every_kind_holds_together(host) {
        Seeds::plant(host, "leeds").await;
        assert_eq!(findings(host).await, Vec::<String>::new(), "before anything is in the feeds");
        sequencer::run(&host.server.0).await.unwrap();
        assert_eq!(findings(host).await, Vec::<String>::new());
    }
}

/// A host whose site shows three projects, and their ids as they stand in the database.
async fn showing(host: &Host) -> Vec<String> {
    let lead = host.champion(&["leeds:project_lead"]).await;
    let mut ids = Vec::new();
    for title in ["Garden", "Orchard", "Meadow"] {
        ids.push(starts(&lead, "leeds", title).await["id"].as_str().unwrap().to_owned());
    }
    sequencer::run(&host.server.0).await.unwrap();
    assert_eq!(findings(host).await, Vec::<String>::new());
    ids
}

on_both! {
    async fn what_is_changed_in_a_feed_is_found(host) {
        let ids = showing(host).await;
        // The network feed of Leeds: it opens, tells of the champion, then of the projects.
        let third = ids[0].clone();
        let project = |what: &str| format!("leeds: feed network: entry 3 ({third}): {what}");
        suffers(host, "UPDATE feed_entry SET payload = replace(payload, 'Garden', 'Gaol') WHERE payload LIKE '%Garden%'").await;
        finds(host, &[&project("its payload is not as it was written")]).await;
        suffers(host, "UPDATE feed_entry SET payload = replace(payload, 'Gaol', 'Garden') WHERE payload LIKE '%Gaol%'").await;
        suffers(host, "UPDATE feed_entry SET header = replace(header, 'project@1', 'project@2') WHERE payload LIKE '%Garden%'").await;
        finds(host, &[&project("the hash behind it")]).await;
        suffers(host, "UPDATE feed_entry SET header = replace(header, 'project@2', 'project@1') WHERE payload LIKE '%Garden%'").await;
        assert_eq!(findings(host).await, Vec::<String>::new());

        suffers(host, "UPDATE feed_entry SET salt = NULL, payload = NULL WHERE payload LIKE '%Garden%'").await;
        finds(host, &[&project("its payload is missing")]).await;
        suffers(host, "DELETE FROM feed_entry WHERE header LIKE '%\"pos\":4,%'").await;
        let found = findings(host).await;
        let of_leeds: Vec<_> = found.iter().filter(|found| found.starts_with("leeds: feed network: entry ")).collect();
        assert!(of_leeds[0].contains(": entry 3 (") && !found.iter().any(|found| found.starts_with("leeds") && found.contains("entry 4 is missing")), "the first bad one: {found:?}");
    }
}

on_both! {
    async fn an_entry_that_is_missing_and_an_end_that_nobody_signed_are_found(host) {
        let ids = showing(host).await;
        suffers(host, "DELETE FROM feed_entry WHERE header LIKE '%\"pos\":4,%'").await;
        let found = findings(host).await;
        assert!(found.iter().any(|found| found.contains("leeds: feed network: entry 4 is missing") && found.contains(&ids[2])), "{found:?}");
        suffers(host, "DELETE FROM feed_entry WHERE header LIKE '%\"pos\":5,%'").await;
        let found = findings(host).await;
        assert!(found.iter().any(|found| found.contains("leeds: feed network: the entries 4 to 5 are missing")), "{found:?}");
    }
}

on_both! {
    async fn a_signature_that_is_another_s_is_found(host) {
        showing(host).await;
        let one = "UPDATE feed_checkpoint SET kid = 'other'";
        suffers(host, one).await;
        let found = findings(host).await;
        assert!(found.iter().any(|found| found.contains("leeds: feed network: the checkpoint at entry 5: no key of the site has signed it")), "{found:?}");
        suffers(host, "DELETE FROM feed_checkpoint").await;
        let found = findings(host).await;
        assert!(found.iter().any(|found| found.contains("leeds: feed network: nobody has signed its end at entry 5")), "{found:?}");
    }
}

on_both! {
    async fn a_record_that_is_not_what_its_feed_says_is_found(host) {
        let ids = showing(host).await;
        suffers(host, "UPDATE project SET title = 'Gaol' WHERE title = 'Garden'").await;
        finds(host, &[&format!("leeds: feed network: what it says of {} is not what the record is", ids[0])]).await;
        suffers(host, "UPDATE project SET title = 'Garden' WHERE title = 'Gaol'").await;
        suffers(host, "UPDATE project SET visibility = 'SITE' WHERE title = 'Orchard'").await;
        finds(host, &[&format!("leeds: feed network: it shows {}, which is not shared", ids[1])]).await;
        suffers(host, "UPDATE project SET visibility = 'NETWORK' WHERE title = 'Orchard'").await;
        assert_eq!(findings(host).await, Vec::<String>::new());
        suffers(host, "DELETE FROM project WHERE title = 'Meadow'").await;
        finds(host, &[&format!("leeds: feed: it shows {}, which is not here", ids[2])]).await;
    }
}

on_both! {
    async fn what_waits_for_the_feed_is_no_fault(host) {
        showing(host).await;
        let lead = host.person(&["leeds:site_admin"]);
        starts(&lead, "leeds", "Forest").await;
        assert_eq!(findings(host).await, Vec::<String>::new());
        suffers(host, "DELETE FROM outbox").await;
        finds(host, &["leeds: feed network: it does not show project_", "which is shared"]).await;
    }
}
