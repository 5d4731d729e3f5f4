//! Trains a policy without the rest of nervure:
//! `cargo run --release -p nervure-abr --example train -- CONFIG.toml OUT [SEED]`
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::time::Instant;

use nervure_abr::training::{Config, Go, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, out, rest @ ..] = &arguments[..] else {
        return Err("give a configuration and a folder".into());
    };
    let mut config = Config::parse(file, &std::fs::read_to_string(file)?)?;
    if let Some(seed) = rest.first() {
        config.seed = seed.parse()?;
    }
    let start = Instant::now();
    train(&config, Path::new(out), true, &mut |trial| {
        let gains: Vec<String> = trial
            .gains
            .iter()
            .map(|gain| format!("{gain:+.3}"))
            .collect();
        println!(
            "{:>4.0} s  step {:>8}  to RobustMPC {}  entropy {:.3}{}",
            start.elapsed().as_secs_f64(),
            trial.steps,
            gains.join(" "),
            trial.entropy,
            if trial.best { "  best" } else { "" }
        );
        Go::On
    })?;
    Ok(())
}
