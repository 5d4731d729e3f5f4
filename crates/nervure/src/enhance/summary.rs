//! What was done, for people and for machines.

use serde::Serialize;

use super::realtime::RealtimeSummary;
use crate::console::say;

/// The account of one run. A stable interface: keys are added, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// As the user named it.
    pub(crate) input: String,
    /// Where the result is; `-` for standard output, null when it was thrown away.
    pub(crate) output: Option<String>,
    /// Frames in the result.
    pub(crate) frames: u64,
    /// Of those, how many an earlier run had finished.
    pub(crate) resumed_frames: u64,
    /// Sizes and formats of source and result.
    pub(crate) source: Picture,
    /// See `source`.
    pub(crate) result: Picture,
    /// How new samples were made.
    pub(crate) upscaler: String,
    /// Which tiers did so, and what came late; null unless asked for real time.
    pub(crate) realtime: Option<RealtimeSummary>,
    /// What mended damaged pictures: `motion`, or a model; null where nothing did.
    pub(crate) recover: Option<String>,
    /// A new picture's weight where still parts were kept from flickering; null where they were not.
    pub(crate) smooth: Option<f64>,
    /// Frames that were enhanced though damaged.
    pub(crate) damaged_frames: u64,
    /// Packets that could not be decoded at all.
    pub(crate) lost_packets: u64,
    /// Timestamps that were missing, repeated or went back, and were mended.
    pub(crate) mended_timestamps: u64,
    /// Interlaced frames that were deinterlaced.
    pub(crate) deinterlaced_frames: u64,
    /// What happened to the other streams.
    pub(crate) streams: Vec<StreamSummary>,
    /// Whether Ctrl-C ended the job early; the result is playable up to there.
    pub(crate) interrupted: bool,
    /// Wall time of this run.
    pub(crate) seconds: f64,
    /// Frames of this run a second.
    pub(crate) frames_per_second: f64,
    /// Seconds of video a second; null when the frame rate is not known.
    pub(crate) speed: Option<f64>,
}

/// One side of the work.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    /// In luma samples.
    pub(crate) width: usize,
    /// In luma samples.
    pub(crate) height: usize,
    /// `4:2:0` and the like, with the bit depth.
    pub(crate) format: String,
    /// libav's name of the codec; null for uncompressed frames.
    pub(crate) codec: Option<String>,
}

/// One stream that was carried along.
#[derive(Debug, Serialize)]
pub(crate) struct StreamSummary {
    /// Its number in the source.
    pub(crate) index: usize,
    /// `audio`, `subtitle`, …
    pub(crate) kind: String,
    /// Its codec in the source.
    pub(crate) codec: String,
    /// `copied`, `converted` or `dropped`, and why.
    pub(crate) action: String,
}

impl Summary {
    /// Tells a person.
    pub(crate) fn say(&self) {
        let output = self.output.as_deref().unwrap_or("nothing");
        let end = if self.interrupted {
            " (interrupted; playable up to there)"
        } else {
            ""
        };
        say(&format!(
            "{output}: {} frames, {}x{} to {}x{}, {:.1} s, {:.1} fps{}{end}",
            self.frames,
            self.source.width,
            self.source.height,
            self.result.width,
            self.result.height,
            self.seconds,
            self.frames_per_second,
            self.speed
                .map(|speed| format!(" ({speed:.2}x)"))
                .unwrap_or_default(),
        ));
        if let Some(realtime) = &self.realtime {
            say(&format!("  {}", realtime.words()));
        }
        let counts = [
            (self.resumed_frames, "from an earlier run"),
            (self.damaged_frames, "damaged"),
            (self.deinterlaced_frames, "deinterlaced"),
            (self.mended_timestamps, "with a mended timestamp"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            say(&format!(
                "  {count} {} {what}",
                if count == 1 { "frame" } else { "frames" }
            ));
        }
        if self.lost_packets > 0 {
            say(&format!(
                "  {} packets could not be decoded",
                self.lost_packets
            ));
        }
        for stream in self
            .streams
            .iter()
            .filter(|stream| stream.action != "copied")
        {
            say(&format!(
                "  {} stream {} ({}): {}",
                stream.kind, stream.index, stream.codec, stream.action
            ));
        }
    }
}
