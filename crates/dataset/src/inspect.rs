//! What a dataset holds, in numbers and in pictures.

mod show;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Result;
use crate::manifest::{ClipRecord, Layout, Manifest, Skipped};
use crate::store::Store;
use crate::verify::read_manifests;

pub use show::{Shown, damaged_frames, show};

/// Clips that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// A codec, or a content type.
    pub name: String,
    /// What the codec was asked for, as in `200 kbit/s` or `crf 23`.
    pub asked: Option<String>,
    /// How many clips.
    pub clips: usize,
    /// How many pairs of frames.
    pub frames: u64,
    /// Mean of the clips' measured rates in kbit/s.
    pub measured_kbps: f64,
    /// Mean of what Lanczos reaches, in dB of luma; clips without any error do not count.
    pub psnr_y: Option<f64>,
    /// Mean structural similarity of what Lanczos gives.
    pub ssim: f64,
    /// Packets that were lost, of those that were sent.
    pub lost_packets: Option<f64>,
    /// Frames with a mask, of all.
    pub damaged_frames: f64,
}

/// How many clips lie between two values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// From here on.
    pub from: f64,
    /// And below here.
    pub to: f64,
    /// So many.
    pub clips: usize,
}

/// A dataset in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overview {
    /// How pairs are kept.
    pub layout: Layout,
    /// Version of nervure and of libav that made it.
    pub made_by: String,
    /// What was asked for.
    pub recipe: serde_json::Value,
    /// Manifests that are there, and how many there should be.
    pub shards: (usize, u32),
    /// Clips.
    pub clips: usize,
    /// Pairs of frames.
    pub frames: u64,
    /// Seconds of video, where frame rates are known.
    pub seconds: f64,
    /// Sources that gave clips.
    pub sources: usize,
    /// Sources, or parts of some, that gave none.
    pub skipped: Vec<Skipped>,
    /// Clips by codec and what it was asked for.
    pub codecs: Vec<Group>,
    /// Clips by content type.
    pub content: Vec<Group>,
    /// Clips by measured rate in kbit/s.
    pub rates: Vec<Bin>,
    /// Clips by what Lanczos reaches, in dB of luma.
    pub psnr: Vec<Bin>,
}

/// Every manifest of a dataset that can be read.
///
/// # Errors
/// When there is none, or one is damaged or of a newer version.
pub fn manifests(store: &Store) -> Result<Vec<Manifest>> {
    read_manifests(store)?
        .into_iter()
        .map(|(_, manifest)| manifest)
        .collect()
}

impl Overview {
    /// Of these manifests; none if there are none.
    pub fn of(manifests: &[Manifest]) -> Option<Overview> {
        let header = &manifests.first()?.header;
        let clips: Vec<&ClipRecord> = manifests.iter().flat_map(|m| &m.clips).collect();
        let skipped = manifests.iter().flat_map(|m| &m.skipped).cloned().collect();
        let mut sources: Vec<(&str, &str)> = clips
            .iter()
            .map(|clip| (clip.source.name.as_str(), clip.source.sha256.as_str()))
            .collect();
        sources.sort_unstable();
        sources.dedup();
        let rates = clips.iter().map(|clip| clip.measured_kbps);
        let psnr = clips.iter().filter_map(|clip| clip.baseline.psnr_y);
        Some(Overview {
            layout: header.layout,
            made_by: header.made_by.clone(),
            recipe: header.recipe.clone(),
            shards: (manifests.len(), header.shard.1.max(1)),
            clips: clips.len(),
            frames: clips.iter().map(|clip| clip.frames).sum(),
            seconds: clips.iter().map(|clip| seconds(clip)).sum(),
            sources: sources.len(),
            skipped,
            codecs: groups(&clips, |clip| (clip.codec.clone(), Some(asked(clip)))),
            content: groups(&clips, |clip| (clip.content_type.clone(), None)),
            rates: bins(rates, &doubling()),
            psnr: bins(psnr, &even(2.0, 80)),
        })
    }
}

/// What a clip's codec was asked for.
pub fn asked(clip: &ClipRecord) -> String {
    match (clip.requested_kbps, clip.crf) {
        (Some(kbps), _) => format!("{kbps} kbit/s"),
        (None, Some(crf)) => format!("crf {crf}"),
        (None, None) => "-".into(),
    }
}

fn seconds(clip: &ClipRecord) -> f64 {
    match clip.frame_rate {
        Some((num, den)) if num > 0 => clip.frames as f64 * f64::from(den) / f64::from(num),
        _ => 0.0,
    }
}

/// Clips with the same name and question, in the order of names and of numbers asked for.
fn groups(
    clips: &[&ClipRecord],
    key: impl Fn(&ClipRecord) -> (String, Option<String>),
) -> Vec<Group> {
    let mut sorted: BTreeMap<(String, u64, Option<String>), Vec<&ClipRecord>> = BTreeMap::new();
    for clip in clips {
        let (name, asked) = key(clip);
        // Numbers in the order of numbers, though they are kept as words.
        let number = match asked {
            Some(_) => clip.requested_kbps.or(clip.crf).unwrap_or(0.0) * 1e3,
            None => 0.0,
        };
        let group = sorted.entry((name, number as u64, asked)).or_default();
        group.push(clip);
    }
    sorted
        .into_iter()
        .map(|((name, _, asked), clips)| group(name, asked, &clips))
        .collect()
}

fn group(name: String, asked: Option<String>, clips: &[&ClipRecord]) -> Group {
    let frames: u64 = clips.iter().map(|clip| clip.frames).sum();
    let losses = || clips.iter().filter_map(|clip| clip.loss.as_ref());
    let packets: u64 = losses().map(|loss| loss.packets).sum();
    let lost: u64 = losses().map(|loss| loss.lost_packets).sum();
    let damaged: u64 = losses().map(|loss| loss.damaged_frames).sum();
    Group {
        name,
        asked,
        clips: clips.len(),
        frames,
        measured_kbps: mean(clips.iter().map(|clip| clip.measured_kbps)).unwrap_or(0.0),
        psnr_y: mean(clips.iter().filter_map(|clip| clip.baseline.psnr_y)),
        ssim: mean(clips.iter().map(|clip| clip.baseline.ssim)).unwrap_or(0.0),
        lost_packets: (packets > 0).then(|| lost as f64 / packets as f64),
        damaged_frames: damaged as f64 / frames.max(1) as f64,
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u64);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

/// 0, 12.5, 25, 50, ...: rates are told apart by their ratio.
fn doubling() -> Vec<f64> {
    let edges = (0..16).map(|step| 12.5 * f64::from(1 << step));
    std::iter::once(0.0).chain(edges).collect()
}

fn even(step: f64, count: u32) -> Vec<f64> {
    (0..=count).map(|index| step * f64::from(index)).collect()
}

/// How many values lie between each two edges, from the first that has any to the last. What lies
/// outside all edges counts to the nearest.
fn bins(values: impl Iterator<Item = f64>, edges: &[f64]) -> Vec<Bin> {
    let mut counts = vec![0; edges.len() - 1];
    for value in values.filter(|value| value.is_finite()) {
        let above = edges.partition_point(|edge| *edge <= value);
        counts[above.saturating_sub(1).min(edges.len() - 2)] += 1;
    }
    let first = counts.iter().position(|count| *count > 0).unwrap_or(0);
    let last = counts.iter().rposition(|count| *count > 0);
    let Some(last) = last else {
        return Vec::new();
    };
    (first..=last)
        .map(|index| Bin {
            from: edges[index],
            to: edges[index + 1],
            clips: counts[index],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_between_edges() {
        let edges = [0.0, 10.0, 20.0, 30.0, 40.0];
        let counts = |values: &[f64]| -> Vec<(f64, usize)> {
            bins(values.iter().copied(), &edges)
                .iter()
                .map(|bin| (bin.from, bin.clips))
                .collect()
        };
        assert_eq!(
            counts(&[10.0, 19.9, 30.0]),
            [(10.0, 2), (20.0, 0), (30.0, 1)]
        );
        assert_eq!(counts(&[-5.0, f64::NAN]), [(0.0, 1)]);
        assert_eq!(counts(&[40.0, 1e9, f64::INFINITY]), [(30.0, 2)]);
        assert_eq!(counts(&[]), []);
        let rates = doubling();
        assert_eq!(rates[..4], [0.0, 12.5, 25.0, 50.0]);
    }

    #[test]
    fn means_of_nothing_are_none() {
        assert_eq!(mean([].into_iter()), None);
        assert_eq!(mean([1.0, 2.0].into_iter()), Some(1.5));
    }
}
