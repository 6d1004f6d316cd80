//! Who is told: those who can read a record when the event reaches them, and of its end those who could before.

use sea_orm::EntityTrait;

use super::{CHANGED, POSTS, post, project, space, thread, told, update};
use crate::support::{Served, json, on_both};

on_both! {
    async fn who_loses_sight_of_a_record_is_told_so_and_nobody_else(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let garden = project(&lead, "Garden", "NETWORK").await;
        let follow = json!({ "kinds": ["PROJECT"] });
        let mut member = served.socket(&host.person(&["leeds:champion"])).await;
        let mut neighbour = served.socket(&host.person(&["hull:champion"])).await;
        let mut roleless = served.socket(&host.person(&[])).await;
        let mut nobody = served.socket(&host.anonymous()).await;
        for socket in [&mut member, &mut neighbour, &mut roleless, &mut nobody] {
            socket.follows("1", CHANGED, follow.clone()).await;
        }

        let garden = update(&lead, &garden, json!({ "visibility": "SITE" })).await;
        let garden = update(&lead, &garden, json!({ "title": "Park" })).await;
        update(&lead, &garden, json!({ "visibility": "PUBLIC" })).await;

        for _ in 0..3 {
            assert_eq!(member.event("1").await["change"], "UPDATED");
        }
        for change in ["REMOVED", "CREATED Park"] {
            assert_eq!(told(&mut neighbour, "1").await, change);
        }
        for socket in [&mut roleless, &mut nobody] {
            assert_eq!(told(socket, "1").await, "CREATED Park");
        }
    }
}

on_both! {
    async fn a_record_that_is_private_by_the_time_of_its_event_is_not_told(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut before = served.socket(&host.person(&["hull:champion"])).await;
        before.follows("1", CHANGED, json!({})).await;
        let marker = project(&lead, "Marker", "PUBLIC").await;
        let cursor = before.event("1").await["cursor"].clone();
        let garden = project(&lead, "Garden", "NETWORK").await;
        update(&lead, &garden, json!({ "visibility": "SITE" })).await;
        update(&lead, &marker, json!({ "title": "Still here" })).await;

        let mut late = served.socket(&host.person(&["hull:champion"])).await;
        late.follows("1", CHANGED, json!({ "after": cursor })).await;

        assert_eq!(told(&mut late, "1").await, "REMOVED");
        assert_eq!(told(&mut late, "1").await, "UPDATED Still here");
    }
}

on_both! {
    async fn rights_are_looked_at_anew_for_every_event(host) {
        let served = Served::start(&host.server).await;
        let moderator = host.person(&["leeds:moderator"]);
        moderator.becomes_champion("leeds").await;
        let member = host.person(&["leeds:champion"]);
        let id = member.becomes_champion("leeds").await;
        let input = json!({ "site": "leeds", "name": "Clinic", "about": "For us.", "access": "CLOSED" });
        let made = moderator.does("spaceCreate", input, "space { id version }").await.record().clone();
        let outsider = host.champion(&["leeds:champion"]).await;
        let mut hers = served.socket(&member).await;
        let mut his = served.socket(&outsider).await;
        for socket in [&mut hers, &mut his] {
            socket.follows("1", CHANGED, json!({ "kinds": ["SPACE", "THREAD", "POST"] })).await;
        }

        let add = json!({ "id": made["id"], "version": 1, "champion": id });
        moderator.does("spaceAddMember", add, "space { id }").await.record();
        let started = thread(&member, &made).await;
        post(&member, &started, "Among us.").await;
        assert_eq!(hers.event("1").await["id"], made["id"]);
        assert_eq!(told(&mut hers, "1").await, "CREATED Tablets");
        assert_eq!(told(&mut hers, "1").await, "CREATED Among us.");
        let mut posts = served.socket(&member).await;
        posts.follows("2", POSTS, json!({ "thread": started["id"] })).await;

        let remove = json!({ "id": made["id"], "version": 2, "champion": id });
        moderator.does("spaceRemoveMember", remove, "space { id }").await.record();
        // The moderator is no member; somebody who is writes on.
        let other = host.person(&["leeds:champion"]);
        let other_id = other.becomes_champion("leeds").await;
        let add = json!({ "id": made["id"], "version": 3, "champion": other_id });
        moderator.does("spaceAddMember", add, "space { id }").await.record();
        post(&other, &started, "Without her.").await;
        let open = space(host, "leeds", "SITE").await;

        for socket in [&mut hers, &mut his] {
            assert_eq!(socket.event("1").await["id"], open["id"]);
        }
        posts.follows("3", CHANGED, json!({})).await;
        let sentinel = thread(&member, &open).await;
        assert_eq!(posts.event("3").await["id"], sentinel["id"]);
        assert_eq!(posts.heard("2"), 0);
    }
}

on_both! {
    async fn a_socket_ends_when_its_issuer_is_trusted_no_more(host) {
        let served = Served::start(&host.server).await;
        let lead = host.champion(&["leeds:project_lead"]).await;
        let mut hers = served.socket(&host.person(&["hull:champion"])).await;
        hers.follows("1", CHANGED, json!({})).await;
        let admin = host.person(&["hull:site_admin", "leeds:site_admin", "national:site_admin"]);
        let listed = "{ issuers(site: \"SITE\") { nodes { id version } } }";
        // The admin's own registrations go last.
        for site in ["hull", "leeds", "national"] {
            let reply = admin.run(&listed.replace("SITE", site), json!({})).await;
            for issuer in reply.data()["issuers"]["nodes"].as_array().unwrap() {
                let revoke = json!({ "id": issuer["id"], "version": issuer["version"] });
                admin.does("issuerRevoke", revoke, "issuer { id }").await;
            }
            if site == "hull" {
                project(&lead, "Garden", "PUBLIC").await;
                assert_eq!(told(&mut hers, "1").await, "CREATED Garden");
            }
        }
        let mut nobody = served.socket(&host.anonymous()).await;
        nobody.follows("1", CHANGED, json!({})).await;

        host.server.0.system("test", async |work| {
            let garden = entity::project::Entity::find().one(work.db()).await?;
            work.tell(entity::Kind::Project, garden.unwrap().id);
            Ok(())
        }).await.unwrap();

        assert_eq!(told(&mut nobody, "1").await, "UPDATED Garden");
        assert_eq!(hers.closed().await, 4403);
    }
}

on_both! {
    async fn what_a_thread_hides_goes_with_it(host) {
        let served = Served::start(&host.server).await;
        let ana = host.champion(&["leeds:champion"]).await;
        let moderator = host.person(&["national:moderator"]);
        let started = thread(&ana, &space(host, "national", "NETWORK").await).await;
        post(&ana, &started, "First.").await;
        let mut socket = served.socket(&host.person(&["hull:champion"])).await;
        socket.follows("1", CHANGED, json!({})).await;

        for state in ["HIDDEN", "OPEN"] {
            let act = json!({ "id": started["id"], "state": state, "reason": "Because." });
            moderator.does("threadSetState", act, "thread { id }").await.record();
        }

        for change in ["REMOVED", "REMOVED", "CREATED Tablets", "CREATED First."] {
            assert_eq!(told(&mut socket, "1").await, change);
        }
    }
}
