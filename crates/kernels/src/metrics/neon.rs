//! Squared errors and SSIM with Advanced SIMD.

use std::arch::aarch64::*;

use nervure_frame::metrics::{SSIM_ONE, ssim_stabilisers};

use super::ssim::Line;

/// The 16 samples from `at` on, zeros past the end.
#[inline]
#[target_feature(enable = "neon")]
fn load_8(row: &[u8], at: usize) -> uint8x16_t {
    let left = &row[at..];
    let mut last = [0; 16];
    let from = match left.first_chunk::<16>() {
        Some(whole) => whole,
        None => {
            last[..left.len()].copy_from_slice(left);
            &last
        }
    };
    // SAFETY: 16 bytes.
    unsafe { vld1q_u8(from.as_ptr()) }
}

/// The 8 samples from `at` on, at most white, zeros past the end.
#[inline]
#[target_feature(enable = "neon")]
fn load_10(row: &[u16], at: usize) -> uint16x8_t {
    let left = &row[at..];
    let mut last = [0; 8];
    let from = match left.first_chunk::<8>() {
        Some(whole) => whole,
        None => {
            last[..left.len()].copy_from_slice(left);
            &last
        }
    };
    // SAFETY: 8 words.
    let samples = unsafe { vld1q_u16(from.as_ptr()) };
    vminq_u16(samples, vdupq_n_u16(1023))
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn row_error_8(one: &[u8], two: &[u8]) -> u64 {
    let mut error = vdupq_n_u64(0);
    for at in (0..one.len()).step_by(16) {
        let apart = vabdq_u8(load_8(one, at), load_8(two, at));
        let low = vmull_u8(vget_low_u8(apart), vget_low_u8(apart));
        let high = vmull_high_u8(apart, apart);
        error = vpadalq_u32(error, vpadalq_u16(vpaddlq_u16(low), high));
    }
    vaddvq_u64(error)
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn row_error_10(one: &[u16], two: &[u16]) -> u64 {
    let mut error = vdupq_n_u64(0);
    for at in (0..one.len()).step_by(8) {
        let apart = vabdq_u16(load_10(one, at), load_10(two, at));
        let low = vmull_u16(vget_low_u16(apart), vget_low_u16(apart));
        error = vpadalq_u32(error, vmlal_high_u16(low, apart, apart));
    }
    vaddvq_u64(error)
}

/// Sums over half rows of blocks: of one picture, of the other, of the squares, of the products.
type Halves = [uint32x4_t; 4];

/// Adds 8 samples of a row to the sums: each lane takes two neighbours.
#[inline]
#[target_feature(enable = "neon")]
fn add_samples(sums: &mut Halves, a: uint16x8_t, b: uint16x8_t) {
    let pairs = |a: uint16x8_t, b: uint16x8_t| {
        let low = vmull_u16(vget_low_u16(a), vget_low_u16(b));
        vpaddq_u32(low, vmull_high_u16(a, b))
    };
    sums[0] = vpadalq_u16(sums[0], a);
    sums[1] = vpadalq_u16(sums[1], b);
    sums[2] = vaddq_u32(sums[2], vaddq_u32(pairs(a, a), pairs(b, b)));
    sums[3] = vaddq_u32(sums[3], pairs(a, b));
}

/// Writes 4 blocks' sums and gives their squared error.
///
/// # Panics
/// When the line has no room for them.
#[inline]
#[target_feature(enable = "neon")]
fn store_blocks(line: &mut Line, at: usize, first: &Halves, second: &Halves) -> u64 {
    assert!(at + 4 <= line.room(), "room for whole steps");
    let samples = vsliq_n_u32::<16>(
        vpaddq_u32(first[0], second[0]),
        vpaddq_u32(first[1], second[1]),
    );
    let squares = vpaddq_u32(first[2], second[2]);
    let products = vpaddq_u32(first[3], second[3]);
    // SAFETY: checked above; the three are of one length.
    unsafe {
        vst1q_u32(line.samples.as_mut_ptr().add(at), samples);
        vst1q_s32(
            line.squares.as_mut_ptr().add(at),
            vreinterpretq_s32_u32(squares),
        );
        vst1q_s32(
            line.products.as_mut_ptr().add(at),
            vreinterpretq_s32_u32(products),
        );
    }
    vaddlvq_u32(vsubq_u32(squares, vshlq_n_u32::<1>(products)))
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn block_sums_8(one: [&[u8]; 4], two: [&[u8]; 4], line: &mut Line) -> u64 {
    let zero = vdupq_n_u32(0);
    let mut error = 0;
    for at in (0..one[0].len()).step_by(16) {
        let (mut first, mut second) = ([zero; 4], [zero; 4]);
        for (one, two) in one.iter().zip(two) {
            let (a, b) = (load_8(one, at), load_8(two, at));
            let low = |bytes| vmovl_u8(vget_low_u8(bytes));
            add_samples(&mut first, low(a), low(b));
            add_samples(&mut second, vmovl_high_u8(a), vmovl_high_u8(b));
        }
        error += store_blocks(line, at / 4, &first, &second);
    }
    error
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn block_sums_10(one: [&[u16]; 4], two: [&[u16]; 4], line: &mut Line) -> u64 {
    let zero = vdupq_n_u32(0);
    let len = one[0].len();
    let mut error = 0;
    for at in (0..len).step_by(16) {
        let (mut first, mut second) = ([zero; 4], [zero; 4]);
        let later = (at + 8).min(len);
        for (one, two) in one.iter().zip(two) {
            add_samples(&mut first, load_10(one, at), load_10(two, at));
            add_samples(&mut second, load_10(one, later), load_10(two, later));
        }
        error += store_blocks(line, at / 4, &first, &second);
    }
    error
}

/// The sums of the 4 windows from block `at` on: samples, squares, products.
#[inline]
#[target_feature(enable = "neon")]
fn window_sums(above: &Line, below: &Line, at: usize) -> [int32x4_t; 3] {
    assert!(
        at + 5 <= above.room().min(below.room()),
        "room for whole steps"
    );
    // SAFETY: checked above; the vectors of a line are of one length.
    unsafe {
        let sum = |above: *const i32, below: *const i32| {
            let load = |from: *const i32| vld1q_s32(from.add(at));
            let left = vaddq_s32(load(above), load(below));
            let right = vaddq_s32(load(above.add(1)), load(below.add(1)));
            vaddq_s32(left, right)
        };
        [
            sum(above.samples.as_ptr().cast(), below.samples.as_ptr().cast()),
            sum(above.squares.as_ptr(), below.squares.as_ptr()),
            sum(above.products.as_ptr(), below.products.as_ptr()),
        ]
    }
}

/// The sums of the two pictures' samples.
#[inline]
#[target_feature(enable = "neon")]
fn apart(samples: int32x4_t) -> (int32x4_t, int32x4_t) {
    let samples = vreinterpretq_u32_s32(samples);
    (
        vreinterpretq_s32_u32(vandq_u32(samples, vdupq_n_u32(0xFFFF))),
        vreinterpretq_s32_u32(vshrq_n_u32::<16>(samples)),
    )
}

/// Adds the rounded similarities of the first `left` windows.
#[inline]
#[target_feature(enable = "neon")]
fn add_similarities(sum: int64x2_t, similarity: float32x4_t, left: usize) -> int64x2_t {
    let rounded = vcvtnq_s32_f32(vmulq_n_f32(similarity, SSIM_ONE as f32));
    // SAFETY: four words.
    let lanes = unsafe { vld1q_s32([0, 1, 2, 3].as_ptr()) };
    let valid = vcgtq_s32(vdupq_n_s32(left.min(4) as i32), lanes);
    vpadalq_s32(sum, vandq_s32(rounded, vreinterpretq_s32_u32(valid)))
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn windows_8(above: &Line, below: &Line, windows: usize) -> i64 {
    let (c1, c2) = ssim_stabilisers(255);
    let (c1, c2) = (vdupq_n_s32(c1 as i32), vdupq_n_s32(c2 as i32));
    let mut sum = vdupq_n_s64(0);
    for at in (0..windows).step_by(4) {
        let [samples, squares, products] = window_sums(above, below, at);
        let (s1, s2) = apart(samples);
        let own = vmlaq_s32(vmulq_s32(s1, s1), s2, s2);
        let cross = vshlq_n_s32::<1>(vmulq_s32(s1, s2));
        let variances = vsubq_s32(vshlq_n_s32::<6>(squares), own);
        let covariance = vsubq_s32(vshlq_n_s32::<7>(products), cross);
        let float = |sum, constant| vcvtq_f32_s32(vaddq_s32(sum, constant));
        let likeness = vmulq_f32(float(cross, c1), float(covariance, c2));
        let size = vmulq_f32(float(own, c1), float(variances, c2));
        sum = add_similarities(sum, vdivq_f32(likeness, size), windows - at);
    }
    vaddvq_s64(sum)
}

/// # Safety
/// The processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn windows_10(above: &Line, below: &Line, windows: usize) -> i64 {
    let (c1, c2) = ssim_stabilisers(1023);
    let (c1, c2) = (c1 as f64, c2 as f64);
    let mut sum = vdupq_n_s64(0);
    for at in (0..windows).step_by(4) {
        let [samples, squares, products] = window_sums(above, below, at);
        let (s1, s2) = apart(samples);
        let half = |s1, s2, squares, products| {
            // Whole numbers under 2^53: doubles hold them exactly, as the definition's integers.
            let double = |sum| vcvtq_f64_s64(vmovl_s32(sum));
            let (s1, s2) = (double(s1), double(s2));
            let own = vaddq_f64(vmulq_f64(s1, s1), vmulq_f64(s2, s2));
            let cross = vmulq_f64(s1, s2);
            let variances = vsubq_f64(vmulq_n_f64(double(squares), 64.0), own);
            let covariance = vsubq_f64(vmulq_n_f64(double(products), 64.0), cross);
            let float = |sum, constant| vcvt_f32_f64(vaddq_f64(sum, vdupq_n_f64(constant)));
            let likeness = vmul_f32(
                float(vmulq_n_f64(cross, 2.0), c1),
                float(vmulq_n_f64(covariance, 2.0), c2),
            );
            vdiv_f32(likeness, vmul_f32(float(own, c1), float(variances, c2)))
        };
        let low = |lanes| vget_low_s32(lanes);
        let high = |lanes| vget_high_s32(lanes);
        let similarity = vcombine_f32(
            half(low(s1), low(s2), low(squares), low(products)),
            half(high(s1), high(s2), high(squares), high(products)),
        );
        sum = add_similarities(sum, similarity, windows - at);
    }
    vaddvq_s64(sum)
}
