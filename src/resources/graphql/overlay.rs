//! Overlays in the API.

use async_graphql::Context;

use super::Resource;
use crate::{
    error::Result,
    graphql::{page::connection, payload::payload, record::record_object},
};

record_object! {
    /// What a regional site lays over a national resource without changing it. Members of the site see it.
    ResourceOverlay shows resource_overlay {
        /// The national resource.
        async fn resource(&self, ctx: &Context<'_>) -> Result<Option<Resource>> {
            self.0.one(ctx, |row| Some(row.resource_id)).await
        }

        /// Whether it stands before all others at the site.
        async fn pinned(&self) -> bool {
            self.0.pinned
        }

        /// Whether the site leaves it out.
        async fn hidden(&self) -> bool {
            self.0.hidden
        }

        /// What the site tells its members about it.
        async fn note(&self) -> Option<&str> {
            self.0.note.as_deref()
        }

        /// The number of the edition that the site holds on to, for example until its own material is adapted: find it
        /// in `Resource.editions`. Null when the site follows the current one.
        async fn pinned_edition(&self) -> Option<i32> {
            self.0.pinned_edition
        }
    }
}

connection! {
    /// A page of overlays.
    ResourceOverlayConnection, ResourceOverlayEdge, ResourceOverlay
}

payload! {
    /// What a change to an overlay came to.
    ResourceOverlayPayload {
        /// The overlay as it is now; null when it was cleared or there are problems.
        overlay: ResourceOverlay
    }
}
