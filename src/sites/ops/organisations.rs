//! The organisations around the sites: taken in from files, listed by name.

use std::collections::HashMap;

use chrono::NaiveDate;
use entity::{Kind, List, OrganisationId, OrganisationRole, SiteId, Visibility, organisation};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Select,
};

use crate::{
    app::Work,
    database::ROWS_A_STATEMENT,
    error::{Error, ProblemCode, Result},
    policy::{Action, Caller},
    read::{KeyType, Listing, Sort},
    scope::readable,
    sheet::problem,
    sites::ops::{
        holding, named,
        organisation_file::{self, Line},
    },
};

/// Takes in a CSV file of organisations, all of it or nothing.
///
/// # Errors
/// A problem for every bad line; what [`Work::allow_at`] refuses.
pub async fn import(
    work: &mut Work<'_>,
    site: &str,
    file: &str,
    role: Option<OrganisationRole>,
) -> Result<Vec<OrganisationId>> {
    let site = named(work.db(), site).await?;
    work.allow_at(Action::Create, Kind::Organisation, site.id).await?;
    work.allow_at(Action::Edit, Kind::Organisation, site.id).await?;
    take_in(work, site.id, file, role, |_, _| {}).await
}

/// Takes in a CSV file of organisations, all of it or nothing: what a site has by the same ODS code is changed, the rest
/// is new. `role` is that of lines which say none. Tells after every line how many of how many are done. On the
/// operator's word: no rule is asked.
///
/// # Errors
/// A problem for every bad line.
pub async fn take_in(
    work: &mut Work<'_>,
    site: SiteId,
    file: &str,
    role: Option<OrganisationRole>,
    mut progress: impl FnMut(usize, usize),
) -> Result<Vec<OrganisationId>> {
    work.hosted(site).await?;
    let lines = organisation_file::read(file, role, work.today())?;
    let mut known = known(work, site, &lines).await?;
    no_repeats(site, &lines, &known)?;
    let total = lines.len();
    let mut ids = Vec::with_capacity(total);
    for (done, line) in lines.into_iter().enumerate() {
        let row = match known.remove(&line.ods_code) {
            Some(row) if says(&row, &line) => row,
            Some(row) => {
                let mut row = row.into_active_model();
                fill(&mut row, line);
                work.update::<organisation::Entity>(row).await?
            }
            None => {
                let mut row = organisation::ActiveModel {
                    id: Set(work.new_id()),
                    site_id: Set(site),
                    visibility: Set(Visibility::Public),
                    ..organisation::ActiveModel::default()
                };
                fill(&mut row, line);
                work.insert::<organisation::Entity>(row).await?
            }
        };
        ids.push(row.id);
        progress(done + 1, total);
    }
    Ok(ids)
}

/// The organisations that the lines are about, as far as they are here, locked until the work ends. Of several by one
/// code the site's own counts.
async fn known(work: &Work<'_>, site: SiteId, lines: &[Line]) -> Result<HashMap<String, organisation::Model>> {
    let mut known = HashMap::new();
    for lines in lines.chunks(ROWS_A_STATEMENT) {
        let codes = lines.iter().map(|line| line.ods_code.as_str());
        let rows = readable::<organisation::Entity>(work.caller()).filter(organisation::Column::OdsCode.is_in(codes));
        let rows = rows.order_by_asc(organisation::Column::Id).lock_exclusive();
        for row in rows.all(work.db()).await? {
            let code = row.ods_code.clone().unwrap_or_default();
            if row.site_id == site || !known.contains_key(&code) {
                known.insert(code, row);
            }
        }
    }
    Ok(known)
}

/// Passes when each code is in the file once and no other site keeps it.
fn no_repeats(site: SiteId, lines: &[Line], known: &HashMap<String, organisation::Model>) -> Result<()> {
    let mut first = HashMap::new();
    let mut problems = Vec::new();
    for line in lines {
        if known.get(&line.ods_code).is_some_and(|row| row.site_id != site) {
            let why = "Another site keeps this organisation.";
            problems.push(problem(line.number, "ods_code", ProblemCode::Taken, why));
        }
        if let Some(before) = first.insert(&line.ods_code, line.number) {
            let why = format!("This code is on line {before} already.");
            problems.push(problem(line.number, "ods_code", ProblemCode::Taken, &why));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

fn says(row: &organisation::Model, line: &Line) -> bool {
    row.name == line.name
        && row.role == line.role
        && row.opened_on == line.opened_on
        && row.closed_on == line.closed_on
        && row.successors.0 == line.successors
}

fn fill(row: &mut organisation::ActiveModel, line: Line) {
    row.ods_code = Set(Some(line.ods_code));
    row.name = Set(line.name);
    row.role = Set(line.role);
    row.opened_on = Set(line.opened_on);
    row.closed_on = Set(line.closed_on);
    row.successors = Set(List(line.successors));
}

/// The organisations with one of these ODS codes.
///
/// # Errors
/// Only when the database fails.
pub async fn with_codes(
    db: &impl ConnectionTrait,
    caller: &Caller,
    codes: &[String],
) -> Result<Vec<organisation::Model>> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = readable::<organisation::Entity>(caller).filter(organisation::Column::OdsCode.is_in(codes));
    Ok(rows.order_by_asc(organisation::Column::Id).all(db).await?)
}

/// Organisations by name.
#[derive(Clone, Debug, Default)]
pub struct Organisations {
    /// Only with one of these roles.
    pub roles: Option<Vec<OrganisationRole>>,
    /// Only with this ODS code.
    pub ods_code: Option<String>,
    /// Only those that are open on this day.
    pub open_on: Option<NaiveDate>,
    /// Only those whose name or ODS code holds every word of this.
    pub search: Option<String>,
}

impl Listing for Organisations {
    type Entity = organisation::Entity;

    fn narrow(&self, mut rows: Select<organisation::Entity>) -> Select<organisation::Entity> {
        use organisation::Column::{ClosedOn, Name, OdsCode, OpenedOn, Role};
        rows = rows.apply_if(self.roles.clone(), |rows, roles| rows.filter(Role.is_in(roles)));
        rows = rows.apply_if(self.ods_code.as_ref(), |rows, code| {
            rows.filter(OdsCode.eq(code.trim().to_uppercase()))
        });
        rows = rows.apply_if(self.open_on, |rows, day| {
            let opened = Condition::any().add(OpenedOn.is_null()).add(OpenedOn.lte(day));
            let not_closed = Condition::any().add(ClosedOn.is_null()).add(ClosedOn.gte(day));
            rows.filter(opened).filter(not_closed)
        });
        holding(rows, self.search.as_deref(), &[Name, OdsCode])
    }

    fn sort(&self) -> Sort {
        Sort::by("NAME_ASC", organisation::Column::Name, KeyType::Text, false)
    }
}
