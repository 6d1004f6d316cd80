//! Reading a feed with real signatures, and what becomes of a cursor.

use uuid::Uuid;

use crate::federation::{
    protocol::{
        apply::{Content, Effect, Facts, Reason, Replica, Stored},
        check::{Refusal, check, is_proof},
        consumer::{Answer, answered, receive},
        cursor::{Cursor, State, Whole},
        directory::Reader,
        keys::Keys,
        publisher::{Draft, Shared, append, open},
        rules::Rules,
    },
    wire::{
        Audience, Batch, Checkpoint, Ed25519, Epoch, Fork, Head, Header, MAX_PAYLOAD_BYTES, Malformed, Origin, Salt,
        Signature, Status, first_head,
    },
};

use super::{Pair, at, audience, epoch, seal, site, standing};

struct Anything;

impl Content for Anything {
    fn check(&self, _: &Header, _: &str, _: Origin, _: Audience) -> Result<Facts, Reason> {
        Ok(Facts::default())
    }

    fn is_national(&self, _: &str) -> bool {
        false
    }
}

/// A replica that holds nothing but perhaps a checkpoint.
struct Empty(Option<Checkpoint>);

impl Replica for Empty {
    fn home(&self, _: Uuid) -> Option<Origin> {
        None
    }

    fn stored(&self, _: Uuid) -> Option<Stored> {
        None
    }

    fn shown_elsewhere(&self, _: Uuid) -> bool {
        false
    }

    fn erased(&self, _: Uuid) -> bool {
        false
    }

    fn skipped(&self) -> Vec<Uuid> {
        Vec::new()
    }

    fn held(&self, _: Epoch, to: u64) -> Option<Checkpoint> {
        self.0.clone().filter(|held| held.to == to)
    }
}

/// An opening and one project, signed with a real key.
fn batch(pair: &Pair) -> Batch {
    let opened = open(site(), audience(), epoch(1), None, Salt([1; 16]), at(0));
    let draft = Draft {
        gid: Uuid::from_u128(7),
        kind: "project".into(),
        schema: "project@1".into(),
        parent: Some(Uuid::from_u128(8)),
        shared: Shared::As("{}".into()),
    };
    let put = append(
        &opened.feed,
        &[draft],
        |_| None,
        |_| false,
        || Salt([2; 16]),
        at(1),
        Rules::default(),
    );
    let entries = opened
        .entries
        .into_iter()
        .chain(put.entries)
        .map(|written| written.entry);
    let mut batch = Batch {
        origin: site(),
        audience: audience(),
        epoch: epoch(1),
        from: 1,
        to: 2,
        prev: first_head(site(), audience(), epoch(1)),
        entries: entries.collect(),
        checkpoint: Checkpoint {
            to: 2,
            head: put.feed.head,
            at: at(2),
            kid: "k1".into(),
            sig: Signature([0; 64]),
        },
        seal: None,
    };
    seal(pair, &mut batch);
    batch
}

fn take(batch: Batch, held: Option<Checkpoint>) -> Result<(Cursor, Vec<Effect>, bool), Refusal> {
    let standing = standing(Keys::pinned("k1", Pair::new(1).public()));
    let rules = Rules::default();
    let checked = check(batch, &Reader::default(), &standing, &Anything, &Ed25519, rules)?;
    assert_eq!(
        checked.gids().collect::<Vec<_>>(),
        [epoch(1).0, Uuid::from_u128(7), Uuid::from_u128(8)]
    );
    let step = receive(
        &Cursor::new(),
        &standing,
        &checked,
        &Anything,
        &Empty(held),
        at(10),
        rules,
    )?;
    Ok((step.cursor, step.effects, step.sweep))
}

fn live() -> Cursor {
    take(batch(&Pair::new(1)), None).unwrap().0
}

#[test]
fn a_signed_batch_is_taken_with_all_that_it_says() {
    let (cursor, effects, sweep) = take(batch(&Pair::new(1)), None).unwrap();

    assert_eq!(
        (cursor.pos, cursor.state, cursor.epoch, sweep),
        (2, State::Live, Some(epoch(1)), true)
    );
    let [Effect::Put { gid, pos, orphan, .. }] = &effects[..] else {
        unreachable!("one project: {effects:?}")
    };
    assert_eq!((*gid, *pos, *orphan), (Uuid::from_u128(7), 2, true));
}

#[test]
fn a_batch_that_somebody_touched_is_refused() {
    let refused = |change: &dyn Fn(&mut Batch)| {
        let mut batch = batch(&Pair::new(1));
        change(&mut batch);
        take(batch, None).unwrap_err()
    };

    assert_eq!(
        refused(&|batch| seal(&Pair::new(2), batch)),
        Refusal::Signature { kid: "k1".into() }
    );
    assert_eq!(
        refused(&|batch| batch.checkpoint.kid = "k2".into()),
        Refusal::UntrustedKey { kid: "k2".into() }
    );
    assert_eq!(
        refused(&|batch| batch.epoch = epoch(2)),
        Refusal::Forged {
            pos: 1,
            what: "the epoch begins with another head"
        }
    );
    assert_eq!(refused(&|batch| batch.audience = Audience::Hub), Refusal::NotForUs);
    assert_eq!(
        refused(&|batch| batch.checkpoint.to = 3),
        Refusal::Signature { kid: "k1".into() }
    );
    let payload = Refusal::Forged {
        pos: 2,
        what: "another payload",
    };
    assert_eq!(refused(&|batch| batch.entries[1].payload = Some("[]".into())), payload);
    assert_eq!(refused(&|batch| batch.entries[1].salt = None), payload);
    let chain = Refusal::Forged {
        pos: 2,
        what: "the chain leads to another head",
    };
    assert_eq!(refused(&|batch| batch.entries[1].header.push(' ')), chain);
    assert_eq!(
        refused(&|batch| batch.entries.swap(0, 1)),
        Refusal::Forged {
            pos: 1,
            what: "the header has another position"
        }
    );
    assert_eq!(
        refused(&|batch| batch.entries[1].payload = Some("x".repeat(MAX_PAYLOAD_BYTES + 1))),
        Refusal::Malformed(Malformed::Payload)
    );
}

#[test]
fn two_signed_heads_for_one_position_are_the_proof_of_two_stories() {
    let pair = Pair::new(1);
    let mut other = batch(&pair);
    other.checkpoint.head = Head([5; 32]);
    seal(&pair, &mut other);
    let held = other.checkpoint;

    let shown = batch(&pair);

    let fork = Fork {
        epoch: epoch(1),
        held: held.clone(),
        shown: shown.checkpoint.clone(),
    };
    assert_eq!(take(shown, Some(held)), Err(Refusal::Fork(Box::new(fork.clone()))));
    assert!(proves(&fork, None));
    let of_one_story = Fork {
        held: fork.shown.clone(),
        ..fork.clone()
    };
    assert!(!proves(&of_one_story, None));
    for forge in [
        |fork: &mut Fork| fork.held.head = Head([6; 32]),
        |fork: &mut Fork| fork.shown.kid = "k2".into(),
        |fork: &mut Fork| fork.epoch = epoch(2),
    ] {
        let mut forged = fork.clone();
        forge(&mut forged);
        assert!(!proves(&forged, None));
    }
}

#[test]
fn a_story_that_goes_on_past_a_signed_head_without_it_is_a_second_one() {
    let pair = Pair::new(1);
    let mut earlier = batch(&pair);
    earlier.entries.truncate(1);
    (earlier.to, earlier.checkpoint.to, earlier.checkpoint.head) = (1, 1, Head([5; 32]));
    seal(&pair, &mut earlier);
    let held = earlier.checkpoint;

    let longer = batch(&pair);

    let fork = Fork {
        epoch: epoch(1),
        held: held.clone(),
        shown: longer.checkpoint.clone(),
    };
    assert_eq!(
        take(longer, Some(held.clone())),
        Err(Refusal::Fork(Box::new(fork.clone())))
    );
    assert!(proves(&fork, Some(Head([7; 32]))), "whoever holds the chain sees it");
    assert!(!proves(&fork, Some(held.head)));
    assert!(
        !proves(&fork, None),
        "without the chain, two words for two positions prove nothing"
    );
}

/// Whether a host believes it that holds this head after every position.
fn proves(fork: &Fork, head: Option<Head>) -> bool {
    let standing = standing(Keys::pinned("k1", Pair::new(1).public()));
    is_proof(audience(), fork, &standing, |_| head, &Ed25519, Rules::default())
}

#[test]
fn a_feed_without_a_fresh_word_is_stale_and_a_repeated_word_is_not_fresh() {
    let standing = standing(Keys::pinned("k1", Pair::new(1).public()));
    let hear = |cursor: &Cursor, signed, now| {
        let mut batch = batch(&Pair::new(1));
        batch.checkpoint.at = at(signed);
        seal(&Pair::new(1), &mut batch);
        let answer = Answer::Unchanged(batch.checkpoint);
        answered(
            cursor,
            &standing,
            audience(),
            &answer,
            &Ed25519,
            at(now),
            Rules::default(),
        )
        .unwrap()
    };

    assert_eq!(live().aged(at(70)).state, State::Live);
    assert_eq!(live().aged(at(71)).state, State::Stale);
    assert_eq!(hear(&live(), 2, 71).state, State::Stale);
    let fresh = hear(&live().aged(at(71)), 3, 90);
    assert_eq!((fresh.state, fresh.aged(at(150)).state), (State::Live, State::Live));
    assert_eq!(fresh.acknowledgement(), Some((epoch(1), 2)));
    // A clock that was put back by a day must not keep a feed live for a day.
    assert_eq!(fresh.aged(at(-86_400)).aged(at(-86_300)).state, State::Stale);
    let nothing = answered(
        &fresh,
        &standing,
        audience(),
        &Answer::Nothing,
        &Ed25519,
        at(200),
        Rules::default(),
    )
    .unwrap();
    assert_eq!(nothing.state, State::Stale);
}

#[test]
fn a_suspended_feed_is_hidden_and_one_that_left_is_purged() {
    let rules = Rules::default();
    let (suspended, whole) = live().judged(Status::Suspended, rules);
    assert_eq!((suspended.state, whole), (State::Suspended, Some(Whole::Hide)));
    assert_eq!(suspended.acknowledgement(), None);
    assert_eq!(suspended.judged(Status::Suspended, rules).1, None);
    assert_eq!(suspended.restarted(rules).state, State::Suspended);
    let (back, whole) = suspended.judged(Status::Active, rules);
    assert_eq!((back.state, whole), (State::Stale, Some(Whole::Show)));

    let (left, whole) = suspended.judged(Status::Left, rules);
    assert_eq!(
        (left.state, left.pos, left.generation, whole),
        (State::Left, 0, 1, Some(Whole::Purge))
    );
    assert_eq!(left.judged(Status::Active, rules).0.state, State::New);
    for state in [
        State::New,
        State::CatchingUp,
        State::Live,
        State::Stale,
        State::Suspended,
        State::Left,
    ] {
        assert_eq!(State::from_word(state.word()), Some(state));
    }
}
