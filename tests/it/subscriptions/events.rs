//! What is told: of posts as they become visible, of records as they come, change and go.

use super::{CHANGED, POSTS, post, project, space, thread, told, update};
use crate::support::{Served, json, on_both};

on_both! {
    async fn a_post_by_one_arrives_at_others(host) {
        let served = Served::start(&host.server).await;
        let (ana, ben) = (host.champion(&["leeds:champion"]).await, host.champion(&["hull:champion"]).await);
        let space = space(host, "national", "PUBLIC").await;
        let (started, other) = (thread(&ana, &space).await, thread(&ana, &space).await);
        post(&ana, &started, "Before.").await;
        let mut hers = served.socket(&ana).await;
        let mut nobodys = served.socket(&host.anonymous()).await;
        for socket in [&mut hers, &mut nobodys] {
            socket.follows("1", POSTS, json!({ "thread": started["id"] })).await;
        }

        post(&ben, &other, "Elsewhere.").await;
        post(&ben, &started, "First.").await;
        post(&ana, &started, "Second.").await;

        for (socket, byline) in [(&mut hers, "Champion person-1"), (&mut nobodys, "A champion at Hull")] {
            let first = socket.event("1").await["post"].clone();
            assert_eq!((&first["body"], &first["state"]), (&json!("First."), &json!("VISIBLE")));
            assert_eq!(first["byline"], byline);
            assert_eq!(socket.event("1").await["post"]["body"], "Second.");
        }
    }
}

on_both! {
    async fn a_post_that_is_shown_again_is_told_again_and_an_edit_is_not(host) {
        let served = Served::start(&host.server).await;
        let ana = host.champion(&["leeds:champion"]).await;
        let moderator = host.person(&["national:moderator"]);
        let started = thread(&ana, &space(host, "national", "NETWORK").await).await;
        let written = post(&ana, &started, "First.").await;
        let ben = host.person(&["hull:champion"]);
        let mut posts = served.socket(&ben).await;
        posts.follows("posts", POSTS, json!({ "thread": started["id"] })).await;
        posts.follows("all", CHANGED, json!({ "kinds": ["POST"] })).await;
        let mut hers = served.socket(&ana).await;
        hers.follows("all", CHANGED, json!({ "kinds": ["POST"] })).await;

        let edit = json!({ "id": written["id"], "version": 1, "body": "Better." });
        ana.does("postEdit", edit, "post { id }").await.record();
        for socket in [&mut posts, &mut hers] {
            assert_eq!(told(socket, "all").await, "UPDATED Better.");
        }
        // What is told is what is so at that moment, so each is awaited before the next thing happens.
        for (state, change) in [("HIDDEN", "REMOVED"), ("VISIBLE", "CREATED Better.")] {
            let act = json!({ "id": written["id"], "state": state, "reason": "Because." });
            moderator.does("postModerate", act, "post { id }").await.record();
            assert_eq!(told(&mut posts, "all").await, change);
            assert_eq!(told(&mut hers, "all").await, "UPDATED Better.");
        }
        assert_eq!(posts.event("posts").await["post"]["body"], "Better.");
    }
}

on_both! {
    async fn records_are_told_of_by_kind_and_site(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut socket = served.socket(&lead).await;
        socket.follows("projects", CHANGED, json!({ "kinds": ["PROJECT"] })).await;
        socket.follows("spaces", CHANGED, json!({ "kinds": ["SPACE", "THREAD"], "site": "leeds" })).await;
        socket.follows("all", CHANGED, json!({})).await;

        let garden = project(&lead, "Garden", "NETWORK").await;
        update(&lead, &garden, json!({ "title": "Park" })).await;
        space(host, "national", "PUBLIC").await;
        let ours = space(host, "leeds", "SITE").await;
        let started = thread(&lead, &ours).await;

        let first = socket.event("projects").await;
        assert_eq!((&first["kind"], &first["change"]), (&json!("PROJECT"), &json!("CREATED")));
        assert_eq!((&first["id"], &first["node"]["id"]), (&garden["id"], &garden["id"]));
        assert_eq!(told(&mut socket, "projects").await, "UPDATED Park");
        assert_eq!(socket.event("spaces").await["id"], ours["id"]);
        assert_eq!(socket.event("spaces").await["id"], started["id"]);
        let mut kinds = Vec::new();
        for _ in 0..5 {
            kinds.push(socket.event("all").await["kind"].as_str().unwrap().to_owned());
        }
        assert_eq!(kinds, ["PROJECT", "PROJECT", "SPACE", "SPACE", "THREAD"]);
    }
}

on_both! {
    async fn what_cannot_be_followed_is_refused(host) {
        let served = Served::start(&host.server).await;
        let ana = host.champion(&["leeds:champion"]).await;
        let ours = thread(&ana, &space(host, "leeds", "SITE").await).await;
        let ben = host.person(&["hull:champion"]);
        let mut socket = served.socket(&ben).await;
        let gone = "thread_01h455vb4pex5vsknk084sn02q";
        for (query, variables, code, path) in [
            (POSTS, json!({ "thread": ours["id"] }), "NOT_FOUND", None),
            (POSTS, json!({ "thread": gone }), "NOT_FOUND", None),
            (POSTS, json!({ "thread": "post_01h455vb4pex5vsknk084sn02q" }), "INVALID_ARGUMENT", Some("thread")),
            (CHANGED, json!({ "after": "made up" }), "INVALID_ARGUMENT", Some("after")),
            (CHANGED, json!({ "kinds": [] }), "INVALID_ARGUMENT", Some("kinds")),
            (CHANGED, json!({ "kinds": ["AUDIT_ENTRY"] }), "INVALID_ARGUMENT", Some("kinds")),
            (CHANGED, json!({ "site": "nowhere" }), "NOT_FOUND", None),
            ("subscription { changed { cursor nothing } }", json!({}), "VALIDATION_FAILED", None),
        ] {
            socket.runs("1", query, variables.clone()).await;
            let (kind, payload) = socket.about("1").await;
            assert_eq!(kind, "error", "{variables}");
            let extensions = &payload[0]["extensions"];
            assert_eq!(extensions["code"], code, "{variables} {payload}");
            if let Some(path) = path {
                assert_eq!(extensions["path"], json!([path]));
            }
        }
    }
}

on_both! {
    async fn overlays_and_what_has_no_feed_are_told_of(host) {
        let served = Served::start(&host.server).await;
        let author = host.champion(&["national:champion"]).await;
        let curator = host.champion(&["national:curator"]).await;
        let input = json!({ "site": "national", "title": "Booking", "summary": "How to.", "body": "Tap.", "type": "GUIDE", "visibility": "NETWORK" });
        let made = author.does("resourceCreate", input, "resource { id version }").await.record().clone();
        let submit = json!({ "id": made["id"], "version": made["version"] });
        let made = author.does("resourceSubmit", submit, "resource { id version }").await.record().clone();
        let review = json!({ "id": made["id"], "version": made["version"], "verdict": "APPROVE" });
        let made = curator.does("resourceReview", review, "resource { id version }").await.record().clone();
        let publish = json!({ "id": made["id"], "version": made["version"] });
        let mut reader = served.socket(&host.person(&["leeds:champion"])).await;
        reader.follows("1", CHANGED, json!({ "kinds": ["RESOURCE", "OVERLAY"] })).await;

        let made = curator.does("resourcePublish", publish, "resource { id version }").await.record().clone();
        // What is told is what is so at that moment, so each is awaited before the next thing happens.
        let event = reader.event("1").await;
        assert_eq!((&event["kind"], &event["change"], &event["id"]), (&json!("RESOURCE"), &json!("CREATED"), &made["id"]));
        let overlay = json!({ "site": "leeds", "resource": made["id"], "pinned": true });
        let local = host.person(&["leeds:curator"]);
        let reply = local.does("resourceOverlaySet", overlay, "overlay { id }").await;
        let overlay = reply.record().clone();
        let event = reader.event("1").await;
        assert_eq!((&event["kind"], &event["change"], &event["id"]), (&json!("OVERLAY"), &json!("CREATED"), &overlay["id"]));
        let withdraw = json!({ "id": made["id"], "version": made["version"] });
        curator.does("resourceWithdraw", withdraw, "resource { id }").await.record();
        let mut gone = [reader.event("1").await, reader.event("1").await].map(|event| {
            assert_eq!((&event["change"], &event["node"]), (&json!("REMOVED"), &json!(null)));
            event["kind"].as_str().unwrap().to_owned()
        });
        gone.sort();
        assert_eq!(gone, ["OVERLAY", "RESOURCE"]);
    }
}
