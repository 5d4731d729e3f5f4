use std::sync::Arc;

use super::*;
use crate::energy::Device;
use crate::qoe::Terms;
use crate::session::Setting;
use crate::trace::Markov;
use crate::{Player, Random, Simulator, Trace, Video};

fn full(tiers: usize) -> Full {
    let trace = Markov::between(0.3, 5.0, 5).generate(1, 300.0).unwrap();
    let video = Video::named("envivio").unwrap();
    let simulator = Simulator::new(&trace, &video, &Player::p1()).unwrap();
    let row = |level: usize| (0..tiers).map(|tier| (level * 2 + tier) as f64).collect();
    let rows: Vec<Vec<f64>> = (0..6).map(row).collect();
    Full::new(Arc::new(Course {
        setting: Setting {
            terms: Terms::table(&rows, 4.3, 1.0).unwrap(),
            device: Device::named("phone-lte").unwrap(),
        },
        families: vec![vec![simulator]],
        stretch: 0.0,
        joule_price: 0.1,
    }))
}

/// Plays with random choices that the mask allows; checks every observation.
fn random_episode(environment: &mut dyn Environment, seed: u64) -> (f32, Vec<Vec<f32>>) {
    let spaces = environment.spaces().clone();
    // Its own chance: of the same as the environment's, choices would follow the link.
    let mut random = Random::stream(seed, 1);
    environment.reset(seed);
    let (mut total, mut seen) = (0.0, Vec::new());
    loop {
        let now = environment.observation();
        assert_eq!(now.len(), spaces.low.len());
        for (at, value) in now.iter().enumerate() {
            assert!(
                (spaces.low[at]..=spaces.high[at]).contains(value),
                "{at}: {value}"
            );
        }
        seen.push(now.to_vec());
        let mut from = 0;
        let mask = environment.mask().to_vec();
        assert_eq!(mask.len(), spaces.actions.iter().sum::<usize>());
        let mut action = Vec::new();
        for count in &spaces.actions {
            let allowed: Vec<usize> = (0..*count).filter(|at| mask[from + at]).collect();
            action.push(allowed[random.below(allowed.len())]);
            from += count;
        }
        let outcome = environment.step(&action);
        assert!(outcome.reward.is_finite() && !outcome.truncated);
        total += outcome.reward;
        if outcome.terminated {
            return (total, seen);
        }
    }
}

#[test]
fn episodes_keep_their_spaces_and_follow_the_seed() {
    let mut all: Vec<Box<dyn Environment>> = vec![
        Box::new(Simple::new()),
        Box::new(Streaming::new(3).unwrap()),
        Box::new(full(1)),
        Box::new(full(3)),
    ];
    // The first chunk of a session is there before anything is chosen.
    let lengths = [20, 39, 47, 47];
    for (environment, length) in all.iter_mut().zip(lengths) {
        let (total, seen) = random_episode(&mut **environment, 5);
        assert_eq!(seen.len(), length);
        assert_eq!(random_episode(&mut **environment, 5), (total, seen));
        let other = random_episode(&mut **environment, 6);
        assert_ne!(other.0, total);
    }
    assert_eq!(all[1].spaces().actions, [5, 5]);
    assert_eq!(all[1].spaces().low.len(), 7);
}

#[test]
fn a_random_policy_is_bad_at_the_simple_one() {
    let mut environment = Simple::new();
    let mean = (0..200)
        .map(|seed| random_episode(&mut environment, seed).0)
        .sum::<f32>()
        / 200.0;
    assert!((-170.0..-140.0).contains(&mean), "{mean}");
}

#[test]
fn episodes_are_of_families_in_equal_shares_and_of_stretched_links() {
    let video = Video::named("envivio").unwrap();
    let still = |mbps: f64| {
        let trace = Trace::new("still", vec![0.0, 100.0], vec![mbps; 2]).unwrap();
        Simulator::new(&trace, &video, &Player::p1()).unwrap()
    };
    let setting = Setting {
        terms: Terms::linear(&still(1.0)),
        device: Device::named("phone-lte").unwrap(),
    };
    let mut environment = Full::new(Arc::new(Course {
        families: vec![vec![still(0.3); 9], vec![still(4.3)]],
        stretch: 0.5,
        setting,
        joule_price: 0.0,
    }));
    let (mut fast, mut factors) = (0, Vec::new());
    for seed in 0..400 {
        environment.reset(seed);
        // All windows of a still link have its rate: 0 at the bottom of the ladder, 1 at its top.
        let [first, .., last, left] = environment.hindsight() else {
            panic!("windows, and what is left")
        };
        assert!((first - last).abs() < 1e-4);
        assert_eq!(*left, 47.0 / 48.0);
        let is_fast = *first > 0.5;
        fast += usize::from(is_fast);
        let off = f64::from(*first) - if is_fast { 1.0 } else { 0.0 };
        factors.push(off * (4.3_f64 / 0.3).ln());
    }
    assert!((160..240).contains(&fast), "{fast} of 400");
    assert!(factors.iter().all(|it| it.abs() < 0.501));
    assert!(factors.iter().any(|it| *it > 0.4) && factors.iter().any(|it| *it < -0.4));
}

#[test]
fn what_there_is_no_time_for_is_masked_and_energy_costs_by_weight() {
    let mut environment = full(5);
    environment.reset(1);
    assert_eq!(environment.mask().len(), 6 + 5);
    let mut masked = false;
    loop {
        let mask = environment.mask();
        assert!(mask[6], "no enhancement is always possible");
        let tier = (0..5).rfind(|tier| mask[6 + tier]).unwrap();
        masked |= tier < 4;
        let outcome = environment.step(&[5, tier]);
        let energy = outcome.info.qoe - f64::from(outcome.reward);
        let wanted = environment.weight() * 0.1 * outcome.info.joules;
        assert!((energy - wanted).abs() < 1e-3 * wanted.max(1.0));
        if outcome.terminated {
            break;
        }
    }
    assert!(
        masked,
        "the top level takes longer to enhance than it plays"
    );
}
