//! Still parts of a moving picture, kept from flickering.
//!
//! Coded video is not still where the scene is: an encoder refines, re-quantises and predicts in
//! turn, and most of what that changes is one code. A [`Smoother`] keeps a running average of every
//! sample, finer than codes, and shows another code only once the average is more than a whole one
//! away. Blocks of [`BLOCK`] by [`BLOCK`] samples that move are shown as they are.
//!
//! Per block, with `new` the picture that came, `shown` what was shown last, all in 8-bit codes
//! (a 10-bit sample is a quarter of one):
//!
//! 1. It moves when `new - shown` is more than the tolerance in the mean of magnitudes, or more than
//!    half of it in the mean. Then average and shown become `new`.
//! 2. Else each sample further than 4 from what is shown becomes `new`, as in 1.
//! 3. For all others, `average += alpha * (new - average)`, and where that is more than 1 from what
//!    is shown, its nearest code is shown.
//!
//! How far shown pictures are from the new ones in all is counted, so that who calls can set the
//! tolerance by it.
//!
//! So no sample shown is further from the new one than `1 + 5 (1 - alpha)` codes, and where the
//! picture stays as it is, than about one. All arithmetic is in whole numbers; every instruction set
//! gives the same bits.

mod scalar;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod words;

use nervure_frame::Sample;

use crate::Isa;

/// Side of the squares that move or are still as one. Bands begin at multiples of it.
pub const BLOCK: usize = 8;

/// Steps of an average in an 8-bit code. 16 times 1023 and 64 times 255 fit 15 bits.
const STEPS: i16 = 64;
/// More than so many steps between average and shown code change the latter.
const HOLD: i16 = STEPS;
/// Samples that differ by more than so many 8-bit codes pass.
const FAR: i16 = 4;
/// Tolerances are in so many parts of an 8-bit code.
pub const TOLERANCE: u32 = 64;
/// The largest tolerance: four 8-bit codes.
pub const MOST_TOLERANCE: u32 = 4 * TOLERANCE;

/// How averages follow: the weight of a new picture.
#[derive(Clone, Copy, Debug)]
pub struct Smoother {
    isa: Isa,
    /// In 32768ths, as the instructions have it that multiply, round and halve.
    weight: i16,
}

/// Rows of a plane with what was shown of them last and their running average.
#[derive(Debug)]
pub struct Band<'a, T> {
    /// Samples in a row, and rows.
    pub size: (usize, usize),
    /// The new picture's samples, which become what is shown.
    pub samples: &'a mut [T],
    /// What was shown last.
    pub shown: &'a mut [T],
    /// From row to row in both.
    pub stride: usize,
    /// The averages, in 64ths of an 8-bit code.
    pub average: &'a mut [u16],
    /// From row to row of them.
    pub average_stride: usize,
}

impl<T> Band<'_, T> {
    /// # Panics
    /// When a slice is too short for the rows: vector code rests on this.
    fn check(&self) {
        let (width, rows) = self.size;
        assert!(width > 0 && rows > 0, "a band has samples");
        assert!(
            width <= self.stride && width <= self.average_stride,
            "strides of at least one row"
        );
        let needed = |stride: usize| (rows - 1) * stride + width;
        assert!(
            self.samples.len().min(self.shown.len()) >= needed(self.stride)
                && self.average.len() >= needed(self.average_stride),
            "slices that hold the rows"
        );
    }
}

impl Smoother {
    /// With a new picture's weight, and the instructions of [`Isa::detect`].
    ///
    /// # Panics
    /// When the weight is not above 0 and at most 1.
    pub fn new(alpha: f32) -> Self {
        Smoother::with_isa(Isa::detect(), alpha)
    }

    /// With instructions of choice, for tests and benches.
    ///
    /// # Panics
    /// Also when the processor lacks them.
    pub fn with_isa(isa: Isa, alpha: f32) -> Self {
        assert!(alpha > 0.0 && alpha <= 1.0, "a weight in (0, 1]");
        Smoother {
            isa: isa.without_dots(),
            weight: (alpha * 32768.0).round().clamp(1.0, 32767.0) as i16,
        }
    }

    /// Takes a picture as it is: at the beginning, and wherever what was shown before means nothing.
    ///
    /// # Panics
    /// When the band's slices are too short.
    pub fn begin<T: Pixel>(&self, band: &mut Band<'_, T>) {
        band.check();
        let (width, rows) = band.size;
        let Band {
            samples,
            shown,
            average,
            ..
        } = band;
        for y in 0..rows {
            let from = y * band.stride;
            let samples = &samples[from..from + width];
            shown[from..from + width].copy_from_slice(samples);
            let averages = &mut average[y * band.average_stride..][..width];
            for (average, &sample) in averages.iter_mut().zip(samples) {
                *average = (scalar::code(sample) << T::FRACTION) as u16;
            }
        }
    }

    /// Takes the next picture and puts what is to be shown in its place. The band is a whole plane,
    /// or begins at a multiple of [`BLOCK`] rows and ends at one or with the plane.
    ///
    /// `tolerance` is in parts of [`TOLERANCE`]; over [`MOST_TOLERANCE`] is as much. Gives how far what
    /// is shown is from the new picture: the sum of magnitudes, in codes of the sample type.
    ///
    /// # Panics
    /// When the band's slices are too short.
    pub fn run<T: Pixel>(&self, band: &mut Band<'_, T>, tolerance: u32) -> u64 {
        band.check();
        let rule = Rule {
            weight: self.weight,
            tolerance: tolerance.min(MOST_TOLERANCE) as i32,
        };
        let rows = (0..band.size.1).step_by(BLOCK);
        rows.map(|first| T::blocks(self.isa, rule, band, first))
            .sum()
    }
}

/// What the kernels go by.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// See [`Smoother`].
    weight: i16,
    /// At most [`MOST_TOLERANCE`].
    tolerance: i32,
}

impl Rule {
    /// What a block of so many samples may differ by, in codes of the sample type: the sum of
    /// magnitudes, and the sum either way.
    fn limits<T: Kernels>(self, samples: usize) -> (i32, i32) {
        let size = samples as i32 * i32::from(codes::<T>()) * self.tolerance;
        let one = TOLERANCE as i32;
        (size / one, size / (2 * one))
    }
}

mod sealed {
    use super::{Band, Rule};
    use crate::Isa;

    /// What the kernels know of a sample type.
    pub trait Kernels: Sized {
        /// Fraction bits of an average.
        const FRACTION: u32;
        /// The largest sample.
        const MAX: i16;

        /// Of what fits 10 bits.
        fn of(code: i32) -> Self;

        /// The blocks whose first row is `first`, and how far they are from what they were.
        fn blocks(isa: Isa, rule: Rule, band: &mut Band<'_, Self>, first: usize) -> u64;
    }
}

use sealed::Kernels;

/// A sample type that can be smoothed: `u8` with 8 bits, `u16` with 10.
pub trait Pixel: Sample + Kernels {}

impl Pixel for u8 {}
impl Pixel for u16 {}

/// The version of a kernel for the instructions at hand.
macro_rules! dispatch {
    ($isa:ident, $rule:ident, $band:ident, $first:ident) => {
        match $isa {
            // SAFETY: a smoother is only made for instructions that the processor has, and its
            // bands were checked.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { vector::blocks_avx512($rule, $band, $first) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { vector::blocks_avx2($rule, $band, $first) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { vector::blocks_neon($rule, $band, $first) },
            _ => scalar::blocks($rule, $band, $first, 0),
        }
    };
}

impl Kernels for u8 {
    const FRACTION: u32 = 6;
    const MAX: i16 = 255;

    fn of(code: i32) -> u8 {
        code as u8
    }

    fn blocks(isa: Isa, rule: Rule, band: &mut Band<'_, u8>, first: usize) -> u64 {
        dispatch!(isa, rule, band, first)
    }
}

impl Kernels for u16 {
    const FRACTION: u32 = 4;
    const MAX: i16 = 1023;

    fn of(code: i32) -> u16 {
        code as u16
    }

    fn blocks(isa: Isa, rule: Rule, band: &mut Band<'_, u16>, first: usize) -> u64 {
        dispatch!(isa, rule, band, first)
    }
}

/// An 8-bit code in codes of this type.
const fn codes<T: Kernels>() -> i16 {
    STEPS >> T::FRACTION
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown of a row of blocks, picture by picture, and its averages at the end.
    fn shown<T: Pixel>(alpha: f32, pictures: &[Vec<T>]) -> (Vec<Vec<T>>, Vec<u16>) {
        let width = pictures[0].len() / BLOCK;
        let smoother = Smoother::with_isa(Isa::Scalar, alpha);
        let mut last = vec![T::default(); width * BLOCK];
        let mut average = vec![0; width * BLOCK];
        let mut out = Vec::new();
        for (number, picture) in pictures.iter().enumerate() {
            let mut samples = picture.clone();
            let mut band = Band {
                size: (width, BLOCK),
                samples: &mut samples,
                shown: &mut last,
                stride: width,
                average: &mut average,
                average_stride: width,
            };
            match number {
                0 => smoother.begin(&mut band),
                _ => {
                    let held = smoother.run(&mut band, 48);
                    assert_eq!(held, differences(picture, &samples));
                }
            }
            assert_eq!(samples, last);
            out.push(samples);
        }
        (out, average)
    }

    fn differences<T: Pixel>(one: &[T], two: &[T]) -> u64 {
        let codes = one.iter().map(|&sample| scalar::code(sample));
        let pairs = codes.zip(two.iter().map(|&sample| scalar::code(sample)));
        pairs.map(|(a, b)| u64::from(a.abs_diff(b))).sum()
    }

    /// Pictures of one block, grey but for its first sample.
    fn first_sample(codes: &[u8]) -> Vec<Vec<u8>> {
        let block = |&code: &u8| {
            let mut block = vec![100; BLOCK * BLOCK];
            block[0] = code;
            block
        };
        codes.iter().map(block).collect()
    }

    #[test]
    fn a_change_of_one_code_is_held_and_a_larger_one_followed() {
        let (out, average) = shown(0.7, &first_sample(&[100, 101, 100, 99, 102, 102, 101, 106]));
        let first: Vec<u8> = out.iter().map(|block| block[0]).collect();
        // 99.something, then 102: the average is 101.1 and 101 is shown, and held after that. Five
        // codes further is no flicker.
        assert_eq!(first, [100, 100, 100, 100, 101, 101, 101, 106]);
        assert_eq!(average[0], 106 * 64);
        assert!(out.iter().all(|block| block[1..].iter().all(|&s| s == 100)));
    }

    #[test]
    fn a_block_that_moves_passes() {
        // Half of it by a code up and half by one down: 1 in magnitude.
        let still = vec![100_u8; 64];
        let moved: Vec<u8> = (0..64).map(|at| 99 + 2 * (at % 2)).collect();
        let (out, _) = shown(0.7, &[still.clone(), moved.clone()]);
        assert_eq!(out[1], moved);
        // All of it by one code: its brightness is never more than 3/8 away.
        let brighter = vec![101_u8; 64];
        let (out, _) = shown(0.7, &[still.clone(), brighter.clone()]);
        assert_eq!(out[1], brighter);
        // Of 64 samples, 24 may: 3/8.
        let of = |count: usize| {
            (0..64)
                .map(|at| if at < count { 101_u8 } else { 100 })
                .collect()
        };
        let (out, _) = shown(0.7, &[still.clone(), of(24)]);
        assert_eq!(out[1], still);
        let (out, _) = shown(0.7, &[still, of(25)]);
        assert_eq!(out[1], of(25));
    }

    #[test]
    fn ten_bits_are_quarters_of_codes() {
        let block = |code: u16| {
            let mut block = vec![400; 64];
            block[9] = code;
            block
        };
        let (out, average) = shown(
            0.5,
            &[block(400), block(404), block(408), block(400), block(430)],
        );
        let ninth: Vec<u16> = out.iter().map(|block| block[9]).collect();
        assert_eq!(ninth, [400, 400, 405, 405, 430]);
        assert_eq!(average[9], 430 << 4);
        let (out, _) = shown(0.5, &[block(400), block(2000), block(1023)]);
        assert_eq!(out[1][9], 1023, "what does not fit ten bits is cut off");
    }

    #[test]
    fn nothing_shown_is_far_from_the_new_picture() {
        let mut seed = 1_u32;
        let mut noise = |most: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % (most + 1)
        };
        for (alpha, furthest) in [(0.7, 2), (0.3, 4), (1.0, 1)] {
            let mut pictures = vec![vec![128_u8; 64 * 4]];
            for number in 0..60 {
                let strength = number / 10;
                let next = pictures[number as usize].iter().map(|&code| {
                    (u32::from(code) + noise(2 * strength)).saturating_sub(strength) as u8
                });
                pictures.push(next.collect());
            }
            let (out, _) = shown(alpha, &pictures);
            for (out, new) in out.iter().flatten().zip(pictures.iter().flatten()) {
                assert!(out.abs_diff(*new) <= furthest, "{out} for {new}");
            }
        }
    }
}
