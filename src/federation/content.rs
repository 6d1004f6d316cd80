//! Which kinds travel, as which types; what leaves of them and where what comes of them goes.

use std::collections::HashMap;

use entity::{
    Kind, SiteId, champion, impact_measure, impact_release, observation, organisation, placement, post, project,
    report, resource, resource_edition, resource_overlay, resource_proposal, site, space, support_session, thread,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    prelude::Uuid,
    sea_query::{SelectStatement, UnionType},
};

use super::{
    directory,
    protocol::{
        self,
        apply::{Facts, Reason},
    },
    wire::{Audience, Header, Origin},
};
use crate::{
    app::Work,
    champions,
    error::{Error, Result},
    forum::{self, feed::Touched},
    impact, projects, resources,
    scope::Scoped,
    share::{Arrival, DECISION, Landed, MEMBER, NATIONAL_TYPES, Shape, Share, facts, remove},
    sites,
};

/// What may leave of a changed record: most kinds are one type, a thread or post is also what its space's home says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What its entries are.
    pub shape: Shape,
    /// The records that its entries could be about.
    pub records: Vec<Uuid>,
    /// The shared state of those of them that leave this host.
    pub shares: Vec<Share>,
}

/// What leaves of changed records of a kind, in the name of a site.
///
/// # Errors
/// Only when the database fails.
pub async fn of(db: &impl ConnectionTrait, site: SiteId, kind: Kind, ids: &[Uuid]) -> Result<Vec<Content>> {
    let one = |shape, shares| {
        let records = ids.to_vec();
        vec![Content { shape, records, shares }]
    };
    Ok(match kind {
        Kind::Organisation => one(sites::feed::ORGANISATION, sites::feed::shares(db, site, ids).await?),
        Kind::Champion => one(champions::feed::CHAMPION, champions::feed::shares(db, site, ids).await?),
        Kind::Resource => one(
            resources::feed::RESOURCE,
            resources::feed::resources(db, site, ids).await?,
        ),
        Kind::ResourceEdition => one(
            resources::feed::EDITION,
            resources::feed::editions(db, site, ids).await?,
        ),
        Kind::ResourceProposal => {
            let proposals = resources::feed::proposals(db, site, ids).await?;
            let mut contents = one(resources::feed::PROPOSAL, proposals);
            contents.push(Content {
                shape: DECISION,
                records: ids.iter().map(|id| resources::feed::decision_id(site, *id)).collect(),
                shares: resources::feed::decisions(db, site, ids).await?,
            });
            contents
        }
        Kind::Project => one(projects::feed::PROJECT, projects::feed::shares(db, site, ids).await?),
        Kind::Space => one(forum::feed::SPACE, forum::feed::spaces(db, site, ids).await?),
        Kind::Thread => {
            let mut contents = one(forum::feed::THREAD, forum::feed::threads(db, site, ids).await?);
            contents.push(placements(db, site, ids).await?);
            contents
        }
        Kind::Post => {
            let mut contents = one(forum::feed::POST, forum::feed::posts(db, site, ids).await?);
            contents.push(placements(db, site, ids).await?);
            contents
        }
        Kind::Report => one(forum::feed::REPORT, forum::feed::reports(db, site, ids).await?),
        Kind::ImpactMeasure => one(impact::feed::MEASURE, impact::feed::measures(db, site, ids).await?),
        Kind::ImpactRelease => one(impact::feed::RELEASE, impact::feed::releases(db, site, ids).await?),
        Kind::Site => {
            let members = sites::feed::members(db, site, ids).await?;
            members.map_or_else(Vec::new, |members| one(MEMBER, members))
        }
        Kind::Issuer | Kind::SupportSession | Kind::ResourceOverlay | Kind::Observation | Kind::AuditEntry => {
            Vec::new()
        }
    })
}

async fn placements(db: &impl ConnectionTrait, site: SiteId, subjects: &[Uuid]) -> Result<Content> {
    Ok(Content {
        shape: forum::feed::PLACEMENT,
        records: subjects.iter().map(|id| forum::feed::placement_id(site, *id)).collect(),
        shares: forum::feed::placements(db, site, subjects).await?,
    })
}

/// The types that this server knows, and in which schemas: what a consumer asks of a payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known;

impl protocol::apply::Content for Known {
    fn check(&self, header: &Header, payload: &str, origin: Origin, _audience: Audience) -> Result<Facts, Reason> {
        let shape = SHAPES.iter().find(|shape| shape.kind == header.kind);
        if shape.is_none_or(|shape| shape.schema != header.schema) {
            return Err(Reason::UnknownSchema(header.schema.clone()));
        }
        if is_derived(header.gid) != DERIVED.contains(&header.kind.as_str()) {
            return Err(Reason::Invalid("not an id of this type".to_owned()));
        }
        match header.kind.as_str() {
            "member" => directory::facts(header.gid, payload),
            "organisation" => facts::<sites::feed::Organisation>(payload),
            "champion" => facts::<champions::feed::Card>(payload),
            "resource" => facts::<resources::feed::Resource>(payload),
            "edition" => facts::<resources::feed::Edition>(payload),
            "decision" => resources::feed::decision_facts(origin, header.gid, payload),
            "proposal" => facts::<resources::feed::Proposal>(payload),
            "project" => facts::<projects::feed::Project>(payload),
            "space" => facts::<forum::feed::Space>(payload),
            "thread" => facts::<forum::feed::Thread>(payload),
            "post" => facts::<forum::feed::Post>(payload),
            "placement" => forum::feed::placement_facts(origin, header.gid, payload),
            "report" => facts::<forum::feed::Report>(payload),
            "measure" => facts::<impact::feed::Measure>(payload),
            "release" => facts::<impact::feed::Release>(payload),
            _ => Err(Reason::UnknownSchema(header.schema.clone())),
        }
    }

    fn is_national(&self, kind: &str) -> bool {
        NATIONAL_TYPES.contains(&kind)
    }
}

/// Types whose ids are made of their site and of what they are about.
const DERIVED: [&str; 2] = [forum::feed::PLACEMENT.kind, DECISION.kind];

/// Whether an id is made of what its record says (a UUIDv8; RFC 9562, 5.8). Whoever reads the record sees whose it is: that
/// another site used it first says nothing.
pub fn is_derived(record: Uuid) -> bool {
    record.get_version_num() == 8
}

/// Every type with its schema.
pub(super) const SHAPES: [Shape; 15] = [
    MEMBER,
    DECISION,
    sites::feed::ORGANISATION,
    champions::feed::CHAMPION,
    resources::feed::RESOURCE,
    resources::feed::EDITION,
    resources::feed::PROPOSAL,
    projects::feed::PROJECT,
    forum::feed::SPACE,
    forum::feed::THREAD,
    forum::feed::POST,
    forum::feed::PLACEMENT,
    forum::feed::REPORT,
    impact::feed::MEASURE,
    impact::feed::RELEASE,
];

/// Stores what came of records of one type other than [`MEMBER`], in their order. Each comes once.
///
/// # Errors
/// Only when the database fails.
pub async fn store(
    work: &Work<'_>,
    kind: &str,
    arrivals: &[Arrival<'_>],
    touched: &mut Touched,
) -> Result<Vec<Landed>> {
    let followed = Kind::from_prefix(kind);
    let tell = |arrival: &Arrival<'_>| followed.into_iter().for_each(|kind| work.tell(kind, arrival.id));
    match kind {
        "champion" => champions::feed::apply(work, arrivals).await?,
        "project" => projects::feed::apply(work, arrivals).await?,
        "measure" => impact::feed::apply_measures(work, arrivals).await?,
        _ => {
            let mut landed = Vec::with_capacity(arrivals.len());
            for arrival in arrivals {
                let became = store_one(work, kind, arrival, touched).await?;
                if became == Landed::Stored {
                    tell(arrival);
                }
                landed.push(became);
            }
            return Ok(landed);
        }
    }
    arrivals.iter().for_each(tell);
    Ok(vec![Landed::Stored; arrivals.len()])
}

async fn store_one(work: &Work<'_>, kind: &str, arrival: &Arrival<'_>, touched: &mut Touched) -> Result<Landed> {
    match kind {
        "organisation" => sites::feed::apply(work, arrival).await?,
        "resource" => resources::feed::apply(work, arrival).await?,
        "edition" => return resources::feed::apply_edition(work, arrival).await,
        "proposal" => resources::feed::apply_proposal(work, arrival).await?,
        "decision" => return resources::feed::apply_decision(work, arrival).await,
        "space" => forum::feed::apply_space(work, arrival, touched).await?,
        "thread" => forum::feed::apply_thread(work, arrival, touched).await?,
        "post" => forum::feed::apply_post(work, arrival, touched).await?,
        "placement" => return forum::feed::apply_placement(work, arrival, touched).await,
        "report" => forum::feed::apply_report(work, arrival, touched).await?,
        "release" => impact::feed::apply_release(work, arrival).await?,
        _ => return Err(Error::internal("a type that was known has no place")),
    }
    Ok(Landed::Stored)
}

/// Forgets records of a type that a site no longer shares. The directory forgets nobody: a site that goes says so.
///
/// # Errors
/// Only when the database fails.
pub async fn forget(work: &Work<'_>, home: SiteId, kind: &str, records: &[Uuid], touched: &mut Touched) -> Result<()> {
    if let Some(kind) = Kind::from_prefix(kind) {
        records.iter().for_each(|id| work.tell(kind, *id));
    }
    match kind {
        "organisation" => remove::<organisation::Entity>(work.db(), records).await,
        "champion" => remove::<champion::Entity>(work.db(), records).await,
        "resource" => resources::feed::forget(work, records).await,
        "edition" => remove::<resource_edition::Entity>(work.db(), records).await,
        "proposal" => remove::<resource_proposal::Entity>(work.db(), records).await,
        "project" => projects::feed::forget(work, records).await,
        "space" => forum::feed::forget_spaces(work, records, touched).await,
        "thread" => forum::feed::forget_threads(work, records, touched).await,
        "post" => forum::feed::forget_posts(work, records, touched).await,
        "placement" => forum::feed::forget_placements(work, home, records, touched).await,
        "report" => remove::<report::Entity>(work.db(), records).await,
        "measure" => remove::<impact_measure::Entity>(work.db(), records).await,
        "release" => remove::<impact_release::Entity>(work.db(), records).await,
        _ => Ok(()),
    }
}

/// Hands a macro the tables of the records that sites share.
macro_rules! with_shared_tables {
    ($with:ident) => {
        $with!(
            organisation,
            champion,
            resource,
            resource_edition,
            resource_proposal,
            project,
            space,
            thread,
            post,
            report,
            impact_measure,
            impact_release
        )
    };
}
pub(crate) use with_shared_tables;

/// Whose records these are, as far as a row of this host says so. The directory's record of a site is the national site's.
///
/// # Errors
/// Only when the database fails.
pub async fn homes(db: &impl ConnectionTrait, records: &[Uuid]) -> Result<HashMap<Uuid, SiteId>> {
    if records.is_empty() {
        return Ok(HashMap::new());
    }
    macro_rules! homes_in {
        ($($table:ident),+) => {
            homes_of::<support_session::Entity>(records)
                .union(UnionType::All, homes_of::<resource_overlay::Entity>(records))
                .union(UnionType::All, homes_of::<observation::Entity>(records))
                $(.union(UnionType::All, homes_of::<$table::Entity>(records)))+
                .to_owned()
        };
    }
    let homes = with_shared_tables!(homes_in);
    let mut homes = read_homes(db, &homes).await?;
    let listed = read_homes(db, &homes_of::<site::Entity>(records)).await?;
    if let Some(national) = sites::ops::national(db).await?.filter(|_| !listed.is_empty()) {
        homes.extend(listed.into_keys().map(|id| (id, national.id)));
    }
    Ok(homes)
}

/// Has everything told anew that a site shares.
///
/// # Errors
/// Only when the database fails.
pub async fn touch_all(work: &mut Work<'_>, site: SiteId) -> Result<()> {
    macro_rules! touch {
        ($($table:ident),+) => {$(
            for id in records_of::<$table::Entity>(work.db(), site).await? {
                work.touch(site, <$table::Entity as Scoped>::KIND, id);
            }
        )+};
    }
    with_shared_tables!(touch);
    let placed = placement::Entity::find().filter(placement::Column::SiteId.eq(site));
    for row in placed.all(work.db()).await? {
        work.touch(site, row.kind, row.subject_id);
    }
    let decided = resource_proposal::Entity::find().filter(resource_proposal::Column::NationalSiteId.eq(site));
    for row in decided.all(work.db()).await? {
        work.touch(site, Kind::ResourceProposal, row.id);
    }
    Ok(())
}

/// A page of the changed records of a site, table by table, for whoever looks at all of them.
///
/// # Errors
/// Only when the database fails.
pub async fn page(
    db: &impl ConnectionTrait,
    site: SiteId,
    kind: Kind,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Uuid>> {
    macro_rules! of_kind {
        ($($table:ident),+) => {
            match kind {
                $(<$table::Entity as Scoped>::KIND => page_of::<$table::Entity>(db, site, after, limit).await,)+
                _ => Ok(Vec::new()),
            }
        };
    }
    with_shared_tables!(of_kind)
}

async fn page_of<E: Scoped>(
    db: &impl ConnectionTrait,
    site: SiteId,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Uuid>> {
    let rows = E::find()
        .select_only()
        .column(E::id_column())
        .filter(E::home_column().eq(site.0))
        .apply_if(after, |rows, after| rows.filter(E::id_column().gt(after)))
        .order_by_asc(E::id_column())
        .limit(limit);
    Ok(rows.into_tuple().all(db).await?)
}

/// The ids of a site's own records in a table.
///
/// # Errors
/// Only when the database fails.
pub async fn records_of<E: Scoped>(db: &impl ConnectionTrait, site: SiteId) -> Result<Vec<Uuid>> {
    let rows = E::find()
        .select_only()
        .column(E::id_column())
        .filter(E::home_column().eq(site.0));
    Ok(rows.into_tuple().all(db).await?)
}

fn homes_of<E: Scoped>(records: &[Uuid]) -> SelectStatement {
    let rows = E::find()
        .select_only()
        .column(E::id_column())
        .column(E::home_column())
        .filter(E::id_column().is_in(records.iter().copied()));
    rows.into_query()
}

async fn read_homes(db: &impl ConnectionTrait, select: &SelectStatement) -> Result<HashMap<Uuid, SiteId>> {
    let rows = db.query_all(select).await?;
    let homes = rows
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, SiteId(row.try_get_by_index(1)?))));
    homes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{federation::wire::MAX_PAYLOAD_BYTES, input, share::TYPES};

    #[test]
    fn the_longest_texts_that_people_may_write_travel() {
        let longest = |most: usize| ["\u{1F331}".repeat(most), "\"".repeat(most), "\n".repeat(most)];
        let size = |most| {
            let texts = longest(most).map(|text| serde_json::to_string(&text).unwrap().len());
            texts.into_iter().max().unwrap()
        };
        // An edition has a body and a few shorter texts; a project's team has ids and times.
        let edition = size(input::BODY) + 3 * size(input::ABOUT / 2);
        let project =
            1_000 * 110 + 50 * (size(input::TITLE) + 200) + 60 * size(input::TITLE) + 2 * size(input::SUMMARY);
        assert!(edition.max(project) + 4_000 < MAX_PAYLOAD_BYTES);
    }

    #[test]
    fn a_site_may_yield_every_type_that_is_not_the_national_site_s_alone() {
        let kinds: Vec<_> = SHAPES.iter().map(|shape| shape.kind).collect();

        assert_eq!(kinds[..2], NATIONAL_TYPES);
        assert_eq!(kinds[2..], TYPES);
    }
}
