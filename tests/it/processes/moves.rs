//! A site that moves from one host to another while both run, and is kept by one at every moment.

use entity::site;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{network::Held, *};

/// Whether a host keeps a site.
async fn keeps(host: &Process, slug: &str) -> bool {
    let inside = host.inside().await;
    let found = site::Entity::find().filter(site::Column::Slug.eq(slug));
    let found = found.one(inside.0.reader()).await.unwrap().unwrap();
    inside.0.database.close().await.unwrap();
    found.hosted
}

on_each_database! {
    async fn a_site_is_kept_by_one_host_at_every_moment(backend) {
        let (hub, [leeds, hull]) = network(backend, ["leeds", "hull"]).await;
        // A second site, in whose name the old host hears what has become of the first.
        let asked = leeds.does(&["site", "join", "--slug", "york", "--name", "York"]);
        let input = serde_json::from_str(&asked).unwrap();
        hub.member("admin", "site_admin").does("siteAdmit", input, "site { slug }").await;
        let lead = leeds.champion("lead", "project_lead").await;
        lead.writes("Before").await;
        take_in(&[&hub, &leeds, &hull]).await;

        let file = |name: &str| hull.folder().join(name).display().to_string();
        let (first, second) = (file("first"), file("second"));
        leeds.does(&["site", "export", "leeds", "--file", &first]);
        assert!(!keeps(&leeds, "leeds").await);
        leeds.does(&["site", "keep", "leeds"]);
        assert!(keeps(&leeds, "leeds").await);
        hull.fails(&["site", "import", "--file", &first]);
        assert!(!keeps(&hull, "leeds").await, "the file is worth nothing any more");
        lead.writes("Kept").await;
        take_in(&[&hub, &leeds, &hull]).await;

        leeds.does(&["site", "export", "leeds", "--file", &second]);
        let epoch = Held::by(&hub, "leeds").await.head.unwrap().epoch;
        hull.does(&["site", "import", "--file", &second]);
        assert!(keeps(&hull, "leeds").await);
        leeds.fails(&["site", "keep", "leeds"]);
        hull.fails(&["site", "import", "--file", &second]);
        assert!(!keeps(&leeds, "leeds").await);
        for host in [&hub, &leeds] {
            until("the new epoch is read", async || {
                let read = Held::by(host, "leeds").await.cursor?;
                (read.epoch != Some(epoch) && read.state == "LIVE").then_some(())
            }).await;
        }
        for host in [&hub, &hull] {
            assert_eq!(titles(host, "leeds").await, ["Before", "Kept"]);
        }
        assert_eq!(Held::by(&leeds, "leeds").await.shown(), Held::by(&hub, "leeds").await.shown());
        assert!(Held::by(&leeds, "leeds").await.entries.is_empty(), "what it told as the site's host is gone");
        assert!(keeps(&leeds, "york").await);
        for host in [&hub, &leeds, &hull] {
            let told = host.does(&["check"]);
            assert!(told.starts_with("Everything holds."), "{told}");
        }
    }
}
