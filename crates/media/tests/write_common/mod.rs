//! Material for the tests of writing: pictures and files made up here, nothing from outside.
#![allow(dead_code, clippy::unwrap_used, clippy::print_stderr)] // Tests: each uses its own part.

use std::path::Path;
use std::process::Command;

use nervure_frame::{
    BitDepth, Chroma, Frame, PictureFormat, Plane, Planes, Sample, TimeBase, Timestamp,
};
use nervure_media::{
    Demuxer, EncodeSettings, Encoder, Error, MuxOptions, MuxReport, Muxer, OpenOptions, Packet,
    PictureSpec, Reader, StreamKind, VideoTrack,
};

/// A picture that moves with `number`: a gradient with a drifting pattern, different in all planes.
pub(crate) fn frame(format: PictureFormat, number: i64, pts: Timestamp) -> Frame {
    let mut frame = Frame::new(format, pts);
    for plane in 0..3 {
        let (width, height) = format.plane_size(plane);
        for y in 0..height {
            let value = |x: usize| {
                let moved = x as i64 + number * (3 + plane as i64);
                let wave = ((moved * 5) ^ (y as i64 * 3)) & 63;
                16 + (x * 90 / width + y * 60 / height) as i64 + wave
            };
            match &mut frame.planes {
                Planes::Eight(planes) => {
                    for (x, sample) in planes[plane].row_mut(y).iter_mut().enumerate() {
                        *sample = value(x) as u8;
                    }
                }
                Planes::Ten(planes) => {
                    for (x, sample) in planes[plane].row_mut(y).iter_mut().enumerate() {
                        *sample = (value(x) * 4 + (x as i64 & 3)) as u16;
                    }
                }
            }
        }
    }
    frame
}

/// 4:2:0, 8 bits.
pub(crate) fn plain(width: usize, height: usize) -> PictureFormat {
    PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight)
}

/// Encodes frames at these times.
pub(crate) fn encode(
    settings: &EncodeSettings,
    spec: &PictureSpec,
    pts: &[i64],
) -> (VideoTrack, Vec<Packet>) {
    let mut encoder = Encoder::open(settings, spec).unwrap();
    let mut packets = Vec::new();
    for (number, ticks) in pts.iter().enumerate() {
        let pts = Timestamp::new(*ticks, spec.time_base);
        encoder
            .push(frame(spec.format, number as i64, pts))
            .unwrap();
        while let Some(packet) = encoder.pull().unwrap() {
            packets.push(packet);
        }
    }
    encoder.flush().unwrap();
    while let Some(packet) = encoder.pull().unwrap() {
        packets.push(packet);
    }
    (encoder.track(), packets)
}

/// A clock of thousandths.
pub(crate) const MILLIS: TimeBase = TimeBase { num: 1, den: 1000 };

/// Runs the ffmpeg command in `folder`; false, with a message, where there is none.
pub(crate) fn ffmpeg(folder: &Path, arguments: &str) -> bool {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-nostdin", "-fflags", "+bitexact"])
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output();
    match run {
        Err(_) => {
            eprintln!("skipped: no ffmpeg command");
            false
        }
        Ok(run) => {
            let said = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "ffmpeg {arguments}: {said}");
            true
        }
    }
}

/// What ffprobe says about a file.
pub(crate) fn ffprobe(file: &Path, arguments: &str) -> String {
    let run = Command::new("ffprobe")
        .args(["-v", "error"])
        .args(arguments.split_whitespace())
        .arg(file)
        .output()
        .unwrap();
    String::from_utf8_lossy(&run.stdout).into_owned()
}

/// A packet as it lies in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) pts: Option<Timestamp>,
    pub(crate) dts: Option<Timestamp>,
    pub(crate) data: Vec<u8>,
}

impl Stored {
    /// The time in whole milliseconds.
    pub(crate) fn millis(&self) -> i64 {
        self.pts.unwrap().rescale(MILLIS).ticks
    }
}

/// The packets of each stream of a file.
pub(crate) fn packets(file: &Path) -> Vec<Vec<Stored>> {
    let mut demuxer = Demuxer::open(&file.to_owned().into(), &OpenOptions::default()).unwrap();
    let mut streams = Vec::new();
    while let Some(packet) = demuxer.next().unwrap() {
        let at = |ticks| Timestamp::new(ticks, packet.time_base());
        streams.resize(streams.len().max(packet.stream() + 1), Vec::new());
        streams[packet.stream()].push(Stored {
            pts: packet.pts().map(at),
            dts: packet.dts().map(at),
            data: packet.data().to_vec(),
        });
    }
    streams
}

/// The numbers of the streams of one kind.
pub(crate) fn streams(file: &Path, kind: StreamKind) -> Vec<usize> {
    let demuxer = Demuxer::open(&file.to_owned().into(), &OpenOptions::default()).unwrap();
    let others = demuxer.info().others.iter();
    others
        .filter(|stream| stream.kind == kind)
        .map(|stream| stream.index)
        .collect()
}

/// What is encoded when `reader`'s frames are.
pub(crate) fn spec_of(reader: &Reader) -> PictureSpec {
    let video = &reader.info().video;
    PictureSpec {
        format: video.format,
        colour: video.colour,
        sample_aspect: video.sample_aspect,
        time_base: video.time_base,
        frame_rate: video.frame_rate,
        rotation: video.rotation,
        hdr: video.hdr.clone(),
    }
}

/// Decodes, encodes and writes a file with everything in it; gives the times of the frames too.
pub(crate) fn transcode(
    from: &Path,
    to: &Path,
    settings: &EncodeSettings,
    options: &MuxOptions,
) -> Result<(MuxReport, Vec<Timestamp>), Error> {
    let mut reader = Reader::open(&from.to_owned().into(), &OpenOptions::default())?;
    reader.keep_others(true);
    let mut encoder = Encoder::open(settings, &spec_of(&reader))?;
    let mut muxer = Muxer::create(to, &encoder.track(), reader.demuxer(), options)?;
    let mut times = Vec::new();
    loop {
        let frame = reader.next()?;
        let ended = frame.is_none();
        for packet in reader.take_others() {
            muxer.write_other(packet)?;
        }
        match frame {
            Some(frame) => {
                times.push(frame.pts);
                encoder.push(frame)?;
            }
            None => encoder.flush()?,
        }
        while let Some(packet) = encoder.pull()? {
            muxer.write_video(packet)?;
        }
        if ended {
            return Ok((muxer.finish()?, times));
        }
    }
}

/// Writes packets of video alone.
pub(crate) fn write(to: &Path, track: &VideoTrack, packets: Vec<Packet>) -> MuxReport {
    let mut muxer = Muxer::create(to, track, None, &MuxOptions::default()).unwrap();
    for packet in packets {
        muxer.write_video(packet).unwrap();
    }
    muxer.finish().unwrap()
}

/// The frames of a file.
pub(crate) fn frames(file: &Path) -> Vec<Frame> {
    let mut reader = Reader::open(&file.to_owned().into(), &OpenOptions::default()).unwrap();
    let frames = std::iter::from_fn(|| reader.next().unwrap()).collect();
    assert!(reader.damage().is_none(), "{:?}", reader.damage());
    frames
}

/// The mean square error of the luma samples, as decibels of the peak.
pub(crate) fn psnr(one: &Frame, two: &Frame) -> f64 {
    assert_eq!(one.format(), two.format());
    let sum: f64 = match (&one.planes, &two.planes) {
        (Planes::Eight(one), Planes::Eight(two)) => error(&one[0], &two[0]),
        (Planes::Ten(one), Planes::Ten(two)) => error(&one[0], &two[0]),
        _ => panic!("one depth"),
    };
    let peak = f64::from(one.format().depth.max());
    10.0 * (peak * peak / sum.max(1e-9)).log10()
}

fn error<T: Sample>(one: &Plane<T>, two: &Plane<T>) -> f64 {
    let samples = one.rows().flatten().zip(two.rows().flatten());
    let square = |(a, b): (&T, &T)| {
        let difference = f64::from(Into::<i32>::into(*a)) - f64::from(Into::<i32>::into(*b));
        difference * difference
    };
    samples.map(square).sum::<f64>() / (one.width() * one.height()) as f64
}
