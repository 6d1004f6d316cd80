//! Rows that name what is not there. A name may lead nowhere when the record was erased for ever, or when it is another site's
//! and that one does not share it; everything else is a fault.

use std::collections::HashSet;

use entity::{Kind, SiteId, SiteStatus, feed_cursor, replica};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QuerySelect,
    prelude::Uuid,
    sea_query::{Alias, Expr, ExprTrait, JoinType, Query, SelectStatement},
};

use super::{Look, ROWS_AT_ONCE};
use crate::error::{Error, Result};

/// A column that names a record.
struct Reference {
    table: &'static str,
    /// The column that names the row itself.
    key: &'static str,
    column: &'static str,
    /// The table of the record that it names.
    to: &'static str,
    /// Where a column names records of several kinds: those of which kind, by the column beside it.
    only: Option<Kind>,
    of: Of,
    home: Home,
}

/// The column that says of which kind the subject of a row is.
const SUBJECT_KIND: &str = "subject_kind";

/// Whose a row is.
#[derive(Clone, Copy)]
enum Of {
    /// It says so itself.
    Site,
    /// The row of this table that this column names says so.
    Parent(&'static str, &'static str),
}

/// Whose the record is that is named.
#[derive(Clone, Copy)]
enum Home {
    /// The same site's.
    Own,
    /// That of the site which this column names.
    At(&'static str),
    /// Any site's.
    Any,
}

const fn own(table: &'static str, column: &'static str, to: &'static str) -> Reference {
    named(table, column, to, Home::Own)
}

const fn any(table: &'static str, column: &'static str, to: &'static str) -> Reference {
    named(table, column, to, Home::Any)
}

const fn at(table: &'static str, column: &'static str, to: &'static str, home: &'static str) -> Reference {
    named(table, column, to, Home::At(home))
}

const fn named(table: &'static str, column: &'static str, to: &'static str, home: Home) -> Reference {
    let (key, of) = ("id", Of::Site);
    Reference {
        table,
        key,
        column,
        to,
        only: None,
        of,
        home,
    }
}

/// Subjects of one kind.
const fn only(kind: Kind, reference: Reference) -> Reference {
    let only = Some(kind);
    Reference { only, ..reference }
}

const fn part(table: &'static str, parent: &'static str, key: &'static str, reference: Reference) -> Reference {
    let of = Of::Parent(parent, key);
    Reference {
        table,
        key,
        of,
        ..reference
    }
}

/// Every column that names a record.
const REFERENCES: &[Reference] = &[
    own("project", "owner_id", "champion"),
    any("project", "cloned_from_id", "project"),
    part(
        "project_champion",
        "project",
        "project_id",
        own("", "champion_id", "champion"),
    ),
    part(
        "project_target",
        "project",
        "project_id",
        any("", "measure_id", "impact_measure"),
    ),
    own("resource", "owner_id", "champion"),
    own("resource", "draft_by_id", "champion"),
    own("resource", "project_id", "project"),
    own("resource", "shown_edition_id", "resource_edition"),
    own("resource", "draft_edition_id", "resource_edition"),
    any("resource", "derived_from_id", "resource"),
    own("resource_edition", "owner_id", "champion"),
    own("resource_edition", "resource_id", "resource"),
    at("resource_overlay", "resource_id", "resource", "resource_home_id"),
    own("resource_proposal", "owner_id", "champion"),
    own("resource_proposal", "resource_id", "resource"),
    at("resource_proposal", "national_copy_id", "resource", "national_site_id"),
    part("space_member", "space", "space_id", own("", "champion_id", "champion")),
    own("thread", "owner_id", "champion"),
    at("thread", "space_id", "space", "space_home_id"),
    any("thread", "project_id", "project"),
    any("thread", "answer_id", "post"),
    own("post", "owner_id", "champion"),
    at("post", "thread_id", "thread", "thread_home_id"),
    any("post", "reply_to_id", "post"),
    own("report", "owner_id", "champion"),
    only(Kind::Thread, at("report", "subject_id", "thread", "subject_home_id")),
    only(Kind::Post, at("report", "subject_id", "post", "subject_home_id")),
    own("moderation_action", "moderator_id", "champion"),
    only(Kind::Thread, any("moderation_action", "subject_id", "thread")),
    only(Kind::Post, any("moderation_action", "subject_id", "post")),
    any("moderation_action", "from_space_id", "space"),
    any("moderation_action", "to_space_id", "space"),
    own("observation", "owner_id", "champion"),
    own("observation", "project_id", "project"),
    any("observation", "measure_id", "impact_measure"),
    own("support_session", "owner_id", "champion"),
    any("impact_release", "measure_id", "impact_measure"),
    own("impact_release", "supersedes_id", "impact_release"),
];

/// A row that names what is not there, or what is another site's.
struct Loose {
    row: Uuid,
    site: SiteId,
    named: Uuid,
    /// Whose the named record should be, where the row says so.
    home: Option<SiteId>,
    /// Whose it is, when it is there.
    found: Option<SiteId>,
}

/// Looks at every column that names a record.
pub(super) async fn look(look: &mut Look<'_>) -> Result<()> {
    let whole = traces_are_whole(look).await?;
    for reference in REFERENCES {
        let mut after = None;
        loop {
            let loose = reference.loose(look, after).await?;
            let Some(last) = loose.last() else { break };
            after = Some(last.row);
            let excused = excused(look, reference, &loose, whole).await?;
            if let Some(loose) = loose.iter().find(|loose| !excused.contains(&loose.named)) {
                reference.tell(look, loose);
                break;
            }
        }
    }
    Ok(())
}

/// Whether every record that ever came from another site has left a trace: not after a site has left, or when a feed was read anew,
/// which forgets what was taken back before.
async fn traces_are_whole(look: &Look<'_>) -> Result<bool> {
    let again = feed_cursor::Entity::find().filter(feed_cursor::Column::Generation.gt(1));
    let left = look.all.iter().any(|site| site.status == SiteStatus::Left);
    Ok(!left && again.count(look.db).await? == 0)
}

impl Reference {
    /// Some rows of this host's sites that name what is not there, or what should be the site's own and is not; and rows of other
    /// sites that name what should be here.
    async fn loose(&self, look: &Look<'_>, after: Option<Uuid>) -> Result<Vec<Loose>> {
        let rows = self.select(after);
        let rows = look.db.query_all(&rows).await?;
        let loose = rows.iter().map(|row| {
            let id = |index| row.try_get_by_index::<Uuid>(index).map_err(Error::from);
            let site = |index| row.try_get_by_index::<Option<Uuid>>(index).map_err(Error::from);
            Ok(Loose {
                row: id(0)?,
                site: SiteId(id(1)?),
                named: id(2)?,
                home: site(3)?.map(SiteId),
                found: site(4)?.map(SiteId),
            })
        });
        loose.collect()
    }

    fn select(&self, after: Option<Uuid>) -> SelectStatement {
        let (row, to) = (Alias::new("named_by"), Alias::new("named"));
        let column = |name: &'static str| Expr::col((Alias::new("named_by"), Alias::new(name)));
        let site = match self.of {
            Of::Site => column("site_id"),
            Of::Parent(..) => Expr::col((Alias::new("parent"), Alias::new("site_id"))),
        };
        let home = match self.home {
            Home::Own => site.clone(),
            Home::At(home) => column(home),
            Home::Any => Expr::cust("NULL"),
        };
        let found = Expr::col((to.clone(), Alias::new("id")));
        let found_at = Expr::col((to.clone(), Alias::new("site_id")));
        let mut rows = Query::select();
        rows.expr(column(self.key))
            .expr(site.clone())
            .expr(column(self.column))
            .expr(home.clone())
            .expr(found_at.clone())
            .from_as(Alias::new(self.table), row);
        if let Of::Parent(parent, key) = self.of {
            let same = Expr::col((Alias::new("parent"), Alias::new("id"))).eq(column(key));
            rows.join_as(JoinType::InnerJoin, Alias::new(parent), Alias::new("parent"), same);
        }
        rows.join_as(
            JoinType::LeftJoin,
            Alias::new(self.to),
            to,
            found.clone().eq(column(self.column)),
        )
        .and_where(column(self.column).is_not_null());
        let kept = || crate::scope::kept_here();
        let astray = match self.home {
            Home::Any => found.is_null(),
            Home::Own | Home::At(_) => found.is_null().or(found_at.ne(home.clone())),
        };
        let ours = match self.home {
            // A row of another site may come before what it names; that what it names is here has to be so.
            Home::At(_) => site.in_subquery(kept()).or(home.in_subquery(kept())),
            Home::Own | Home::Any => site.in_subquery(kept()),
        };
        rows.and_where(astray).and_where(ours);
        if let Some(kind) = self.only {
            rows.and_where(column(SUBJECT_KIND).eq(kind));
        }
        if let Some(after) = after {
            rows.and_where(column(self.key).gt(after));
        }
        rows.order_by_expr(column(self.key), Order::Asc).limit(ROWS_AT_ONCE);
        rows.to_owned()
    }

    fn tell(&self, look: &mut Look<'_>, loose: &Loose) {
        let (table, row, column, named) = (self.table, loose.row, self.column, loose.named);
        let what = match loose.found {
            Some(found) => {
                let found = look.slug(found);
                format!("the {} {named}, which is a record of {found}", self.to)
            }
            None => format!("the {} {named}, which is not there and was not erased", self.to),
        };
        look.find(loose.site, format_args!("{table} {row}: {column} names {what}"));
    }
}

/// Those of the named records that need not be there.
async fn excused(look: &Look<'_>, reference: &Reference, loose: &[Loose], whole: bool) -> Result<HashSet<Uuid>> {
    let missing: Vec<_> = loose.iter().filter(|loose| loose.found.is_none()).collect();
    let named: Vec<_> = missing.iter().map(|loose| loose.named).collect();
    let mut excused = HashSet::new();
    for home in look.app.ledger.homes().map_err(Error::internal)? {
        excused.extend(look.erased(home, &named)?);
    }
    // What another host keeps may be shared no longer, or not yet.
    let away = |home: Option<SiteId>| home.is_none_or(|home| !look.is_hosted(home));
    let elsewhere: Vec<_> = missing
        .iter()
        .filter(|loose| away(loose.home))
        .map(|loose| loose.named)
        .collect();
    if matches!(reference.home, Home::At(_)) || !whole {
        excused.extend(elsewhere);
        return Ok(excused);
    }
    let traces = replica::Entity::find()
        .select_only()
        .column(replica::Column::RecordId)
        .filter(replica::Column::RecordId.is_in(elsewhere));
    excused.extend(traces.into_tuple::<Uuid>().all(look.db).await?);
    Ok(excused)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use migration::MigratorTrait;
    use sea_orm::{Database, Statement};

    use super::*;

    /// Columns that end like the name of a record and are left out here, with the reason why.
    const OTHERS: &[(&str, &[&str])] = &[
        (
            "tables of feeds, changes and the search index: looked at as a whole, or made anew from the records",
            &[
                "change.",
                "change_log.",
                "change_told.",
                "feed_",
                "outbox.",
                "peer_ack.",
                "placement.",
                "replica.",
                "search_",
            ],
        ),
        ("an audit names what is gone as well", &["audit_entry."]),
        ("sums that are made anew from what they sum up", &["impact_month."]),
        (
            "the database sees to it: a part goes with its whole",
            &[
                "project_champion.project_id",
                "project_milestone.project_id",
                "project_target.project_id",
                "space_member.space_id",
            ],
        ),
        (
            "copies beside the record they are of, for the rights to it",
            &[
                "post.closed_space_id",
                "post.thread_owner_id",
                "report.subject_owner_id",
                "resource_overlay.resource_owner_id",
                "resource_proposal.resource_owner_id",
                "space.closed_space_id",
                "thread.closed_space_id",
            ],
        ),
        (
            "sites",
            &[
                "post.space_home_id",
                "post.thread_home_id",
                "report.space_home_id",
                "report.subject_home_id",
                "resource_overlay.resource_home_id",
                "thread.space_home_id",
            ],
        ),
    ];

    fn is_left_out(column: &str) -> bool {
        let mut others = OTHERS.iter().flat_map(|(_, columns)| *columns);
        column.ends_with("site_id") || column.ends_with(".kid") || others.any(|other| column.starts_with(other))
    }

    #[tokio::test]
    async fn every_column_that_names_a_record_is_looked_at() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        migration::Migrator::up(&db, None).await.unwrap();
        let columns = "SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c \
                       WHERE t.type = 'table' AND c.name LIKE '%_id'";
        let columns = db.query_all_raw(Statement::from_string(db.get_database_backend(), columns));
        let columns = columns.await.unwrap().into_iter();
        let columns: BTreeSet<_> = columns
            .map(|row| row.try_get_by_index::<String>(0).unwrap())
            .filter(|column| !is_left_out(column))
            .collect();
        let known = REFERENCES
            .iter()
            .map(|known| format!("{}.{}", known.table, known.column));
        let known: BTreeSet<_> = known.collect();
        assert_eq!(columns, known);
    }
}
