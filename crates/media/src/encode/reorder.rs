//! When a packet is decoded, from when its picture is shown.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Gives decoding times to packets in coding order.
///
/// With a decoder that holds back `delay` pictures, the packet at place `i` carries the picture that
/// is shown at place `i - delay` at the earliest. So the `i`-th decoding time is the showing time of
/// the picture `delay` places before: never late, always increasing, and nothing has to be looked
/// ahead, since all earlier pictures have arrived by then. The first `delay` times lie before the
/// first picture, one step apart.
#[derive(Debug)]
pub(crate) struct Reorder {
    delay: usize,
    step: i64,
    /// Showing times that have arrived and are not yet anybody's decoding time.
    waiting: BinaryHeap<Reverse<i64>>,
    count: usize,
    first: i64,
    last: Option<i64>,
}

impl Reorder {
    /// For a decoder that holds back `delay` pictures, which are about `step` ticks apart.
    pub(crate) fn new(delay: usize, step: i64) -> Self {
        Reorder {
            delay,
            step: step.max(1),
            waiting: BinaryHeap::new(),
            count: 0,
            first: 0,
            last: None,
        }
    }

    /// The decoding time of the next packet, whose picture is shown at `pts`. None when the packets
    /// are further out of order than `delay` allows.
    pub(crate) fn next(&mut self, pts: i64) -> Option<i64> {
        if self.count == 0 {
            self.first = pts;
        }
        self.waiting.push(Reverse(pts));
        let dts = match self.delay.checked_sub(self.count) {
            Some(ahead) if ahead > 0 => self
                .first
                .saturating_sub((ahead as i64).saturating_mul(self.step)),
            _ => self.waiting.pop()?.0,
        };
        self.count += 1;
        if dts > pts || self.last.is_some_and(|last| last >= dts) {
            return None;
        }
        self.last = Some(dts);
        Some(dts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(delay: usize, step: i64, pts: &[i64]) -> Option<Vec<i64>> {
        let mut reorder = Reorder::new(delay, step);
        pts.iter().map(|pts| reorder.next(*pts)).collect()
    }

    #[test]
    fn without_b_frames_both_times_are_one() {
        assert_eq!(times(0, 5, &[3, 9, 10]), Some(vec![3, 9, 10]));
    }

    #[test]
    fn a_pyramid_is_decoded_two_pictures_ahead() {
        let pts = [0, 80, 40, 20, 60, 160, 120, 100, 140];
        let dts = times(2, 20, &pts).unwrap();
        assert_eq!(dts, [-40, -20, 0, 20, 40, 60, 80, 100, 120]);
        assert!(pts.iter().zip(&dts).all(|(pts, dts)| dts <= pts));
    }

    #[test]
    fn uneven_times_and_joined_stretches_keep_increasing() {
        // Two closed stretches, each starting with its keyframe, the second after a long gap.
        let pts = [7, 30, 11, 12, 1000, 1003, 1001, 1002, 1010];
        let dts = times(2, 4, &pts).unwrap();
        assert_eq!(dts, [-1, 3, 7, 11, 12, 30, 1000, 1001, 1002]);
    }

    #[test]
    fn disorder_beyond_the_delay_is_refused() {
        assert_eq!(times(1, 20, &[0, 60, 40, 20]), None);
        assert_eq!(times(0, 20, &[0, 0]), None);
    }
}
