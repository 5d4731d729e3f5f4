//! Controllers side by side on sets of traces: means with intervals, and differences to RobustMPC.

use serde::Serialize;

use crate::controller::Kind;
use crate::energy::Device;
use crate::qoe::{Parts, Terms};
use crate::quality::QualityTable;
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

/// What all sessions have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What is played.
    pub video: Video,
    /// By what.
    pub player: Player,
    /// On what.
    pub device: Device,
    /// How good it looks; the rate in Mbit/s where there is no table.
    pub quality: Option<QualityTable>,
}

impl Stage {
    /// What sessions on the player's ladder are scored by, and what they run on.
    fn setting(&self, first: &Simulator) -> Result<Setting, Error> {
        let Some(table) = &self.quality else {
            return Ok(Setting {
                terms: Terms::linear(first),
                device: self.device.clone(),
            });
        };
        let (ladder, _) = self.player.fit(&self.video)?;
        Ok(Setting {
            terms: table.terms(self.video.name(), &ladder)?,
            device: self.device.with_tiers(&table.tiers)?,
        })
    }
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
    /// The mean difference of joules to RobustMPC on the same traces.
    pub joules_diff: f64,
    /// The lower end of its 95% interval.
    pub joules_diff_low: f64,
    /// The upper end.
    pub joules_diff_high: f64,
    /// The mean difference of megabits to RobustMPC on the same traces.
    pub megabits_diff: f64,
    /// The lower end of its 95% interval.
    pub megabits_diff_low: f64,
    /// The upper end.
    pub megabits_diff_high: f64,
    /// Every session in numbers, in the order of the traces.
    #[serde(skip)]
    pub parts: Vec<Parts>,
}

/// Plays every controller on every trace.
///
/// # Errors
/// When a player, a device or a table of quality does not fit the video, or a controller what it is to
/// play.
pub fn compare(
    sets: &[Set],
    stage: &Stage,
    controllers: &[(String, Kind)],
    seed: u64,
    tell: &mut dyn FnMut(&Row),
) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for set in sets {
        let simulators = set
            .traces
            .iter()
            .map(|trace| Simulator::new(trace, &stage.video, &stage.player));
        let simulators: Vec<Simulator> = simulators.collect::<Result<_, _>>()?;
        let Some(first) = simulators.first() else {
            continue;
        };
        let setting = stage.setting(first)?;
        let baseline = play_all(&simulators, &setting, &Kind::parse(BASELINE)?, seed)?;
        for (name, kind) in controllers {
            let parts = play_all(&simulators, &setting, kind, seed)?;
            let row = row(&set.name, name, &parts, &baseline, seed);
            tell(&row);
            rows.push(row);
        }
    }
    Ok(rows)
}

/// One controller's sessions against those of the baseline on the same traces.
fn row(set: &str, controller: &str, parts: &[Parts], baseline: &[Parts], seed: u64) -> Row {
    let scores: Vec<f64> = parts.iter().map(|it| it.qoe).collect();
    let own = bootstrap(&scores, seed);
    let against = |part: fn(&Parts) -> f64| {
        let pairs = parts.iter().zip(baseline);
        let differences: Vec<f64> = pairs.map(|(a, b)| part(a) - part(b)).collect();
        bootstrap(&differences, seed)
    };
    let paired = against(|it| it.qoe);
    let (joules, megabits) = (against(|it| it.joules), against(|it| it.megabits));
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
        joules_diff: joules.mean,
        joules_diff_low: joules.low,
        joules_diff_high: joules.high,
        megabits_diff: megabits.mean,
        megabits_diff_low: megabits.low,
        megabits_diff_high: megabits.high,
        parts: parts.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Markov;

    fn markov(count: u64, high: f64) -> Set {
        let link = Markov::between(0.3, high, 5);
        let traces = (0..count).map(|seed| link.generate(seed, 200.0).unwrap());
        Set {
            name: "markov".into(),
            traces: traces.collect(),
        }
    }

    fn stage(video: &str, quality: Option<&str>) -> Stage {
        Stage {
            video: Video::find(video).unwrap(),
            player: Player::p1(),
            device: Device::named("phone-lte").unwrap(),
            quality: quality.map(|name| QualityTable::named(name).unwrap()),
        }
    }

    fn kinds(names: &[&str], tiers: &[String]) -> Vec<(String, Kind)> {
        let kind = |name: &&str| {
            let kind = Kind::parse_with(name, tiers).unwrap();
            ((*name).to_string(), kind)
        };
        names.iter().map(kind).collect()
    }

    #[test]
    fn enhancement_counts_by_a_table_and_costs_by_a_device() {
        let stage = stage("constant:398,802,1203", Some("bones-generic"));
        let tiers = &stage.quality.as_ref().unwrap().tiers;
        let names = ["bb", "bb+high", "bb+greedy", "robustmpc-enhanced"];
        let kinds = kinds(&names, tiers);
        let rows = compare(&[markov(6, 1.5)], &stage, &kinds, 1, &mut |_| {}).unwrap();
        let [plain, high, greedy, enhanced] = &rows[..] else {
            panic!("four rows")
        };
        // VMAF 20 are a point: between the worst plain rung and the best enhanced one.
        assert!(plain.quality > 39.3 / 20.0 && enhanced.quality < 81.0 / 20.0);
        // BB does not look at quality: its levels are the same.
        assert_eq!(plain.megabits, greedy.megabits);
        assert!(greedy.quality > plain.quality && greedy.joules > plain.joules);
        assert!(high.joules > plain.joules && enhanced.qoe_mean > plain.qoe_mean);
        let more = greedy.joules_diff - plain.joules_diff;
        assert!((more - (greedy.joules - plain.joules)).abs() < 1e-9);
        let (low, high) = (greedy.joules_diff_low, greedy.joules_diff_high);
        assert!(low < greedy.joules_diff && greedy.joules_diff < high);
    }

    #[test]
    fn what_does_not_fit_a_table_is_refused() {
        let told = |stage: &Stage| {
            let kinds = kinds(&["bb"], &[]);
            let error = compare(&[markov(1, 2.0)], stage, &kinds, 1, &mut |_| {}).unwrap_err();
            error.to_string()
        };
        let ladder = told(&stage("envivio", Some("bones-plain")));
        assert!(
            ladder.contains("398/802/1203") && ladder.contains("envivio has 300/750"),
            "{ladder}"
        );
        let mut other = stage("constant:398,802,1203", Some("bones-generic"));
        other.device = Device::named("phone-lte-nervure").unwrap();
        let tiers = told(&other);
        assert!(
            tiers.contains("phone-lte-nervure enhances with xs"),
            "{tiers}"
        );
    }

    #[test]
    fn rows_are_means_and_paired_differences() {
        let set = markov(8, 5.0);
        let kinds = kinds(&["robustmpc", "bb", "fixed:0"], &[]);
        let mut told = 0;
        let rows = compare(&[set], &stage("envivio", None), &kinds, 1, &mut |_| {
            told += 1;
        })
        .unwrap();
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
        assert!(keys.get("diff_high").is_some() && keys.get("parts").is_none());
    }
}
