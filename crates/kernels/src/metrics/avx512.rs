//! Squared errors and SSIM with AVX-512 (BW, VL, VNNI).

use std::arch::x86_64::*;

use nervure_frame::metrics::{SSIM_ONE, ssim_stabilisers};

use super::ssim::Line;

/// Samples of a row whose squared differences fit 32-bit sums with room to spare.
const CHUNK: usize = 4096;

/// The lanes of a register added up.
#[inline]
#[target_feature(enable = "avx512f")]
fn total(lanes: __m512i) -> i64 {
    let low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(lanes));
    let high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(lanes));
    _mm512_reduce_add_epi64(_mm512_add_epi64(low, high))
}

/// Adds the lanes to 64-bit sums.
#[inline]
#[target_feature(enable = "avx512f")]
fn widening_add(sums: __m512i, lanes: __m512i) -> __m512i {
    let low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(lanes));
    let high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64::<1>(lanes));
    _mm512_add_epi64(sums, _mm512_add_epi64(low, high))
}

/// The samples from `at` on, zeros past the end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_8(row: &[u8], at: usize) -> __m512i {
    let left = row.len() - at;
    // SAFETY: a whole step is read where there is one, else what is left.
    unsafe {
        let from: *const i8 = row.as_ptr().add(at).cast();
        match left {
            64.. => _mm512_loadu_si512(from.cast()),
            _ => _mm512_maskz_loadu_epi8((1 << left) - 1, from),
        }
    }
}

/// The samples from `at` on, at most white, zeros past the end.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_10(row: &[u16], at: usize) -> __m512i {
    let left = row.len() - at;
    // SAFETY: a whole step is read where there is one, else what is left.
    let samples = unsafe {
        let from: *const i16 = row.as_ptr().add(at).cast();
        match left {
            32.. => _mm512_loadu_si512(from.cast()),
            _ => _mm512_maskz_loadu_epi16((1 << left) - 1, from),
        }
    };
    _mm512_min_epu16(samples, _mm512_set1_epi16(1023))
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn row_error_8(one: &[u8], two: &[u8]) -> u64 {
    let zero = _mm512_setzero_si512();
    let mut error = 0;
    for (one, two) in one.chunks(CHUNK).zip(two.chunks(CHUNK)) {
        let mut sum = zero;
        for at in (0..one.len()).step_by(64) {
            let (a, b) = (load_8(one, at), load_8(two, at));
            let apart = _mm512_or_si512(_mm512_subs_epu8(a, b), _mm512_subs_epu8(b, a));
            let low = _mm512_unpacklo_epi8(apart, zero);
            let high = _mm512_unpackhi_epi8(apart, zero);
            sum = _mm512_dpwssd_epi32(sum, low, low);
            sum = _mm512_dpwssd_epi32(sum, high, high);
        }
        error += total(sum) as u64;
    }
    error
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn row_error_10(one: &[u16], two: &[u16]) -> u64 {
    let mut error = 0;
    for (one, two) in one.chunks(CHUNK).zip(two.chunks(CHUNK)) {
        let mut sum = _mm512_setzero_si512();
        for at in (0..one.len()).step_by(32) {
            let apart = _mm512_sub_epi16(load_10(one, at), load_10(two, at));
            sum = _mm512_dpwssd_epi32(sum, apart, apart);
        }
        error += total(sum) as u64;
    }
    error
}

/// Writes 16 blocks' sums and gives their squared errors.
///
/// # Panics
/// When the line has no room for them.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_blocks(
    line: &mut Line,
    at: usize,
    samples: __m512i,
    squares: __m512i,
    products: __m512i,
) -> __m512i {
    assert!(at + 16 <= line.room(), "room for whole steps");
    // SAFETY: checked above; the three are of one length.
    unsafe {
        _mm512_storeu_si512(line.samples.as_mut_ptr().add(at).cast(), samples);
        _mm512_storeu_si512(line.squares.as_mut_ptr().add(at).cast(), squares);
        _mm512_storeu_si512(line.products.as_mut_ptr().add(at).cast(), products);
    }
    _mm512_sub_epi32(squares, _mm512_slli_epi32::<1>(products))
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn block_sums_8(one: [&[u8]; 4], two: [&[u8]; 4], line: &mut Line) -> u64 {
    let zero = _mm512_setzero_si512();
    let ones = _mm512_set1_epi8(1);
    let signs = _mm512_set1_epi8(-128);
    let mut error = zero;
    for at in (0..one[0].len()).step_by(64) {
        let (mut s1, mut s2, mut squares, mut products) = (zero, zero, zero, zero);
        for (one, two) in one.iter().zip(two) {
            let (a, b) = (load_8(one, at), load_8(two, at));
            // The instruction multiplies unsigned by signed bytes and adds four products, those of
            // a block's row: a (b - 128) is within its reach, and 128 a is put right below.
            let (low_a, low_b) = (_mm512_xor_si512(a, signs), _mm512_xor_si512(b, signs));
            s1 = _mm512_dpbusd_epi32(s1, a, ones);
            s2 = _mm512_dpbusd_epi32(s2, b, ones);
            squares = _mm512_dpbusd_epi32(squares, a, low_a);
            squares = _mm512_dpbusd_epi32(squares, b, low_b);
            products = _mm512_dpbusd_epi32(products, a, low_b);
        }
        let both = _mm512_add_epi32(s1, s2);
        squares = _mm512_add_epi32(squares, _mm512_slli_epi32::<7>(both));
        products = _mm512_add_epi32(products, _mm512_slli_epi32::<7>(s1));
        let samples = _mm512_or_si512(s1, _mm512_slli_epi32::<16>(s2));
        let errors = store_blocks(line, at / 4, samples, squares, products);
        error = widening_add(error, errors);
    }
    _mm512_reduce_add_epi64(error) as u64
}

/// The sums of neighbouring lanes of two registers, in order.
#[inline]
#[target_feature(enable = "avx512f")]
fn add_neighbours(first: __m512i, second: __m512i) -> __m512i {
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    _mm512_add_epi32(
        _mm512_permutex2var_epi32(first, even, second),
        _mm512_permutex2var_epi32(first, odd, second),
    )
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn block_sums_10(one: [&[u16]; 4], two: [&[u16]; 4], line: &mut Line) -> u64 {
    let zero = _mm512_setzero_si512();
    let ones = _mm512_set1_epi16(1);
    let len = one[0].len();
    let mut error = zero;
    for at in (0..len).step_by(64) {
        // Halves of a block's row, in two registers.
        let mut sums = [[zero; 4]; 2];
        for (half, sums) in sums.iter_mut().enumerate() {
            let at = (at + 32 * half).min(len);
            for (one, two) in one.iter().zip(two) {
                let (a, b) = (load_10(one, at), load_10(two, at));
                sums[0] = _mm512_dpwssd_epi32(sums[0], a, ones);
                sums[1] = _mm512_dpwssd_epi32(sums[1], b, ones);
                sums[2] = _mm512_dpwssd_epi32(sums[2], a, a);
                sums[2] = _mm512_dpwssd_epi32(sums[2], b, b);
                sums[3] = _mm512_dpwssd_epi32(sums[3], a, b);
            }
        }
        let [first, second] = sums;
        let s2 = add_neighbours(first[1], second[1]);
        let samples = add_neighbours(first[0], second[0]);
        let samples = _mm512_or_si512(samples, _mm512_slli_epi32::<16>(s2));
        let squares = add_neighbours(first[2], second[2]);
        let products = add_neighbours(first[3], second[3]);
        let errors = store_blocks(line, at / 4, samples, squares, products);
        error = widening_add(error, errors);
    }
    _mm512_reduce_add_epi64(error) as u64
}

/// The sums of the 16 windows from block `at` on: samples, squares, products.
#[inline]
#[target_feature(enable = "avx512f")]
fn window_sums(above: &Line, below: &Line, at: usize) -> [__m512i; 3] {
    assert!(
        at + 17 <= above.room().min(below.room()),
        "room for whole steps"
    );
    // SAFETY: checked above; the vectors of a line are of one length.
    unsafe {
        let sum = |above: *const i32, below: *const i32| {
            let load = |from: *const i32| _mm512_loadu_si512(from.add(at).cast());
            let left = _mm512_add_epi32(load(above), load(below));
            let right = _mm512_add_epi32(load(above.add(1)), load(below.add(1)));
            _mm512_add_epi32(left, right)
        };
        [
            sum(above.samples.as_ptr().cast(), below.samples.as_ptr().cast()),
            sum(above.squares.as_ptr(), below.squares.as_ptr()),
            sum(above.products.as_ptr(), below.products.as_ptr()),
        ]
    }
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn windows_8(above: &Line, below: &Line, windows: usize) -> i64 {
    let (c1, c2) = ssim_stabilisers(255);
    let (c1, c2) = (_mm512_set1_epi32(c1 as i32), _mm512_set1_epi32(c2 as i32));
    let one = _mm512_set1_ps(SSIM_ONE as f32);
    let mut total = _mm512_setzero_si512();
    for at in (0..windows).step_by(16) {
        let [samples, squares, products] = window_sums(above, below, at);
        // Both sums are under 2^14: one multiplication squares and adds them.
        let own = _mm512_madd_epi16(samples, samples);
        let cross = _mm512_madd_epi16(samples, _mm512_rol_epi32::<16>(samples));
        let variances = _mm512_sub_epi32(_mm512_slli_epi32::<6>(squares), own);
        let covariance = _mm512_sub_epi32(_mm512_slli_epi32::<7>(products), cross);
        let float = |sum, constant| _mm512_cvtepi32_ps(_mm512_add_epi32(sum, constant));
        let likeness = _mm512_mul_ps(float(cross, c1), float(covariance, c2));
        let size = _mm512_mul_ps(float(own, c1), float(variances, c2));
        let similarity = _mm512_mul_ps(_mm512_div_ps(likeness, size), one);
        let valid = match windows - at {
            16.. => !0,
            left => (1 << left) - 1,
        };
        total = widening_add(total, _mm512_maskz_cvtps_epi32(valid, similarity));
    }
    _mm512_reduce_add_epi64(total)
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn windows_10(above: &Line, below: &Line, windows: usize) -> i64 {
    let (c1, c2) = ssim_stabilisers(1023);
    let (c1, c2) = (_mm512_set1_pd(c1 as f64), _mm512_set1_pd(c2 as f64));
    let one = _mm256_set1_ps(SSIM_ONE as f32);
    let (two, samples_in_window) = (_mm512_set1_pd(2.0), _mm512_set1_pd(64.0));
    let mut total = _mm512_setzero_si512();
    for at in (0..windows).step_by(16) {
        let sums = window_sums(above, below, at);
        for half in 0..2 {
            let pick = |lanes| match half {
                0 => _mm512_castsi512_si256(lanes),
                _ => _mm512_extracti64x4_epi64::<1>(lanes),
            };
            let samples = pick(sums[0]);
            // Whole numbers under 2^53: doubles hold them exactly, as the definition's integers.
            let double = |sum| _mm512_cvtepi32_pd(sum);
            let s1 = double(_mm256_and_si256(samples, _mm256_set1_epi32(0xFFFF)));
            let s2 = double(_mm256_srli_epi32::<16>(samples));
            let own = _mm512_add_pd(_mm512_mul_pd(s1, s1), _mm512_mul_pd(s2, s2));
            let cross = _mm512_mul_pd(s1, s2);
            let squares = _mm512_mul_pd(double(pick(sums[1])), samples_in_window);
            let products = _mm512_mul_pd(double(pick(sums[2])), samples_in_window);
            let variances = _mm512_sub_pd(squares, own);
            let covariance = _mm512_sub_pd(products, cross);
            let float = |sum, constant| _mm512_cvtpd_ps(_mm512_add_pd(sum, constant));
            let likeness = _mm256_mul_ps(
                float(_mm512_mul_pd(cross, two), c1),
                float(_mm512_mul_pd(covariance, two), c2),
            );
            let size = _mm256_mul_ps(float(own, c1), float(variances, c2));
            let similarity = _mm256_mul_ps(_mm256_div_ps(likeness, size), one);
            let valid = match windows.saturating_sub(at + 8 * half) {
                8.. => !0,
                left => (1 << left) - 1,
            };
            let rounded = _mm256_maskz_cvtps_epi32(valid, similarity);
            total = _mm512_add_epi64(total, _mm512_cvtepi32_epi64(rounded));
        }
    }
    _mm512_reduce_add_epi64(total)
}
