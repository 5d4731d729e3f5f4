//! How well masks mark what was lost, on real clips.
//!
//! ```sh
//! cargo run --release -p nervure-media --example loss_masks -- CLIP...
//! ```
//!
//! Two streams of each clip, with eight slices a picture and 5% of them lost, compared with the same
//! streams undamaged. *Intra*: every picture by itself, so that exactly the macroblocks that were
//! lost differ. *Ordinary*: an IPPP stream, compared up to the first damaged picture after each
//! keyframe, whose references are whole. Two things would blur the comparison and are left out: the
//! filter in the loop, which carries a trace of the damage over the edge of a slice, and places that
//! the decoder invents rightly because nothing happens there, which noise laid over the clip ends.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // It is a program.

use std::error::Error;
use std::path::PathBuf;

use nervure_frame::{Frame, TimeBase, Timestamp};
use nervure_media::{
    EncodeSettings, LossLevel, LossModel, OpenOptions, PictureSpec, Reader, Transit,
    TransitSettings, TransitStats,
};

#[path = "../tests/transit_truth/mod.rs"]
mod truth;

use truth::Agreement;

/// Frames that are looked at of each clip.
const FRAMES: usize = 48;
/// Frames from one keyframe to the next in the ordinary stream.
const GROUP: usize = 6;

fn main() -> Result<(), Box<dyn Error>> {
    println!("| clip | stream | lost | marked | others marked | damaged | flagged | disputed |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut all = [Agreement::default(), Agreement::default()];
    for name in std::env::args_os().skip(1) {
        let path = PathBuf::from(name);
        let clip = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let frames = read(path)?;
        for ((stream, group), all) in [("intra", 1), ("ordinary", GROUP)]
            .into_iter()
            .zip(&mut all)
        {
            let (whole, _) = pass(&frames, group, LossModel::None)?;
            let (damaged, stats) = pass(&frames, group, LossModel::Independent { rate: 0.05 })?;
            let mut found = Agreement::default();
            for (whole, damaged) in whole.chunks(group).zip(damaged.chunks(group)) {
                for (whole, damaged) in whole.iter().zip(damaged) {
                    found.add(whole, damaged);
                    if damaged.damage.is_some() {
                        break;
                    }
                }
            }
            row(&clip, stream, &found, Some(&stats));
            all.lost += found.lost;
            all.lost_marked += found.lost_marked;
            all.others += found.others;
            all.others_marked += found.others_marked;
        }
    }
    row("all", "intra", &all[0], None);
    row("all", "ordinary", &all[1], None);
    Ok(())
}

fn row(clip: &str, stream: &str, found: &Agreement, stats: Option<&TransitStats>) {
    let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    let counts = stats.map_or_else(String::new, |stats| {
        format!(
            "{} | {} | {}",
            stats.damaged_frames, stats.flagged_frames, stats.disputed_frames
        )
    });
    println!(
        "| {clip} | {stream} | {} | {:.2}% | {:.2}% | {counts} |",
        found.lost,
        share(found.lost_marked, found.lost),
        share(found.others_marked, found.others),
    );
}

fn read(path: PathBuf) -> Result<Vec<Frame>, Box<dyn Error>> {
    let mut reader = Reader::open(&path.into(), &OpenOptions::default())?;
    let mut frames = Vec::new();
    while frames.len() < FRAMES
        && let Some(mut frame) = reader.next()?
    {
        frame.pts = Timestamp::new(frames.len() as i64, TimeBase::new(1, 25));
        add_noise(&mut frame, frames.len() as u32);
        frames.push(frame);
    }
    Ok(frames)
}

/// Noise of up to eight steps, different in each frame.
fn add_noise(frame: &mut Frame, number: u32) {
    let Some([luma, ..]) = frame.planes.eight_mut() else {
        return;
    };
    for y in 0..luma.height() {
        for (x, sample) in luma.row_mut(y).iter_mut().enumerate() {
            let mut hash = x as u32 ^ (y as u32) << 12 ^ number << 24;
            for _ in 0..2 {
                hash = (hash ^ hash >> 15).wrapping_mul(0x2c1b_3c6d);
            }
            *sample = sample
                .saturating_add((hash >> 28) as u8)
                .saturating_sub(8)
                .max(16);
        }
    }
}

fn pass(
    frames: &[Frame],
    group: usize,
    loss: LossModel,
) -> Result<(Vec<Frame>, TransitStats), Box<dyn Error>> {
    let first = frames.first().ok_or("no frames")?;
    let settings = TransitSettings {
        encode: EncodeSettings {
            crf: Some(20.0),
            preset: Some("veryfast".into()),
            options: vec![
                ("g".into(), group.to_string()),
                ("bf".into(), "0".into()),
                ("x264-params".into(), "no-deblock=1:scenecut=0".into()),
            ],
            ..EncodeSettings::default()
        },
        loss,
        level: LossLevel::Slice,
        seed: 1,
        ..TransitSettings::default()
    };
    let mut transit = Transit::open(&settings, &PictureSpec::new(first.format(), first.pts.base))?;
    let mut arrived = Vec::new();
    for frame in frames {
        transit.push(frame.clone())?;
        while let Some(frame) = transit.pull()? {
            arrived.push(frame);
        }
    }
    transit.flush()?;
    while let Some(frame) = transit.pull()? {
        arrived.push(frame);
    }
    Ok((arrived, transit.stats()))
}
