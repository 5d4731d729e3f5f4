//! Threads between a source, its stages and a sink.

use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use nervure_frame::Frame;

use crate::{Error, Pull, Stage};

/// What a sink says after each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Send the next.
    More,
    /// Enough: end without an error.
    Stop,
}

/// Frames that may wait between two threads. Enough to smooth out a keyframe that decodes slowly
/// or an encoder that collects before it works; few, since at 4K each is 12 MB.
const QUEUE: usize = 2;

/// Runs frames from `source` through `stages` into `sink` until the source ends, the sink stops or
/// something fails.
///
/// The source and the stages each get a thread; the sink runs on the caller's. Queues are bounded,
/// so memory does not grow with length and the slowest part sets the pace. When source or stages
/// fail, the sink still gets every frame from before the failure, then the error is returned.
pub fn run<E>(
    mut source: impl FnMut() -> Result<Option<Frame>, E> + Send,
    stages: &mut [Box<dyn Stage>],
    mut sink: impl FnMut(Frame) -> Result<Flow, E>,
) -> Result<(), E>
where
    E: From<Error> + Send,
{
    thread::scope(|scope| {
        let (decoded_in, decoded) = bounded::<Result<Frame, E>>(QUEUE);
        let (enhanced_in, enhanced) = bounded::<Result<Frame, E>>(QUEUE);
        scope.spawn(move || {
            while let Some(item) = source().transpose() {
                let failed = item.is_err();
                if decoded_in.send(item).is_err() || failed {
                    break;
                }
            }
        });
        scope.spawn(move || {
            if let Err(error) = drive(&decoded, stages, &enhanced_in) {
                // The sink may have gone, which is how it says stop: nobody is left to tell.
                let _ = enhanced_in.send(Err(error));
            }
        });
        for frame in enhanced {
            if sink(frame?)? == Flow::Stop {
                break;
            }
        }
        Ok(())
    })
}

/// Pushes everything that arrives through all stages. Ends early, without an error, when `output`
/// is closed.
fn drive<E: From<Error>>(
    input: &Receiver<Result<Frame, E>>,
    stages: &mut [Box<dyn Stage>],
    output: &Sender<Result<Frame, E>>,
) -> Result<(), E> {
    let mut emit = |frame| output.send(Ok(frame)).is_ok();
    for item in input {
        match item {
            Ok(frame) => {
                if !pass(stages, Some(frame), &mut emit)? {
                    return Ok(());
                }
            }
            Err(error) => {
                pass(stages, None, &mut emit)?;
                return Err(error);
            }
        }
    }
    pass(stages, None, &mut emit)?;
    Ok(())
}

/// Gives the first stage a frame, or with none flushes it, and everything that comes out to the
/// next. False when the receiver has gone.
fn pass(
    stages: &mut [Box<dyn Stage>],
    frame: Option<Frame>,
    emit: &mut impl FnMut(Frame) -> bool,
) -> Result<bool, Error> {
    let Some((first, rest)) = stages.split_first_mut() else {
        return Ok(frame.is_none_or(emit));
    };
    match frame {
        Some(frame) => first.push(frame)?,
        None => first.flush()?,
    }
    loop {
        match first.pull()? {
            Pull::Frame(frame) => {
                if !pass(rest, Some(frame), emit)? {
                    return Ok(false);
                }
            }
            Pull::NeedMore => return Ok(true),
            Pull::End => return pass(rest, None, emit),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use nervure_frame::{BitDepth, Chroma, PictureFormat, TimeBase, Timestamp};

    use super::*;

    fn frame(ticks: i64) -> Frame {
        let format = PictureFormat::new(4, 4, Chroma::C420, BitDepth::Eight);
        Frame::new(format, Timestamp::new(ticks, TimeBase::new(1, 25)))
    }

    /// Holds two frames back, as a stage that looks ahead would.
    #[derive(Default)]
    struct Delay(VecDeque<Frame>, bool);

    impl Stage for Delay {
        fn output(&self, input: PictureFormat) -> PictureFormat {
            input
        }
        fn push(&mut self, frame: Frame) -> Result<(), Error> {
            self.0.push_back(frame);
            Ok(())
        }
        fn pull(&mut self) -> Result<Pull, Error> {
            Ok(match self.0.len() {
                0 if self.1 => Pull::End,
                1 | 2 if !self.1 => Pull::NeedMore,
                0 => Pull::NeedMore,
                _ => self.0.pop_front().map_or(Pull::End, Pull::Frame),
            })
        }
        fn flush(&mut self) -> Result<(), Error> {
            self.1 = true;
            Ok(())
        }
    }

    fn delays() -> Vec<Box<dyn Stage>> {
        vec![Box::new(Delay::default()), Box::new(Delay::default())]
    }

    fn collect(
        stages: &mut [Box<dyn Stage>],
        end: Result<(), Error>,
        stop_after: usize,
    ) -> (Vec<i64>, bool) {
        let mut next = 0;
        let mut end = Some(end);
        let mut seen = Vec::new();
        let result = run(
            || {
                next += 1;
                if next <= 100 {
                    return Ok(Some(frame(next)));
                }
                end.take().map_or(Ok(None), |end| end.map(|()| None))
            },
            stages,
            |frame| {
                seen.push(frame.pts.ticks);
                Ok(if seen.len() == stop_after {
                    Flow::Stop
                } else {
                    Flow::More
                })
            },
        );
        (seen, result.is_err())
    }

    #[test]
    fn every_frame_arrives_in_order_through_stages_that_hold_some_back() {
        let all: Vec<i64> = (1..=100).collect();
        assert_eq!(collect(&mut delays(), Ok(()), 0), (all.clone(), false));
        assert_eq!(collect(&mut [], Ok(()), 0), (all, false));
    }

    #[test]
    fn frames_from_before_a_failure_are_not_lost() {
        let failure = Err(Error::Format {
            wanted: "a".into(),
            got: "b".into(),
        });
        assert_eq!(
            collect(&mut delays(), failure, 0),
            ((1..=100).collect(), true)
        );
    }

    #[test]
    fn a_sink_that_stops_ends_the_run() {
        assert_eq!(
            collect(&mut delays(), Ok(()), 7),
            ((1..=7).collect(), false)
        );
    }

    #[test]
    fn a_failing_sink_ends_the_run_with_its_error() {
        let mut next = 0;
        let result = run(
            || {
                next += 1;
                Ok(Some(frame(next)))
            },
            &mut delays(),
            |frame| match frame.pts.ticks {
                5 => Err(Error::Format {
                    wanted: "sink".into(),
                    got: "5".into(),
                }),
                _ => Ok(Flow::More),
            },
        );
        assert!(matches!(result, Err(Error::Format { wanted, .. }) if wanted == "sink"));
    }
}
