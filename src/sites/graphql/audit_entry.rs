//! Who did what on a site, in the API.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::{Kind, audit_entry, ids};

use crate::{
    error::Result,
    graphql::{
        Asking,
        enums::RecordKind,
        page::{Connection, Paging, connection},
        record::{Node, home, of_kind},
        seen::{Seen, Shows},
    },
    sites::{graphql::Site, ops::audit::AuditEntries},
};

/// That somebody changed something.
#[derive(Clone, Debug)]
pub struct AuditEntry(pub Seen<audit_entry::Entity>);

impl Shows for AuditEntry {
    type Entity = audit_entry::Entity;

    fn show(row: Seen<audit_entry::Entity>) -> Self {
        Self(row)
    }
}

/// That somebody changed something on a site. It never leaves the site's host, and only the site's admins see it.
#[Object]
impl AuditEntry {
    /// Its id.
    pub async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// The site on which it happened.
    async fn site(&self, ctx: &Context<'_>) -> Result<Site> {
        home(&self.0, ctx, |row| row.site_id).await
    }

    /// When it happened.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// What was done: the name of the mutation, e.g. `projectUpdate`, or the words of the operator's command.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// What kind of record was changed.
    async fn kind(&self) -> RecordKind {
        self.0.kind.into()
    }

    /// The id of the record that was changed.
    async fn record_id(&self) -> ID {
        ids::print(self.0.kind, self.0.record_id).into()
    }

    /// The record as it is now; null when it is gone, or you may not see it.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        let load = async |rows: &[audit_entry::Model]| {
            let mut records = Vec::new();
            for kind in Kind::ALL {
                let of_it = rows.iter().filter(|row| row.kind == *kind);
                let mut wanted: Vec<_> = of_it.map(|row| row.record_id).collect();
                wanted.sort();
                wanted.dedup();
                if !wanted.is_empty() {
                    let found = of_kind(ctx.app(), ctx.caller(), *kind, &wanted).await?;
                    records.extend(found.into_iter().map(|(id, record)| ((*kind, id), record)));
                }
            }
            Ok(records)
        };
        let records = self.0.together("records".to_owned(), load).await?;
        let own = records.iter().find(|(of, _)| *of == (self.0.kind, self.0.record_id));
        Ok(own.map(|(_, record)| record.clone()))
    }

    /// The identity provider of who did it; null when this host did it on its operator's word.
    async fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// Who did it, by their name at that identity provider; null when this host did it on its operator's word.
    async fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }
}

connection! {
    /// A page of audit entries.
    AuditEntryConnection, AuditEntryEdge, AuditEntry
}

/// What can be asked about who did what.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditQueries;

/// What can be asked about who did what.
#[Object]
impl AuditQueries {
    /// Who did what on a site, newest first. For the site's admins; empty for others.
    async fn audit_entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The site's slug.")] site: String,
        #[graphql(desc = "How many from the front, 20 by default, 100 at most.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
    ) -> Result<AuditEntryConnection> {
        let paging = Paging {
            first,
            after,
            ..Paging::default()
        };
        let list = AuditEntries { site };
        Ok(AuditEntryConnection(Connection::root(ctx, paging, list).await?))
    }
}
