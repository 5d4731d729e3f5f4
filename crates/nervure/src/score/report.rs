//! Scores for people, programs, spreadsheets and the eye.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use nervure_frame::PictureFormat;
use nervure_frame::metrics::{FrameScore, PerPlane};
use serde::Serialize;

use super::Curve;
use super::measure::{Measured, Worst, lower};
use super::pairs::Timed;
use super::vmaf::VmafScore;
use crate::chart::Chart;
use crate::output::Pending;

/// What a comparison found. A stable interface: keys are added, never renamed. Null is what was not
/// computed or, where the pictures are equal, what has no number.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// As the user named them.
    reference: String,
    distorted: String,
    /// Size, chroma and depth of both.
    format: String,
    /// Pairs of frames that were compared.
    frames: u64,
    /// Frames without a partner.
    unpaired_reference: u64,
    unpaired_distorted: u64,
    /// Peak signal-to-noise ratios from the mean error of all frames, in decibels.
    psnr_y: Option<f64>,
    psnr_u: Option<f64>,
    psnr_v: Option<f64>,
    psnr: Option<f64>,
    /// Whether all planes are equal, where PSNR was computed, and which are.
    identical: Option<bool>,
    identical_planes: Vec<&'static str>,
    /// Structural similarity of luma and over all planes.
    ssim_y: Option<f64>,
    ssim: Option<f64>,
    ms_ssim: Option<f64>,
    vmaf: Option<f64>,
    vmaf_neg: Option<f64>,
    /// Pairs a second.
    frames_per_second: f64,
    #[serde(skip)]
    worst: Worst,
    #[serde(skip)]
    worst_vmaf: Option<Timed<f64>>,
}

impl Report {
    /// The account of a comparison.
    pub(crate) fn new(
        [reference, distorted]: [String; 2],
        format: PictureFormat,
        measured: &Measured,
        frames_per_second: f64,
    ) -> Report {
        let score = measured.pooled.score();
        let psnr = score.and_then(|score| score.psnr());
        let finite = |value: f64| value.is_finite().then_some(value);
        let plane = |plane: usize| psnr.and_then(|psnr| finite(psnr.planes[plane]));
        let planes = ["y", "u", "v"].into_iter().enumerate();
        let identical_planes: Vec<_> = planes
            .filter(|&(plane, _)| psnr.is_some_and(|psnr| psnr.planes[plane].is_infinite()))
            .map(|(_, name)| name)
            .collect();
        let ssim = score.and_then(|score| score.ssim);
        let mean = |value: fn(&VmafScore) -> f64| {
            let frames = measured.vmaf.as_ref()?;
            Some(frames.iter().map(value).sum::<f64>() / frames.len() as f64)
        };
        Report {
            reference,
            distorted,
            format: format.to_string(),
            frames: measured.pooled.frames(),
            unpaired_reference: measured.unpaired[0],
            unpaired_distorted: measured.unpaired[1],
            psnr_y: plane(0),
            psnr_u: plane(1),
            psnr_v: plane(2),
            psnr: psnr.and_then(|psnr| finite(psnr.all)),
            identical: psnr.map(|_| identical_planes.len() == 3),
            identical_planes,
            ssim_y: ssim.map(|ssim| ssim.planes[0]),
            ssim: ssim.map(|ssim| ssim.all),
            ms_ssim: score.and_then(|score| score.ms_ssim),
            vmaf: mean(|score| score.vmaf),
            vmaf_neg: mean(|score| score.vmaf_neg),
            frames_per_second,
            worst: measured.worst,
            worst_vmaf: worst_vmaf(measured),
        }
    }

    /// Prints a table on standard output.
    pub(crate) fn print(&self) -> Result<()> {
        crate::print_text(&self.table())
    }

    fn table(&self) -> String {
        let count = |count: u64, what: &str| match count {
            1 => format!("1 frame {what}"),
            count => format!("{count} frames {what}"),
        };
        let mut lines = vec![
            format!("reference  {}", self.reference),
            format!("distorted  {}", self.distorted),
            format!("{}, {}", self.format, count(self.frames, "compared")),
        ];
        for (unpaired, name) in [
            (self.unpaired_reference, "reference"),
            (self.unpaired_distorted, "distorted"),
        ] {
            if unpaired > 0 {
                lines.push(count(unpaired, &format!("of the {name} without a partner")));
            }
        }
        lines.push(String::new());
        let mut row = |name: &str, value: String, lowest: String, planes: &str| {
            lines.push(format!("{name:<9} {value:>9}   {lowest:<26}{planes}"));
        };
        if self.identical.is_some() {
            // Only equal planes have no ratio.
            let number = |value: Option<f64>| value.map_or("equal".into(), |v| format!("{v:.2}"));
            let planes = [("Y", self.psnr_y), ("U", self.psnr_u), ("V", self.psnr_v)];
            let planes = planes.map(|(name, value)| format!("{name} {}", number(value)));
            let unit = if self.psnr.is_some() { " dB" } else { "" };
            row(
                "PSNR",
                format!("{}{unit}", number(self.psnr)),
                lowest(self.worst.psnr, 2),
                &planes.join("  "),
            );
        }
        let luma = self
            .ssim_y
            .map_or(String::new(), |ssim| format!("Y {ssim:.4}"));
        let rows = [
            ("SSIM", self.ssim, self.worst.ssim, 4, luma.as_str()),
            ("MS-SSIM", self.ms_ssim, self.worst.ms_ssim, 4, ""),
            ("VMAF", self.vmaf, self.worst_vmaf, 2, ""),
            ("VMAF-NEG", self.vmaf_neg, None, 2, ""),
        ];
        for (name, value, worst, digits, planes) in rows {
            if let Some(value) = value {
                row(
                    name,
                    format!("{value:.digits$}"),
                    lowest(worst, digits),
                    planes,
                );
            }
        }
        let lines = lines.iter().map(|line| format!("{}\n", line.trim_end()));
        lines.collect()
    }
}

/// Where a metric was worst.
fn lowest(worst: Option<Timed<f64>>, digits: usize) -> String {
    match worst {
        Some(Timed { seconds, item }) if item.is_finite() => {
            format!("lowest {item:.digits$} at {seconds:.2} s")
        }
        _ => String::new(),
    }
}

fn worst_vmaf(measured: &Measured) -> Option<Timed<f64>> {
    let mut worst = None;
    let scores = measured.vmaf.iter().flatten();
    for (frame, score) in measured.frames.iter().zip(scores) {
        lower(&mut worst, frame.seconds, Some(score.vmaf));
    }
    worst
}

/// Writes a line for each pair. What was not computed is empty; the PSNR of equal planes is `inf`.
pub(crate) fn write_csv(path: &Path, measured: &Measured) -> Result<()> {
    let pending = Pending::new(path);
    let write = || -> io::Result<()> {
        let mut out = BufWriter::new(File::create(pending.part())?);
        out.write_all(HEADER.as_bytes())?;
        for (index, frame) in measured.frames.iter().enumerate() {
            let vmaf = measured.vmaf.as_ref().and_then(|scores| scores.get(index));
            let values = columns(&frame.item, vmaf)
                .map(|value| value.map_or(String::new(), |value| value.to_string()));
            writeln!(out, "{index},{:.6},{}", frame.seconds, values.join(","))?;
        }
        out.flush()
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    pending.finish()
}

const HEADER: &str = "frame,time,psnr_y,psnr_u,psnr_v,psnr,ssim_y,ssim_u,ssim_v,ssim,ms_ssim,\
                      vmaf,vmaf_neg\n";

/// The values of a line.
fn columns(score: &FrameScore, vmaf: Option<&VmafScore>) -> [Option<f64>; 11] {
    let four = |values: Option<PerPlane>| -> [Option<f64>; 4] {
        values.map_or([None; 4], |values| {
            let [y, u, v] = values.planes;
            [y, u, v, values.all].map(Some)
        })
    };
    let ([y, u, v, psnr], [ssim_y, ssim_u, ssim_v, ssim]) = (four(score.psnr()), four(score.ssim));
    let (vmaf, neg) = (
        vmaf.map(|score| score.vmaf),
        vmaf.map(|score| score.vmaf_neg),
    );
    [
        y,
        u,
        v,
        psnr,
        ssim_y,
        ssim_u,
        ssim_v,
        ssim,
        score.ms_ssim,
        vmaf,
        neg,
    ]
}

/// More points than this across a chart cannot be told apart.
const POINTS: usize = 2000;

/// Draws one metric over time.
pub(crate) fn plot(path: &Path, report: &Report, measured: &Measured, curve: Curve) -> Result<()> {
    let step = measured.frames.len().div_ceil(POINTS).max(1);
    let points = |column: usize| -> Vec<(f64, f64)> {
        let values: Vec<(f64, f64)> = measured
            .frames
            .iter()
            .enumerate()
            .filter_map(|(index, frame)| {
                let vmaf = measured.vmaf.as_ref().and_then(|scores| scores.get(index));
                Some((frame.seconds, columns(&frame.item, vmaf)[column]?))
            })
            .collect();
        let mean = |chunk: &[(f64, f64)]| {
            let sum: f64 = chunk.iter().map(|point| point.1).sum();
            (chunk[0].0, sum / chunk.len() as f64)
        };
        values.chunks(step).map(mean).collect()
    };
    let (title, unit, lines, pooled): (_, _, &[(&str, usize)], _) = match curve {
        Curve::Psnr => ("PSNR", "dB", &[("Y", 0), ("U", 1), ("V", 2)], report.psnr_y),
        Curve::Ssim => ("SSIM", "SSIM", &[("all planes", 7), ("Y", 4)], report.ssim),
        Curve::MsSsim => ("MS-SSIM", "MS-SSIM", &[("MS-SSIM", 8)], report.ms_ssim),
        Curve::Vmaf => (
            "VMAF",
            "VMAF",
            &[("VMAF", 9), ("VMAF-NEG", 10)],
            report.vmaf,
        ),
    };
    let means = match step {
        1 => String::new(),
        step => format!(", means of {step} frames"),
    };
    let mut chart = Chart::lines(title)
        .subtitle(format!(
            "{} against {}{means}",
            report.distorted, report.reference
        ))
        .labels("seconds", unit);
    for (name, column) in lines {
        chart = chart.line(*name, points(*column));
    }
    if let Some(pooled) = pooled {
        let digits = if pooled.abs() < 2.0 { 4 } else { 2 };
        chart = chart.mark(pooled, format!("{} {pooled:.digits$}", lines[0].0));
    }
    chart
        .write(path)
        .with_context(|| format!("cannot draw {}", path.display()))
}
