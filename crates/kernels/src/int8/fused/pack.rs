//! Layers as the row kernels read them.

use super::lanes::{PictureForm, Quad, WIDEST};
use crate::int8::{Layer, rounding};

/// A layer, packed.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Groups of four codes that a pixel comes in.
    pub(super) groups: usize,
    /// Columns of the kernel: one where neighbours are in the groups already.
    pub(super) across: usize,
    /// Of its outputs, and of what fills them up to four.
    pub(super) quads: Vec<Quad>,
    /// Four at a time, by block of outputs, group, row, column and output.
    pub(super) weights: Vec<i8>,
}

impl Packed {
    /// The first layer, which is given pictures.
    pub(super) fn first(layer: &Layer, form: PictureForm, block: usize) -> Self {
        let each = form.groups();
        let groups = layer.inputs * each;
        let mut packed = pack(layer, block, groups, 1, |weights, row, group, _| {
            let of_row = &weights[group / each * 9 + row * 3..][..3];
            form.bytes(group % each)
                .map(|column| column.map_or(0, |column| of_row[column]))
        });
        for (output, weights) in layer.weights.chunks_exact(layer.inputs * 9).enumerate() {
            let sum: i32 = weights.iter().map(|&weight| i32::from(weight)).sum();
            // It fits, being what pictures of nothing but the offset would give.
            packed.quads[output / 4].bias[output % 4] += sum * i32::from(form.offset());
        }
        packed
    }

    /// A layer that is given codes of another.
    pub(super) fn inner(layer: &Layer, block: usize) -> Self {
        let groups = layer.inputs.div_ceil(4);
        pack(layer, block, groups, 3, |weights, row, group, column| {
            std::array::from_fn(|code| {
                let input = 4 * group + code;
                let at = input * 9 + row * 3 + column;
                weights.get(at).copied().unwrap_or(0)
            })
        })
    }
}

/// Outputs of each block, in order: so many, and what is left by fours.
fn blocks(quads: usize, block: usize) -> impl Iterator<Item = usize> {
    let outputs = 4 * quads;
    let (whole, rest) = (outputs / block, outputs % block);
    std::iter::repeat_n(block, whole).chain(std::iter::repeat_n(4, rest / 4))
}

/// `four` gives the four weights of an output, from all of its weights, at a row, group and column.
fn pack(
    layer: &Layer,
    block: usize,
    groups: usize,
    across: usize,
    four: impl Fn(&[i8], usize, usize, usize) -> [i8; 4],
) -> Packed {
    let mut quads = vec![Quad::default(); layer.outputs.div_ceil(4)];
    for output in 0..layer.outputs {
        let (quad, index) = (&mut quads[output / 4], output % 4);
        quad.bias[index] = layer.bias[output] + rounding(layer.shift[output]);
        quad.shift[index] = [layer.shift[output].into(); WIDEST];
        quad.multipliers[index] = [layer.multiplier[output]; 4];
    }
    let mut weights = Vec::with_capacity(quads.len() * 16 * 3 * groups * across);
    let mut first = 0;
    for size in blocks(quads.len(), block) {
        for group in 0..groups {
            for row in 0..3 {
                for column in 0..across {
                    for output in first..first + size {
                        let from = output * layer.inputs * 9;
                        let of_output = layer.weights.get(from..from + layer.inputs * 9);
                        let four = of_output.map_or([0; 4], |all| four(all, row, group, column));
                        weights.extend(four);
                    }
                }
            }
        }
        first += size;
    }
    Packed {
        groups,
        across,
        quads,
        weights,
    }
}
