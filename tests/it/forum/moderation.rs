//! Moderation: who decides on what others wrote, what becomes of it, and what stays to be read.

use super::{post, seen, space, texts, thread, titles};
use crate::support::{json, on_both};

on_both! {
    async fn a_locked_thread_is_read_and_not_answered(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.champion(&["national:moderator"]).await;
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        post(&ben, &started, "One.").await;
        let lock = json!({ "id": started["id"], "state": "LOCKED", "reason": "Too heated." });
        let reply = moderator.does("threadSetState", lock.clone(), "thread { state version stateReason }").await;
        assert_eq!(reply.record(), &json!({ "state": "LOCKED", "version": 1, "stateReason": "Too heated." }));
        let answer = json!({ "thread": started["id"], "body": "Two." });
        assert_eq!(ben.does("postCreate", answer.clone(), "post { id }").await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(host.person(&[]).does("postCreate", answer.clone(), "post { id }").await.code(), "NOT_FOUND");
        assert_eq!(moderator.does("threadSetState", lock, "thread { id }").await.code(), "NOT_ALLOWED_NOW");
        let shown = seen(&ben, &started).await;
        assert_eq!((&shown["state"], &shown["viewerCan"]), (&json!("LOCKED"), &json!([])));
        assert_eq!(titles(&ben, json!({ "states": ["LOCKED"] }), None).await, ["Tablets"]);

        let open = json!({ "id": started["id"], "state": "OPEN", "reason": "Calm again." });
        moderator.does("threadSetState", open, "thread { state }").await.record();
        ben.does("postCreate", answer, "post { id }").await.record();
        assert_eq!(seen(&ben, &started).await["stateReason"], json!(null));
        assert_eq!(seen(&ben, &started).await["moderation"], json!([]));
        assert_eq!(seen(&ana, &started).await["moderation"], json!([]));
        let history = seen(&moderator, &started).await["moderation"].clone();
        assert_eq!(texts(&history, "reason"), ["Too heated.", "Calm again."]);
        assert_eq!(texts(&history, "fromState"), ["OPEN", "LOCKED"]);
        assert_eq!(history[0]["site"]["slug"], "national");
        assert_eq!(history[0]["moderator"]["displayName"], format!("Champion {}", moderator.subject));
    }
}

on_both! {
    async fn a_hidden_thread_takes_its_posts_along(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.person(&["national:site_admin"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ben, &started, "One.").await;
        let set = async |state: &str| {
            let input = json!({ "id": started["id"], "state": state, "reason": "Because." });
            moderator.does("threadSetState", input, "thread { state }").await.code().to_owned()
        };
        let node = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(set("HIDDEN").await, "OK");
        assert_eq!(seen(&ben, &started).await, json!(null));
        assert_eq!(ben.run(node, json!({ "id": written["id"] })).await.data()["node"], json!(null));
        assert_eq!(titles(&ben, json!({ "search": "tablets" }), None).await, Vec::<String>::new());
        assert_eq!(seen(&ana, &started).await["body"], "About Tablets.");
        let edit = json!({ "id": started["id"], "version": 1, "title": "Phones" });
        assert_eq!(ana.does("threadEdit", edit, "thread { id }").await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(set("ARCHIVED").await, "OK");
        assert_eq!(titles(&ben, json!({ "search": "tablets" }), None).await, ["Tablets"]);
        assert_eq!(seen(&ben, &started).await["posts"]["totalCount"], 1);
        assert_eq!(set("REMOVED").await, "OK");
        assert_eq!(seen(&ben, &started).await, json!(null));
        assert_eq!(set("OPEN").await, "NOT_ALLOWED_NOW");
        assert_eq!(set("PENDING").await, "INVALID");
    }
}

on_both! {
    async fn hidden_posts_are_not_counted_and_no_answer(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.person(&["national:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        post(&ana, &started, "One.").await;
        let answer = post(&ben, &started, "Two.").await;
        let accept = json!({ "id": started["id"], "post": answer["id"] });
        ana.does("threadAccept", accept, "thread { id }").await.record();
        let set = async |state: &str| {
            let input = json!({ "id": answer["id"], "state": state, "reason": "Because." });
            moderator.does("postModerate", input, "post { state }").await.code().to_owned()
        };
        assert_eq!(seen(&ana, &started).await["answer"]["body"], "Two.");
        assert_eq!(set("HIDDEN").await, "OK");
        let shown = seen(&ana, &started).await;
        assert_eq!((&shown["postCount"], &shown["answer"]), (&json!(1), &json!(null)));
        assert_eq!(texts(&shown["posts"]["nodes"], "body"), ["One."]);
        assert_eq!(titles(&ana, json!({ "unanswered": true }), None).await, ["Tablets"]);
        assert_eq!(seen(&ben, &started).await["posts"]["nodes"][1]["stateReason"], "Because.");
        assert_eq!(texts(&seen(&moderator, &started).await["posts"]["nodes"], "state"), ["VISIBLE", "HIDDEN"]);
        assert_eq!(set("VISIBLE").await, "OK");
        let shown = seen(&ana, &started).await;
        assert_eq!((&shown["postCount"], &shown["answer"]["body"]), (&json!(2), &json!("Two.")));
        assert_eq!(titles(&ana, json!({ "unanswered": true }), None).await, Vec::<String>::new());
        assert_eq!(set("REMOVED").await, "OK");
        assert_eq!(set("VISIBLE").await, "NOT_ALLOWED_NOW");
        let hidden = json!({ "id": started["id"], "post": answer["id"] });
        assert_eq!(moderator.does("threadAccept", hidden.clone(), "thread { id }").await.problems(), "INVALID post");
        assert_eq!(ana.does("threadAccept", hidden, "thread { id }").await.code(), "NOT_FOUND");
    }
}

on_both! {
    async fn moderators_of_the_author_s_site_may_only_remove(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let (leeds, hull) = (host.person(&["leeds:moderator"]), host.person(&["hull:moderator"]));
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ana, &started, "One.").await;
        let set = |state: &str| json!({ "id": started["id"], "state": state, "reason": "Ours." });
        assert_eq!(leeds.does("threadSetState", set("LOCKED"), "thread { id }").await.code(), "FORBIDDEN");
        let hide = json!({ "id": written["id"], "state": "HIDDEN", "reason": "Ours." });
        assert_eq!(leeds.does("postModerate", hide.clone(), "post { id }").await.code(), "FORBIDDEN");
        for other in [&hull, &host.person(&["leeds:project_lead"]), &ana] {
            assert_eq!(other.does("threadSetState", set("REMOVED"), "thread { id }").await.code(), "FORBIDDEN");
            assert_eq!(other.does("postModerate", hide.clone(), "post { id }").await.code(), "FORBIDDEN");
        }
        let accept = json!({ "id": started["id"], "post": written["id"] });
        assert_eq!(leeds.does("threadAccept", accept, "thread { id }").await.code(), "FORBIDDEN");
        let remove = json!({ "id": written["id"], "state": "REMOVED", "reason": "Ours." });
        let reply = leeds.does("postModerate", remove, "post { state version body }").await;
        assert_eq!(reply.record(), &json!({ "state": "REMOVED", "version": 2, "body": "One." }));
        assert_eq!(seen(&hull.holding(&["hull:champion"]), &started).await["postCount"], 0);
        leeds.does("threadSetState", set("REMOVED"), "thread { id }").await.record();
        let history = seen(&leeds, &started).await["moderation"].clone();
        assert_eq!(history[0]["site"]["slug"], "leeds");
        assert_eq!(history[0]["toState"], "REMOVED");
        let back = host.person(&["national:moderator"]);
        assert_eq!(back.does("threadSetState", set("OPEN"), "thread { id }").await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn nobody_moderates_their_own_and_everybody_says_why(host) {
        let moderator = host.champion(&["national:moderator"]).await;
        let other = host.person(&["national:site_admin"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&moderator, &space, "Tablets").await;
        let written = post(&moderator, &started, "One.").await;
        let hide = json!({ "id": written["id"], "state": "HIDDEN", "reason": "Mine." });
        assert_eq!(moderator.does("postModerate", hide, "post { id }").await.code(), "FORBIDDEN");
        let lock = json!({ "id": started["id"], "state": "LOCKED", "reason": "Mine." });
        assert_eq!(moderator.does("threadSetState", lock, "thread { id }").await.code(), "FORBIDDEN");
        let silent = json!({ "id": started["id"], "state": "REJECTED", "reason": " " });
        assert_eq!(other.does("threadSetState", silent, "thread { id }").await.problems(), "REQUIRED reason\nINVALID state");
        let silent = json!({ "id": written["id"], "state": "HIDDEN", "reason": "" });
        assert_eq!(other.does("postModerate", silent, "post { id }").await.problems(), "REQUIRED reason");
        assert_eq!(seen(&other, &started).await["moderation"], json!([]));
        assert_eq!(seen(&other, &started).await["postCount"], 1);
    }
}

on_both! {
    async fn the_author_or_a_moderator_of_the_space_accepts_an_answer(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.person(&["national:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let (one, two) = (post(&ben, &started, "One.").await, post(&ben, &started, "Two.").await);
        let accept = |post: &crate::support::Value| json!({ "id": started["id"], "post": post["id"] });
        assert_eq!(ben.does("threadAccept", accept(&one), "thread { id }").await.code(), "FORBIDDEN");
        let reply = ana.does("threadAccept", accept(&one), "thread { version answer { body } }").await;
        assert_eq!(reply.record(), &json!({ "version": 1, "answer": { "body": "One." } }));
        let reply = moderator.does("threadAccept", accept(&two), "thread { answer { body } }").await;
        assert_eq!(reply.record()["answer"]["body"], "Two.");
        let elsewhere = post(&ben, &thread(&ben, &space, "Other").await, "Three.").await;
        assert_eq!(ana.does("threadAccept", accept(&elsewhere), "thread { id }").await.problems(), "INVALID post");
        let reply = ana.does("threadAccept", json!({ "id": started["id"], "post": null }), "thread { answer { body } }").await;
        assert_eq!(reply.record()["answer"], json!(null));
    }
}

on_both! {
    async fn a_thread_moves_between_open_spaces_of_one_site(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.champion(&["national:moderator"]).await;
        let from = space(host, "national", "Everybody", "NETWORK").await;
        let to = space(host, "national", "Front page", "PUBLIC").await;
        let elsewhere = space(host, "leeds", "Leeds", "NETWORK").await;
        let input = json!({ "site": "national", "name": "Closed", "about": "A.", "access": "CLOSED" });
        let closed = moderator.does("spaceCreate", input, "space { id }").await.record().clone();
        let started = thread(&ana, &from, "Tablets").await;
        post(&ben, &started, "One.").await;
        let move_to = |space: &crate::support::Value| json!({ "id": started["id"], "space": space["id"], "reason": "Fits better." });
        assert_eq!(ana.does("threadMove", move_to(&to), "thread { id }").await.code(), "FORBIDDEN");
        assert_eq!(host.person(&["leeds:moderator"]).does("threadMove", move_to(&to), "thread { id }").await.code(), "FORBIDDEN");
        for wrong in [&elsewhere, &closed, &from] {
            assert_eq!(moderator.does("threadMove", move_to(wrong), "thread { id }").await.problems(), "INVALID space");
        }
        assert_eq!(seen(&host.anonymous(), &started).await, json!(null));
        let reply = moderator.does("threadMove", move_to(&to), "thread { visibility version space { name } }").await;
        assert_eq!(reply.record(), &json!({ "visibility": "PUBLIC", "version": 1, "space": { "name": "Front page" } }));
        let shown = seen(&host.anonymous(), &started).await;
        assert_eq!(texts(&shown["posts"]["nodes"], "body"), ["One."]);
        assert_eq!(titles(&ana, json!({ "space": from["id"] }), None).await, Vec::<String>::new());
        assert_eq!(titles(&ana, json!({ "space": to["id"] }), None).await, ["Tablets"]);
        let history = seen(&moderator, &started).await["moderation"].clone();
        assert_eq!(history[0]["fromSpace"]["name"], "Everybody");
        assert_eq!(history[0]["toSpace"]["name"], "Front page");
    }
}

on_both! {
    async fn a_move_is_placed_and_noted_for_every_post(host) {
        use entity::{Kind, outbox, placement};
        use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
        let ana = host.champion(&["leeds:champion"]).await;
        let moderator = host.person(&["national:moderator"]);
        let from = space(host, "national", "Everybody", "NETWORK").await;
        let to = space(host, "national", "Tools", "NETWORK").await;
        let started = thread(&ana, &from, "Tablets").await;
        post(&ana, &started, "One.").await;
        post(&ana, &started, "Two.").await;
        let noted = async |kind: Kind| {
            let rows = outbox::Entity::find().filter(outbox::Column::Kind.eq(kind));
            rows.count(host.server.0.reader()).await.unwrap()
        };
        let before = (noted(Kind::Thread).await, noted(Kind::Post).await);
        let input = json!({ "id": started["id"], "space": to["id"], "reason": "Fits better." });
        moderator.does("threadMove", input, "thread { id }").await.record();

        let placed = placement::Entity::find().all(host.server.0.reader()).await.unwrap();
        let space = placed[0].space_id;
        assert!(to["id"] == space.to_string());
        assert!(placed.iter().all(|row| row.space_id == space && row.version == 2), "{placed:?}");
        // In the feeds of Leeds and of the national site.
        assert_eq!((noted(Kind::Thread).await, noted(Kind::Post).await), (before.0 + 2, before.1 + 4));
    }
}

on_both! {
    async fn what_moderators_do_is_in_the_audit_log_of_their_site(host) {
        use sea_orm::EntityTrait;
        let ana = host.champion(&["leeds:champion"]).await;
        let moderator = host.person(&["national:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let lock = json!({ "id": started["id"], "state": "LOCKED", "reason": "Enough." });
        moderator.does("threadSetState", lock, "thread { id }").await.record();
        let database = sea_orm::Database::connect(&host.settings.database_url).await.unwrap();
        let entries = entity::audit_entry::Entity::find().all(&database).await.unwrap();
        let national = entity::site::Entity::find().all(&database).await.unwrap();
        let national = national.iter().find(|site| site.slug == "national").unwrap().id;
        let told: Vec<_> = entries.iter().filter(|entry| entry.action == "threadSetState").collect();
        assert_eq!(told.len(), 1);
        let person = entity::audit_person::Entity::find_by_id(told[0].pseudonym.unwrap()).one(&database).await.unwrap();
        assert_eq!((told[0].site_id, person.unwrap().subject), (national, moderator.subject));
    }
}
