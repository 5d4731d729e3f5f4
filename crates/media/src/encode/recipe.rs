//! A user's few settings in the many words of each encoder.

use nervure_frame::{Chroma, PictureFormat, TimeBase};

use super::{EncodeSettings, Memory, PictureSpec};
use super::{hdr, small};
use crate::av::encode::Setup;
use crate::{Error, Result};

/// A keyframe at least this often, so that players can seek.
const KEYFRAME_SECONDS: f64 = 10.0;

/// What an encoder counts its pictures by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The clock of the frames themselves: rate control sees how long each is shown.
    Source,
    /// Microseconds, for a source whose ticks are finer than the encoder can count.
    Micros,
    /// One tick for each picture, for encoders that know only constant frame rates.
    Index,
}

/// Everything an encoder is opened with.
pub(super) struct Recipe {
    pub(super) clock: Clock,
    pub(super) setup: Setup,
    pub(super) options: Vec<(String, String)>,
}

/// Names of presets from fastest to best, as x264 and x265 have them.
const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];

/// What each of [`PRESETS`] is in the numbers of the other encoders.
const VP8_PRESETS: [u8; 10] = [16, 12, 8, 5, 5, 4, 3, 2, 1, 0];
const VP9_PRESETS: [u8; 10] = [8, 7, 6, 5, 5, 4, 3, 2, 1, 0];
const SVT_PRESETS: [u8; 10] = [12, 12, 11, 10, 9, 8, 6, 4, 2, 0];
const AOM_PRESETS: [u8; 10] = [8, 8, 8, 7, 7, 6, 4, 3, 2, 1];

impl Recipe {
    /// The preset of an encoder that counts them.
    pub(super) fn preset_number(&self) -> i64 {
        let preset = self.options.iter().find(|(key, _)| key == "preset");
        preset
            .and_then(|(_, number)| number.parse().ok())
            .unwrap_or_default()
    }

    pub(super) fn new(
        encoder: &str,
        settings: &EncodeSettings,
        spec: &PictureSpec,
    ) -> Result<Self> {
        let frame_rate = frame_rate(spec);
        let mut options = Vec::new();
        let mut set = |key: &str, value: String| options.push((key.to_owned(), value));
        let mastering = spec.hdr.mastering.as_deref().and_then(hdr::mastering);
        let light = spec.hdr.light.as_deref().and_then(hdr::light);
        let quality = Quality::of(settings);
        let less = settings.memory != Memory::Usual;
        match encoder {
            "libx264" => {
                let preset = named_preset(settings, encoder)?;
                // Looking less far ahead leaves the rest of a preset alone: the stream keeps the look of
                // its preset. The fastest ones look less far ahead than this by themselves.
                let speed = PRESETS.iter().position(|name| *name == preset);
                set("preset", preset);
                let mut extra = Vec::new();
                match settings.memory {
                    Memory::Lean if speed >= Some(3) => set("rc-lookahead", "20".into()),
                    Memory::Least => {
                        if speed >= Some(2) {
                            set("rc-lookahead", "8".into());
                        }
                        // A thread that looks ahead by itself keeps pictures of its own, and each thread
                        // with a picture of its own keeps all that this one refers to.
                        extra.push("sync-lookahead=0".to_owned());
                        extra.push("sliced-threads=1".to_owned());
                    }
                    Memory::Usual | Memory::Lean => {}
                }
                if let Some(crf) = quality.crf(18.0) {
                    set("crf", range(encoder, crf, -12.0, 51.0)?.to_string());
                }
                if let Some(set) = x264_instructions() {
                    extra.push(format!("asm={set}"));
                }
                if let Some(display) = mastering {
                    extra.push(format!("mastering-display={}", display.in_units()));
                }
                if let Some((brightest, average)) = light {
                    extra.push(format!("cll={brightest},{average}"));
                }
                if !extra.is_empty() {
                    set("x264-params", extra.join(":"));
                }
            }
            "libx265" => {
                let preset = named_preset(settings, encoder)?;
                // It must look further ahead than B-frames in a row: up to 8 from `slower` on.
                let ahead = match PRESETS.iter().position(|name| *name == preset) {
                    Some(7..) => 10,
                    _ => 5,
                };
                set("preset", preset);
                if let Some(crf) = quality.crf(20.0) {
                    set("crf", range(encoder, crf, 0.0, 51.0)?.to_string());
                }
                // It writes its own log to standard error, past libav's.
                let mut extra = vec!["log-level=none".to_owned(), "open-gop=0".to_owned()];
                if settings.threads > 0 {
                    extra.push(format!("pools={}", settings.threads));
                }
                if less {
                    extra.push(format!("rc-lookahead={ahead}"));
                }
                extra.extend(small::for_x265(spec.format).map(str::to_owned));
                if let Some(display) = mastering {
                    extra.push(format!("master-display={}", display.in_units()));
                }
                if let Some((brightest, average)) = light {
                    extra.push(format!("max-cll={brightest},{average}"));
                }
                set("x265-params", extra.join(":"));
            }
            "libvpx" => {
                set("deadline", "good".into());
                set(
                    "cpu-used",
                    number_preset(settings, encoder, VP8_PRESETS, 4, 16)?.to_string(),
                );
                // Hidden pictures would be packets of their own, which containers have no time for.
                set("auto-alt-ref", "0".into());
                if let Some(crf) = quality.crf(12.0) {
                    set("crf", whole(encoder, crf, 4, 63)?.to_string());
                }
            }
            "libvpx-vp9" => {
                set("deadline", "good".into());
                set(
                    "cpu-used",
                    number_preset(settings, encoder, VP9_PRESETS, 4, 8)?.to_string(),
                );
                if less {
                    set("lag-in-frames", "16".into());
                }
                set("row-mt", "1".into());
                if let Some(crf) = quality.crf(30.0) {
                    set("crf", whole(encoder, crf, 0, 63)?.to_string());
                }
            }
            "libsvtav1" => {
                set(
                    "preset",
                    number_preset(settings, encoder, SVT_PRESETS, 8, 13)?.to_string(),
                );
                if let Some(crf) = quality.crf(30.0) {
                    // 0 means "not set" to libav's wrapper.
                    set("crf", whole(encoder, crf, 1, 63)?.to_string());
                }
                let mut extra = Vec::new();
                if settings.threads > 0 {
                    extra.push(format!("lp={}", settings.threads));
                }
                if less {
                    extra.push("lookahead=0".into());
                }
                if let Some(display) = mastering {
                    extra.push(format!("mastering-display={}", display.in_decimals()));
                }
                if let Some((brightest, average)) = light {
                    extra.push(format!("content-light={brightest},{average}"));
                }
                if !extra.is_empty() {
                    set("svtav1-params", extra.join(":"));
                }
            }
            "libaom-av1" => {
                set(
                    "cpu-used",
                    number_preset(settings, encoder, AOM_PRESETS, 6, 8)?.to_string(),
                );
                if less {
                    set("lag-in-frames", "16".into());
                }
                set("row-mt", "1".into());
                if let Some(crf) = quality.crf(30.0) {
                    set("crf", whole(encoder, crf, 0, 63)?.to_string());
                }
            }
            _ => {
                lossless(encoder, settings)?;
                set("level", "3".into());
                set("slicecrc", "1".into());
                set("coder", "range_tab".into());
                if let Some(slices) = ffv1_slices(spec.format) {
                    set("slices", slices.to_string());
                }
            }
        }
        merge(&mut options, &settings.options);
        let seconds = settings.keyframe_seconds.unwrap_or(KEYFRAME_SECONDS);
        let interval = f64::from(frame_rate.0) / f64::from(frame_rate.1) * seconds;
        let clock = clock(encoder, spec.time_base);
        Ok(Recipe {
            clock,
            setup: Setup {
                format: spec.format,
                colour: colour(spec),
                sample_aspect: spec.sample_aspect,
                clock: match clock {
                    Clock::Source => spec.time_base,
                    Clock::Micros => TimeBase::MICROS,
                    Clock::Index => TimeBase::new(frame_rate.1, frame_rate.0),
                },
                frame_rate,
                keyframe_interval: match encoder {
                    "ffv1" => 1,
                    _ => interval.clamp(1.0, 1200.0) as u32,
                },
                // x265 and SVT-AV1 take theirs by name, above.
                threads: match encoder {
                    "libx265" | "libsvtav1" => 0,
                    _ => settings.threads,
                },
                bitrate: quality.bitrate(encoder).or_else(|| {
                    // VP8 knows quality only under a cap, and its own is far too low.
                    (encoder == "libvpx").then(|| generous(spec.format, frame_rate))
                }),
                ceiling: quality.ceiling(encoder),
            },
            options,
        })
    }
}

/// What the user asked rate control for.
enum Quality {
    /// This quality, or the codec's usual one.
    Constant(Option<f32>),
    /// This many bits in a second on average.
    Bits(u64),
    /// This quality, but no more bits than that.
    Capped(f32, u64),
}

impl Quality {
    fn of(settings: &EncodeSettings) -> Self {
        match (settings.crf, settings.bitrate) {
            (crf, None) => Quality::Constant(crf),
            (None, Some(bits)) => Quality::Bits(bits),
            (Some(crf), Some(bits)) => Quality::Capped(crf, bits),
        }
    }

    fn crf(&self, usual: f32) -> Option<f32> {
        match self {
            Quality::Constant(crf) => Some(crf.unwrap_or(usual)),
            Quality::Bits(_) => None,
            Quality::Capped(crf, _) => Some(*crf),
        }
    }

    /// libvpx and libaom take the cap of a quality as the bitrate.
    fn bitrate(&self, encoder: &str) -> Option<u64> {
        match self {
            Quality::Constant(_) => None,
            Quality::Bits(bits) => Some(*bits),
            Quality::Capped(_, bits) => {
                matches!(encoder, "libvpx" | "libvpx-vp9" | "libaom-av1").then_some(*bits)
            }
        }
    }

    fn ceiling(&self, encoder: &str) -> Option<u64> {
        match self {
            Quality::Capped(_, bits) => {
                (!matches!(encoder, "libvpx" | "libvpx-vp9" | "libaom-av1")).then_some(*bits)
            }
            _ => None,
        }
    }
}

fn unsupported(what: String, hint: &str) -> Error {
    Error::Unsupported {
        what,
        hint: Some(hint.to_owned()),
    }
}

fn range(encoder: &str, crf: f32, low: f32, high: f32) -> Result<f32> {
    if (low..=high).contains(&crf) {
        return Ok(crf);
    }
    Err(unsupported(
        format!("{encoder} takes no quality of {crf}"),
        &format!("choose a --crf from {low} (best) to {high}"),
    ))
}

fn whole(encoder: &str, crf: f32, low: u8, high: u8) -> Result<f32> {
    let crf = range(encoder, crf, f32::from(low), f32::from(high))?;
    if crf.fract() == 0.0 {
        return Ok(crf);
    }
    Err(unsupported(
        format!("{encoder} takes no quality of {crf}"),
        &format!("choose a whole --crf from {low} (best) to {high}"),
    ))
}

fn named_preset(settings: &EncodeSettings, encoder: &str) -> Result<String> {
    let preset = settings.preset.as_deref().unwrap_or("medium");
    if PRESETS.contains(&preset) {
        return Ok(preset.to_owned());
    }
    Err(unsupported(
        format!("{encoder} has no preset {preset:?}"),
        &format!("choose one of {}", PRESETS.join(", ")),
    ))
}

fn number_preset(
    settings: &EncodeSettings,
    encoder: &str,
    table: [u8; 10],
    usual: u8,
    highest: u8,
) -> Result<u8> {
    let Some(preset) = settings.preset.as_deref() else {
        return Ok(usual);
    };
    if let Some(index) = PRESETS.iter().position(|name| *name == preset) {
        return Ok(table[index]);
    }
    preset
        .parse()
        .ok()
        .filter(|number| *number <= highest)
        .ok_or_else(|| {
            unsupported(
                format!("{encoder} has no preset {preset:?}"),
                &format!(
                    "choose a number from 0 (best) to {highest} (fastest), or one of {}",
                    PRESETS.join(", ")
                ),
            )
        })
}

fn lossless(encoder: &str, settings: &EncodeSettings) -> Result<()> {
    let refused = [
        ("--crf", settings.crf.is_some()),
        ("bitrate", settings.bitrate.is_some()),
        ("--preset", settings.preset.is_some()),
    ];
    match refused.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(unsupported(
            format!("{encoder} is lossless and takes no {name}"),
            &format!("leave out {name}, or choose another --codec"),
        )),
    }
}

/// FFV1 cuts a picture in a grid of slices, each with a checksum and a thread of its own. More of
/// them cost bits at every border. Of small and thin pictures libav knows better how few they allow.
fn ffv1_slices(format: PictureFormat) -> Option<u32> {
    if format.width.min(format.height) < 64 {
        None
    } else if format.width * format.height < 1280 * 720 {
        Some(4)
    } else {
        Some(16)
    }
}

/// More bits in a second than any quality needs: as many as the pictures have samples.
fn generous(format: PictureFormat, (rate, per): (u32, u32)) -> u64 {
    let second = format.samples() as f64 * f64::from(rate) / f64::from(per);
    // libvpx counts in thousands, in 32 bits, and multiplies.
    (second as u64).clamp(1_000_000, 1_000_000_000)
}

/// The user's options over ours; lists of parameters are joined, theirs last.
fn merge(options: &mut Vec<(String, String)>, theirs: &[(String, String)]) {
    for (key, value) in theirs {
        match options.iter_mut().find(|(ours, _)| ours == key) {
            Some((_, list)) if key.ends_with("-params") => {
                list.push(':');
                list.push_str(value);
            }
            Some((_, ours)) => ours.clone_from(value),
            None => options.push((key.clone(), value.clone())),
        }
    }
}

/// The source's, kept where encoders can take it: it steers rate control and keyframes, while the
/// timestamps say what is shown when. 25 where nothing is known.
fn frame_rate(spec: &PictureSpec) -> (u32, u32) {
    const LIMIT: u32 = 240;
    let (mut num, mut den) = match spec.frame_rate {
        Some((num, den)) if num > 0 && den > 0 => (num, den),
        _ => (25, 1),
    };
    // Parts that some encoder multiplies in 32 bits.
    while num > 1_000_000 || den > 1_000_000 {
        num = num.div_ceil(2);
        den = den.div_ceil(2);
    }
    if u64::from(num) > u64::from(LIMIT) * u64::from(den) {
        (LIMIT, 1)
    } else if num < den {
        (1, 1)
    } else {
        (num, den)
    }
}

fn clock(encoder: &str, base: TimeBase) -> Clock {
    match encoder {
        // x265 and SVT-AV1 take the clock for the frame rate, and have no use for the rest.
        "libx265" | "libsvtav1" => Clock::Index,
        // libvpx and libaom count in ten millionths of a second, and want ticks under a second.
        "libvpx" | "libvpx-vp9" | "libaom-av1" if base.den > 1_000_000 || base.num > base.den => {
            Clock::Micros
        }
        // H.264 counts fields in 32 bits.
        "libx264" if base.den > u32::MAX / 2 => Clock::Micros,
        _ => Clock::Source,
    }
}

/// The instructions that x264 is held to, where it would choose others.
///
/// Its AVX-512 code for the look-ahead with B-frames reads past the end of a row where the picture's
/// width is no multiple of 16 macroblocks, and so codes the same frames into bytes that depend on
/// what the memory held before (seen with x264 0.164). AVX2 gives the same bytes each time, and on
/// each machine.
fn x264_instructions() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx512f") {
        return Some("AVX2,BMI2,LZCNT,FMA3");
    }
    None
}

/// Codecs refuse a matrix of RGB where chroma is subsampled, and it can mean nothing there.
fn colour(spec: &PictureSpec) -> nervure_frame::Colour {
    let mut colour = spec.colour;
    if colour.matrix == 0 && spec.format.chroma != Chroma::C444 {
        colour.matrix = 2;
    }
    colour
}
