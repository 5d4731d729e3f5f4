//! Fronts: what a controller makes of energy, from one weight of it to another, beside controllers that
//! know nothing of it.
//!
//! A controller that is told how much energy counts is not one point of quality and joules but a curve of
//! them. Whether another is better can then not be said by one difference: asked is what the curve has where
//! the other one is, for the same joules, for the same QoE, or for the same quality.

use serde::Serialize;

use crate::Random;
use crate::qoe::Parts;
use crate::statistics::{DRAWS, Interval, interval};

/// A front beside a controller of one point, on the same sessions.
///
/// Differences are the front's less the other's. None stands where the front has nothing to compare: it
/// begins at more joules, or ends at less QoE or quality.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beside {
    /// Which set.
    pub set: String,
    /// Whose front.
    pub front: String,
    /// Beside whom.
    pub controller: String,
    /// Whether the other has more QoE for fewer joules than some point of the front, in the means.
    pub dominated: bool,
    /// QoE at as many joules.
    pub qoe: Option<Interval>,
    /// Joules at as much QoE.
    pub joules: Option<Interval>,
    /// The same as a share of the other's joules.
    pub joules_share: Option<Interval>,
    /// Megabits at as much quality, as a share of the other's.
    pub megabits_share: Option<Interval>,
}

/// Something that costs, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    cost: f64,
    gain: f64,
}

/// The points that none other is at least as good as in both, the cheapest first.
fn best(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut points: Vec<Point> = points.collect();
    points.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(b.gain.total_cmp(&a.gain)));
    let mut best: Vec<Point> = Vec::new();
    for point in points {
        if best.last().is_none_or(|last| last.gain < point.gain) {
            best.push(point);
        }
    }
    best
}

/// The place between two numbers.
fn between(at: f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    from.1 + (to.1 - from.1) * (at - from.0) / (to.0 - from.0)
}

/// What a front gives for a cost: on lines between its points, and behind the last as much as there. None
/// before the first.
fn gain_at(front: &[Point], cost: f64) -> Option<f64> {
    let last = front.last().filter(|last| last.cost <= cost);
    let inside = front.windows(2).find_map(|pair| {
        let within = pair[0].cost <= cost && cost <= pair[1].cost;
        let ends = pair.iter().map(|it| (it.cost, it.gain));
        let ends: Vec<(f64, f64)> = ends.collect();
        within.then(|| between(cost, ends[0], ends[1]))
    });
    last.map(|last| last.gain).or(inside)
}

/// What a front asks for a gain: on lines between its points, and below the first as much as there. None
/// above the last.
fn cost_at(front: &[Point], gain: f64) -> Option<f64> {
    let first = front.first().filter(|first| gain <= first.gain);
    let inside = front.windows(2).find_map(|pair| {
        let within = pair[0].gain <= gain && gain <= pair[1].gain;
        let ends = pair.iter().map(|it| (it.gain, it.cost));
        let ends: Vec<(f64, f64)> = ends.collect();
        within.then(|| between(gain, ends[0], ends[1]))
    });
    first.map(|first| first.cost).or(inside)
}

/// The means of a set of sessions.
#[derive(Clone, Copy, Debug, Default)]
struct Means {
    qoe: f64,
    quality: f64,
    joules: f64,
    megabits: f64,
}

impl Means {
    /// Of the sessions that are picked.
    fn of(parts: &[Parts], picked: &[usize]) -> Means {
        let mut sum = Means::default();
        for at in picked {
            let it = &parts[*at];
            sum.qoe += it.qoe;
            sum.quality += it.quality;
            sum.joules += it.joules;
            sum.megabits += it.megabits;
        }
        let count = picked.len() as f64;
        Means {
            qoe: sum.qoe / count,
            quality: sum.quality / count,
            joules: sum.joules / count,
            megabits: sum.megabits / count,
        }
    }

    fn by_joules(&self) -> Point {
        Point {
            cost: self.joules,
            gain: self.qoe,
        }
    }

    fn by_megabits(&self) -> Point {
        Point {
            cost: self.megabits,
            gain: self.quality,
        }
    }
}

/// What a front is worth beside a point: QoE, joules, their share, and the share of megabits.
fn differences(front: &[Means], other: &Means) -> [Option<f64>; 4] {
    let by_joules = best(front.iter().map(Means::by_joules));
    let by_megabits = best(front.iter().map(Means::by_megabits));
    let qoe = gain_at(&by_joules, other.joules);
    let joules = cost_at(&by_joules, other.qoe);
    let megabits = cost_at(&by_megabits, other.quality);
    [
        qoe.map(|it| it - other.qoe),
        joules.map(|it| it - other.joules),
        joules.map(|it| it / other.joules - 1.0),
        megabits.map(|it| it / other.megabits - 1.0),
    ]
}

/// Whether a point has more QoE for fewer joules than some point of a front, or of the lines between.
fn is_dominated(front: &[Means], other: &Means) -> bool {
    let front = best(front.iter().map(Means::by_joules));
    let Point { cost, gain } = other.by_joules();
    let [Some(first), Some(last)] = [front.first(), front.last()] else {
        return false;
    };
    // What costs more than all of the front is elsewhere, however good it is.
    let own = if cost < first.cost {
        Some(first.gain)
    } else {
        gain_at(&front, cost)
    };
    cost < last.cost && own.is_some_and(|own| own < gain)
}

/// A front, with the sessions of each weight, beside the sessions of another controller on the same
/// traces. Intervals are of whole sessions drawn anew, the same ones for all.
///
/// # Panics
/// When there are not as many sessions of each.
#[must_use]
pub fn beside(
    (set, name): (&str, &str),
    front: &[&[Parts]],
    (controller, other): (&str, &[Parts]),
    seed: u64,
) -> Beside {
    let count = other.len();
    assert!(front.iter().all(|parts| parts.len() == count));
    let at = |picked: &[usize]| {
        let means: Vec<Means> = front.iter().map(|it| Means::of(it, picked)).collect();
        (means, Means::of(other, picked))
    };
    let all: Vec<usize> = (0..count).collect();
    let (own, others) = at(&all);
    let found = differences(&own, &others);
    let mut drawn: [Vec<f64>; 4] = Default::default();
    let mut random = Random::new(seed);
    let mut picked = vec![0; count];
    for _ in 0..DRAWS {
        picked.fill_with(|| random.below(count));
        let (own, others) = at(&picked);
        for (to, value) in drawn.iter_mut().zip(differences(&own, &others)) {
            to.extend(value);
        }
    }
    let mut drawn = drawn.into_iter();
    let mut next = |mean: Option<f64>| {
        let values = drawn.next().unwrap_or_default();
        // Where many draws have nothing to compare, what is left says little.
        let enough = values.len() * 20 >= DRAWS * 19;
        mean.filter(|_| enough).map(|mean| interval(mean, values))
    };
    Beside {
        set: set.into(),
        front: name.into(),
        controller: controller.into(),
        dominated: is_dominated(&own, &others),
        qoe: next(found[0]),
        joules: next(found[1]),
        joules_share: next(found[2]),
        megabits_share: next(found[3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(points: &[(f64, f64)]) -> Vec<Point> {
        let point = |(cost, gain): &(f64, f64)| Point {
            cost: *cost,
            gain: *gain,
        };
        best(points.iter().map(point))
    }

    #[test]
    fn a_front_is_made_of_what_nothing_beats() {
        let front = points(&[(3.0, 2.0), (1.0, 1.0), (2.0, 0.5), (2.0, 1.5), (4.0, 2.0)]);
        let costs: Vec<f64> = front.iter().map(|it| it.cost).collect();
        assert_eq!(costs, [1.0, 2.0, 3.0]);
        assert_eq!(gain_at(&front, 1.5), Some(1.25));
        assert_eq!(gain_at(&front, 9.0), Some(2.0));
        assert_eq!(gain_at(&front, 0.9), None);
        assert_eq!(cost_at(&front, 1.75), Some(2.5));
        assert_eq!(cost_at(&front, 0.1), Some(1.0));
        assert_eq!(cost_at(&front, 2.1), None);
        assert_eq!((gain_at(&[], 1.0), cost_at(&[], 1.0)), (None, None));
        let one = points(&[(1.0, 1.0)]);
        assert_eq!(
            (gain_at(&one, 1.0), cost_at(&one, 1.0)),
            (Some(1.0), Some(1.0))
        );
    }

    fn sessions(qoe: f64, joules: f64) -> Vec<Parts> {
        let one = |at: u32| Parts {
            // Links differ far more than controllers do.
            qoe: qoe + f64::from(at),
            quality: qoe + 1.0 + f64::from(at),
            joules: joules + 10.0 * f64::from(at % 3),
            megabits: joules / 2.0,
            chunks: 47.0,
            ..Parts::default()
        };
        (0..30).map(one).collect()
    }

    fn told(front: &[(f64, f64)], other: (f64, f64)) -> Beside {
        let front: Vec<Vec<Parts>> = front.iter().map(|it| sessions(it.0, it.1)).collect();
        let front: Vec<&[Parts]> = front.iter().map(Vec::as_slice).collect();
        let other = sessions(other.0, other.1);
        beside(("set", "front"), &front, ("other", &other), 1)
    }

    #[test]
    fn differences_are_paired_and_read_off_the_front() {
        let front = [(1.0, 100.0), (2.0, 200.0)];
        let it = told(&front, (1.2, 150.0));
        assert!(!it.dominated);
        let (qoe, joules) = (it.qoe.unwrap(), it.joules.unwrap());
        // Paired: what sessions have in common is in none of the differences.
        assert!((qoe.mean - 0.3).abs() < 1e-9 && (qoe.high - qoe.low).abs() < 1e-9);
        assert!((joules.mean + 30.0).abs() < 1e-9, "120 instead of 150");
        let share = it.joules_share.unwrap();
        assert!(
            (share.mean + 30.0 / 160.0).abs() < 1e-9,
            "with 10 for links"
        );
        assert!((it.megabits_share.unwrap().mean + 0.2).abs() < 1e-9);
        assert!(share.low < share.mean && share.mean < share.high);
    }

    #[test]
    fn domination_is_more_for_less_and_nothing_else() {
        let front = [(1.0, 100.0), (2.0, 200.0)];
        assert!(told(&front, (1.6, 150.0)).dominated);
        assert!(!told(&front, (1.4, 150.0)).dominated);
        let above = told(&front, (2.1, 300.0));
        assert!(!above.dominated && above.joules.is_none());
        assert!(
            (above.qoe.unwrap().mean + 0.1).abs() < 1e-9,
            "it does not reach so far"
        );
        assert!(!told(&front, (1.9, 300.0)).dominated);
        let cheap = told(&front, (0.5, 50.0));
        assert!(!cheap.dominated && cheap.qoe.is_none());
        assert_eq!(cheap.joules.unwrap().mean, 50.0, "its cheapest costs more");
        assert!(told(&front, (1.1, 50.0)).dominated);
    }
}
