//! Pictures mended where the network damaged them.

use std::collections::VecDeque;

use nervure_frame::{Frame, LossMask, MACROBLOCK, PictureFormat, Plane, Planes, Sample};

use super::ready::{Ready, expect};
use super::{Pull, Stage};
use crate::float::Level;
use crate::{Error, Fitted, FloatModel};

/// Mends frames whose mask says that something of them was lost; others pass as they are.
///
/// Luma is made by a network, from the damaged picture and those that this stage gave out before it: what
/// was mended once helps to mend the next. Chroma of what was lost is that of the frame before. The mask
/// stays with the frame, for those who want to know.
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
        let damaged = frame.planes.clone();
        let chroma = frame.chroma.shift();
        match (&mut frame.planes, &damaged) {
            (Planes::Eight(out), Planes::Eight(damaged)) => {
                let before = self.before.iter().filter_map(Planes::eight);
                mend(
                    &self.fitted,
                    &before.collect::<Vec<_>>(),
                    damaged,
                    lost,
                    chroma,
                    out,
                );
            }
            (Planes::Ten(out), Planes::Ten(damaged)) => {
                let before = self.before.iter().filter_map(Planes::ten);
                mend(
                    &self.fitted,
                    &before.collect::<Vec<_>>(),
                    damaged,
                    lost,
                    chroma,
                    out,
                );
            }
            _ => unreachable!("a copy has the same depth"),
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
fn mend<T: Level>(
    fitted: &Fitted,
    before: &[&[Plane<T>; 3]],
    damaged: &[Plane<T>; 3],
    lost: &LossMask,
    chroma: (u32, u32),
    out: &mut [Plane<T>; 3],
) {
    let references = fitted.model().target();
    let first = before.first().copied().unwrap_or(damaged);
    let mut window: Vec<&Plane<T>> = vec![&first[0]; references - before.len()];
    window.extend(before.iter().map(|planes| &planes[0]));
    window.push(&damaged[0]);
    let [y, u, v] = out;
    fitted.make(&window, Some(lost), y);
    let Some(last) = before.last() else {
        return;
    };
    let (width, height) = (MACROBLOCK >> chroma.0, MACROBLOCK >> chroma.1);
    for (from, to) in last[1..].iter().zip([u, v]) {
        let (columns, rows) = (to.width(), to.height());
        for (y, to) in to.rows_mut().enumerate() {
            let from = from.row(y);
            let block = (y / height).min(lost.rows() - 1);
            for column in (0..lost.columns()).filter(|column| lost.is_lost(*column, block)) {
                let end = ((column + 1) * width).min(columns);
                let part = (column * width).min(end)..end;
                to[part.clone()].copy_from_slice(&from[part]);
            }
        }
        debug_assert!(rows.div_ceil(height) <= lost.rows());
    }
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
