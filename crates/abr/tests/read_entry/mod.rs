//! What is tried with any text as a trace, a video, a player or a policy: by the fuzzer, and by the tests
//! without one.
#![allow(clippy::unwrap_used)] // A failure is what is looked for.
#![allow(unreachable_pub)] // Part of a test in one place, of a program in another.

use nervure_abr::policy::Policy;
use nervure_abr::trace::{Format, parse};
use nervure_abr::{Error, Player, Simulator, Video};

fn sound(error: &Error) {
    assert!(!error.to_string().contains(char::is_control), "{error}");
    assert!(error.hint().is_none_or(|hint| !hint.is_empty()));
}

/// Reads `text` as traces of every format, and plays a little on what was understood. How many traces
/// there were.
pub fn traces(text: &str) -> usize {
    let video = Video::named("envivio").unwrap();
    let formats = Format::ALL.map(Some).into_iter().chain([None]);
    let mut count = 0;
    for format in formats {
        let traces = match parse("t", text, format) {
            Ok(traces) => traces,
            Err(error) => {
                sound(&error);
                continue;
            }
        };
        for trace in &traces {
            count += 1;
            assert!(trace.mean_mbps() > 0.0 && trace.seconds() > 0.0);
            let simulator = Simulator::new(trace, &video, &Player::p1()).unwrap();
            let delivery = simulator.step(&mut simulator.begin(0), 0);
            assert!(delivery.delay_ms.is_finite() && delivery.delay_ms >= 80.0);
            let again = parse("t", &trace.to_csv(), None).unwrap();
            assert_eq!(again[0].mbps(), trace.mbps());
        }
    }
    count
}

/// Reads `text` as everything else that comes from files.
pub fn others(text: &str) {
    for error in [
        Video::parse("v", text).err(),
        Player::from_toml("p", text).err(),
        Policy::parse("n", text).err(),
        nervure_abr::energy::Device::from_toml("d", text).err(),
        nervure_abr::training::Config::parse("c", text).err(),
    ]
    .into_iter()
    .flatten()
    {
        sound(&error);
    }
}
