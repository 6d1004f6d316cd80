//! All that is kept of a person, in the API.

use async_graphql::{Context, ID, InputObject, InputValueError, InputValueResult, Object, Scalar, ScalarType, Value};
use entity::ChampionId;

use crate::{
    champions::graphql::Champion,
    error::Result,
    graphql::{
        Asking,
        ids::input_id,
        payload::{InputProblem, Payload, change},
    },
    privacy::ops::export,
};

/// All that is kept of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonExport(pub serde_json::Value);

/// A page of all that a host keeps of a person, as one JSON document: `format` (`"champion-network/person"`), `version` (1),
/// `host`, `madeAt`, `person` (`issuer` and `subject` at the identity provider), `records`, and `next`, which is null on
/// the last page and otherwise what to send as `after` for the next one. A record has `type`, `id`, `site`
/// (a slug), `createdAt`, `updatedAt` and `fields`, named as in this schema. A page holds up to 1,000 records, or 100 with
/// long texts, and counts as 20,000 values. The types and what is left out stand in `docs/privacy.md`.
#[Scalar]
impl ScalarType for PersonExport {
    fn parse(_: Value) -> InputValueResult<Self> {
        Err(InputValueError::custom("an export is never an input"))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

/// A champion of whom everything is wanted.
#[derive(Clone, Debug, InputObject)]
pub struct ChampionExportInput {
    /// The champion.
    id: ID,
    /// The `next` of the page before; left out for the first page.
    after: Option<String>,
}

/// What asking for everything about a champion came to.
#[derive(Debug)]
pub struct ChampionExportPayload {
    champion: Option<Champion>,
    problems: Vec<InputProblem>,
    after: Option<String>,
}

impl Payload for ChampionExportPayload {
    type Record = Champion;

    fn of(champion: Option<Champion>, problems: Vec<InputProblem>) -> Self {
        Self {
            champion,
            problems,
            after: None,
        }
    }
}

/// What asking for everything about a champion came to.
#[Object]
impl ChampionExportPayload {
    /// The champion; null when there are problems.
    async fn champion(&self) -> Option<&Champion> {
        self.champion.as_ref()
    }

    /// All that this host keeps of them as a champion of this site, a page of it; null when there are problems.
    async fn export(&self, ctx: &Context<'_>) -> Result<Option<PersonExport>> {
        let Some(champion) = &self.champion else {
            return Ok(None);
        };
        let page = export::of_champion(ctx.app(), ctx.caller(), &champion.0, self.after.as_deref()).await?;
        Ok(Some(PersonExport(page)))
    }

    /// What to mend before trying again; empty when it was done.
    async fn problems(&self) -> &[InputProblem] {
        &self.problems
    }
}

/// What can be done about what is kept of people.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrivacyMutations;

/// What can be done about what is kept of people.
#[Object]
impl PrivacyMutations {
    /// Hands over all that this host keeps of a champion of your site, when they ask you for it and cannot ask themselves
    /// (`viewer.export`). For the champion and the admins of the site; every page stands in the audit.
    async fn champion_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The champion.")] input: ChampionExportInput,
    ) -> Result<ChampionExportPayload> {
        let after = input.after.clone();
        let payload: ChampionExportPayload = change(ctx, async |work| {
            let id: ChampionId = input_id("id", &input.id)?;
            export::hand_over(work, id, input.after.as_deref()).await
        })
        .await?;
        Ok(ChampionExportPayload { after, ..payload })
    }
}
