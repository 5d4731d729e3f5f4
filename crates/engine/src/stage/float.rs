//! Pictures made larger by networks in single precision.

use std::collections::VecDeque;

use nervure_frame::{Frame, PictureFormat, Plane, Planes};
use nervure_kernels::resample::Filter;

use super::ready::expect;
use super::{Pull, Stage, Upscale};
use crate::float::Level;
use crate::{Error, Fitted, FloatModel};

/// Enlarges every frame by a network that may look at those around it, on as many threads as it is given.
///
/// Frames are held back until those that the network looks at have come. Before the first and after the
/// last it is as if they had stood still. Chroma, and all that a frame carries, is as [`Upscale`] has it.
pub struct FloatUpscale {
    source: PictureFormat,
    /// Of all planes; luma is then replaced.
    classical: Upscale,
    fitted: Fitted,
    /// Those that the network still looks at.
    held: VecDeque<Frame>,
    /// Which of them comes next.
    at: usize,
    flushed: bool,
}

impl FloatUpscale {
    /// A stage that takes frames of `source`.
    pub fn new(source: PictureFormat, model: &FloatModel, threads: usize) -> Result<Self, Error> {
        if model.mends() {
            return Err(Error::Model {
                name: model.card().name.clone(),
                reason: "it mends pictures and does not make them larger".into(),
            });
        }
        let scale = model.scale();
        let size = (source.width * scale, source.height * scale);
        Ok(FloatUpscale {
            source,
            classical: Upscale::new(source, size, Filter::Lanczos, threads)?,
            fitted: model.fit(source.width, source.height, threads)?,
            held: VecDeque::new(),
            at: 0,
            flushed: false,
        })
    }

    /// Makes the next frame, whose window is there.
    fn make(&mut self) -> Result<Frame, Error> {
        let FloatUpscale {
            classical,
            fitted,
            held,
            at,
            ..
        } = self;
        classical.push(held[*at].clone())?;
        let Pull::Frame(mut large) = classical.pull()? else {
            unreachable!("a frame for each frame");
        };
        match &mut large.planes {
            Planes::Eight([y, ..]) => enlarge(fitted, held, *at, y),
            Planes::Ten([y, ..]) => enlarge(fitted, held, *at, y),
        }
        if *at == fitted.model().target() {
            held.pop_front();
        } else {
            *at += 1;
        }
        Ok(large)
    }
}

/// Luma of the frame at a place among those that are held.
fn enlarge<T: Level>(fitted: &Fitted, held: &VecDeque<Frame>, at: usize, out: &mut Plane<T>) {
    let (window, target) = (fitted.model().window(), fitted.model().target());
    let near = |place: usize| (at + place).saturating_sub(target).min(held.len() - 1);
    let pictures: Vec<&Plane<T>> = (0..window)
        .filter_map(|place| T::planes(&held[near(place)].planes).map(|planes| &planes[0]))
        .collect();
    fitted.make(&pictures, None, out);
}

impl Stage for FloatUpscale {
    fn output(&self, input: PictureFormat) -> PictureFormat {
        self.classical.output(input)
    }

    fn push(&mut self, frame: Frame) -> Result<(), Error> {
        expect(self.source, &frame)?;
        self.held.push_back(frame);
        Ok(())
    }

    fn pull(&mut self) -> Result<Pull, Error> {
        let model = self.fitted.model();
        let ahead = model.window() - 1 - model.target();
        let there = match self.flushed {
            true => self.at < self.held.len(),
            false => self.at + ahead < self.held.len(),
        };
        Ok(match there {
            true => Pull::Frame(self.make()?),
            false if self.flushed => Pull::End,
            false => Pull::NeedMore,
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.flushed = true;
        Ok(())
    }
}
