//! How long tiers take on this machine, found out before the first frame.
//!
//! The least are measured first, so that those which have no chance are never run: what a model takes is
//! estimated from a smaller one by their multiplications, and only measured if that is not far beyond the
//! interval. The smallest is estimated from some rows.

use std::time::Duration;

use crate::Error;

/// What is to be timed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gauge {
    /// A picture by a tier.
    Frame(usize),
    /// A picture of so many rows.
    Rows(usize, usize),
}

/// An estimate above so many intervals is taken as it is.
const HOPELESS: f64 = 2.0;
/// Rows that the smallest model is tried on. It then computes some twice, and is taken for slower than it is.
const ROWS: usize = 48;
/// Seconds in all. Estimates have to do for what is left then.
const LONGEST: f64 = 0.5;
/// Pictures that are measured of each tier. The quickest counts: what else the machine did meanwhile
/// belongs to the load.
const PICTURES: usize = 2;

/// Seconds of a picture by each tier: models of so many multiplications a pixel, the most first, and
/// Lanczos behind them.
pub(super) fn calibrate(
    macs: &[usize],
    height: usize,
    interval: Duration,
    time: &mut impl FnMut(Gauge) -> Result<f64, Error>,
) -> Result<Vec<f64>, Error> {
    let hopeless = interval.as_secs_f64() * HOPELESS;
    let mut costs = vec![0.0; macs.len() + 1];
    let mut spent = 0.0;
    let mut measure = |gauge: Gauge, spent: &mut f64| -> Result<f64, Error> {
        let mut least = f64::INFINITY;
        for _ in 0..PICTURES {
            let seconds = time(gauge)?;
            *spent += seconds;
            least = least.min(seconds);
        }
        Ok(least)
    };
    let last = macs.len();
    costs[last] = measure(Gauge::Frame(last), &mut spent)?;
    for tier in (0..last).rev() {
        let guess = match macs.get(tier + 1) {
            Some(smaller) => costs[tier + 1] * macs[tier] as f64 / *smaller as f64,
            None => {
                let rows = height.min(ROWS);
                measure(Gauge::Rows(tier, rows), &mut spent)? * height as f64 / rows as f64
            }
        };
        let pays = guess <= hopeless && spent + guess * PICTURES as f64 <= LONGEST;
        costs[tier] = match pays {
            true => measure(Gauge::Frame(tier), &mut spent)?,
            false => guess,
        };
        // A smaller tier is never the slower one: then a larger gives no less for the time.
        costs[tier] = costs[tier].max(costs[tier + 1]);
    }
    Ok(costs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACS: [usize; 4] = [70_000, 30_000, 15_000, 4_000];

    /// On a machine of so many multiplications a second, pictures of 500,000 pixels: what it is taken
    /// for, what was timed, and how long it took.
    fn on(rate: f64) -> (Vec<f64>, Vec<Gauge>, f64) {
        let (mut timed, mut spent) = (Vec::new(), 0.0);
        let mut time = |gauge| {
            timed.push(gauge);
            let (tier, part) = match gauge {
                Gauge::Frame(tier) => (tier, 1.0),
                Gauge::Rows(tier, rows) => (tier, rows as f64 / 500.0),
            };
            let macs = MACS.get(tier).map_or(500.0, |macs| *macs as f64);
            let seconds = macs * part * 5e5 / rate;
            spent += seconds;
            Ok(seconds)
        };
        let costs = calibrate(&MACS, 500, Duration::from_millis(40), &mut time).unwrap();
        (costs, timed, spent)
    }

    #[test]
    fn what_may_do_is_measured_and_the_rest_is_estimated() {
        let (costs, timed, spent) = on(1e12);
        assert_eq!(costs, [0.035, 0.015, 0.0075, 0.002, 0.00025]);
        for tier in 0..5 {
            let count = timed.iter().filter(|it| **it == Gauge::Frame(tier));
            assert_eq!(count.count(), PICTURES, "tier {tier}");
        }
        assert!(spent < 0.2, "{spent} s");

        // Twenty times slower: only the smallest is near.
        let (costs, timed, spent) = on(5e10);
        let wanted = [0.7, 0.3, 0.15, 0.04, 0.005];
        assert!(
            costs
                .iter()
                .zip(wanted)
                .all(|(cost, it)| (cost - it).abs() < 1e-9),
            "{costs:?}"
        );
        assert!(!timed.contains(&Gauge::Frame(2)) && timed.contains(&Gauge::Frame(3)));
        assert!(spent < 0.2, "{spent} s");
    }

    #[test]
    fn the_slowest_machine_is_not_kept_long() {
        let (_, timed, spent) = on(2e9);
        assert!(
            timed
                .iter()
                .all(|it| matches!(it, Gauge::Frame(4) | Gauge::Rows(3, ROWS)))
        );
        assert!(spent < LONGEST, "{spent} s");
    }

    #[test]
    fn without_models_there_is_lanczos() {
        let mut time = |_| Ok(0.5);
        let costs = calibrate(&[], 500, Duration::from_millis(40), &mut time).unwrap();
        assert_eq!(costs, [0.5]);
    }

    #[test]
    fn a_larger_tier_is_never_taken_for_quicker() {
        let mut time = |gauge| {
            Ok(if gauge == Gauge::Frame(0) {
                0.001
            } else {
                0.002
            })
        };
        let costs = calibrate(&[20, 10], 32, Duration::from_millis(40), &mut time).unwrap();
        assert_eq!(costs, [0.002; 3]);
    }
}
