//! Frames that never came.

use nervure_frame::{Frame, FramePool, LossMask, Planes};

use crate::scenes::noise::Dice;

/// Frames that are dropped one after the other, on average: losses come in bursts, and an encoder
/// that falls behind skips more than one.
const RUN: f64 = 2.0;

/// Decides which frames are dropped: an endless sequence, true for a dropped frame.
///
/// Two states, as in Gilbert's channel: in the long run a share `rate` of frames is dropped, in
/// runs of two frames on average, longer where the rate leaves no other way. The first frame is
/// never dropped, since nothing could be shown in its place.
#[derive(Clone, Debug)]
pub struct Drops {
    dice: Dice,
    /// Chances to begin and to end a run, of `1 << 32`.
    begin: u64,
    end: u64,
    /// None before the first frame.
    dropping: Option<bool>,
}

impl Drops {
    /// A sequence of its own for each seed. `rate` outside 0 to 1 is taken as the nearer of the two.
    pub fn new(rate: f64, seed: u64) -> Drops {
        let rate = if rate > 0.0 { rate.min(1.0) } else { 0.0 };
        let whole = (1u64 << 32) as f64;
        let end = (1.0 / RUN).min((1.0 - rate) / rate.max(f64::MIN_POSITIVE));
        let begin = if rate < 1.0 {
            end * rate / (1.0 - rate)
        } else {
            1.0
        };
        Drops {
            dice: Dice::new(seed, "frame drops"),
            begin: (begin * whole) as u64,
            end: (end * whole) as u64,
            dropping: None,
        }
    }
}

impl Iterator for Drops {
    type Item = bool;

    fn next(&mut self) -> Option<bool> {
        let roll = self.dice.roll() >> 32;
        let dropping = match self.dropping {
            None => false,
            Some(true) => roll >= self.end,
            Some(false) => roll < self.begin,
        };
        self.dropping = Some(dropping);
        self.dropping
    }
}

/// Drops frames as a player shows it: the picture before stays, at the dropped frame's time, and
/// the whole of it is marked lost.
#[derive(Debug)]
pub struct FrameDrops {
    drops: std::iter::Peekable<Drops>,
    held: Option<Frame>,
    pool: FramePool,
}

impl FrameDrops {
    /// Drops the frames that [`Drops`] says.
    pub fn new(rate: f64, seed: u64) -> FrameDrops {
        FrameDrops {
            drops: Drops::new(rate, seed).peekable(),
            held: None,
            pool: FramePool::new(),
        }
    }

    /// Takes the next frame of the clip. When it is dropped, its samples and colour become those of
    /// the last frame that was not, and this says true; its time stays. A frame of another format
    /// than the one before is never dropped.
    pub fn apply(&mut self, frame: &mut Frame) -> bool {
        let dropped = self.drops.next() == Some(true);
        let format = frame.format();
        if dropped && let Some(held) = self.held.as_ref().filter(|held| held.format() == format) {
            copy(&mut frame.planes, &held.planes);
            frame.colour = held.colour;
            frame.damage = Some(LossMask::lost(format.width, format.height));
            return true;
        }
        // A copy is only made where the next frame will need it.
        if self.drops.peek() == Some(&true) {
            self.held = None;
            let mut held = self.pool.frame(format, frame.pts);
            copy(&mut held.planes, &frame.planes);
            held.colour = frame.colour;
            self.held = Some(held);
        }
        false
    }
}

fn copy(to: &mut Planes, from: &Planes) {
    match (to, from) {
        (Planes::Eight(to), Planes::Eight(from)) => {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| to.copy_from(from));
        }
        (Planes::Ten(to), Planes::Ten(from)) => {
            to.iter_mut()
                .zip(from)
                .for_each(|(to, from)| to.copy_from(from));
        }
        // Formats were compared before.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase, Timestamp};

    #[test]
    fn the_rate_is_kept_in_runs() {
        for rate in [0.01, 0.1, 0.5, 0.8] {
            let drops: Vec<bool> = Drops::new(rate, 3).take(200_000).collect();
            let count = drops.iter().filter(|drop| **drop).count() as f64;
            let runs = drops.windows(2).filter(|pair| pair[1] && !pair[0]).count() as f64;
            assert!(
                (count / 200_000.0 / rate - 1.0).abs() < 0.1,
                "{rate}: {count}"
            );
            let longest = f64::max(2.0, rate / (1.0 - rate));
            assert!((count / runs / longest - 1.0).abs() < 0.1, "{rate}");
        }
        assert!(!Drops::new(0.0, 1).take(1000).any(|drop| drop));
        assert!(!Drops::new(f64::NAN, 1).take(1000).any(|drop| drop));
        let all: Vec<bool> = Drops::new(1.0, 1).take(5).collect();
        assert_eq!(all, [false, true, true, true, true]);
    }

    #[test]
    fn dropped_frames_are_held_and_marked() {
        let format = PictureFormat::new(20, 18, Chroma::C420, BitDepth::Ten);
        let wanted: Vec<bool> = Drops::new(0.4, 9).take(60).collect();
        assert!(wanted.contains(&true));
        let mut drops = FrameDrops::new(0.4, 9);
        let mut last = 0;
        for (index, dropped) in wanted.into_iter().enumerate() {
            let mut frame = Frame::new(format, Timestamp::new(index as i64, TimeBase::new(1, 25)));
            frame.planes.ten_mut().unwrap()[1].fill(index as u16);
            assert_eq!(drops.apply(&mut frame), dropped);
            if !dropped {
                last = index as u16;
            }
            assert_eq!(frame.planes.ten().unwrap()[1].row(3)[2], last);
            assert_eq!(frame.pts.ticks, index as i64);
            let lost = dropped.then(|| LossMask::lost(20, 18));
            assert_eq!(frame.damage, lost);
        }
    }

    #[test]
    fn a_change_of_format_is_not_held_over() {
        let mut drops = FrameDrops::new(1.0, 1);
        let frame = |side| {
            let format = PictureFormat::new(side, side, Chroma::C444, BitDepth::Eight);
            Frame::new(format, Timestamp::new(0, TimeBase::MICROS))
        };
        let mut seen = Vec::new();
        for side in [8, 8, 9, 9] {
            seen.push(drops.apply(&mut frame(side)));
        }
        assert_eq!(seen, [false, true, false, true]);
    }
}
