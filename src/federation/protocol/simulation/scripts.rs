//! Two runs that chance finds too rarely: what the heads that a consumer remembers are for.

use uuid::Uuid;

use super::{
    faults::Tamper,
    world::{FeedName, HOSTS, HUB, World},
};
use crate::federation::{
    protocol::rules::{Rule, Rules},
    wire::Audience,
};

const READER: usize = 1;

/// The national site has written ten records, and the reader has all of them.
fn at_rest(seed: u64, rules: Rules) -> (World, FeedName, Vec<Uuid>) {
    let mut world = World::new(seed, rules);
    let feed = (world.site(HUB), Audience::Network);
    // So that the directory, and with it the national feed, stays as it is.
    for region in 1..HOSTS {
        world.sequence(region);
        world.push(region);
    }
    for _ in 0..10 {
        world.write_project(HUB);
    }
    let projects = world.own(HUB, "project");
    for gid in &projects {
        world.hosts[HUB].db.records.get_mut(gid).unwrap().audiences = vec![Audience::Network];
    }
    world.sequence(HUB);
    while world.pull(READER, feed, Tamper::None, false) {}
    (world, feed, projects)
}

/// A record is no longer shared, a new epoch leaves it out, and while the reader catches up the publisher falls back
/// within that epoch: the head to reach is never reached.
fn falls_back_while_a_reader_catches_up(seed: u64, rules: Rules) -> bool {
    let (mut world, feed, projects) = at_rest(seed, rules);
    world.hosts[HUB]
        .db
        .records
        .get_mut(&projects[0])
        .unwrap()
        .audiences
        .clear();
    world.hosts[HUB].db.outbox.insert(projects[0]);
    world.sequence(HUB);
    world.roll(HUB, feed.1);
    world.back_up(HUB);
    world.write_space(HUB);
    world.sequence(HUB);
    world.pull(READER, feed, Tamper::None, false);
    world.pull(READER, feed, Tamper::None, false);
    world.restore(HUB, false);
    world.settle().is_empty()
}

/// A payload is skipped because a later entry has replaced it, and then the publisher falls back to before that entry.
fn falls_back_after_a_reader_skipped(seed: u64, rules: Rules) -> bool {
    let (mut world, feed, _) = at_rest(seed, rules);
    world.write_space(HUB);
    for _ in 0..8 {
        world.write_card(HUB);
    }
    world.sequence(HUB);
    world.back_up(HUB);
    let space = world.own(HUB, "space")[1];
    let record = world.hosts[HUB].db.records.get_mut(&space).unwrap();
    record.payload = record.payload.replace("\"state\":\"\"", "\"state\":\"changed\"");
    world.hosts[HUB].db.outbox.insert(space);
    world.sequence(HUB);
    world.pull(READER, feed, Tamper::None, false);
    world.restore(HUB, false);
    world.settle().is_empty()
}

#[test]
fn the_boot_mark_is_needed() {
    let off = Rules::default().without(Rule::BootMark);

    assert!((0..50).all(|seed| falls_back_while_a_reader_catches_up(seed, Rules::default())));
    assert!((0..50).any(|seed| !falls_back_while_a_reader_catches_up(seed, off)));
}

#[test]
fn the_skip_mark_is_needed() {
    let off = Rules::default().without(Rule::SkipMark);

    assert!((0..50).all(|seed| falls_back_after_a_reader_skipped(seed, Rules::default())));
    assert!((0..50).any(|seed| !falls_back_after_a_reader_skipped(seed, off)));
}
