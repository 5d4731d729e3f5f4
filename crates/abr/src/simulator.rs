//! The simulator: a session as chunks that come one after the other over a link.
//!
//! Its arithmetic is that of Pensieve's fixed test environment, operation by operation, so that sessions
//! agree to the last bit. A [`Simulator`] is what does not change, a [`State`] is a session on its way:
//! small, copied freely, so that one can look ahead by stepping a copy.

use crate::random::Random;
use crate::{Error, Player, Trace, Video};

/// A row of a trace, ready to be walked.
#[derive(Clone, Copy, Debug)]
struct Row {
    end_s: f64,
    bytes_per_s: f64,
}

/// One player, one video, one link.
#[derive(Clone, Debug)]
pub struct Simulator {
    rows: Vec<Row>,
    start_s: f64,
    loop_s: f64,
    video: Video,
    player: Player,
    mbps: Vec<f64>,
    chunks: usize,
}

/// A session on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// The row of the trace in which it is, and the time there.
    row: u32,
    at_s: f64,
    /// Which chunk comes next.
    chunk: u32,
    /// How much video is there to be played.
    pub buffer_ms: f64,
    /// How long the session is under way.
    pub clock_ms: f64,
    random: Random,
}

impl State {
    /// Which chunk comes next.
    #[must_use]
    pub fn chunk(&self) -> usize {
        self.chunk as usize
    }
}

/// What fetching a chunk was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery {
    /// Which chunk it was.
    pub chunk: usize,
    /// Its level.
    pub level: usize,
    /// Its size.
    pub bytes: f64,
    /// From the request to the last byte.
    pub delay_ms: f64,
    /// How long the player waited besides: for room in its buffer, or for a live chunk.
    pub sleep_ms: f64,
    /// How long nothing was played while it came.
    pub rebuffer_ms: f64,
    /// What was in the buffer then.
    pub buffer_ms: f64,
    /// How far behind the live edge the viewer is; 0 where nothing is live.
    pub latency_ms: f64,
    /// Whether it was the last.
    pub last: bool,
}

impl Delivery {
    /// What came in a second, in Mbit/s, with the wait for the first byte in it.
    #[must_use]
    pub fn mbps(&self) -> f64 {
        self.bytes * 8e-3 / self.delay_ms
    }
}

impl Simulator {
    /// A player of a video on the link of a trace.
    ///
    /// # Errors
    /// When the player does not fit the video.
    pub fn new(trace: &Trace, video: &Video, player: &Player) -> Result<Simulator, Error> {
        let (ladder, chunks) = player.fit(video)?;
        let rows = trace.times_s().iter().zip(trace.mbps());
        let rows = rows.map(|(time, rate)| Row {
            end_s: *time,
            bytes_per_s: rate * 1e6 / 8.0,
        });
        let start_s = trace.times_s()[0];
        Ok(Simulator {
            rows: rows.collect(),
            start_s,
            loop_s: if player.loop_from_zero { 0.0 } else { start_s },
            video: video.clone(),
            player: player.clone(),
            mbps: ladder.iter().map(|rate| rate.mbps()).collect(),
            chunks,
        })
    }

    /// The video.
    #[must_use]
    pub fn video(&self) -> &Video {
        &self.video
    }

    /// The player.
    #[must_use]
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// What the levels count as, in Mbit/s.
    #[must_use]
    pub fn mbps(&self) -> &[f64] {
        &self.mbps
    }

    /// How many chunks are played.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// A new session. The seed matters for players with noise or a random start only.
    #[must_use]
    pub fn begin(&self, seed: u64) -> State {
        let mut random = Random::new(seed);
        let row = match self.player.random_start {
            true => 1 + random.below(self.rows.len() - 1),
            false => 1,
        };
        State {
            row: row as u32,
            at_s: match row {
                1 => self.start_s,
                row => self.rows[row - 1].end_s,
            },
            chunk: 0,
            buffer_ms: 0.0,
            clock_ms: 0.0,
            random,
        }
    }

    /// Fetches the next chunk at a level.
    ///
    /// # Panics
    /// When there is no such level, or the session is over.
    #[inline]
    pub fn step(&self, state: &mut State, level: usize) -> Delivery {
        let chunk = state.chunk as usize;
        assert!(chunk < self.chunks, "the session is over");
        let bytes = self.video.bytes(chunk, level);
        let chunk_ms = self.video.chunk_ms();
        let (mut slept, mut rebuffer) = (0.0, 0.0);
        if let Some(live) = self.player.live {
            // The chunk is whole when its end is at the live edge.
            let whole = f64::from(state.chunk + 1) * chunk_ms - live.start_latency_ms;
            if whole > state.clock_ms {
                slept = whole - state.clock_ms;
                self.pass(state, slept);
                rebuffer += self.play(state, slept);
            }
        }
        let mut delay = self.download(state, bytes);
        delay *= 1e3;
        delay += self.player.rtt_ms;
        if self.player.noise > 0.0 {
            let noise = self.player.noise;
            delay *= state.random.between(1.0 - noise, 1.0 + noise);
        }
        rebuffer += self.play(state, delay);
        state.buffer_ms += chunk_ms;
        state.chunk += 1;
        if state.buffer_ms > self.player.buffer_cap_ms {
            let over = state.buffer_ms - self.player.buffer_cap_ms;
            let sleep = (over / self.player.drain_ms).ceil() * self.player.drain_ms;
            self.pass(state, sleep);
            self.play(state, sleep);
            slept += sleep;
        }
        Delivery {
            chunk,
            level,
            bytes,
            delay_ms: delay,
            sleep_ms: slept,
            rebuffer_ms: rebuffer,
            buffer_ms: state.buffer_ms,
            latency_ms: self.latency_ms(state),
            last: state.chunk as usize == self.chunks,
        }
    }

    /// How far behind the live edge the viewer is; 0 where nothing is live.
    #[must_use]
    pub fn latency_ms(&self, state: &State) -> f64 {
        let Some(live) = self.player.live else {
            return 0.0;
        };
        let played = f64::from(state.chunk) * self.video.chunk_ms() - state.buffer_ms;
        live.start_latency_ms + state.clock_ms - played
    }

    /// Plays for so long, and says how much of it there was nothing to play.
    #[inline]
    fn play(&self, state: &mut State, ms: f64) -> f64 {
        let stalled = match self.player.live {
            None => {
                let stalled = (ms - state.buffer_ms).max(0.0);
                state.buffer_ms = (state.buffer_ms - ms).max(0.0);
                stalled
            }
            Some(live) => {
                // Faster until it has caught up, then at its pace.
                let late = (self.latency_ms(state) - live.target_latency_ms).max(0.0);
                let faster = if live.catch_up > 0.0 {
                    (late / live.catch_up).min(ms)
                } else {
                    0.0
                };
                let needed = ms + faster * live.catch_up;
                let short = (needed - state.buffer_ms).max(0.0);
                state.buffer_ms = (state.buffer_ms - needed).max(0.0);
                // What is missing last is missing at the slower pace.
                let slow = short.min(ms - faster);
                slow + (short - slow) / (1.0 + live.catch_up)
            }
        };
        state.clock_ms += ms;
        stalled
    }

    /// The seconds in which so many bytes come.
    #[inline]
    fn download(&self, state: &mut State, bytes: f64) -> f64 {
        let share = self.player.payload_share;
        let (mut row, mut at_s) = (state.row as usize, state.at_s);
        let (mut sent, mut delay) = (0.0, 0.0);
        loop {
            let Row { end_s, bytes_per_s } = self.rows[row];
            let duration = end_s - at_s;
            let payload = bytes_per_s * duration * share;
            if sent + payload > bytes {
                let part = (bytes - sent) / bytes_per_s / share;
                (state.row, state.at_s) = (row as u32, at_s + part);
                return delay + part;
            }
            sent += payload;
            delay += duration;
            (row, at_s) = self.after(row, end_s);
        }
    }

    /// Takes over the link of another simulator, each of its rates times `factor`. It allocates nothing
    /// where it had as long a link before.
    pub fn follow(&mut self, other: &Simulator, factor: f64) {
        self.rows.clear();
        self.rows.extend(other.rows.iter().map(|row| Row {
            end_s: row.end_s,
            bytes_per_s: row.bytes_per_s * factor,
        }));
        (self.start_s, self.loop_s) = (other.start_s, other.loop_s);
    }

    /// Leaves the link only a share of its rates for so many seconds, from a place on between its start (0)
    /// and its end (1).
    pub fn fail(&mut self, place: f64, seconds: f64, left: f64) {
        let last_s = self.rows.last().map_or(self.start_s, |row| row.end_s);
        let from_s = self.start_s + place * (last_s - self.start_s);
        for row in &mut self.rows {
            if row.end_s > from_s && row.end_s <= from_s + seconds {
                row.bytes_per_s *= left;
            }
        }
    }

    /// The mean rates in Mbit/s that the link will have in the windows from now to each of `ends_s`, which
    /// rise: what only a look into the future tells.
    pub fn ahead(&self, state: &State, ends_s: &[f64], to: &mut Vec<f64>) {
        let (mut row, mut at_s, mut clock_s) = (state.row as usize, state.at_s, 0.0);
        for end_s in ends_s {
            let (begin_s, mut bytes) = (clock_s, 0.0);
            loop {
                let Row {
                    end_s: row_end_s,
                    bytes_per_s,
                } = self.rows[row];
                let (left_s, wanted_s) = (row_end_s - at_s, end_s - clock_s);
                if left_s > wanted_s {
                    bytes += bytes_per_s * wanted_s;
                    (at_s, clock_s) = (at_s + wanted_s, *end_s);
                    break;
                }
                bytes += bytes_per_s * left_s;
                clock_s += left_s;
                (row, at_s) = self.after(row, row_end_s);
            }
            to.push(bytes * 8e-6 / (end_s - begin_s));
        }
    }

    /// Lets time go by without a download.
    fn pass(&self, state: &mut State, ms: f64) {
        let mut left_ms = ms;
        let (mut row, mut at_s) = (state.row as usize, state.at_s);
        loop {
            let end_s = self.rows[row].end_s;
            let duration = end_s - at_s;
            if duration > left_ms / 1e3 {
                break;
            }
            left_ms -= duration * 1e3;
            (row, at_s) = self.after(row, end_s);
        }
        (state.row, state.at_s) = (row as u32, at_s + left_ms / 1e3);
    }

    /// The row after one, and the time at which it begins.
    #[inline]
    fn after(&self, row: usize, end_s: f64) -> (usize, f64) {
        match row + 1 < self.rows.len() {
            true => (row + 1, end_s),
            // The first row only marks the start.
            false => (1, self.loop_s),
        }
    }
}

/// Many sessions that are stepped together, each on a simulator of its own choice. Stepping allocates
/// nothing.
#[derive(Debug)]
pub struct Fleet<'a> {
    sessions: Vec<(&'a Simulator, State)>,
}

impl<'a> Fleet<'a> {
    /// A session on each simulator, with seeds that count up.
    pub fn new(simulators: impl IntoIterator<Item = &'a Simulator>, seed: u64) -> Fleet<'a> {
        let begin = |(at, it): (usize, &'a Simulator)| (it, it.begin(seed.wrapping_add(at as u64)));
        Fleet {
            sessions: simulators.into_iter().enumerate().map(begin).collect(),
        }
    }

    /// The sessions, as they stand.
    pub fn states(&self) -> impl Iterator<Item = &State> {
        self.sessions.iter().map(|(_, state)| state)
    }

    /// Fetches the next chunk of every session at its level.
    ///
    /// # Panics
    /// When there are not as many levels and places for deliveries as sessions.
    pub fn step(&mut self, levels: &[usize], deliveries: &mut [Delivery]) {
        assert_eq!(levels.len(), self.sessions.len());
        assert_eq!(deliveries.len(), self.sessions.len());
        for (((simulator, state), level), to) in
            self.sessions.iter_mut().zip(levels).zip(deliveries)
        {
            *to = simulator.step(state, *level);
        }
    }
}

#[cfg(test)]
mod tests;
