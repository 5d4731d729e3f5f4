use std::sync::Arc;

use super::*;
use crate::energy::Device;
use crate::qoe::Terms;
use crate::session::Setting;
use crate::trace::Markov;
use crate::{Delivery, Player, Random, Simulator, Trace, Video};

fn full_with(tiers: usize, changes: Changes) -> Full {
    let trace = Markov::between(0.3, 5.0, 5).generate(1, 300.0).unwrap();
    let video = Video::named("envivio").unwrap();
    let simulator = Simulator::new(&trace, &video, &Player::p1()).unwrap();
    let row = |level: usize| (0..tiers).map(|tier| (level * 2 + tier) as f64).collect();
    let rows: Vec<Vec<f64>> = (0..6).map(row).collect();
    let mut terms = Terms::table(&rows, 4.3, 1.0).unwrap();
    terms.joule = 0.1;
    Full::new(Arc::new(Course {
        setting: Setting {
            terms,
            device: Device::named("phone-lte").unwrap(),
        },
        families: vec![vec![simulator]],
        changes,
    }))
}

fn full(tiers: usize) -> Full {
    full_with(tiers, Changes::default())
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
        changes: Changes {
            stretch: 0.5,
            ..Changes::default()
        },
        setting,
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
    assert_eq!(environment.mask().len(), 6 * 5);
    let (mut masked, mut joules) = (false, 0.0);
    loop {
        let mask = environment.mask();
        assert!(
            (0..6).all(|level| mask[level * 5]),
            "no enhancement is always possible"
        );
        let tier = (0..5).rfind(|tier| mask[5 * 5 + tier]).unwrap();
        masked |= tier < 4;
        let outcome = environment.step(&[5 * 5 + tier]);
        let energy = outcome.info.qoe - f64::from(outcome.reward);
        let wanted = environment.weight() * 0.1 * outcome.info.joules;
        assert!((energy - wanted).abs() < 1e-3 * wanted.max(1.0));
        joules += outcome.info.joules;
        if outcome.terminated {
            break;
        }
        assert!(environment.view().spent_j > joules, "the first chunk too");
        assert!(environment.view().last_tier <= tier);
    }
    assert!(
        masked,
        "the top level takes longer to enhance than it plays"
    );
}

#[test]
fn a_tier_that_gains_nothing_is_masked_and_weights_reach_both_ends() {
    let mut environment = full(5);
    let mut weights = Vec::new();
    for seed in 0..200 {
        environment.reset(seed);
        weights.push(environment.weight());
    }
    let count = |of: &dyn Fn(f64) -> bool| weights.iter().filter(|it| of(**it)).count();
    assert!(count(&|it| it == 0.0) > 5 && count(&|it| it == 1.0) > 5);
    assert!(count(&|it| 0.0 < it && it < 1.0) > 140);

    let trace = Trace::new("still", vec![0.0, 100.0], vec![4.0; 2]).unwrap();
    let video = Video::named("envivio").unwrap();
    let simulator = Simulator::new(&trace, &video, &Player::p1()).unwrap();
    // Only the lowest level looks better enhanced.
    let row = |level: usize| vec![level as f64, if level == 0 { 0.5 } else { level as f64 }];
    let rows: Vec<Vec<f64>> = (0..6).map(row).collect();
    let mut environment = Full::new(Arc::new(Course {
        setting: Setting {
            terms: Terms::table(&rows, 4.3, 1.0).unwrap(),
            device: Device::named("phone-lte-nervure").unwrap(),
        },
        families: vec![vec![simulator]],
        changes: Changes::default(),
    }));
    environment.reset(0);
    let mask = environment.mask();
    assert!(mask[1], "the lowest level, enhanced");
    assert!((1..6).all(|level| mask[level * 2] && !mask[level * 2 + 1]));
}

#[test]
fn links_can_be_made_to_fail_and_to_be_slower_than_they_were() {
    let lowest = |changes: Changes| -> Vec<f32> {
        let mut environment = full_with(1, changes);
        let one = |seed| {
            environment.reset(seed);
            let windows = environment.hindsight();
            windows[..12].iter().copied().fold(f32::MAX, f32::min)
        };
        (0..60).map(one).collect()
    };
    let plain = lowest(Changes::default());
    let failing = lowest(Changes {
        outages: 1.0,
        ..Changes::default()
    });
    assert!(
        plain.iter().all(|it| *it == plain[0]),
        "one link, from its start"
    );
    let worse = failing.iter().filter(|it| **it < plain[0] - 0.2).count();
    assert!((5..55).contains(&worse), "where an outage is near: {worse}");
    let slower = lowest(Changes {
        slower: 1.0,
        ..Changes::default()
    });
    assert!(slower.iter().all(|it| *it <= plain[0] + 1e-6));
    assert!(slower.iter().any(|it| *it < plain[0] - 0.2));
}

#[test]
fn a_long_memory_knows_what_the_last_chunks_have_forgotten() {
    let chunk = |mbps: f64| Delivery {
        chunk: 0,
        level: 0,
        bytes: mbps * 1e6 / 8.0,
        delay_ms: 1e3,
        sleep_ms: 0.0,
        rebuffer_ms: 0.0,
        buffer_ms: 4000.0,
        latency_ms: 0.0,
        last: false,
    };
    let environment = full(1);
    let seen = |early: f64| {
        let mut memory = Memory::default();
        for at in 0..20 {
            memory.push(&chunk(if at == 3 { early } else { 2.0 }));
        }
        let mut seen = Vec::new();
        memory.look(&environment.view(), 0.0, &mut seen);
        seen
    };
    let (still, dip) = (seen(2.0), seen(0.1));
    assert_eq!(still[..19], dip[..19], "all that the last eight chunks say");
    // The lowest rate, the mean, and how far rates are from it.
    assert!(dip[19] < still[19] - 0.5 && dip[20] < still[20] && dip[21] > still[21] + 0.05);
    assert!(still[21] < 1e-6);
    assert_eq!(still[22..], dip[22..]);
}
