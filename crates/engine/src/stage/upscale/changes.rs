//! What did not change since the picture before is not computed again.
//!
//! A sample of the result that sees nothing but what was there before is what it was before, to the bit:
//! so what comes out never depends on what is remembered. Luma is told apart by cells, of which those are
//! computed that see a change; chroma by rows.

use std::collections::VecDeque;
use std::ops::Range;

use nervure_frame::{Frame, FramePool, Plane, Planes, Sample};
use nervure_kernels::Cells;
use nervure_kernels::int8::{self, Code};
use nervure_kernels::resample::{Pixel, Resampler, Scratch};
use rayon::prelude::*;

use crate::Model;

/// The largest part of a picture that is computed where it pays to keep the result.
const WORTH: f64 = 0.9;

/// Pictures in a row that are computed in larger part before nothing is kept any more: a keyframe, which
/// changes every sample a little, is not the end of what stands still.
const PATIENCE: usize = 8;

/// What became of the picture before, and in what the next differs from it.
#[derive(Default)]
pub(super) struct Memory {
    /// Where that is kept.
    large: Option<Frame>,
    /// Luma that differs from that of the picture before, in each picture that is looked at: the one in
    /// turn first.
    differing: VecDeque<Cells>,
    /// The same, of all together.
    either: Cells,
    /// Luma that sees a difference.
    wanted: Cells,
    /// Rows of either chroma plane that differ.
    rows: [Vec<bool>; 2],
    /// Pictures in a row of which most was computed.
    busy: usize,
    share: f64,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Everything.
    Whole,
    /// Everything, and to keep the result.
    Keep,
    /// What sees a difference.
    Parts,
}

impl Memory {
    /// Compares a picture with the one before, if there is one. A sample is seen `reach` samples away, in
    /// so many pictures.
    pub(super) fn look(
        &mut self,
        before: Option<&Frame>,
        frame: &Frame,
        reach: usize,
        pictures: usize,
    ) -> Work {
        self.share = 1.0;
        let Some(small) = before else {
            return Work::Whole;
        };
        let mut differing = match self.differing.len() < pictures {
            true => Cells::new(),
            false => self.differing.pop_back().unwrap_or_default(),
        };
        match (&small.planes, &frame.planes) {
            (Planes::Eight(small), Planes::Eight(next)) => differing.compare(&small[0], &next[0]),
            (Planes::Ten(small), Planes::Ten(next)) => differing.compare(&small[0], &next[0]),
            _ => unreachable!("a stage takes frames of one format"),
        }
        self.differing.push_front(differing);
        // A picture of earlier that changed is as good as one that changes now.
        let differing = match self.differing.len() {
            1 => &self.differing[0],
            _ => {
                self.either.join(&self.differing);
                &self.either
            }
        };
        let mut share = differing.share();
        if share <= WORTH {
            self.wanted.spread(differing, reach);
            share = self.wanted.share();
        }
        self.busy = match share <= WORTH {
            true => 0,
            false => self.busy + 1,
        };
        if self.busy > PATIENCE {
            self.large = None;
        }
        match (&self.large, self.busy) {
            (Some(_), 0) => {
                match (&small.planes, &frame.planes) {
                    (Planes::Eight(small), Planes::Eight(next)) => {
                        differ(small, next, &mut self.rows);
                    }
                    (Planes::Ten(small), Planes::Ten(next)) => differ(small, next, &mut self.rows),
                    _ => {}
                }
                self.share = share;
                Work::Parts
            }
            (None, 1..) => Work::Whole,
            _ => Work::Keep,
        }
    }

    /// What is kept, and what of it is to be computed.
    pub(super) fn parts(&mut self) -> Option<(&mut Planes, Parts<'_>)> {
        let Memory { wanted, rows, .. } = self;
        let large = self.large.as_mut()?;
        Some((&mut large.planes, Parts { wanted, rows }))
    }

    /// Keeps a copy of what became of a picture, where it is worth it.
    pub(super) fn keep(&mut self, large: &Frame, work: Work, pool: &FramePool) {
        if work != Work::Keep {
            return;
        }
        let kept = self
            .large
            .get_or_insert_with(|| pool.frame(large.format(), large.pts));
        copy_samples(&large.planes, &mut kept.planes);
    }

    /// Knows no more what became of the picture before.
    pub(super) fn forget(&mut self) {
        self.large = None;
    }

    /// The part of the last picture's luma that was computed.
    pub(super) fn share(&self) -> f64 {
        self.share
    }
}

/// Which rows of the chroma planes differ.
fn differ<T: Sample>(one: &[Plane<T>; 3], other: &[Plane<T>; 3], rows: &mut [Vec<bool>; 2]) {
    for (rows, (one, other)) in rows.iter_mut().zip(one.iter().zip(other).skip(1)) {
        rows.clear();
        rows.extend(
            one.rows()
                .zip(other.rows())
                .map(|(one, other)| one != other),
        );
    }
}

/// From a picture to another of the same format.
pub(super) fn copy_samples(from: &Planes, to: &mut Planes) {
    fn copy<T: Sample>(from: &[Plane<T>; 3], to: &mut [Plane<T>; 3]) {
        for (from, to) in from.iter().zip(to) {
            to.copy_from(from);
        }
    }
    match (from, to) {
        (Planes::Eight(from), Planes::Eight(to)) => copy(from, to),
        (Planes::Ten(from), Planes::Ten(to)) => copy(from, to),
        _ => unreachable!("a stage takes and gives frames of one format"),
    }
}

/// What of a picture is to be computed.
pub(super) struct Parts<'a> {
    /// Luma.
    pub(super) wanted: &'a Cells,
    /// Rows of either small chroma plane that differ.
    pub(super) rows: &'a [Vec<bool>; 2],
}

/// A strip of luma: what it becomes, and a copy of it.
pub(super) struct Strip<'a, T> {
    pub(super) rows: Range<usize>,
    pub(super) kept: &'a mut [T],
    pub(super) copy: &'a mut [T],
    pub(super) stride: usize,
}

impl<T: Code> Strip<'_, T> {
    /// Computes the cells that are wanted, and copies everything: on as many threads as there is scratch
    /// memory for, which share what is wanted, and not the rows.
    pub(super) fn mend(
        self,
        model: &Model,
        pictures: &[&Plane<T>],
        wanted: &Cells,
        scratch: &mut [int8::Scratch],
    ) {
        let program = model.program();
        if let [scratch] = scratch {
            program.run_cells(pictures, self.rows, wanted, self.kept, self.stride, scratch);
            self.copy.copy_from_slice(self.kept);
            return;
        }
        let (all, half) = (scratch.len(), scratch.len() / 2);
        let cut = cut(wanted, self.rows.clone(), (half, all));
        let at = (cut - self.rows.start) * program.scale() * self.stride;
        let (kept, kept_below) = self.kept.split_at_mut(at);
        let (copy, copy_below) = self.copy.split_at_mut(at);
        let (mine, others) = scratch.split_at_mut(half);
        let above = Strip {
            rows: self.rows.start..cut,
            kept,
            copy,
            stride: self.stride,
        };
        let below = Strip {
            rows: cut..self.rows.end,
            kept: kept_below,
            copy: copy_below,
            stride: self.stride,
        };
        rayon::join(
            || above.mend(model, pictures, wanted, mine),
            || below.mend(model, pictures, wanted, others),
        );
    }
}

/// Cells that some take as much time as: those around what is wanted in a row, and what is to be copied.
const AROUND: usize = 4;
const COPIED: usize = 1;

/// Where to cut rows so that the first part makes so much of the work.
fn cut(wanted: &Cells, rows: Range<usize>, (part, all): (usize, usize)) -> usize {
    let cost = |row: usize| match wanted.count(row..row + 1) {
        0 => COPIED,
        count => COPIED + AROUND + count,
    };
    let whole: usize = rows.clone().map(cost).sum();
    let mut sum = 0;
    let is_enough = |row: &usize| {
        sum += cost(*row);
        sum * all >= whole * part
    };
    rows.clone().find(is_enough).map_or(rows.end, |row| row + 1)
}

/// Computes the rows of a chroma plane that are made of rows that changed, and copies all of them.
pub(super) fn mend_plane<T: Pixel>(
    plan: &Resampler,
    source: &Plane<T>,
    changed: &[bool],
    kept: &mut Plane<T>,
    copy: &mut Plane<T>,
    scratch: &mut [Scratch],
) {
    let (height, stride) = (kept.height(), kept.stride());
    let is_wanted = |row: &usize| changed[plan.sources(*row)].contains(&true);
    let mend = |rows: Range<usize>, kept: &mut [T], copy: &mut [T], scratch: &mut Scratch| {
        let mut at = rows.start;
        while let Some(start) = (at..rows.end).find(is_wanted) {
            at = (start..rows.end)
                .find(|row| !is_wanted(row))
                .unwrap_or(rows.end);
            let out = &mut kept[(start - rows.start) * stride..];
            plan.run(source, start..at, out, stride, scratch);
        }
        copy.copy_from_slice(kept);
    };
    if let [scratch] = scratch {
        mend(0..height, kept.data_mut(), copy.data_mut(), scratch);
        return;
    }
    let rows = height.div_ceil(scratch.len());
    let kept = kept.data_mut().par_chunks_mut(rows * stride);
    let copy = copy.data_mut().par_chunks_mut(rows * stride);
    let bands = kept.zip(copy).zip(scratch.par_iter_mut()).enumerate();
    bands.for_each(|(band, ((kept, copy), scratch))| {
        let first = band * rows;
        mend(first..(first + rows).min(height), kept, copy, scratch);
    });
}
