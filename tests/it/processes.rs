//! A network of real processes: the built program, real sockets, signals, and databases that are backed up and restored.
//! People act through the API; what must hold is looked up in the databases.
//!
//! | where | what |
//! |---|---|
//! | [`actor`] | a host as a process: started, killed, restored |
//! | [`people`] | who asks it, and what they see |
//! | [`network`] | a hub and regions that have joined it; what two hosts hold of a feed |
//! | [`proxy`] | somebody between a region and the hub |
//! | the others | what happens to them |

mod actor;
mod backups;
mod crashes;
mod drills;
mod hostile;
mod keys;
mod kills;
mod moves;
mod network;
mod outages;
mod people;
mod poison;
mod proxy;
mod relays;

use crate::support::{Backend, Value, json, on_each_database, until};
use actor::Process;
use network::{in_step, network, take_in};
use people::titles;
