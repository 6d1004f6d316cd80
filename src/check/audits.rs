//! The chains of the audits (`docs/security.md`, section 4).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::{SiteId, audit_entry, audit_head};
use sea_orm::{EntityTrait, QuerySelect};

use super::{Look, Words};
use crate::{
    error::{Error, Result},
    federation::{
        audit::{self, Chain},
        wire::{AuditCheckpoint, PublicKey},
    },
    sites::ops::audit::hexadecimal,
};

/// Words of a site that are read at once.
const WORDS_AT_ONCE: usize = 1_000;

/// Who holds words.
const HERE: &str = "this database";
const HUB: &str = "the hub";

/// What was vouched for: by position the end of the chain there, and who holds the word.
type Vouched = BTreeMap<i64, Vec<(Vec<u8>, &'static str)>>;

/// Follows the audit of every site of which there is one.
pub(super) async fn look(look: &mut Look<'_>, mut words: Words) -> Result<()> {
    let named = audit_entry::Entity::find()
        .select_only()
        .column(audit_entry::Column::SiteId)
        .distinct();
    let named: Vec<SiteId> = named.into_tuple().all(look.db).await?;
    let heads = audit_head::Entity::find().all(look.db).await?;
    let mut heads: BTreeMap<_, _> = heads.into_iter().map(|head| (head.site_id, head)).collect();
    let hosted = look.hosted().into_iter().map(|site| site.id);
    let all: BTreeSet<_> = named.into_iter().chain(heads.keys().copied()).chain(hosted).collect();
    for site in all {
        let none = audit_head::Model {
            site_id: site,
            position: 0,
            hash: Chain::start(site).hash,
        };
        let head = heads.remove(&site).unwrap_or(none);
        // What this host notes of a site of another host is no part of the audit that the site itself vouches for.
        let vouched = if look.is_hosted(site) {
            vouched(look, site, words.remove(&site)).await?
        } else {
            Vouched::new()
        };
        follow(look, &head, vouched).await?;
        look.report.audits.0 += 1;
    }
    Ok(())
}

/// What a site of this host has vouched for, as far as one of its keys has signed it.
async fn vouched(
    look: &mut Look<'_>,
    site: SiteId,
    at_hub: Option<Result<Vec<AuditCheckpoint>, String>>,
) -> Result<Vouched> {
    let keys = look.own_keys(site).await?;
    let mut vouched = Vouched::new();
    let mut after = 0;
    loop {
        let own = audit::behind(look.db, site, after, WORDS_AT_ONCE).await?;
        let Some(last) = own.last() else { break };
        after = last.position;
        take(look, site, &keys, own, HERE, &mut vouched)?;
    }
    match at_hub {
        Some(Ok(words)) => take(look, site, &keys, words, HUB, &mut vouched)?,
        Some(Err(why)) => look.find(
            site,
            format_args!("audit: the hub did not say what it holds: {why} (--offline does not ask it)"),
        ),
        None => {}
    }
    Ok(vouched)
}

fn take(
    look: &mut Look<'_>,
    site: SiteId,
    keys: &HashMap<String, PublicKey>,
    words: Vec<AuditCheckpoint>,
    holder: &'static str,
    vouched: &mut Vouched,
) -> Result<()> {
    let mut unproven = None;
    for word in words {
        let key = keys.get(&word.kid);
        if key.is_some_and(|key| audit::is_signed(site, *key, &word)) {
            let position = i64::try_from(word.position).map_err(Error::internal)?;
            let hash = word.hash.0.to_vec();
            vouched.entry(position).or_default().push((hash, holder));
        } else {
            unproven.get_or_insert(word.position);
        }
    }
    if let Some(position) = unproven {
        let what =
            format!("audit: no key of the site has signed the checkpoint at entry {position} that {holder} holds");
        look.find(site, what);
    }
    Ok(())
}

/// Follows one chain, entry by entry.
async fn follow(look: &mut Look<'_>, head: &audit_head::Model, mut vouched: Vouched) -> Result<()> {
    let site = head.site_id;
    let mut chain = Chain::start(site);
    let mut proven = 0;
    loop {
        let rows = chain.page(look.db).await?;
        look.pass(rows.len());
        look.report.audits.1 += rows.len() as u64;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if let Err(broken) = chain.step(row) {
                look.find(site, format_args!("audit: {broken}"));
                return Ok(());
            }
            for (hash, holder) in vouched.remove(&row.position).unwrap_or_default() {
                if hash != row.hash {
                    let first = proven + 1;
                    let (last, id, hash) = (row.position, row.id, hexadecimal(&hash));
                    let what = format!(
                        "audit: among the entries {first} to {last} ({id}) one is not as it was when the site vouched for them: \
                         {holder} holds {hash} as their end"
                    );
                    look.find(site, what);
                    return Ok(());
                }
                proven = row.position;
            }
        }
    }
    match chain.ends_at(head) {
        Err(broken) => look.find(site, format_args!("audit: {broken}")),
        Ok(()) => cut_off(look, &chain, vouched),
    }
    Ok(())
}

/// Tells of entries that the site has vouched for and that are not here.
fn cut_off(look: &mut Look<'_>, chain: &Chain, vouched: Vouched) {
    let mut furthest = BTreeMap::new();
    for (position, words) in vouched {
        for (_, holder) in words {
            furthest.insert(holder, position);
        }
    }
    for (holder, position) in furthest {
        let (missing, first) = (position - chain.position, chain.position + 1);
        let who = if holder == HUB {
            "the hub has seen"
        } else {
            "the site has vouched for"
        };
        let entries = if missing == 1 {
            "entry that is"
        } else {
            "entries that are"
        };
        let what = format!("audit: {who} {missing} {entries} not here, from entry {first} on");
        look.find(chain.site, what);
    }
}
