//! A beep and a flash at every full second: what is seen and heard together shows whether a
//! program keeps sound and picture in step.

use std::path::Path;

use anyhow::Result;
use nervure_frame::{Frame, Plane, Planes, Sample};
use nervure_media::{Action, Demuxer, Input, Muxer, OpenOptions, StreamKind};

use crate::console::fail;

/// How long the beep and the flash last, in seconds.
const BEEP: f64 = 0.1;
/// Sound is written so far ahead of the picture.
const AHEAD: f64 = 0.5;

/// The sound, made by libav's own generator as uncompressed samples.
pub(super) struct Sound {
    demuxer: Demuxer,
    stream: usize,
    /// Until when it has been written, in seconds.
    written: f64,
    ended: bool,
}

impl Sound {
    /// The sound for a video of that length.
    pub(super) fn open(seconds: f64) -> Result<Sound> {
        // The generator's graph needs a picture beside the sound; nobody will see it.
        let graph = format!(
            "color=size=16x16:rate=1:duration={seconds}[out0];\
             aevalsrc=exprs=0.25*sin(2*PI*880*t)*lt(mod(t\\,1)\\,{BEEP}):\
             sample_rate=48000:duration={seconds},aformat=sample_fmts=s16[out1]"
        );
        let input = Input::Format {
            format: "lavfi".into(),
            name: graph,
        };
        let demuxer = Demuxer::open(&input, &OpenOptions::default())?;
        let sound = demuxer
            .info()
            .others
            .iter()
            .find(|stream| stream.kind == StreamKind::Audio);
        let stream = sound.map(|stream| stream.index).ok_or_else(|| {
            fail(
                "this FFmpeg cannot make a sound",
                "leave out --sound, or install an FFmpeg with the lavfi device",
            )
        })?;
        Ok(Sound {
            demuxer,
            stream,
            written: 0.0,
            ended: false,
        })
    }

    /// Where the packets come from.
    pub(super) fn demuxer(&self) -> &Demuxer {
        &self.demuxer
    }

    /// Refuses a container that has no place for the sound.
    pub(super) fn check(muxer: &Muxer, output: &Path) -> Result<()> {
        for stream in &muxer.plan().streams {
            if let (StreamKind::Audio, Action::Drop { reason }) = (stream.kind, &stream.action) {
                return Err(fail(
                    format!("{} cannot hold the sound: {reason}", output.display()),
                    "end its name in .mkv, or leave out --sound",
                ));
            }
        }
        Ok(())
    }

    /// Writes what is heard until a little after `time`.
    pub(super) fn write(&mut self, muxer: &mut Muxer, time: f64) -> Result<()> {
        while !self.ended && self.written < time + AHEAD {
            let Some(packet) = self.demuxer.next()? else {
                self.ended = true;
                break;
            };
            if packet.stream() == self.stream {
                if let Some(pts) = packet.pts() {
                    self.written = pts as f64 * packet.time_base().seconds();
                }
                muxer.write_other(packet)?;
            }
        }
        Ok(())
    }
}

/// Whitens a square in the lower right corner while the beep lasts, and darkens it otherwise.
pub(super) fn flash(frame: &mut Frame) {
    let time = frame.pts.seconds();
    // A frame that begins a hair before the second still belongs to it.
    let on = (time + 1e-6).fract() < BEEP;
    let side = (frame.format().height / 10).max(1);
    let shift = frame.chroma.shift();
    match &mut frame.planes {
        Planes::Eight(planes) => square(planes, side, shift, if on { 235 } else { 16 }, 128),
        Planes::Ten(planes) => square(planes, side, shift, if on { 940 } else { 64 }, 512),
    }
}

fn square<T: Sample>(
    planes: &mut [Plane<T>; 3],
    side: usize,
    shift: (u32, u32),
    luma: T,
    neutral: T,
) {
    for (index, plane) in planes.iter_mut().enumerate() {
        let (across, down) = if index == 0 { (0, 0) } else { shift };
        let (wide, tall) = ((side >> across).max(1), (side >> down).max(1));
        let value = if index == 0 { luma } else { neutral };
        let (left, top) = (
            plane.width().saturating_sub(wide),
            plane.height().saturating_sub(tall),
        );
        for y in top..plane.height() {
            plane.row_mut(y)[left..].fill(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase, Timestamp};

    #[test]
    fn the_corner_flashes_at_every_full_second() {
        let format = PictureFormat::new(40, 30, Chroma::C420, BitDepth::Eight);
        let corner = |ticks: i64| {
            let pts = Timestamp::new(ticks, TimeBase::new(1001, 30_000));
            let mut frame = Frame::new(format, pts);
            flash(&mut frame);
            let planes = frame.planes.eight().unwrap();
            (
                planes[0].row(29)[39],
                planes[0].row(0)[0],
                planes[1].row(14)[19],
            )
        };
        assert_eq!(corner(0), (235, 0, 128));
        assert_eq!(corner(2), (235, 0, 128));
        assert_eq!(corner(3).0, 16);
        assert_eq!((corner(29).0, corner(30).0, corner(31).0), (16, 235, 235));
    }

    #[test]
    fn tiny_pictures_flash_too() {
        for depth in [BitDepth::Eight, BitDepth::Ten] {
            let format = PictureFormat::new(1, 1, Chroma::C420, depth);
            let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
            flash(&mut frame);
            assert_eq!(frame.format(), format);
        }
    }
}
