//! What a container says about itself, as plain data.

use std::ffi::c_int;

use nervure_frame::{BitDepth, Chroma, PictureFormat, Rotation, TimeBase, Timestamp};

use crate::av::input::{InputContext, Stream};
use crate::av::pixels::Pixels;
use crate::av::{self, decode, ffi, frame_in, side_data};
use crate::source::{Hdr, SourceInfo, StreamInfo, StreamKind, VideoInfo};
use crate::{Error, OpenOptions, Result};

/// No side of a picture is longer.
pub(crate) const MAX_SIDE: usize = 16_384;
/// No picture has more luma samples.
pub(crate) const MAX_SAMPLES: usize = 1 << 28;

/// What a stream carries.
pub(crate) fn kind_of(stream: Stream<'_>) -> StreamKind {
    match stream.kind() {
        ffi::AVMediaType::AUDIO => StreamKind::Audio,
        ffi::AVMediaType::SUBTITLE => StreamKind::Subtitle,
        ffi::AVMediaType::ATTACHMENT => StreamKind::Attachment,
        ffi::AVMediaType::VIDEO if stream.is_picture() => StreamKind::Picture,
        ffi::AVMediaType::VIDEO => StreamKind::Video,
        _ => StreamKind::Data,
    }
}

/// The stream to decode: one that can be, is marked as default, and is the largest.
fn choose(context: &InputContext, name: &str, options: &OpenOptions) -> Result<usize> {
    if let Some(index) = options.stream {
        return match context.stream(index).map(kind_of) {
            Some(StreamKind::Video | StreamKind::Picture) => Ok(index),
            _ => Err(Error::Unsupported {
                what: format!("stream {index} of {name} is not video"),
                hint: None,
            }),
        };
    }
    context
        .streams()
        .filter(|stream| kind_of(*stream) == StreamKind::Video)
        .max_by_key(|stream| {
            let parameters = stream.parameters();
            let area = i64::from(parameters.width) * i64::from(parameters.height);
            (
                decode::has_decoder(*stream),
                stream.is_default(),
                area,
                // Of equals the first.
                std::cmp::Reverse(stream.index()),
            )
        })
        .map(Stream::index)
        .ok_or_else(|| Error::NoVideo { name: name.into() })
}

/// Refuses pictures too large to hold and those without any samples.
pub(crate) fn check_size(width: usize, height: usize, name: &str) -> Result<()> {
    if width == 0 || height == 0 {
        return Err(Error::Unsupported {
            what: format!("the video in {name} has no size: {width}x{height}"),
            hint: Some("the file is damaged or its codec is not understood".into()),
        });
    }
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_SAMPLES {
        return Err(Error::Unsupported {
            what: format!("the video in {name} is {width}x{height}, which is too large"),
            hint: Some(format!("at most {MAX_SIDE} samples a side are supported")),
        });
    }
    Ok(())
}

/// What a container holds, if there is video in it that can be decoded.
pub(crate) fn describe(
    context: &InputContext,
    name: &str,
    options: &OpenOptions,
) -> Result<SourceInfo> {
    let index = choose(context, name, options)?;
    let stream = context
        .stream(index)
        .ok_or_else(|| Error::NoVideo { name: name.into() })?;
    let others = context
        .streams()
        .filter(|stream| stream.index() != index)
        .map(|stream| StreamInfo {
            index: stream.index(),
            kind: kind_of(stream),
            codec: stream.codec_name(),
            language: stream.tag(c"language"),
            title: stream.tag(c"title"),
        })
        .collect();
    Ok(SourceInfo {
        name: name.into(),
        container: context.format_name(),
        duration: context.duration(),
        start: context
            .start()
            .map(|ticks| Timestamp::new(ticks, TimeBase::MICROS)),
        broadcast_clock: context.has_broadcast_clock(),
        seekable: context.is_seekable(),
        video: describe_video(stream, context.duration(), name)?,
        others,
        chapters: context.chapters(),
    })
}

fn describe_video(
    stream: Stream<'_>,
    container_duration: Option<f64>,
    name: &str,
) -> Result<VideoInfo> {
    let parameters = stream.parameters();
    let codec = stream.codec_name();
    if !decode::has_decoder(stream) {
        return Err(Error::Unsupported {
            what: format!("this FFmpeg has no decoder for the video in {name}, which is {codec}"),
            hint: Some("another build of FFmpeg may have one".into()),
        });
    }
    let side = |value: c_int| usize::try_from(value).unwrap_or(0);
    let (width, height) = (side(parameters.width), side(parameters.height));
    check_size(width, height, name)?;
    let base = stream.time_base().ok_or_else(|| Error::Unsupported {
        what: format!("the video in {name} has no clock"),
        hint: None,
    })?;
    // A demuxer may not know the pixel format; the first frame does.
    let pixels = Pixels::of(parameters.format);
    let (chroma, depth) = pixels
        .as_ref()
        .map_or((Chroma::C420, BitDepth::Eight), |pixels| {
            (pixels.chroma, pixels.depth)
        });
    let format = PictureFormat::new(width, height, chroma, depth);
    let seconds = stream
        .duration()
        .map(|ticks| ticks as f64 * base.seconds())
        .or(container_duration);
    let frame_rate = stream.frame_rate();
    let estimate = || {
        let (num, den) = frame_rate?;
        let frames = (seconds? * f64::from(num) / f64::from(den)).round();
        (1.0..1e15).contains(&frames).then_some(frames as u64)
    };
    let colour = frame_in::stream_colour(parameters, false);
    Ok(VideoInfo {
        stream: stream.index(),
        codec,
        format,
        source_pixels: av::pixels::name(parameters.format),
        converted: pixels.as_ref().is_some_and(|pixels| pixels.converted),
        time_base: base,
        start: stream.start(),
        frame_rate,
        frames: stream.frames().or_else(estimate),
        colour: pixels
            .as_ref()
            .map_or(colour, |pixels| pixels.colour(colour, colour, format)),
        sample_aspect: stream.sample_aspect().unwrap_or((1, 1)),
        rotation: stream
            .side_data(ffi::AVPacketSideDataType::DISPLAYMATRIX)
            .and_then(side_data::rotation)
            .unwrap_or(Rotation::NONE),
        interlaced: !matches!(
            parameters.field_order,
            ffi::AVFieldOrder::PROGRESSIVE | ffi::AVFieldOrder::UNKNOWN
        ),
        hdr: Hdr {
            mastering: stream
                .side_data(ffi::AVPacketSideDataType::MASTERING_DISPLAY_METADATA)
                .map(Into::into),
            light: stream
                .side_data(ffi::AVPacketSideDataType::CONTENT_LIGHT_LEVEL)
                .map(Into::into),
        },
    })
}
