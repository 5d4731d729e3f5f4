//! Compares controllers without the rest of nervure:
//! `cargo run --release -p nervure-abr --example compare -- P1 bb,robustmpc TRACES...`
#![allow(clippy::print_stdout)]

use std::path::Path;

use nervure_abr::compare::{Set, compare};
use nervure_abr::controller::Kind;
use nervure_abr::energy::Device;
use nervure_abr::trace::read_folder;
use nervure_abr::{Player, Video};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [protocol, controllers, folders @ ..] = &arguments[..] else {
        return Err("give a protocol, controllers and folders of traces".into());
    };
    let player = Player::find(protocol)?;
    let video = Video::find(&player.video)?;
    let device = Device::named("phone-lte")?;
    let mut kinds = Vec::new();
    for name in controllers.split(',') {
        kinds.push((name.to_string(), Kind::parse(name)?));
    }
    let mut sets = Vec::new();
    for folder in folders {
        let name = Path::new(folder)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let traces = read_folder(Path::new(folder), None)?;
        sets.push(Set { name, traces });
    }
    compare(&sets, (&video, &player, &device), &kinds, 0, &mut |row| {
        println!(
            "{} {}: {} sessions, {:.3} ({:.3} to {:.3}), median {:.3}, quality {:.3}, stalls {:.2} s, \
             {:.1} switches, {:.0} J, to RobustMPC {:+.3} ({:+.3} to {:+.3})",
            row.set,
            row.controller,
            row.sessions,
            row.qoe_mean,
            row.ci_low,
            row.ci_high,
            row.qoe_median,
            row.quality,
            row.rebuffer_s,
            row.switches,
            row.joules,
            row.diff_robustmpc,
            row.diff_low,
            row.diff_high
        );
    })?;
    Ok(())
}
