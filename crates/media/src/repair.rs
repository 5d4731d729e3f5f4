//! Pictures that lost something, mended inside of their decoder: before it makes others from them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use nervure_frame::{Colour, Frame, LossMask, TimeBase, Timestamp};

use crate::av::convert::Converter;
use crate::av::frame_in::RawFrame;
use crate::av::pixels::Pixels;

/// What fills the lost parts of a picture.
#[derive(Clone)]
pub struct Mender(Arc<Mend>);

type Mend = dyn Fn(Around<'_>, &mut Frame, &LossMask) + Send + Sync;

/// Whole pictures near a damaged one, up to three on each side, as evenly spaced as there are.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Shown before it, in their order.
    pub before: &'a [Frame],
    /// Shown after it, the nearest last. Decoders have some that are not due yet.
    pub after: &'a [Frame],
}

impl Mender {
    /// One that does this, given pictures around, the picture as its decoder concealed it, and what is lost
    /// of it. There is one picture at least.
    pub fn new(mend: impl Fn(Around<'_>, &mut Frame, &LossMask) + Send + Sync + 'static) -> Self {
        Mender(Arc::new(mend))
    }
}

impl fmt::Debug for Mender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mender")
    }
}

/// Pictures that are kept to mend others from. Three are looked at; that they are evenly spaced may take
/// those of three groups of pictures that refer to one another.
const KEPT: usize = 16;
/// How many of them a mender is given.
const GIVEN: usize = 3;

/// Mends pictures of one decoder.
pub(crate) struct Repair {
    mender: Mender,
    converter: Converter,
    /// With their times, in the order they were decoded.
    kept: VecDeque<(i64, RawFrame)>,
}

impl Repair {
    pub(crate) fn new(mender: Mender) -> Self {
        Repair {
            mender,
            converter: Converter::new(),
            kept: VecDeque::new(),
        }
    }

    /// Looks at a picture that was decoded just now, and mends it where something is lost of it. Keyframes
    /// too: what they need no other picture for may be lost.
    pub(crate) fn see(&mut self, mut picture: RawFrame, time: i64, lost: Option<&LossMask>) {
        if let Some(lost) = lost {
            self.mend(&mut picture, time, lost);
        }
        self.kept.push_back((time, picture));
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// Forgets all pictures, as after a seek.
    pub(crate) fn reset(&mut self) {
        self.kept.clear();
    }

    fn mend(&mut self, picture: &mut RawFrame, time: i64, lost: &LossMask) {
        let pixels = Pixels::of(picture.pixel_format());
        if !pixels.is_some_and(|pixels| pixels.is_ours()) {
            return;
        }
        // Backwards, times after are times before.
        let times = self.kept.iter().map(|(at, _)| *at);
        let before = evenly(&times.clone().collect::<Vec<_>>(), time);
        let after = evenly(
            &times.map(i64::saturating_neg).collect::<Vec<_>>(),
            time.saturating_neg(),
        );
        if before.is_empty() && after.is_empty() {
            return;
        }
        let mut frame = |raw: &RawFrame, time: i64| {
            let at = Timestamp::new(time, TimeBase::new(1, 1));
            self.converter.frame(raw, Colour::default(), at).ok()
        };
        let Some(mut mended) = frame(picture, time) else {
            return;
        };
        let format = mended.format();
        let [before, after] = [before, after].map(|chosen| {
            let kept = chosen.iter().rev().map(|at| &self.kept[*at]);
            let frames = kept.filter_map(|(time, raw)| frame(raw, *time));
            let alike = frames.filter(|frame| frame.format() == format);
            alike.collect::<Vec<Frame>>()
        });
        let around = Around {
            before: &before,
            after: &after,
        };
        (self.mender.0)(around, &mut mended, lost);
        picture.replace(&mended.planes, lost);
    }
}

/// Which of some times are the latest before another, and as far before that, and again: the nearest that
/// there are.
fn evenly(times: &[i64], time: i64) -> Vec<usize> {
    let mut chosen: Vec<usize> = Vec::new();
    let mut end = time;
    let mut wanted = time;
    while chosen.len() < GIVEN {
        let earlier = (0..times.len()).filter(|at| times[*at] < end);
        let found = match chosen.first() {
            None => earlier.max_by_key(|at| times[*at]),
            Some(_) => earlier.min_by_key(|at| (times[*at].abs_diff(wanted), times[*at])),
        };
        let Some(found) = found else { break };
        chosen.push(found);
        end = times[found];
        let step = time.saturating_sub(times[chosen[0]]);
        wanted = end.saturating_sub(step);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(times: &[i64], time: i64) -> Vec<i64> {
        evenly(times, time).iter().map(|at| times[*at]).collect()
    }

    #[test]
    fn pictures_are_as_far_apart_as_they_can_be() {
        let decoded = [0, 4, 2, 1, 3, 8, 6, 5, 7];
        assert_eq!(chosen(&decoded, 12), [8, 4, 0]);
        assert_eq!(chosen(&decoded[..8], 7), [6, 5, 4]);
        assert_eq!(chosen(&decoded[..6], 6), [4, 2, 0]);
        assert_eq!(chosen(&decoded[..2], 2), [0]);
        assert_eq!(chosen(&decoded[..1], 0), [] as [i64; 0]);
        assert_eq!(chosen(&[0, 1, 2], 3), [2, 1, 0]);
        assert_eq!(chosen(&[0, 90, 100], 200), [100, 0]);
        assert_eq!(
            chosen(&[i64::MIN, i64::MAX - 1], i64::MAX),
            [i64::MAX - 1, i64::MIN]
        );
    }
}
