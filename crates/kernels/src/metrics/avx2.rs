//! Squared errors and SSIM with AVX2.

use std::arch::x86_64::*;

use nervure_frame::metrics::{SSIM_ONE, ssim_stabilisers};

use super::ssim::Line;

/// Samples of a row whose squared differences fit 32-bit sums with room to spare.
const CHUNK: usize = 4096;

/// The 64-bit lanes added up.
#[inline]
#[target_feature(enable = "avx2")]
fn total(sums: __m256i) -> i64 {
    let halves = _mm_add_epi64(
        _mm256_castsi256_si128(sums),
        _mm256_extracti128_si256::<1>(sums),
    );
    _mm_extract_epi64::<0>(halves) + _mm_extract_epi64::<1>(halves)
}

/// Adds the 32-bit lanes to 64-bit sums.
#[inline]
#[target_feature(enable = "avx2")]
fn widening_add(sums: __m256i, lanes: __m256i) -> __m256i {
    let low = _mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes));
    let high = _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(lanes));
    _mm256_add_epi64(sums, _mm256_add_epi64(low, high))
}

/// The 32 samples from `at` on, zeros past the end.
#[inline]
#[target_feature(enable = "avx2")]
fn load_8(row: &[u8], at: usize) -> __m256i {
    let left = &row[at..];
    let mut last = [0; 32];
    let from = match left.first_chunk::<32>() {
        Some(whole) => whole,
        None => {
            last[..left.len()].copy_from_slice(left);
            &last
        }
    };
    // SAFETY: 32 bytes.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// The 16 samples from `at` on, at most white, zeros past the end.
#[inline]
#[target_feature(enable = "avx2")]
fn load_10(row: &[u16], at: usize) -> __m256i {
    let left = &row[at..];
    let mut last = [0; 16];
    let from = match left.first_chunk::<16>() {
        Some(whole) => whole,
        None => {
            last[..left.len()].copy_from_slice(left);
            &last
        }
    };
    // SAFETY: 16 words.
    let samples = unsafe { _mm256_loadu_si256(from.as_ptr().cast()) };
    _mm256_min_epu16(samples, _mm256_set1_epi16(1023))
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn row_error_8(one: &[u8], two: &[u8]) -> u64 {
    let zero = _mm256_setzero_si256();
    let mut error = zero;
    for (one, two) in one.chunks(CHUNK).zip(two.chunks(CHUNK)) {
        let mut sum = zero;
        for at in (0..one.len()).step_by(32) {
            let (a, b) = (load_8(one, at), load_8(two, at));
            let apart = _mm256_or_si256(_mm256_subs_epu8(a, b), _mm256_subs_epu8(b, a));
            let low = _mm256_unpacklo_epi8(apart, zero);
            let high = _mm256_unpackhi_epi8(apart, zero);
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(low, low));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(high, high));
        }
        error = widening_add(error, sum);
    }
    total(error) as u64
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn row_error_10(one: &[u16], two: &[u16]) -> u64 {
    let mut error = _mm256_setzero_si256();
    for (one, two) in one.chunks(CHUNK).zip(two.chunks(CHUNK)) {
        let mut sum = _mm256_setzero_si256();
        for at in (0..one.len()).step_by(16) {
            let apart = _mm256_sub_epi16(load_10(one, at), load_10(two, at));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(apart, apart));
        }
        error = widening_add(error, sum);
    }
    total(error) as u64
}

/// The sums of neighbouring lanes of two registers, in order.
#[inline]
#[target_feature(enable = "avx2")]
fn add_neighbours(first: __m256i, second: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(first, second))
}

/// Sums over half rows of blocks: of one picture, of the other, of the squares, of the products.
type Halves = [__m256i; 4];

/// Adds 16 samples of a row to the sums.
#[inline]
#[target_feature(enable = "avx2")]
fn add_samples(sums: &mut Halves, a: __m256i, b: __m256i) {
    let ones = _mm256_set1_epi16(1);
    let squares = _mm256_add_epi32(_mm256_madd_epi16(a, a), _mm256_madd_epi16(b, b));
    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(a, ones));
    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(b, ones));
    sums[2] = _mm256_add_epi32(sums[2], squares);
    sums[3] = _mm256_add_epi32(sums[3], _mm256_madd_epi16(a, b));
}

/// Writes 8 blocks' sums and gives their squared errors.
///
/// # Panics
/// When the line has no room for them.
#[inline]
#[target_feature(enable = "avx2")]
fn store_blocks(line: &mut Line, at: usize, first: &Halves, second: &Halves) -> __m256i {
    assert!(at + 8 <= line.room(), "room for whole steps");
    let s1 = add_neighbours(first[0], second[0]);
    let s2 = add_neighbours(first[1], second[1]);
    let samples = _mm256_or_si256(s1, _mm256_slli_epi32::<16>(s2));
    let squares = add_neighbours(first[2], second[2]);
    let products = add_neighbours(first[3], second[3]);
    // SAFETY: checked above; the three are of one length.
    unsafe {
        _mm256_storeu_si256(line.samples.as_mut_ptr().add(at).cast(), samples);
        _mm256_storeu_si256(line.squares.as_mut_ptr().add(at).cast(), squares);
        _mm256_storeu_si256(line.products.as_mut_ptr().add(at).cast(), products);
    }
    _mm256_sub_epi32(squares, _mm256_slli_epi32::<1>(products))
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn block_sums_8(one: [&[u8]; 4], two: [&[u8]; 4], line: &mut Line) -> u64 {
    let zero = _mm256_setzero_si256();
    let mut error = zero;
    for at in (0..one[0].len()).step_by(32) {
        let (mut first, mut second) = ([zero; 4], [zero; 4]);
        for (one, two) in one.iter().zip(two) {
            let (a, b) = (load_8(one, at), load_8(two, at));
            add_samples(
                &mut first,
                _mm256_cvtepu8_epi16(_mm256_castsi256_si128(a)),
                _mm256_cvtepu8_epi16(_mm256_castsi256_si128(b)),
            );
            add_samples(
                &mut second,
                _mm256_cvtepu8_epi16(_mm256_extracti128_si256::<1>(a)),
                _mm256_cvtepu8_epi16(_mm256_extracti128_si256::<1>(b)),
            );
        }
        error = widening_add(error, store_blocks(line, at / 4, &first, &second));
    }
    total(error) as u64
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn block_sums_10(one: [&[u16]; 4], two: [&[u16]; 4], line: &mut Line) -> u64 {
    let zero = _mm256_setzero_si256();
    let len = one[0].len();
    let mut error = zero;
    for at in (0..len).step_by(32) {
        let (mut first, mut second) = ([zero; 4], [zero; 4]);
        let later = (at + 16).min(len);
        for (one, two) in one.iter().zip(two) {
            add_samples(&mut first, load_10(one, at), load_10(two, at));
            add_samples(&mut second, load_10(one, later), load_10(two, later));
        }
        error = widening_add(error, store_blocks(line, at / 4, &first, &second));
    }
    total(error) as u64
}

/// The sums of the 8 windows from block `at` on: samples, squares, products.
#[inline]
#[target_feature(enable = "avx2")]
fn window_sums(above: &Line, below: &Line, at: usize) -> [__m256i; 3] {
    assert!(
        at + 9 <= above.room().min(below.room()),
        "room for whole steps"
    );
    // SAFETY: checked above; the vectors of a line are of one length.
    unsafe {
        let sum = |above: *const i32, below: *const i32| {
            let load = |from: *const i32| _mm256_loadu_si256(from.add(at).cast());
            let left = _mm256_add_epi32(load(above), load(below));
            let right = _mm256_add_epi32(load(above.add(1)), load(below.add(1)));
            _mm256_add_epi32(left, right)
        };
        [
            sum(above.samples.as_ptr().cast(), below.samples.as_ptr().cast()),
            sum(above.squares.as_ptr(), below.squares.as_ptr()),
            sum(above.products.as_ptr(), below.products.as_ptr()),
        ]
    }
}

/// All bits set in the lanes of the first `left` windows.
#[inline]
#[target_feature(enable = "avx2")]
fn valid(left: usize) -> __m256i {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(left.min(8) as i32), lanes)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn windows_8(above: &Line, below: &Line, windows: usize) -> i64 {
    let (c1, c2) = ssim_stabilisers(255);
    let (c1, c2) = (_mm256_set1_epi32(c1 as i32), _mm256_set1_epi32(c2 as i32));
    let one = _mm256_set1_ps(SSIM_ONE as f32);
    let mut sum = _mm256_setzero_si256();
    for at in (0..windows).step_by(8) {
        let [samples, squares, products] = window_sums(above, below, at);
        // Both sums are under 2^14: one multiplication squares and adds them.
        let swapped = _mm256_or_si256(
            _mm256_slli_epi32::<16>(samples),
            _mm256_srli_epi32::<16>(samples),
        );
        let own = _mm256_madd_epi16(samples, samples);
        let cross = _mm256_madd_epi16(samples, swapped);
        let variances = _mm256_sub_epi32(_mm256_slli_epi32::<6>(squares), own);
        let covariance = _mm256_sub_epi32(_mm256_slli_epi32::<7>(products), cross);
        let float = |sum, constant| _mm256_cvtepi32_ps(_mm256_add_epi32(sum, constant));
        let likeness = _mm256_mul_ps(float(cross, c1), float(covariance, c2));
        let size = _mm256_mul_ps(float(own, c1), float(variances, c2));
        let similarity = _mm256_mul_ps(_mm256_div_ps(likeness, size), one);
        let rounded = _mm256_and_si256(_mm256_cvtps_epi32(similarity), valid(windows - at));
        sum = widening_add(sum, rounded);
    }
    total(sum)
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn windows_10(above: &Line, below: &Line, windows: usize) -> i64 {
    let (c1, c2) = ssim_stabilisers(1023);
    let (c1, c2) = (_mm256_set1_pd(c1 as f64), _mm256_set1_pd(c2 as f64));
    let one = _mm_set1_ps(SSIM_ONE as f32);
    let (two, samples_in_window) = (_mm256_set1_pd(2.0), _mm256_set1_pd(64.0));
    let mut sum = _mm256_setzero_si256();
    for at in (0..windows).step_by(8) {
        let sums = window_sums(above, below, at);
        let valid = valid(windows - at);
        for half in 0..2 {
            let pick = |lanes| match half {
                0 => _mm256_castsi256_si128(lanes),
                _ => _mm256_extracti128_si256::<1>(lanes),
            };
            // Whole numbers under 2^53: doubles hold them exactly, as the definition's integers.
            let double = |sum| _mm256_cvtepi32_pd(sum);
            let samples = pick(sums[0]);
            let s1 = double(_mm_and_si128(samples, _mm_set1_epi32(0xFFFF)));
            let s2 = double(_mm_srli_epi32::<16>(samples));
            let own = _mm256_add_pd(_mm256_mul_pd(s1, s1), _mm256_mul_pd(s2, s2));
            let cross = _mm256_mul_pd(s1, s2);
            let squares = _mm256_mul_pd(double(pick(sums[1])), samples_in_window);
            let products = _mm256_mul_pd(double(pick(sums[2])), samples_in_window);
            let variances = _mm256_sub_pd(squares, own);
            let covariance = _mm256_sub_pd(products, cross);
            let float = |sum, constant| _mm256_cvtpd_ps(_mm256_add_pd(sum, constant));
            let likeness = _mm_mul_ps(
                float(_mm256_mul_pd(cross, two), c1),
                float(_mm256_mul_pd(covariance, two), c2),
            );
            let size = _mm_mul_ps(float(own, c1), float(variances, c2));
            let similarity = _mm_mul_ps(_mm_div_ps(likeness, size), one);
            let rounded = _mm_and_si128(_mm_cvtps_epi32(similarity), pick(valid));
            sum = _mm256_add_epi64(sum, _mm256_cvtepi32_epi64(rounded));
        }
    }
    total(sum)
}
