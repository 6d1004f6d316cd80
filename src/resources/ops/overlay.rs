//! What a regional site lays over a national resource.

use entity::{
    Kind, ResourceId, ResourceOverlayId, SiteId, SiteKind, Visibility, resource, resource_edition, resource_overlay,
    site,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::published;
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check, Patch},
    policy::{Action, states::EDITIONS},
    scope::readable,
    sites,
};

/// What changes in an overlay.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// Whether it stands before all others.
    pub pinned: Patch<bool>,
    /// Whether it is left out.
    pub hidden: Patch<bool>,
    /// What the site tells its members about it.
    pub note: Patch<String>,
    /// The number of the edition that the site holds on to.
    pub pinned_edition: Patch<i32>,
}

/// Lays an overlay over a national resource, or changes the one that a site has there.
///
/// # Errors
/// Problems of the overlay: of a site or resource that takes none, of an edition that does not exist; what
/// [`Work::allow_at`] and [`Work::allow`] refuse.
pub async fn set_overlay(
    work: &mut Work<'_>,
    site: &str,
    resource: ResourceId,
    layer: Layer,
) -> Result<resource_overlay::Model> {
    let site = sites::ops::named(work.db(), site).await?;
    let site = work.allow_at(Action::Create, Kind::ResourceOverlay, site.id).await?;
    // Locked, since the overlay repeats what the resource says of itself, and so that no two make the first one.
    let under = work.locked::<resource::Entity>(resource).await?;
    let now = standing(work, site.id, resource).await?;
    if let Some(now) = &now {
        work.allow::<resource_overlay::Entity>(Action::Edit, now)?;
    }
    let mut check = Check::new();
    takes_overlay(work, &mut check, &site, &under).await?;
    let mut row = resource_overlay::ActiveModel {
        resource_owner_id: Set(under.owner_id),
        resource_visibility: Set(under.visibility),
        resource_status: Set(under.status),
        ..now
            .clone()
            .map_or_else(|| fresh(work, site.id, &under), IntoActiveModel::into_active_model)
    };
    write(work, &mut check, layer, now.as_ref(), &under, &mut row).await?;
    check.done()?;
    if now.is_some() {
        work.update::<resource_overlay::Entity>(row).await
    } else {
        work.insert::<resource_overlay::Entity>(row).await
    }
}

/// Takes an overlay off.
///
/// # Errors
/// [`Error::NotFound`] when there is none; what [`Work::hosted`] and [`Work::allow`] refuse.
pub async fn clear_overlay(work: &mut Work<'_>, site: &str, resource: ResourceId) -> Result<ResourceOverlayId> {
    let site = sites::ops::named(work.db(), site).await?;
    let site = work.hosted(site.id).await?;
    let row = standing(work, site.id, resource).await?;
    let row = row.ok_or(Error::NotFound(Kind::ResourceOverlay))?;
    work.allow::<resource_overlay::Entity>(Action::Withdraw, &row)?;
    let id = row.id;
    work.delete::<resource_overlay::Entity>(row).await?;
    Ok(id)
}

/// The overlay that a site has on a resource, locked.
async fn standing(work: &Work<'_>, site: SiteId, resource: ResourceId) -> Result<Option<resource_overlay::Model>> {
    use resource_overlay::Column;
    let found = readable::<resource_overlay::Entity>(work.caller())
        .filter(Column::SiteId.eq(site))
        .filter(Column::ResourceId.eq(resource));
    Ok(found.lock_exclusive().one(work.db()).await?)
}

/// Notes a problem unless a site may lay overlays and the resource is a published one of the national site.
async fn takes_overlay(work: &Work<'_>, check: &mut Check, site: &site::Model, under: &resource::Model) -> Result<()> {
    if site.kind != SiteKind::Regional {
        check.note(ProblemCode::Invalid, "site", "Only regional sites lay overlays.");
    }
    let national = sites::ops::national(work.db()).await?;
    if national.is_none_or(|national| national.id != under.site_id) {
        check.note(
            ProblemCode::Invalid,
            "resource",
            "Only national resources take overlays.",
        );
    } else if !published(under) {
        check.note(
            ProblemCode::NotAllowedNow,
            "resource",
            "This resource is not published.",
        );
    }
    Ok(())
}

fn fresh(work: &Work<'_>, site: SiteId, under: &resource::Model) -> resource_overlay::ActiveModel {
    resource_overlay::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site),
        visibility: Set(Visibility::Site),
        resource_id: Set(under.id),
        resource_home_id: Set(under.site_id),
        ..resource_overlay::ActiveModel::default()
    }
}

async fn write(
    work: &Work<'_>,
    check: &mut Check,
    layer: Layer,
    now: Option<&resource_overlay::Model>,
    under: &resource::Model,
    row: &mut resource_overlay::ActiveModel,
) -> Result<()> {
    let pinned = check.required("pinned", layer.pinned, &now.is_some_and(|now| now.pinned));
    let hidden = check.required("hidden", layer.hidden, &now.is_some_and(|now| now.hidden));
    let note = layer.note.or_now(now.and_then(|now| now.note.clone()));
    if pinned && hidden {
        check.note(ProblemCode::Invalid, "hidden", "Pin it or hide it, not both.");
    }
    // One that is held already may have been withdrawn since: that is no fault of this change.
    if let Patch::Set(number) = layer.pinned_edition
        && !has_edition(work, under.id, number).await?
    {
        let message = "The resource has no published edition with this number.";
        check.note(ProblemCode::Invalid, "pinnedEdition", message);
    }
    row.pinned = Set(pinned);
    row.hidden = Set(hidden);
    row.note = Set(check.optional_text("note", note, input::SUMMARY));
    row.pinned_edition = Set(layer.pinned_edition.or_now(now.and_then(|now| now.pinned_edition)));
    Ok(())
}

/// Whether readers see an edition with this number: the current one or one before it.
async fn has_edition(work: &Work<'_>, resource: ResourceId, number: i32) -> Result<bool> {
    use resource_edition::Column;
    let found = readable::<resource_edition::Entity>(work.caller())
        .filter(Column::ResourceId.eq(resource))
        .filter(Column::Number.eq(number))
        .filter(Column::Status.is_in(EDITIONS.iter().copied()));
    Ok(found.one(work.db()).await?.is_some())
}
