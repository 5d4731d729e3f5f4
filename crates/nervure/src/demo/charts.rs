//! Charts of a demo, from the scores of its frames.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::chart::Chart;
use crate::sample::Cut;

/// PSNR of luma, frame by frame, of one way to enlarge the sample.
pub(super) struct Frames {
    upscaler: String,
    psnr_y: Vec<f64>,
}

impl Frames {
    /// Reads what `nervure score --csv` wrote.
    pub(super) fn read(upscaler: &str, path: &Path) -> Result<Frames> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Frames {
            upscaler: upscaler.into(),
            psnr_y: column(&text, "psnr_y"),
        })
    }

    /// The mean over some frames; none where no frame has a number.
    fn mean(&self, frames: std::ops::Range<usize>) -> Option<f64> {
        let end = frames.end.min(self.psnr_y.len());
        let chosen = self.psnr_y.get(frames.start..end)?;
        let finite: Vec<f64> = chosen
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect();
        (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
    }
}

/// A named column of a table; what is no number becomes one that does not count.
fn column(table: &str, name: &str) -> Vec<f64> {
    let mut lines = table.lines();
    let place = lines
        .next()
        .and_then(|header| header.split(',').position(|column| column == name));
    let Some(place) = place else {
        return Vec::new();
    };
    let value = |line: &str| {
        line.split(',')
            .nth(place)
            .and_then(|cell| cell.parse().ok())
    };
    lines.map(|line| value(line).unwrap_or(f64::NAN)).collect()
}

/// How good each scene is, by every upscaler.
pub(super) fn by_scene(scenes: &[Cut], curves: &[Frames], path: &Path) -> Result<()> {
    let mut chart = Chart::bars(
        "Every scene asks for something else",
        scenes.iter().map(|cut| cut.scene.clone()),
    )
    .subtitle("mean PSNR of luma against the original; what is sent is the same for all")
    .labels("", "dB")
    .size(960, 400);
    for curve in curves {
        let means = scenes.iter().enumerate().map(|(index, cut)| {
            let end = scenes
                .get(index + 1)
                .map_or(usize::MAX, |next| next.frame as usize);
            curve.mean(cut.frame as usize..end).unwrap_or(f64::NAN)
        });
        chart = chart.bar(&curve.upscaler, means);
    }
    chart.write(path)
}

/// How much better each frame is by the second way than by the first.
pub(super) fn gain(curves: [&Frames; 2], path: &Path) -> Result<()> {
    let [base, better] = curves;
    let gains = base.psnr_y.iter().zip(&better.psnr_y).map(|(a, b)| b - a);
    Chart::distribution(format!(
        "What {} gains over {}",
        better.upscaler, base.upscaler
    ))
    .subtitle("PSNR of luma, frame by frame")
    .labels("dB", "share of frames with at most this gain")
    .values("gain", gains)
    .size(960, 360)
    .write(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_odd_cells_do_not_count() {
        let table = "frame,time,psnr_y,psnr\n0,0.0,30.5,31\n1,0.1,inf,inf\n2,0.2,,\n3,0.3,32.5,9\n";
        let frames = Frames {
            upscaler: "neural".into(),
            psnr_y: column(table, "psnr_y"),
        };
        assert_eq!(frames.psnr_y.len(), 4);
        assert_eq!(frames.mean(0..usize::MAX), Some(31.5));
        assert_eq!(frames.mean(1..3), None);
        assert_eq!(frames.mean(9..12), None);
        assert!(column(table, "vmaf").is_empty());
    }

    #[test]
    fn both_charts_are_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let frames = |upscaler: &str, lift: f64| Frames {
            upscaler: upscaler.into(),
            psnr_y: (0..20).map(|i| 30.0 + lift + f64::from(i % 3)).collect(),
        };
        let curves = [frames("lanczos", 0.0), frames("neural", 0.4)];
        let cut = |scene: &str, frame| Cut {
            scene: scene.into(),
            frame,
        };
        let (bars, gains) = (folder.path().join("a.svg"), folder.path().join("b.svg"));
        by_scene(&[cut("sports", 0), cut("screen", 12)], &curves, &bars).unwrap();
        gain([&curves[0], &curves[1]], &gains).unwrap();
        let bars = fs::read_to_string(bars).unwrap();
        assert!(bars.contains("sports") && bars.contains("31.4"), "{bars}");
        let gains = fs::read_to_string(gains).unwrap();
        assert!(gains.contains("What neural gains over lanczos"));
    }
}
