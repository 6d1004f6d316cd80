//! Every message in every state.

use proptest::{collection::vec, prelude::*};

use super::*;

const INIT: &str = r#"{"type":"connection_init"}"#;

fn subscribe(id: &str) -> String {
    json!({ "type": "subscribe", "id": id, "payload": { "query": "{ hello }" } }).to_string()
}

fn complete(id: &str) -> String {
    json!({ "type": "complete", "id": id }).to_string()
}

fn fresh() -> Session {
    Session::new(2)
}

fn open() -> Session {
    let mut session = fresh();
    assert!(matches!(session.hear(INIT), Step::Prove(None)));
    assert_eq!(session.proved(), r#"{"type":"connection_ack"}"#);
    session
}

/// The code of the close that a message brings about.
fn closes(session: &mut Session, message: &str) -> u16 {
    match session.hear(message) {
        Step::Close(close) => {
            assert!(close.reason.len() <= 123, "{}", close.reason);
            close.code
        }
        other => panic!("{message} brought about {other:?}"),
    }
}

#[test]
fn the_token_stands_in_the_payload_of_the_first_message() {
    let hear = |payload: Value| fresh().hear(&json!({ "type": "connection_init", "payload": payload }).to_string());

    let Step::Prove(Some(token)) = hear(json!({ "authorization": "Bearer x", "other": 1 })) else {
        panic!("a payload with a token was not read");
    };
    assert_eq!(token, "Bearer x");
    assert!(matches!(hear(json!(null)), Step::Prove(None)));
    assert!(matches!(hear(json!({ "Authorization": null })), Step::Prove(None)));
    for wrong in [
        json!("Bearer x"),
        json!({ "Authorization": 1 }),
        json!({ "Authorization": "a", "authorization": "b" }),
    ] {
        assert!(matches!(hear(wrong), Step::Close(close) if close.code == 4400));
    }
}

#[test]
fn who_begins_twice_is_cut_off() {
    let mut proving = fresh();
    proving.hear(INIT);

    assert_eq!(closes(&mut proving, INIT), 4429);
    assert_eq!(closes(&mut open(), INIT), 4429);
}

#[test]
fn nothing_runs_before_it_is_known_who_asks() {
    let mut proving = fresh();
    proving.hear(INIT);

    assert_eq!(closes(&mut fresh(), &subscribe("1")), 4401);
    assert_eq!(closes(&mut proving, &subscribe("1")), 4401);
    assert!(!fresh().is_open());
    assert!(open().is_open());
}

#[test]
fn an_id_serves_one_operation_at_a_time() {
    let mut session = open();
    assert!(matches!(session.hear(&subscribe("1")), Step::Start(id, _) if id == "1"));
    assert_eq!(closes(&mut session, &subscribe("1")), 4409);

    assert!(matches!(session.hear(&complete("1")), Step::Stop(id) if id == "1"));
    assert!(!session.ended("1"), "its client does not wait for it any more");
    assert!(matches!(session.hear(&subscribe("1")), Step::Start(..)));
    assert!(session.ended("1"));
    assert!(matches!(session.hear(&complete("1")), Step::Nothing));
    assert!(matches!(session.hear(&subscribe("1")), Step::Start(..)));
    assert_eq!(
        closes(
            &mut session,
            &subscribe(&"1".repeat(500)).replace(&"1".repeat(500), "1")
        ),
        4409
    );
}

#[test]
fn the_reason_of_a_close_fits_into_its_frame() {
    let mut session = open();
    let long = "ä".repeat(200);
    session.hear(&subscribe(&long));

    assert_eq!(closes(&mut session, &subscribe(&long)), 4409);
}

#[test]
fn too_many_operations_are_refused_one_by_one() {
    let mut session = open();
    session.hear(&subscribe("1"));
    session.hear(&subscribe("2"));

    assert!(matches!(session.hear(&subscribe("3")), Step::Refuse(id) if id == "3"));
    assert_eq!(session.running(), 2);
    session.hear(&complete("1"));
    assert!(matches!(session.hear(&subscribe("3")), Step::Start(..)));
}

#[test]
fn a_ping_is_answered_in_every_state() {
    let ping = r#"{"type":"ping","payload":{"at":1}}"#;

    for mut session in [fresh(), open()] {
        assert!(matches!(session.hear(r#"{"type":"ping"}"#), Step::Send(text) if text == r#"{"type":"pong"}"#));
        assert!(matches!(session.hear(ping), Step::Send(text) if text == r#"{"payload":{"at":1},"type":"pong"}"#));
        assert!(matches!(session.hear(r#"{"type":"pong"}"#), Step::Nothing));
    }
}

#[test]
fn what_is_no_message_of_the_protocol_is_cut_off() {
    let wrong = [
        "",
        "[]",
        "{",
        "\"ping\"",
        "{}",
        r#"{"type":1}"#,
        r#"{"type":"start","id":"1"}"#,
        r#"{"type":"connection_ack"}"#,
        r#"{"type":"ping","payload":1}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"complete","id":""}"#,
        r#"{"type":"subscribe","payload":{"query":"{ hello }"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{ hello }"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{ hello }","variables":[]}}"#,
    ];
    for message in wrong {
        assert_eq!(closes(&mut open(), message), 4400, "{message}");
    }
}

#[derive(Clone, Debug)]
enum Said {
    Init,
    Proved,
    Subscribe(u8),
    Complete(u8),
    Ended(u8),
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        1 => Just(Said::Init),
        2 => Just(Said::Proved),
        4 => (0..4_u8).prop_map(Said::Subscribe),
        2 => (0..4_u8).prop_map(Said::Complete),
        2 => (0..4_u8).prop_map(Said::Ended),
    ]
}

proptest! {
    /// Whatever a client says, in whatever order: never more run than may, none before who asks is proved, and an id never twice.
    #[test]
    fn operations_stay_within_their_bounds(all in vec(said(), 0..40)) {
        let mut session = fresh();
        let (mut proving, mut open) = (false, false);
        let mut running = HashSet::new();
        for said in all {
            let step = match &said {
                Said::Init => session.hear(INIT),
                Said::Subscribe(id) => session.hear(&subscribe(&id.to_string())),
                Said::Complete(id) => session.hear(&complete(&id.to_string())),
                Said::Ended(id) => {
                    prop_assert_eq!(session.ended(&id.to_string()), running.remove(&id.to_string()));
                    continue;
                }
                Said::Proved => {
                    if proving && !open {
                        session.proved();
                        open = true;
                    }
                    continue;
                }
            };
            match step {
                Step::Prove(_) => {
                    prop_assert!(!proving);
                    proving = true;
                }
                Step::Start(id, _) => {
                    prop_assert!(open);
                    prop_assert!(running.insert(id));
                }
                Step::Stop(id) => prop_assert!(running.remove(&id)),
                Step::Refuse(id) => {
                    prop_assert_eq!(running.len(), 2);
                    prop_assert!(!running.contains(&id));
                }
                Step::Close(_) => return Ok(()),
                Step::Nothing | Step::Send(_) => {}
            }
            prop_assert!(running.len() <= 2);
            prop_assert_eq!(running.len(), session.running());
        }
    }
}
