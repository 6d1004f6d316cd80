//! Threads and posts are written, edited and withdrawn by those who may.

use super::{post, seen, space, texts, thread, titles};
use crate::support::{Value, json, on_both};

on_both! {
    async fn only_those_who_may_write_do(host) {
        let national = space(host, "national", "Everybody", "PUBLIC").await;
        let local = space(host, "leeds", "Leeds", "SITE").await;
        let ana = host.champion(&["leeds:champion"]).await;
        let started = thread(&ana, &national, "Tablets").await;
        let ours = thread(&ana, &local, "Ours").await;
        let start = |space: &Value| json!({ "space": space["id"], "title": "Mine", "body": "Text." });
        let answer = |thread: &Value| json!({ "thread": thread["id"], "body": "Text." });
        let hull = host.champion(&["hull:champion"]).await;
        for (person, code) in [
            (host.anonymous(), "UNAUTHENTICATED"),
            (host.person(&[]), "FORBIDDEN"),
            (host.person(&["leeds:moderator"]), "NOT_ALLOWED_NOW"),
        ] {
            assert_eq!(person.does("threadStart", start(&national), "thread { id }").await.code(), code);
            assert_eq!(person.does("postCreate", answer(&started), "post { id }").await.code(), code);
        }
        assert_eq!(hull.does("threadStart", start(&local), "thread { id }").await.code(), "NOT_FOUND");
        assert_eq!(hull.does("postCreate", answer(&ours), "post { id }").await.code(), "NOT_FOUND");
        // A champion of Hull whose token grants a role at Leeds alone.
        let reader = hull.holding(&["leeds:champion"]);
        let as_hull = json!({ "space": national["id"], "title": "Mine", "body": "Text.", "as": "hull" });
        assert_eq!(reader.does("threadStart", as_hull, "thread { id }").await.code(), "FORBIDDEN");
        let mine = json!({ "id": started["id"], "version": 1, "title": "Mine" });
        assert_eq!(hull.does("threadEdit", mine.clone(), "thread { id }").await.code(), "FORBIDDEN");
        assert_eq!(hull.does("threadWithdraw", json!({ "id": started["id"], "version": 1 }), "thread { id }").await.code(), "FORBIDDEN");
        let input = json!({ "site": "leeds", "name": "Mine", "about": "Me." });
        assert_eq!(ana.does("spaceCreate", input.clone(), "space { id }").await.code(), "FORBIDDEN");
        assert_eq!(host.anonymous().does("spaceCreate", input, "space { id }").await.code(), "UNAUTHENTICATED");
        let input = json!({ "id": national["id"], "version": 1, "name": "Ours" });
        assert_eq!(host.person(&["leeds:moderator"]).does("spaceUpdate", input, "space { id }").await.code(), "FORBIDDEN");
        assert_eq!(titles(&ana, json!({}), Some("TITLE_ASC")).await, ["Ours", "Tablets"]);
    }
}

on_both! {
    async fn somebody_at_two_sites_says_as_whom_they_write(host) {
        let ana = host.person(&["leeds:champion", "hull:champion"]);
        ana.becomes_champion("leeds").await;
        let national = space(host, "national", "Everybody", "NETWORK").await;
        let local = space(host, "leeds", "Leeds", "SITE").await;
        let start = |space: &Value, site: Value| json!({ "space": space["id"], "title": "Mine", "body": "Text.", "as": site });
        let site = async |space: &Value, site: Value| {
            let reply = ana.does("threadStart", start(space, site), "thread { site { slug } }").await;
            reply.record()["site"]["slug"].as_str().unwrap().to_owned()
        };
        assert_eq!(site(&national, json!(null)).await, "leeds");
        ana.becomes_champion("hull").await;
        let reply = ana.does("threadStart", start(&national, json!(null)), "thread { id }").await;
        assert_eq!(reply.problems(), "REQUIRED as");
        assert_eq!(site(&national, json!("hull")).await, "hull");
        assert_eq!(site(&local, json!(null)).await, "leeds");
        let reply = ana.does("threadStart", start(&local, json!("hull")), "thread { id }").await;
        assert_eq!(reply.problems(), "INVALID as");
        assert_eq!(ana.does("threadStart", start(&national, json!("nowhere")), "thread { id }").await.code(), "NOT_FOUND");
    }
}

on_both! {
    async fn bad_input_names_its_place_and_stores_nothing(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let input = json!({ "space": space["id"], "title": " ", "body": "<script>x</script>", "tags": ["a", "two\nlines"] });
        let reply = ana.does("threadStart", input, "thread { id }").await;
        assert_eq!(reply.problems(), "REQUIRED title\nINVALID body\nINVALID tags.1");
        let input = json!({ "space": "space_01h455vb4pex5vsknk084sn02q", "title": "T", "body": "B" });
        assert_eq!(ana.does("threadStart", input, "thread { id }").await.code(), "NOT_FOUND");
        let input = json!({ "space": "thread_01h455vb4pex5vsknk084sn02q", "title": "T", "body": "B" });
        assert_eq!(ana.does("threadStart", input, "thread { id }").await.problems(), "INVALID space");
        let project = json!({ "space": space["id"], "title": "T", "body": "B", "project": "project_01h455vb4pex5vsknk084sn02q" });
        assert_eq!(ana.does("threadStart", project, "thread { id }").await.code(), "NOT_FOUND");
        assert_eq!(titles(&ana, json!({}), None).await, Vec::<String>::new());

        let started = thread(&ana, &space, "Tablets").await;
        let other = post(&ana, &thread(&ana, &space, "Phones").await, "Elsewhere.").await;
        let input = json!({ "thread": started["id"], "body": "", "replyTo": other["id"] });
        assert_eq!(ana.does("postCreate", input, "post { id }").await.problems(), "REQUIRED body\nINVALID replyTo");
        let input = json!({ "id": started["id"], "version": 1, "title": null, "body": null });
        assert_eq!(ana.does("threadEdit", input, "thread { id }").await.problems(), "REQUIRED title\nREQUIRED body");
        assert_eq!(seen(&ana, &started).await["postCount"], 0);
        assert_eq!(seen(&ana, &started).await["version"], 1);
        let moderator = host.person(&["leeds:moderator"]);
        let input = json!({ "site": "leeds", "name": "", "about": "" });
        assert_eq!(moderator.does("spaceCreate", input, "space { id }").await.problems(), "REQUIRED name\nREQUIRED about");
        let input = json!({ "site": "leeds", "name": "Leeds", "about": "Again." });
        assert_eq!(moderator.does("spaceCreate", input, "space { slug }").await.record()["slug"], "leeds-2");
    }
}

on_both! {
    async fn an_edit_of_an_old_version_is_a_conflict(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ana, &started, "First.").await;
        let edit = |title: &str| json!({ "id": started["id"], "version": 1, "title": title });
        ana.does("threadEdit", edit("Phones"), "thread { id }").await.record();
        let reply = ana.does("threadEdit", edit("Laptops"), "thread { title version }").await;
        assert_eq!(reply.code(), "CONFLICT");
        assert_eq!(reply.payload()["thread"], json!({ "title": "Phones", "version": 2 }));
        let edit = json!({ "id": written["id"], "version": 1, "body": "Better." });
        let reply = ana.does("postEdit", edit.clone(), "post { body editedAt version }").await;
        assert_eq!(reply.record(), &json!({ "body": "Better.", "editedAt": "2026-06-15T09:00:00+00:00", "version": 2 }));
        assert_eq!(ana.does("postEdit", edit, "post { id }").await.code(), "CONFLICT");
        let withdraw = json!({ "id": written["id"], "version": 1 });
        assert_eq!(ana.does("postWithdraw", withdraw, "post { id }").await.code(), "CONFLICT");
    }
}

on_both! {
    async fn what_its_author_withdraws_is_gone_for_readers(host) {
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let moderator = host.person(&["national:moderator"]);
        let space = space(host, "national", "Everybody", "NETWORK").await;
        let started = thread(&ana, &space, "Tablets").await;
        let kept = post(&ana, &started, "Kept.").await;
        host.server.0.clock.advance(chrono::TimeDelta::minutes(1));
        let taken = post(&ben, &started, "Regretted.").await;
        let withdraw = json!({ "id": taken["id"], "version": 1 });
        let reply = ben.does("postWithdraw", withdraw.clone(), "post { state body withdrawnAt }").await;
        assert_eq!(reply.record(), &json!({ "state": "REMOVED", "body": "", "withdrawnAt": "2026-06-15T09:01:00+00:00" }));
        let shown = seen(&ana, &started).await;
        assert_eq!(texts(&shown["posts"]["nodes"], "body"), ["Kept."]);
        assert_eq!((&shown["postCount"], &shown["lastPostAt"]), (&json!(1), &json!("2026-06-15T09:00:00+00:00")));
        assert_eq!(texts(&seen(&moderator, &started).await["posts"]["nodes"], "body"), ["Kept.", "Regretted."]);
        let again = json!({ "id": taken["id"], "version": 2 });
        assert_eq!(ben.does("postWithdraw", again.clone(), "post { id }").await.code(), "NOT_ALLOWED_NOW");
        let edit = json!({ "id": taken["id"], "version": 2, "body": "Back." });
        assert_eq!(ben.does("postEdit", edit, "post { id }").await.code(), "NOT_ALLOWED_NOW");

        let withdraw = json!({ "id": started["id"], "version": 1 });
        ana.does("threadWithdraw", withdraw, "thread { id }").await.record();
        assert_eq!(seen(&ben, &started).await, json!(null));
        assert_eq!(titles(&ben, json!({}), None).await, Vec::<String>::new());
        assert_eq!(titles(&moderator, json!({ "search": "tablets" }), None).await, Vec::<String>::new());
        let node = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(ben.run(node, json!({ "id": kept["id"] })).await.data()["node"], json!(null));
        let mine = seen(&ana, &started).await;
        assert_eq!((&mine["state"], &mine["body"]), (&json!("REMOVED"), &json!("")));
        assert_eq!(seen(&moderator, &started).await["body"], "About Tablets.");
        let answer = json!({ "thread": started["id"], "body": "More." });
        assert_eq!(ben.does("postCreate", answer.clone(), "post { id }").await.code(), "NOT_FOUND");
        assert_eq!(ana.does("postCreate", answer, "post { id }").await.code(), "NOT_ALLOWED_NOW");
        let again = json!({ "id": started["id"], "version": 2 });
        assert_eq!(ana.does("threadWithdraw", again, "thread { id }").await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn who_stood_down_takes_back_and_does_not_rewrite(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let space = space(host, "leeds", "Leeds", "SITE").await;
        let started = thread(&ana, &space, "Tablets").await;
        let written = post(&ana, &started, "First.").await;
        let mine = ana.run("{ viewer { champion { id version } } }", json!({})).await;
        let mine = &mine.data()["viewer"]["champion"];
        let input = json!({ "id": mine["id"], "version": mine["version"], "status": "STOOD_DOWN" });
        ana.does("championSetStatus", input, "champion { id }").await.record();

        let edit = json!({ "id": started["id"], "version": 1, "title": "Phones" });
        assert_eq!(ana.does("threadEdit", edit, "thread { id }").await.problems(), "NOT_ALLOWED_NOW ");
        let edit = json!({ "id": written["id"], "version": 1, "body": "Better." });
        assert_eq!(ana.does("postEdit", edit, "post { id }").await.problems(), "NOT_ALLOWED_NOW ");
        assert_eq!(seen(&ana, &started).await["title"], "Tablets");
        let withdraw = json!({ "id": written["id"], "version": 1 });
        ana.does("postWithdraw", withdraw, "post { id }").await.record();
        let withdraw = json!({ "id": started["id"], "version": 1 });
        ana.does("threadWithdraw", withdraw, "thread { id }").await.record();
    }
}
