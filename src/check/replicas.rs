//! The copies of other sites' records (`docs/federation.md`, section 7): what a feed shows is here, what it does not show is
//! not, and where its entries are kept the copies say the same.

mod compare;

use std::collections::HashSet;

use entity::{
    SiteId, champion, impact_measure, impact_release, organisation, placement, post, project, replica, report,
    resource, resource_edition, resource_proposal, site, space, thread,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

use super::{Look, ROWS_AT_ONCE, name, tables::placed};
use crate::{
    error::Result,
    federation::{content, wire::Operation},
    forum,
    scope::Scoped,
    share,
};

/// Looks at every copy.
pub(super) async fn look(look: &mut Look<'_>) -> Result<()> {
    let feeds = replica::Entity::find()
        .select_only()
        .columns([replica::Column::Origin, replica::Column::Audience])
        .distinct()
        .order_by_asc(replica::Column::Origin)
        .order_by_asc(replica::Column::Audience);
    let feeds: Vec<(SiteId, String)> = feeds.into_tuple().all(look.db).await?;
    for (origin, audience) in feeds {
        let kept = compare::Kept::of(look, origin, &audience).await?;
        let mut after = None;
        loop {
            let rows = page(look, origin, &audience, after).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.record_id);
            look.pass(rows.len());
            look.report.copies += rows.len() as u64;
            let mut fault = stands(look, origin, &rows).await?;
            if let (None, Some(kept)) = (&fault, &kept) {
                fault = kept.compare(look, &rows).await?;
            }
            if let Some(what) = fault {
                look.find(origin, format_args!("copies of the feed {audience}: {what}"));
                break;
            }
        }
    }
    beyond(look).await
}

async fn page(look: &Look<'_>, origin: SiteId, audience: &str, after: Option<Uuid>) -> Result<Vec<replica::Model>> {
    let rows = replica::Entity::find()
        .filter(replica::Column::Origin.eq(origin))
        .filter(replica::Column::Audience.eq(audience))
        .apply_if(after, |rows, after| rows.filter(replica::Column::RecordId.gt(after)))
        .order_by_asc(replica::Column::RecordId)
        .limit(ROWS_AT_ONCE);
    Ok(rows.all(look.db).await?)
}

/// The first record that is not here although its feed shows it, or is here although its feed took it back.
async fn stands(look: &Look<'_>, origin: SiteId, rows: &[replica::Model]) -> Result<Option<String>> {
    let (placements, others): (Vec<_>, Vec<_>) = rows
        .iter()
        // What was decided on a proposal stands on the proposal.
        .filter(|row| row.kind != share::DECISION.kind)
        .partition(|row| row.kind == forum::feed::PLACEMENT.kind);
    let ids: Vec<_> = others.iter().map(|row| row.record_id).collect();
    let homes = content::homes(look.db, &ids).await?;
    let ids: Vec<_> = placements.iter().map(|row| row.record_id).collect();
    let placed = placed(look, &ids).await?;
    let shown = shown_elsewhere(look, rows).await?;
    for row in rows.iter().filter(|row| row.kind != share::DECISION.kind) {
        let record = name(&row.kind, row.record_id);
        let home = homes.get(&row.record_id).copied();
        let is_placement = row.kind == forum::feed::PLACEMENT.kind;
        let here = if is_placement {
            placed.contains(&row.record_id)
        } else {
            home.is_some()
        };
        let put = row.operation == Operation::Put.word();
        // The directory forgets nobody, and what never came is nobody's to take away.
        let ours = row.first_applied_at.is_some() && row.kind != share::MEMBER.kind;
        match home {
            _ if put && !here => return Ok(Some(format!("{record} has come with it and is not here"))),
            Some(home) if put && home != origin && row.kind != share::MEMBER.kind => {
                let home = look.slug(home);
                return Ok(Some(format!(
                    "{record} has come with it and is a record of {home} here"
                )));
            }
            _ if put || !ours || !here || shown.contains(&row.record_id) => {}
            Some(home) if home != origin => {}
            _ => {
                let what = format!("{record} is here although its site shares it no longer");
                return Ok(Some(what));
            }
        }
    }
    Ok(None)
}

/// Those of the records that another feed of the same site shows.
async fn shown_elsewhere(look: &Look<'_>, rows: &[replica::Model]) -> Result<HashSet<Uuid>> {
    let Some(first) = rows.first() else {
        return Ok(HashSet::new());
    };
    let elsewhere = replica::Entity::find()
        .select_only()
        .column(replica::Column::RecordId)
        .filter(replica::Column::Origin.eq(first.origin))
        .filter(replica::Column::Audience.ne(&first.audience))
        .filter(replica::Column::Operation.eq(Operation::Put.word()))
        .filter(replica::Column::RecordId.is_in(rows.iter().map(|row| row.record_id)));
    Ok(elsewhere.into_tuple().all(look.db).await?.into_iter().collect())
}

/// The sites of which everything here came with their feeds: not those that this host keeps, nor one that is moving.
fn away(column: Expr) -> Expr {
    let away = site::Entity::find()
        .select_only()
        .column(site::Column::Id)
        .filter(site::Column::Hosted.eq(false))
        .filter(site::Column::ExportedAt.is_null());
    column.in_subquery(away.into_query())
}

/// Tells of the first row of another site, in each table, that came with no feed.
async fn beyond(look: &mut Look<'_>) -> Result<()> {
    macro_rules! beyond {
        ($($table:ident),+) => {$(
            let table = <$table::Entity as Default>::default();
            let (id, home) = ($table::Entity::id_column(), $table::Entity::home_column());
            let rows = unshown(Query::select()
                .expr(Expr::col((table, id)))
                .expr(Expr::col((table, home)))
                .from(table)
                .to_owned(), Expr::col((table, id)), Expr::col((table, home)));
            tell(look, <$table::Entity as Scoped>::KIND.prefix(), &rows).await?;
        )+};
    }
    content::with_shared_tables!(beyond);
    let table = placement::Entity;
    let (id, home) = (placement::Column::RecordId, placement::Column::SiteId);
    let rows = Query::select()
        .expr(Expr::col((table, id)))
        .expr(Expr::col((table, home)))
        .from(table)
        .to_owned();
    let rows = unshown(rows, Expr::col((table, id)), Expr::col((table, home)));
    tell(look, forum::feed::PLACEMENT.kind, &rows).await
}

/// Keeps the first of the rows that no feed shows.
fn unshown(mut rows: SelectStatement, id: Expr, home: Expr) -> SelectStatement {
    let shown = Query::select()
        .expr(Expr::val(1))
        .from(replica::Entity)
        .and_where(Expr::col((replica::Entity, replica::Column::RecordId)).eq(id.clone()))
        .and_where(Expr::col((replica::Entity, replica::Column::Origin)).eq(home.clone()))
        .and_where(Expr::col((replica::Entity, replica::Column::Operation)).eq(Operation::Put.word()))
        .to_owned();
    rows.and_where(away(home))
        .and_where(Expr::exists(shown).not())
        .order_by_expr(id, sea_orm::Order::Asc)
        .limit(1)
        .to_owned()
}

async fn tell(look: &mut Look<'_>, kind: &str, rows: &SelectStatement) -> Result<()> {
    if let Some(row) = look.db.query_one(rows).await? {
        let (id, home): (Uuid, Uuid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let what = format!("copies: {} is here, and no feed of its site shows it", name(kind, id));
        look.find(SiteId(home), what);
    }
    Ok(())
}
