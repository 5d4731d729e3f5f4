//! What is tried with any text as a loss trace or a loss model: by the fuzzer, and by the tests
//! without one.
#![allow(clippy::unwrap_used)] // A failure is what is looked for.
#![allow(unreachable_pub)] // Part of a test in one place, of a program in another.

use nervure_media::{Error, LossModel, LossTrace};

/// Reads `text` as a trace; how many packets it lists.
pub fn trace(text: &str) -> usize {
    let trace: LossTrace = match text.parse() {
        Ok(trace) => trace,
        Err(error) => {
            check(&error);
            return 0;
        }
    };
    let packets = trace.len();
    assert!(packets > 0 && packets <= text.len());
    assert!((0.0..=1.0).contains(&trace.rate()));
    // It says of each packet once what became of it, then begins again.
    let mut channel = LossModel::Trace(trace.clone()).channel(0).unwrap();
    let first: Vec<bool> = (0..packets).map(|_| channel.lose()).collect();
    let lost = first.iter().filter(|lost| **lost).count();
    assert_eq!(lost as f64 / packets as f64, trace.rate());
    assert_eq!(channel.lose(), first[0]);
    // Written out plainly, it is the same trace.
    let plain: String = first
        .iter()
        .map(|lost| if *lost { '1' } else { '0' })
        .collect();
    assert_eq!(plain.parse::<LossTrace>().unwrap(), trace);
    packets
}

/// Reads `text` as a model, unless that would open a file.
pub fn model(text: &str) {
    if text.trim().starts_with("trace:") {
        return;
    }
    match text.parse::<LossModel>() {
        Ok(model) => {
            assert!((0.0..=1.0).contains(&model.rate()), "{model}");
            assert_eq!(model.to_string().parse::<LossModel>().unwrap(), model);
            let mut channel = model.channel(1).unwrap();
            let lost = (0..64).filter(|_| channel.lose()).count();
            assert!(lost == 0 || !model.is_none(), "{model}");
        }
        Err(error) => check(&error),
    }
}

fn check(error: &Error) {
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    assert!(error.hint().is_some(), "{error}");
}
