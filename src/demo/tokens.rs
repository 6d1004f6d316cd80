//! The demonstration's issuer: who the people are, and their tokens.

use chrono::{DateTime, TimeDelta, Utc};
use entity::SiteRole;

use super::{
    content::Champion,
    error::{Error, Result},
};
use crate::auth::{DevelopmentClaims, DevelopmentKey, Grant, role_name};

/// The issuer of a demonstration.
pub const ISSUER: &str = "https://issuer.demo.invalid";
/// The audience of its tokens, whatever the port.
pub const AUDIENCE: &str = "https://host.demo.invalid";
/// How long its tokens live.
pub const LIFE: TimeDelta = TimeDelta::hours(12);

/// Somebody who acts, and the roles that their tokens grant.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who they are at the issuer.
    pub subject: String,
    /// The slug of their site.
    pub site: String,
    /// What their tokens grant there.
    pub roles: Vec<SiteRole>,
}

impl Person {
    /// The person behind a champion of a site.
    ///
    /// # Errors
    /// When the content names a role that there is not.
    pub fn of(site: &str, champion: &Champion) -> Result<Self> {
        let role = |name: &String| {
            let found = SiteRole::ALL.iter().find(|role| role_name(**role) == name);
            found.copied().ok_or_else(|| Error::Unknown {
                item: format!("{site}/{}", champion.key),
                wanted: name.clone(),
            })
        };
        Ok(Self {
            subject: subject(site, &champion.key),
            site: site.to_owned(),
            roles: champion.roles.iter().map(role).collect::<Result<_>>()?,
        })
    }

    /// The person who holds a role at a site: their key is the role's name.
    pub fn holding(site: &str, role: SiteRole) -> Self {
        Self {
            subject: subject(site, role_name(role)),
            site: site.to_owned(),
            roles: vec![role],
        }
    }
}

fn subject(site: &str, key: &str) -> String {
    format!("{site}-{}", key.replace('_', "-"))
}

/// Signs tokens of the demonstration's issuer.
#[derive(Debug)]
pub struct Signer(DevelopmentKey);

impl Signer {
    /// With a new key.
    ///
    /// # Errors
    /// When this machine gives no randomness.
    pub fn generate() -> Result<Self> {
        DevelopmentKey::generate().map(Self).map_err(Error::internal)
    }

    /// With the key of an earlier start.
    ///
    /// # Errors
    /// When the text is no key.
    pub fn from_pem(pem: &str) -> Result<Self> {
        DevelopmentKey::from_pem(pem).map(Self).map_err(Error::internal)
    }

    /// The key, to be kept.
    pub fn key(&self) -> &DevelopmentKey {
        &self.0
    }

    /// A token of a person, and when it ends.
    ///
    /// # Errors
    /// Only when the key is broken.
    pub fn sign(&self, who: &Person, now: DateTime<Utc>) -> Result<(DateTime<Utc>, String)> {
        let grant = |role: &SiteRole| Grant {
            site_slug: who.site.clone(),
            role: *role,
        };
        let claims = DevelopmentClaims {
            iss: ISSUER.to_owned(),
            sub: who.subject.clone(),
            aud: AUDIENCE.to_owned(),
            iat: now,
            exp: now + LIFE,
            roles: who.roles.iter().map(grant).collect(),
        };
        let token = self.0.sign(&claims).map_err(Error::internal)?;
        Ok((claims.exp, token))
    }
}

/// A token of everybody who holds a role at a site that a host keeps, site by site. `host` is where that host answers.
///
/// # Errors
/// Only when the key is broken.
pub fn for_every_role(signer: &Signer, sites: &[&str], host: &str, now: DateTime<Utc>) -> Result<Vec<RoleToken>> {
    let mut tokens = Vec::new();
    for site in sites {
        for role in SiteRole::ALL {
            let person = Person::holding(site, *role);
            let (_, token) = signer.sign(&person, now)?;
            tokens.push(RoleToken {
                site: person.site,
                role: role_name(*role).to_owned(),
                subject: person.subject,
                host: host.to_owned(),
                token,
            });
        }
    }
    Ok(tokens)
}

/// A token that a person may use.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RoleToken {
    /// The slug of the site.
    pub site: String,
    /// The role, as tokens write it.
    pub role: String,
    /// Who they are at the issuer.
    pub subject: String,
    /// Where the host of their site answers, which is the one that they use.
    pub host: String,
    /// The token.
    pub token: String,
}
