//! Which frame of one video belongs to which of the other: by time, never by number.

/// Something with its moment, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Timed<T> {
    /// When.
    pub(crate) seconds: f64,
    /// What.
    pub(crate) item: T,
}

/// A frame of the reference and one of the other.
pub(crate) type Paired<T> = (Timed<T>, Timed<T>);

/// One video as it goes by: the frame that waits for a partner and the one after it.
struct Side<T> {
    now: Option<Timed<T>>,
    next: Option<Timed<T>>,
    /// From the frame before to `now`.
    gap: f64,
    unpaired: u64,
}

impl<T> Side<T> {
    fn new() -> Self {
        Side {
            now: None,
            next: None,
            gap: f64::INFINITY,
            unpaired: 0,
        }
    }

    /// Looks ahead by one frame.
    fn fill<E>(
        &mut self,
        source: &mut impl FnMut() -> Result<Option<Timed<T>>, E>,
    ) -> Result<(), E> {
        if self.now.is_none() {
            self.now = source()?;
        }
        if self.now.is_some() && self.next.is_none() {
            self.next = source()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Timed<T>> {
        let taken = self.now.take();
        self.now = self.next.take();
        if let (Some(taken), Some(now)) = (&taken, &self.now) {
            self.gap = now.seconds - taken.seconds;
        }
        taken
    }

    fn skip(&mut self) {
        self.unpaired += u64::from(self.take().is_some());
    }

    /// Whether the frame after the one at hand is nearer to a moment.
    fn next_is_nearer(&self, moment: f64, apart: f64) -> bool {
        self.next
            .as_ref()
            .is_some_and(|next| (next.seconds - moment).abs() < apart)
    }

    /// The time to the nearer neighbour of the frame at hand; infinite when it has none.
    fn frame(&self) -> f64 {
        match (&self.now, &self.next) {
            (Some(now), Some(next)) => self.gap.min(next.seconds - now.seconds),
            _ => self.gap,
        }
    }
}

/// Pairs the frames of two videos that are given in order of time.
///
/// Two frames are a pair when each is the other's nearest and they are at most half a frame apart,
/// the shorter of the two frames being the measure. All others are counted.
pub(crate) struct Pairs<T> {
    reference: Side<T>,
    distorted: Side<T>,
    /// How long a frame is where there is only one, in seconds.
    frame: f64,
}

impl<T> Pairs<T> {
    /// No frames yet. `frame` is how long one is, should there be no two to tell.
    pub(crate) fn new(frame: f64) -> Self {
        Pairs {
            reference: Side::new(),
            distorted: Side::new(),
            frame,
        }
    }

    /// Frames of either video that had no partner so far.
    pub(crate) fn unpaired(&self) -> [u64; 2] {
        [self.reference.unpaired, self.distorted.unpaired]
    }

    /// The next pair, or none when both videos are over.
    pub(crate) fn next<E>(
        &mut self,
        mut reference: impl FnMut() -> Result<Option<Timed<T>>, E>,
        mut distorted: impl FnMut() -> Result<Option<Timed<T>>, E>,
    ) -> Result<Option<Paired<T>>, E> {
        loop {
            let (one, two) = (&mut self.reference, &mut self.distorted);
            one.fill(&mut reference)?;
            two.fill(&mut distorted)?;
            let (first, second) = match (&one.now, &two.now) {
                (Some(first), Some(second)) => (first.seconds, second.seconds),
                (None, None) => return Ok(None),
                (Some(_), None) => {
                    one.skip();
                    continue;
                }
                (None, Some(_)) => {
                    two.skip();
                    continue;
                }
            };
            let apart = (first - second).abs();
            let frame = match one.frame().min(two.frame()) {
                frame if frame.is_finite() => frame,
                _ => self.frame,
            };
            if two.next_is_nearer(first, apart) {
                two.skip();
            } else if one.next_is_nearer(second, apart) {
                one.skip();
            } else if apart <= frame / 2.0 {
                return Ok(one.take().zip(two.take()));
            } else if first < second {
                one.skip();
            } else {
                two.skip();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// The numbers of the frames that pair, and how many do not.
    fn pair(reference: &[f64], distorted: &[f64]) -> (Vec<(usize, usize)>, [u64; 2]) {
        let feed = |times: &[f64]| {
            let items: Vec<_> = times
                .iter()
                .enumerate()
                .map(|(item, &seconds)| Timed { seconds, item })
                .collect();
            let mut items = items.into_iter();
            move || Ok::<_, Infallible>(items.next())
        };
        let (mut one, mut two) = (feed(reference), feed(distorted));
        let mut pairs = Pairs::new(0.04);
        let mut found = Vec::new();
        while let Ok(Some((a, b))) = pairs.next(&mut one, &mut two) {
            found.push((a.item, b.item));
        }
        (found, pairs.unpaired())
    }

    fn rate(frames: usize, rate: f64) -> Vec<f64> {
        (0..frames).map(|frame| frame as f64 / rate).collect()
    }

    #[test]
    fn equal_times_pair_one_to_one() {
        let (pairs, unpaired) = pair(&rate(5, 25.0), &rate(5, 25.0));
        assert_eq!(pairs, (0..5).map(|n| (n, n)).collect::<Vec<_>>());
        assert_eq!(unpaired, [0, 0]);
        // As a container with a clock of milliseconds has it.
        let rounded: Vec<f64> = rate(300, 60.0)
            .iter()
            .map(|t| (t * 1000.0).round() / 1000.0)
            .collect();
        assert_eq!(pair(&rate(300, 60.0), &rounded).1, [0, 0]);
    }

    #[test]
    fn a_missing_frame_moves_no_other() {
        let mut fewer = rate(6, 25.0);
        fewer.remove(2);
        let (pairs, unpaired) = pair(&rate(6, 25.0), &fewer);
        assert_eq!(pairs, [(0, 0), (1, 1), (3, 2), (4, 3), (5, 4)]);
        assert_eq!(unpaired, [1, 0]);
        let (pairs, unpaired) = pair(&fewer, &rate(6, 25.0));
        assert_eq!(pairs, [(0, 0), (1, 1), (2, 3), (3, 4), (4, 5)]);
        assert_eq!(unpaired, [0, 1]);
    }

    #[test]
    fn rates_of_two_to_one_pair_every_other() {
        let (pairs, unpaired) = pair(&rate(8, 60.0), &rate(4, 30.0));
        assert_eq!(pairs, [(0, 0), (2, 1), (4, 2), (6, 3)]);
        assert_eq!(unpaired, [4, 0]);
    }

    #[test]
    fn variable_rates_pair_by_time() {
        let held = [0.0, 0.04, 1.0, 1.04, 1.08];
        let steady = rate(28, 25.0);
        let (pairs, unpaired) = pair(&held, &steady);
        assert_eq!(pairs, [(0, 0), (1, 1), (2, 25), (3, 26), (4, 27)]);
        assert_eq!(unpaired, [0, 23]);
    }

    #[test]
    fn what_is_too_far_apart_is_no_pair() {
        assert_eq!(pair(&[0.0], &[0.03]), (vec![], [1, 1]));
        assert_eq!(pair(&[0.0], &[0.015]), (vec![(0, 0)], [0, 0]));
        let late: Vec<f64> = rate(5, 25.0).iter().map(|t| t + 10.0).collect();
        assert_eq!(pair(&rate(5, 25.0), &late), (vec![], [5, 5]));
        assert_eq!(pair(&[], &rate(2, 25.0)), (vec![], [0, 2]));
    }
}
