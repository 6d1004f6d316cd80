//! Reading a feed: from a checked batch, or an answer without one, to what one transaction changes
//! (`docs/federation.md`, sections 7 and 8).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    apply::{Content, Effect, Judge, Replica, View},
    check::{Checked, Refusal, Signer, Why, signed},
    cursor::{Cursor, Mark, State},
    directory::Standing,
    rules::{Rule, Rules},
};
use crate::federation::wire::{Audience, Checkpoint, Fork, Status, Verify};

/// What one transaction carries out: all of it or nothing (I7). The caller also keeps the batch's checkpoint and seal for
/// [`Replica::held`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where the host stands then.
    pub cursor: Cursor,
    /// What happens to records, in this order.
    pub effects: Vec<Effect>,
    /// While catching up: the records that the feed still knows. Add them to `fed_seen` under the cursor's generation,
    /// before the sweep.
    pub seen: Vec<Uuid>,
    /// Whether the feed has been read to the head it set out to reach: after the effects, delete the feed's `replica`
    /// rows of lower generations whose records were not seen, with their domain rows unless another feed of the origin
    /// shows them, then forget what was seen.
    pub sweep: bool,
}

/// An answer to asking for a batch, when it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 204: nothing new, and the newest checkpoint to prove it.
    Unchanged(Checkpoint),
    /// 409: the sender's history does not hold the cursor.
    Diverged,
    /// 403, 426, 429, no answer: nothing was learnt.
    Nothing,
}

/// Takes a checked batch in.
///
/// # Errors
///
/// Nothing was changed; what to do next, each [`Refusal`] says.
pub fn receive(
    cursor: &Cursor,
    standing: &Standing,
    batch: &Checked,
    content: &impl Content,
    replica: &impl Replica,
    now: DateTime<Utc>,
    rules: Rules,
) -> Result<Step, Refusal> {
    may_read(cursor, standing)?;
    let follows = follows(cursor, batch, rules);
    if !follows && rules.on(Rule::InOrder) {
        return Err(Refusal::Discard);
    }
    forked(batch, replica, rules)?;
    let mut next = cursor.clone();
    next.epoch = Some(batch.batch.epoch);
    let caught_up = next.boot.is_none() && !matches!(cursor.state, State::New | State::CatchingUp);
    let shown = &batch.batch.checkpoint;
    let newest = Mark {
        pos: shown.to,
        head: shown.head,
    };
    if !caught_up {
        next.boot = next.boot.or(Some(newest));
    }
    on_the_chain(&next, batch, rules)?;

    let mut view = View::new(replica);
    let effects = effects(&next, standing, batch, content, &mut view, rules);
    let seen = if caught_up {
        Vec::new()
    } else {
        batch.entries.iter().map(|entry| entry.header.gid).collect()
    };
    if effects.iter().any(|effect| matches!(effect, Effect::Skip { .. })) {
        next.skip = next.skip.filter(|skip| skip.pos >= newest.pos).or(Some(newest));
    }
    if !follows {
        let cursor = cursor.clone();
        return Ok(Step {
            cursor,
            effects,
            seen,
            sweep: false,
        });
    }
    next.pos = batch.batch.to;
    next.head = batch.last_head();
    if next.skip.is_some_and(|skip| next.pos >= skip.pos) {
        if rules.on(Rule::Withheld) && !view.all_followed() {
            return Err(Refusal::Restart(Why::Withheld));
        }
        next.skip = None;
    }
    let reached = next.boot.is_some_and(|boot| next.pos >= boot.pos);
    if reached {
        next.boot = None;
    }
    next.heard(shown, now, rules);
    Ok(Step {
        cursor: next,
        effects,
        seen,
        sweep: reached && rules.on(Rule::Sweep),
    })
}

/// Takes in an answer without a batch. A cursor with a higher generation than before has started over
/// ([`Cursor::restarted`]).
///
/// # Errors
///
/// As for [`receive`].
pub fn answered(
    cursor: &Cursor,
    standing: &Standing,
    audience: Audience,
    answer: &Answer,
    signatures: &impl Verify,
    now: DateTime<Utc>,
    rules: Rules,
) -> Result<Cursor, Refusal> {
    may_read(cursor, standing)?;
    match answer {
        Answer::Nothing => Ok(cursor.aged(now)),
        Answer::Diverged => Ok(cursor.restarted(rules)),
        Answer::Unchanged(checkpoint) => {
            let Some(epoch) = cursor.epoch else {
                return Ok(cursor.aged(now));
            };
            signed(
                (audience, epoch),
                checkpoint,
                standing,
                signatures,
                rules,
                Signer::Covering,
            )?;
            if checkpoint.to == cursor.pos && (checkpoint.head == cursor.head || !rules.on(Rule::Chain)) {
                let mut cursor = cursor.clone();
                cursor.heard(checkpoint, now, rules);
                return Ok(cursor.aged(now));
            }
            // An older word of a relay that has fallen back says nothing; a newer one of the origin does.
            if checkpoint.to <= cursor.pos && cursor.is_news(checkpoint) && rules.on(Rule::Chain) {
                return Err(Refusal::Restart(Why::FellBack));
            }
            Ok(cursor.aged(now))
        }
    }
}

fn may_read(cursor: &Cursor, standing: &Standing) -> Result<(), Refusal> {
    match (standing.status, cursor.state) {
        (Status::Active, State::Suspended) => Err(Refusal::NotActive(Status::Suspended)),
        (Status::Active, State::Left) => Err(Refusal::NotActive(Status::Left)),
        (Status::Active, _) => Ok(()),
        (status, _) => Err(Refusal::NotActive(status)),
    }
}

/// Whether a batch begins right behind the cursor.
fn follows(cursor: &Cursor, batch: &Checked, rules: Rules) -> bool {
    let sent = &batch.batch;
    match cursor.epoch {
        None => sent.from == 1,
        Some(epoch) => {
            let chained = sent.prev == cursor.head || !rules.on(Rule::Chain);
            epoch == sent.epoch && sent.from == cursor.pos + 1 && chained
        }
    }
}

/// Whether the batch, or its origin's word for what follows it, contradicts what the origin has signed before.
fn forked(batch: &Checked, replica: &impl Replica, rules: Rules) -> Result<(), Refusal> {
    if !rules.on(Rule::Chain) {
        return Ok(());
    }
    let sent = &batch.batch;
    let sealed = sent.sealed_by().unwrap_or(&sent.checkpoint);
    let along = (sent.from - 1..=sent.to).filter_map(|pos| batch.head_at(pos).map(|head| (pos, head, sealed)));
    let ahead = (sent.checkpoint.to, sent.checkpoint.head, &sent.checkpoint);
    for (pos, head, shown) in along.chain([ahead]) {
        if let Some(held) = replica.held(sent.epoch, pos).filter(|held| held.head != head) {
            let shown = shown.clone();
            let epoch = sent.epoch;
            return Err(Refusal::Fork(Box::new(Fork { epoch, held, shown })));
        }
    }
    Ok(())
}

/// Whether the heads that the cursor remembers lie on the chain of this batch, as far as it shows.
fn on_the_chain(cursor: &Cursor, batch: &Checked, rules: Rules) -> Result<(), Refusal> {
    let shown = &batch.batch.checkpoint;
    let marks = [
        (cursor.boot, Rule::BootMark, Why::BootMark),
        (cursor.skip, Rule::SkipMark, Why::SkipMark),
    ];
    for (mark, rule, why) in marks {
        let Some(mark) = mark.filter(|_| rules.on(rule)) else {
            continue;
        };
        if batch.head_at(mark.pos).is_some_and(|head| head != mark.head) {
            return Err(Refusal::Restart(why));
        }
        if mark.pos == shown.to && mark.head != shown.head {
            return Err(Refusal::Restart(why));
        }
        if mark.pos > shown.to && cursor.is_news(shown) {
            return Err(Refusal::Restart(Why::FellBack));
        }
    }
    Ok(())
}

fn effects<R: Replica>(
    cursor: &Cursor,
    standing: &Standing,
    batch: &Checked,
    content: &impl Content,
    view: &mut View<'_, R>,
    rules: Rules,
) -> Vec<Effect> {
    let judge = Judge {
        standing,
        generation: cursor.generation,
        rules,
    };
    let sent = batch.entries.iter().zip(&batch.batch.entries);
    sent.filter_map(|(entry, bytes)| judge.effect(view, &entry.header, bytes, entry.content.as_ref(), content))
        .collect()
}
