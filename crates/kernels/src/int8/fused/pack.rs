//! Layers as the row kernels read them.

use super::lanes::{PictureForm, Quad, WIDEST};
use super::twins::PLANES;
use crate::int8::{Layer, rounding, twin_weights};

/// What a layer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// Pictures: neighbours are in the groups already.
    Picture,
    /// Codes of another layer.
    Codes,
    /// What twins are made from.
    Twins,
}

impl Reads {
    /// Planes of each group, where codes have so many.
    pub(super) fn planes(self, halves: usize) -> usize {
        match self {
            Reads::Picture | Reads::Codes => halves,
            Reads::Twins => PLANES,
        }
    }
}

/// A layer, packed.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Groups of four codes that a pixel comes in.
    pub(super) groups: usize,
    pub(super) reads: Reads,
    /// Of its outputs, and of what fills them up to four.
    pub(super) quads: Vec<Quad>,
    /// Four at a time, by quad of outputs, group, row, column and output; for twins by quad, which two of the
    /// planes, group, row, plane and output.
    pub(super) weights: Vec<i8>,
}

impl Packed {
    /// The first layer, which is given pictures.
    pub(super) fn first(layer: &Layer, form: PictureForm) -> Self {
        let each = form.groups();
        let groups = layer.inputs * each;
        let order = in_order(groups, 1);
        let mut packed = pack(layer, groups, Reads::Picture, &order, |weights, tap| {
            let of_row = &weights[tap.group / each * 9 + tap.row * 3..][..3];
            form.bytes(tap.group % each)
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
    pub(super) fn inner(layer: &Layer) -> Self {
        let groups = layer.inputs.div_ceil(4);
        let order = in_order(groups, 3);
        pack(layer, groups, Reads::Codes, &order, |weights, tap| {
            std::array::from_fn(|code| {
                let at = (4 * tap.group + code) * 9 + tap.row * 3 + tap.column;
                weights.get(at).copied().unwrap_or(0)
            })
        })
    }

    /// The same as twins, where its weights are so. `offsets` has been added to what is
    /// multiplied, in each of the planes; weights of two inputs side by side may be `most` together.
    pub(super) fn twins(layer: &Layer, offsets: [i32; PLANES], most: i16) -> Option<Self> {
        let rows = layer.weights.as_chunks::<3>().0;
        let rows: Option<Vec<[i8; PLANES]>> = rows.iter().map(|row| twin_weights(*row)).collect();
        let rows = rows?;
        // By output and input; inputs are taken by fours.
        let maps = rows.as_chunks::<3>().0;
        let fit = |pair: &[[[i8; PLANES]; 3]]| match pair {
            [one, other] => {
                let weights = one.iter().flatten().zip(other.iter().flatten());
                weights
                    .map(|(a, b)| i16::from(*a).abs() + i16::from(*b).abs())
                    .all(|sum| sum <= most)
            }
            _ => true,
        };
        if !maps
            .chunks(layer.inputs)
            .all(|of_output| of_output.chunks(2).all(fit))
        {
            return None;
        }
        let groups = layer.inputs.div_ceil(4);
        // Both products of one of the two halves, for all groups and rows, before those of the other.
        let halves = [[0, 1], [2, 3]].into_iter();
        let order: Vec<Tap> = halves
            .flat_map(|planes| {
                (0..groups).flat_map(move |group| {
                    (0..3).flat_map(move |row| planes.map(|column| Tap { group, row, column }))
                })
            })
            .collect();
        // By plane, of one of the layer's rows.
        let by_plane =
            |[left, sum, difference, right]: [i8; PLANES]| [sum, difference, left, right];
        let mut packed = pack(layer, groups, Reads::Twins, &order, |weights, tap| {
            std::array::from_fn(|code| {
                let input = 4 * tap.group + code;
                let row = weights.get(input * 9 + tap.row * 3..)?.first_chunk()?;
                let row = twin_weights(*row)?;
                Some(by_plane(row)[tap.column])
            })
            .map(|weight: Option<i8>| weight.unwrap_or(0))
        });
        for (output, rows) in rows.chunks_exact(layer.inputs * 3).enumerate() {
            let mut sums = [0_i32; PLANES];
            for row in rows {
                for (sum, weight) in sums.iter_mut().zip(by_plane(*row)) {
                    *sum += i32::from(weight);
                }
            }
            for (sum, offset) in sums.iter_mut().zip(offsets) {
                *sum *= offset;
            }
            let [both, difference, even, odd] = sums;
            // What offsets add is taken off: all of what both have, and half of the sum or the difference of
            // what each has. Sums may leave 32 bits on the way; what comes out is what it would be if there
            // were more of them.
            let (quad, index) = (&mut packed.quads[output / 4], output % 4);
            quad.bias[index] = quad.bias[index].wrapping_sub(both + (even + odd) / 2);
            quad.difference[index] = -difference - (even - odd) / 2;
        }
        Some(packed)
    }
}

/// Where four weights stand.
#[derive(Clone, Copy)]
struct Tap {
    group: usize,
    row: usize,
    column: usize,
}

/// By group, row and column.
fn in_order(groups: usize, across: usize) -> Vec<Tap> {
    let taps = (0..groups).flat_map(|group| {
        (0..3).flat_map(move |row| (0..across).map(move |column| Tap { group, row, column }))
    });
    taps.collect()
}

/// `four` gives the four weights of an output, from all of its weights.
fn pack(
    layer: &Layer,
    groups: usize,
    reads: Reads,
    order: &[Tap],
    four: impl Fn(&[i8], Tap) -> [i8; 4],
) -> Packed {
    let mut quads = vec![Quad::default(); layer.outputs.div_ceil(4)];
    for output in 0..layer.outputs {
        let (quad, index) = (&mut quads[output / 4], output % 4);
        quad.bias[index] = layer.bias[output] + rounding(layer.shift[output]);
        quad.shift[index] = [layer.shift[output].into(); WIDEST];
        quad.multipliers[index] = [layer.multiplier[output]; 4];
    }
    let each = layer.inputs * 9;
    let of_output = |output: usize| layer.weights.get(output * each..(output + 1) * each);
    let mut weights = Vec::with_capacity(quads.len() * order.len() * 4 * 4);
    for quad in 0..quads.len() {
        for tap in order {
            for output in 4 * quad..4 * quad + 4 {
                weights.extend(of_output(output).map_or([0; 4], |all| four(all, *tap)));
            }
        }
    }
    Packed {
        groups,
        reads,
        quads,
        weights,
    }
}
