//! Joining a network, and the keys of its sites.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use entity::SiteKind;
use sea_orm::prelude::Uuid;
use serde_json::json;

use super::{Outcome, development, say, secret, told};
use crate::{
    app::Work,
    error::Error,
    federation::{
        dial::{self, errands},
        directory, erasures,
        keys::{RootKey, SiteKey},
        moving::{self, File},
        protocol::erasure::Progress,
        renewal, reports, sequencer,
        wire::{Origin, PublicKey},
    },
    server::Server,
    sites::ops::{self, Founding},
};

/// Where the network's root is to be written.
#[derive(Debug, Args)]
pub struct Root {
    /// The file to make. Keep it away from this machine: who has it can prove a key of any site
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// A site of this host that joins a network.
#[derive(Debug, Args)]
pub struct Join {
    /// Its name in addresses, arguments and tokens: lower-case letters and digits with hyphens. Founded if this host keeps
    /// no such site yet
    #[arg(long)]
    slug: String,
    /// Its name for people; needed to found it
    #[arg(long)]
    name: Option<String>,
    /// The region it serves
    #[arg(long)]
    region: Option<String>,
    /// Its code in the Organisation Data Service
    #[arg(long)]
    ods_code: Option<String>,
    /// The network's root as its people told it to you, to be compared with what the hub says
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    root: Option<String>,
}

/// A site whose key is to change.
#[derive(Debug, Args)]
pub struct OfSite {
    /// The slug of the site
    slug: String,
    /// The file of the network's root: needed for the national site, and on the national host after a loss
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

/// A site that moves away.
#[derive(Debug, Args)]
pub struct Export {
    /// The slug of the site
    slug: String,
    /// The file to make. It holds personal data and the site's key: move it safely, and delete it afterwards
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// A site that moves in.
#[derive(Debug, Args)]
pub struct Import {
    /// The file that `site export` has written
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// A site that stays after all.
#[derive(Debug, Args)]
pub struct Kept {
    /// The slug of the site
    slug: String,
}

/// A site that has erased records.
#[derive(Debug, Args)]
pub struct Erasures {
    /// The slug of the site
    slug: String,
}

/// A site whose keys count no longer.
#[derive(Debug, Args)]
pub struct Revoked {
    /// The slug of the site
    slug: String,
}

/// The key of a site that the root proves.
#[derive(Debug, Args)]
pub struct Accepted {
    /// The slug of the site
    slug: String,
    /// The key that the site's own operator has read out: 43 characters
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    public_key: String,
    /// The file of the network's root
    #[arg(long, value_name = "FILE")]
    root: PathBuf,
}

/// Makes the network's root, on the host of the national site.
pub async fn root(server: &Server, arguments: Root) -> Outcome {
    let national = ops::national(server.0.reader()).await.map_err(told)?;
    let national = national.filter(|national| national.hosted);
    let national = national.ok_or("This host does not keep the national site.")?;
    sequencer::introduce(&server.0, national.id).await.map_err(told)?;
    let (root, file) = (RootKey::generate().map_err(told)?, &arguments.file);
    let written = secret::create(file).and_then(|mut open| {
        open.write_all(root.text().as_bytes())?;
        open.sync_all()
    });
    written.map_err(|why| format!("The root cannot be written to {}: {why}", file.display()))?;
    let found = async |work: &mut Work<'_>| renewal::found_root(work, &root).await;
    if let Err(why) = server.0.system("root", found).await {
        // A file that is the root of nothing would only mislead.
        fs::remove_file(file).map_err(|why| format!("{} cannot be removed: {why}", file.display()))?;
        return Err(told(why));
    }
    say(root.public().map_err(told)?)?;
    note(format_args!(
        "The secret half is in {}: keep it away from this machine. Tell hosts that join the line above.",
        file.display()
    ))
}

/// Joins a network: pins its root, founds the site if need be, makes its key, and prints what the national admin admits.
pub async fn join(server: &Server, join: Join) -> Outcome {
    let settings = &server.0.settings;
    let hub = dial::hub_url(settings)?.ok_or("Name the hub with the setting hub_url.")?;
    let national = errands::national(&server.0, hub.clone()).await;
    let national = national.map_err(|why| format!("The hub at {hub} cannot be joined: {why}."))?;
    let root = national.root.map(|root| root.to_string()).unwrap_or_default();
    if join.root.as_ref().is_some_and(|expected| *expected != root) {
        return Err(format!(
            "The hub at {hub} tells of another root than you expect: {root}. Do not join before you know why."
        ));
    }
    let (name, slug, founding) = (national.name.clone(), join.slug.clone(), founding(join));
    let enter = async |work: &mut Work<'_>| {
        match ops::national(work.db()).await? {
            Some(known) if known.id == national.id && !known.hosted => {}
            _ => directory::join(work, national.clone()).await?,
        }
        match ops::by_slug(work.db(), &slug).await? {
            Some(site) if site.hosted => Ok(site),
            Some(_) => Err(Error::not_now("Another host keeps a site of this slug.")),
            None => ops::found(work, founding).await,
        }
    };
    let site = server.0.system("site join", enter).await.map_err(told)?;
    let key = sequencer::introduce(&server.0, site.id).await.map_err(told)?;
    let input = json!({
        "id": site.id.to_string(),
        "slug": site.slug,
        "name": site.name,
        "region": site.region,
        "odsCode": site.ods_code,
        "publicKey": key.public().to_string(),
        "endpoint": site.endpoint,
    });
    say(input)?;
    note(format_args!(
        "This host trusts the network of {name} from now on; its root is {root}.\n\
         Ask an admin of {name} to admit the site: the line above is the input of the mutation siteAdmit."
    ))
}

fn founding(join: Join) -> Founding {
    Founding {
        slug: join.slug,
        name: join.name.unwrap_or_default(),
        kind: SiteKind::Regional,
        region: join.region,
        ods_code: join.ods_code,
    }
}

/// Has a site sign with another key, proven by its present one.
pub async fn rotate(server: &Server, of: OfSite) -> Outcome {
    let app = &server.0;
    let site = hosted(server, &of.slug).await?;
    if directory::is_kept_here(app.reader()).await.map_err(told)? {
        let root = of.root.as_deref().map(read_root).transpose()?;
        let rotate = async |work: &mut Work<'_>| renewal::rotate_here(work, site, root.as_ref()).await;
        let rotated = app.system("rotate key", rotate).await.map_err(told)?;
        return said(&rotated.map_err(|refused| refused.to_string())?);
    }
    let hub = dial::hub_url(&app.settings)?.ok_or("Name the hub with the setting hub_url.")?;
    let rotated = errands::rotate(app, hub, site).await;
    said(&rotated.map_err(|why| format!("The site signs with its present key as before: {why}."))?)
}

/// Has a site sign with a new key after the present one was lost or stolen.
pub async fn replace(server: &Server, of: OfSite) -> Outcome {
    let app = &server.0;
    let site = hosted(server, &of.slug).await?;
    let kept = directory::is_kept_here(app.reader()).await.map_err(told)?;
    let root = of.root.as_deref().map(read_root).transpose()?;
    if kept != root.is_some() {
        return Err(if kept {
            "This host keeps the directory: name the file of the network's root with --root.".to_owned()
        } else {
            "The root is for the national host alone: leave --root out.".to_owned()
        });
    }
    let key = sequencer::replace_key(app, site, root.as_ref()).await.map_err(told)?;
    said(&key)?;
    if kept {
        return Ok(());
    }
    note(
        "Read the line above out to an operator of the national host, who knows your voice: until they have accepted the \
         key, nothing of this site leaves.",
    )
}

/// Writes a site into a file and stops publishing it.
pub async fn export(server: &Server, export: Export) -> Outcome {
    let site = hosted(server, &export.slug).await?;
    let file = &export.file;
    let mut open = secret::create(file).map_err(|why| format!("{} cannot be made: {why}", file.display()))?;
    let written = match moving::export(&server.0, site).await {
        Ok(text) => open.write_all(text.as_bytes()).and_then(|()| open.sync_all()),
        Err(why) => {
            fs::remove_file(file).map_err(|why| format!("{} cannot be removed: {why}", file.display()))?;
            return Err(told(why));
        }
    };
    if let Err(why) = written {
        fs::remove_file(file).map_err(|why| format!("{} cannot be removed: {why}", file.display()))?;
        moving::keep(&server.0, site).await.map_err(told)?;
        return Err(format!(
            "{} cannot be written, so the site stays here: {why}",
            file.display()
        ));
    }
    note(format_args!(
        "{} is in {}: take it in on its new host with `site import`. Until that host takes over nobody can change the site; \
         `site keep {}` keeps it here, and the file is worth nothing then.",
        export.slug,
        file.display(),
        export.slug
    ))
}

/// Takes a site in and takes over.
pub async fn import(server: &Server, import: Import) -> Outcome {
    let app = &server.0;
    let hub = dial::hub_url(&app.settings)?.ok_or("Name the hub with the setting hub_url.")?;
    let text = fs::read_to_string(&import.file).map_err(|why| format!("{}: {why}", import.file.display()))?;
    let file = File::parse(&text).map_err(told)?;
    let site = file.site();
    if directory::reader(app.reader())
        .await
        .map_err(told)?
        .sites
        .contains(&Origin(site.0))
    {
        return Err("This host keeps the site already.".to_owned());
    }
    let failed = |why| format!("This host does not keep the site: {why}. `site import` may be repeated.");
    let key = file.key().map_err(told)?;
    let known = errands::known_of(app, hub.clone(), site, &key).await.map_err(failed)?;
    file.is_the_latest(&known).map_err(told)?;
    moving::import(app, &file).await.map_err(told)?;
    let key = errands::rotate(app, hub, site).await.map_err(failed)?;
    moving::begin(app, &file).await.map_err(told)?;
    if app.settings.development_issuer {
        development::keep_issuer(server).await?;
    }
    said(&key)
}

/// Keeps a site that was exported.
pub async fn keep(server: &Server, kept: Kept) -> Outcome {
    let app = &server.0;
    let site = ops::named(app.reader(), &kept.slug).await.map_err(told)?;
    let site = moving::on_its_way(Some(site)).map_err(told)?;
    if !directory::is_kept_here(app.reader()).await.map_err(told)? {
        let hub = dial::hub_url(&app.settings)?.ok_or("Name the hub with the setting hub_url.")?;
        // The hub takes one of two: the key of this host or that of another to which the file has gone.
        let rotated = errands::rotate(app, hub, site.id).await;
        rotated.map_err(|why| format!("{} cannot be kept here, or not yet: {why}.", kept.slug))?;
    }
    moving::keep(app, site.id).await.map_err(told)?;
    say(format_args!("{} stays here.", kept.slug))
}

/// Lists the erasures of a site: the record, when, and how far it has come.
pub async fn erasures(server: &Server, of: Erasures) -> Outcome {
    let app = &server.0;
    let site = hosted(server, &of.slug).await?;
    let acknowledged = match dial::hub_url(&app.settings)? {
        Some(hub) => errands::acknowledged(app, hub, site).await,
        None => erasures::acknowledged(app.reader(), site).await.map_err(told),
    }?;
    let slugs = slugs(server).await?;
    for erasing in erasures::of_site(app, site, &acknowledged).await.map_err(told)? {
        let at = erasing.at.map_or_else(|| "-".to_owned(), |at| at.to_rfc3339());
        let named = |waiting: Vec<Uuid>| {
            let waiting = waiting.into_iter().filter_map(|id| slugs.get(&id).cloned());
            waiting.collect::<Vec<_>>().join(",")
        };
        let (word, waiting) = match erasing.progress {
            Progress::Requested => ("REQUESTED", String::new()),
            Progress::Erased => ("ERASED", String::new()),
            Progress::Proven => ("PROVEN", String::new()),
            Progress::Propagating { waiting } => ("PROPAGATING", named(waiting)),
            Progress::Overdue { waiting, .. } => ("OVERDUE", named(waiting)),
        };
        say(format_args!("{}\t{at}\t{word}\t{waiting}", erasing.record))?;
    }
    Ok(())
}

/// Lists what other hosts have reported: who, whose feed, for whom, behind which position, when, what was wrong, and the
/// proof.
pub async fn reports(server: &Server) -> Outcome {
    let app = &server.0;
    let slugs = slugs(server).await?;
    let named = |site: entity::SiteId| slugs.get(&site.0).cloned().unwrap_or_else(|| site.to_string());
    for report in reports::all(app.reader()).await.map_err(told)? {
        let (reporter, origin) = (named(report.site_id), named(report.origin));
        let (audience, pos, at) = (report.audience, report.pos, report.at.to_rfc3339());
        let (reason, proof) = (report.reason, report.fork.unwrap_or_default());
        say(format_args!(
            "{reporter}\t{origin}\t{audience}\t{pos}\t{at}\t{reason}\t{proof}"
        ))?;
    }
    Ok(())
}

async fn slugs(server: &Server) -> Outcome<HashMap<Uuid, String>> {
    let sites = ops::all(server.0.reader()).await.map_err(told)?.into_iter();
    Ok(sites.map(|site| (site.id.0, site.slug)).collect())
}

/// Revokes the keys of a site, on the national host.
pub async fn revoke(server: &Server, revoked: Revoked) -> Outcome {
    let site = ops::named(server.0.reader(), &revoked.slug).await.map_err(told)?.id;
    let revoke = async |work: &mut Work<'_>| renewal::revoke(work, site).await;
    let count = server.0.system("revoke key", revoke).await.map_err(told)?;
    say(format_args!("{count} keys of {} count no longer.", revoked.slug))
}

/// Takes in a site's key that the root proves, on the national host.
pub async fn accept(server: &Server, accepted: Accepted) -> Outcome {
    let site = ops::named(server.0.reader(), &accepted.slug).await.map_err(told)?.id;
    let public = PublicKey::parse(&accepted.public_key).ok_or("--public-key: This is no key.")?;
    let root = read_root(&accepted.root)?;
    let kid = crate::auth::thumbprint(&public.to_string());
    let proof = root.proves(site, &kid, public).map_err(told)?;
    let accept = async |work: &mut Work<'_>| renewal::accept(work, site, public, proof).await;
    let taken = server.0.system("accept key", accept).await.map_err(told)?;
    taken.map_err(|refused| refused.to_string())?;
    say(format_args!("{} signs with this key from now on.", accepted.slug))
}

async fn hosted(server: &Server, slug: &str) -> Outcome<entity::SiteId> {
    let site = ops::named(server.0.reader(), slug).await.map_err(told)?;
    if site.hosted {
        Ok(site.id)
    } else {
        Err("Another host keeps this site: its key is changed there.".to_owned())
    }
}

fn read_root(file: &Path) -> Outcome<RootKey> {
    let text = fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    RootKey::parse(&text).map_err(|why| format!("{}: {why}.", file.display()))
}

fn said(key: &SiteKey) -> Outcome {
    say(key.public())
}

/// What an operator should know beside the result, on stderr.
fn note(text: impl std::fmt::Display) -> Outcome {
    writeln!(io::stderr(), "{text}").map_err(|why| format!("Nothing can be told: {why}"))
}
