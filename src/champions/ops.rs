//! What is done to champions, and how they are listed.

use chrono::TimeDelta;
use entity::{
    ChampionId, ChampionKind, ChampionStatus, DigitalSkill, Kind, List, SiteId, StaffGroup, Visibility, champion,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QuerySelect, QueryTrait,
    Select,
};
use sha2::{Digest, Sha256};

use crate::{
    app::Work,
    error::{Error, ProblemCode, Result},
    input::{self, Check, Patch},
    policy::{Action, Caller, Identity, states},
    read::{self, KeyType, Listing, Sort, Wide},
    scope::covers,
    sites,
};

mod erasure;

use self::erasure::touch_named;
pub use self::erasure::{among, erase, erase_again, remove};

/// How long an invitation can be claimed.
const INVITATION: TimeDelta = TimeDelta::days(14);

/// Letters and digits that are not mistaken for one another when read aloud.
const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What a champion says of themself.
#[derive(Clone, Debug)]
pub struct Card {
    /// What others call them.
    pub display_name: String,
    /// As what they help.
    pub kind: ChampionKind,
    /// Which staff group they belong to.
    pub staff_group: StaffGroup,
    /// What they can help with.
    pub skills: Vec<DigitalSkill>,
    /// Languages they help in, as BCP 47 tags.
    pub languages: Vec<String>,
    /// A few words about them.
    pub bio: Option<String>,
    /// Private.
    pub email: Option<String>,
    /// Private.
    pub phone: Option<String>,
}

impl Card {
    fn check(self, check: &mut Check) -> champion::ActiveModel {
        champion::ActiveModel {
            display_name: Set(check.line("displayName", &self.display_name, input::TITLE)),
            kind: Set(self.kind),
            staff_group: Set(self.staff_group),
            skills: Set(List(check.set("skills", self.skills))),
            languages: Set(List(check.languages("languages", self.languages))),
            bio: Set(check.optional_text("bio", self.bio, input::ABOUT)),
            email: Set(check.optional_email("email", self.email)),
            phone: Set(check.optional_phone("phone", self.phone)),
            ..champion::ActiveModel::default()
        }
    }
}

/// The caller applies to become a champion of a site.
///
/// # Errors
/// Problems of the card; a problem when they are one there already; [`Error::Forbidden`] when the site does not accept
/// their issuer.
pub async fn register(work: &mut Work<'_>, site: &str, card: Card, visibility: Visibility) -> Result<champion::Model> {
    let site = sites::ops::named(work.db(), site).await?;
    work.allow_at(Action::Join, Kind::Champion, site.id).await?;
    let identity = newcomer(work, site.id, "site").await?;
    let mut check = Check::new();
    let row = card.check(&mut check);
    check.done()?;
    work.insert::<champion::Entity>(champion::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site.id),
        visibility: Set(visibility),
        status: Set(ChampionStatus::Applied),
        issuer: Set(Some(identity.issuer)),
        subject: Set(Some(identity.subject)),
        ..row
    })
    .await
}

/// The caller's identity, where the site accepts their token and they are no champion of it yet; `path` is the place in
/// the input that names the site.
async fn newcomer(work: &Work<'_>, site: SiteId, path: &str) -> Result<Identity> {
    let identity = work.caller().identity.clone().ok_or(Error::Unauthenticated)?;
    if !identity.sites.contains(&site) {
        return Err(Error::Forbidden);
    }
    let bound = champion::Entity::find()
        .filter(champion::Column::SiteId.eq(site))
        .filter(champion::Column::Issuer.eq(&identity.issuer))
        .filter(champion::Column::Subject.eq(&identity.subject));
    if bound.count(work.db()).await? > 0 {
        return Err(Error::problem(
            ProblemCode::Taken,
            path,
            "You are a champion of this site already.",
        ));
    }
    Ok(identity)
}

/// Makes the record of somebody who is invited, and a one-time code that binds it to whoever claims it. The code is
/// told once and kept only as a hash. Sharing the card is left to the champion.
///
/// # Errors
/// Problems of the card; what [`Work::allow_at`] refuses.
pub async fn invite(work: &mut Work<'_>, site: &str, card: Card) -> Result<(champion::Model, String)> {
    let site = sites::ops::named(work.db(), site).await?;
    work.allow_at(Action::Create, Kind::Champion, site.id).await?;
    let mut check = Check::new();
    let row = card.check(&mut check);
    check.done()?;
    let code = code(work);
    let row = champion::ActiveModel {
        id: Set(work.new_id()),
        site_id: Set(site.id),
        visibility: Set(Visibility::Site),
        status: Set(ChampionStatus::InTraining),
        claim_code_hash: Set(Some(hash(&code))),
        claim_expires_at: Set(Some(work.now() + INVITATION)),
        ..row
    };
    Ok((work.insert::<champion::Entity>(row).await?, code))
}

fn code(work: &Work<'_>) -> String {
    let bytes = work.app().ids.bytes::<16>();
    let letters: Vec<_> = bytes
        .iter()
        .map(|byte| char::from(CODE_LETTERS[usize::from(byte % 32)]))
        .collect();
    letters
        .chunks(4)
        .map(|part| part.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("-")
}

fn hash(code: &str) -> String {
    let plain: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    format!("{:x}", Sha256::digest(plain))
}

/// Binds an invited champion's record to the caller.
///
/// # Errors
/// A problem for a code that is wrong, used or too old; those of [`register`].
pub async fn claim(work: &mut Work<'_>, code: &str) -> Result<champion::Model> {
    if !work.caller().signed_in() {
        return Err(Error::Unauthenticated);
    }
    let invited = champion::Entity::find()
        .filter(champion::Column::ClaimCodeHash.eq(hash(code)))
        .lock_exclusive();
    let now = work.now();
    let open = |row: &champion::Model| row.claim_expires_at.is_some_and(|ends| ends > now);
    let row = invited.one(work.db()).await?.filter(open).ok_or_else(|| {
        Error::problem(
            ProblemCode::Invalid,
            "code",
            "This code is wrong, used or too old. Ask for another invitation.",
        )
    })?;
    work.allow_at(Action::Join, Kind::Champion, row.site_id).await?;
    let identity = newcomer(work, row.site_id, "code").await?;
    let mut row = row.into_active_model();
    row.issuer = Set(Some(identity.issuer));
    row.subject = Set(Some(identity.subject));
    row.claim_code_hash = Set(None);
    row.claim_expires_at = Set(None);
    work.update::<champion::Entity>(row).await
}

/// What changes in a champion's card.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// What others call them.
    pub display_name: Patch<String>,
    /// As what they help.
    pub kind: Patch<ChampionKind>,
    /// Which staff group they belong to.
    pub staff_group: Patch<StaffGroup>,
    /// What they can help with.
    pub skills: Patch<Vec<DigitalSkill>>,
    /// Languages they help in.
    pub languages: Patch<Vec<String>>,
    /// A few words about them.
    pub bio: Patch<String>,
    /// Private.
    pub email: Patch<String>,
    /// Private.
    pub phone: Patch<String>,
    /// Who sees the card.
    pub visibility: Patch<Visibility>,
}

/// Changes one's own card. Whether the card is shared decides whether what they made names them elsewhere.
///
/// # Errors
/// Problems of the changes; what [`Work::get_at`] and [`Work::allow`] refuse.
pub async fn update(work: &mut Work<'_>, id: ChampionId, version: i32, changes: Changes) -> Result<champion::Model> {
    let row = work.get_at::<champion::Entity>(id, version).await?;
    work.allow::<champion::Entity>(Action::Edit, &row)?;
    let mut check = Check::new();
    let card = Card {
        display_name: check.required("displayName", changes.display_name, &row.display_name),
        kind: check.required("kind", changes.kind, &row.kind),
        staff_group: check.required("staffGroup", changes.staff_group, &row.staff_group),
        skills: changes.skills.or_now(Some(row.skills.0.clone())).unwrap_or_default(),
        languages: changes
            .languages
            .or_now(Some(row.languages.0.clone()))
            .unwrap_or_default(),
        bio: changes.bio.or_now(row.bio.clone()),
        email: changes.email.or_now(row.email.clone()),
        phone: changes.phone.or_now(row.phone.clone()),
    };
    let visibility = check.required("visibility", changes.visibility, &row.visibility);
    let card = card.check(&mut check);
    check.done()?;
    let shared_anew = visibility != row.visibility;
    let active = row.into_active_model();
    let row = work
        .update::<champion::Entity>(champion::ActiveModel {
            id: active.id,
            site_id: active.site_id,
            version: active.version,
            visibility: Set(visibility),
            ..card
        })
        .await?;
    if shared_anew {
        touch_named(work, &row).await?;
    }
    Ok(row)
}

/// Whether a caller may see how to reach a champion.
pub fn contact_shown(caller: &Caller, row: &champion::Model) -> bool {
    covers::<champion::Entity>(caller, Action::ReadContact, row)
}

/// Takes a champion to another status. Leads and admins decide on others; a champion may go on a break, come back and
/// stand down without asking.
///
/// # Errors
/// A problem when the present status does not lead there or a reason is missing; what [`Work::get_at`] and
/// [`Work::allow`] refuse.
pub async fn set_status(
    work: &mut Work<'_>,
    id: ChampionId,
    version: i32,
    status: ChampionStatus,
    reason: Option<String>,
) -> Result<champion::Model> {
    use ChampionStatus::{Active, Applied, Declined, InTraining, OnBreak, StoodDown};
    let row = work.get_at::<champion::Entity>(id, version).await?;
    let own_choice = matches!(
        (row.status, status),
        (Active, OnBreak) | (OnBreak, Active) | (_, StoodDown)
    );
    if !(own_choice && covers::<champion::Entity>(work.caller(), Action::Edit, &row)) {
        work.allow::<champion::Entity>(Action::Approve, &row)?;
    }
    let leads = matches!(
        (row.status, status),
        (Applied, InTraining | Declined)
            | (InTraining, Active | StoodDown)
            | (Active, OnBreak | StoodDown)
            | (OnBreak, Active | StoodDown)
            | (StoodDown | Declined, InTraining)
    );
    if !leads {
        return Err(Error::not_now(format!(
            "A champion who is {} cannot become {status}.",
            row.status
        )));
    }
    let mut check = Check::new();
    let reason = check.optional_text("reason", reason, input::SUMMARY);
    if status == Declined && reason.is_none() {
        check.note(ProblemCode::Required, "reason", "Tell them why.");
    }
    check.done()?;
    let had_card = has_card(row.status);
    let mut row = row.into_active_model();
    row.status = Set(status);
    row.status_reason = Set(reason);
    let row = work.update::<champion::Entity>(row).await?;
    if has_card(status) != had_card {
        touch_named(work, &row).await?;
    }
    Ok(row)
}

/// Whether others see the card of a champion of a status.
fn has_card(status: ChampionStatus) -> bool {
    states::CARD.contains(&status.as_str())
}

/// The order of a list of champions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Created,
    /// Last changed first.
    Updated,
    /// By name.
    Name,
}

/// A list of champions.
#[derive(Clone, Debug, Default)]
pub struct Champions {
    /// Only of the sites with these slugs.
    pub sites: Option<Vec<String>>,
    /// Only of these kinds.
    pub kinds: Option<Vec<ChampionKind>>,
    /// Only of these staff groups.
    pub staff_groups: Option<Vec<StaffGroup>>,
    /// Only those with this skill.
    pub skill: Option<DigitalSkill>,
    /// Only those who help in this language.
    pub language: Option<String>,
    /// Only with one of these statuses.
    pub statuses: Option<Vec<ChampionStatus>>,
    /// Only those with every word of this in their name.
    pub search: Option<String>,
    /// The order.
    pub order: Order,
}

impl Listing for Champions {
    type Entity = champion::Entity;

    fn narrow(&self, rows: Select<champion::Entity>) -> Select<champion::Entity> {
        use champion::Column::{DisplayName, Kind, Languages, SiteId, Skills, StaffGroup, Status};
        let rows = rows
            .apply_if(self.sites.as_ref(), |rows, slugs| {
                rows.filter(sites::ops::home_in(SiteId, slugs))
            })
            .apply_if(self.kinds.clone(), |rows, kinds| rows.filter(Kind.is_in(kinds)))
            .apply_if(self.staff_groups.clone(), |rows, groups| {
                rows.filter(StaffGroup.is_in(groups))
            })
            .apply_if(self.skill, |rows, skill| rows.filter(read::holds_any(Skills, &[skill])))
            .apply_if(self.language.as_ref(), |rows, one| {
                rows.filter(read::holds_any(Languages, &[one]))
            })
            .apply_if(self.statuses.clone(), |rows, statuses| {
                rows.filter(Status.is_in(statuses))
            });
        sites::ops::holding(rows, self.search.as_deref(), &[DisplayName])
    }

    fn sort(&self) -> Sort {
        match self.order {
            Order::Created => Sort::by("CREATED_DESC", champion::Column::CreatedAt, KeyType::Time, true),
            Order::Updated => Sort::by("UPDATED_DESC", champion::Column::UpdatedAt, KeyType::Time, true),
            Order::Name => Sort::by("NAME_ASC", champion::Column::DisplayName, KeyType::Text, false),
        }
    }

    fn wide(&self) -> &'static [Wide<champion::Entity>] {
        &[(champion::Column::Bio, &["bio"])]
    }
}
