//! What was truly lost, found without looking at any slice.
//!
//! The same stream is decoded whole and damaged. Where pictures refer to no others and nothing is
//! smoothed across macroblocks, those that differ are those that were lost. Used by the tests and by
//! the program that measures it on real clips.
#![allow(dead_code, clippy::unwrap_used)] // Tests: each uses its own part.

use nervure_frame::{Frame, LossMask};

/// Macroblocks whose samples differ in any plane.
pub(crate) fn differing(one: &Frame, two: &Frame) -> LossMask {
    let format = one.format();
    let mut mask = LossMask::whole(format.width, format.height);
    let (one, two) = (one.planes.eight().unwrap(), two.planes.eight().unwrap());
    for plane in 0..3 {
        // 4:2:0: a macroblock has 8x8 samples of each chroma plane.
        let side = if plane == 0 { 16 } else { 8 };
        let rows = one[plane].rows().zip(two[plane].rows());
        for (y, (one, two)) in rows.enumerate() {
            for x in (0..one.len()).filter(|x| one[*x] != two[*x]) {
                mask.set(x / side, y / side, true);
            }
        }
    }
    mask
}

/// How marks and truth agree, in macroblocks.
#[derive(Debug, Default)]
pub(crate) struct Agreement {
    pub(crate) lost: u64,
    pub(crate) lost_marked: u64,
    pub(crate) others: u64,
    pub(crate) others_marked: u64,
}

impl Agreement {
    /// Compares the marks of a damaged frame with where it differs from the whole one.
    pub(crate) fn add(&mut self, whole: &Frame, damaged: &Frame) {
        let truth = differing(whole, damaged);
        let format = damaged.format();
        let none = LossMask::whole(format.width, format.height);
        let marked = damaged.damage.as_ref().unwrap_or(&none);
        for row in 0..truth.rows() {
            for column in 0..truth.columns() {
                let marked = u64::from(marked.is_lost(column, row));
                if truth.is_lost(column, row) {
                    self.lost += 1;
                    self.lost_marked += marked;
                } else {
                    self.others += 1;
                    self.others_marked += marked;
                }
            }
        }
    }
}
