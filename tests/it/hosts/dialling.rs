//! Calling the hub over real sockets: what one site writes arrives at all others, whatever the hub and the others do.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use champion_network::{
    federation::{
        apply, directory, feeds,
        run::Background,
        wire::{Header, Opening},
    },
    http,
};
use entity::peer_ack;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::*;
use crate::support::{DEADLINE, on_each_database};

/// A host that serves and works in the background.
pub struct Running {
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Runs a host at a socket.
pub fn run(host: &Host, listener: TcpListener) -> Running {
    let app = Arc::clone(app(host));
    let router = host.server.router().unwrap();
    let background = Background::start(&app).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        let stopped = background.stopping(async { drop(stopped.await) });
        http::serve(listener, router, &app.settings.http, stopped).await;
        background.end().await;
    });
    Running { stop, serving }
}

impl Running {
    /// Stops it; it ends in order.
    pub async fn ends(self) {
        drop(self.stop);
        tokio::time::timeout(DEADLINE, self.serving)
            .await
            .expect("it ends")
            .unwrap();
    }
}

pub async fn socket() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A hub at an address, and two hosts that call it.
pub async fn calling(backend: Backend, hub: SocketAddr) -> Network {
    let calls = |settings: &mut champion_network::config::Settings| {
        settings.hub_url = format!("http://{hub}");
        settings.development_issuer = true;
    };
    Network::joined(backend, |settings| settings.http.body_seconds = 1, calls).await
}

pub async fn project(host: &Host, slug: &str, title: &str) {
    let lead = host.champion(&[&format!("{slug}:project_lead")]).await;
    let input = json!({
        "site": slug, "title": title, "summary": "All about it.", "visibility": "NETWORK", "focusAreas": ["STAFF_CULTURE"],
    });
    lead.does("projectCreate", input, "project { id }").await.record();
}

/// Waits until a host has read all that another has written for everybody.
async fn reads(reader: &Host, writer: &Host, slug: &str) {
    let (reader, writer) = (app(reader), app(writer));
    let site = id(writer, slug).await;
    until(&format!("{slug} is read"), async || {
        let nothing_waits = entity::outbox::Entity::find()
            .one(writer.reader())
            .await
            .unwrap()
            .is_none();
        let written = feeds::feed(writer.reader(), site, Audience::Network).await.unwrap()?;
        let read = apply::cursor(reader.reader(), site, Audience::Network).await.unwrap();
        let all = (read.epoch, read.pos, read.head) == (Some(written.epoch), written.pos, written.head);
        (all && nothing_waits).then_some(())
    })
    .await;
}

on_each_database! {
    async fn what_is_written_anywhere_arrives_everywhere(backend) {
        let (at_hub, address) = socket().await;
        let network = calling(backend, address).await;
        project(&network.leeds, "leeds", "Before the start").await;
        let hub = run(&network.hub, at_hub);
        let leeds = run(&network.leeds, socket().await.0);
        let hull = run(&network.hull, socket().await.0);
        reads(&network.hull, &network.leeds, "leeds").await;
        reads(&network.hub, &network.leeds, "leeds").await;
        reads(&network.leeds, &network.hub, NATIONAL).await;

        project(&network.leeds, "leeds", "Garden").await;
        project(&network.hull, "hull", "Harbour").await;
        project(&network.hub, NATIONAL, "Everywhere").await;
        for reader in [&network.hub, &network.leeds] {
            reads(reader, &network.hull, "hull").await;
        }
        for reader in [&network.hub, &network.hull] {
            reads(reader, &network.leeds, "leeds").await;
        }
        for reader in [&network.leeds, &network.hull] {
            reads(reader, &network.hub, NATIONAL).await;
        }
        let (from_leeds, hull_site) = (id(app(&network.hub), "leeds").await, id(app(&network.hub), "hull").await);
        let written = feeds::feed(app(&network.leeds).reader(), from_leeds, Audience::Network).await.unwrap().unwrap();
        until("Hull acknowledges what it has read of Leeds", async || {
            let acks = peer_ack::Entity::find().all(app(&network.hub).reader()).await.unwrap();
            acks.into_iter().find(|ack| {
                (ack.site_id, ack.origin, ack.pos) == (hull_site, from_leeds, i64::try_from(written.pos).unwrap())
            })
        }).await;
        tokio::join!(leeds.ends(), hull.ends(), hub.ends());
    }
}

on_each_database! {
    async fn a_site_that_was_restored_from_a_backup_opens_a_new_epoch(backend) {
        let (at_hub, address) = socket().await;
        let network = calling(backend, address).await;
        let peer = Peer::of(&network.leeds, "leeds").await;
        let mut told = Story::begins(&peer, Audience::Network, None);
        told.tells(Uuid::from_u128(77), "What Leeds has forgotten");
        let report = Story::begins(&peer, Audience::Hub, None);
        for batch in [told.whole(), report.whole()] {
            assert_eq!(peer.appends(&network.hub, &batch).await.status(), 200);
        }
        project(&network.leeds, "leeds", "Garden").await;
        sequencer::run(app(&network.leeds)).await.unwrap();
        let before = feeds::feed(app(&network.leeds).reader(), peer.site, Audience::Network).await.unwrap().unwrap();
        assert_ne!(before.epoch, told.feed.epoch);

        let hub = run(&network.hub, at_hub);
        let leeds = run(&network.leeds, socket().await.0);
        let epoch = until("the hub holds another epoch", async || {
            let held = feeds::feed(app(&network.hub).reader(), peer.site, Audience::Network).await.unwrap()?;
            (held.epoch != told.feed.epoch).then_some(held.epoch)
        }).await;
        reads(&network.hub, &network.leeds, "leeds").await;

        let entries = entity::feed_entry::Entity::find().all(app(&network.hub).reader()).await.unwrap();
        let ours = |entry: &entity::feed_entry::Model| entry.origin == peer.site && entry.audience == "network";
        let mut entries: Vec<_> = entries.into_iter().filter(ours).collect();
        entries.sort_by_key(|entry| entry.pos);
        assert!(entries.iter().all(|entry| entry.epoch == epoch.0), "the old epoch is forgotten");
        let opening = Opening::parse(entries[0].payload.as_deref().unwrap()).unwrap();
        assert_eq!(opening.previous, Some(told.ended()));
        let kinds = entries.iter().map(|entry| Header::parse(&entry.header).unwrap().kind);
        assert!(kinds.collect::<Vec<_>>().contains(&"project".to_owned()));
        assert!(entries.iter().all(|entry| entry.payload.is_some()), "what is shown is said once");
        until("a feed that Leeds has forgotten is opened anew", async || {
            let held = feeds::feed(app(&network.hub).reader(), peer.site, Audience::Hub).await.unwrap()?;
            let own = feeds::feed(app(&network.leeds).reader(), peer.site, Audience::Hub).await.unwrap()?;
            (held.epoch != report.feed.epoch && held == own).then_some(())
        }).await;
        tokio::join!(leeds.ends(), hub.ends());
    }
}

on_each_database! {
    async fn a_hub_that_comes_late_or_restarts_is_found(backend) {
        let (at_hub, address) = socket().await;
        drop(at_hub);
        let network = calling(backend, address).await;
        let leeds = run(&network.leeds, socket().await.0);
        project(&network.leeds, "leeds", "Garden").await;
        until("it is written", async || {
            entity::outbox::Entity::find().one(app(&network.leeds).reader()).await.unwrap().is_none().then_some(())
        }).await;
        let at_hub = TcpListener::bind(address).await.unwrap();
        let hub = run(&network.hub, at_hub);
        reads(&network.hub, &network.leeds, "leeds").await;
        tokio::join!(leeds.ends(), hub.ends());
    }
}

on_each_database! {
    async fn hosts_whose_clocks_are_a_day_apart_hear_each_other(backend) {
        let (at_hub, address) = socket().await;
        let network = calling(backend, address).await;
        app(&network.leeds).clock.advance(chrono::TimeDelta::days(1));
        app(&network.hull).clock.advance(chrono::TimeDelta::days(-1));
        let hub = run(&network.hub, at_hub);
        let leeds = run(&network.leeds, socket().await.0);
        let hull = run(&network.hull, socket().await.0);
        project(&network.leeds, "leeds", "Garden").await;
        project(&network.hull, "hull", "Harbour").await;
        project(&network.hub, NATIONAL, "Everywhere").await;
        for (writer, slug) in [(&network.leeds, "leeds"), (&network.hull, "hull"), (&network.hub, NATIONAL)] {
            for reader in [&network.hub, &network.leeds, &network.hull] {
                if !std::ptr::eq(reader, writer) {
                    reads(reader, writer, slug).await;
                }
            }
        }
        tokio::join!(leeds.ends(), hull.ends(), hub.ends());
    }
}

on_each_database! {
    async fn a_site_that_the_hub_turns_away_deafens_no_other_of_its_host(backend) {
        let (at_hub, address) = socket().await;
        let network = calling(backend, address).await;
        let both = Host::keeping(backend, &["bath", "york"], 10, |settings| {
            settings.hub_url = format!("http://{address}");
            settings.development_issuer = true;
        })
        .await;
        for slug in ["bath", "york"] {
            network.admits(&both, slug).await;
        }
        let national = crate::support::network::national(&network.hub).await;
        let join = app(&both).system("join", async |work| directory::join(work, national).await);
        join.await.unwrap();
        let suspend = json!({ "site": "bath", "reason": "Nobody answers." });
        let admin = network.hub.person(&["national:site_admin"]);
        admin.does("siteSuspend", suspend, "site { status }").await.record();
        let (bath, york) = (id(app(&both), "bath").await, id(app(&both), "york").await);
        assert!(bath < york, "bath is the first whom it would ask for");

        let hub = run(&network.hub, at_hub);
        let running = run(&both, socket().await.0);
        project(&network.hub, NATIONAL, "Everywhere").await;
        reads(&both, &network.hub, NATIONAL).await;
        project(&network.leeds, "leeds", "Garden").await;
        let leeds = run(&network.leeds, socket().await.0);
        reads(&both, &network.leeds, "leeds").await;
        until("York acknowledges it", async || {
            let acks = peer_ack::Entity::find().all(app(&network.hub).reader()).await.unwrap();
            acks.into_iter().find(|ack| ack.site_id == york)
        }).await;
        tokio::join!(leeds.ends(), running.ends(), hub.ends());
    }
}

on_each_database! {
    async fn a_report_that_the_hub_refuses_and_a_long_ledger_hold_up_nothing(backend) {
        let (at_hub, address) = socket().await;
        let network = calling(backend, address).await;
        let leeds = id(app(&network.leeds), "leeds").await;
        // More than goes into one message.
        let erased: Vec<_> = (1..70_000).map(|number| (leeds, Uuid::from_u128(number))).collect();
        app(&network.hub).ledger.write(&[], &erased).unwrap();
        let national = id(app(&network.leeds), NATIONAL).await;
        for origin in [SiteId(Uuid::from_u128(1)), national] {
            let parked = entity::feed_parked::ActiveModel {
                origin: Set(origin),
                audience: Set(Audience::Network.to_string()),
                pos: Set(1),
                record_id: Set(Uuid::from_u128(2)),
                reason: Set("nobody understands it".to_owned()),
                waits_for: Set(None),
                header: Set("{}".to_owned()),
                salt: Set(None),
                payload: Set(None),
            };
            let park = app(&network.leeds).system("park", async |work| {
                parked.insert(work.db()).await?;
                Ok(())
            });
            park.await.unwrap();
        }
        project(&network.leeds, "leeds", "Garden").await;
        let hub = run(&network.hub, at_hub);
        let running = run(&network.leeds, socket().await.0);
        reads(&network.hub, &network.leeds, "leeds").await;
        until("the report that the hub wants is there", async || {
            let reports = entity::peer_report::Entity::find().all(app(&network.hub).reader()).await.unwrap();
            reports.into_iter().find(|report| report.origin == national)
        }).await;
        tokio::join!(running.ends(), hub.ends());
    }
}

/// Somebody who answers every connection with these bytes, and counts them.
async fn answers_always(bytes: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let (listener, address) = socket().await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let bytes = bytes.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (address, count)
}

on_each_database! {
    async fn a_hub_that_answers_garbage_or_elsewhere_is_not_followed_and_not_given_up(backend) {
        let (elsewhere, followed) = answers_always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec()).await;
        let redirect = format!("HTTP/1.1 307 Go\r\nlocation: http://{elsewhere}/fed/v1/hello\r\ncontent-length: 0\r\n\r\n");
        let long = champion_network::federation::messages::MAX_BODY_BYTES + 2;
        let mut flood = format!("HTTP/1.1 200 OK\r\ncontent-length: {long}\r\n\r\n").into_bytes();
        flood.resize(flood.len() + long, b'[');
        for answer in [redirect.into_bytes(), flood, b"\x00\x01garbage\r\n\r\n".to_vec(), Vec::new()] {
            let (address, asked) = answers_always(answer).await;
            let host = Host::keeping(backend, &["leeds"], 2, |settings| {
                settings.hub_url = format!("http://{address}");
                settings.development_issuer = true;
            })
            .await;
            let background = Background::start(app(&host)).unwrap();
            until("the hub is asked again", async || (asked.load(Ordering::SeqCst) >= 2).then_some(())).await;
            project(&host, "leeds", "Garden").await;
            background.end().await;
        }
        assert_eq!(followed.load(Ordering::SeqCst), 0, "no redirect is followed");
    }
}

on_each_database! {
    async fn a_peer_that_dawdles_loses_its_connection_and_holds_up_nobody(backend) {
        let (at_hub, address) = socket().await;
        let network = calling(backend, address).await;
        let hub = run(&network.hub, at_hub);
        let hull = Peer::of(&network.hull, "hull").await;
        let mut slow = Vec::new();
        for _ in 0..20 {
            let (head, _) = hull.request(&network.hub, "POST", "/fed/v1/ack", b"never sent").await.into_parts();
            let token = head.headers["authorization"].to_str().unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!(
                "POST /fed/v1/ack HTTP/1.1\r\nhost: hub\r\ncn-fed: 1\r\nauthorization: {token}\r\ncontent-length: 10\r\n\r\nnever"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            slow.push(stream);
        }
        let mut garbage = TcpStream::connect(address).await.unwrap();
        garbage.write_all(&[0xff; 4096]).await.unwrap();

        let leeds = run(&network.leeds, socket().await.0);
        project(&network.leeds, "leeds", "Garden").await;
        reads(&network.hub, &network.leeds, "leeds").await;
        for mut stream in slow {
            let mut answer = vec![0; 64];
            let read = tokio::time::timeout(DEADLINE, stream.read(&mut answer)).await.expect("an answer").unwrap();
            assert!(String::from_utf8_lossy(&answer[..read]).starts_with("HTTP/1.1 408"));
        }
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(DEADLINE, garbage.read_to_end(&mut rest)).await.expect("it is closed");
        tokio::join!(leeds.ends(), hub.ends());
    }
}
