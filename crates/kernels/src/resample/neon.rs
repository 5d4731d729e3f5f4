//! Resampling with Advanced SIMD.

use std::arch::aarch64::*;

use super::axis::Axis;
use super::layout::{DOT_BLOCK, DOT_TAPS, Dots};
use super::pixel::{MAX_10, SHIFT_8, SHIFT_10};

/// An integer factor; see [`super::layout::Layout::Periodic`].
///
/// # Safety
/// The processor has NEON; `padded` and `out` have [`super::SLACK`].
#[target_feature(enable = "neon")]
pub(super) unsafe fn across_periodic(
    axis: &Axis,
    left: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match axis.phases {
            1 => periodic::<1>(axis, left, padded, out, dropped),
            2 => periodic::<2>(axis, left, padded, out, dropped),
            3 => periodic::<3>(axis, left, padded, out, dropped),
            _ => periodic::<4>(axis, left, padded, out, dropped),
        }
    }
}

/// # Safety
/// As [`across_periodic`]; the axis has `F` phases.
#[target_feature(enable = "neon")]
unsafe fn periodic<const F: usize>(
    axis: &Axis,
    left: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    assert!(axis.phases == F, "phases");
    let starts: [usize; F] = std::array::from_fn(|p| left.wrapping_add_signed(axis.start(p)));
    let positions = axis.target.div_ceil(F);
    let furthest = starts.iter().max().copied().unwrap_or(0);
    let whole = positions.next_multiple_of(8);
    assert!(furthest + whole + axis.taps <= padded.len(), "padded row");
    assert!(whole * F <= out.len(), "room for whole steps");
    let half = vdupq_n_s32(1 << (dropped - 1));
    let down = vdupq_n_s32(-(dropped as i32));
    for first in (0..positions).step_by(8) {
        let mut phases = [vdupq_n_s16(0); F];
        for (phase, words) in phases.iter_mut().enumerate() {
            let (mut low, mut high) = (half, half);
            for (tap, &coefficient) in axis.coefficients(phase).iter().enumerate() {
                // SAFETY: at most `furthest + whole + taps` samples are reached.
                let samples =
                    unsafe { vld1q_s16(padded.as_ptr().add(starts[phase] + first + tap)) };
                low = vmlal_n_s16(low, vget_low_s16(samples), coefficient);
                high = vmlal_high_n_s16(high, samples, coefficient);
            }
            let low = vmovn_s32(vshlq_s32(low, down));
            *words = vmovn_high_s32(low, vshlq_s32(high, down));
        }
        // SAFETY: `whole * F` samples fit, so `8 * F` from here do.
        unsafe {
            let to = out.as_mut_ptr().add(first * F);
            match F {
                1 => vst1q_s16(to, phases[0]),
                2 => vst2q_s16(to, int16x8x2_t(phases[0], phases[1])),
                3 => vst3q_s16(to, int16x8x3_t(phases[0], phases[1], phases[2])),
                _ => vst4q_s16(to, int16x8x4_t(phases[0], phases[1], phases[2], phases[3])),
            }
        }
    }
}

/// Any ratio; see [`super::layout::Layout::Dots`].
///
/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn across_dots(dots: &Dots, padded: &[i16], out: &mut [i16], dropped: u32) {
    const STEP: usize = DOT_BLOCK * DOT_TAPS;
    let reach = dots.groups * DOT_TAPS;
    let fits = |&start: &u32| start as usize + reach <= padded.len();
    assert!(dots.starts.iter().all(fits), "padded row");
    let blocks = dots.starts.as_chunks::<DOT_BLOCK>().0.iter();
    let blocks = blocks.zip(out.chunks_exact_mut(DOT_BLOCK));
    let tables = dots.coefficients.chunks_exact(dots.groups * STEP);
    for ((starts, out), table) in blocks.zip(tables.cycle()) {
        for (place, (&start, out)) in starts.iter().zip(out).enumerate() {
            let mut sum = vdupq_n_s32(0);
            for group in 0..dots.groups {
                let at = group * STEP + (place % 4 * 2 + place / 4) * DOT_TAPS;
                // SAFETY: the row was checked above; the table holds `groups` steps.
                unsafe {
                    let samples = padded.as_ptr().add(start as usize + group * DOT_TAPS);
                    let samples = vld1q_s16(samples);
                    let coefficients = vld1q_s16(table.as_ptr().add(at));
                    sum = vmlal_s16(sum, vget_low_s16(samples), vget_low_s16(coefficients));
                    sum = vmlal_high_s16(sum, samples, coefficients);
                }
            }
            *out = ((vaddvq_s32(sum) + (1 << (dropped - 1))) >> dropped) as i16;
        }
    }
}

/// The sums of 8 columns, rounded and shifted.
///
/// # Safety
/// The processor has NEON, and 8 samples follow each row's `at`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn columns<const SHIFT: i32>(
    ring: *const i16,
    offsets: &[usize],
    coefficients: &[i16],
    at: usize,
) -> (int32x4_t, int32x4_t) {
    let (mut low, mut high) = (vdupq_n_s32(0), vdupq_n_s32(0));
    for (&row, &coefficient) in offsets.iter().zip(coefficients) {
        // SAFETY: the caller's promise.
        let samples = unsafe { vld1q_s16(ring.add(row + at)) };
        low = vmlal_n_s16(low, vget_low_s16(samples), coefficient);
        high = vmlal_high_n_s16(high, samples, coefficient);
    }
    (vrshrq_n_s32::<SHIFT>(low), vrshrq_n_s32::<SHIFT>(high))
}

/// Checks what [`columns`] relies on.
fn check_rows(ring: &[i16], offsets: &[usize], width: usize) {
    let whole = width.next_multiple_of(16);
    assert!(
        offsets.iter().all(|&row| row + whole <= ring.len()),
        "rows with room for whole steps"
    );
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn down_8(ring: &[i16], offsets: &[usize], coefficients: &[i16], out: &mut [u8]) {
    check_rows(ring, offsets, out.len());
    let ring = ring.as_ptr();
    for (step, out) in out.chunks_mut(16).enumerate() {
        let at = 16 * step;
        // SAFETY: the rows were checked; a whole step is stored only where one is left.
        unsafe {
            let (a, b) = columns::<{ SHIFT_8 as i32 }>(ring, offsets, coefficients, at);
            let (c, d) = columns::<{ SHIFT_8 as i32 }>(ring, offsets, coefficients, at + 8);
            let near = vqmovun_s16(vqmovn_high_s32(vqmovn_s32(a), b));
            let bytes = vqmovun_high_s16(near, vqmovn_high_s32(vqmovn_s32(c), d));
            if out.len() == 16 {
                vst1q_u8(out.as_mut_ptr(), bytes);
            } else {
                let mut last = [0; 16];
                vst1q_u8(last.as_mut_ptr(), bytes);
                out.copy_from_slice(&last[..out.len()]);
            }
        }
    }
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn down_10(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    out: &mut [u16],
) {
    check_rows(ring, offsets, out.len());
    let ring = ring.as_ptr();
    let max = vdupq_n_u16(MAX_10 as u16);
    for (step, out) in out.chunks_mut(8).enumerate() {
        // SAFETY: the rows were checked; a whole step is stored only where one is left.
        unsafe {
            let (a, b) = columns::<{ SHIFT_10 as i32 }>(ring, offsets, coefficients, 8 * step);
            let words = vminq_u16(vqmovun_high_s32(vqmovun_s32(a), b), max);
            if out.len() == 8 {
                vst1q_u16(out.as_mut_ptr(), words);
            } else {
                let mut last = [0; 8];
                vst1q_u16(last.as_mut_ptr(), words);
                out.copy_from_slice(&last[..out.len()]);
            }
        }
    }
}
