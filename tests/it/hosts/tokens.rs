//! Tokens between hosts: each counts for one request to one host, once.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use champion_network::federation::wire::Hash;
use entity::site_key;
use sha2::{Digest, Sha256};

use super::*;

const TARGET: &str = "/fed/v1/changes?since=0";

/// What a token says, and who signs it.
struct Forger {
    header: Value,
    claims: Value,
    pair: Ed25519KeyPair,
}

impl Forger {
    /// Somebody who has the key of a site and begins with a good token.
    async fn with_the_key_of(peer: &Peer<'_>, to: &Host) -> Self {
        let key = (peer.site, peer.key.kid().to_owned());
        let row = site_key::Entity::find_by_id(key)
            .one(peer.app.reader())
            .await
            .unwrap()
            .unwrap();
        let now = to.now().timestamp();
        Self {
            header: json!({ "typ": "cn-fed+jwt", "alg": "EdDSA", "kid": peer.key.kid() }),
            claims: json!({
                "iss": peer.site.0, "sub": peer.site.0, "aud": host::id(app(to)).await.unwrap(), "iat": now,
                "exp": now + 60, "jti": peer.app.ids.unordered(), "htm": "GET", "htu": TARGET,
                "bh": Hash(Sha256::digest(b"").into()),
            }),
            pair: Ed25519KeyPair::from_pkcs8(&row.secret.0).unwrap(),
        }
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn token(&self) -> String {
        self.sign(&self.header.to_string(), &self.claims.to_string())
    }

    /// A new token with another claim; without it for null.
    fn says(&self, ids: &champion_network::clock::Ids, claim: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims["jti"] = json!(ids.unordered());
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(claim);
        } else {
            claims[claim] = value;
        }
        self.sign(&self.header.to_string(), &claims.to_string())
    }
}

async fn presents(to: &Host, token: &str) -> Response<Bytes> {
    let request = Request::builder().uri(TARGET).header("cn-fed", "1");
    let request = request.header("authorization", format!("Bearer {token}"));
    to.send(request.body(Body::empty()).unwrap()).await
}

in_a_network! {
    async fn a_token_counts_for_one_request_to_one_host_and_once(network) {
        let (peer, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let forger = Forger::with_the_key_of(&peer, hub).await;
        let good = forger.token();
        assert_eq!(presents(hub, &good).await.status(), 200);
        assert_eq!(refusal(&presents(hub, &good).await), (401, "UNAUTHENTICATED".to_owned()), "a replay");

        let now = hub.now().timestamp();
        let other = Hash(Sha256::digest(b"another").into());
        let hull = id(app(hub), "hull").await;
        let leeds_host = host::id(app(&network.leeds)).await.unwrap();
        let ids = &peer.app.ids;
        for (claim, value) in [
            ("iss", json!(hull.0)),
            ("sub", json!(hull.0)),
            ("aud", json!(leeds_host)),
            ("aud", json!([forger.claims["aud"]])),
            ("htm", json!("POST")),
            ("htu", json!("/fed/v1/changes?since=1")),
            ("htu", json!("/fed/v1/changes")),
            ("bh", json!(other)),
            ("bh", json!("")),
            ("exp", json!(now + 61)),
            ("exp", json!(now)),
            ("iat", json!(now + 31)),
            ("jti", json!("leeds")),
            ("admin", json!(true)),
        ] {
            let told = refusal(&presents(hub, &forger.says(ids, claim, value.clone())).await);
            assert_eq!(told, (401, "UNAUTHENTICATED".to_owned()), "{claim} {value}");
        }
        for claim in ["iss", "sub", "aud", "iat", "exp", "jti", "htm", "htu", "bh"] {
            assert_eq!(presents(hub, &forger.says(ids, claim, Value::Null)).await.status(), 401, "{claim}");
        }
        let old = Forger { claims: json!({ "iat": now - 91, "exp": now - 31 }), ..Forger::with_the_key_of(&peer, hub).await };
        let mut claims = forger.claims.clone();
        (claims["iat"], claims["exp"], claims["jti"]) = (json!(now - 90), json!(now - 30), json!(ids.unordered()));
        assert_eq!(presents(hub, &old.sign(&old.header.to_string(), &claims.to_string())).await.status(), 401);
        claims["exp"] = json!(now - 29);
        claims["iat"] = json!(now - 89);
        assert_eq!(presents(hub, &old.sign(&old.header.to_string(), &claims.to_string())).await.status(), 200);
    }
}

in_a_network! {
    async fn a_token_is_signed_with_the_present_key_of_its_site(network) {
        let (peer, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let forger = Forger::with_the_key_of(&peer, hub).await;
        for (member, value) in [("typ", "at+jwt"), ("alg", "none"), ("kid", "another"), ("crit", "x")] {
            let mut header = forger.header.clone();
            header[member] = json!(value);
            let mut claims = forger.claims.clone();
            claims["jti"] = json!(peer.app.ids.unordered());
            let token = forger.sign(&header.to_string(), &claims.to_string());
            assert_eq!(presents(hub, &token).await.status(), 401, "{member}");
        }
        let twice = forger.claims.to_string().replacen('{', "{\"htm\":\"GET\",", 1);
        assert_eq!(presents(hub, &forger.sign(&forger.header.to_string(), &twice)).await.status(), 401, "a repeated claim");

        let hull = Peer::of(&network.hull, "hull").await;
        let thief = Forger { pair: Forger::with_the_key_of(&hull, hub).await.pair, ..Forger::with_the_key_of(&peer, hub).await };
        assert_eq!(presents(hub, &thief.token()).await.status(), 401, "another site's key");
        let stranger = Forger::with_the_key_of(&peer, hub).await;
        let mut claims = stranger.claims.clone();
        (claims["iss"], claims["sub"]) = (json!(Uuid::from_u128(9)), json!(Uuid::from_u128(9)));
        let token = stranger.sign(&stranger.header.to_string(), &claims.to_string());
        assert_eq!(presents(hub, &token).await.status(), 401, "an unknown site");
        for garbage in ["", "a.b.c", "....", "ä.ö.ü", &"a".repeat(3000)] {
            assert_eq!(presents(hub, garbage).await.status(), 401, "{garbage}");
        }
        assert_eq!(presents(hub, &forger.token()).await.status(), 200);
    }
}

in_a_network! {
    async fn a_body_is_the_one_that_the_token_is_for(network) {
        let (peer, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let request = peer.request(hub, "POST", "/fed/v1/ack", b"{}").await;
        let (head, _) = request.into_parts();
        let swapped = Request::from_parts(head, Body::from("[]"));
        assert_eq!(refusal(&hub.send(swapped).await), (401, "UNAUTHENTICATED".to_owned()));
        let told = peer.posts(hub, "/fed/v1/ack", b"{}").await;
        assert_eq!(refusal(&told), (400, "MALFORMED".to_owned()), "the token counts, and this is no acknowledgement");
    }
}

in_a_network! {
    async fn who_speaks_another_version_or_is_not_active_is_told_so(network) {
        let (peer, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        for version in [None, Some("2"), Some("one")] {
            let mut request = peer.request(hub, "GET", TARGET, b"").await;
            request.headers_mut().remove("cn-fed");
            if let Some(version) = version {
                request.headers_mut().insert("cn-fed", version.parse().unwrap());
            }
            let told = hub.send(request).await;
            assert_eq!(refusal(&told), (426, "PROTOCOL".to_owned()));
            assert_eq!(told.headers()["upgrade"], "cn-fed/1");
        }
        let suspend = json!({ "site": "leeds", "reason": "Its key was stolen." });
        hub.person(&["national:site_admin"]).does("siteSuspend", suspend, "site { status }").await.record();
        assert_eq!(refusal(&peer.gets(hub, TARGET).await), (403, "NOT_ACTIVE".to_owned()));
    }
}

in_a_network! {
    async fn a_host_says_who_it_is_to_everybody_and_what_it_holds_to_its_peers(network) {
        let (peer, hub) = (Peer::of(&network.leeds, "leeds").await, &network.hub);
        let anybody = hub.send(Request::builder().uri("/fed/v1/hello").body(Body::empty()).unwrap()).await;
        let hello = json_of(&anybody);
        assert_eq!((anybody.status().as_u16(), &hello["hub"], &hello["cursors"]), (200, &json!(true), &json!([])));
        assert_eq!(hello["host"], json!(host::id(app(hub)).await.unwrap()), "the same at each call");
        assert_eq!(hello["protocol"], json!({ "min": 1, "max": 1 }));
        assert_eq!(hello["at"], json!(hub.now().timestamp_millis()));
        assert!(hello["schemas"].as_array().unwrap().contains(&json!("project@1")));

        let story = Story::begins(&peer, Audience::Network, None);
        assert_eq!(peer.appends(hub, &story.whole()).await.status(), 200);
        let hello = json_of(&peer.gets(hub, "/fed/v1/hello").await);
        let held = story.ended();
        let held = json!([{ "audience": "network", "epoch": held.epoch, "to": held.to, "head": held.head }]);
        assert_eq!(hello["cursors"], held);
        let anybody = Request::builder().uri("/fed/v1/hello").body(Body::empty()).unwrap();
        let region = json_of(&network.leeds.send(anybody).await);
        assert_eq!(region["hub"], json!(false));
        assert_ne!(region["host"], hello["host"]);
    }
}

in_a_network! {
    async fn no_token_is_made_for_a_time_beyond_all_clocks(network) {
        let peer = Peer::of(&network.leeds, "leeds").await;
        let request = transport::Request { host: Uuid::from_u128(1), method: "GET", target: TARGET };
        let sign = |now| transport::sign(&peer.key, peer.site, &request, b"", now, Uuid::from_u128(2));
        assert!(sign(network.hub.now()).is_ok());
        assert!(sign(chrono::DateTime::<chrono::Utc>::MAX_UTC).is_err());
    }
}
