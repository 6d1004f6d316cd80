//! The new host of a site: taking in what a file holds, and beginning where the file ends.

use entity::{
    SiteKind, SiteStatus, feed_cursor, feed_held, feed_parked, feed_seen, feed_shared, feed_skipped, issuer, replica,
    site, trusted_key,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use super::{ERASED, File, Moved, on_its_way, rows};
use crate::{
    app::{App, Work},
    error::{Error, Result},
    federation::{content, directory, erasures, keys, relay, sequencer},
    share, sites,
};

/// Takes in a site that another host has written down: its rows in the place of all that was here of it, its key, and what it
/// has erased. It may be repeated until the site is kept here.
///
/// # Errors
/// A problem for a site that this host keeps, or one of another network. Then nothing was stored.
pub async fn import(app: &App, file: &File) -> Result<()> {
    let import = async |work: &mut Work<'_>| {
        let moved = &file.moved;
        enter(work, moved).await?;
        for line in &file.lines {
            match line.table.as_str() {
                ERASED => {}
                // The old host keeps a key that it has made and never used: here another one is made.
                table if rows::is_unused_key(table, &line.row) => {}
                rows::VOUCHED => rows::write_vouched(work.db(), &line.row).await?,
                rows::WORDS => rows::write_words(work.db(), &line.row).await?,
                table => rows::write(work.db(), table, &line.row).await?,
            }
        }
        let development = issuer::Entity::delete_many().filter(issuer::Column::SiteId.eq(moved.site));
        let development = development.filter(issuer::Column::Development.eq(true));
        development.exec(work.db()).await?;
        erasures::erase(work, moved.site, &file.erased()?).await
    };
    app.system("site import", import).await
}

/// Keeps an imported site from now on: opens a new epoch of each of its feeds, in which all that it shares is told anew. The
/// hub has taken in its new key before.
///
/// # Errors
/// A problem when it was not imported, or another host has taken over.
pub async fn begin(app: &App, file: &File) -> Result<()> {
    let begin = async |work: &mut Work<'_>| {
        let site = file.site();
        let found = site::Entity::find_by_id(site).lock_exclusive().one(work.db()).await?;
        let mut row = on_its_way(found)?.into_active_model();
        row.hosted = Set(true);
        row.exported_at = Set(None);
        row.endpoint = Set(Some(format!("{}/graphql", work.app().settings.public_url)));
        work.update::<site::Entity>(row).await?;
        for (audience, previous) in &file.moved.feeds {
            sequencer::recall_in(work, site, *audience, *previous).await?;
        }
        content::touch_all(work, site).await
    };
    app.system("site import", begin).await?;
    sequencer::run(app).await?;
    Ok(())
}

/// Makes room for the site: forgets that it was read from elsewhere, and every row of it. Nobody changes it before [`begin`].
async fn enter(work: &mut Work<'_>, moved: &Moved) -> Result<()> {
    let found = site::Entity::find_by_id(moved.site).lock_exclusive();
    let found = found.one(work.db()).await?;
    if found.as_ref().is_some_and(|found| found.hosted) {
        return Err(Error::not_now("This host keeps the site already."));
    }
    let national = &moved.national;
    match sites::ops::national(work.db()).await? {
        Some(known) if known.id == national.id => {}
        Some(_) => return Err(Error::not_now("The site is in another network than this host.")),
        None => {
            let national = directory::National {
                id: national.id,
                slug: national.slug.clone(),
                name: national.name.clone(),
                key: national.key,
                root: national.root,
            };
            directory::join(work, national).await?;
        }
    }
    macro_rules! forget {
        ($($table:ident.$column:ident),+) => {$(
            let read = $table::Entity::delete_many().filter($table::Column::$column.eq(moved.site));
            read.exec(work.db()).await?;
        )+};
    }
    forget!(
        replica.Origin,
        feed_cursor.Origin,
        feed_seen.Origin,
        feed_skipped.Origin,
        feed_parked.Origin,
        feed_held.Origin,
        feed_shared.Origin,
        trusted_key.SiteId
    );
    if !directory::is_kept_here(work.db()).await? {
        relay::forget_site(work, moved.site).await?;
    }
    rows::clear(work.db(), moved.site).await?;
    if found.as_ref().is_none_or(|found| found.exported_at.is_none()) {
        keys::forget_unused(work, moved.site).await?;
    }
    let row = site::Model {
        id: moved.site,
        slug: moved.slug.clone(),
        name: moved.name.clone(),
        kind: SiteKind::Regional,
        region: moved.region.clone(),
        ods_code: moved.ods_code.clone(),
        status: found.as_ref().map_or(SiteStatus::Active, |found| found.status),
        status_reason: None,
        hosted: false,
        exported_at: Some(work.now()),
        endpoint: Some(format!("{}/graphql", work.app().settings.public_url)),
        public_key: found.and_then(|found| found.public_key),
        version: moved.version,
        created_at: moved.created_at,
        updated_at: moved.updated_at,
    };
    share::store::<site::Entity>(work.db(), row).await
}
