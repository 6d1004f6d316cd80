//! Those who follow: one task reads for all of them.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sea_orm::DatabaseConnection;
use tokio::{
    sync::{
        Notify,
        broadcast::{self, error::RecvError},
    },
    time::sleep,
};

use super::{
    log::{self, Filter, Line, Start, place},
    place::Place,
};
use crate::error::Result;

/// Most lines that are read at once: what one who follows holds in memory.
const LINES_AT_ONCE: u64 = 64;

/// Most batches that wait for the slowest; who falls further behind reads on in the table.
const BATCHES: usize = 32;

/// How often the log is looked at for what other processes wrote.
const LOOKING: Duration = Duration::from_millis(500);

/// How soon it is looked at again after something was written: an older transaction may have held it back.
const LOOKING_AGAIN: Duration = Duration::from_millis(10);

/// Lines that follow a place.
#[derive(Debug)]
struct Batch {
    after: Place,
    lines: Vec<Line>,
}

/// The followers of one process.
#[derive(Debug)]
pub struct Followers {
    batches: broadcast::Sender<Arc<Batch>>,
    reading: Mutex<bool>,
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            batches: broadcast::Sender::new(BATCHES),
            reading: Mutex::new(false),
        }
    }
}

impl Followers {
    /// Follows the log from a place on. `changed` is rung whenever this process has written to it.
    pub fn follow(
        self: &Arc<Self>,
        db: &DatabaseConnection,
        changed: &Arc<Notify>,
        start: &Start,
        filter: Filter,
    ) -> Follower {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let batches = self.batches.subscribe();
        if !*reading {
            *reading = true;
            tokio::spawn(read_on(Arc::clone(self), db.clone(), Arc::clone(changed)));
        }
        Follower {
            db: db.clone(),
            batches,
            place: start.place,
            passed: Arc::clone(&start.passed),
            filter,
            pending: VecDeque::new(),
            behind: true,
        }
    }

    /// Whether somebody follows; if not, the reading task has to end.
    fn anybody(&self) -> bool {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        *reading = self.batches.receiver_count() > 0;
        *reading
    }

    /// Reads once and hands on; tells whether there was anything.
    async fn read(&self, db: &DatabaseConnection, at: &mut Option<Place>) -> Result<bool> {
        let Some(after) = *at else {
            let after = log::end(db).await?;
            *at = Some(after);
            // Who looked before this and is behind it has to look once more.
            let lines = Vec::new();
            let _ = self.batches.send(Arc::new(Batch { after, lines }));
            return Ok(true);
        };
        let lines = log::read(db, after, None, &Filter::default(), LINES_AT_ONCE).await?;
        let Some(last) = lines.last() else { return Ok(false) };
        *at = Some(place(last));
        let _ = self.batches.send(Arc::new(Batch { after, lines }));
        Ok(true)
    }
}

/// Reads for as long as somebody follows.
async fn read_on(followers: Arc<Followers>, db: DatabaseConnection, changed: Arc<Notify>) {
    let (mut at, mut pause) = (None, LOOKING_AGAIN);
    while followers.anybody() {
        match followers.read(&db, &mut at).await {
            Ok(true) => {
                pause = LOOKING_AGAIN;
                continue;
            }
            Ok(false) => {}
            Err(error) => {
                error.log("changes cannot be read");
                pause = LOOKING;
            }
        }
        tokio::select! {
            () = changed.notified() => pause = LOOKING_AGAIN,
            () = sleep(pause) => pause = (pause * 2).min(LOOKING),
        }
    }
}

/// Somebody who follows.
#[derive(Debug)]
pub struct Follower {
    db: DatabaseConnection,
    batches: broadcast::Receiver<Arc<Batch>>,
    place: Place,
    passed: Arc<HashSet<i64>>,
    filter: Filter,
    pending: VecDeque<Line>,
    /// Whether the table may hold lines that no batch will bring.
    behind: bool,
}

impl Follower {
    /// The next line, as soon as there is one.
    ///
    /// # Errors
    /// When the database fails, or no longer keeps what comes next.
    pub async fn next(&mut self) -> Result<Line> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Ok(line);
            }
            if self.behind {
                self.catch_up().await?;
                continue;
            }
            match self.batches.recv().await {
                Ok(batch) => self.take(&batch),
                Err(RecvError::Lagged(_) | RecvError::Closed) => self.behind = true,
            }
        }
    }

    /// How many lines it holds in memory.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    async fn catch_up(&mut self) -> Result<()> {
        if self.place < log::swept(&log::kept(&self.db).await?) {
            return Err(log::too_old());
        }
        let end = log::end(&self.db).await?;
        let lines = log::read(&self.db, self.place, Some(end), &self.filter, LINES_AT_ONCE).await?;
        self.behind = lines.len() as u64 == LINES_AT_ONCE;
        self.place = match lines.last() {
            Some(last) if self.behind => place(last),
            _ => self.place.max(end),
        };
        let passed = &self.passed;
        self.pending
            .extend(lines.into_iter().filter(|line| !passed.contains(&line.id)));
        Ok(())
    }

    fn take(&mut self, batch: &Batch) {
        if batch.after > self.place {
            self.behind = true;
            return;
        }
        let new = batch
            .lines
            .iter()
            .filter(|line| place(line) > self.place && self.filter.holds(line) && !self.passed.contains(&line.id));
        self.pending.extend(new.cloned());
        if let Some(last) = batch.lines.last() {
            self.place = self.place.max(place(last));
        }
    }
}
