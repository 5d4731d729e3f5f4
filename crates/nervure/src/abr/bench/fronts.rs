//! Controllers that heed how much energy counts, each played at several weights: a front of QoE and joules.

use anyhow::Result;
use nervure_abr::compare::Row;
use nervure_abr::controller::Kind;
use nervure_abr::front::{Beside, beside};
use nervure_abr::qoe::Parts;
use nervure_abr::statistics::Interval;

use crate::chart::Chart;
use crate::console::fail;

/// What the columns of [`cells`] say.
pub(super) const EXPLAINED: &str = "Fronts over the weights of energy, on lines between their points, beside \
     controllers of one point: QoE at as many joules, joules at as much QoE, megabits at as much quality, with \
     95% intervals of sessions drawn anew. A front is dominated where the other has more QoE for fewer joules.";

/// Controllers that are fronts, each with the names of its rows, the least weight first.
#[derive(Debug, Default)]
pub(super) struct Fronts {
    fronts: Vec<(String, Vec<String>)>,
}

impl Fronts {
    /// Puts in the place of each controller that heeds energy one for every weight.
    pub(super) fn of(
        kinds: Vec<(String, Kind)>,
        weights: &[f64],
    ) -> Result<(Vec<(String, Kind)>, Fronts)> {
        if let Some(odd) = weights.iter().find(|it| !(0.0..=1.0).contains(*it)) {
            let error = format!("{odd} is no weight of energy");
            return Err(fail(
                error,
                "weights are from 0 to 1, as in --preferences 0,0.5,1",
            ));
        }
        let mut weights = weights.to_vec();
        weights.sort_by(f64::total_cmp);
        weights.dedup();
        let (mut all, mut fronts) = (Vec::new(), Vec::new());
        for (name, kind) in kinds {
            // One that has its weight in its name is asked for at that weight.
            if weights.is_empty() || name.contains('@') || kind.at(0.0).is_none() {
                all.push((name, kind));
                continue;
            }
            let at = |weight: &f64| Some((format!("{name}@{weight}"), kind.at(*weight)?));
            let points: Vec<(String, Kind)> = weights.iter().filter_map(at).collect();
            let names = points.iter().map(|(name, _)| name.clone()).collect();
            fronts.push((name, names));
            all.extend(points);
        }
        if fronts.is_empty() && !weights.is_empty() {
            return Err(fail(
                "no controller here heeds how much energy counts",
                "robustmpc-priced does, and policies that choose tiers: \
                 `nervure abr train configs/abr-energy.toml`",
            ));
        }
        Ok((all, Fronts { fronts }))
    }

    /// Every front beside every controller that is none, set by set.
    pub(super) fn beside(&self, rows: &[Row], seed: u64) -> Vec<Beside> {
        let mut found = Vec::new();
        for set in sets(rows) {
            for (name, points) in &self.fronts {
                let of = |point: &String| find(rows, set, point).map(|row| row.parts.as_slice());
                let front: Vec<&[Parts]> = points.iter().filter_map(of).collect();
                for row in self.others(rows, set) {
                    let other = (row.controller.as_str(), row.parts.as_slice());
                    found.push(beside((set, name.as_str()), &front, other, seed));
                }
            }
        }
        found
    }

    /// The rows of a set that are no points of fronts.
    fn others<'a>(&'a self, rows: &'a [Row], set: &'a str) -> impl Iterator<Item = &'a Row> {
        let is_point = |name: &String| self.fronts.iter().any(|(_, points)| points.contains(name));
        let own = rows.iter().filter(move |row| row.set == set);
        own.filter(move |row| !is_point(&row.controller))
    }

    /// QoE over joules: fronts as lines, other controllers as dots. None where there is no front.
    pub(super) fn chart(&self, set: &str, rows: &[Row]) -> Option<Chart> {
        if self.fronts.is_empty() {
            return None;
        }
        let mut chart =
            Chart::lines(format!("{set}: QoE and energy")).labels("joules of a session", "QoE");
        let point = |row: &Row| (row.joules, row.qoe_mean);
        for (name, points) in &self.fronts {
            let points = points.iter().filter_map(|point| find(rows, set, point));
            chart = chart.line(name, points.map(point));
        }
        for row in self.others(rows, set) {
            chart = chart.line(&row.controller, [point(row)]);
        }
        Some(chart)
    }
}

fn find<'a>(rows: &'a [Row], set: &str, controller: &str) -> Option<&'a Row> {
    let mut rows = rows.iter();
    rows.find(|row| row.set == set && row.controller == controller)
}

fn sets(rows: &[Row]) -> Vec<&str> {
    let mut sets: Vec<&str> = rows.iter().map(|row| row.set.as_str()).collect();
    sets.dedup();
    sets
}

/// What was found, as people read it.
pub(super) fn cells(found: &[Beside]) -> Vec<Vec<String>> {
    let head = [
        "set",
        "front",
        "beside",
        "dominated",
        "QoE at as many J",
        "J at as much QoE",
        "of the J",
        "of the Mbit at as much quality",
    ];
    let mut cells = vec![head.map(String::from).to_vec()];
    let text = |it: &Option<Interval>, scale: f64, digits: usize, unit: &str| match it {
        Some(it) => {
            let [mean, low, high] = [it.mean, it.low, it.high].map(|it| it * scale);
            format!("{mean:+.digits$}{unit} ({low:+.digits$} to {high:+.digits$})")
        }
        None => "–".into(),
    };
    for it in found {
        cells.push(vec![
            it.set.clone(),
            it.front.clone(),
            it.controller.clone(),
            if it.dominated { "yes" } else { "no" }.into(),
            text(&it.qoe, 1.0, 3, ""),
            text(&it.joules, 1.0, 1, ""),
            text(&it.joules_share, 100.0, 1, "%"),
            text(&it.megabits_share, 100.0, 1, "%"),
        ]);
    }
    cells
}
