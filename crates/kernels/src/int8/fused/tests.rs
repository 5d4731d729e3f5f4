//! Programs against the reference, on every instruction set.

use nervure_frame::{BitDepth, Plane};

use super::*;
use crate::int8::tests::{Numbers, network, picture, pictures};
use crate::int8::{MAX_CODE, MAX_FRAMES, MAX_PICTURE_CODE, reference, rounding, twin_weights};

/// Runs a program on strips of a picture of either depth, and gives its samples.
fn run(
    program: &Program,
    pictures: &[Vec<u16>],
    (width, height): (usize, usize),
    depth: BitDepth,
    strips: &[Range<usize>],
    scratch: &mut Scratch,
) -> Vec<u16> {
    fn all<T: Code>(
        program: &Program,
        pictures: &[Plane<T>],
        strips: &[Range<usize>],
        scratch: &mut Scratch,
    ) -> Vec<T> {
        let scale = program.scale();
        let pictures: Vec<&Plane<T>> = pictures.iter().collect();
        let (wide, high) = (pictures[0].width() * scale, pictures[0].height() * scale);
        // Rows are further apart than they are long, and nothing may be written between them.
        let stride = wide + 5;
        let mut out = vec![T::default(); high * stride];
        for rows in strips {
            let out = &mut out[rows.start * scale * stride..];
            program.run(&pictures, rows.clone(), out, stride, scratch);
        }
        for row in out.chunks(stride) {
            assert!(row[wide..].iter().all(|sample| *sample == T::default()));
        }
        out.chunks(stride)
            .flat_map(|row| row[..wide].to_vec())
            .collect()
    }
    match depth {
        BitDepth::Eight => {
            let planes = pictures.iter().map(|samples| {
                let samples: Vec<u8> = samples.iter().map(|&sample| sample as u8).collect();
                Plane::from_samples(width, height, &samples)
            });
            let out = all(program, &planes.collect::<Vec<_>>(), strips, scratch);
            out.into_iter().map(u16::from).collect()
        }
        BitDepth::Ten => {
            let planes = pictures
                .iter()
                .map(|samples| Plane::from_samples(width, height, samples));
            all(program, &planes.collect::<Vec<_>>(), strips, scratch)
        }
    }
}

/// The same with weights that twins are made with, in all layers but the first and some of the
/// others, none of them more than `most`.
fn as_twins(mut network: Network, but: Option<usize>, most: i8) -> Network {
    for (number, layer) in network.layers.iter_mut().enumerate().skip(1) {
        if Some(number) == but {
            continue;
        }
        for row in layer.weights.as_chunks_mut::<3>().0 {
            // No weight grows, so that sums fit as before.
            if row
                .iter()
                .map(|weight| i32::from(*weight).abs())
                .sum::<i32>()
                > 254
            {
                *row = row.map(|weight| weight.clamp(-84, 84));
            }
            *row = row.map(|weight| weight.clamp(-most, most));
            if row.iter().filter(|weight| *weight % 2 != 0).count() % 2 == 1
                && let Some(odd) = row.iter_mut().find(|weight| **weight % 2 != 0)
            {
                *odd -= odd.signum();
            }
            assert!(twin_weights(*row).is_some(), "{row:?}");
        }
    }
    network
}

/// As they are, as twins, as twins but for a layer, and with weights that every instruction set makes twins of. One scratch goes through everything: what is left in
/// it must not show.
fn check(cases: &[(Network, (usize, usize), BitDepth)]) {
    for isa in Isa::available() {
        let mut scratch = Scratch::default();
        let mut numbers = Numbers(77);
        let forms = cases
            .iter()
            .enumerate()
            .flat_map(|(at, (network, size, depth))| {
                let but = 1 + at % network.layers.len();
                let twins = [(None, 127), (Some(but), 127), (None, 42), (Some(but), 42)]
                    .map(|(but, most)| as_twins(network.clone(), but, most));
                let forms = [vec![network.clone()], twins.into()].concat();
                forms.into_iter().map(move |network| (network, size, depth))
            });
        for (network, size, depth) in forms {
            let network = &network;
            let pictures = pictures(network.frames, *size, *depth, &mut numbers);
            let program = Program::new(network, isa).unwrap();
            let given: Vec<&[u16]> = pictures.iter().map(|it| &it[..]).collect();
            let wanted = reference(network, &given, size.0, size.1, *depth);
            let cut = size.1 / 3;
            // In one go, and in two of which the second comes first.
            for strips in [[0..size.1, 0..0], [cut..size.1, 0..cut]] {
                let found = run(&program, &pictures, *size, *depth, &strips, &mut scratch);
                let wrong = found.iter().zip(&wanted).position(|(a, b)| a != b);
                assert!(
                    wrong.is_none(),
                    "{isa}: {}x of {} of {size:?} in {depth:?}, {:?}: {wrong:?} differs",
                    network.scale,
                    network.frames,
                    network
                        .layers
                        .iter()
                        .map(|it| it.outputs)
                        .collect::<Vec<_>>(),
                );
            }
        }
    }
}

#[test]
fn every_shape_of_network() {
    let mut numbers = Numbers(3);
    let shapes: [&[usize]; 9] = [
        &[],
        &[8],
        &[16, 16],
        &[24, 24, 24],
        &[32, 32],
        &[48],
        &[8, 24, 16],
        &[4, 12],
        &[5, 3],
    ];
    let cases: Vec<_> = shapes
        .into_iter()
        .flat_map(|between| (1..=4).map(move |scale| (between, scale)))
        .map(|(between, scale)| {
            let network = network(scale, 1, between, &mut numbers);
            (network, (37, 11), BitDepth::Eight)
        })
        .collect();
    check(&cases);
}

#[test]
fn every_number_of_pictures() {
    let mut numbers = Numbers(14);
    let cases: Vec<_> = (1..=MAX_FRAMES)
        .flat_map(|frames| [(&[][..], frames), (&[8, 8][..], frames), (&[5][..], frames)])
        .flat_map(|(between, frames)| {
            let network = network(2, frames, between, &mut numbers);
            [BitDepth::Eight, BitDepth::Ten].map(|depth| (network.clone(), (37, 9), depth))
        })
        .collect();
    check(&cases);
}

#[test]
fn every_size_of_picture() {
    let mut numbers = Numbers(4);
    let net = network(2, 1, &[8, 16, 8], &mut numbers);
    let wide = (1..=66).map(|width| (width, 4));
    let high = (1..=9).map(|height| (19, height));
    let large = [(240, 5), (241, 3), (1, 1), (400, 2)];
    let cases: Vec<_> = wide
        .chain(high)
        .chain(large)
        .flat_map(|size| [BitDepth::Eight, BitDepth::Ten].map(|depth| (net.clone(), size, depth)))
        .collect();
    check(&cases);
}

#[test]
fn the_largest_sums_that_a_network_may_have() {
    // All weights of one sign, and of the other: where products are added in 16 bits, they are at their
    // largest; those of twins are where three weights make four of 64. Multipliers leave of them what is no
    // longer saturated.
    for row in [[127; 3], [-128; 3], [64, 0, 64], [-64, 0, -64]] {
        let mut numbers = Numbers(5);
        let mut net = network(2, 1, &[8, 16], &mut numbers);
        for layer in &mut net.layers {
            layer.weights.as_chunks_mut::<3>().0.fill(row);
            layer.shift.fill(7);
            layer.multiplier.fill(900);
        }
        check(&[
            (net.clone(), (50, 6), BitDepth::Eight),
            (net, (50, 6), BitDepth::Ten),
        ]);
    }
}

#[test]
fn weights_and_biases_at_their_ends() {
    let mut numbers = Numbers(10);
    let cases: Vec<_> = (0..8)
        .map(|round| {
            let mut net = network(1 + round % 4, 1, &[8, 12][..round / 3], &mut numbers);
            for (number, layer) in net.layers.iter_mut().enumerate() {
                for weight in &mut layer.weights {
                    *weight = [-128, 127, 0, 1][numbers.between(0, 3) as usize];
                }
                let largest = if number == 0 {
                    MAX_PICTURE_CODE
                } else {
                    MAX_CODE
                };
                let each = layer.weights.chunks_exact(layer.inputs * 9);
                for (output, weights) in each.enumerate() {
                    let shift = numbers.between(14, 31) as u8;
                    layer.shift[output] = shift;
                    let sum = |sign: i32| {
                        let weights = weights.iter().map(|&weight| i32::from(weight));
                        weights.filter(|weight| weight * sign > 0).sum::<i32>() * largest
                    };
                    layer.bias[output] = match numbers.between(0, 1) {
                        0 => i32::MAX - sum(1) - rounding(shift),
                        _ => i32::MIN - sum(-1),
                    };
                }
            }
            net.check().expect("it just fits");
            (net, (29, 7), BitDepth::Eight)
        })
        .collect();
    check(&cases);
}

/// Twins of eight channels take as much room in a ring as codes of sixteen, and other rows outside of it.
#[test]
fn twins_and_codes_of_one_size_are_laid_out_anew() {
    let mut numbers = Numbers(21);
    let codes = network(2, 1, &[16, 16], &mut numbers);
    let twins = as_twins(network(2, 1, &[8, 8], &mut numbers), None, 42);
    for isa in Isa::available() {
        let [codes, twins] = [&codes, &twins].map(|it| Program::new(it, isa).unwrap());
        let layout = Layout::new(&codes, 40);
        assert!(layout.is_for(&codes, 40), "{isa}");
        assert!(!layout.is_for(&twins, 40), "{isa}");
        assert!(!layout.is_for(&codes, 41), "{isa}");
    }
    let cases = [codes, twins].map(|network| (network, (40, 5), BitDepth::Eight));
    let turns = [&cases[..], &cases].concat();
    check(&turns);
}

/// Some cells of a picture: none, few, many, or all of some rows and columns.
fn cells(width: usize, height: usize, numbers: &mut Numbers) -> Cells {
    let mut cells = Cells::new();
    cells.clear(width, height);
    let mut below = |count: usize| numbers.between(0, count as i64 - 1) as usize;
    match below(4) {
        0 => (0..below(3)).for_each(|_| cells.insert(below(width), below(height))),
        1 => (0..width * height / 5).for_each(|_| cells.insert(below(width), below(height))),
        2 => {
            let (column, row) = (below(width), below(height));
            (0..width).for_each(|column| cells.insert(column, row));
            (0..height).for_each(|row| cells.insert(column, row));
        }
        _ => {
            for (column, row) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                cells.insert(column, row);
            }
        }
    }
    cells
}

/// One scratch goes through everything, and so what is in it is always of another picture.
#[test]
fn some_cells_are_those_of_the_whole_and_the_others_are_left() {
    const LEFT: u16 = 0x5555;
    let mut numbers = Numbers(8);
    let shapes: [&[usize]; 5] = [
        &[],
        &[8],
        &[8, 16, 8],
        &[8, 8, 8, 8, 8, 8, 8],
        &[4, 8, 8, 4, 8, 8, 8, 4, 8, 8, 4, 8],
    ];
    let sizes = [
        (1, 1),
        (7, 5),
        (33, 1),
        (1, 40),
        (97, 20),
        (250, 9),
        (521, 12),
    ];
    let programs: Vec<_> = shapes
        .iter()
        .flat_map(|between| (2..=4).map(move |scale| (between, scale)))
        .map(|(between, scale)| network(scale, 1, between, &mut numbers))
        .flat_map(|network| {
            let twins = [127, 42].map(|most| as_twins(network.clone(), None, most));
            [&[network][..], &twins].concat()
        })
        .collect();
    for isa in Isa::available() {
        let mut scratch = Scratch::default();
        for round in 0..200 {
            let network = &programs[numbers.between(0, programs.len() as i64 - 1) as usize];
            let program = Program::new(network, isa).unwrap();
            let (width, height) = sizes[round % sizes.len()];
            let scale = program.scale();
            let samples = picture(width, height, BitDepth::Ten, &mut numbers);
            let plane = Plane::from_samples(width, height, &samples);
            let stride = width * scale + 3;
            let mut whole = vec![0; height * scale * stride];
            program.run(&[&plane], 0..height, &mut whole, stride, &mut scratch);
            let other = picture(width, height, BitDepth::Ten, &mut numbers);
            let other = Plane::from_samples(width, height, &other);
            let mut out = vec![LEFT; height * scale * stride];
            program.run(&[&other], 0..height, &mut out, stride, &mut scratch);

            out.fill(LEFT);
            let wanted = cells(width, height, &mut numbers);
            let cut = numbers.between(0, height as i64) as usize;
            for rows in [cut..height, 0..cut] {
                let out = &mut out[rows.start * scale * stride..];
                program.run_cells(&[&plane], rows, &wanted, out, stride, &mut scratch);
            }
            for (row, (out, whole)) in out.chunks(stride).zip(whole.chunks(stride)).enumerate() {
                for (column, (out, whole)) in out.iter().zip(whole).enumerate() {
                    let is_wanted =
                        column < width * scale && wanted.contains(column / scale, row / scale);
                    let right = if is_wanted { *whole } else { LEFT };
                    assert_eq!(
                        *out,
                        right,
                        "{isa}: round {round}, ({column}, {row}) of {width}x{height}, {scale}x, {} layers",
                        network.layers.len()
                    );
                }
            }
        }
    }
}

/// What `reach` says: a sample that is changed is seen so far, and no further.
#[test]
fn a_change_is_seen_as_far_as_the_reach() {
    let mut numbers = Numbers(9);
    for between in [&[][..], &[8], &[8, 8, 8, 8]] {
        let mut net = network(2, 1, between, &mut numbers);
        for layer in &mut net.layers {
            // So that nothing is lost on the way.
            layer
                .weights
                .iter_mut()
                .for_each(|weight| *weight = 1 + (*weight).max(0) / 8);
            layer.bias.fill(0);
            layer.multiplier.fill(20_000);
            layer.shift.fill(3);
        }
        let program = Program::new(&net, Isa::best()).unwrap();
        let run = |plane: &Plane<u8>| {
            let mut out = vec![0; 62 * 62];
            program.run(&[plane], 0..31, &mut out, 62, &mut Scratch::default());
            out
        };
        let mut plane = Plane::<u8>::new(31, 31);
        let before = run(&plane);
        plane.row_mut(15)[15] = 200;
        let after = run(&plane);
        let changed = (0..62 * 62).filter(|&at| before[at] != after[at]);
        let far = changed.map(|at| [at % 62, at / 62].map(|it| (it / 2).abs_diff(15)));
        let furthest = far.flatten().max();
        assert!(
            furthest <= Some(program.reach()),
            "{furthest:?} of {}",
            program.reach()
        );
        assert!(furthest >= Some(between.len() + 1), "{furthest:?}");
    }
}

#[test]
#[should_panic(expected = "pictures")]
fn fewer_pictures_than_it_looks_at_are_a_mistake_of_the_caller() {
    let net = network(2, 2, &[8], &mut Numbers(6));
    let program = Program::new(&net, Isa::best()).unwrap();
    let plane = Plane::<u8>::new(10, 10);
    let mut out = vec![0; 20 * 20];
    program.run(&[&plane], 0..10, &mut out, 20, &mut Scratch::default());
}

#[test]
#[should_panic(expected = "no room")]
fn a_picture_without_room_is_a_mistake_of_the_caller() {
    let net = network(2, 1, &[8], &mut Numbers(6));
    let program = Program::new(&net, Isa::best()).unwrap();
    let plane = Plane::<u8>::new(10, 10);
    let mut out = vec![0; 20 * 20 - 1];
    program.run(&[&plane], 0..10, &mut out, 20, &mut Scratch::default());
}
