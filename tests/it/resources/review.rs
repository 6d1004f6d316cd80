//! Drafts on their way to readers: handed in, reviewed, published, withdrawn, due for another review.

use chrono::TimeDelta;

use super::{acts, brings_out, changes, guide, published, reviews, sees, titles, with, writes};
use crate::support::{json, on_both};

on_both! {
    async fn a_draft_reaches_its_readers_through_a_review(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let curator = host.person(&["leeds:curator"]);
        let (reader, outsider) = (host.person(&["leeds:champion"]), host.person(&["hull:champion"]));
        let draft = "resource { id slug status edition licence language visibility body draft { number status } }";
        let made = ana.does("resourceCreate", guide("leeds", "First steps"), draft).await.record().clone();
        assert_eq!(made["slug"], "first-steps");
        assert_eq!(made["status"], "DRAFT");
        assert_eq!(made["licence"], "OGL-UK-3.0");
        assert_eq!(made["language"], "en");
        assert_eq!(made["draft"], json!({ "number": 1, "status": "DRAFT" }));
        let id = made["id"].clone();
        assert_eq!(sees(&reader, &id).await, json!(null));

        assert_eq!(acts(&ana, "resourceSubmit", &id).await.record()["status"], "IN_REVIEW");
        let approved = reviews(&curator, &id, "APPROVE", json!("Clear.")).await;
        assert_eq!(approved.record()["status"], "IN_REVIEW");
        assert_eq!(sees(&curator, &id).await["draft"]["note"], "Clear.");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.record()["status"], "PUBLISHED");

        let seen = sees(&reader, &id).await;
        assert_eq!(seen["bodyHtml"], "<p>Sit <strong>beside</strong> the person.</p>\n");
        assert_eq!(seen["body"], "Sit **beside** the person.");
        assert_eq!(seen["publishedAt"], "2026-06-15T09:00:00+00:00");
        assert_eq!(seen["author"]["displayName"], format!("Champion {}", ana.subject));
        assert_eq!(seen["draft"], json!(null));
        assert_eq!(seen["viewerCan"], json!([]));
        assert_eq!(seen["editions"]["nodes"], json!([{ "number": 1, "status": "PUBLISHED", "title": "First steps" }]));
        assert_eq!(sees(&outsider, &id).await, json!(null));
        assert_eq!(sees(&host.anonymous(), &id).await, json!(null));
        let by_slug = "{ resource(site: \"leeds\", slug: \"first-steps\") { title } }";
        assert_eq!(reader.run(by_slug, json!({})).await.data()["resource"]["title"], "First steps");
        assert_eq!(outsider.run(by_slug, json!({})).await.data()["resource"], json!(null));
    }
}

on_both! {
    async fn nobody_reviews_or_publishes_their_own(host) {
        let ana = host.champion(&["leeds:curator", "leeds:site_admin"]).await;
        let id = writes(&ana, guide("leeds", "First steps")).await;
        acts(&ana, "resourceSubmit", &id).await.record();
        assert_eq!(reviews(&ana, &id, "APPROVE", json!(null)).await.code(), "FORBIDDEN");
        let ben = host.champion(&["leeds:curator"]).await;
        reviews(&ben, &id, "APPROVE", json!(null)).await.record();
        assert_eq!(acts(&ana, "resourcePublish", &id).await.code(), "FORBIDDEN");
        acts(&ben, "resourcePublish", &id).await.record();

        // What Ben rewrites is his own work, although Ana is the author.
        changes(&ben, &id, json!({ "body": "Another way." })).await.record();
        acts(&ben, "resourceSubmit", &id).await.record();
        assert_eq!(reviews(&ben, &id, "APPROVE", json!(null)).await.code(), "FORBIDDEN");
        let cleo = host.person(&["leeds:curator"]);
        reviews(&cleo, &id, "APPROVE", json!(null)).await.record();
        assert_eq!(acts(&ben, "resourcePublish", &id).await.code(), "FORBIDDEN");
        acts(&cleo, "resourcePublish", &id).await.record();
        assert_eq!(sees(&ben, &id).await["edition"], 2);
    }
}

on_both! {
    async fn reviewing_and_publishing_are_for_curators_and_admins(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let id = writes(&ana, guide("leeds", "First steps")).await;
        acts(&ana, "resourceSubmit", &id).await.record();
        assert_eq!(reviews(&ana, &id, "APPROVE", json!(null)).await.code(), "FORBIDDEN");
        assert_eq!(acts(&ana, "resourcePublish", &id).await.code(), "FORBIDDEN");
        let admin = host.person(&["leeds:site_admin"]);
        reviews(&admin, &id, "APPROVE", json!(null)).await.record();
        acts(&admin, "resourcePublish", &id).await.record();
        for other in [host.person(&["leeds:champion"]), host.person(&["leeds:project_lead"]), ana] {
            assert_eq!(acts(&other, "resourceWithdraw", &id).await.code(), "FORBIDDEN");
        }
        let other = host.person(&["leeds:champion"]);
        assert_eq!(changes(&other, &id, json!({ "title": "Mine" })).await.code(), "FORBIDDEN");
        acts(&admin, "resourceWithdraw", &id).await.record();
    }
}

on_both! {
    async fn a_step_out_of_turn_is_not_allowed_now(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let curator = host.person(&["leeds:curator"]);
        let id = writes(&ana, with(guide("leeds", "First steps"), json!({ "body": null }))).await;
        assert_eq!(acts(&ana, "resourceSubmit", &id).await.problems(), "NOT_ALLOWED_NOW ");
        assert_eq!(reviews(&curator, &id, "APPROVE", json!(null)).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(acts(&curator, "resourceWithdraw", &id).await.code(), "NOT_ALLOWED_NOW");

        changes(&ana, &id, json!({ "url": "https://www.nhs.uk/nhs-app/" })).await.record();
        acts(&ana, "resourceSubmit", &id).await.record();
        assert_eq!(acts(&ana, "resourceSubmit", &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(reviews(&curator, &id, "CHANGES_REQUESTED", json!(null)).await.problems(), "REQUIRED note");
        let back = reviews(&curator, &id, "CHANGES_REQUESTED", json!("Say for whom.")).await;
        assert_eq!(back.record()["status"], "CHANGES_REQUESTED");
        assert_eq!(sees(&ana, &id).await["draft"]["note"], "Say for whom.");
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");

        // An approval is of the text that was read: another text needs another one.
        acts(&ana, "resourceSubmit", &id).await.record();
        reviews(&curator, &id, "APPROVE", json!(null)).await.record();
        assert_eq!(changes(&ana, &id, json!({ "body": "New." })).await.record()["status"], "DRAFT");
        assert_eq!(sees(&ana, &id).await["draft"]["approvedAt"], json!(null));
        assert_eq!(acts(&curator, "resourcePublish", &id).await.code(), "NOT_ALLOWED_NOW");
        brings_out(&ana, &curator, &id).await;
        assert_eq!(acts(&ana, "resourceSubmit", &id).await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn readers_see_the_published_edition_until_the_next_one(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let (curator, reader) = (host.person(&["leeds:curator"]), host.person(&["leeds:champion"]));
        let id = writes(&ana, guide("leeds", "First steps")).await;
        brings_out(&ana, &curator, &id).await;

        assert_eq!(changes(&ana, &id, json!({ "title": "Next steps", "body": "Better." })).await.record()["title"], "First steps");
        changes(&ana, &id, json!({ "summary": "How to go on." })).await.record();
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["title"], &seen["body"]), (&json!("First steps"), &json!("Sit **beside** the person.")));
        assert_eq!((&seen["draft"], &seen["status"]), (&json!(null), &json!("PUBLISHED")));
        assert_eq!(seen["editions"]["nodes"].as_array().unwrap().len(), 1);
        let draft = json!({ "number": 2, "status": "DRAFT", "title": "Next steps", "body": "Better.", "note": null, "approvedAt": null });
        assert_eq!(sees(&ana, &id).await["draft"], draft);
        assert_eq!(titles(&reader, json!({ "filter": { "search": "better" } })).await, Vec::<String>::new());

        brings_out(&ana, &curator, &id).await;
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["title"], &seen["summary"], &seen["body"]), (&json!("Next steps"), &json!("How to go on."), &json!("Better.")));
        let editions = json!([
            { "number": 2, "status": "PUBLISHED", "title": "Next steps" },
            { "number": 1, "status": "SUPERSEDED", "title": "First steps" },
        ]);
        assert_eq!((&seen["edition"], &seen["editions"]["nodes"]), (&json!(2), &editions));
        assert_eq!(titles(&reader, json!({ "filter": { "search": "better" } })).await, ["Next steps"]);
        assert_eq!(titles(&reader, json!({ "filter": { "search": "beside" } })).await, Vec::<String>::new());
    }
}

on_both! {
    async fn a_withdrawn_resource_is_gone_for_readers_and_can_come_back(host) {
        let ana = host.champion(&["leeds:champion"]).await;
        let (curator, reader) = (host.person(&["leeds:curator"]), host.person(&["hull:champion"]));
        let id = writes(&ana, with(guide("leeds", "First steps"), json!({ "visibility": "NETWORK" }))).await;
        brings_out(&ana, &curator, &id).await;
        changes(&ana, &id, json!({ "title": "Next steps" })).await.record();
        assert_eq!(acts(&curator, "resourceWithdraw", &id).await.record()["status"], "WITHDRAWN");
        assert_eq!(sees(&reader, &id).await, json!(null));
        assert_eq!(titles(&reader, json!({ "filter": { "search": "beside" } })).await, Vec::<String>::new());
        assert_eq!(titles(&ana, json!({ "filter": { "search": "beside" } })).await, Vec::<String>::new());
        assert_eq!(sees(&ana, &id).await["draft"]["title"], "Next steps");
        assert_eq!(acts(&curator, "resourceWithdraw", &id).await.code(), "NOT_ALLOWED_NOW");

        brings_out(&ana, &curator, &id).await;
        let seen = sees(&reader, &id).await;
        assert_eq!(seen["title"], "Next steps");
        let editions = json!([{ "number": 2, "status": "PUBLISHED", "title": "Next steps" }]);
        assert_eq!(seen["editions"]["nodes"], editions);

        acts(&curator, "resourceWithdraw", &id).await.record();
        brings_out(&ana, &curator, &id).await;
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["edition"], &seen["title"]), (&json!(3), &json!("Next steps")));
        assert_eq!(titles(&reader, json!({ "filter": { "search": "beside" } })).await, ["Next steps"]);
    }
}

on_both! {
    async fn what_is_past_its_review_day_is_told_and_found_so(host) {
        let id = published(host, with(guide("leeds", "First steps"), json!({ "reviewBy": "2026-06-20" }))).await;
        published(host, guide("leeds", "Next steps")).await;
        let reader = host.person(&["hull:champion"]);
        assert_eq!(titles(&reader, json!({ "filter": { "statuses": ["REVIEW_DUE"] } })).await, Vec::<String>::new());
        let due = json!({ "filter": { "reviewDueBefore": "2026-06-21" } });
        assert_eq!(titles(&reader, due.clone()).await, ["First steps"]);
        host.server.0.clock.advance(TimeDelta::days(6));

        let reader = host.person(&["hull:champion"]);
        let seen = sees(&reader, &id).await;
        assert_eq!((&seen["status"], &seen["editions"]["nodes"][0]["status"]), (&json!("REVIEW_DUE"), &json!("REVIEW_DUE")));
        assert_eq!(titles(&reader, json!({ "filter": { "statuses": ["REVIEW_DUE"] } })).await, ["First steps"]);
        assert_eq!(titles(&reader, json!({ "filter": { "statuses": ["PUBLISHED"] } })).await, ["Next steps"]);
        let ordered = json!({ "orderBy": "REVIEW_BY_ASC", "first": 1 });
        assert_eq!(titles(&reader, ordered).await, ["First steps"]);
        let curator = host.person(&["leeds:curator"]);
        assert_eq!(sees(&curator, &id).await["viewerCan"], json!(["EDIT", "SHARE", "SUBMIT", "REVIEW", "PUBLISH", "WITHDRAW", "ADOPT"]));
        changes(&curator, &id, json!({ "reviewBy": "2027-06-20" })).await.record();
        assert_eq!(sees(&reader, &id).await["status"], "PUBLISHED");
        acts(&curator, "resourceWithdraw", &id).await.record();
    }
}
