//! Peers that send anything but the protocol.

use std::time::Duration;

use champion_network::federation::{
    host,
    messages::MAX_BODY_BYTES,
    transport,
    wire::{Audience, Batch},
};
use entity::{SiteId, feed_checkpoint, feed_head};
use reqwest::Method;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;
use crate::hosts::{Peer, Story, address_of};

/// The longest that a connection of somebody who does nothing may live.
const PATIENCE: Duration = Duration::from_secs(20);

/// A token of a site for one request to a hub.
async fn token(peer: &Peer<'_>, hub: &Process, target: &str, body: &[u8]) -> String {
    let hello = hub.client.get(format!("http://{}/fed/v1/hello", hub.address));
    let hello = hello.send().await.unwrap().text().await.unwrap();
    let hello: Value = serde_json::from_str(&hello).unwrap();
    let request = transport::Request {
        host: hello["host"].as_str().unwrap().parse().unwrap(),
        method: "POST",
        target,
    };
    let (now, number) = (peer.app.clock.now(), peer.app.ids.unordered());
    transport::sign(&peer.key, peer.site, &request, body, now, number).unwrap()
}

/// Posts something in the name of a site; the status and the answer.
async fn posts(peer: &Peer<'_>, hub: &Process, target: &str, body: Vec<u8>) -> (u16, Value) {
    let token = token(peer, hub, target, &body).await;
    let request = hub
        .client
        .request(Method::POST, format!("http://{}{target}", hub.address));
    let told = request
        .header("cn-fed", "1")
        .bearer_auth(token)
        .body(body)
        .send()
        .await
        .unwrap();
    let status = told.status().as_u16();
    (
        status,
        serde_json::from_str(&told.text().await.unwrap()).unwrap_or_default(),
    )
}

/// Appends a batch at a hub in the name of its site.
pub async fn appends(peer: &Peer<'_>, hub: &Process, batch: &Batch) -> (u16, Value) {
    posts(peer, hub, &address_of(batch), serde_json::to_vec(batch).unwrap()).await
}

/// A connection on which these bytes came and nothing else will.
async fn says(hub: &Process, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(hub.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Who says these things is not answered as a peer is, and loses the connection.
async fn is_cut_off(mut stream: TcpStream, what: &str) {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // Cut off in the middle of what it sent, it may not even be told why.
    let _ = read.unwrap_or_else(|_| panic!("who sends {what} keeps its connection"));
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{what}: {answer}"
    );
}

on_each_database! {
    async fn a_peer_that_sends_anything_but_the_protocol_harms_only_itself(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let hull = Process::new(backend, "hull", Some(hub.address)).await;
        network::joins(&hull, &hub).await;
        let inside = hull.inside().await;
        let peer = Peer::at(&inside.0, "hull").await;
        let mut story = Story::begins(&peer, Audience::Network, None);
        story.tells(Uuid::from_u128(7), "Garden");
        let target = address_of(&story.whole());

        let token = token(&peer, &hub, &target, b"0123456789").await;
        let head = format!("POST {target} HTTP/1.1\r\nhost: hub\r\ncn-fed: 1\r\nauthorization: Bearer {token}\r\n");
        let mut waiting = Vec::new();
        for (what, bytes) in [
            ("bytes that are no HTTP", vec![0xff; 4096]),
            ("half a header", b"POST /fed/v1/ack HTTP/1.1\r\nhost: ".to_vec()),
            ("less than it promised", format!("{head}content-length: 10\r\n\r\n01234").into_bytes()),
            ("two lengths", format!("{head}content-length: 10\r\ncontent-length: 11\r\n\r\n0123456789").into_bytes()),
            ("a length that is none", format!("{head}content-length: -1\r\n\r\n0123456789").into_bytes()),
            ("broken chunks", format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\n").into_bytes()),
            ("a header without an end", {
                let mut bytes = format!("{head}x: ").into_bytes();
                bytes.resize(200_000, b'x');
                bytes
            }),
        ] {
            for _ in 0..5 {
                waiting.push((what, says(&hub, &bytes).await));
            }
        }

        // Meanwhile others are served.
        let lead = leeds.champion("lead", "project_lead").await;
        lead.writes("Library").await;
        in_step(&hub, &leeds).await;
        for (what, stream) in waiting {
            is_cut_off(stream, what).await;
        }

        let whole = story.whole();
        let garbage: [(&str, Vec<u8>, u16); 5] = [
            ("no JSON", b"{".to_vec(), 400),
            ("no batch", b"{}".to_vec(), 400),
            ("no text", vec![0xff; 100], 400),
            ("nesting without end", vec![b'['; 100_000], 400),
            ("more than a batch holds", vec![b' '; MAX_BODY_BYTES + 1], 413),
        ];
        for (what, body, status) in garbage {
            let told = posts(&peer, &hub, &target, body).await;
            assert_eq!(told.0, status, "{what}: {told:?}");
        }
        let mut many = whole.clone();
        many.entries = vec![whole.entries[1].clone(); 501];
        let mut promised = whole.clone();
        promised.to += 5;
        let mut unsigned = whole.clone();
        unsigned.checkpoint.to -= 1;
        for (what, batch) in [("too many entries", many), ("fewer than it says", promised), ("a seal of others", unsigned)] {
            let (status, told) = appends(&peer, &hub, &batch).await;
            assert!((400..500).contains(&status), "{what}: {status} {told}");
        }
        assert!(network::Held::by(&hub, "hull").await.entries.is_empty(), "nothing of it was kept");

        assert_eq!(appends(&peer, &hub, &whole).await.0, 200, "and what is right is taken");
        lead.writes("Market").await;
        in_step(&hub, &leeds).await;
        assert_eq!(titles(&hub, "leeds").await, ["Library", "Market"]);
        inside.0.database.close().await.unwrap();
    }
}

on_each_database! {
    async fn a_feed_of_a_site_that_nobody_knows_keeps_no_reader_busy(backend) {
        let (hub, [leeds]) = network(backend, ["leeds"]).await;
        let nora = hub.champion("nora", "project_lead").await;
        nora.writes("Before").await;
        take_in(&[&hub, &leeds]).await;
        // A hub that lists what it has made up.
        let (inside, invented) = (hub.inside().await, SiteId(Uuid::from_u128(5)));
        let national = network::id(&inside.0, "national").await;
        let network = Audience::Network.to_string();
        let list = inside.0.system("invent", async |work| {
            let changed = host::advance(work).await?;
            let key = (national, network.clone());
            let mut head = feed_head::Entity::find_by_id(key).one(work.db()).await?.unwrap();
            (head.origin, head.changed) = (invented, changed);
            let words = feed_checkpoint::Entity::find().filter(feed_checkpoint::Column::Origin.eq(national));
            let mut word = words.one(work.db()).await?.unwrap();
            (word.origin, word.epoch, word.pos) = (invented, head.epoch, head.pos);
            feed_head::Entity::insert(head.into_active_model()).exec_without_returning(work.db()).await?;
            let word = feed_checkpoint::Entity::insert(word.into_active_model());
            word.exec_without_returning(work.db()).await?;
            Ok(())
        });
        list.await.unwrap();
        for title in ["After 1", "After 2"] {
            nora.writes(title).await;
            in_step(&leeds, &hub).await;
        }
        assert!(!leeds.log().contains(&invented.to_string()), "it is not asked for");
        inside.0.database.close().await.unwrap();
    }
}
