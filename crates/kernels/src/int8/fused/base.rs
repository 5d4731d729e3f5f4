//! Rows of the classical upscaler, and what becomes of them with the corrections.
//!
//! Samples of one place in each square lie together, a plane for each, until the very end: so all work is
//! on whole registers.

use super::Code;
use super::lanes::Words;
use crate::int8::lanczos::Weights;

/// The weighted mean of seven rows, or of one row shifted seven times, in whole registers.
///
/// # Safety
/// The processor has the instructions; `count` samples, rounded up to whole registers, can be read of each
/// row and written.
#[inline(always)]
pub(super) unsafe fn weighted<W: Words>(
    rows: &[*const i16; 7],
    weights: &Weights,
    to: *mut i16,
    count: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let taps = W::taps(weights);
        for at in (0..count).step_by(W::COUNT) {
            W::weighted(rows, at, &taps).store(to.add(at));
        }
    }
}

/// The same with corrections: samples of 8 bits, or of 10 where `ten` is set.
///
/// # Safety
/// As for [`weighted`], and so many corrections can be read.
#[inline(always)]
pub(super) unsafe fn finished<W: Words>(
    rows: &[*const i16; 7],
    weights: &Weights,
    corrections: *const i16,
    to: *mut i16,
    count: usize,
    ten: bool,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let taps = W::taps(weights);
        for at in (0..count).step_by(W::COUNT) {
            let base = W::weighted(rows, at, &taps);
            let corrections = W::load(corrections.add(at));
            let samples = match ten {
                true => base.finished::<4>(corrections, 1023),
                false => base.finished::<6>(corrections, 255),
            };
            samples.store(to.add(at));
        }
    }
}

/// Places of squares side by side again. The compiler vectorises the plain loops well enough.
#[inline(always)]
pub(super) fn woven<T: Code>(planes: &[&[i16]], out: &mut [T]) {
    match planes {
        [a, b] => {
            for (out, (a, b)) in out.as_chunks_mut().0.iter_mut().zip(a.iter().zip(*b)) {
                *out = [*a, *b].map(T::from_word);
            }
        }
        [a, b, c] => {
            let pixels = a.iter().zip(*b).zip(*c);
            for (out, ((a, b), c)) in out.as_chunks_mut().0.iter_mut().zip(pixels) {
                *out = [*a, *b, *c].map(T::from_word);
            }
        }
        [a, b, c, d] => {
            let pixels = a.iter().zip(*b).zip(c.iter().zip(*d));
            for (out, ((a, b), (c, d))) in out.as_chunks_mut().0.iter_mut().zip(pixels) {
                *out = [*a, *b, *c, *d].map(T::from_word);
            }
        }
        planes => {
            for (place, plane) in planes.iter().enumerate() {
                for (out, word) in out[place..].iter_mut().step_by(planes.len()).zip(*plane) {
                    *out = T::from_word(*word);
                }
            }
        }
    }
}

/// A row of codes as pixels of four bytes, by form; `codes` has a code more at either end.
#[inline(always)]
pub(super) fn neighbours(codes: &[u8], bytes: [Option<usize>; 4], to: &mut [[u8; 4]]) {
    let count = to.len();
    let columns: [&[u8]; 3] = std::array::from_fn(|column| &codes[column..column + count]);
    let [left, middle, right] = columns;
    let pixels = to.iter_mut().zip(left.iter().zip(middle).zip(right));
    // As one number each, which the compiler makes registers of.
    let number = |code: &u8| u32::from(*code);
    match bytes {
        [Some(0), Some(1), Some(2), None] => {
            for (to, ((left, middle), right)) in pixels {
                let four = number(left) | number(middle) << 8 | number(right) << 16;
                *to = four.to_le_bytes();
            }
        }
        [Some(0), None, Some(1), None] => {
            for (to, ((left, middle), _)) in pixels {
                *to = (number(left) | number(middle) << 16).to_le_bytes();
            }
        }
        _ => {
            for (to, (_, right)) in pixels {
                *to = number(right).to_le_bytes();
            }
        }
    }
}
