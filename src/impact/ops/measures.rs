//! What is done to measures, and how they are listed.

use entity::{
    ImpactMeasureId, Kind, MeasureAggregation, MeasureKind, SessionFigure, SiteId, Visibility, impact_measure,
    impact_month, impact_release, observation, project_target,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect, QueryTrait, Select,
};

use super::national;
use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check, Patch},
    policy::{Action, Caller},
    read::{self, KeyType, Listing, Sort},
    scope::readable,
    sites,
};

/// A measure to be defined.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug of its home site.
    pub site: String,
    /// Its name in addresses and files, unique on its site.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// What exactly is counted, when and by whom.
    pub definition: String,
    /// What one of it is.
    pub unit: String,
    /// What kind of figure it is.
    pub kind: MeasureKind,
    /// How figures of one month add up.
    pub aggregation: MeasureAggregation,
    /// Whether disclosure control applies.
    pub counts_people: bool,
    /// The figure of approved support sessions that counts into it.
    pub session_figure: Option<SessionFigure>,
}

/// Defines a measure.
///
/// # Errors
/// Problems of the draft; what [`Work::allow_at`] refuses.
pub async fn define(work: &mut Work<'_>, draft: Draft) -> Result<impact_measure::Model> {
    let site = sites::ops::named(work.db(), &draft.site).await?;
    work.allow_at(Action::Create, Kind::ImpactMeasure, site.id).await?;
    let mut check = Check::new();
    let row = impact_measure::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site.id),
        visibility: Set(Visibility::Public),
        code: Set(code(work, &mut check, site.id, &draft.code).await?),
        name: Set(check.line("name", &draft.name, input::TITLE)),
        definition: Set(check.text("definition", &draft.definition, input::ABOUT)),
        unit: Set(check.line("unit", &draft.unit, input::WORD)),
        kind: Set(draft.kind),
        aggregation: Set(draft.aggregation),
        counts_people: Set(draft.counts_people),
        session_figure: Set(draft.session_figure),
        ..impact_measure::ActiveModel::default()
    };
    fits_together(
        &mut check,
        draft.kind,
        draft.aggregation,
        draft.counts_people,
        draft.session_figure,
    );
    check.done()?;
    work.insert::<impact_measure::Entity>(row).await
}

async fn code(work: &Work<'_>, check: &mut Check, site: SiteId, code: &str) -> Result<String> {
    use impact_measure::Column::{Code, SiteId};
    let code = check.line("code", code, input::WORD);
    if !code.is_empty() && code != input::slug(&code) {
        check.note(
            ProblemCode::Invalid,
            "code",
            "Use lower-case letters and digits, with hyphens between words.",
        );
    }
    let same = impact_measure::Entity::find()
        .filter(SiteId.eq(site))
        .filter(Code.eq(&code));
    if same.count(work.db()).await? > 0 {
        check.note(
            ProblemCode::Taken,
            "code",
            "Another measure of this site has this code.",
        );
    }
    Ok(code)
}

/// Notes problems of what cannot be added up, or could not be disclosed safely.
pub(in crate::impact) fn fits_together(
    check: &mut Check,
    kind: MeasureKind,
    aggregation: MeasureAggregation,
    counts_people: bool,
    session_figure: Option<SessionFigure>,
) {
    let mut wrong = |path: &str, why: &str| check.note(ProblemCode::Invalid, path, why);
    if kind == MeasureKind::Coverage && aggregation == MeasureAggregation::Mean {
        wrong(
            "aggregation",
            "A coverage is added up or told by its latest, in both parts.",
        );
    }
    let scored = matches!(kind, MeasureKind::Score | MeasureKind::Currency);
    if scored && counts_people && aggregation != MeasureAggregation::Mean {
        wrong(
            "aggregation",
            "A score or an amount about people is told as a mean, so that it shows only with enough of them behind it.",
        );
    }
    if session_figure.is_none() {
        return;
    }
    if kind != MeasureKind::Count || aggregation != MeasureAggregation::Sum {
        wrong("sessionFigure", "Sessions count into measures of kind COUNT that SUM.");
    }
    if !counts_people {
        wrong(
            "countsPeople",
            "Figures of sessions count people. The number of sessions does too: a session has at least one person.",
        );
    }
}

/// What changes in a measure.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Its name in addresses and files.
    pub code: Patch<String>,
    /// What it is called.
    pub name: Patch<String>,
    /// What exactly is counted.
    pub definition: Patch<String>,
    /// What one of it is.
    pub unit: Patch<String>,
    /// What kind of figure it is.
    pub kind: Patch<MeasureKind>,
    /// How figures of one month add up.
    pub aggregation: Patch<MeasureAggregation>,
    /// Whether disclosure control applies.
    pub counts_people: Patch<bool>,
    /// The figure of approved support sessions that counts into it.
    pub session_figure: Patch<SessionFigure>,
}

/// Changes a measure. Once it is used, what its figures mean stays. Figures of a national one may be recorded at any host
/// without this one hearing of it, so it counts as used from the start; whether a measure counts people is said once.
///
/// # Errors
/// Problems of the changes; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(
    work: &mut Work<'_>,
    id: ImpactMeasureId,
    version: i32,
    changes: Changes,
) -> Result<impact_measure::Model> {
    let row = work.get_at::<impact_measure::Entity>(id, version).await?;
    work.allow::<impact_measure::Entity>(Action::Edit, &row)?;
    let mut check = Check::new();
    let new_code = check.required("code", changes.code, &row.code);
    let name = check.required("name", changes.name, &row.name);
    let definition = check.required("definition", changes.definition, &row.definition);
    let unit = check.required("unit", changes.unit, &row.unit);
    let kind = check.required("kind", changes.kind, &row.kind);
    let aggregation = check.required("aggregation", changes.aggregation, &row.aggregation);
    let counts_people = check.required("countsPeople", changes.counts_people, &row.counts_people);
    let session_figure = changes.session_figure.or_now(row.session_figure);
    let shared = national(work).await? == Some(row.site_id);
    let here = used(work.db(), id).await?;
    let fixed = [
        ("code", new_code != row.code, here),
        ("kind", kind != row.kind, here || shared),
        ("aggregation", aggregation != row.aggregation, here || shared),
        ("countsPeople", counts_people != row.counts_people, true),
        ("sessionFigure", session_figure != row.session_figure, here || shared),
    ];
    for (path, _, _) in fixed.iter().filter(|(_, changed, stays)| *changed && *stays) {
        check.note(
            ProblemCode::NotAllowedNow,
            path,
            "Figures may be recorded for this measure already, so this stays. Define another measure.",
        );
    }
    let mut active = row.clone().into_active_model();
    if new_code != row.code {
        active.code = Set(code(work, &mut check, row.site_id, &new_code).await?);
    }
    active.name = Set(check.line("name", &name, input::TITLE));
    active.definition = Set(check.text("definition", &definition, input::ABOUT));
    active.unit = Set(check.line("unit", &unit, input::WORD));
    active.kind = Set(kind);
    active.aggregation = Set(aggregation);
    active.counts_people = Set(counts_people);
    active.session_figure = Set(session_figure);
    fits_together(&mut check, kind, aggregation, counts_people, session_figure);
    check.done()?;
    work.update::<impact_measure::Entity>(active).await
}

/// Whether anything stands on what a measure is.
async fn used(db: &impl ConnectionTrait, id: ImpactMeasureId) -> Result<bool> {
    let observed = observation::Entity::find().filter(observation::Column::MeasureId.eq(id));
    let counted = impact_month::Entity::find().filter(impact_month::Column::MeasureId.eq(id));
    let released = impact_release::Entity::find().filter(impact_release::Column::MeasureId.eq(id));
    let aimed_at = project_target::Entity::find().filter(project_target::Column::MeasureId.eq(id));
    Ok(observed.limit(1).count(db).await? > 0
        || counted.limit(1).count(db).await? > 0
        || released.limit(1).count(db).await? > 0
        || aimed_at.limit(1).count(db).await? > 0)
}

/// A measure by its id, or a national one by its code.
///
/// # Errors
/// [`Error::NotFound`] when there is none.
pub async fn named(db: &impl ConnectionTrait, caller: &Caller, named: &str) -> Result<impact_measure::Model> {
    use impact_measure::Column::{Code, SiteId};
    if let Ok(id) = named.parse() {
        return read::get::<impact_measure::Entity>(db, caller, id).await;
    }
    let national = readable::<impact_measure::Entity>(caller)
        .filter(sites::ops::home_is_national(SiteId, true))
        .filter(Code.eq(named));
    national.one(db).await?.ok_or(Error::NotFound(Kind::ImpactMeasure))
}

/// Measures by name.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only national ones, or only the others.
    pub national: Option<bool>,
    /// Only those whose name or code holds every word of this.
    pub search: Option<String>,
}

impl Listing for Measures {
    type Entity = impact_measure::Entity;

    fn narrow(&self, rows: Select<impact_measure::Entity>) -> Select<impact_measure::Entity> {
        use impact_measure::Column::{Code, Name, SiteId};
        let rows = rows
            .apply_if(self.sites.as_ref(), |rows, slugs| {
                rows.filter(sites::ops::home_in(SiteId, slugs))
            })
            .apply_if(self.national, |rows, national| {
                rows.filter(sites::ops::home_is_national(SiteId, national))
            });
        sites::ops::holding(rows, self.search.as_deref(), &[Name, Code])
    }

    fn sort(&self) -> Sort {
        Sort::by("NAME_ASC", impact_measure::Column::Name, KeyType::Text, false)
    }
}
