//! How many chunks a second one core simulates, and how many decisions controllers make.
//!
//! `cargo bench -p nervure-abr --bench simulator`
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use nervure_abr::controller::Kind;
use nervure_abr::energy::Device;
use nervure_abr::environment::Memory;
use nervure_abr::network::Network;
use nervure_abr::policy::{Card, Policy};
use nervure_abr::qoe::Terms;
use nervure_abr::session::{Setting, play};
use nervure_abr::trace::Markov;
use nervure_abr::{Player, Random, Simulator, Video};

const RUNS: usize = 9;

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// As large as those that are trained; what it decides does not matter here.
fn policy(video: &Video) -> Policy {
    let levels = video.ladder().len();
    let sizes = [Memory::width(levels, 1), 64, 64, levels];
    Policy {
        card: Card {
            schema: Policy::schema(),
            name: "untrained".into(),
            protocol: "P1".into(),
            ladder_kbps: video.ladder().to_vec(),
            tiers: 1,
            training: String::new(),
            seed: 0,
            steps: 0,
            valid: Vec::new(),
        },
        network: Network::new(&sizes, 1.0, &mut Random::new(0)),
    }
}

fn main() {
    let video = Video::named("envivio").unwrap();
    let link = Markov::between(0.3, 5.0, 6);
    let simulators: Vec<Simulator> = (0..64)
        .map(|seed| link.generate(seed, 320.0).unwrap())
        .map(|trace| Simulator::new(&trace, &video, &Player::p1()).unwrap())
        .collect();
    let mut random = Random::new(1);
    let levels: Vec<usize> = (0..4096).map(|_| random.below(6)).collect();
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let (start, mut steps, mut sum) = (Instant::now(), 0_usize, 0.0);
        for _ in 0..200 {
            for simulator in &simulators {
                let mut state = simulator.begin(0);
                for _ in 0..simulator.chunks() {
                    sum += simulator.step(&mut state, levels[steps % 4096]).delay_ms;
                    steps += 1;
                }
            }
        }
        assert!(sum > 0.0);
        rates.push(steps as f64 / start.elapsed().as_secs_f64());
    }
    let best = rates.iter().copied().fold(0.0, f64::max);
    println!(
        "simulator: {:.2} million chunks a second (median of {RUNS}; best {:.2})",
        median(rates) / 1e6,
        best / 1e6
    );
    let setting = Setting {
        terms: Terms::linear(&simulators[0]),
        device: Device::named("phone-lte").unwrap(),
    };
    let names = ["bb", "bola", "bola-e", "dynamic", "mpc", "robustmpc"];
    let mut kinds: Vec<(&str, Kind)> = names
        .iter()
        .map(|name| (*name, Kind::parse(name).unwrap()))
        .collect();
    kinds.push(("a policy", Kind::Policy(Arc::new(policy(&video)), 0.0)));
    for (name, kind) in kinds {
        let (start, mut decisions) = (Instant::now(), 0);
        while start.elapsed().as_secs_f64() < 0.5 {
            for simulator in simulators.iter().take(8) {
                let mut controller = kind.make(simulator, &setting).unwrap();
                play(simulator, &setting, &mut *controller, 0, &mut |_| {});
                decisions += simulator.chunks() - 1;
            }
        }
        let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(decisions as u32);
        println!("{name}: {micros:.2} µs a decision, with the session around it");
    }
}
