//! In one pass: pipes, devices, uncompressed output and no output at all.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Context, Result};
use crossbeam_channel::{Receiver, unbounded};
use nervure_engine::pipeline::{self, Flow};
use nervure_frame::Frame;
use nervure_media::{
    Encoder, MuxOptions, Muxer, Output, Packet, RawWriter, Reader, Y4mHeader, Y4mWriter,
};

use super::plan::{Plan, Target, Uncompressed};
use super::source::Pictures;
use super::{Done, stages};
use crate::console::{Progress, fail};
use crate::output::Pending;
use crate::signals::Signals;

/// Runs the whole job in one pass.
pub(crate) fn run(
    plan: &Plan,
    mut reader: Reader,
    mux: &MuxOptions,
    signals: &Signals,
    progress: &mut Progress,
) -> Result<Done> {
    let pending = plan.target.path().map(Pending::new);
    let (others_in, others) = unbounded();
    let carries_others = matches!(plan.target, Target::File { .. } | Target::Stream { .. });
    reader.keep_others(carries_others);
    let mut sink = Sink::open(
        plan,
        &reader,
        mux,
        pending.as_ref().map(Pending::part),
        others,
    )?;
    let mut pictures = Pictures::new(reader, plan);
    pictures.begin(plan)?;
    let mut frames = 0;
    let source = || -> Result<Option<Frame>> {
        if signals.stop() {
            return Ok(None);
        }
        let frame = pictures.next()?;
        for packet in pictures.take_others() {
            // The sink may be gone; then its own error is the one to tell.
            let _ = others_in.send(packet);
        }
        Ok(frame)
    };
    let (mut stages, tally) = stages(plan)?;
    pipeline::run(source, &mut stages, |mut frame| {
        frame.pts.ticks -= plan.origin;
        sink.write(frame)?;
        frames += 1;
        progress.advance();
        Ok::<_, anyhow::Error>(Flow::More)
    })?;
    if frames == 0 && !signals.stop() {
        return Err(fail(
            "no frame was decoded",
            "check the source, --start and --duration",
        ));
    }
    sink.finish()?;
    if let Some(pending) = pending {
        pending.finish()?;
    }
    let mut done = Done {
        frames,
        interrupted: signals.stop(),
        tally,
        ..Done::default()
    };
    done.add(pictures.damage());
    Ok(done)
}

/// Where frames end.
enum Sink {
    Null,
    Y4m(Y4mWriter<File>),
    Raw(RawWriter<File>),
    Coded {
        encoder: Box<Encoder>,
        muxer: Box<Muxer>,
        others: Receiver<Packet>,
    },
}

impl Sink {
    fn open(
        plan: &Plan,
        reader: &Reader,
        mux: &MuxOptions,
        part: Option<&Path>,
        others: Receiver<Packet>,
    ) -> Result<Sink> {
        Ok(match &plan.target {
            Target::Null => Sink::Null,
            Target::Uncompressed {
                kind: Uncompressed::Y4m,
                ..
            } => {
                let header = Y4mHeader {
                    frame_rate: plan.spec.frame_rate,
                    sample_aspect: plan.spec.sample_aspect,
                    colour: plan.spec.colour,
                    ..Y4mHeader::new(plan.spec.format)
                };
                Sink::Y4m(Y4mWriter::new(bytes(part)?, &header)?)
            }
            Target::Uncompressed {
                kind: Uncompressed::Raw,
                ..
            } => Sink::Raw(RawWriter::new(bytes(part)?, plan.spec.format)),
            Target::File { .. } | Target::Stream { .. } => {
                let encoder = Encoder::open(&plan.encode, &plan.spec)?;
                let output = part.map_or(Output::Stdout, Output::from);
                let muxer = Muxer::create(output, &encoder.track(), reader.demuxer(), mux)?;
                Sink::Coded {
                    encoder: Box::new(encoder),
                    muxer: Box::new(muxer),
                    others,
                }
            }
        })
    }

    fn write(&mut self, frame: Frame) -> Result<()> {
        match self {
            Sink::Null => {}
            Sink::Y4m(writer) => writer.write(&frame)?,
            Sink::Raw(writer) => writer.write(&frame)?,
            Sink::Coded {
                encoder,
                muxer,
                others,
            } => {
                for packet in others.try_iter() {
                    muxer.write_other(packet)?;
                }
                encoder.push(frame)?;
                while let Some(packet) = encoder.pull()? {
                    muxer.write_video(packet)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Sink::Null => {}
            Sink::Y4m(writer) => drop(writer.finish()?),
            Sink::Raw(writer) => drop(writer.finish()?),
            Sink::Coded {
                mut encoder,
                mut muxer,
                others,
            } => {
                encoder.flush()?;
                for packet in others.try_iter() {
                    muxer.write_other(packet)?;
                }
                while let Some(packet) = encoder.pull()? {
                    muxer.write_video(packet)?;
                }
                muxer.finish()?;
            }
        }
        Ok(())
    }
}

/// The file to write, or standard output.
fn bytes(part: Option<&Path>) -> Result<File> {
    match part {
        Some(path) => {
            File::create(path).with_context(|| format!("cannot create {}", path.display()))
        }
        // Rust's own handle would look for line ends in every block of samples.
        None => {
            let stdout = io::stdout().as_fd().try_clone_to_owned();
            Ok(File::from(stdout.context("cannot write standard output")?))
        }
    }
}
