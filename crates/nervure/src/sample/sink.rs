//! Where rendered frames go.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context, Result};
use nervure_frame::{Colour, Frame, TimeBase};
use nervure_media::scenes::SceneSpec;
use nervure_media::{
    Codec, EncodeSettings, Encoder, MuxOptions, Muxer, Output, PictureSpec, Y4mHeader, Y4mWriter,
};

use super::sound::Sound;
use super::{SampleArgs, ending};
use crate::console::fail;

/// A video in the making.
pub(super) enum Sink {
    Y4m(Y4mWriter<File>),
    Coded(Box<Coded>),
}

pub(super) struct Coded {
    codec: Codec,
    encoder: Encoder,
    muxer: Muxer,
    sound: Option<Sound>,
}

impl Sink {
    /// Opens what `output` asks for, to be written to `part`, or to standard output.
    pub(super) fn open(
        args: &SampleArgs,
        output: &Path,
        part: Option<&Path>,
        spec: &SceneSpec,
        sound: Option<Sound>,
    ) -> Result<Sink> {
        let container = ending(output);
        let (Some(part), true) = (part, container.as_deref() != Some("y4m")) else {
            return Sink::y4m(args, part, spec);
        };
        let codec = match (args.codec, container.as_deref()) {
            (Some(codec), Some(_)) => codec,
            (None, Some("mkv")) => Codec::Ffv1,
            (None, Some("webm")) => Codec::Vp9,
            (None, Some(_)) => Codec::H264,
            (_, None) => {
                return Err(fail(
                    format!("{} has no ending to tell its container", output.display()),
                    "end its name in .mkv, .mp4, .webm or .y4m",
                ));
            }
        };
        let (rate, per) = spec.frame_rate;
        let settings = EncodeSettings {
            codec,
            crf: args.crf,
            ..EncodeSettings::default()
        };
        let pictures = PictureSpec {
            colour: Colour::BT709,
            frame_rate: Some(spec.frame_rate),
            ..PictureSpec::new(spec.format, TimeBase::new(per, rate))
        };
        let encoder = Encoder::open(&settings, &pictures)?;
        let options = MuxOptions {
            container,
            ..MuxOptions::default()
        };
        let source = sound.as_ref().map(Sound::demuxer);
        let muxer = Muxer::create(Output::from(part), &encoder.track(), source, &options)?;
        if sound.is_some() {
            Sound::check(&muxer, output)?;
        }
        Ok(Sink::Coded(Box::new(Coded {
            codec,
            encoder,
            muxer,
            sound,
        })))
    }

    fn y4m(args: &SampleArgs, part: Option<&Path>, spec: &SceneSpec) -> Result<Sink> {
        for (given, option) in [
            (args.codec.is_some(), "--codec"),
            (args.crf.is_some(), "--crf"),
            (args.sound, "--sound"),
        ] {
            if given {
                return Err(fail(
                    format!("Y4M is uncompressed pictures and takes no {option}"),
                    "write to a .mkv file, or leave it out",
                ));
            }
        }
        let header = Y4mHeader {
            frame_rate: Some(spec.frame_rate),
            colour: Colour::BT709,
            ..Y4mHeader::new(spec.format)
        };
        let file = match part {
            Some(part) => {
                File::create(part).with_context(|| format!("cannot create {}", part.display()))?
            }
            // Rust's own handle would look for line ends in every block of samples.
            None => {
                let stdout = io::stdout().as_fd().try_clone_to_owned();
                File::from(stdout.context("cannot write standard output")?)
            }
        };
        Ok(Sink::Y4m(Y4mWriter::new(file, &header)?))
    }

    /// What the frames are compressed with.
    pub(super) fn codec(&self) -> Option<Codec> {
        match self {
            Sink::Y4m(_) => None,
            Sink::Coded(coded) => Some(coded.codec),
        }
    }

    /// Writes the next frame.
    pub(super) fn write(&mut self, frame: Frame) -> Result<()> {
        match self {
            Sink::Y4m(writer) => writer.write(&frame)?,
            Sink::Coded(coded) => {
                let time = frame.pts.seconds();
                if let Some(sound) = &mut coded.sound {
                    sound.write(&mut coded.muxer, time)?;
                }
                coded.encoder.push(frame)?;
                while let Some(packet) = coded.encoder.pull()? {
                    coded.muxer.write_video(packet)?;
                }
            }
        }
        Ok(())
    }

    /// Writes what is left and closes the file.
    pub(super) fn finish(self) -> Result<()> {
        match self {
            Sink::Y4m(writer) => drop(writer.finish()?),
            Sink::Coded(mut coded) => {
                coded.encoder.flush()?;
                while let Some(packet) = coded.encoder.pull()? {
                    coded.muxer.write_video(packet)?;
                }
                if let Some(sound) = &mut coded.sound {
                    sound.write(&mut coded.muxer, f64::INFINITY)?;
                }
                coded.muxer.finish()?;
            }
        }
        Ok(())
    }
}
