//! Sources that can be read only once are put in a file first: so they have a digest, and work on them
//! can be gone on with.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use nervure_media::{
    Codec, EncodeSettings, Encoder, Input, MuxOptions, Muxer, OpenOptions, Output, PictureSpec,
    Reader,
};

use crate::{Error, Result};

/// Copies a stream of bytes, such as standard input, into a file. When `stop` says so before the end,
/// or at it, there is no file: whoever ended us may have ended the stream too, and half of it looks
/// like all of it.
pub fn spool(mut from: impl Read, to: &Path, stop: &dyn Fn() -> bool) -> Result<()> {
    whole(to, |part| {
        let written = File::create(part).and_then(|mut file| {
            let mut bytes = vec![0; CHUNK];
            loop {
                let count = match from.read(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    count => count?,
                };
                if stop() {
                    return Err(io::Error::other("interrupted"));
                }
                if count == 0 {
                    return file.sync_all();
                }
                file.write_all(&bytes[..count])?;
            }
        });
        written.map_err(Error::io(format!("write {}", to.display())))
    })
}

/// Bytes of a stream that are copied at a time.
const CHUNK: usize = 1 << 16;

/// Records up to `seconds` of a capture device, without loss, until `stop` says so.
pub fn record(
    input: &Input,
    options: &OpenOptions,
    seconds: f64,
    to: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let mut reader = Reader::open(input, options)?;
    let video = reader.info().video.clone();
    let settings = EncodeSettings {
        codec: Codec::Ffv1,
        ..EncodeSettings::default()
    };
    let spec = PictureSpec {
        colour: video.colour,
        sample_aspect: video.sample_aspect,
        frame_rate: video.frame_rate,
        rotation: video.rotation,
        ..PictureSpec::new(video.format, video.time_base)
    };
    let mut encoder = Encoder::open(&settings, &spec)?;
    let mux = MuxOptions {
        container: Some("mkv".into()),
        ..MuxOptions::default()
    };
    whole(to, |part| {
        let mut muxer = Muxer::create(Output::from(part), &encoder.track(), None, &mux)?;
        let mut first = None;
        while let Some(frame) = reader.next()? {
            let since = frame.pts.seconds() - *first.get_or_insert(frame.pts.seconds());
            if since >= seconds || stop() {
                break;
            }
            encoder.push(frame)?;
            while let Some(packet) = encoder.pull()? {
                muxer.write_video(packet)?;
            }
        }
        encoder.flush()?;
        while let Some(packet) = encoder.pull()? {
            muxer.write_video(packet)?;
        }
        muxer.finish()?;
        Ok(())
    })
}

/// The file has its name only when it is whole.
fn whole(to: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let part = to.with_extension("part");
    let writing = || Error::io(format!("write {}", to.display()));
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(writing())?;
    }
    let written = write(&part).and_then(|()| fs::rename(&part, to).map_err(writing()));
    written.inspect_err(|_| {
        // It may never have been created.
        let _ = fs::remove_file(&part);
    })
}
