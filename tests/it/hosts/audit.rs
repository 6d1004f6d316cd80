//! What sites have signed of their audits: kept by the hub, and told to whoever asks whether an audit is still the same.

use champion_network::federation::{
    audit,
    wire::{AuditCheckpoint, Head as End},
};
use entity::{audit_checkpoint, audit_entry, audit_head};
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter};

use super::{
    dialling::{calling, project, run, socket},
    *,
};
use crate::{
    audit::{chain::rehashed, entries, findings, findings_of},
    support::on_each_database,
};

/// A site's word for its audit.
fn word(peer: &Peer<'_>, position: u64, hash: u8) -> AuditCheckpoint {
    let end = (position, End([hash; 32]));
    peer.key.vouch(Origin(peer.site.0), end, peer.app.clock.now()).unwrap()
}

async fn tells(peer: &Peer<'_>, hub: &Host, word: &AuditCheckpoint) -> Response<Bytes> {
    peer.posts(hub, "/fed/v1/audit", &serde_json::to_vec(word).unwrap())
        .await
}

async fn held(peer: &Peer<'_>, hub: &Host, after: u64) -> Vec<u64> {
    let told = peer.gets(hub, &format!("/fed/v1/audit?after={after}")).await;
    assert_eq!(told.status(), 200, "{:?}", told.body());
    let held = json_of(&told)["checkpoints"].as_array().unwrap().clone();
    held.iter().map(|word| word["position"].as_u64().unwrap()).collect()
}

in_a_network! {
    async fn the_hub_keeps_what_a_site_vouches_for_and_refuses_what_contradicts_it(network) {
        let (leeds, hull, hub) = (Peer::of(&network.leeds, "leeds").await, Peer::of(&network.hull, "hull").await, &network.hub);
        for (position, hash) in [(3, 1), (7, 2), (7, 2), (3, 1)] {
            assert_eq!(tells(&leeds, hub, &word(&leeds, position, hash)).await.status(), 200, "{position}");
        }
        assert_eq!(tells(&hull, hub, &word(&hull, 5, 9)).await.status(), 200, "another site's audit is another one");
        for (position, hash) in [(7, 3), (3, 2), (5, 1)] {
            let refused = tells(&leeds, hub, &word(&leeds, position, hash)).await;
            assert_eq!(refusal(&refused), (409, "CONTRADICTED".to_owned()), "{position}");
        }
        let mut forged = word(&leeds, 9, 4);
        forged.hash = End([5; 32]);
        assert_eq!(refusal(&tells(&leeds, hub, &forged).await), (403, "UNPROVEN".to_owned()));
        assert_eq!(refusal(&tells(&leeds, hub, &word(&hull, 9, 4)).await), (403, "UNPROVEN".to_owned()));
        let garbage = leeds.posts(hub, "/fed/v1/audit", b"{\"position\":9}").await;
        assert_eq!(refusal(&garbage), (400, "MALFORMED".to_owned()));
        for nowhere in [0, u64::MAX] {
            assert_eq!(tells(&leeds, hub, &word(&leeds, nowhere, 4)).await.status(), 400);
        }

        assert_eq!(held(&leeds, hub, 0).await, [3, 7]);
        assert_eq!(held(&leeds, hub, 3).await, [7]);
        assert_eq!(held(&hull, hub, 0).await, [5], "and tells nobody of another's");
        assert_eq!(held(&leeds, hub, u64::MAX).await, Vec::<u64>::new());
        let here = leeds.posts(&network.hull, "/fed/v1/audit", &serde_json::to_vec(&word(&leeds, 9, 4)).unwrap()).await;
        assert_ne!(here.status(), 200, "a region keeps no audits");
    }
}

in_a_network! {
    async fn what_a_revoked_key_has_signed_counts_no_more(network) {
        let (leeds, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        assert_eq!(tells(&leeds, hub, &word(&leeds, 900, 1)).await.status(), 200);
        let revoke = async |work: &mut champion_network::app::Work<'_>| {
            champion_network::federation::renewal::revoke(work, leeds.site).await
        };
        app(hub).system("revoke", revoke).await.unwrap();
        let root = keys::RootKey::generate().unwrap();
        let next = async |work: &mut champion_network::app::Work<'_>| {
            let (key, _) = keys::next(work, leeds.site).await?;
            keys::take_over(work, leeds.site, &key).await?;
            Ok(key)
        };
        let key = leeds.app.system("next key", next).await.unwrap();
        let (kid, public) = (key.kid().to_owned(), key.public());
        let accept = async |work: &mut champion_network::app::Work<'_>| {
            host::pin(work, root.public()?).await?;
            let proof = root.proves(leeds.site, &kid, public)?;
            champion_network::federation::renewal::accept(work, leeds.site, public, proof).await
        };
        app(hub).system("accept", accept).await.unwrap().unwrap();

        let leeds = Peer::of(&network.leeds, "leeds").await;
        assert_eq!(tells(&leeds, hub, &word(&leeds, 12, 2)).await.status(), 200);
        assert_eq!(held(&leeds, hub, 0).await, [12]);
    }
}

/// A hub and a region that have told each other how far their audits go.
async fn vouched(backend: Backend, then: impl AsyncFnOnce(&Network)) {
    let (listener, address) = socket().await;
    let network = calling(backend, address).await;
    let hub = run(&network.hub, listener);
    project(&network.leeds, "leeds", "Garden").await;
    let leeds = run(&network.leeds, socket().await.0);
    let (at_home, at_hub) = (app(&network.leeds), app(&network.hub));
    let site = id(at_home, "leeds").await;
    until("the hub holds all that the site has written", async || {
        audit::vouch(at_home).await.unwrap();
        let own = audit::newest(at_home.reader(), site).await.unwrap()?;
        let last = entries(&network.leeds, "leeds").await.last().unwrap().position;
        let kept = audit::newest(at_hub.reader(), site).await.unwrap()?;
        (i64::try_from(own.position) == Ok(last) && kept == own).then_some(())
    })
    .await;
    assert_eq!(findings_of(&network.leeds, false).await, Vec::<String>::new());
    then(&network).await;
    leeds.ends().await;
    hub.ends().await;
}

/// Forgets at home what the site has vouched for, and ends its audit with another entry.
async fn ends_with(host: &Host, rows: &[audit_entry::Model]) {
    let (last, app) = (rows.last().unwrap(), app(host));
    let rewrite = async |work: &mut champion_network::app::Work<'_>| {
        let words = audit_checkpoint::Entity::delete_many().filter(audit_checkpoint::Column::SiteId.eq(last.site_id));
        words.exec(work.db()).await?;
        let all = audit_entry::Entity::delete_many().filter(audit_entry::Column::SiteId.eq(last.site_id));
        all.exec(work.db()).await?;
        for row in rows {
            let row = audit_entry::Entity::insert(row.clone().into_active_model());
            row.exec_without_returning(work.db()).await?;
        }
        let head = audit_head::ActiveModel {
            site_id: Set(last.site_id),
            position: Set(last.position),
            hash: Set(last.hash.clone()),
        };
        audit_head::Entity::update(head).exec(work.db()).await?;
        Ok(())
    };
    app.system("tamper", rewrite).await.unwrap();
}

on_each_database! {
    async fn an_audit_that_was_rewritten_with_all_its_hashes_contradicts_what_the_hub_holds(backend) {
        vouched(backend, async |network| {
            let mut rows = entries(&network.leeds, "leeds").await;
            rows[2].action = "projectDelete".to_owned();
            ends_with(&network.leeds, &rehashed(&[], rows.clone())).await;

            assert_eq!(findings(&network.leeds).await, Vec::<String>::new(), "the chain itself holds");
            let found = findings_of(&network.leeds, false).await;
            assert_eq!(found.len(), 1, "{found:?}");
            let says = format!("leeds: audit: among the entries 1 to {} ", rows.len());
            assert!(found[0].starts_with(&says) && found[0].contains("the hub holds"), "{found:?}");
        })
        .await;
    }
}

on_each_database! {
    async fn the_hub_has_seen_entries_that_an_older_database_does_not_have(backend) {
        vouched(backend, async |network| {
            let rows = entries(&network.leeds, "leeds").await;
            ends_with(&network.leeds, &rows[..rows.len() - 2]).await;

            assert_eq!(findings(&network.leeds).await, Vec::<String>::new());
            let found = findings_of(&network.leeds, false).await;
            let first = rows.len() - 1;
            let says = format!("leeds: audit: the hub has seen 2 entries that are not here, from entry {first} on");
            assert_eq!(found, [says]);
        })
        .await;
    }
}

on_each_database! {
    async fn what_the_hub_vouches_for_is_kept_by_the_regions(backend) {
        vouched(backend, async |network| {
            let (hub, leeds) = (app(&network.hub), app(&network.leeds));
            let national = id(hub, NATIONAL).await;
            audit::vouch(hub).await.unwrap();
            until("the region keeps the word of the national site", async || {
                // The region hears it when it has something to say itself.
                project(&network.leeds, "leeds", "Another garden").await;
                audit::vouch(leeds).await.unwrap();
                let told = audit::newest(hub.reader(), national).await.unwrap();
                let kept = audit::newest(leeds.reader(), national).await.unwrap();
                (kept.is_some() && kept == told).then_some(())
            })
            .await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_check_says_that_it_could_not_ask_the_hub() {
    let host = Host::keeping(Backend::Sqlite, &["york"], 11, |settings| {
        settings.hub_url = "http://127.0.0.1:9".to_owned();
        settings.development_issuer = true;
    })
    .await;
    sequencer::run(app(&host)).await.unwrap();
    assert_eq!(findings(&host).await, Vec::<String>::new());
    let found = findings_of(&host, false).await;
    assert!(
        found.len() == 1 && found[0].starts_with("york: audit: the hub did not say what it holds"),
        "{found:?}"
    );
}
