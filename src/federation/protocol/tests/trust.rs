//! Keys and the directory.

use crate::federation::{
    protocol::{
        directory::{DirectoryRefusal, may_become, opened, revoked, rotated},
        keys::{KeyRefusal, Keys},
        rules::Rules,
    },
    wire::{Audience, Ed25519, Member, Origin, PublicKey, Status, Window},
};
use uuid::Uuid;

use super::{Pair, at, audience, epoch, key, member, site};

fn learn(keys: &Keys, member: &Member, root: &Pair) -> Result<(Keys, bool), KeyRefusal> {
    let learnt = keys.learn(member, Some(root.public()), &Ed25519, Rules::default())?;
    Ok((learnt.keys, learnt.roll))
}

#[test]
fn the_first_key_is_kept_and_a_later_one_needs_proof() {
    let (one, two, rogue, root) = (Pair::new(1), Pair::new(2), Pair::new(3), Pair::new(4));
    let (keys, _) = learn(&Keys::default(), &member(vec![key("k1", &one, None)]), &root).unwrap();

    let after = |second| learn(&keys, &member(vec![key("k1", &one, None), second]), &root);

    assert_eq!(after(key("k2", &two, None)), Err(KeyRefusal::Unproven("k2".into())));
    assert_eq!(
        after(key("k2", &two, rogue.proves("k2", &two))),
        Err(KeyRefusal::Unproven("k2".into()))
    );
    // The proof of another key, and of the key under another name.
    assert_eq!(
        after(key("k2", &rogue, one.proves("k2", &two))),
        Err(KeyRefusal::Unproven("k2".into()))
    );
    assert_eq!(
        after(key("k3", &two, one.proves("k2", &two))),
        Err(KeyRefusal::Unproven("k3".into()))
    );
    // The root's signature is no previous key's, and the other way round.
    assert_eq!(
        after(key("k2", &two, root.proves("k2", &two))),
        Err(KeyRefusal::Unproven("k2".into()))
    );
    assert!(after(key("k2", &two, one.proves("k2", &two))).is_ok());
    assert!(after(key("k2", &two, root.vouches("k2", &two))).is_ok());
}

#[test]
fn an_accepted_key_is_never_swapped_under_its_name() {
    let (one, rogue, root) = (Pair::new(1), Pair::new(3), Pair::new(4));
    let (keys, _) = learn(&Keys::default(), &member(vec![key("k1", &one, None)]), &root).unwrap();

    let swapped = learn(&keys, &member(vec![key("k1", &rogue, None)]), &root);

    assert_eq!(swapped, Err(KeyRefusal::Swapped("k1".into())));
}

#[test]
fn revoking_a_key_opens_no_door_for_another() {
    let (one, two, rogue, root) = (Pair::new(1), Pair::new(2), Pair::new(3), Pair::new(4));
    let first = member(vec![key("k1", &one, None)]);
    let (keys, _) = learn(&Keys::default(), &first, &root).unwrap();
    let lost = revoked(&first, "k1", at(0)).unwrap();
    let with = |second| {
        let mut member = lost.clone();
        member.keys.push(second);
        learn(&keys, &member, &root)
    };

    // A hub that revokes the only key and lists its own; a thief who proves with the stolen one.
    assert_eq!(with(key("k2", &rogue, None)), Err(KeyRefusal::Unproven("k2".into())));
    assert_eq!(
        with(key("k2", &rogue, one.proves("k2", &rogue))),
        Err(KeyRefusal::Unproven("k2".into()))
    );
    let (keys, roll) = with(key("k2", &two, root.vouches("k2", &two))).unwrap();
    assert!(roll);
    assert_eq!(keys.current().unwrap().kid, "k2");

    // A directory that has forgotten it does not bring a revoked key back, and does not roll again.
    let (keys, roll) = learn(&keys, &first, &root).unwrap();
    assert!(!roll);
    assert!(keys.held()[0].revoked);
}

#[test]
fn windows_follow_rotation_and_new_epochs() {
    let (one, two, root) = (Pair::new(1), Pair::new(2), Pair::new(4));
    let first = opened(&member(vec![key("k1", &one, None)]), "k1", audience(), epoch(1)).unwrap();
    let next = rotated(
        &first,
        "k2",
        two.public(),
        one.proves("k2", &two).unwrap(),
        &[(audience(), epoch(1), 57)],
    )
    .unwrap();
    let (keys, _) = learn(&Keys::default(), &next, &root).unwrap();
    let may = |keys: &Keys, kid, epoch, to| keys.covering(kid, audience(), epoch, to, Rules::default()).is_some();

    assert!(may(&keys, "k1", epoch(1), 57) && !may(&keys, "k1", epoch(1), 58));
    assert!(!may(&keys, "k2", epoch(1), 56) && may(&keys, "k2", epoch(1), 57) && may(&keys, "k2", epoch(1), 5_700));
    assert!(!may(&keys, "k2", epoch(2), 1));
    assert_eq!(keys.covering("k2", Audience::Hub, epoch(1), 57, Rules::default()), None);

    let later = opened(&next, "k2", audience(), epoch(2)).unwrap();
    let (keys, _) = learn(&keys, &later, &root).unwrap();
    assert!(
        keys.is_open(audience(), epoch(2), Rules::default()) && !keys.is_open(audience(), epoch(1), Rules::default())
    );
    let window = Window {
        audience: audience(),
        epoch: epoch(2),
        from: 1,
        to: None,
    };
    assert_eq!(later.keys[1].feeds, [window]);
    let again = rotated(&later, "k2", PublicKey([0; 32]), two.sign(b""), &[]);
    assert_eq!(again, Err(DirectoryRefusal::Key("k2".into())));
}

#[test]
fn the_pinned_key_of_the_national_site_covers_everything_until_the_root_names_another() {
    let (one, two, root) = (Pair::new(1), Pair::new(2), Pair::new(4));
    let keys = Keys::pinned("n1", one.public());
    assert!(
        keys.covering("n1", Audience::Hub, epoch(7), 7, Rules::default())
            .is_some()
    );

    let listed = vec![key("n1", &one, None), key("n2", &two, root.vouches("n2", &two))];
    let (keys, _) = learn(&keys, &member(listed), &root).unwrap();

    assert_eq!(keys.current().unwrap().public, two.public());
}

#[test]
fn a_slug_is_never_used_again_and_a_site_that_left_stays_away() {
    let other = Origin(Uuid::from_u128(2));
    let with = |status| Member {
        status,
        ..member(Vec::new())
    };
    let become_ = |from, to| may_become(Some(&with(from)), &with(to), |_| None);

    assert_eq!(
        may_become(None, &with(Status::Applied), |_| Some(other)),
        Err(DirectoryRefusal::SlugTaken("blackpool".into()))
    );
    assert_eq!(may_become(None, &with(Status::Applied), |_| Some(site())), Ok(()));
    for (from, to) in [
        (Status::Applied, Status::Active),
        (Status::Active, Status::Suspended),
        (Status::Suspended, Status::Active),
    ] {
        assert_eq!(become_(from, to), Ok(()));
        assert_eq!(become_(from, Status::Left), Ok(()));
        assert_eq!(
            become_(Status::Left, to),
            Err(DirectoryRefusal::Status { from: Status::Left, to })
        );
    }
}
