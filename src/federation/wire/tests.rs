//! The wire format against values that were computed elsewhere, and against garbage.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use chrono::{DateTime, Utc};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::*;
use crate::fuzz::{Choice, MOMENT, changed, seeds};

const SITE: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
const EPOCH: &str = "01890a5d-ac96-7e12-8d2c-000000000001";

fn id(text: &str) -> Uuid {
    text.parse().unwrap()
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_000_000_000).unwrap()
}

fn header() -> Header {
    Header {
        pos: 1,
        gid: id(OTHER),
        kind: "project".into(),
        schema: "project@1".into(),
        op: Operation::Put,
        parent: None,
        ph: Some(payload_hash(SALT, PAYLOAD)),
        at: at(),
    }
}

const SALT: Salt = Salt([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
const PAYLOAD: &str = r#"{"title":"Gärten \"für alle\""}"#;

fn batch() -> Batch {
    let first = first_head(Origin(id(SITE)), Audience::Network, Epoch(id(EPOCH)));
    let entry = Entry {
        header: header().text(),
        salt: Some(SALT),
        payload: Some(PAYLOAD.into()),
    };
    Batch {
        origin: Origin(id(SITE)),
        audience: Audience::Network,
        epoch: Epoch(id(EPOCH)),
        from: 1,
        to: 1,
        prev: first,
        checkpoint: Checkpoint {
            to: 1,
            head: next_head(first, &entry.header),
            at: at(),
            kid: "k1".into(),
            sig: Signature([0; 64]),
        },
        entries: vec![entry],
        seal: None,
    }
}

fn digest(message: &[u8]) -> String {
    Head(Sha256::digest(message).into()).to_string()
}

/// Computed once in Python with `hashlib.sha256`, `struct` and `base64.urlsafe_b64encode` without the padding: a text is
/// `struct.pack(">I", length)` and its UTF-8 bytes, an id `uuid.UUID(...).bytes`, a number `struct.pack(">Q", n)`; each
/// message begins with the text of its purpose, then come its parts in the order of the function's parameters.
#[test]
fn hashes_and_messages_are_those_of_another_implementation() {
    let (site, epoch) = (Origin(id(SITE)), Epoch(id(EPOCH)));
    let first = |audience| first_head(site, audience, epoch).to_string();

    assert_eq!(first(Audience::Network), "pJ_vItChDxqdfTFjh0OTZFaI-M0hZLDB8f3u37m8SO8");
    assert_eq!(first(Audience::Hub), "bdWglk0LI5qwL9D7Uzn7p4LerfwaTWa294NmH4yWaZw");
    assert_eq!(
        first(Audience::Site(id(OTHER))),
        "_fw24sPRKt0FGOADvgDglV0XrzcYtSr2GoVHFGSUQys"
    );
    assert_eq!(
        payload_hash(SALT, PAYLOAD).to_string(),
        "GYtQP_iAss6dXzosgYZP-i_qtyVITrWbUMoF5CKkPsM"
    );

    let checkpoint = batch().checkpoint;
    assert_eq!(
        checkpoint.head.to_string(),
        "bUa7Y-YsZS1Ywtd9aCg6drxrOIoZvkw3s_d3j2ceo38"
    );
    let message = checkpoint_message(site, Audience::Network, epoch, &checkpoint);
    assert_eq!(message.len(), 114);
    assert_eq!(digest(&message), "oU-lDNzlK6YnflAfdDgsuCmIyFlTGOAYOf5qDnBjtTI");

    let key = PublicKey(std::array::from_fn(|index| u8::try_from(index).unwrap()));
    assert_eq!(
        digest(&key_message(site, "k2", key)),
        "PueP1wKaP9J93pCQPieT9YAwBtqqumBPbxlkuDzXO28"
    );
    assert_eq!(
        digest(&root_message(site, "k2", key)),
        "l8iFs2S1oc0F70EnOVgyPrW-yyc_YxvjwG5O5nh87Pw"
    );
}

/// Computed in Python too, by `docs/verify_audit.py`.
#[test]
fn the_chain_of_an_audit_is_that_of_another_implementation() {
    let site = Origin(id(SITE));
    let link = |position, pseudonym| AuditLink {
        site,
        position,
        id: id(OTHER),
        at: at(),
        pseudonym,
        action: "projectCreate",
        kind: "PROJECT",
        record: id(EPOCH),
    };

    let first = first_link(site);
    let second = next_link(first, &link(1, None));
    let third = next_link(second, &link(2, Some(id(EPOCH))));
    assert_eq!(first.to_string(), "4zkJ4bH4YYW6-0LXfGqkJKhRq3s8oZ2tjTIWcEXBfBQ");
    assert_eq!(second.to_string(), "VYw0it3ysvqBOza5WpwSYfsNXTXfwycOVmq_frSY0Ek");
    assert_eq!(third.to_string(), "bIhdTNFYVTi7Eq9CGFA-M_yZEmqO_A1LvMvZ-SU6jKk");
    let checkpoint = AuditCheckpoint {
        position: 2,
        hash: third,
        at: at(),
        kid: "k1".into(),
        sig: Signature([0; 64]),
    };
    assert_eq!(
        digest(&audit_message(site, &checkpoint)),
        "3USbokyd2dIakrOwD7kKmU7pe6rek_1h7x-H2cgJCiA"
    );
}

#[test]
fn a_header_is_written_as_the_specification_says() {
    let text = header().text();

    let hash = "GYtQP_iAss6dXzosgYZP-i_qtyVITrWbUMoF5CKkPsM";
    let expected = format!(
        r#"{{"pos":1,"gid":"{OTHER}","type":"project","schema":"project@1","op":"put","ph":"{hash}","at":1795000000000}}"#
    );
    assert_eq!(text, expected);
    assert_eq!(Header::parse(&text), Ok(header()));
}

#[test]
fn a_batch_survives_the_journey() {
    let bytes = serde_json::to_vec(&batch()).unwrap();

    assert_eq!(Batch::parse(&bytes), Ok(batch()));
}

#[test]
fn an_audience_and_an_operation_have_one_spelling() {
    for text in ["network", "hub", OTHER] {
        assert_eq!(text.parse::<Audience>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "Network",
        "HUB",
        "01890A5D-AC96-774B-BCCE-B302099A8058",
        "01890a5dac96774bbcceb302099a8058",
    ] {
        assert_eq!(text.parse::<Audience>(), Err(UnknownAudience), "{text}");
    }
    for word in ["open", "put", "del", "erase"] {
        let operation = Operation::from_word(word).unwrap();
        assert_eq!(serde_json::to_value(operation).unwrap(), json!(word));
        assert_eq!(serde_json::from_value::<Operation>(json!(word)).unwrap(), operation);
    }
    assert_eq!(Operation::from_word("delete"), None);
}

#[test]
fn bytes_have_one_spelling() {
    let text = SALT.to_string();
    assert_eq!(Salt::parse(&text), Some(SALT));
    // Another last character with the same bytes, padding, another length, another alphabet.
    for wrong in [
        "AAECAwQFBgcICQoLDA0ODx",
        "AAECAwQFBgcICQoLDA0ODw==",
        "AAECAwQFBgcICQoLDA0O",
        "AAECAwQFBgcICQoLDA0O+/",
    ] {
        assert_eq!(Salt::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_batch_beyond_the_limits_is_refused() {
    let refused = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batch();
        change(&mut batch);
        Batch::parse(&serde_json::to_vec(&batch).unwrap()).unwrap_err()
    };
    let many = |batch: &mut Batch, count: usize, payload: usize| {
        let mut entry = batch.entries[0].clone();
        entry.payload = Some("x".repeat(payload));
        batch.entries = vec![entry; count];
        batch.to = count as u64;
        batch.checkpoint.to = count as u64;
    };

    assert_eq!(
        refused(&|batch| many(batch, MAX_BATCH_ENTRIES + 1, 0)),
        Malformed::Entries
    );
    assert_eq!(
        refused(&|batch| many(batch, 5, MAX_PAYLOAD_BYTES - 10)),
        Malformed::Bytes
    );
    assert_eq!(
        refused(&|batch| many(batch, 1, MAX_PAYLOAD_BYTES + 1)),
        Malformed::Payload
    );
    assert_eq!(
        refused(&|batch| batch.entries[0].header = " ".repeat(MAX_HEADER_BYTES + 1)),
        Malformed::Header
    );
    assert_eq!(refused(&|batch| batch.to = 2), Malformed::Positions);
    assert_eq!(refused(&|batch| (batch.from, batch.to) = (0, 0)), Malformed::Positions);
    assert_eq!(
        refused(&|batch| (batch.from, batch.to) = (u64::MAX, u64::MAX)),
        Malformed::Positions
    );
    assert_eq!(refused(&|batch| batch.checkpoint.to = 0), Malformed::Positions);
    assert_eq!(
        refused(&|batch| batch.seal = Some(Checkpoint {
            to: 2,
            ..batch.checkpoint.clone()
        })),
        Malformed::Positions
    );
}

#[test]
fn ed25519_holds_for_one_message_and_one_key() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let key = PublicKey(pair.public_key().as_ref().try_into().unwrap());
    let message = checkpoint_message(Origin(id(SITE)), Audience::Hub, Epoch(id(EPOCH)), &batch().checkpoint);
    let signature = Signature(pair.sign(&message).as_ref().try_into().unwrap());

    assert!(Ed25519.verify(key, &message, signature));
    assert!(!Ed25519.verify(key, &message[1..], signature));
    assert!(!Ed25519.verify(PublicKey([9; 32]), &message, signature));
    assert!(!Ed25519.verify(key, &message, Signature([0; 64])));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes in vec(any::<u8>(), 0..200), text in any::<String>()) {
        prop_assert!(Batch::parse(&bytes).is_err());
        prop_assert!(Header::parse(&text).is_err());
        prop_assert!(Opening::parse(&text).is_err());
        prop_assert!(Member::parse(&text).is_err());
    }

    /// A batch with one byte changed is refused or still within the limits.
    #[test]
    fn a_damaged_batch_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&batch()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(batch) = Batch::parse(&bytes) {
            prop_assert!(batch.within_limits().is_ok());
        }
    }

    /// Values where others belong, at every place of a batch.
    #[test]
    fn a_batch_with_a_strange_value_never_panics(place in 0_usize..9, strange in 0_usize..7) {
        let mut value = serde_json::to_value(batch()).unwrap();
        let strange = [
            Value::Null, json!(-1), json!(u64::MAX), json!(1.5), json!("network"), json!([]), json!({ "to": 1 }),
        ][strange].clone();
        let field = ["origin", "audience", "epoch", "from", "to", "prev", "entries", "checkpoint", "seal"][place];
        value[field] = strange;
        if let Ok(batch) = Batch::parse(&serde_json::to_vec(&value).unwrap()) {
            prop_assert!(batch.within_limits().is_ok());
        }
    }
}

const HEADERS: &str = include_str!("../../fuzz/batches.txt");

const WORDS: &[&str] = &[
    "\"pos\":",
    "\"from\":",
    "\"to\":",
    "\"entries\":",
    "\"seal\":",
    "\"payload\":",
    "null",
    "0",
    "1",
    "-1",
    "1e3",
    "1.0",
    "18446744073709551615",
    "9223372036854775807",
    "99999999999999999",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\"del\"",
    "\"open\"",
    "\"erase\"",
    "\"\"",
    " ",
    "\n",
    "\0",
    "urn:uuid:",
    "=",
    "_",
];

/// The heads after each entry, which depend on every byte of the headers.
fn heads(batch: &Batch) -> Vec<Head> {
    let headers = batch.entries.iter();
    let chain = headers.scan(batch.prev, |head, entry| {
        *head = next_head(*head, &entry.header);
        Some(*head)
    });
    chain.collect()
}

#[test]
fn whatever_is_read_as_a_header_is_written_and_read_as_the_same() {
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let text = changed(choice, &seeds(HEADERS), WORDS);
            if let Ok(header) = Header::parse(&text) {
                let written = header.text();
                assert_eq!(Header::parse(&written), Ok(header), "{text}");
                assert_eq!(Header::parse(&written).unwrap().text(), written);
            }
        });
}

#[test]
fn whatever_is_read_as_a_batch_is_written_with_the_same_bytes_and_heads() {
    let whole = serde_json::to_string(&batch()).unwrap();
    let mut none = batch();
    (none.entries, none.from, none.to) = (Vec::new(), 2, 1);
    let none = serde_json::to_string(&none).unwrap();
    bolero::check!()
        .with_test_time(MOMENT)
        .with_type::<Choice>()
        .for_each(|choice: &Choice| {
            let text = changed(choice, &[&whole, &none], WORDS);
            let Ok(read) = Batch::parse(text.as_bytes()) else {
                return;
            };
            let written = serde_json::to_vec(&read).unwrap();
            let again = Batch::parse(&written).expect("what was read can be read again");
            assert_eq!(heads(&again), heads(&read), "{text}");
            assert_eq!(serde_json::to_vec(&again).unwrap(), written, "{text}");
            assert_eq!(again, read, "{text}");
        });
}
