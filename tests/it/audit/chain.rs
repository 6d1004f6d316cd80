//! Chains: whole whoever writes at once, and broken where somebody changes them behind the server's back.

use std::slice::from_ref;

use entity::{Kind, audit_head};
use futures_util::future::join_all;
use sea_orm::{ActiveValue::Set, IntoActiveModel, prelude::Uuid};

use super::*;
use crate::support::on_both;

on_both! {
    async fn chains_are_whole_after_many_have_written_at_once_on_two_processes(host) {
        let replica = host.replica().await;
        let people: Vec<_> = ["leeds", "hull"].iter().map(|site| (*site, host.person(&[&format!("{site}:project_lead")]))).collect();
        let twins = (0..12).flat_map(|number| people.iter().map(move |(site, person)| async move {
            starts(person, site, &format!("Garden {number}")).await
        }));
        let beside = (0..12).map(|number| {
            let replica = &replica;
            async move {
                let notes = async |work: &mut champion_network::app::Work<'_>| {
                    let (leeds, hull) = (id(host, "leeds").await, id(host, "hull").await);
                    for site in if number % 2 == 0 { [leeds, hull] } else { [hull, leeds] } {
                        work.note(site, Kind::Site, site);
                    }
                    Ok(())
                };
                replica.0.system("note", notes).await.unwrap();
            }
        });
        let beside: Vec<_> = beside.collect();
        tokio::join!(join_all(twins), join_all(beside));

        assert_eq!(findings(host).await, Vec::<String>::new());
        for site in ["leeds", "hull"] {
            let positions: Vec<_> = entries(host, site).await.iter().map(|entry| entry.position).collect();
            assert_eq!(positions, (1..=26).collect::<Vec<_>>(), "two of the founding and 24 of these");
        }
    }
}

on_both! {
    async fn many_entries_cost_as_many_statements_as_one_and_none_costs_nothing(host) {
        let leeds = id(host, "leeds").await;
        for (entries, cost) in [(0, 0), (1, 3), (100, 3)] {
            let before = host.statements();
            let notes = async |work: &mut champion_network::app::Work<'_>| {
                for number in 0..entries {
                    work.note(leeds, Kind::Project, Uuid::from_u128(number));
                }
                Ok(())
            };
            host.server.0.system("note", notes).await.unwrap();
            let statements = host.statements_since(before);
            let audit: Vec<_> = statements.iter().filter(|statement| statement.contains("audit_")).collect();
            assert_eq!(audit.len(), cost, "{audit:?}");
        }
    }
}

on_both! {
    async fn a_person_has_one_pseudonym_at_a_site_and_another_at_the_next(host) {
        let ana = host.person(&["leeds:project_lead", "hull:project_lead"]);
        for (site, title) in [("leeds", "One"), ("leeds", "Two"), ("hull", "Three")] {
            starts(&ana, site, title).await;
        }
        starts(&host.person(&["leeds:project_lead"]), "leeds", "Four").await;
        let names = async |site| -> Vec<_> { entries(host, site).await.iter().filter_map(|entry| entry.pseudonym).collect() };
        let (leeds, hull) = (names("leeds").await, names("hull").await);

        assert_eq!((leeds.len(), hull.len()), (3, 1));
        assert_eq!(leeds[0], leeds[1]);
        assert_ne!(leeds[1], leeds[2]);
        assert_ne!(leeds[0], hull[0]);
    }
}

/// A host with a chain of a few entries at Leeds.
async fn chained(host: &Host) -> Vec<audit_entry::Model> {
    let lead = host.person(&["leeds:project_lead"]);
    for number in 0..4 {
        starts(&lead, "leeds", &format!("Garden {number}")).await;
    }
    assert_eq!(findings(host).await, Vec::<String>::new());
    entries(host, "leeds").await
}

/// Puts rows in the place of those of the same ids.
async fn writes(host: &Host, gone: &[audit_entry::Model], rows: &[audit_entry::Model]) {
    let tamper = async |work: &mut champion_network::app::Work<'_>| {
        for row in gone {
            audit_entry::Entity::delete_by_id(row.id).exec(work.db()).await?;
        }
        for row in rows {
            let row = audit_entry::Entity::insert(row.clone().into_active_model());
            row.exec_without_returning(work.db()).await?;
        }
        Ok(())
    };
    host.server.0.system("tamper", tamper).await.unwrap();
}

/// What somebody changes in an entry.
type Tamper = fn(&mut audit_entry::Model);

on_both! {
    async fn whatever_is_changed_in_an_audit_is_found_at_its_first_bad_entry(host) {
        let written = chained(host).await;
        let third = &written[2];
        let change: [(&str, Tamper); 9] = [
            ("id", |row| row.id = entity::AuditEntryId(Uuid::from_u128(7))),
            ("at", |row| row.at += chrono::TimeDelta::microseconds(1)),
            ("at", |row| row.at -= chrono::TimeDelta::hours(1)),
            ("pseudonym", |row| row.pseudonym = Some(Uuid::from_u128(7))),
            ("pseudonym", |row| row.pseudonym = None),
            ("action", |row| row.action = "projectUpdate".to_owned()),
            ("kind", |row| row.kind = Kind::Champion),
            ("record", |row| row.record_id = Uuid::from_u128(7)),
            ("hash", |row| row.hash[0] ^= 1),
        ];
        for (column, change) in change {
            let mut changed = third.clone();
            change(&mut changed);
            writes(host, from_ref(third), &[changed.clone()]).await;
            let id = changed.id.to_string();
            finds(host, &["leeds: audit: entry 3 ", &id, "not as it was written"]).await;
            writes(host, &[changed], from_ref(third)).await;
            assert_eq!(findings(host).await, Vec::<String>::new(), "{column}");
        }
        // An entry of another site, or at another place, is one too few here.
        let last = written.last().unwrap();
        let moves: [fn(&mut audit_entry::Model); 2] =
            [|row| row.site_id = SiteId(Uuid::from_u128(9)), |row| row.position += 4];
        for change in moves {
            let mut changed = third.clone();
            change(&mut changed);
            writes(host, from_ref(third), &[changed.clone()]).await;
            let found = findings(host).await;
            assert!(found.iter().any(|found| found.contains("leeds: audit: entry 3 is missing")), "{found:?}");
            writes(host, &[changed], from_ref(third)).await;
        }
        // Its hash made anew, the next one does not follow.
        let mut changed = third.clone();
        changed.action = "projectUpdate".to_owned();
        let follows = &written[3];
        let anew = rehashed(&written[..2], vec![changed]);
        writes(host, from_ref(third), &anew).await;
        finds(host, &["entry 4 ", &follows.id.to_string(), "not as it was written"]).await;
        assert_eq!(last.position, 6);
    }
}

/// Entries behind others, with the hashes that they would have if they had been written so.
pub fn rehashed(before: &[audit_entry::Model], mut rows: Vec<audit_entry::Model>) -> Vec<audit_entry::Model> {
    use champion_network::federation::wire::{AuditLink, Head, Origin, first_link, next_link};
    let site = Origin(rows[0].site_id.0);
    let mut end = before
        .last()
        .map_or(first_link(site), |last| Head(last.hash.as_slice().try_into().unwrap()));
    for row in &mut rows {
        end = next_link(
            end,
            &AuditLink {
                site,
                position: row.position.try_into().unwrap(),
                id: row.id.0,
                at: row.at,
                pseudonym: row.pseudonym,
                action: &row.action,
                kind: row.kind.as_str(),
                record: row.record_id,
            },
        );
        row.hash = end.0.to_vec();
    }
    rows
}

on_both! {
    async fn a_removed_entry_and_two_that_changed_places_are_found(host) {
        let written = chained(host).await;
        let (third, fourth) = (&written[2], &written[3]);

        writes(host, from_ref(third), &[]).await;
        finds(host, &["leeds: audit: entry 3 is missing", &fourth.id.to_string()]).await;
        writes(host, &[], from_ref(third)).await;
        assert_eq!(findings(host).await, Vec::<String>::new());

        let (mut one, mut two) = (third.clone(), fourth.clone());
        std::mem::swap(&mut one.position, &mut two.position);
        writes(host, &[third.clone(), fourth.clone()], &[one, two.clone()]).await;
        finds(host, &["leeds: audit: entry 3 ", &two.id.to_string(), "not as it was written"]).await;
    }
}

on_both! {
    async fn an_end_that_was_cut_off_is_found(host) {
        let written = chained(host).await;
        let app = &host.server.0;
        let last = written.last().unwrap();
        let head = audit_head::Entity::find_by_id(last.site_id).one(app.reader()).await.unwrap().unwrap();
        let heads = async |row: audit_head::ActiveModel| {
            let head = async |work: &mut champion_network::app::Work<'_>| {
                audit_head::Entity::update(row.clone()).exec(work.db()).await?;
                Ok(())
            };
            app.system("tamper", head).await.unwrap();
        };

        writes(host, from_ref(last), &[]).await;
        finds(host, &["leeds: audit: the entries 6 to 6 are missing"]).await;
        let mut shorter = head.clone().into_active_model();
        (shorter.position, shorter.hash) = (Set(5), Set(written[4].hash.clone()));
        heads(shorter.clone()).await;
        assert_eq!(findings(host).await, Vec::<String>::new(), "nobody has vouched for more");
        writes(host, &[], from_ref(last)).await;
        finds(host, &["leeds: audit: entry 6 stands behind the end"]).await;
        writes(host, from_ref(last), &[]).await;

        // The site has a key once it has a feed, and vouches for what there is.
        champion_network::federation::sequencer::run(app).await.unwrap();
        let mut whole = head.clone().into_active_model();
        (whole.position, whole.hash) = (Set(head.position), Set(head.hash));
        heads(whole).await;
        writes(host, &[], from_ref(last)).await;
        champion_network::federation::audit::vouch(app).await.unwrap();
        assert_eq!(findings(host).await, Vec::<String>::new());
        heads(shorter).await;
        writes(host, from_ref(last), &[]).await;
        finds(host, &["leeds: audit: the site has vouched for 1 entry that is not here, from entry 6 on"]).await;
    }
}
