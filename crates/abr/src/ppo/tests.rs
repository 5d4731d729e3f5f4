use super::*;
use crate::environment::Simple;

fn step(mask: Vec<bool>, action: Vec<usize>, log_probability: f32) -> Step {
    Step {
        seen: Vec::new(),
        mask,
        action,
        log_probability,
        value: 0.0,
        reward: 0.0,
        over: false,
        advantage: 0.0,
        target: 0.0,
    }
}

/// The loss itself, to be differentiated by differences.
fn loss(
    step: &Step,
    out: &[f32],
    actions: &[usize],
    advantage: f32,
    weight: f32,
    clip: f32,
) -> f64 {
    let (mut from, mut now, mut entropy) = (0, 0.0_f64, 0.0_f64);
    let mut chances = Vec::new();
    for (count, chosen) in actions.iter().zip(&step.action) {
        let part = from..from + count;
        probabilities(&out[part.clone()], &step.mask[part], &mut chances);
        now += f64::from(chances[*chosen]).ln();
        let known = chances.iter().filter(|it| **it > 0.0);
        entropy -= known
            .map(|it| f64::from(*it) * f64::from(*it).ln())
            .sum::<f64>();
        from += count;
    }
    let ratio = (now - f64::from(step.log_probability)).exp();
    let advantage = f64::from(advantage);
    let clipped = ratio.clamp(1.0 - f64::from(clip), 1.0 + f64::from(clip));
    -(ratio * advantage).min(clipped * advantage) - f64::from(weight) * entropy
}

#[test]
fn the_slope_of_the_loss_is_what_differences_say() {
    let actions = [3, 2];
    let mut random = Random::new(5);
    let mut clipped = 0;
    for _ in 0..50 {
        let out: Vec<f32> = (0..5).map(|_| random.normal() as f32).collect();
        let mut mask = vec![true; 5];
        mask[random.below(2)] = random.below(2) == 0;
        let action = vec![2, random.below(2)];
        let step = step(mask, action, -1.8 + random.normal() as f32 * 0.3);
        let advantage = random.normal() as f32;
        let slope = Slope::of(&step, &out, &actions, advantage, 0.1, 0.2);
        clipped += usize::from(slope.errors.iter().all(|it| it.abs() < 0.05));
        for at in 0..5 {
            let moved = |by: f32| {
                let mut out = out.clone();
                out[at] += by;
                loss(&step, &out, &actions, advantage, 0.1, 0.2)
            };
            let (above, below) = (moved(1e-3), moved(-1e-3));
            let wanted = (above - below) / 2e-3;
            let found = f64::from(slope.errors[at]);
            assert!(
                (wanted - found).abs() < 5e-3,
                "{at}: {found}, {wanted}, {step:?}"
            );
        }
    }
    assert!(clipped > 3, "some are clipped: {clipped}");
}

/// Entropy counts for much at first: the lowest rate for ever is a trap, out of which a way up leads only
/// over a step that costs as much as it gives.
fn learner(seed: u64) -> Learner {
    let options = Ppo {
        actors: 16,
        horizon: 200,
        batch: 800,
        discount: 1.0,
        width: 24,
        rate: 2e-3,
        entropy: (0.3, 0.01),
        ..Ppo::default()
    };
    Learner::new(&options, seed, &|| Box::new(Simple::new()))
}

/// The mean reward and seconds of stalling of episodes in which something decides by what it sees.
fn mean_of_episodes(decide: &mut dyn FnMut(&[f32]) -> usize) -> (f64, f64) {
    let mut environment = Simple::new();
    let (mut total, mut stalls) = (0.0, 0.0);
    for seed in 0..50 {
        environment.reset(1000 + seed);
        loop {
            let choice = decide(environment.observation());
            let outcome = environment.step(&[choice]);
            total += f64::from(outcome.reward) / 50.0;
            stalls += outcome.info.rebuffer_ms / 50e3;
            if outcome.terminated {
                break;
            }
        }
    }
    (total, stalls)
}

#[test]
fn a_policy_learns_the_simple_environment() {
    let mut learner = learner(1);
    let first = learner.round(0.0);
    assert!(
        (-180.0..-120.0).contains(&first.reward),
        "at random: {first:?}"
    );
    assert!(first.entropy > 1.0);
    let rounds = 240;
    for round in 0..rounds {
        learner.round(round as f32 / rounds as f32);
    }
    let mut pass = Pass::default();
    let (reward, stalls) = mean_of_episodes(&mut |seen| {
        let out = learner.average.forward(seen, &mut pass);
        let best = (0..out.len()).max_by(|a, b| out[*a].total_cmp(&out[*b]));
        best.unwrap()
    });
    assert!(
        reward > 13.0 && stalls <= 0.0,
        "{reward} with {stalls} s of stalls"
    );
    let (lowest, _) = mean_of_episodes(&mut |_| 0);
    assert!(
        reward > lowest + 3.0,
        "{reward}, and the lowest rate alone has {lowest}"
    );
}

#[test]
fn learning_does_not_depend_on_the_threads() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut learner = learner(3);
            learner.round(0.0);
            learner.round(0.5);
            learner.policy
        })
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_teacher_is_imitated() {
    let mut learner = learner(2);
    let mut random = Random::new(1);
    let lessons: Vec<Lesson> = (0..500)
        .map(|_| {
            let buffer = random.between(0.0, 3.0) as f32;
            let speed = random.between(0.6, 1.1) as f32;
            Lesson {
                seen: vec![speed, buffer, 0.5],
                mask: vec![true; 3],
                action: vec![usize::from(buffer > 1.0) + usize::from(buffer > 2.0)],
            }
        })
        .collect();
    let first = learner.imitate(&lessons, 3e-3);
    let last = (0..240)
        .map(|_| learner.imitate(&lessons, 3e-3))
        .last()
        .unwrap();
    assert!(first < 0.7 && last > 0.95, "{first}, then {last}");
}
