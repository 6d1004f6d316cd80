//! Writing a feed, ending it, and proving that something is gone.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::federation::{
    protocol::{
        epoch::{Continue, Witness, start},
        erasure::{Erased, Erasure, Peer, Progress, progress},
        placement::{Decision, NotNow, State},
        publisher::{Draft, Emitted, Feed, Shared, append, is_worth_reopening, open},
        relay::cut,
        rules::Rules,
    },
    wire::{Audience, Head, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_PAYLOAD_BYTES, Operation, Previous, Salt},
};

use super::{at, audience, epoch, site};

fn draft(shared: Shared) -> Draft {
    Draft {
        gid: Uuid::from_u128(7),
        kind: "project".into(),
        schema: "project@1".into(),
        parent: None,
        shared,
    }
}

fn new_feed() -> Feed {
    open(site(), audience(), epoch(1), None, Salt([1; 16]), at(0)).feed
}

fn next(feed: &Feed, last: Option<Emitted>, shared: Shared, erased: bool) -> Option<(Operation, Emitted)> {
    let appended = append(
        feed,
        &[draft(shared)],
        |_| last,
        |_| erased,
        || Salt([2; 16]),
        at(1),
        Rules::default(),
    );
    appended
        .entries
        .first()
        .map(|written| (written.emitted.op, written.emitted))
}

#[test]
fn only_a_difference_is_written_and_nothing_follows_an_erasure() {
    let feed = new_feed();
    let shared = || Shared::As("{}".into());
    assert_eq!(feed.pos, 1);

    let (op, put) = next(&feed, None, shared(), false).unwrap();
    assert_eq!(op, Operation::Put);
    assert_eq!(next(&feed, Some(put), shared(), false), None);
    assert_eq!(
        next(&feed, Some(put), Shared::As("{ }".into()), false).unwrap().0,
        Operation::Put
    );
    assert_eq!(next(&feed, None, Shared::No, false), None);

    let (op, deleted) = next(&feed, Some(put), Shared::No, false).unwrap();
    assert_eq!(op, Operation::Delete);
    assert_eq!(next(&feed, Some(deleted), Shared::No, false), None);
    assert_eq!(next(&feed, Some(deleted), shared(), false).unwrap().0, Operation::Put);

    let (op, erased) = next(&feed, Some(deleted), Shared::Erased, false).unwrap();
    assert_eq!(op, Operation::Erase);
    for shared in [shared(), Shared::No, Shared::Erased] {
        assert_eq!(next(&feed, Some(erased), shared, false), None);
    }
    // A backup has forgotten the erasure, the ledger has not.
    assert_eq!(next(&feed, Some(put), shared(), true).unwrap().0, Operation::Erase);
    assert_eq!(next(&feed, None, shared(), true), None);
}

#[test]
fn what_is_too_large_to_travel_is_told_and_not_written() {
    let large = Shared::As("x".repeat(MAX_PAYLOAD_BYTES + 1));

    let appended = append(
        &new_feed(),
        &[draft(large)],
        |_| None,
        |_| false,
        || Salt([2; 16]),
        at(1),
        Rules::default(),
    );

    assert_eq!(appended.too_large, [Uuid::from_u128(7)]);
    assert!(appended.entries.is_empty());
}

#[test]
fn a_new_epoch_is_worth_it_above_four_headers_a_row() {
    assert!(!is_worth_reopening(999, 1));
    assert!(!is_worth_reopening(4_000, 1_000));
    assert!(is_worth_reopening(4_001, 1_000));
}

#[test]
fn a_batch_is_cut_where_it_fits_and_where_it_is_signed() {
    assert_eq!(cut(10, &[1; 20], None, 5), Some(15));
    assert_eq!(cut(10, &[1; 900], None, 1_000), Some(10 + MAX_BATCH_ENTRIES as u64));
    assert_eq!(
        cut(0, &[MAX_BATCH_BYTES / 2, MAX_BATCH_BYTES / 2, 1], None, 10),
        Some(2)
    );
    assert_eq!(cut(10, &[1; 20], Some(&[12, 14, 18]), 5), Some(14));
    // No signed position within the limit: the first one behind it.
    assert_eq!(cut(10, &[1; 20], Some(&[18]), 5), Some(18));
    assert_eq!(cut(10, &[1; 20], Some(&[10]), 5), None);
    assert_eq!(cut(10, &[], None, 5), None);
}

#[test]
fn a_publisher_goes_on_only_when_its_witnesses_have_seen_no_more() {
    let feed = new_feed();
    let held = |epoch, to, head| Witness::Holds(Previous { epoch, to, head });
    let go = |witnesses: &[Witness]| {
        start(
            &feed,
            &[epoch(0)],
            |pos| (pos == 1).then_some(feed.head),
            witnesses,
            false,
            Rules::default(),
        )
    };
    let other = Head([1; 32]);

    assert_eq!(go(&[Witness::Silent]), Continue::Hold);
    assert_eq!(go(&[Witness::Silent, Witness::Nothing]), Continue::From(1));
    assert_eq!(go(&[held(feed.epoch, 1, feed.head)]), Continue::From(2));
    assert_eq!(go(&[held(epoch(0), 9, other)]), Continue::From(1));
    let ahead = Previous {
        epoch: feed.epoch,
        to: 2,
        head: other,
    };
    let new = Continue::NewEpoch { previous: ahead };
    assert_eq!(
        go(&[
            held(feed.epoch, 1, feed.head),
            held(feed.epoch, 2, other),
            Witness::Nothing
        ]),
        new
    );
    assert!(matches!(go(&[held(feed.epoch, 1, other)]), Continue::NewEpoch { .. }));
    assert!(matches!(go(&[held(epoch(5), 1, other)]), Continue::NewEpoch { .. }));
    assert_eq!(
        start(&feed, &[], |_| None, &[Witness::Silent], true, Rules::default()),
        Continue::From(2)
    );
}

#[test]
fn an_erasure_is_proven_by_every_peer_that_could_hold_the_record() {
    let [first, second] = [Uuid::from_u128(21), Uuid::from_u128(22)];
    let peer = |host, acknowledged| Peer {
        host,
        reads: vec![audience()],
        acknowledged,
    };
    let mut erasure = Erasure {
        gid: Uuid::from_u128(7),
        requested_at: at(0),
        erased: None,
    };
    let day = TimeDelta::days(1);
    assert_eq!(progress(&erasure, &[], at(5), day), Progress::Requested);

    erasure.erased = Some(Erased {
        at: at(1),
        feeds: Vec::new(),
    });
    assert_eq!(
        progress(&erasure, &[peer(first, Vec::new())], at(5), day),
        Progress::Erased
    );

    erasure.erased = Some(Erased {
        at: at(1),
        feeds: vec![(audience(), epoch(1), 5), (Audience::Hub, epoch(2), 3)],
    });
    let done = peer(first, vec![(audience(), epoch(1), 5)]);
    let behind = peer(second, vec![(audience(), epoch(1), 4), (audience(), epoch(0), 9)]);
    let peers = [done.clone(), behind];
    assert_eq!(
        progress(&erasure, &peers, at(5), day),
        Progress::Propagating { waiting: vec![second] }
    );
    let late = at(1) + day + TimeDelta::seconds(1);
    assert_eq!(
        progress(&erasure, &peers, late, day),
        Progress::Overdue {
            waiting: vec![second],
            age: late - at(1)
        }
    );
    assert_eq!(progress(&erasure, &[done], late, day), Progress::Proven);
}

#[test]
fn a_placement_goes_only_the_ways_it_may() {
    let rejected = State::Pending.decide(Decision::Reject("Off topic".into())).unwrap();
    assert_eq!(rejected, State::Rejected("Off topic".into()));
    let removed = State::Hidden.decide(Decision::Remove).unwrap();
    for state in [rejected, removed] {
        for decision in [Decision::Accept, Decision::Hide, Decision::Show, Decision::Remove] {
            assert_eq!(state.decide(decision), Err(NotNow));
        }
    }
    assert_eq!(State::Visible.decide(Decision::Accept), Err(NotNow));
    assert_eq!(State::Pending.decide(Decision::Hide), Err(NotNow));
}
