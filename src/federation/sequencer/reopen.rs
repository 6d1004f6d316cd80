//! New epochs: when others have read a story of a feed that this database does not know (`docs/federation.md`, section 8), and
//! when a feed has grown far longer than what is left of it.

use std::collections::BTreeMap;

use entity::{SiteId, feed_entry, feed_shared};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Locked;
use crate::{
    app::{App, Work},
    champions::feed::CHAMPION,
    database::ROWS_A_STATEMENT,
    error::{Error, Result},
    federation::{
        host,
        keys::{self, RootKey, SiteKey},
        protocol::{
            publisher::{self, Draft, Emitted, FEWEST_HEADERS, Feed, Shared},
            rules::Rules,
        },
        renewal,
        wire::{Audience, Header, Operation, Previous, Salt},
    },
};

/// Opens a new epoch of a feed because others have read another story of it, and writes into it what the feed shows now.
/// Tells whether it did: not when the feed is no longer the one that was judged.
///
/// # Errors
/// Only when the database fails.
pub async fn reopen(app: &App, judged: &Feed, previous: Previous) -> Result<bool> {
    let opened = app
        .system("reopen", async |work| {
            let mut feeds = Locked::feeds(work, SiteId(judged.origin.0)).await?;
            let present = feeds.heads.get(&judged.audience);
            if present.is_none_or(|present| present.epoch != judged.epoch) {
                return Ok(false);
            }
            feeds.reopen(work, judged, previous).await?;
            feeds.sign(work).await?;
            Ok(true)
        })
        .await?;
    app.signals.grew();
    Ok(opened)
}

/// Opens a feed that this database does not know although others have read it: its site came back from a backup of before
/// its first entry. Tells whether it did.
///
/// # Errors
/// Only when the database fails.
pub async fn recall(app: &App, site: SiteId, audience: Audience, previous: Previous) -> Result<bool> {
    let recall = async |work: &mut Work<'_>| recall_in(work, site, audience, previous).await;
    let opened = app.system("recall", recall).await?;
    app.signals.grew();
    Ok(opened)
}

/// The same within a work that goes on after it.
///
/// # Errors
/// Only when the database fails.
pub async fn recall_in(work: &mut Work<'_>, site: SiteId, audience: Audience, previous: Previous) -> Result<bool> {
    let mut feeds = Locked::locked(work, site).await?;
    if feeds.heads.get(&audience).is_some_and(|feed| feed.pos > 0) {
        return Ok(false);
    }
    let new = feeds.unwritten(work, audience);
    let salt = Salt(work.app().ids.bytes());
    let opened = publisher::open(new.origin, audience, new.epoch, Some(previous), salt, work.now());
    feeds.store(work, &opened).await?;
    feeds.say_erased(work, audience).await?;
    feeds.tell_opened(work, audience).await?;
    feeds.sign(work).await?;
    Ok(true)
}

/// Has a site sign with a new key after the present one was lost or stolen, and opens a new epoch of each of its feeds, so
/// that nothing has to be believed that was signed before. Where this host keeps the directory, the root proves the key.
///
/// # Errors
/// A problem when the directory does not take the key in.
pub async fn replace_key(app: &App, site: SiteId, root: Option<&RootKey>) -> Result<SiteKey> {
    let replace = async |work: &mut Work<'_>| {
        let mut feeds = Locked::feeds(work, site).await?;
        keys::forget_unused(work, site).await?;
        let key = keys::make(work, site).await?;
        keys::take_over(work, site, &key).await?;
        if let Some(root) = root {
            let proof = root.proves(site, key.kid(), key.public())?;
            keys::prove(work, site, &key, proof).await?;
            let taken = renewal::accept(work, site, key.public(), proof).await?;
            taken.map_err(|refused| Error::not_now(refused.0))?;
        }
        for feed in feeds.heads.clone().into_values().filter(|feed| feed.pos > 0) {
            feeds.reopen(work, &feed, feed.ended()).await?;
        }
        feeds.sign(work).await?;
        // In a new epoch nothing contradicts what was told before.
        Ok((key, host::settled(work, site).await?))
    };
    let (key, doubted) = app.system("replace key", replace).await?;
    app.signals.ask(doubted);
    app.signals.grew();
    Ok(key)
}

impl Locked {
    /// Writes the records that a feed shows into a new epoch, in the order of their last entries, and forgets the old one.
    async fn reopen(&mut self, work: &mut Work<'_>, old: &Feed, previous: Previous) -> Result<()> {
        use feed_shared::Column;
        let audience = old.audience;
        let shown = feed_shared::Entity::find()
            .select_only()
            .column(Column::Pos)
            .filter(Column::Origin.eq(self.site))
            .filter(Column::Audience.eq(audience.to_string()))
            .filter(Column::Operation.eq(Operation::Put.word()))
            .order_by_asc(Column::Pos);
        let shown: Vec<i64> = shown.into_tuple().all(work.db()).await?;
        let said = feed_shared::Entity::delete_many()
            .filter(Column::Origin.eq(self.site))
            .filter(Column::Audience.eq(audience.to_string()));
        said.exec(work.db()).await?;
        let new = self.unwritten(work, audience);
        let salt = Salt(work.app().ids.bytes());
        let opened = publisher::open(new.origin, audience, new.epoch, Some(previous), salt, work.now());
        self.store(work, &opened).await?;
        for positions in shown.chunks(ROWS_A_STATEMENT) {
            let mut drafts = self.drafts(work, old, positions).await?;
            let ids: Vec<_> = drafts.iter().map(|draft| draft.gid).collect();
            let erased = work.app().ledger.among(self.site, &ids).map_err(Error::internal)?;
            drafts.retain(|draft| !erased.contains(&draft.gid));
            let (feed, ids) = (self.heads[&audience], &work.app().ids);
            let salt = || Salt(ids.bytes());
            let rules = Rules::default();
            let appended = publisher::append(&feed, &drafts, |_| None, |_| false, salt, work.now(), rules);
            self.store(work, &appended).await?;
        }
        self.say_erased(work, audience).await?;
        let earlier = feed_entry::Entity::delete_many()
            .filter(feed_entry::Column::Origin.eq(self.site))
            .filter(feed_entry::Column::Audience.eq(audience.to_string()))
            .filter(feed_entry::Column::Epoch.ne(new.epoch.0));
        earlier.exec(work.db()).await?;
        self.tell_opened(work, audience).await
    }

    /// Opens a new epoch of each feed that has grown far longer than what is left of it.
    pub(super) async fn shorten(&mut self, work: &mut Work<'_>, before: &BTreeMap<Audience, Feed>) -> Result<()> {
        for (audience, feed) in self.heads.clone() {
            let from = before.get(&audience).map_or(0, |before| before.pos);
            if from / FEWEST_HEADERS == feed.pos / FEWEST_HEADERS {
                continue;
            }
            let left = self.left(work, audience).await?;
            if publisher::is_worth_reopening(feed.pos, left) {
                tracing::info!(site = %self.site, %audience, headers = feed.pos, left, "a feed begins a new epoch");
                self.reopen(work, &feed, feed.ended()).await?;
            }
        }
        Ok(())
    }

    /// How much a new epoch of a feed would say.
    async fn left(&self, work: &Work<'_>, audience: Audience) -> Result<u64> {
        use feed_shared::Column;
        let left = feed_shared::Entity::find()
            .filter(Column::Origin.eq(self.site))
            .filter(Column::Audience.eq(audience.to_string()))
            .filter(Column::Operation.ne(Operation::Delete.word()));
        Ok(left.count(work.db()).await?)
    }

    /// Says again, in a new epoch, what is gone for ever: who has not heard it in an earlier one, or has had to doubt it, enters
    /// it now. Erased are people, whose cards everybody reads.
    async fn say_erased(&mut self, work: &Work<'_>, audience: Audience) -> Result<()> {
        if audience != Audience::Network {
            return Ok(());
        }
        let mut erased = work.app().ledger.of_site(self.site).map_err(Error::internal)?;
        erased.sort_unstable();
        for erased in erased.chunks(ROWS_A_STATEMENT) {
            let drafts = erased.iter().map(|gid| Draft {
                gid: *gid,
                kind: CHAMPION.kind.to_owned(),
                schema: CHAMPION.schema.to_owned(),
                parent: None,
                shared: Shared::Erased,
            });
            let drafts: Vec<_> = drafts.collect();
            let (ids, rules) = (&work.app().ids, Rules::default());
            let salt = || Salt(ids.bytes());
            let feed = self.heads[&audience];
            let appended = publisher::append(
                &feed,
                &drafts,
                |_| Some(Emitted::BEFORE),
                |_| true,
                salt,
                work.now(),
                rules,
            );
            self.store(work, &appended).await?;
        }
        Ok(())
    }

    /// What entries of a feed said, to be said again.
    async fn drafts(&self, work: &Work<'_>, feed: &Feed, positions: &[i64]) -> Result<Vec<Draft>> {
        use feed_entry::Column;
        let rows = feed_entry::Entity::find()
            .filter(Column::Origin.eq(self.site))
            .filter(Column::Audience.eq(feed.audience.to_string()))
            .filter(Column::Epoch.eq(feed.epoch.0))
            .filter(Column::Pos.is_in(positions.iter().copied()))
            .order_by_asc(Column::Pos);
        let drafts = rows.all(work.db()).await?.into_iter().map(|row| {
            let header = Header::parse(&row.header).map_err(Error::internal)?;
            Ok(Draft {
                gid: header.gid,
                kind: header.kind,
                schema: header.schema,
                parent: header.parent,
                shared: row.payload.map_or(Shared::No, Shared::As),
            })
        });
        drafts.collect()
    }
}
