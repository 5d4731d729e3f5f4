//! Quality of experience: what viewers like and mind, as one number and its parts.

use serde::Serialize;

use crate::{Delivery, Error, Simulator};

/// What counts, and how much.
///
/// A chunk scores its quality, less its stalls, less its change from the chunk before. A session scores
/// the mean over its chunks but the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Quality of each level in each tier of enhancement, level by level; the first tier is none.
    quality: Vec<f64>,
    tiers: usize,
    /// What a second of stalling costs.
    pub rebuffer: f64,
    /// What a change of quality by 1 costs.
    pub switch: f64,
    /// What a joule costs those to whom energy counts as much as it can: at the weight 1.
    pub joule: f64,
}

/// So many joules cost as much as a second of stalling, at the weight 1. A phone takes some 15 for a chunk
/// of 4 s, of which half can be saved at best: as much then as a seventh of the best quality.
const JOULES_OF_A_STALL: f64 = 50.0;

impl Terms {
    /// Quality is the rate in Mbit/s, and a player says what stalls and changes cost: `QoE_lin`.
    #[must_use]
    pub fn linear(simulator: &Simulator) -> Terms {
        Terms {
            quality: simulator.mbps().to_vec(),
            tiers: 1,
            rebuffer: simulator.player().rebuffer_penalty,
            switch: simulator.player().switch_penalty,
            joule: simulator.player().rebuffer_penalty / JOULES_OF_A_STALL,
        }
    }

    /// Quality from a table, with a row for each level and a column for each tier, of which the first is
    /// no enhancement.
    ///
    /// # Errors
    /// When rows differ in length, or hold what is no number.
    pub fn table(rows: &[Vec<f64>], rebuffer: f64, switch: f64) -> Result<Terms, Error> {
        let tiers = rows.first().map_or(0, Vec::len);
        let sound = |row: &Vec<f64>| row.len() == tiers && row.iter().all(|it| it.is_finite());
        if tiers == 0 || !rows.iter().all(sound) {
            return Err(Error::setting(
                "a table of quality",
                "a row for each level, of as many numbers as there are tiers, is wanted",
            ));
        }
        Ok(Terms {
            quality: rows.concat(),
            tiers,
            rebuffer,
            switch,
            joule: rebuffer / JOULES_OF_A_STALL,
        })
    }

    /// How many tiers there are, with none.
    #[must_use]
    pub fn tiers(&self) -> usize {
        self.tiers
    }

    /// How many levels there are.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.quality.len() / self.tiers
    }

    /// The quality of a level in a tier.
    #[must_use]
    #[inline]
    pub fn quality(&self, level: usize, tier: usize) -> f64 {
        self.quality[level * self.tiers + tier]
    }

    /// The score of one chunk, after one of another quality.
    #[must_use]
    #[inline]
    pub fn score(&self, quality: f64, before: f64, rebuffer_ms: f64) -> f64 {
        quality - self.rebuffer * (rebuffer_ms / 1e3) - self.switch * (quality - before).abs()
    }
}

/// A session in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Parts {
    /// The mean score of a chunk.
    pub qoe: f64,
    /// The mean quality of a chunk.
    pub quality: f64,
    /// Seconds of stalling, all in all.
    pub rebuffer_s: f64,
    /// The mean change of quality from chunk to chunk.
    pub change: f64,
    /// How many times the level changed.
    pub switches: f64,
    /// What the session took from the battery.
    pub joules: f64,
    /// Megabits that came.
    pub megabits: f64,
    /// How many chunks have a score.
    pub chunks: f64,
}

impl Parts {
    /// The score where energy counts too, by a weight from 0 to 1: the mean over chunks of what each
    /// scores, less what its joules cost.
    #[must_use]
    pub fn worth(&self, terms: &Terms, weight: f64) -> f64 {
        self.qoe - weight * terms.joule * self.joules / self.chunks.max(1.0)
    }
}

/// Adds up the chunks of a session. The first has no score: no controller chose it.
#[derive(Clone, Debug)]
pub struct Tally {
    parts: Parts,
    scored: f64,
    before: Option<(usize, f64)>,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Tally {
        Tally {
            parts: Parts::default(),
            scored: 0.0,
            before: None,
        }
    }

    /// Adds a chunk that was shown in a quality and took so much energy; its score, if it has one.
    pub fn add(&mut self, terms: &Terms, it: &Delivery, quality: f64, joules: f64) -> Option<f64> {
        self.parts.joules += joules;
        self.parts.megabits += it.bytes * 8e-6;
        let before = self.before.replace((it.level, quality));
        let (level, before) = before?;
        let score = terms.score(quality, before, it.rebuffer_ms);
        self.parts.qoe += score;
        self.parts.quality += quality;
        self.parts.rebuffer_s += it.rebuffer_ms / 1e3;
        self.parts.change += (quality - before).abs();
        self.parts.switches += f64::from(u8::from(level != it.level));
        self.scored += 1.0;
        Some(score)
    }

    /// The session in numbers.
    #[must_use]
    pub fn finish(&self) -> Parts {
        let count = self.scored.max(1.0);
        Parts {
            qoe: self.parts.qoe / count,
            quality: self.parts.quality / count,
            change: self.parts.change / count,
            chunks: self.scored,
            ..self.parts
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_done_by_hand() {
        let terms = Terms::table(&[vec![0.3], vec![1.2]], 4.3, 1.0).unwrap();
        let chunk = |level, rebuffer_ms| Delivery {
            chunk: 0,
            level,
            bytes: 125_000.0,
            delay_ms: 1000.0,
            sleep_ms: 0.0,
            rebuffer_ms,
            buffer_ms: 4000.0,
            latency_ms: 0.0,
            last: false,
        };
        let mut tally = Tally::new();
        assert_eq!(tally.add(&terms, &chunk(0, 900.0), 0.3, 2.0), None);
        let score = tally.add(&terms, &chunk(1, 500.0), 1.2, 2.0).unwrap();
        assert!((score - (1.2 - 2.15 - 0.9)).abs() < 1e-12);
        let score = tally.add(&terms, &chunk(1, 0.0), 1.2, 2.0).unwrap();
        assert!((score - 1.2).abs() < 1e-12);
        let parts = tally.finish();
        assert!((parts.qoe - (1.2 - 1.85) / 2.0).abs() < 1e-12);
        assert_eq!(
            (parts.rebuffer_s, parts.switches, parts.joules),
            (0.5, 1.0, 6.0)
        );
        assert!((parts.megabits - 3.0).abs() < 1e-12);
        // 6 J over two chunks, at half of 4.3 / 50 points each.
        let worth = parts.worth(&terms, 0.5);
        assert!((parts.qoe - worth - 0.5 * 4.3 / 50.0 * 3.0).abs() < 1e-12);
        assert_eq!(parts.worth(&terms, 0.0), parts.qoe);
    }

    #[test]
    fn tables_must_be_whole() {
        assert!(Terms::table(&[], 1.0, 1.0).is_err());
        assert!(Terms::table(&[vec![1.0, 2.0], vec![1.0]], 1.0, 1.0).is_err());
        assert!(Terms::table(&[vec![f64::NAN]], 1.0, 1.0).is_err());
    }
}
