//! The development issuer: its key, its tokens, and the sites' trust in it.

use std::{
    fs,
    io::{self, Write},
};

use chrono::TimeDelta;
use clap::Args;
use entity::SiteRole;

use super::{Outcome, one_of, say, secret, told};
use crate::{
    auth::{DevelopmentClaims, DevelopmentKey, Grant},
    clock::Clock,
    config::Settings,
    input,
    server::Server,
    sites::ops::{Trust, issuers},
};

/// For whom a token is made.
#[derive(Debug, Args)]
pub struct TokenArguments {
    /// The slug of the site on which the roles are granted
    #[arg(long)]
    site: String,
    /// A role there: champion, project_lead, curator, moderator, analyst or site_admin. May be given several times
    #[arg(long, required = true, value_parser = one_of(SiteRole::ALL))]
    role: Vec<SiteRole>,
    /// Who the person is, e.g. `ana`
    #[arg(long)]
    subject: String,
    /// After how many hours the token ends, 24 at most
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u8).range(1..=24))]
    hours: u8,
}

/// Makes the key, unless the file is there already.
pub fn keys(settings: &Settings) -> Outcome {
    let file = &settings.development_key_file;
    let key = DevelopmentKey::generate()?;
    let written = secret::create(file).and_then(|mut open| open.write_all(key.pem().as_bytes()));
    match written {
        Ok(()) => say(format_args!(
            "The key {} of the development issuer is in {}.",
            key.kid(),
            file.display()
        )),
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Err(format!(
            "There is a file {} already. Remove it first if you want another key: tokens of the old one will not count \
             any more.",
            file.display()
        )),
        Err(why) => Err(format!("The key cannot be written to {}: {why}", file.display())),
    }
}

fn read_key(settings: &Settings) -> Outcome<DevelopmentKey> {
    let file = &settings.development_key_file;
    let pem = fs::read_to_string(file).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound => format!(
            "There is no key of the development issuer at {}: make one with `champion-network keys`.",
            file.display()
        ),
        _ => format!("The key of the development issuer at {}: {why}", file.display()),
    })?;
    DevelopmentKey::from_pem(&pem).map_err(|why| format!("{}: {why}", file.display()))
}

/// How the tokens of the development issuer name it.
fn issuer_name(settings: &Settings) -> String {
    format!("{}/development", settings.public_url)
}

/// Prints a token.
pub fn token(settings: &Settings, arguments: TokenArguments) -> Outcome {
    if !settings.development_issuer {
        return Err(
            "This host does not accept tokens of the development issuer. Where no real person's data is kept, \
                    allow it with the setting development_issuer = true."
                .to_owned(),
        );
    }
    if arguments.site != input::slug(&arguments.site) {
        return Err(format!("{:?} is not the slug of a site.", arguments.site));
    }
    let now = Clock::default().now();
    let claims = DevelopmentClaims {
        iss: issuer_name(settings),
        sub: arguments.subject,
        aud: settings.public_url.clone(),
        iat: now,
        exp: now + TimeDelta::hours(arguments.hours.into()),
        roles: arguments
            .role
            .into_iter()
            .map(|role| Grant {
                site_slug: arguments.site.clone(),
                role,
            })
            .collect(),
    };
    say(read_key(settings)?.sign(&claims)?)
}

/// Has every site of this host trust the development issuer with the present key, and no earlier one.
pub async fn keep_issuer(server: &Server) -> Outcome {
    let settings = &server.0.settings;
    tracing::warn!(
        key_file = %settings.development_key_file.display(),
        "the tokens of the development issuer count: whoever holds its key may do anything"
    );
    let key = read_key(settings)?;
    let trusted = Trust::everything(&issuer_name(settings), &settings.public_url, key.jwk_set());
    let kept = server
        .0
        .system("development issuer", async |work| {
            issuers::keep_development(work, &trusted).await
        })
        .await;
    kept.map_err(told)
}
