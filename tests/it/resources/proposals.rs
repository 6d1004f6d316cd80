//! Proposals: local resources offered to the national team.

use chrono::TimeDelta;

use super::{brings_out, changes, guide, published, titles, with, writes};
use crate::support::{NATIONAL, Person, Reply, Value, json, on_both};

const PROPOSAL: &str = "proposal { id status reason decision offered { number status title body } resource { title } nationalCopy { id } viewerCan }";
const PROPOSALS: &str = "query($status: ProposalStatus) { proposals(status: $status) { nodes { status offered { title status } resource { title } } totalCount } }";

pub(super) async fn offers(person: &Person<'_>, id: &Value) -> Reply {
    person
        .does(
            "resourcePropose",
            json!({ "resource": id, "reason": "Everybody asks." }),
            PROPOSAL,
        )
        .await
}

async fn decides(person: &Person<'_>, id: &Value, accept: bool, reason: Value) -> Reply {
    person
        .does(
            "resourceProposalDecide",
            json!({ "id": id, "accept": accept, "reason": reason }),
            PROPOSAL,
        )
        .await
}

on_both! {
    async fn an_accepted_proposal_makes_a_national_copy_of_what_was_offered(host) {
        let facts = json!({ "visibility": "SITE", "topics": ["phones"], "licence": "CC-BY-4.0" });
        let id = published(host, with(guide("leeds", "First steps"), facts)).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let offered = offers(&lead, &id).await.record().clone();
        assert_eq!(offered["offered"]["body"], "Sit **beside** the person.");
        assert_eq!(offered["viewerCan"], json!(["WITHDRAW"]));
        let curator = host.champion(&["leeds:curator"]).await;
        changes(&curator, &id, json!({ "title": "Changed since" })).await.record();
        brings_out(&curator, &host.person(&["leeds:site_admin"]), &id).await;

        let national = host.person(&["national:curator"]);
        let reply = national.run(PROPOSALS, json!({ "status": "OPEN" })).await;
        let listed = json!([{ "status": "OPEN", "offered": { "title": "First steps", "status": "PUBLISHED" }, "resource": null }]);
        assert_eq!(reply.data()["proposals"]["nodes"], listed);
        let decided = decides(&national, &offered["id"], true, json!("Welcome.")).await.record().clone();
        assert_eq!((&decided["status"], &decided["decision"]), (&json!("ACCEPTED"), &json!("Welcome.")));
        let copy = "query($id: ID!) { node(id: $id) { ... on Resource {
            slug title status edition visibility topics licence body author { id } derivedFrom { title } site { slug } publishedAt
        } } }";
        let id = decided["nationalCopy"]["id"].clone();
        let seen = host.person(&["leeds:champion"]).run(copy, json!({ "id": id })).await.data()["node"].clone();
        let expected = json!({
            "slug": "first-steps", "title": "First steps", "status": "PUBLISHED", "edition": 1, "visibility": "NETWORK",
            "topics": ["phones"], "licence": "CC-BY-4.0", "body": "Sit **beside** the person.", "author": null,
            "derivedFrom": { "title": "Changed since" }, "site": { "slug": "national" }, "publishedAt": "2026-06-15T09:00:00+00:00",
        });
        assert_eq!(seen, expected);
        let outsider = host.person(&["hull:champion"]);
        let seen = outsider.run(copy, json!({ "id": id })).await.data()["node"].clone();
        assert_eq!(seen["derivedFrom"], json!(null));
        assert_eq!(titles(&outsider, json!({ "filter": { "search": "beside phones" } })).await, ["First steps"]);
        assert_eq!(decides(&national, &offered["id"], false, json!("No.")).await.code(), "NOT_ALLOWED_NOW");
    }
}

on_both! {
    async fn a_proposal_is_made_by_leads_curators_and_admins_of_a_published_local_resource(host) {
        let id = published(host, guide("leeds", "First steps")).await;
        let champion = host.champion(&["leeds:champion"]).await;
        assert_eq!(offers(&champion, &id).await.code(), "FORBIDDEN");
        assert_eq!(offers(&host.champion(&["hull:curator"]).await, &id).await.code(), "FORBIDDEN");
        assert_eq!(offers(&host.person(&["leeds:curator"]), &id).await.code(), "NOT_ALLOWED_NOW");
        assert_eq!(offers(&host.anonymous(), &id).await.code(), "NOT_FOUND");
        let admin = host.champion(&["leeds:site_admin"]).await;
        let empty = json!({ "resource": id, "reason": " " });
        assert_eq!(admin.does("resourcePropose", empty, PROPOSAL).await.problems(), "REQUIRED reason");
        let draft = writes(&champion, guide("leeds", "Draft")).await;
        assert_eq!(offers(&admin, &draft).await.code(), "NOT_ALLOWED_NOW");
        let national = published(host, guide(NATIONAL, "Ours")).await;
        assert_eq!(offers(&host.champion(&["national:curator"]).await, &national).await.problems(), "INVALID resource");

        let proposal = offers(&admin, &id).await.record()["id"].clone();
        assert_eq!(offers(&admin, &id).await.problems(), "NOT_ALLOWED_NOW resource");
        let withdrawal = json!({ "id": proposal });
        for (person, code) in [
            (&champion, "FORBIDDEN"),
            (&host.person(&["national:curator"]), "FORBIDDEN"),
            (&host.person(&["hull:site_admin"]), "NOT_FOUND"),
            (&host.anonymous(), "NOT_FOUND"),
        ] {
            assert_eq!(person.does("resourceProposalWithdraw", withdrawal.clone(), PROPOSAL).await.code(), code);
        }
        let withdrawn = admin.does("resourceProposalWithdraw", withdrawal.clone(), PROPOSAL).await;
        assert_eq!(withdrawn.record()["status"], "WITHDRAWN");
        assert_eq!(admin.does("resourceProposalWithdraw", withdrawal, PROPOSAL).await.code(), "NOT_ALLOWED_NOW");
        host.server.0.clock.advance(TimeDelta::minutes(1));
        offers(&admin, &id).await.record();
        let statuses = "{ proposals { nodes { status } } }";
        assert_eq!(champion.run(statuses, json!({})).await.nodes("status"), ["OPEN", "WITHDRAWN"]);
    }
}

on_both! {
    async fn a_proposal_is_decided_by_national_curators_and_not_on_one_s_own(host) {
        let author = host.champion(&["leeds:champion"]).await;
        let id = writes(&author, with(guide("leeds", "First steps"), json!({ "visibility": "NETWORK" }))).await;
        brings_out(&author, &host.person(&["leeds:curator"]), &id).await;
        let lead = host.champion(&["leeds:project_lead", "national:curator"]).await;
        let proposal = offers(&lead, &id).await.record()["id"].clone();
        for (person, code) in [
            (&lead, "FORBIDDEN"),
            (&author.holding(&["leeds:champion", "national:curator"]), "FORBIDDEN"),
            (&host.person(&["leeds:site_admin"]), "FORBIDDEN"),
            (&host.person(&["national:site_admin"]), "NOT_FOUND"),
            (&host.person(&["hull:curator"]), "NOT_FOUND"),
            (&host.anonymous(), "NOT_FOUND"),
        ] {
            assert_eq!(decides(person, &proposal, true, json!(null)).await.code(), code);
        }
        let national = host.person(&["national:curator"]);
        assert_eq!(decides(&national, &proposal, false, json!(null)).await.problems(), "REQUIRED reason");
        let declined = decides(&national, &proposal, false, json!("There is one already.")).await;
        assert_eq!(declined.record()["status"], "DECLINED");
        assert_eq!(declined.record()["nationalCopy"], json!(null));
        assert_eq!(declined.record()["resource"]["title"], "First steps");
        let hidden = host.person(&["hull:champion"]).run(PROPOSALS, json!({})).await;
        assert_eq!(hidden.data()["proposals"], json!({ "nodes": [], "totalCount": 0 }));
    }
}
