//! The rule table as a committed snapshot: a change of rights shows in review as a diff of it.

use std::fmt::Write;

use champion_network::policy::{Action, Closed, Rule, Whom, rules};
use entity::Kind;

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
