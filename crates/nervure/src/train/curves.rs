//! How a run went, as a picture.

use std::path::Path;

use anyhow::Result;
use nervure_train::training::{Metric, Phase, read_metrics};

use crate::chart::Chart;

/// Writes the run's curves, as far as it has come: one picture of quality, one of the loss.
pub(super) fn write(name: &str, folder: &Path) -> Result<()> {
    let metrics = read_metrics(folder);
    let base = metrics
        .iter()
        .filter(|metric| metric.phase == Phase::Fp32)
        .map(|metric| metric.step)
        .max()
        .unwrap_or(0);
    // What follows in whole numbers is drawn behind.
    let at = |metric: &Metric| match metric.phase {
        Phase::Fp32 => metric.step as f64,
        Phase::Int8 => (base + metric.step) as f64,
    };
    let losses = metrics.iter().filter_map(|it| Some((at(it), it.loss?)));
    let chart = Chart::lines(format!("{name}: loss"))
        .subtitle("mean over the steps since the point before")
        .labels("step", "loss")
        .line("loss", losses);
    chart.write(&folder.join("loss.svg"))?;

    let tried: Vec<(f64, &Metric)> = metrics
        .iter()
        .filter(|metric| metric.scores.is_some())
        .map(|metric| (at(metric), metric))
        .collect();
    let mut conditions: Vec<String> = tried
        .iter()
        .filter_map(|(_, metric)| metric.scores.as_ref())
        .flat_map(|scores| scores.by_condition().into_keys())
        .collect();
    conditions.sort();
    conditions.dedup();
    let mut chart = Chart::lines(format!("{name}: quality"))
        .subtitle("PSNR of luma on the validation clips")
        .labels("step", "dB over the classical upscaler");
    for condition in conditions {
        let points = tried.iter().filter_map(|(step, metric)| {
            let summary = metric.scores.as_ref()?.by_condition().remove(&condition)?;
            Some((*step, summary.gain))
        });
        chart = chart.line(condition.clone(), points.collect::<Vec<_>>());
    }
    chart.write(&folder.join("curves.svg"))
}
