//! Pictures mended where the network damaged them.

use std::collections::VecDeque;

use nervure_frame::{Frame, LossMask, PictureFormat, Plane, Planes, Sample};

use super::ready::{Ready, expect};
use super::{Pull, Stage};
use crate::float::Level;
use crate::{Error, Fitted, FloatModel};

/// Mends frames whose mask says that something of them was lost; others pass as they are.
///
/// Luma is made by a network, from the damaged picture and those that this stage gave out before it: what
/// was mended once helps to mend the next. Chroma stays as the decoder concealed it. The mask stays with
/// the frame, for those who want to know.
pub struct Recover {
    source: PictureFormat,
    fitted: Fitted,
    /// As many as the network looks at: the newest last.
    before: VecDeque<Planes>,
    ready: Ready,
}

impl Recover {
    /// A stage that takes and gives frames of `source`, on as many threads.
    pub fn new(source: PictureFormat, model: &FloatModel, threads: usize) -> Result<Self, Error> {
        if !model.mends() {
            return Err(Error::Model {
                name: model.card().name.clone(),
                reason: "it makes pictures larger and does not mend them".into(),
            });
        }
        Ok(Recover {
            source,
            fitted: model.fit(source.width, source.height, threads)?,
            before: VecDeque::new(),
            ready: Ready::default(),
        })
    }

    /// The frame, mended.
    fn mend(&self, frame: &mut Frame, lost: &LossMask) {
        match &mut frame.planes {
            Planes::Eight([luma, ..]) => {
                let before = self.before.iter().filter_map(Planes::eight);
                mend(&self.fitted, before.map(|planes| &planes[0]), lost, luma);
            }
            Planes::Ten([luma, ..]) => {
                let before = self.before.iter().filter_map(Planes::ten);
                mend(&self.fitted, before.map(|planes| &planes[0]), lost, luma);
            }
        }
    }

    /// Keeps a frame for those that follow, in the memory of the oldest.
    fn keep(&mut self, frame: &Frame) {
        if self.before.len() < self.fitted.model().target() {
            self.before.push_back(frame.planes.clone());
            return;
        }
        if let Some(mut oldest) = self.before.pop_front() {
            match (&mut oldest, &frame.planes) {
                (Planes::Eight(to), Planes::Eight(from)) => copy(from, to),
                (Planes::Ten(to), Planes::Ten(from)) => copy(from, to),
                _ => unreachable!("all frames have the same depth"),
            }
            self.before.push_back(oldest);
        }
    }
}

fn copy<T: Sample>(from: &[Plane<T>; 3], to: &mut [Plane<T>; 3]) {
    for (from, to) in from.iter().zip(to) {
        to.copy_from(from);
    }
}

/// Where there are too few frames before, the first stands in for those that are missing.
fn mend<'a, T: Level>(
    fitted: &Fitted,
    before: impl Iterator<Item = &'a Plane<T>>,
    lost: &LossMask,
    luma: &mut Plane<T>,
) {
    let damaged = luma.clone();
    let before: Vec<&Plane<T>> = before.collect();
    let first = before.first().copied().unwrap_or(&damaged);
    let mut window = vec![first; fitted.model().target() - before.len()];
    window.extend(before);
    window.push(&damaged);
    fitted.make(&window, Some(lost), luma);
}

impl Stage for Recover {
    fn output(&self, input: PictureFormat) -> PictureFormat {
        input
    }

    fn push(&mut self, mut frame: Frame) -> Result<(), Error> {
        expect(self.source, &frame)?;
        if let Some(lost) = frame.damage.take() {
            if lost.count() > 0 {
                self.mend(&mut frame, &lost);
            }
            frame.damage = Some(lost);
        }
        self.keep(&frame);
        self.ready.put(frame);
        Ok(())
    }

    fn pull(&mut self) -> Result<Pull, Error> {
        Ok(self.ready.pull())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.ready.flush();
        Ok(())
    }
}
