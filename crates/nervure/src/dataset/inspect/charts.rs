//! Charts of what a dataset holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nervure_dataset::inspect::{Bin, Overview};

use super::text::number;
use crate::chart::Chart;

/// Draws what can be drawn into a folder, which is made; says how many charts that was.
pub(super) fn write(overview: &Overview, folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let about = format!("{} clips, {} pairs", overview.clips, overview.frames);
    let histogram = |title: &str, bins: &[Bin], unit: &str| {
        let names = bins.iter().map(|bin| number(bin.from));
        Chart::bars(title, names)
            .subtitle(&about)
            .labels(format!("{unit}, from"), "clips")
            .bar("clips", bins.iter().map(|bin| bin.clips as f64))
    };
    let mut curves: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for group in &overview.codecs {
        if let Some(psnr) = group.psnr_y {
            let curve = curves.entry(&group.name).or_default();
            curve.push((group.measured_kbps, psnr));
        }
    }
    let mut quality = Chart::lines("What Lanczos reaches at each rate")
        .subtitle(&about)
        .labels("measured kbit/s, mean", "PSNR of luma, dB, mean");
    for (codec, mut points) in curves {
        points.sort_by(|one, two| one.0.total_cmp(&two.0));
        quality = quality.line(codec, points);
    }
    let charts = [
        (
            "rates.png",
            histogram("Measured rates", &overview.rates, "kbit/s"),
        ),
        (
            "psnr.png",
            histogram("PSNR of luma by Lanczos", &overview.psnr, "dB"),
        ),
        ("quality.png", quality),
    ];
    for (name, chart) in &charts {
        chart.write(&folder.join(name))?;
    }
    Ok(charts.len())
}
