//! How a dataset comes along.

use std::time::Instant;

use nervure_dataset::make::{Event, Stages};

use crate::console::{Meter, note};

/// Progress in seconds of video, each counted once for each variant.
pub(super) struct MakeProgress {
    meter: Option<Meter>,
    quiet: bool,
    began: Instant,
    coded: f64,
    pairs: u64,
    clips: u64,
    skipped: u64,
    stages: Stages,
}

/// Parts of a second that the bar knows.
const STEPS: f64 = 100.0;

impl MakeProgress {
    pub(super) fn new(quiet: bool) -> Self {
        MakeProgress {
            meter: None,
            quiet,
            began: Instant::now(),
            coded: 0.0,
            pairs: 0,
            clips: 0,
            skipped: 0,
            stages: Stages::default(),
        }
    }

    pub(super) fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { seconds, .. } => {
                self.meter = Some(Meter::new("dataset", (seconds * STEPS) as u64, self.quiet));
            }
            Event::Coded(seconds) => self.coded += seconds,
            Event::Pairs(pairs) => self.pairs += pairs,
            Event::Clip(_) => self.clips += 1,
            Event::Spent(stages) => self.stages.add(stages),
            Event::Skipped(skipped) => {
                self.skipped += 1;
                if !self.quiet {
                    let text = format!("{} is skipped: {}", skipped.source, skipped.reason);
                    match &self.meter {
                        Some(meter) => meter.aside(|| note(&text)),
                        None => note(&text),
                    }
                }
            }
        }
        let message = || self.message();
        if let Some(meter) = &self.meter {
            meter.set((self.coded * STEPS) as u64, message);
        }
    }

    pub(super) fn finish(&self) {
        if let Some(meter) = &self.meter {
            meter.finish();
        }
    }

    fn message(&self) -> String {
        let rate = self.pairs as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        let mut text = format!("{} clips, {} pairs, {rate:.1}/s", self.clips, self.pairs);
        if self.skipped > 0 {
            text += &format!(", {} skipped", self.skipped);
        }
        let stages = &self.stages;
        let each = [
            ("sources", stages.source),
            ("coding", stages.coding),
            ("scoring", stages.scoring),
            ("writing", stages.writing),
        ];
        let all: f64 = each.iter().map(|(_, time)| time.as_secs_f64()).sum();
        if all > 0.0 {
            let shares =
                each.map(|(name, time)| format!("{name} {:.0}%", 100.0 * time.as_secs_f64() / all));
            text += &format!(" ({})", shares.join(" "));
        }
        text
    }
}
