//! What comes from other hosts is told like what is written here.

use super::{CHANGED, POSTS, post, project, space, thread, told, update};
use crate::support::{Served, between_hosts, json};

between_hosts! {
    async fn copies_are_told_of_as_they_come_change_and_go(network) {
        let served = Served::start(&network.hull.server).await;
        let lead = network.leeds.champion(&["leeds:project_lead"]).await;
        let mut reader = served.socket(&network.hull.person(&["hull:champion"])).await;
        reader.follows("1", CHANGED, json!({ "kinds": ["PROJECT"], "site": "leeds" })).await;

        let garden = project(&lead, "Garden", "NETWORK").await;
        network.meets().await;
        let garden = update(&lead, &garden, json!({ "title": "Park" })).await;
        network.meets().await;
        update(&lead, &garden, json!({ "visibility": "SITE" })).await;
        network.meets().await;
        project(&lead, "Pond", "NETWORK").await;
        network.meets().await;

        let created = reader.event("1").await;
        assert_eq!((&created["change"], &created["id"]), (&json!("CREATED"), &garden["id"]));
        assert_eq!(reader.event("1").await["change"], "UPDATED");
        assert_eq!(reader.event("1").await["change"], "REMOVED");
        assert_eq!(told(&mut reader, "1").await, "CREATED Pond");
    }
}

between_hosts! {
    async fn a_post_of_another_site_is_told_once_its_place_is_known(network) {
        let ana = network.leeds.champion(&["leeds:champion"]).await;
        let ben = network.hull.champion(&["hull:champion"]).await;
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let started = thread(&ana, &space).await;
        network.meets().await;
        let at_leeds = Served::start(&network.leeds.server).await;
        let at_hull = Served::start(&network.hull.server).await;
        let at_hub = Served::start(&network.hub.server).await;
        let mut sockets = [
            at_leeds.socket(&ana).await,
            at_hull.socket(&network.hull.person(&["hull:champion"])).await,
            at_hub.socket(&network.hub.person(&["national:champion"])).await,
        ];
        for socket in &mut sockets {
            socket.follows("1", POSTS, json!({ "thread": started["id"] })).await;
        }

        post(&ben, &started, "From Hull.").await;
        network.meets().await;
        post(&ana, &started, "From Leeds.").await;
        network.meets().await;

        for socket in &mut sockets {
            assert_eq!(socket.event("1").await["post"]["body"], "From Hull.");
            assert_eq!(socket.event("1").await["post"]["body"], "From Leeds.");
        }
    }
}

between_hosts! {
    async fn posts_that_come_together_are_told_in_the_order_of_their_thread(network) {
        let ben = network.hull.champion(&["hull:champion"]).await;
        let space = space(&network.hub, "national", "NETWORK").await;
        network.meets().await;
        let started = thread(&ben, &space).await;
        network.meets().await;
        let served = Served::start(&network.leeds.server).await;
        let mut reader = served.socket(&network.leeds.person(&["leeds:champion"])).await;
        reader.follows("1", POSTS, json!({ "thread": started["id"] })).await;

        let bodies: Vec<_> = (0..6).map(|number| format!("Post {number}.")).collect();
        for body in &bodies {
            post(&ben, &started, body).await;
        }
        network.meets().await;

        for body in &bodies {
            assert_eq!(reader.event("1").await["post"]["body"], **body);
        }
    }
}
