//! Registers of codes and of words, so that one row program serves every instruction set.
//!
//! Every method is `inline(always)`: a kernel generic over them must be inlined into a function that
//! has the instructions enabled.

#[cfg(target_arch = "aarch64")]
pub(super) mod neon;
pub(super) mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) mod wasm;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86;

use super::super::lanczos::Weights;

/// How the picture's 8-bit codes are laid out for the first layer, as groups of four bytes a pixel.
///
/// Products of codes up to 255 with weights do not suit every instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PictureForm {
    /// A pixel and its neighbours left and right, and nothing.
    Whole,
    /// Two groups, the first of the left neighbour and the pixel, the second of the right neighbour, each
    /// followed by nothing: no pair of products leaves 16 bits.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
    Paired,
    /// As [`PictureForm::Whole`], with codes that lie around zero: for instructions that take bytes with a
    /// sign.
    #[cfg_attr(not(target_arch = "aarch64"), expect(dead_code))]
    Centred,
}

impl PictureForm {
    /// Groups of four bytes.
    pub(super) fn groups(self) -> usize {
        match self {
            PictureForm::Whole | PictureForm::Centred => 1,
            PictureForm::Paired => 2,
        }
    }

    /// Which of the three neighbours each byte is, left to right.
    pub(super) fn bytes(self, group: usize) -> [Option<usize>; 4] {
        match (self, group) {
            (PictureForm::Whole | PictureForm::Centred, _) => [Some(0), Some(1), Some(2), None],
            (PictureForm::Paired, 0) => [Some(0), None, Some(1), None],
            (PictureForm::Paired, _) => [Some(2), None, None, None],
        }
    }

    /// What is taken off every code, those of nothing beyond the picture too. Sums begin with what that
    /// takes off them.
    pub(super) fn offset(self) -> u8 {
        match self {
            PictureForm::Whole | PictureForm::Paired => 0,
            PictureForm::Centred => 128,
        }
    }
}

/// Pixels in the widest register.
pub(super) const WIDEST: usize = 16;

/// In 128 bits, from four bytes of each of four outputs to four bytes of each of four pixels.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const TURN: [u8; 16] = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15];

/// How the sums of four outputs become codes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Quad {
    /// For each pixel of a register: as an operand in memory it costs nothing.
    pub(super) shift: [[i32; WIDEST]; 4],
    /// What sums begin with: the bias, and what makes a shift round.
    pub(super) bias: [i32; 4],
    /// What sums of differences begin with, where pixels are made as twins.
    pub(super) difference: [i32; 4],
    /// Each four times.
    pub(super) multipliers: [[i16; 4]; 4],
}

/// A register of sums: each lane is a pixel.
///
/// # Safety
/// All methods: the processor has the register's instructions, and where there is a pointer, what is
/// read or written there is the caller's to read or write.
pub(super) trait Dots: Copy {
    /// Pixels in a register.
    const COUNT: usize;
    /// What the first layer is given.
    const FORM: PictureForm;
    /// Four codes of each pixel.
    type Codes: Copy;
    /// Four weights.
    type Weights: Copy;

    unsafe fn splat(sum: i32) -> Self;
    /// `COUNT` pixels.
    unsafe fn codes(from: *const u8) -> Self::Codes;
    /// Four weights, for every pixel.
    unsafe fn weights(from: *const i8) -> Self::Weights;
    /// Adds the products of each pixel's four codes with the weights.
    unsafe fn dot(self, codes: Self::Codes, weights: Self::Weights) -> Self;

    /// Whether [`Dots::add_groups`] is better than to add what lies side by side one after the other.
    const BY_GROUPS: bool = false;

    /// Adds the products of `P` registers of pixels in three rows with the weights of four outputs, of one
    /// group of codes or more: so many bytes it is from group to group, and from the weights of a row to those
    /// of the next.
    #[inline(always)]
    unsafe fn add_groups<const P: usize>(
        sums: &mut [[Self; P]; 4],
        rows: [*const u8; 3],
        groups: usize,
        steps: [usize; 2],
        weights: *const i8,
    ) {
        // SAFETY: the caller's promise.
        unsafe { add_groups(sums, rows, groups, steps, weights) }
    }

    /// Makes codes of 0 to 127 of four outputs, and writes the four of each pixel side by side.
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8);
    /// Makes words of an output, number `index` of its quad.
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16);
}

/// Adds the products of `P` registers of pixels with the weights of four outputs.
///
/// # Safety
/// The processor has the instructions, and both can be read.
#[inline(always)]
pub(super) unsafe fn add<D: Dots, const P: usize>(
    sums: &mut [[D; P]; 4],
    from: *const u8,
    weights: *const i8,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut codes = [D::codes(from); P];
        for (p, codes) in codes.iter_mut().enumerate().skip(1) {
            *codes = D::codes(from.add(p * D::COUNT * 4));
        }
        for (o, sums) in sums.iter_mut().enumerate() {
            let weight = D::weights(weights.add(4 * o));
            for (sum, codes) in sums.iter_mut().zip(codes) {
                *sum = sum.dot(codes, weight);
            }
        }
    }
}

/// [`Dots::add_groups`] as most have it.
///
/// # Safety
/// As for that.
#[inline(always)]
unsafe fn add_groups<D: Dots, const P: usize>(
    sums: &mut [[D; P]; 4],
    rows: [*const u8; 3],
    groups: usize,
    steps: [usize; 2],
    mut weights: *const i8,
) {
    let mut from = 0;
    // SAFETY: the caller's promise.
    unsafe {
        for _ in 0..groups {
            for row in rows {
                add(sums, row.add(from), weights);
                weights = weights.add(steps[1]);
            }
            from += steps[0];
        }
    }
}

/// Sums of twins: products of sums and differences of codes, which take a whole byte.
///
/// # Safety
/// As for [`Dots`].
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(dead_code, reason = "no other instructions make them")
)]
pub(super) trait Combined: Dots {
    /// What is added to sums of codes, for bytes to hold them, and to differences.
    const OFFSETS: [i32; 2];
    /// What weights of two inputs side by side may be together, with no regard to their signs.
    const MOST: i16;

    /// What [`Dots::store_codes`] writes.
    unsafe fn as_codes(sums: [Self; 4], quad: &Quad) -> Self::Codes;
    unsafe fn store(codes: Self::Codes, to: *mut u8);
    unsafe fn added(codes: Self::Codes, other: Self::Codes) -> Self::Codes;
    unsafe fn less(codes: Self::Codes, other: Self::Codes) -> Self::Codes;
    /// What both have.
    unsafe fn and(codes: Self::Codes, other: Self::Codes) -> Self::Codes;
    /// Each pixel's left neighbour, from the register before and this one.
    unsafe fn left(before: Self::Codes, codes: Self::Codes) -> Self::Codes;
    /// Each pixel's right neighbour, from this register and the next.
    unsafe fn right(codes: Self::Codes, next: Self::Codes) -> Self::Codes;
    /// The sum, in the 32 bits that it may leave.
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn minus(self, other: Self) -> Self;
}

/// A register of samples in 14 bits.
///
/// # Safety
/// As for [`Dots`].
pub(super) trait Words: Copy {
    /// Samples in a register.
    const COUNT: usize;
    /// Weights as [`Words::weighted`] likes them.
    type Taps: Copy;

    unsafe fn taps(weights: &Weights) -> Self::Taps;
    unsafe fn load(from: *const i16) -> Self;
    unsafe fn store(self, to: *mut i16);
    /// The weighted mean of samples in seven rows, rounded, in 16 bits.
    unsafe fn weighted(rows: &[*const i16; 7], at: usize, taps: &Self::Taps) -> Self;
    /// A sample of fewer bits: `(self + other + half) >> BITS`, from 0 to `most`.
    unsafe fn finished<const BITS: i32>(self, other: Self, most: i16) -> Self;
}
