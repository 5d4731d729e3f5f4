//! Which tier a frame gets when there is little time.
//!
//! Frames come one an interval and each may take one. What a frame takes beyond that is owed: the next
//! begins so much later. A frame gets the best tier that is done in time in spite of what is owed, and the
//! least when none is.
//!
//! That is for single frames. The *level* is the tier that frames get as a rule, and moves slowly, so that
//! pictures do not flicker between two looks: down when frames again and again cannot have it, up when
//! there was room for the better one for about a second. A climb that did not last makes the next wait
//! twice as long.

use std::time::Duration;

/// How long frames may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// From a frame to the next. If timestamps are to tell, what is taken until they have.
    pub interval: Duration,
    /// Whether the interval stays as it is, whatever timestamps say.
    pub fixed: bool,
    /// Of the interval, what a frame may take as a rule: the rest is for those who read and write frames
    /// on the same cores, and for paying back.
    pub share: f64,
}

/// Decides about tiers. It has no clock: it is told what things took, and the same tale gives the same
/// decisions.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Seconds of a frame by each tier while nothing else went on, the best tier first.
    costs: Vec<f64>,
    /// How many times as long frames take now.
    load: f64,
    interval: f64,
    fixed: bool,
    share: f64,
    /// Seconds that the frame at hand begins late.
    late: f64,
    /// The tier of most frames.
    level: usize,
    /// How much speaks against the level.
    strain: u32,
    /// Frames in a row that left room for a better one.
    calm: u32,
    /// Frames since the level became a better one, until that has lasted.
    tried: Option<u32>,
    /// How many times as long as at first there must be room.
    caution: u32,
}

/// What a frame that could not have the level adds to the strain. Each that could takes one off, so that
/// one in six of them is too many.
const FALL: u32 = 5;
/// The strain that no level survives: five frames in a row, which is more than one mishap costs.
const BREAKS: u32 = 25;
/// The strain at which a better level that was only tried is given up: two such frames.
const FAILS: u32 = 9;
/// Of what a frame may take, what the better tier must do with.
const ROOM: f64 = 0.9;
/// How much of what is new goes into the load.
const LEARN: f64 = 0.25;
/// A frame says at most that things take so many times as long as thought: it may have been unlucky.
const UNLUCKY: f64 = 2.0;
/// At most so many intervals are owed. What is beyond came of a machine that stood still, and no queue
/// before the stage is longer.
const OWED: f64 = 4.0;
/// The most cautious.
const CAUTION: u32 = 16;
/// A better level has lasted when it has stood so many times as long as it was waited for.
const LASTS: u32 = 4;
/// Intervals that are believed, in seconds.
const INTERVALS: std::ops::RangeInclusive<f64> = 0.001..=1.0;

impl Pace {
    /// For tiers that take so many seconds a frame, the best first.
    ///
    /// # Panics
    /// When there is no tier.
    pub(super) fn new(costs: Vec<f64>, budget: Budget) -> Pace {
        assert!(!costs.is_empty(), "no tier");
        let costs = costs.into_iter().map(|cost| cost.max(1e-9)).collect();
        let mut pace = Pace {
            costs,
            load: 1.0,
            interval: believed(budget.interval.as_secs_f64()),
            fixed: budget.fixed,
            share: budget.share,
            late: 0.0,
            level: 0,
            strain: 0,
            calm: 0,
            tried: None,
            caution: 1,
        };
        pace.level = pace.sustained();
        pace
    }

    /// A frame begins, so long after the one before by their timestamps; before that there was nothing to
    /// do for a while. Gives its tier.
    pub(super) fn begin(&mut self, gap: Option<Duration>, idle: Duration) -> usize {
        let mut passed = self.interval;
        if let Some(gap) = gap.filter(|_| !self.fixed) {
            passed = gap.as_secs_f64();
            self.interval += (believed(passed) - self.interval) * LEARN;
        }
        let owed = (self.late - passed - idle.as_secs_f64()).max(0.0);
        self.late = owed.min(OWED * self.interval);
        let left = self.interval - self.late;
        self.best(self.level, left)
    }

    /// The frame is made, after so long. Says whether that was in time.
    pub(super) fn end(&mut self, tier: usize, work: Duration) -> bool {
        let work = work.as_secs_f64();
        let in_time = self.late + work <= self.interval;
        let load = (work / self.costs[tier]).min(self.load * UNLUCKY);
        self.load += (load - self.load) * LEARN;
        self.fall(tier);
        self.climb(tier);
        self.late += work;
        in_time
    }

    /// The next in line took the frame only after so long.
    pub(super) fn held(&mut self, time: Duration) {
        self.late += time.as_secs_f64();
    }

    /// The tier of most frames.
    pub(super) fn level(&self) -> usize {
        self.level
    }

    /// The best tier from one on that needs no more than so many seconds, or the least.
    fn best(&self, from: usize, seconds: f64) -> usize {
        let fits = |tier: &usize| self.costs[*tier] * self.load <= seconds;
        let least = self.costs.len() - 1;
        (from..least).find(fits).unwrap_or(least)
    }

    /// The best tier that frame after frame can have.
    fn sustained(&self) -> usize {
        self.best(0, self.interval * self.share)
    }

    /// Frames of about a second.
    fn second(&self) -> u32 {
        ((1.0 / self.interval) as u32).clamp(10, 240)
    }

    fn fall(&mut self, tier: usize) {
        let fits = tier == self.level && self.sustained() <= self.level;
        self.strain = match fits {
            true => self.strain.saturating_sub(1),
            false => self.strain + FALL,
        };
        let most = match self.tried {
            Some(_) => FAILS,
            None => BREAKS,
        };
        if self.strain < most || self.level + 1 == self.costs.len() {
            self.strain = self.strain.min(most);
            return;
        }
        self.level = self.sustained().max(self.level + 1);
        if self.tried.take().is_some() {
            self.caution = (self.caution * 2).min(CAUTION);
        }
        (self.strain, self.calm) = (0, 0);
    }

    fn climb(&mut self, tier: usize) {
        let lasts = self.wait() * LASTS;
        if let Some(frames) = &mut self.tried {
            *frames += 1;
            if *frames >= lasts {
                (self.tried, self.caution) = (None, 1);
            }
        }
        let better = self.level.saturating_sub(1);
        let room = self.interval * self.share * ROOM;
        let fits = better < self.level && self.costs[better] * self.load <= room;
        self.calm = match fits && tier == self.level && self.late == 0.0 {
            true => self.calm + 1,
            false => 0,
        };
        if self.calm >= self.wait() {
            self.level = better;
            (self.strain, self.calm, self.tried) = (0, 0, Some(0));
        }
    }

    /// Frames that must leave room before the level climbs.
    fn wait(&self) -> u32 {
        self.second() * self.caution
    }
}

fn believed(interval: f64) -> f64 {
    interval.clamp(*INTERVALS.start(), *INTERVALS.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds.
    fn ms(time: f64) -> Duration {
        Duration::from_secs_f64(time / 1e3)
    }

    /// Tiers of 10, 5, 2 and 1 ms, with 20 ms from frame to frame.
    fn pace() -> Pace {
        let budget = Budget {
            interval: ms(20.0),
            fixed: true,
            share: 0.8,
        };
        Pace::new(vec![0.010, 0.005, 0.002, 0.001], budget)
    }

    /// Frames on a machine that takes so many times as long as thought: their tiers, and how many were
    /// late.
    fn run(pace: &mut Pace, frames: usize, load: impl Fn(usize) -> f64) -> (Vec<usize>, usize) {
        let (mut tiers, mut late) = (Vec::new(), 0);
        for frame in 0..frames {
            let tier = pace.begin(None, Duration::ZERO);
            let work = ms([10.0, 5.0, 2.0, 1.0][tier] * load(frame));
            late += usize::from(!pace.end(tier, work));
            tiers.push(tier);
        }
        (tiers, late)
    }

    fn changes(tiers: &[usize]) -> usize {
        tiers.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    #[test]
    fn with_room_every_frame_gets_the_best() {
        assert_eq!(run(&mut pace(), 500, |_| 1.0), (vec![0; 500], 0));
        assert_eq!(run(&mut pace(), 500, |_| 1.5), (vec![0; 500], 0));
    }

    #[test]
    fn it_begins_with_what_fits_the_share() {
        let level = |interval, share| {
            let budget = Budget {
                interval: ms(interval),
                fixed: true,
                share,
            };
            Pace::new(vec![0.010, 0.005, 0.002, 0.001], budget).level()
        };
        assert_eq!(level(12.5, 0.8), 0);
        assert_eq!(level(12.4, 0.8), 1);
        assert_eq!(level(12.5, 0.4), 1);
        assert_eq!(level(3.0, 0.8), 2);
        assert_eq!(level(1.0, 0.8), 3, "the least where none fits");
    }

    #[test]
    fn a_mishap_costs_few_frames_and_not_the_level() {
        let mut pace = pace();
        let (tiers, late) = run(&mut pace, 100, |frame| if frame == 50 { 5.0 } else { 1.0 });
        // 50 ms: 30 are owed, then 11, and then there is room for the best.
        assert_eq!(&tiers[48..56], [0, 0, 0, 3, 1, 0, 0, 0]);
        assert_eq!(late, 2, "the one itself, and the one that began too late");
        assert_eq!(pace.level(), 0);
        assert_eq!(tiers.iter().filter(|tier| **tier > 0).count(), 2);
    }

    #[test]
    fn a_slower_machine_gets_a_smaller_tier_and_the_best_comes_back() {
        let mut pace = pace();
        let load = |frame| match frame {
            100..400 => 3.0,
            _ => 1.0,
        };
        let (tiers, late) = run(&mut pace, 700, load);
        assert_eq!(tiers[..101], vec![0; 101]);
        assert!(late <= 3, "{late} late");
        assert_eq!(tiers[110..400], vec![1; 290], "settled");
        let back = 400 + tiers[400..].iter().position(|tier| *tier == 0).unwrap();
        // The load is seen within some frames, then there must be room for a second, which is 50 frames.
        assert!((450..470).contains(&back), "back at {back}");
        assert_eq!(tiers[back..], vec![0; 700 - back]);
    }

    #[test]
    fn very_slow_is_the_least_and_all_are_counted_late() {
        let mut pace = pace();
        let (tiers, late) = run(&mut pace, 200, |_| 50.0);
        assert_eq!(tiers[20..], vec![3; 180]);
        assert_eq!((pace.level(), late), (3, 200));
        // What is owed stays within bounds, so that things are well again soon after they are.
        let (tiers, late) = run(&mut pace, 400, |_| 1.0);
        assert!(late <= 4, "{late} late");
        assert_eq!(tiers[399], 0);
    }

    #[test]
    fn on_the_edge_it_does_not_swing() {
        // Just above what the best may take as a rule, and just below it.
        for load in [1.59, 1.6, 1.61, 1.7] {
            let (tiers, late) = run(&mut pace(), 2000, |_| load);
            assert!(changes(&tiers) <= 1, "{load}: {} changes", changes(&tiers));
            assert_eq!(late, 0, "{load}");
        }
        // A load that comes and goes, so that each climb fails: they become rare.
        let mut pace = pace();
        let load = |frame: usize| match frame % 75 {
            0..55 => 1.0,
            _ => 3.0,
        };
        let (tiers, _) = run(&mut pace, 7500, load);
        let early = changes(&tiers[..750]);
        let late = changes(&tiers[6750..]);
        assert!(late <= 4 && late < early, "{early} changes, then {late}");
    }

    #[test]
    fn a_slow_sink_is_paid_for() {
        let mut pace = pace();
        let mut tiers = Vec::new();
        for _ in 0..3000 {
            let tier = pace.begin(None, Duration::ZERO);
            pace.end(tier, ms([10.0, 5.0, 2.0, 1.0][tier]));
            pace.held(ms(16.0));
            tiers.push(tier);
        }
        // 16 of 20 ms are gone: there is time for 2 ms, and not for 5.
        let settled = &tiers[100..];
        let count = settled.iter().filter(|tier| **tier == 2).count();
        assert!(count > 2700, "{count} frames");
        assert!(
            changes(&settled[900..]) <= 20,
            "{}",
            changes(&settled[900..])
        );
    }

    #[test]
    fn to_wait_for_the_source_is_not_to_be_late() {
        let mut pace = pace();
        pace.begin(None, Duration::ZERO);
        assert!(!pace.end(0, ms(65.0)));
        // 45 ms are owed after the next interval; the source pauses for longer.
        assert_eq!(pace.begin(None, ms(50.0)), 0);
        assert!(pace.end(0, ms(10.0)));
    }

    #[test]
    fn timestamps_tell_the_interval_unless_it_is_fixed() {
        let budget = |fixed| Budget {
            interval: ms(20.0),
            fixed,
            share: 0.8,
        };
        // The header said 50 a second, and they are 200.
        for (fixed, wanted) in [(true, 0), (false, 2)] {
            let mut pace = Pace::new(vec![0.010, 0.005, 0.002, 0.001], budget(fixed));
            for _ in 0..50 {
                let tier = pace.begin(Some(ms(5.0)), Duration::ZERO);
                pace.end(tier, ms([10.0, 5.0, 2.0, 1.0][tier]));
            }
            assert_eq!(pace.level(), wanted, "fixed: {fixed}");
        }
        // Nonsense does no harm: frames at one time, or years apart.
        let mut pace = Pace::new(vec![0.010, 0.001], budget(false));
        for gap in [ms(0.0), Duration::MAX, ms(0.0)] {
            let tier = pace.begin(Some(gap), Duration::MAX);
            pace.end(tier, Duration::MAX);
            pace.held(Duration::MAX);
        }
        assert!(pace.begin(Some(ms(20.0)), Duration::ZERO) < 2);
    }
}
