//! Five rates and five levels of enhancement, seen through seven numbers.

use std::sync::Arc;

use super::{Changes, Course, Environment, Full, Info, Outcome, Spaces};
use crate::energy::Device;
use crate::qoe::Terms;
use crate::session::Setting;
use crate::trace::Markov;
use crate::{Error, Kbps, Player, Simulator, Video};

/// Rates in kbit/s.
const RATES: [u32; 5] = [400, 800, 1200, 2400, 4800];

/// How many chunks an episode has, and how long each plays.
const CHUNKS: usize = 40;
const CHUNK_MS: f64 = 2000.0;

/// How many tiers there are, with none.
const TIERS: usize = 5;

/// What a joule costs at most, in shares of the best quality.
const JOULE: f64 = 0.05;

/// How much closer to the top each tier brings a level.
const GAIN: f64 = 0.12;

/// A phone on a link that wanders. Sees the last rate, the buffer, the last level, the backlog of
/// enhancement, what is left of the battery, how much energy counts, and what is left of the video.
#[derive(Clone, Debug)]
pub struct Streaming {
    inner: Full,
    spaces: Spaces,
    seen: [f32; 7],
    mask: [bool; RATES.len() + TIERS],
}

impl Streaming {
    /// An environment on links of a seed, to be reset.
    ///
    /// # Errors
    /// When the device that comes with the crate does not fit, which is a mistake in it.
    pub fn new(seed: u64) -> Result<Streaming, Error> {
        let sizes: Vec<f64> = RATES
            .iter()
            .map(|rate| f64::from(*rate) * CHUNK_MS / 8.0)
            .collect();
        let ladder = RATES.map(Kbps).to_vec();
        let video = Video::new("even", CHUNK_MS, ladder, &vec![sizes; CHUNKS])?;
        let link = Markov::between(0.5, 6.0, 5);
        let player = Player {
            buffer_cap_ms: 30_000.0,
            random_start: true,
            ..Player::default()
        };
        let simulators = (0..16).map(|at| {
            let trace = link.generate(seed.wrapping_add(at), 300.0)?;
            Simulator::new(&trace, &video, &player)
        });
        // Quality as a share of the best, as logarithms of rates give it.
        let share = |rate: u32| (f64::from(rate) / 200.0).ln() / (4800.0_f64 / 200.0).ln();
        let tier = |base: f64, tier: usize| base + (1.0 - base) * GAIN * tier as f64;
        let row = |rate: &u32| (0..TIERS).map(|it| tier(share(*rate), it)).collect();
        let rows: Vec<Vec<f64>> = RATES.iter().map(row).collect();
        let mut terms = Terms::table(&rows, 1.0, 1.0)?;
        terms.joule = JOULE;
        let course = Course {
            families: vec![simulators.collect::<Result<_, _>>()?],
            changes: Changes::default(),
            setting: Setting {
                terms,
                device: Device::named("phone-lte")?,
            },
        };
        let inner = Full::new(Arc::new(course));
        Ok(Streaming {
            spaces: Spaces {
                low: vec![0.0; 7],
                high: vec![100.0, 32.0, 4.0, 1000.0, 1.0, 1.0, CHUNKS as f32],
                actions: vec![RATES.len(), TIERS],
            },
            inner,
            seen: [0.0; 7],
            mask: [true; RATES.len() + TIERS],
        })
    }

    fn look(&mut self) {
        let view = self.inner.view();
        let memory = self.inner.memory();
        let battery = 1.0 - view.spent_j / view.device.battery_j;
        self.seen = [
            memory.last_mbps().min(100.0) as f32,
            (view.buffer_ms / 1e3) as f32,
            view.last_level as f32,
            (view.backlog_ms / 1e3) as f32,
            battery.max(0.0) as f32,
            self.inner.weight() as f32,
            (view.chunks() - view.chunk) as f32,
        ];
        for tier in 0..TIERS {
            // Whichever level is chosen beside it, it must be possible.
            let mut pairs = self.inner.mask().chunks_exact(TIERS);
            self.mask[RATES.len() + tier] = pairs.all(|tiers| tiers[tier]);
        }
    }
}

impl Environment for Streaming {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, seed: u64) -> Info {
        let info = self.inner.reset(seed);
        self.look();
        info
    }

    fn step(&mut self, action: &[usize]) -> Outcome {
        let outcome = self.inner.step(&[action[0] * TIERS + action[1]]);
        self.look();
        outcome
    }

    fn observation(&self) -> &[f32] {
        &self.seen
    }

    fn mask(&self) -> &[bool] {
        &self.mask
    }

    fn hindsight(&self) -> &[f32] {
        self.inner.hindsight()
    }
}
