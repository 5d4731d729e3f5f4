//! Controllers side by side on sets of traces: means with intervals, and differences to RobustMPC.

use serde::Serialize;

use crate::controller::Kind;
use crate::energy::Device;
use crate::qoe::{Parts, Terms};
use crate::session::{Setting, play_all};
use crate::statistics::{bootstrap, mean, median};
use crate::{Error, Player, Simulator, Trace, Video};

/// What every controller is compared with.
const BASELINE: &str = "robustmpc";

/// Traces that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    /// What it is called.
    pub name: String,
    /// Its traces; each is one session.
    pub traces: Vec<Trace>,
}

/// One controller on one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which set.
    pub set: String,
    /// Which controller.
    pub controller: String,
    /// How many sessions.
    pub sessions: usize,
    /// The mean of their scores.
    pub qoe_mean: f64,
    /// The median.
    pub qoe_median: f64,
    /// The mean quality of a chunk.
    pub quality: f64,
    /// Seconds of stalling in a session.
    pub rebuffer_s: f64,
    /// Changes of level in a session.
    pub switches: f64,
    /// Joules of a session.
    pub joules: f64,
    /// Megabits of a session.
    pub megabits: f64,
    /// The lower end of the mean's 95% interval.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
    /// The mean difference to RobustMPC on the same traces.
    pub diff_robustmpc: f64,
    /// The lower end of its 95% interval.
    pub diff_low: f64,
    /// The upper end.
    pub diff_high: f64,
    /// The score of every session, in the order of the traces.
    #[serde(skip)]
    pub scores: Vec<f64>,
}

/// Plays every controller on every trace.
///
/// # Errors
/// When a player does not fit the video, or a controller what it is to play.
pub fn compare(
    sets: &[Set],
    (video, player, device): (&Video, &Player, &Device),
    controllers: &[(String, Kind)],
    seed: u64,
    tell: &mut dyn FnMut(&Row),
) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for set in sets {
        let simulators = set
            .traces
            .iter()
            .map(|trace| Simulator::new(trace, video, player));
        let simulators: Vec<Simulator> = simulators.collect::<Result<_, _>>()?;
        let Some(first) = simulators.first() else {
            continue;
        };
        let setting = Setting {
            terms: Terms::linear(first),
            device: device.clone(),
        };
        let baseline = scores(&play_all(
            &simulators,
            &setting,
            &Kind::parse(BASELINE)?,
            seed,
        )?);
        for (name, kind) in controllers {
            let parts = play_all(&simulators, &setting, kind, seed)?;
            let row = row(&set.name, name, &parts, &baseline, seed);
            tell(&row);
            rows.push(row);
        }
    }
    Ok(rows)
}

fn scores(parts: &[Parts]) -> Vec<f64> {
    parts.iter().map(|it| it.qoe).collect()
}

/// One controller's sessions against those of the baseline on the same traces.
fn row(set: &str, controller: &str, parts: &[Parts], baseline: &[f64], seed: u64) -> Row {
    let scores = scores(parts);
    let differences: Vec<f64> = scores.iter().zip(baseline).map(|(a, b)| a - b).collect();
    let own = bootstrap(&scores, seed);
    let paired = bootstrap(&differences, seed);
    let of = |part: fn(&Parts) -> f64| mean(&parts.iter().map(part).collect::<Vec<f64>>());
    Row {
        set: set.into(),
        controller: controller.into(),
        sessions: parts.len(),
        qoe_mean: own.mean,
        qoe_median: median(&scores),
        quality: of(|it| it.quality),
        rebuffer_s: of(|it| it.rebuffer_s),
        switches: of(|it| it.switches),
        joules: of(|it| it.joules),
        megabits: of(|it| it.megabits),
        ci_low: own.low,
        ci_high: own.high,
        diff_robustmpc: paired.mean,
        diff_low: paired.low,
        diff_high: paired.high,
        scores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Markov;

    #[test]
    fn rows_are_means_and_paired_differences() {
        let link = Markov::between(0.3, 5.0, 5);
        let traces = (0..8).map(|seed| link.generate(seed, 200.0).unwrap());
        let set = Set {
            name: "markov".into(),
            traces: traces.collect(),
        };
        let names = ["robustmpc", "bb", "fixed:0"];
        let kinds: Vec<(String, Kind)> = names
            .iter()
            .map(|name| ((*name).to_string(), Kind::parse(name).unwrap()))
            .collect();
        let video = Video::named("envivio").unwrap();
        let device = Device::named("phone-lte").unwrap();
        let stage = (&video, &Player::p1(), &device);
        let mut told = 0;
        let rows = compare(&[set], stage, &kinds, 1, &mut |_| told += 1).unwrap();
        assert_eq!((rows.len(), told), (3, 3));
        let [robust, bb, lowest] = &rows[..] else {
            panic!("three rows")
        };
        assert_eq!(
            (robust.diff_robustmpc, robust.diff_low, robust.diff_high),
            (0.0, 0.0, 0.0)
        );
        assert!((bb.diff_robustmpc - (bb.qoe_mean - robust.qoe_mean)).abs() < 1e-9);
        assert!(bb.diff_low < bb.diff_robustmpc && bb.diff_robustmpc < bb.diff_high);
        // One change, from the first chunk to the lowest level.
        assert_eq!(lowest.switches, 1.0);
        assert!((lowest.quality - 0.3).abs() < 1e-9);
        let keys = serde_json::to_value(robust).unwrap();
        assert!(keys.get("diff_high").is_some() && keys.get("scores").is_none());
    }
}
