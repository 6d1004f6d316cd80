//! Impact in the API.

use async_graphql::MergedObject;

use crate::graphql::enums::api_enum;

mod measures;
mod observations;
mod releases;
mod report;
mod sessions;

pub use measures::{ImpactMeasure, MeasureMutations, MeasureQueries};
pub use observations::{Observation, ObservationMutations, ObservationQueries};
pub use releases::{ImpactRelease, ReleaseMutations, ReleaseQueries};
pub use report::{ImpactValue, ReportQueries};
pub use sessions::{SessionMutations, SessionQueries, SupportSession};

api_enum! {
    /// Where something stands that waits for somebody else's decision: an observation or a support session.
    ObservationState {
        /// Handed in.
        Submitted,
        /// Approved: it counts and stays as it is.
        Approved,
        /// Given back with a reason. Whoever recorded it mends it, which hands it in again.
        Returned,
    }
}

/// What can be asked about impact.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct ImpactQueries(
    MeasureQueries,
    ObservationQueries,
    SessionQueries,
    ReleaseQueries,
    ReportQueries,
);

/// What can be done about impact.
#[derive(Clone, Copy, Debug, Default, MergedObject)]
pub struct ImpactMutations(
    MeasureMutations,
    ObservationMutations,
    SessionMutations,
    ReleaseMutations,
);
