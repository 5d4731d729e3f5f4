//! Every instruction set smooths to the same bits as the scalar definition.

#[path = "common/random.rs"]
mod random;

use nervure_kernels::Isa;
use nervure_kernels::smooth::{BLOCK, Band, Pixel, Smoother};

use random::Random;

/// What a stream of pictures is smoothed in.
#[derive(Clone, PartialEq, Debug)]
struct Place<T> {
    size: (usize, usize),
    stride: usize,
    average_stride: usize,
    samples: Vec<T>,
    shown: Vec<T>,
    average: Vec<u16>,
}

impl<T: Pixel> Place<T> {
    fn new(size: (usize, usize), slack: (usize, usize)) -> Self {
        let (stride, average_stride) = (size.0 + slack.0, size.0 + slack.1);
        // The last row has no padding at all.
        let samples = vec![T::default(); stride * size.1 - slack.0];
        Place {
            size,
            stride,
            average_stride,
            shown: samples.clone(),
            samples,
            average: vec![7; average_stride * size.1 - slack.1],
        }
    }

    /// In bands of so many rows.
    fn each(&mut self, rows: usize, mut work: impl FnMut(&mut Band<'_, T>)) {
        let (width, height) = self.size;
        let bands = self.samples.chunks_mut(rows * self.stride);
        let bands = bands.zip(self.shown.chunks_mut(rows * self.stride));
        let bands = bands.zip(self.average.chunks_mut(rows * self.average_stride));
        for (number, ((samples, shown), average)) in bands.enumerate() {
            work(&mut Band {
                size: (width, rows.min(height - number * rows)),
                samples,
                shown,
                stride: self.stride,
                average,
                average_stride: self.average_stride,
            });
        }
    }
}

/// A picture that follows another: some blocks as they were, some with noise, some anything.
fn next_picture<T: Pixel + TryFrom<u64>>(
    random: &mut Random,
    place: &Place<T>,
    before: &[T],
    max: u64,
) -> Vec<T> {
    let blocks = place.stride.div_ceil(BLOCK);
    let kinds: Vec<u64> = (0..blocks * place.size.1.div_ceil(BLOCK))
        .map(|_| random.next() % 8)
        .collect();
    let unit = (max + 1) / 256;
    let next = before.iter().enumerate().map(|(at, &sample)| {
        let (x, y) = (at % place.stride, at / place.stride);
        let before = Into::<i32>::into(sample) as u64;
        let up = |by: u64| (before + by).min(max);
        let down = |by: u64| before.saturating_sub(by);
        let noise = match kinds[y / BLOCK * blocks + x / BLOCK] {
            0 => before,
            1 => up(unit),
            2 => [
                up(random.next() % (2 * unit)),
                down(random.next() % (2 * unit)),
            ][x % 2],
            3 => up(u64::from(random.below(64) < 24) * unit),
            4 => match random.below(32) {
                0 => random.next() % (max + 1),
                _ => down(random.next() % unit.max(2)),
            },
            5 => max * (random.next() % 2),
            6 => [
                up(random.next() % (5 * unit)),
                down(random.next() % (5 * unit)),
            ][random.below(2)],
            _ => random.next() % (max + 1),
        };
        T::try_from(noise).unwrap_or_default()
    });
    next.collect()
}

fn compare<T: Pixel + TryFrom<u64>>(random: &mut Random, size: (usize, usize), max: u64) {
    let slack = (random.below(40), random.below(40));
    let alpha = [0.7, 0.05, 0.5, 1.0][random.below(4)];
    let fresh = Place::<T>::new(size, slack);
    let isas = Isa::available();
    let mut places = vec![fresh; isas.len()];
    let mut picture = places[0].samples.clone();
    let bands: Vec<usize> = (0..isas.len())
        .map(|_| BLOCK * (1 + random.below(size.1.div_ceil(BLOCK))))
        .collect();
    for number in 0..12 {
        picture = next_picture(random, &places[0], &picture, max);
        let tolerance = [48, 0, 16, 64, 192, 1000][random.below(6)];
        let mut sums = Vec::new();
        for ((place, &isa), &rows) in places.iter_mut().zip(&isas).zip(&bands) {
            let smoother = Smoother::with_isa(isa, alpha);
            place.samples.copy_from_slice(&picture);
            let mut held = 0;
            place.each(rows, |band| match number {
                0 => smoother.begin(band),
                _ => held += smoother.run(band, tolerance),
            });
            sums.push(held);
        }
        let (scalar, others) = places.split_first().expect("a scalar version");
        for (place, isa) in others.iter().zip(&isas[1..]) {
            assert!(
                place == scalar,
                "{isa}, {size:?} with {slack:?} of padding, alpha {alpha}, picture {number}"
            );
        }
        assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
        // What lies between rows is nobody's.
        let averages = scalar.average.chunks(scalar.average_stride);
        let padding = averages.filter_map(|row| row.get(size.0..));
        assert!(padding.flatten().all(|&word| word == 7));
        let rows = scalar.samples.chunks(scalar.stride);
        for (row, given) in rows.zip(picture.chunks(scalar.stride)) {
            assert!(row.get(size.0..) == given.get(size.0..));
        }
    }
}

#[test]
fn any_size_agrees() {
    let mut random = Random(1);
    for _ in 0..120 {
        let mut side = || match random.below(4) {
            0 => 1 + random.below(9),
            _ => 1 + random.below(150),
        };
        let size = (side(), side());
        compare::<u8>(&mut random, size, 255);
        compare::<u16>(&mut random, size, 1023);
    }
}

#[test]
fn samples_beyond_ten_bits_agree() {
    let mut random = Random(2);
    for _ in 0..10 {
        compare::<u16>(&mut random, (70, 20), 65535);
    }
}

#[test]
#[should_panic(expected = "slices that hold the rows")]
fn a_band_that_is_too_short_is_refused() {
    let mut place = Place::<u8>::new((64, 16), (0, 0));
    let band = &mut Band {
        size: (64, 17),
        samples: &mut place.samples,
        shown: &mut place.shown,
        stride: 64,
        average: &mut place.average,
        average_stride: 64,
    };
    Smoother::new(0.7).run(band, 64);
}
