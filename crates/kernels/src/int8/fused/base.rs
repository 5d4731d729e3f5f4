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

/// Samples side by side again, one of each plane: of each place in a square, or in two of them. The compiler vectorises the plain loops well enough.
#[inline(always)]
pub(super) fn woven<T: Code>(planes: &[&[i16]], out: &mut [T]) {
    match planes.len() {
        2 => weave::<T, 2>(planes, out),
        3 => weave::<T, 3>(planes, out),
        4 => weave::<T, 4>(planes, out),
        6 => weave::<T, 6>(planes, out),
        8 => weave::<T, 8>(planes, out),
        count => scatter(planes, out, count, 0),
    }
}

#[inline(always)]
fn weave<T: Code, const N: usize>(planes: &[&[i16]], out: &mut [T]) {
    let (whole, _) = out.as_chunks_mut::<N>();
    let count = whole.len();
    let planes_of: [&[i16]; N] = std::array::from_fn(|plane| &planes[plane][..count]);
    for (at, out) in whole.iter_mut().enumerate() {
        *out = std::array::from_fn(|plane| T::from_word(planes_of[plane][at]));
    }
    // An odd column may be the picture's end.
    scatter(planes, out, N, count);
}

/// One by one, from a sample of each plane on.
#[inline(always)]
fn scatter<T: Code>(planes: &[&[i16]], out: &mut [T], count: usize, from: usize) {
    for (plane, samples) in planes.iter().enumerate() {
        let out = out.iter_mut().skip(from * count + plane).step_by(count);
        for (out, word) in out.zip(&samples[from..]) {
            *out = T::from_word(*word);
        }
    }
}

/// A picture's row as codes, less what is taken off them: in one plane, or even columns in one and odd ones
/// in another.
#[inline(always)]
pub(super) fn dealt_codes<T: Code, const H: usize>(row: &[T], offset: u8, to: [&mut [u8]; 2]) {
    deal::<_, _, H>(row, |sample| sample.code().wrapping_sub(offset), to);
}

/// The same as words of the classical upscaler.
#[inline(always)]
pub(super) fn dealt_words<T: Code, const H: usize>(row: &[T], to: [&mut [i16]; 2]) {
    deal::<_, _, H>(row, T::word, to);
}

#[inline(always)]
fn deal<S: Copy, T, const H: usize>(row: &[S], of: impl Fn(S) -> T, [even, odd]: [&mut [T]; 2]) {
    if H == 1 {
        for (to, sample) in even.iter_mut().zip(row) {
            *to = of(*sample);
        }
        return;
    }
    let (two, last) = row.as_chunks::<2>();
    for ((even, odd), two) in even.iter_mut().zip(odd).zip(two) {
        (*even, *odd) = (of(two[0]), of(two[1]));
    }
    if let [last] = last {
        even[two.len()] = of(*last);
    }
}

/// Codes and their neighbours, as columns, as pixels of four bytes, by form.
#[inline(always)]
pub(super) fn neighbours(columns: [&[u8]; 3], bytes: [Option<usize>; 4], to: &mut [[u8; 4]]) {
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
