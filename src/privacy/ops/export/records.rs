//! What each record says in an export. Every column of its table is taken apart here by name, so a column that is added does
//! not go unnoticed: it gets a name, or a word why it stays.

use chrono::{DateTime, Utc};
use entity::{
    ChampionId, SiteId, audit_entry, champion, ids, moderation_action, observation, placement, post, project,
    project_champion, report, resource, resource_edition, resource_proposal, space_member, support_session, thread,
};
use serde_json::{Value, json};

use super::{Person, Slugs, time};

/// What all records have besides their fields.
struct Frame<'a> {
    of: &'a str,
    id: String,
    site: SiteId,
    times: [Option<DateTime<Utc>>; 2],
}

impl Frame<'_> {
    fn around(self, slugs: &Slugs, fields: Value) -> Value {
        let [created, updated] = self.times.map(|at| at.map(time));
        json!({
            "type": self.of,
            "id": self.id,
            "site": slugs.get(&self.site),
            "createdAt": created,
            "updatedAt": updated,
            "fields": fields,
        })
    }
}

fn id<Id: ToString>(id: Option<Id>) -> Option<String> {
    id.map(|id| id.to_string())
}

fn at(instant: Option<DateTime<Utc>>) -> Option<String> {
    instant.map(time)
}

/// A text that is itself JSON.
fn nested(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

fn is_own(owner: Option<ChampionId>, person: &Person) -> bool {
    owner.is_some_and(|owner| person.champions.contains(&owner))
}

/// A card, with the teams and closed spaces that its champion is in.
pub fn champion<'a>(
    row: champion::Model,
    teams: impl Iterator<Item = &'a project_champion::Model>,
    spaces: impl Iterator<Item = &'a space_member::Model>,
    slugs: &Slugs,
) -> Value {
    let champion::Model {
        id,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        display_name,
        kind,
        staff_group,
        skills,
        languages,
        bio,
        status,
        status_reason,
        email,
        phone,
        issuer,
        subject,
        // With it somebody could guess at the code, which is for whoever is invited alone.
        claim_code_hash: _,
        claim_expires_at,
    } = row;
    let teams = teams.map(|team| json!({ "project": team.project_id.to_string(), "joinedAt": time(team.joined_at) }));
    let spaces = spaces.map(|space| json!({ "space": space.space_id.to_string(), "addedAt": time(space.added_at) }));
    let fields = json!({
        "visibility": visibility, "version": version, "displayName": display_name, "kind": kind,
        "staffGroup": staff_group, "skills": skills.0, "languages": languages.0, "bio": bio, "status": status,
        "statusReason": status_reason, "email": email, "phone": phone, "issuer": issuer, "subject": subject,
        "invitationEndsAt": at(claim_expires_at), "projects": teams.collect::<Vec<_>>(),
        "closedSpaces": spaces.collect::<Vec<_>>(),
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "Champion",
        id: id.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A project that they lead.
pub fn project(row: project::Model, _: &Person, slugs: &Slugs) -> Value {
    let project::Model {
        id: project,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        // It is theirs: that is why it stands here.
        owner_id: _,
        slug,
        title,
        summary,
        question,
        focus_areas,
        conditions,
        sponsors,
        status,
        starts_on,
        ends_on,
        cloned_from_id,
    } = row;
    let fields = json!({
        "visibility": visibility, "version": version, "slug": slug, "title": title, "summary": summary,
        "question": question, "focusAreas": focus_areas.0, "conditions": conditions.0, "sponsors": sponsors.0,
        "status": status, "startsOn": starts_on, "endsOn": ends_on, "clonedFrom": id(cloned_from_id),
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "Project",
        id: project.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A session that they held.
pub fn session(row: support_session::Model, _: &Person, slugs: &Slugs) -> Value {
    let support_session::Model {
        id,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        // It is theirs.
        owner_id: _,
        held_on,
        mode,
        minutes,
        people_helped,
        condition,
        records_sign_ups,
        prescriptions_sign_ups,
        appointments_sign_ups,
        campaign_code,
        state,
        decision_reason,
    } = row;
    let sign_ups = json!({
        "records": records_sign_ups, "prescriptions": prescriptions_sign_ups, "appointments": appointments_sign_ups,
    });
    let fields = json!({
        "visibility": visibility, "version": version, "heldOn": held_on, "mode": mode, "minutes": minutes,
        "peopleHelped": people_helped, "condition": condition, "signUps": sign_ups, "campaignCode": campaign_code,
        "state": state, "decisionReason": decision_reason,
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "SupportSession",
        id: id.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A figure that they recorded.
pub fn observation(row: observation::Model, _: &Person, slugs: &Slugs) -> Value {
    let observation::Model {
        id: observation,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        // It is theirs.
        owner_id: _,
        measure_id,
        project_id,
        observed_on,
        value,
        numerator,
        denominator,
        breakdown,
        state,
        note,
        decision_reason,
    } = row;
    let fields = json!({
        "visibility": visibility, "version": version, "measure": measure_id.to_string(), "project": id(project_id),
        "observedOn": observed_on, "value": id(value), "numerator": id(numerator), "denominator": id(denominator),
        "breakdown": nested(&breakdown), "state": state, "note": note, "decisionReason": decision_reason,
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "Observation",
        id: observation.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A resource that they wrote, or whose draft they changed last.
pub fn resource(row: resource::Model, person: &Person, slugs: &Slugs) -> Value {
    let resource::Model {
        id: resource,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        owner_id,
        slug,
        kind,
        topics,
        themes,
        audience,
        language,
        licence,
        review_by,
        project_id,
        derived_from_id,
        status,
        shown_edition_id,
        draft_edition_id,
        draft_by_id,
        title,
        summary,
        edition,
        published_at,
    } = row;
    let fields = json!({
        "visibility": visibility, "version": version, "isAuthor": is_own(owner_id, person),
        "changedDraftLast": is_own(draft_by_id, person), "slug": slug, "type": kind, "topics": topics.0,
        "themes": themes.0, "audience": audience.0, "language": language, "licence": licence, "reviewBy": review_by,
        "project": id(project_id), "derivedFrom": id(derived_from_id), "status": status, "shown": shown_edition_id.to_string(),
        "draft": id(draft_edition_id), "title": title, "summary": summary, "edition": edition,
        "publishedAt": at(published_at),
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "Resource",
        id: resource.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// An edition that they wrote, or a draft that they changed last.
pub fn edition(row: resource_edition::Model, person: &Person, slugs: &Slugs) -> Value {
    let resource_edition::Model {
        id,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        owner_id,
        resource_id,
        // A copy of what the resource says.
        resource_status: _,
        number,
        status,
        title,
        summary,
        body,
        url,
        note,
        approved_at,
        published_at,
    } = row;
    let fields = json!({
        "visibility": visibility, "version": version, "isAuthor": is_own(owner_id, person),
        "resource": resource_id.to_string(), "number": number, "status": status, "title": title, "summary": summary,
        "body": body, "url": url, "note": note, "approvedAt": at(approved_at), "publishedAt": at(published_at),
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "ResourceEdition",
        id: id.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A proposal that they made, or of what they wrote. Each says to its writer what is theirs: the reason, or the offered text.
pub fn proposal(row: resource_proposal::Model, person: &Person, slugs: &Slugs) -> Value {
    let resource_proposal::Model {
        id: proposal,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        owner_id,
        resource_id,
        resource_owner_id,
        offer,
        reason,
        status,
        decision,
        national_site_id,
        national_copy_id,
    } = row;
    let (is_proposer, is_author) = (is_own(owner_id, person), is_own(resource_owner_id, person));
    let fields = json!({
        "visibility": visibility, "version": version, "isProposer": is_proposer, "isAuthor": is_author,
        "resource": resource_id.to_string(), "offered": is_author.then(|| nested(&offer)),
        "reason": is_proposer.then_some(reason), "status": status, "decision": decision,
        "decidedBy": slugs.get(&national_site_id), "nationalCopy": id(national_copy_id),
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "ResourceProposal",
        id: proposal.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A thread that they started, in whatever state.
pub fn thread(row: thread::Model, _: &Person, slugs: &Slugs) -> Value {
    let thread::Model {
        id: thread,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        // It is theirs.
        owner_id: _,
        space_id,
        space_home_id,
        // The same as `space`, where that is closed.
        closed_space_id: _,
        project_id,
        title,
        body,
        tags,
        edited_at,
        withdrawn_at,
        state,
        answer_id,
        post_count,
        last_post_at,
        // The later one of two times that stand here.
        active_at: _,
    } = row;
    let fields = json!({
        "visibility": visibility, "version": version, "space": space_id.to_string(),
        "spaceSite": slugs.get(&space_home_id), "project": id(project_id), "title": title, "body": body,
        "tags": tags.0, "editedAt": at(edited_at), "withdrawnAt": at(withdrawn_at), "state": state,
        "answer": id(answer_id), "postCount": post_count, "lastPostAt": at(last_post_at),
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "Thread",
        id: thread.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A post that they wrote, in whatever state.
pub fn post(row: post::Model, _: &Person, slugs: &Slugs) -> Value {
    let post::Model {
        id: post,
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        // It is theirs.
        owner_id: _,
        thread_id,
        // Copies of what the thread says, which is somebody else's.
        thread_home_id: _,
        thread_owner_id: _,
        thread_state: _,
        space_home_id,
        closed_space_id,
        reply_to_id,
        body,
        edited_at,
        withdrawn_at,
        state,
        position,
    } = row;
    let fields = json!({
        "visibility": visibility, "version": version, "thread": thread_id.to_string(),
        "spaceSite": slugs.get(&space_home_id), "closedSpace": id(closed_space_id), "replyTo": id(reply_to_id),
        "body": body, "editedAt": at(edited_at), "withdrawnAt": at(withdrawn_at), "state": state,
        "position": position,
    });
    let times = [Some(created_at), Some(updated_at)];
    let frame = Frame {
        of: "Post",
        id: post.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// How the home of a space has placed a thread or post of theirs.
pub fn placement(row: placement::Model, _: &Person, slugs: &Slugs) -> Value {
    let placement::Model {
        site_id: site,
        subject_id,
        record_id,
        kind,
        space_id,
        thread_id,
        version,
        position,
        state,
        reason,
        answer_id,
        updated_at,
    } = row;
    let fields = json!({
        "version": version, "subjectKind": kind, "subject": ids::print(kind, subject_id),
        "space": space_id.to_string(), "thread": thread_id.to_string(), "position": position, "state": state,
        "stateReason": reason, "answer": id(answer_id),
    });
    let times = [None, Some(updated_at)];
    let frame = Frame {
        of: "Placement",
        id: record_id.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// A report that they made, or that something of theirs was reported: then without a word of whoever reported or decided.
pub fn report(row: report::Model, person: &Person, slugs: &Slugs) -> Value {
    let report::Model {
        id,
        // Whose moderators first see it. Of a report about them it tells where the reporter is from.
        site_id: site,
        visibility,
        version,
        created_at,
        updated_at,
        owner_id,
        subject_kind,
        subject_id,
        subject_home_id,
        subject_owner_id,
        space_home_id,
        reason,
        state,
        outcome,
        closed_at,
    } = row;
    let is_reporter = is_own(owner_id, person);
    let fields = json!({
        "visibility": visibility, "version": version, "isReporter": is_reporter,
        "isAuthor": is_own(subject_owner_id, person), "subjectKind": subject_kind,
        "subject": ids::print(subject_kind, subject_id), "subjectSite": slugs.get(&subject_home_id),
        "spaceSite": slugs.get(&space_home_id), "reason": is_reporter.then_some(reason), "state": state,
        "outcome": outcome.filter(|_| is_reporter), "closedAt": at(closed_at),
    });
    let times = [Some(created_at), Some(updated_at)];
    let site = if is_reporter { site } else { space_home_id };
    let frame = Frame {
        of: "Report",
        id: id.to_string(),
        site,
        times,
    };
    frame.around(slugs, fields)
}

/// What they did as a moderator, or what a moderator did to something of theirs: who that was is not theirs to know.
pub fn moderation(row: moderation_action::Model, person: &Person, slugs: &Slugs) -> Value {
    let moderation_action::Model {
        id: action,
        site_id: site,
        subject_kind,
        subject_id,
        moderator_id,
        from_state,
        to_state,
        from_space_id,
        to_space_id,
        reason,
        acted_at,
    } = row;
    let fields = json!({
        "isModerator": is_own(moderator_id, person), "subjectKind": subject_kind,
        "subject": ids::print(subject_kind, subject_id), "fromState": from_state, "toState": to_state,
        "fromSpace": id(from_space_id), "toSpace": id(to_space_id), "reason": reason,
    });
    let frame = Frame {
        of: "ModerationAction",
        id: action.to_string(),
        site,
        times: [Some(acted_at), None],
    };
    frame.around(slugs, fields)
}

/// Something that they did, or that was done to their card: who did that is not theirs to know.
pub fn audit(row: audit_entry::Model, person: &Person, slugs: &Slugs) -> Value {
    let audit_entry::Model {
        id,
        site_id: site,
        position,
        at,
        pseudonym,
        action,
        kind,
        record_id,
        // It proves the entry and says nothing of anybody.
        hash: _,
    } = row;
    let pseudonym = pseudonym.filter(|name| person.pseudonyms.contains(name));
    let fields = json!({
        "isOwn": pseudonym.is_some(), "pseudonym": pseudonym, "position": position, "action": action, "kind": kind,
        "record": ids::print(kind, record_id),
    });
    let frame = Frame {
        of: "AuditEntry",
        id: id.to_string(),
        site,
        times: [Some(at), None],
    };
    frame.around(slugs, fields)
}
