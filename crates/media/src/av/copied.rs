//! What a muxer copies from a source beside packets.

use std::ffi::c_int;
use std::ptr;
use std::slice;

use super::input::{InputContext, Stream};
use super::output::{Chapter, Tags};
use super::parameters::Parameters;
use super::{ffi, lossy, time_base};

/// Tags of the whole source.
pub(crate) fn tags(source: &InputContext) -> Tags {
    // SAFETY: the dictionary lives as long as the source.
    unsafe { read((*source.as_ptr()).metadata) }
}

/// Tags of one stream.
pub(crate) fn stream_tags(stream: Stream<'_>) -> Tags {
    // SAFETY: the dictionary lives as long as the stream.
    unsafe { read((*stream.as_ptr()).metadata) }
}

/// The chapters whose clock makes sense.
pub(crate) fn chapters(source: &InputContext) -> Vec<Chapter> {
    // SAFETY: libav keeps `nb_chapters` pointers to valid chapters there.
    unsafe {
        let context = &*source.as_ptr();
        if context.chapters.is_null() {
            return Vec::new();
        }
        slice::from_raw_parts(context.chapters, context.nb_chapters as usize)
            .iter()
            .filter_map(|chapter| {
                let chapter = &**chapter;
                Some(Chapter {
                    id: chapter.id as _,
                    base: time_base(chapter.time_base)?,
                    start: chapter.start,
                    end: chapter.end,
                    tags: read(chapter.metadata),
                })
            })
            .collect()
    }
}

/// What the stream is for: default, forced, commentary and so on.
pub(crate) fn disposition(stream: Stream<'_>) -> c_int {
    // SAFETY: the stream outlives the call.
    unsafe { (*stream.as_ptr()).disposition }
}

/// The picture of a stream that is one, such as cover art.
pub(crate) fn picture(stream: Stream<'_>) -> Option<Vec<u8>> {
    // SAFETY: the packet belongs to the stream and holds `size` bytes, or none.
    unsafe {
        let packet = &(*stream.as_ptr()).attached_pic;
        let size = usize::try_from(packet.size).ok().filter(|size| *size > 0)?;
        (!packet.data.is_null()).then(|| slice::from_raw_parts(packet.data, size).to_vec())
    }
}

/// What decoders must know.
pub(crate) fn parameters(stream: Stream<'_>) -> Parameters {
    Parameters::copy_of(stream.parameters())
}

/// Side data that holds for the whole stream. Newer libavs keep it in the parameters.
pub(crate) fn side_data(stream: Stream<'_>) -> Vec<(ffi::AVPacketSideDataType, Vec<u8>)> {
    #[cfg(ffmpeg_6_1)]
    {
        let _ = stream;
        Vec::new()
    }
    #[cfg(not(ffmpeg_6_1))]
    // SAFETY: the stream holds that many blocks, each of its own size.
    unsafe {
        let stream = &*stream.as_ptr();
        if stream.side_data.is_null() {
            return Vec::new();
        }
        let count = usize::try_from(stream.nb_side_data).unwrap_or(0);
        slice::from_raw_parts(stream.side_data, count)
            .iter()
            .filter(|block| !block.data.is_null())
            .map(|block| {
                let bytes = slice::from_raw_parts(block.data, block.size);
                (block.type_, bytes.to_vec())
            })
            .collect()
    }
}

/// Samples of sound in a packet of that many bytes, where the codec tells.
pub(crate) fn packet_samples(parameters: &Parameters, bytes: usize) -> Option<i64> {
    let bytes = c_int::try_from(bytes).ok()?;
    // SAFETY: the parameters are valid and are only read, though libav's signature does not say so.
    let samples =
        unsafe { ffi::av_get_audio_frame_duration2(parameters.as_ptr().cast_mut(), bytes) };
    (samples > 0).then_some(i64::from(samples))
}

/// # Safety
/// The dictionary is valid or null.
unsafe fn read(dictionary: *const ffi::AVDictionary) -> Tags {
    let mut tags = Tags::new();
    let mut entry = ptr::null();
    // SAFETY: an empty key with this flag walks over all entries, each of which lives as long as the
    // dictionary.
    unsafe {
        loop {
            entry = ffi::av_dict_get(dictionary, c"".as_ptr(), entry, ffi::AV_DICT_IGNORE_SUFFIX);
            let Some(found) = entry.as_ref() else {
                return tags;
            };
            if let (Some(key), Some(value)) = (lossy(found.key), lossy(found.value)) {
                tags.push((key, value));
            }
        }
    }
}
