//! Who did what on a site, in the API.

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use entity::{Kind, audit_entry, audit_person, ids};

use crate::{
    error::Result,
    graphql::{
        Asking,
        enums::RecordKind,
        page::{Connection, Paging, connection},
        record::{Node, home, of_kind},
        seen::{Seen, Shows},
    },
    sites::{
        graphql::Site,
        ops::audit::{self, AuditEntries},
    },
};

/// That somebody changed something.
#[derive(Clone, Debug)]
pub struct AuditEntry(pub Seen<audit_entry::Entity>);

impl AuditEntry {
    /// Who stands behind it, looked up for all entries of a page at once.
    async fn author(&self, ctx: &Context<'_>) -> Result<Option<audit_person::Model>> {
        let load = async |rows: &[audit_entry::Model]| audit::people(ctx.app().reader(), rows).await;
        let people = self.0.together("people".to_owned(), load).await?;
        Ok(audit::author(&people, &self.0).cloned())
    }
}

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

    /// Who did it, by a random id that is theirs in this site's audit: the same in every entry of one person, also after that
    /// person was erased. Null when this host did it on its operator's word.
    async fn pseudonym(&self) -> Option<String> {
        self.0.pseudonym.map(|pseudonym| pseudonym.to_string())
    }

    /// The identity provider of who did it; null when this host did it on its operator's word, when the person was erased since,
    /// or is known to another site.
    async fn issuer(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.author(ctx).await?.map(|person| person.issuer))
    }

    /// Who did it, by their name at that identity provider; null when this host did it on its operator's word, when the person
    /// was erased since, or is known to another site.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.author(ctx).await?.map(|person| person.subject))
    }

    /// Its place in the chain of the site's audit: 1 for the first entry, and no number is left out.
    async fn position(&self) -> i64 {
        self.0.position
    }

    /// The end of the chain after this entry, 64 hexadecimal digits of SHA-256: it vouches for this entry and all before it. How it
    /// is made stands in the host's `docs/security.md`.
    async fn hash(&self) -> String {
        audit::hexadecimal(&self.0.hash)
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
