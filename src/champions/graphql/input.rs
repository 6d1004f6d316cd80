//! The inputs of what can be done to champions.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::{ChampionKind, ChampionStatus, DigitalSkill, StaffGroup};
use crate::{
    champions::ops,
    graphql::enums::{Visibility, stored},
};

/// What is said of a champion: the same fields when they apply and when they are invited.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionCardInput {
    /// What others call the champion, at most 200 characters.
    display_name: String,
    /// As what the champion helps.
    kind: ChampionKind,
    /// Which staff group the champion belongs to.
    #[graphql(default_with = "StaffGroup::NotStated")]
    staff_group: StaffGroup,
    /// What the champion can help with.
    #[graphql(default)]
    skills: Vec<DigitalSkill>,
    /// The languages that the champion helps in, as BCP 47 tags such as `en` or `so`.
    #[graphql(default)]
    languages: Vec<String>,
    /// A few words about the champion, at most 5,000 characters.
    bio: Option<String>,
    /// E-mail address, for the champion and the site's leads and admins only.
    email: Option<String>,
    /// Telephone number, for the champion and the site's leads and admins only.
    phone: Option<String>,
}

impl From<ChampionCardInput> for ops::Card {
    fn from(input: ChampionCardInput) -> Self {
        Self {
            display_name: input.display_name,
            kind: input.kind.into(),
            staff_group: input.staff_group.into(),
            skills: stored(input.skills),
            languages: input.languages,
            bio: input.bio,
            email: input.email,
            phone: input.phone,
        }
    }
}

/// You apply to become a champion of a site.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionRegisterInput {
    /// The slug of the site.
    pub(super) site: String,
    /// Its fields stand beside the others in the schema.
    #[graphql(flatten)]
    pub(super) card: ChampionCardInput,
    /// Who sees your card. Sharing it with the network is your own consent, and you can take it back.
    #[graphql(default_with = "Visibility::Site")]
    pub(super) visibility: Visibility,
}

/// Somebody who is invited to become a champion.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionInviteInput {
    /// The slug of the site.
    pub(super) site: String,
    /// Its fields stand beside the others in the schema.
    #[graphql(flatten)]
    pub(super) card: ChampionCardInput,
}

/// You claim the record that was made for you.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionClaimInput {
    /// The one-time code of your invitation. Case and hyphens do not matter.
    pub(super) code: String,
}

/// Changes to your own card. What is left out stays; null empties.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionUpdateInput {
    /// You.
    pub(super) id: ID,
    /// The version that you read.
    pub(super) version: i32,
    /// What others call you, at most 200 characters.
    display_name: MaybeUndefined<String>,
    /// As what you help.
    kind: MaybeUndefined<ChampionKind>,
    /// Which staff group you belong to.
    staff_group: MaybeUndefined<StaffGroup>,
    /// What you can help with.
    skills: MaybeUndefined<Vec<DigitalSkill>>,
    /// The languages that you help in, as BCP 47 tags.
    languages: MaybeUndefined<Vec<String>>,
    /// A few words about you, at most 5,000 characters.
    bio: MaybeUndefined<String>,
    /// E-mail address, for yourself and the site's leads and admins only.
    email: MaybeUndefined<String>,
    /// Telephone number, for yourself and the site's leads and admins only.
    phone: MaybeUndefined<String>,
    /// Who sees your card. Sharing it with the network is your own consent, and you can take it back.
    visibility: MaybeUndefined<Visibility>,
}

impl ChampionUpdateInput {
    pub(super) fn changes(self) -> ops::Changes {
        ops::Changes {
            display_name: self.display_name.into(),
            kind: self.kind.map_value(Into::into).into(),
            staff_group: self.staff_group.map_value(Into::into).into(),
            skills: self.skills.map_value(stored).into(),
            languages: self.languages.into(),
            bio: self.bio.into(),
            email: self.email.into(),
            phone: self.phone.into(),
            visibility: self.visibility.map_value(Into::into).into(),
        }
    }
}

/// A champion to be erased.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionEraseInput {
    /// The champion.
    pub(super) id: ID,
    /// The version that you read.
    pub(super) version: i32,
}

/// Another status for a champion.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionSetStatusInput {
    /// The champion.
    pub(super) id: ID,
    /// The version that you read.
    pub(super) version: i32,
    /// The status that they take.
    pub(super) status: ChampionStatus,
    /// Why, at most 1,000 characters; needed to decline.
    pub(super) reason: Option<String>,
}
