//! The smallest environment: three rates and a link that wanders.

use super::{Environment, Info, Outcome, Spaces};
use crate::Random;

/// Rates in Mbit/s.
const RATES: [f64; 3] = [0.5, 1.0, 2.0];

/// How long a chunk plays.
const CHUNK_S: f64 = 4.0;

/// How many chunks an episode has. Whoever stays at the lowest rate has 10 at the end, and does not stall;
/// whoever chooses at random has about -150; whoever fills the buffer first and then stays at the middle rate
/// for as long as that lasts has more than 13, without a stall.
const CHUNKS: usize = 20;

/// Between these speeds the link wanders, in Mbit/s.
const SPEEDS: (f64, f64) = (0.6, 1.0);

/// What a second of stalling costs.
const STALL: f64 = 4.0;

/// Sees the speed of the network, the buffer and the last quality; chooses 500, 1000 or 2000 kbit/s.
/// Reward is quality in Mbit/s, less 4 for each second of stalling, less changes. The first chunk is there
/// when an episode begins.
#[derive(Clone, Debug)]
pub struct Simple {
    spaces: Spaces,
    random: Random,
    speed: f64,
    buffer_s: f64,
    last: f64,
    chunk: usize,
    seen: [f32; 3],
}

impl Default for Simple {
    fn default() -> Simple {
        Simple::new()
    }
}

impl Simple {
    /// An environment, to be reset.
    #[must_use]
    pub fn new() -> Simple {
        Simple {
            spaces: Spaces {
                low: vec![0.0; 3],
                high: vec![2.0, 5.0, 2.0],
                actions: vec![RATES.len()],
            },
            random: Random::new(0),
            speed: 1.0,
            buffer_s: CHUNK_S,
            last: RATES[0],
            chunk: 0,
            seen: [0.0; 3],
        }
    }

    fn look(&mut self) {
        self.seen = [
            self.speed as f32,
            (self.buffer_s as f32 / 20.0).min(5.0),
            self.last as f32,
        ];
    }
}

impl Environment for Simple {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }

    fn reset(&mut self, seed: u64) -> Info {
        self.random = Random::new(seed);
        self.speed = self.random.between(SPEEDS.0, SPEEDS.1);
        (self.buffer_s, self.last, self.chunk) = (CHUNK_S, RATES[0], 0);
        self.look();
        Info::default()
    }

    fn step(&mut self, action: &[usize]) -> Outcome {
        let rate = RATES[action[0]];
        let takes_s = rate * CHUNK_S / self.speed;
        let stall_s = (takes_s - self.buffer_s).max(0.0);
        self.buffer_s = (self.buffer_s - takes_s).max(0.0) + CHUNK_S;
        let score = rate - STALL * stall_s - (rate - self.last).abs();
        self.last = rate;
        self.chunk += 1;
        self.speed = (self.speed + self.random.between(-0.1, 0.1)).clamp(SPEEDS.0, SPEEDS.1);
        self.look();
        Outcome {
            reward: score as f32,
            terminated: self.chunk == CHUNKS,
            truncated: false,
            info: Info {
                quality: rate,
                rebuffer_ms: stall_s * 1e3,
                joules: 0.0,
                qoe: score,
            },
        }
    }

    fn observation(&self) -> &[f32] {
        &self.seen
    }

    fn mask(&self) -> &[bool] {
        &[true; RATES.len()]
    }
}
