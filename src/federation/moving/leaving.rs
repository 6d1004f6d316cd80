//! The old host of a site that has moved: what it keeps are copies.

use std::collections::HashMap;

use entity::{
    SiteId, audit_checkpoint, audit_entry, audit_head, audit_person, champion, feed_shared, impact_measure,
    impact_month, impact_release, issuer, moderation_action, observation, organisation, placement, post, project,
    replica, report, resource, resource_edition, resource_overlay, resource_proposal, site, site_key, space,
    support_session, thread,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::Result,
    federation::{
        apply, content, directory, feeds, relay,
        wire::{Audience, Operation},
    },
    forum::feed::{Touched, settle},
};

/// Deletes of a site that has moved what only its own host holds, and makes copies of the rest: what its feed showed last
/// stays readable here until its new host tells of it, and goes if it does not.
///
/// # Errors
/// Only when the database fails.
pub async fn hand_over(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    // What its feed showed last, each record with its type.
    let shown = feeds::last_said(work.db(), site, Operation::Put).await?;
    let shown: HashMap<_, _> = shown.into_iter().map(|header| (header.gid, header.kind)).collect();
    let mut touched = Touched::default();
    macro_rules! hand_over {
        ($($table:ident as $kind:literal),+) => {$(
            let all = content::records_of::<$table::Entity>(work.db(), site).await?;
            let own: Vec<_> = all.into_iter().filter(|id| !shown.contains_key(id)).collect();
            for own in own.chunks(ROWS_A_STATEMENT) {
                content::forget(work, site, $kind, own, &mut touched).await?;
            }
        )+};
    }
    hand_over!(
        report as "report",
        post as "post",
        thread as "thread",
        space as "space",
        resource_proposal as "proposal",
        resource_edition as "edition",
        resource as "resource",
        project as "project",
        champion as "champion",
        impact_release as "release",
        impact_measure as "measure",
        organisation as "organisation"
    );
    macro_rules! delete {
        ($($table:ident.$column:ident),+) => {$(
            let own = $table::Entity::delete_many().filter($table::Column::$column.eq(site));
            own.exec(work.db()).await?;
        )+};
    }
    delete!(
        observation.SiteId,
        support_session.SiteId,
        resource_overlay.SiteId,
        impact_month.SiteId,
        moderation_action.SiteId,
        issuer.SiteId,
        audit_entry.SiteId,
        audit_head.SiteId,
        audit_person.SiteId,
        site_key.SiteId,
        feed_shared.Origin
    );
    forget_privacy(work, site, &shown).await?;
    work.forgets();
    if !directory::is_kept_here(work.db()).await? {
        // The hub relays the site's feeds from now on; whoever else has written them has nothing more to tell of it.
        relay::forget_site(work, site).await?;
        // The hub keeps what the site has vouched for.
        let vouched = audit_checkpoint::Entity::delete_many().filter(audit_checkpoint::Column::SiteId.eq(site));
        vouched.exec(work.db()).await?;
    }
    let copies: Vec<_> = shown
        .into_iter()
        .map(|(record_id, kind)| replica::ActiveModel {
            origin: Set(site),
            audience: Set(Audience::Network.to_string()),
            record_id: Set(record_id),
            kind: Set(kind),
            generation: Set(0),
            pos: Set(0),
            operation: Set(Operation::Put.word().to_owned()),
            first_applied_at: Set(Some(work.now())),
        })
        .collect();
    for copies in copies.chunks(ROWS_A_STATEMENT) {
        let copies = replica::Entity::insert_many(copies.to_vec());
        copies.exec_without_returning(work.db()).await?;
    }
    apply::begin_anew(work, site).await?;
    settle(work, touched).await?;
    let moved = site::Entity::update_many().set(site::ActiveModel {
        exported_at: Set(None),
        ..site::ActiveModel::default()
    });
    moved.filter(site::Column::Id.eq(site)).exec(work.db()).await?;
    Ok(())
}

/// Forgets of what is shown what was never shared: how to reach a champion, and how the site places what others cannot see.
async fn forget_privacy(work: &Work<'_>, site: SiteId, shown: &HashMap<Uuid, String>) -> Result<()> {
    let cards = champion::Entity::update_many().set(champion::ActiveModel {
        status_reason: Set(None),
        email: Set(None),
        phone: Set(None),
        issuer: Set(None),
        subject: Set(None),
        claim_code_hash: Set(None),
        claim_expires_at: Set(None),
        ..champion::ActiveModel::default()
    });
    cards.filter(champion::Column::SiteId.eq(site)).exec(work.db()).await?;
    let placed = placement::Entity::find()
        .select_only()
        .column(placement::Column::RecordId)
        .filter(placement::Column::SiteId.eq(site));
    let placed: Vec<Uuid> = placed.into_tuple().all(work.db()).await?;
    let own: Vec<_> = placed.into_iter().filter(|id| !shown.contains_key(id)).collect();
    for own in own.chunks(ROWS_A_STATEMENT) {
        let own = placement::Entity::delete_many().filter(placement::Column::RecordId.is_in(own.iter().copied()));
        own.exec(work.db()).await?;
    }
    Ok(())
}
