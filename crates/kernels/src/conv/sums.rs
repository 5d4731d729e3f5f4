//! Sums over taps of pictures that lie as their owner has them: what engines run, for whom copying a
//! picture before each layer is too much.

use super::tile::{Taps, pack};
use crate::Isa;

/// Weights, ready for any number of pictures, from any number of threads.
///
/// Outputs fall in groups; those of one group read at the same offsets, which the caller works out. Each
/// output is summed up by itself, in the order of the taps: so it is the same wherever it lies in a
/// picture, however wide that is, and on every instruction set that rounds a product and a sum at once.
#[derive(Clone, Debug)]
pub struct Sums {
    isa: Isa,
    groups: usize,
    /// Of each group.
    outputs: usize,
    taps: usize,
    weights: Vec<f32>,
}

/// Where numbers come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// All of them. From where a tap of the last row lies, as many whole registers as hold a row must be
    /// there: 15 numbers past its end are enough.
    pub numbers: &'a [f32],
    /// Of each tap, from where its row begins.
    pub offsets: &'a [usize],
    /// From one group to the next.
    pub group: usize,
    /// Where the first row of the output is read.
    pub first: usize,
    /// From one row of the output to the next.
    pub row: usize,
}

/// Where sums go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where the first row of the first output begins.
    pub first: usize,
    /// From one output to the next.
    pub plane: usize,
    /// From one row to the next.
    pub stride: usize,
    /// How many rows.
    pub rows: usize,
    /// Numbers of a row. Nothing is written beside them.
    pub columns: usize,
}

/// What sums begin and end with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends<'a> {
    /// Added to each output.
    pub bias: Option<&'a [f32]>,
    /// What is there already is added.
    pub add: bool,
    /// Nothing below zero is left.
    pub relu: bool,
}

impl Sums {
    /// Of weights by output and tap, in so many groups.
    ///
    /// # Panics
    /// When they do not fall in such groups, or the processor lacks the instruction set.
    pub fn new(isa: Isa, groups: usize, outputs: usize, weights: &[f32]) -> Self {
        let isa = isa.without_dots();
        assert!(groups > 0 && outputs > 0 && outputs.is_multiple_of(groups));
        assert!(!weights.is_empty() && weights.len().is_multiple_of(outputs));
        let (outputs, taps) = (outputs / groups, weights.len() / outputs);
        let mut packed = Vec::with_capacity(weights.len());
        for group in weights.chunks_exact(outputs * taps) {
            let weight = |output: usize, tap: usize| group[output * taps + tap];
            pack(isa, outputs, taps, weight, &mut packed);
        }
        Sums {
            isa,
            groups,
            outputs,
            taps,
            weights: packed,
        }
    }

    /// Outputs, of all groups.
    pub fn outputs(&self) -> usize {
        self.groups * self.outputs
    }

    /// Multiplications for each pixel.
    pub fn macs(&self) -> usize {
        self.weights.len()
    }

    /// Computes all rows of all outputs.
    ///
    /// # Panics
    /// When something would be read or written outside of what is given, or counts do not fit.
    pub fn run(&self, from: &Source<'_>, ends: Ends<'_>, to: Target, out: &mut [f32]) {
        assert_eq!(from.offsets.len(), self.taps, "an offset for each tap");
        assert!(ends.bias.is_none_or(|bias| bias.len() == self.outputs()));
        let weights = self.weights.chunks_exact(self.outputs * self.taps);
        for (group, weights) in weights.enumerate() {
            let outputs = group * self.outputs;
            let taps = Taps {
                source: &from.numbers[group * from.group..],
                offsets: from.offsets,
                weights,
                bias: ends.bias.map(|bias| &bias[outputs..][..self.outputs]),
                add: ends.add,
                relu: ends.relu,
                outputs: self.outputs,
                first: from.first,
                row_step: from.row,
                rows: to.rows,
                columns: to.columns,
                out_plane: to.plane,
                out_stride: to.stride,
            };
            taps.run(self.isa, &mut out[to.first + outputs * to.plane..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CLOSE, distance, numbers};
    use super::super::{Shape, reference};
    use super::*;

    /// A picture with a border of zeros and gaps between its rows, through kernels of all kinds.
    #[test]
    fn pictures_with_gaps_give_what_the_definition_gives() {
        for (inputs, outputs, groups, kernel, columns) in [
            (3, 16, 1, 3, 61),
            (8, 8, 8, 3, 33),
            (5, 7, 1, 1, 100),
            (4, 6, 2, 5, 16),
            (1, 4, 1, 7, 5),
        ] {
            let rows = 6;
            let reach = kernel / 2;
            let shape = Shape {
                inputs,
                outputs,
                groups,
                size: (rows, columns),
                kernel: (kernel, kernel),
                stride: (1, 1),
                padding: (reach, reach),
            };
            let picture = numbers(shape.input_len(), 1);
            let weights = numbers(shape.weight_len(), 2);
            let bias = numbers(outputs, 3);
            let plain = reference::forward(&shape, &picture, &weights, Some(&bias), false);

            let stride = columns + 2 * reach + 15;
            let plane = (rows + 2 * reach) * stride + 3;
            let mut wide = vec![f32::NAN; inputs * plane];
            for (channel, wide) in wide.chunks_exact_mut(plane).enumerate() {
                for (y, line) in wide.chunks_exact_mut(stride).enumerate() {
                    line[..columns + 2 * reach].fill(0.0);
                    if (reach..reach + rows).contains(&y) {
                        let from = (channel * rows + y - reach) * columns;
                        line[reach..][..columns].copy_from_slice(&picture[from..][..columns]);
                    }
                }
            }
            let mut offsets = Vec::new();
            for channel in 0..inputs / groups {
                for y in 0..kernel {
                    offsets.extend((0..kernel).map(|x| channel * plane + y * stride + x));
                }
            }
            let target = Target {
                first: 2,
                plane: rows * (columns + 1),
                stride: columns + 1,
                rows,
                columns,
            };
            let source = Source {
                numbers: &wide,
                offsets: &offsets,
                group: inputs / groups * plane,
                first: 0,
                row: stride,
            };
            let mut same: Option<Vec<f32>> = None;
            for isa in Isa::available() {
                let sums = Sums::new(isa, groups, outputs, &weights);
                let mut out = vec![7.0; 2 + outputs * target.plane];
                let ends = Ends {
                    bias: Some(&bias),
                    ..Ends::default()
                };
                sums.run(&source, ends, target, &mut out);
                let ends = Ends {
                    add: true,
                    relu: true,
                    ..Ends::default()
                };
                let once = out.clone();
                sums.run(&source, ends, target, &mut out);
                let bare = reference::forward(&shape, &picture, &weights, None, false);
                let mut found = (Vec::new(), Vec::new());
                for y in 0..outputs * rows {
                    let at = 2 + y / rows * target.plane + y % rows * target.stride;
                    found.0.extend_from_slice(&once[at..][..columns]);
                    found.1.extend_from_slice(&out[at..][..columns]);
                    assert_eq!(out[at + columns..][..1], [7.0], "a gap");
                }
                assert!(distance(&found.0, &plain) < CLOSE, "{isa}");
                let twice = plain.iter().zip(&bare);
                let twice: Vec<f32> = twice.map(|(a, b)| (a + b).max(0.0)).collect();
                assert!(distance(&found.1, &twice) < CLOSE, "{isa}, added");
                if isa != Isa::Scalar {
                    let same = same.get_or_insert_with(|| once.clone());
                    assert!(*same == once, "{isa} rounds otherwise");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "too far")]
    fn nothing_is_read_outside() {
        let sums = Sums::new(Isa::best(), 1, 1, &[1.0]);
        let source = Source {
            numbers: &[0.0; 20],
            offsets: &[5],
            group: 0,
            first: 0,
            row: 0,
        };
        let target = Target {
            first: 0,
            plane: 20,
            stride: 20,
            rows: 1,
            columns: 16,
        };
        sums.run(&source, Ends::default(), target, &mut [0.0; 20]);
    }
}
