//! The rule table as a committed snapshot, so that a change of rights shows in review as a diff of it, and the two
//! shapes of a reach compared over every combination of what rules read.

use std::{collections::HashSet, fmt::Write};

use champion_network::{
    policy::{Action, Caller, Closed, Identity, OwnChampion, Role, Rule, Whom, rules},
    scope::{Scoped, covers, reached, readable_condition},
};
use chrono::DateTime;
use entity::{
    ChampionId, ChampionStatus, Kind, PostState, ReportState, SiteId, SiteRole, SpaceId, ThreadState, Visibility, post,
    report, site,
};
use sea_orm::{ActiveValue::Set, DatabaseConnection, EntityTrait, QueryFilter, QuerySelect, prelude::Uuid};

use crate::support::{Host, on_both};

#[test]
fn the_matrix_of_rights_is_the_committed_one() {
    let mut matrix = String::new();
    for kind in Kind::ALL {
        writeln!(matrix, "{kind}").unwrap();
        for action in Action::ALL {
            for rule in rules(*kind, *action) {
                writeln!(matrix, "  {action:?}: {}", told(rule)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(matrix);
}

fn told(rule: &Rule) -> String {
    let mut told = match rule.whom {
        Whom::At(column, roles) => {
            let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            format!("{} at {column:?}", roles.join(", "))
        }
        Whom::National(roles) => {
            let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
            format!("{} of the national site", roles.join(", "))
        }
        other => format!("{other:?}"),
    };
    if let Some(states) = rule.states {
        write!(told, " in {}", states.join("|")).unwrap();
    }
    if rule.not_own {
        told += ", not their own";
    }
    match rule.closed {
        Closed::Never => {}
        Closed::Member => told += ", in closed spaces only members",
        Closed::Any => told += ", closed spaces too",
    }
    told
}

on_both! {
    async fn a_reach_says_the_same_of_a_row_as_of_the_table(host) {
        let world = World::seed(host).await;
        let callers = world.callers();
        let compared = agree::<post::Entity>(&world.database, &callers).await
            + agree::<report::Entity>(&world.database, &callers).await;
        assert!(compared > 50_000, "only {compared} rows were compared");
    }
}

/// Compares what the rules say of each row in memory with what the database finds by them, for all actions that any rule
/// grants and one that none does; tells how many rows were compared.
async fn agree<E: Scoped>(database: &DatabaseConnection, callers: &[Caller]) -> usize {
    let rows = E::find().all(database).await.unwrap();
    let granted = Action::ALL.iter().filter(|action| !rules(E::KIND, **action).is_empty());
    let actions: Vec<_> = granted.chain([&Action::Join]).copied().collect();
    for caller in callers {
        for action in &actions {
            let read = *action == Action::Read;
            let condition = if read {
                readable_condition::<E>(caller)
            } else {
                reached::<E>(caller, *action)
            };
            let ids = E::find().select_only().column(E::id_column()).filter(condition);
            let found: HashSet<Uuid> = ids.into_tuple().all(database).await.unwrap().into_iter().collect();
            for row in &rows {
                let agree = covers::<E>(caller, *action, row) == found.contains(&E::id(row).into());
                assert!(agree, "{action:?} as {caller:?} on {row:?}");
            }
        }
    }
    rows.len() * callers.len() * actions.len()
}

/// Posts and reports of every combination of what the rules read.
struct World {
    database: DatabaseConnection,
    sites: [SiteId; 2],
    mine: ChampionId,
    my_space: SpaceId,
}

impl World {
    async fn seed(host: &Host) -> Self {
        let database = sea_orm::Database::connect(&host.settings.database_url).await.unwrap();
        let sites = site::Entity::find().all(&database).await.unwrap();
        let world = Self {
            database,
            sites: [sites[0].id, sites[1].id],
            mine: host.server.0.ids.next(host.now()),
            my_space: host.server.0.ids.next(host.now()),
        };
        let other: ChampionId = host.server.0.ids.next(host.now());
        let other_space: SpaceId = host.server.0.ids.next(host.now());
        let owners = [None, Some(world.mine), Some(other)];
        let mut posts = Vec::new();
        let mut reports = Vec::new();
        for home in world.sites {
            for receiver in world.sites {
                for owner in owners {
                    for other_owner in owners {
                        for visibility in Visibility::ALL {
                            for closed in [None, Some(world.my_space), Some(other_space)] {
                                for shown in [true, false] {
                                    posts.push(some_post(
                                        host,
                                        home,
                                        receiver,
                                        owner,
                                        other_owner,
                                        *visibility,
                                        closed,
                                        shown,
                                    ));
                                }
                            }
                            reports.push(some_report(host, home, receiver, owner, other_owner, *visibility));
                        }
                    }
                }
            }
        }
        for rows in posts.chunks(100) {
            post::Entity::insert_many(rows.to_vec())
                .exec_without_returning(&world.database)
                .await
                .unwrap();
        }
        for rows in reports.chunks(100) {
            report::Entity::insert_many(rows.to_vec())
                .exec_without_returning(&world.database)
                .await
                .unwrap();
        }
        world
    }

    /// Nobody, somebody signed in, and holders of each role at each site, with and without a champion and a space.
    fn callers(&self) -> Vec<Caller> {
        let mut callers = vec![Caller::default()];
        let identity = Some(Identity {
            issuer: "i".into(),
            subject: "s".into(),
            expires_at: DateTime::UNIX_EPOCH,
            sites: self.sites.to_vec(),
        });
        let own = OwnChampion {
            id: self.mine,
            site: self.sites[0],
            status: ChampionStatus::Active,
        };
        for role in SiteRole::ALL {
            for site in self.sites {
                let roles = vec![Role {
                    site,
                    role: *role,
                    national: false,
                }];
                for (champions, namesakes, spaces) in [
                    (vec![], vec![], vec![]),
                    (vec![], vec![self.mine], vec![]),
                    (vec![own], vec![], vec![]),
                    (vec![own], vec![], vec![self.my_space]),
                ] {
                    callers.push(Caller {
                        identity: identity.clone(),
                        roles: roles.clone(),
                        champions,
                        namesakes,
                        spaces,
                    });
                }
            }
        }
        callers.push(Caller {
            identity,
            ..Caller::default()
        });
        callers
    }
}

#[expect(clippy::too_many_arguments, reason = "each is one of the things that rules read")]
fn some_post(
    host: &Host,
    home: SiteId,
    receiver: SiteId,
    owner: Option<ChampionId>,
    thread_owner: Option<ChampionId>,
    visibility: Visibility,
    closed: Option<SpaceId>,
    shown: bool,
) -> post::ActiveModel {
    post::ActiveModel {
        id: Set(host.server.0.ids.next(host.now())),
        site_id: Set(home),
        visibility: Set(visibility),
        version: Set(1),
        created_at: Set(host.now()),
        updated_at: Set(host.now()),
        owner_id: Set(owner),
        thread_id: Set(host.server.0.ids.next(host.now())),
        thread_home_id: Set(receiver),
        thread_owner_id: Set(thread_owner),
        thread_state: Set(if shown { ThreadState::Open } else { ThreadState::Hidden }),
        space_home_id: Set(receiver),
        closed_space_id: Set(closed),
        reply_to_id: Set(None),
        body: Set("A post.".to_owned()),
        edited_at: Set(None),
        withdrawn_at: Set(None),
        state: Set(if shown == (home == receiver) {
            PostState::Visible
        } else {
            PostState::Hidden
        }),
        position: Set(1),
    }
}

fn some_report(
    host: &Host,
    home: SiteId,
    receiver: SiteId,
    owner: Option<ChampionId>,
    subject_owner: Option<ChampionId>,
    visibility: Visibility,
) -> report::ActiveModel {
    report::ActiveModel {
        id: Set(host.server.0.ids.next(host.now())),
        site_id: Set(home),
        visibility: Set(visibility),
        version: Set(1),
        created_at: Set(host.now()),
        updated_at: Set(host.now()),
        owner_id: Set(owner),
        subject_kind: Set(Kind::Post),
        subject_id: Set(host.server.0.ids.ordered(host.now())),
        subject_home_id: Set(receiver),
        subject_owner_id: Set(subject_owner),
        space_home_id: Set(receiver),
        reason: Set("Spam.".to_owned()),
        state: Set(if owner == subject_owner {
            ReportState::Open
        } else {
            ReportState::Closed
        }),
        outcome: Set(None),
        closed_at: Set(None),
    }
}
