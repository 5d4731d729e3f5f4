//! How a picture is cut for a plan, and in which order its rows are made.
//!
//! A tile is a band of rows of a range of columns. Within a band, rows go through all operations a few at
//! a time, and each tensor holds only those that somebody will still read: so what one operation writes
//! is in the cache when the next reads it, and memory does not grow with the picture. Tiles compute what
//! they need of their neighbours for themselves, in the same order: cutting changes no number.

use std::ops::Range;

use super::plan::{Axis, Plan};

/// Columns that a tile gives, and those of each tensor that it takes for that.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) core: Range<usize>,
    /// Some may lie outside of the picture, where zeros are.
    pub(super) ranges: Vec<Range<isize>>,
}

/// A band of rows, and how it is made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Band {
    pub(super) core: Range<usize>,
    /// Of each tensor, the first row that is made.
    pub(super) tops: Vec<isize>,
    /// Of each tensor, the most rows that it holds at a time.
    pub(super) capacity: Vec<usize>,
    pub(super) steps: Vec<Step>,
}

/// Some rows of everything.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Tensors whose rows before one are read no more.
    pub(super) drops: Vec<(usize, isize)>,
    /// Operations, and which rows they make.
    pub(super) runs: Vec<(usize, Range<isize>)>,
    /// Rows of the result that are there after it.
    pub(super) ready: Range<usize>,
}

/// Sides of tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// Columns of a tile, at most.
    pub(super) columns: usize,
    /// How many bands of rows.
    pub(super) bands: usize,
    /// Rows of the result that are made at a time.
    pub(super) rows: usize,
}

/// `count` in `parts` that differ by one at most.
fn even(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    (0..parts).map(move |part| part * count / parts..(part + 1) * count / parts)
}

impl Columns {
    /// Of a picture of rows and columns.
    pub(super) fn all(plan: &Plan, picture: (usize, usize), cut: Cut) -> Vec<Columns> {
        let length = |tensor| plan.size(tensor, picture).1;
        let parts = picture.1.div_ceil(cut.columns);
        let columns = even(picture.1, parts).map(|core| {
            let wanted = core.start as isize..core.end as isize;
            let ranges = plan.ranges(Axis::Columns, length, wanted);
            Columns { core, ranges }
        });
        columns.collect()
    }
}

impl Band {
    /// Of a picture of rows and columns.
    pub(super) fn all(plan: &Plan, picture: (usize, usize), cut: Cut) -> Vec<Band> {
        let bands = even(picture.0, cut.bands.min(picture.0));
        bands
            .map(|core| Band::new(plan, picture, core, cut.rows))
            .collect()
    }

    fn new(plan: &Plan, picture: (usize, usize), core: Range<usize>, rows: usize) -> Band {
        let length = |tensor| plan.size(tensor, picture).0 as isize;
        let wanted = core.start as isize..core.end as isize;
        let ranges = plan.ranges(Axis::Rows, |tensor| length(tensor) as usize, wanted);
        let needs: Vec<_> = plan.ops.iter().map(|op| op.needs(Axis::Rows)).collect();
        let mut band = Band {
            core: core.clone(),
            tops: ranges.iter().map(|range| range.start).collect(),
            capacity: vec![0; ranges.len()],
            steps: Vec::new(),
        };
        let (mut tops, mut done) = (band.tops.clone(), band.tops.clone());
        // Begun above the band: there, only what lies far below in the plan has rows to make.
        let mut end = core.start as isize - 2 * plan.reach() as isize - rows as isize;
        while end < core.end as isize {
            end = (end + rows as isize).min(core.end as isize);
            let mut ends = vec![isize::MIN; ranges.len()];
            ends[plan.result] = end;
            for (op, needs) in plan.ops.iter().zip(&needs).rev() {
                if ends[op.output] == isize::MIN {
                    continue;
                }
                let made = ends[op.output].min(length(op.output));
                for need in needs {
                    ends[need.input] = ends[need.input].max(need.end(made));
                }
            }
            let mut step = Step {
                drops: band.drop(plan, &needs, &ranges, &done, &mut tops),
                runs: Vec::new(),
                ready: 0..0,
            };
            let before = done[plan.result];
            for (number, op) in plan.ops.iter().enumerate() {
                let tensor = op.output;
                let next = ends[tensor].min(ranges[tensor].end);
                if next > done[tensor] {
                    step.runs.push((number, done[tensor]..next));
                    done[tensor] = next;
                    let held = (next - tops[tensor]) as usize;
                    band.capacity[tensor] = band.capacity[tensor].max(held);
                }
            }
            step.ready = before.max(0) as usize..done[plan.result].max(0) as usize;
            if !(step.runs.is_empty() && step.drops.is_empty()) {
                band.steps.push(step);
            }
        }
        band
    }

    /// Which rows nobody reads who has made so many of his own.
    fn drop(
        &self,
        plan: &Plan,
        needs: &[Vec<super::plan::Need>],
        ranges: &[Range<isize>],
        done: &[isize],
        tops: &mut [isize],
    ) -> Vec<(usize, isize)> {
        let mut kept = done.to_vec();
        for (op, needs) in plan.ops.iter().zip(needs) {
            if done[op.output] >= ranges[op.output].end {
                continue;
            }
            for need in needs {
                let first = need.begin(done[op.output].max(0));
                kept[need.input] = kept[need.input].min(first);
            }
        }
        let mut drops = Vec::new();
        for (tensor, top) in tops.iter_mut().enumerate() {
            if kept[tensor] > *top {
                *top = kept[tensor];
                drops.push((tensor, *top));
            }
        }
        drops
    }
}
