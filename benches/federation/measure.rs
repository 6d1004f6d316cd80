//! Figures: percentiles, memory, tables.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Many measured times.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time below which this share of them lies, in milliseconds.
    pub fn percentile(&self, share: f64) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        sorted
            .get(at)
            .map_or_else(|| "-".to_owned(), |time| format!("{:.0}", time.as_secs_f64() * 1e3))
    }

    /// The 50th and 99th percentile and the longest.
    pub fn summary(&self) -> [String; 3] {
        [0.5, 0.99, 1.0].map(|share| self.percentile(share))
    }
}

/// The middle of several measured values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Prints a line of a table whose columns are as wide as 14 characters.
pub fn line(cells: &[&str]) {
    let cells: Vec<_> = cells.iter().map(|cell| format!("{cell:>14}")).collect();
    println!("{}", cells.join(" "));
}

/// The resident memory of this process in MiB.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or_default() / 1024
}

/// Watches the resident memory until it is dropped.
#[derive(Debug)]
pub struct Peak {
    most: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Peak {
    /// Begins to watch.
    pub fn watch() -> Self {
        let (most, ended) = (Arc::new(AtomicU64::new(resident())), Arc::new(AtomicBool::new(false)));
        let (kept, end) = (Arc::clone(&most), Arc::clone(&ended));
        std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                kept.fetch_max(resident(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { most, ended }
    }

    /// The most so far, in MiB.
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
