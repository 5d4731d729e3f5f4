//! Resampling with AVX2.

use std::arch::x86_64::*;

use super::axis::Axis;
use super::layout::{DOT_BLOCK, DOT_TAPS, Dots, QUAD_BLOCK, Quads};
use super::pixel::{MAX_10, SHIFT_8, SHIFT_10};

/// For the `third` 8 of 24 words that come from three registers of 8 taking turns: the bytes that
/// come from `register`, others zero.
const fn turns_of_three(third: usize, register: usize) -> [u8; 32] {
    let mut places = [0x80; 32];
    let mut lane = 0;
    while lane < 8 {
        let n = third * 8 + lane;
        if n % 3 == register {
            let mut byte = 0;
            while byte < 2 {
                places[2 * lane + byte] = (2 * (n / 3) + byte) as u8;
                places[16 + 2 * lane + byte] = (2 * (n / 3) + byte) as u8;
                byte += 1;
            }
        }
        lane += 1;
    }
    places
}

static THIRDS: [[[u8; 32]; 3]; 3] = {
    let mut all = [[[0; 32]; 3]; 3];
    let mut third = 0;
    while third < 3 {
        let mut register = 0;
        while register < 3 {
            all[third][register] = turns_of_three(third, register);
            register += 1;
        }
        third += 1;
    }
    all
};

/// # Safety
/// The processor has AVX2, and 16 samples follow `from`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(from: *const i16) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_loadu_si256(from.cast()) }
}

/// # Safety
/// The processor has AVX2, and two samples follow `from`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn broadcast_pair(from: *const i16) -> __m256i {
    // SAFETY: the caller's promise.
    _mm256_set1_epi32(unsafe { from.cast::<i32>().read_unaligned() })
}

/// An integer factor; see [`super::layout::Layout::Periodic`].
///
/// # Safety
/// The processor has AVX2; `padded` and `out` have [`super::SLACK`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn across_periodic(
    axis: &Axis,
    left: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match (axis.phases, axis.taps / 2) {
            (1, 1) => periodic::<1, 1>(axis, left, padded, out, dropped),
            (1, 2) => periodic::<1, 2>(axis, left, padded, out, dropped),
            (1, _) => periodic::<1, 3>(axis, left, padded, out, dropped),
            (2, 1) => periodic::<2, 1>(axis, left, padded, out, dropped),
            (2, 2) => periodic::<2, 2>(axis, left, padded, out, dropped),
            (2, _) => periodic::<2, 3>(axis, left, padded, out, dropped),
            (3, 1) => periodic::<3, 1>(axis, left, padded, out, dropped),
            (3, 2) => periodic::<3, 2>(axis, left, padded, out, dropped),
            (3, _) => periodic::<3, 3>(axis, left, padded, out, dropped),
            (_, 1) => periodic::<4, 1>(axis, left, padded, out, dropped),
            (_, 2) => periodic::<4, 2>(axis, left, padded, out, dropped),
            (_, _) => periodic::<4, 3>(axis, left, padded, out, dropped),
        }
    }
}

/// # Safety
/// As [`across_periodic`]; the axis has `F` phases of `2 * PAIRS` taps.
#[target_feature(enable = "avx2")]
unsafe fn periodic<const F: usize, const PAIRS: usize>(
    axis: &Axis,
    left: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    assert!(
        axis.phases == F && axis.taps == 2 * PAIRS,
        "phases and taps"
    );
    let starts: [usize; F] = std::array::from_fn(|p| left.wrapping_add_signed(axis.start(p)));
    let mut coefficients = [[_mm256_setzero_si256(); PAIRS]; F];
    for (phase, coefficients) in coefficients.iter_mut().enumerate() {
        for (pair, both) in coefficients.iter_mut().enumerate() {
            let from = &axis.coefficients(phase)[2 * pair..2 * pair + 2];
            // SAFETY: two coefficients.
            *both = unsafe { broadcast_pair(from.as_ptr()) };
        }
    }
    let positions = axis.target.div_ceil(F);
    let furthest = starts.iter().max().copied().unwrap_or(0);
    let whole = positions.next_multiple_of(16);
    assert!(furthest + whole + 2 * PAIRS <= padded.len(), "padded row");
    assert!(whole * F <= out.len(), "room for whole steps");

    let half = _mm256_set1_epi32(1 << (dropped - 1));
    let down = _mm_cvtsi32_si128(dropped as i32);
    let up = _mm_cvtsi32_si128(16 - dropped as i32);
    for first in (0..positions).step_by(16) {
        let mut phases = [_mm256_setzero_si256(); F];
        for (phase, words) in phases.iter_mut().enumerate() {
            let (mut even, mut odd) = (half, half);
            for (pair, &both) in coefficients[phase].iter().enumerate() {
                // SAFETY: at most `furthest + whole + 2 * PAIRS` samples are reached.
                let (a, b) = unsafe {
                    let from = padded.as_ptr().add(starts[phase] + first + 2 * pair);
                    (load(from), load(from.add(1)))
                };
                even = _mm256_add_epi32(even, _mm256_madd_epi16(a, both));
                odd = _mm256_add_epi32(odd, _mm256_madd_epi16(b, both));
            }
            // The sums of even positions in the low words, those of odd ones in the high words.
            *words =
                _mm256_blend_epi16::<0xAA>(_mm256_sra_epi32(even, down), _mm256_sll_epi32(odd, up));
        }
        // SAFETY: `whole * F` samples fit, so `16 * F` from here do.
        unsafe { interleave::<F>(&phases, out.as_mut_ptr().add(first * F)) };
    }
}

/// The words of two registers taking turns: the first and the last 16 of 32.
#[inline]
#[target_feature(enable = "avx2")]
fn turns(a: __m256i, b: __m256i) -> (__m256i, __m256i) {
    let low = _mm256_unpacklo_epi16(a, b);
    let high = _mm256_unpackhi_epi16(a, b);
    (
        _mm256_permute2x128_si256::<0x20>(low, high),
        _mm256_permute2x128_si256::<0x31>(low, high),
    )
}

/// Writes the phases' samples taking turns.
///
/// # Safety
/// The processor has AVX2, and `16 * F` samples fit `out`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn interleave<const F: usize>(phases: &[__m256i; F], out: *mut i16) {
    // SAFETY: the caller promises room for 16 words per phase; the tables hold 32 bytes.
    unsafe {
        let store = |step: usize, words| _mm256_storeu_si256(out.add(16 * step).cast(), words);
        match F {
            1 => store(0, phases[0]),
            2 => {
                let (first, last) = turns(phases[0], phases[1]);
                store(0, first);
                store(1, last);
            }
            3 => {
                for (third, masks) in THIRDS.iter().enumerate() {
                    let pick = |register: usize| {
                        let mask = load(masks[register].as_ptr().cast());
                        _mm256_shuffle_epi8(phases[register], mask)
                    };
                    let words = _mm256_or_si256(_mm256_or_si256(pick(0), pick(1)), pick(2));
                    let to: *mut __m128i = out.add(8 * third).cast();
                    _mm_storeu_si128(to, _mm256_castsi256_si128(words));
                    _mm_storeu_si128(to.add(3), _mm256_extracti128_si256::<1>(words));
                }
            }
            _ => {
                let (even, later_even) = turns(phases[0], phases[2]);
                let (odd, later_odd) = turns(phases[1], phases[3]);
                let (first, second) = turns(even, odd);
                let (third, fourth) = turns(later_even, later_odd);
                store(0, first);
                store(1, second);
                store(2, third);
                store(3, fourth);
            }
        }
    }
}

/// Ratios that do not shrink by more than half; see [`super::layout::Layout::Quads`].
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn across_quads(
    quads: &Quads,
    pairs: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match pairs {
            2 => in_quads::<2>(quads, pairs, padded, out, dropped),
            3 => in_quads::<3>(quads, pairs, padded, out, dropped),
            _ => in_quads::<0>(quads, pairs, padded, out, dropped),
        }
    }
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn in_quads<const PAIRS: usize>(
    quads: &Quads,
    pairs: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    let pairs = if PAIRS > 0 { PAIRS } else { pairs };
    let step = 2 * QUAD_BLOCK * (1 + pairs);
    let reach = 2 * pairs + 6;
    assert!(quads.bases.len() * 4 <= out.len(), "room for whole steps");
    let half = _mm256_set1_epi32(1 << (dropped - 1));
    let down = _mm_cvtsi32_si128(dropped as i32);
    let blocks = quads.bases.as_chunks::<2>().0.iter();
    let blocks = blocks.zip(out.chunks_exact_mut(QUAD_BLOCK));
    for ((bases, out), table) in blocks.zip(quads.table.chunks_exact(step).cycle()) {
        let near = &padded[bases[0] as usize..bases[0] as usize + reach];
        let far = &padded[bases[1] as usize..bases[1] as usize + reach];
        // SAFETY: pairs of taps reach `reach` samples; the table holds `1 + pairs` times 16, the
        // result 8.
        unsafe {
            let places = load(table.as_ptr());
            let mut sum = half;
            for pair in 0..pairs {
                let samples = _mm256_loadu2_m128i(
                    far.as_ptr().add(2 * pair).cast(),
                    near.as_ptr().add(2 * pair).cast(),
                );
                let samples = _mm256_shuffle_epi8(samples, places);
                let coefficients = load(table.as_ptr().add(16 * (1 + pair)));
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(samples, coefficients));
            }
            store_sums(sum, down, out.as_mut_ptr());
        }
    }
}

/// Shifts 8 sums and writes them.
///
/// # Safety
/// The processor has AVX2, and 8 samples fit `out`.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_sums(sums: __m256i, down: __m128i, out: *mut i16) {
    let sums = _mm256_sra_epi32(sums, down);
    // No filter overshoots 16 bits, so saturation never bites.
    let words = _mm_packs_epi32(
        _mm256_castsi256_si128(sums),
        _mm256_extracti128_si256::<1>(sums),
    );
    // SAFETY: the caller's promise.
    unsafe { _mm_storeu_si128(out.cast(), words) };
}

/// Any ratio; see [`super::layout::Layout::Dots`].
///
/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn across_dots(dots: &Dots, padded: &[i16], out: &mut [i16], dropped: u32) {
    const STEP: usize = DOT_BLOCK * DOT_TAPS;
    let reach = dots.groups * DOT_TAPS;
    let fits = |&start: &u32| start as usize + reach <= padded.len();
    assert!(dots.starts.iter().all(fits), "padded row");
    assert!(dots.starts.len() <= out.len(), "room for whole steps");
    let half = _mm256_set1_epi32(1 << (dropped - 1));
    let down = _mm_cvtsi32_si128(dropped as i32);
    let blocks = dots.starts.as_chunks::<DOT_BLOCK>().0.iter();
    let blocks = blocks.zip(out.chunks_exact_mut(DOT_BLOCK));
    let tables = dots.coefficients.chunks_exact(dots.groups * STEP);
    for ((starts, out), table) in blocks.zip(tables.cycle()) {
        // SAFETY: the row was checked above; the table holds `groups` steps, the result 8 samples.
        unsafe {
            let row = padded.as_ptr();
            // Register k holds target samples k and k + 4.
            let mut sums = [_mm256_setzero_si256(); 4];
            for group in 0..dots.groups {
                for (k, sum) in sums.iter_mut().enumerate() {
                    let near = row.add(starts[k] as usize + group * DOT_TAPS);
                    let far = row.add(starts[k + 4] as usize + group * DOT_TAPS);
                    let samples = _mm256_loadu2_m128i(far.cast(), near.cast());
                    let coefficients = load(table.as_ptr().add(group * STEP + 2 * DOT_TAPS * k));
                    let products = _mm256_madd_epi16(samples, coefficients);
                    *sum = _mm256_add_epi32(*sum, products);
                }
            }
            let near = _mm256_hadd_epi32(sums[0], sums[1]);
            let far = _mm256_hadd_epi32(sums[2], sums[3]);
            let sum = _mm256_add_epi32(_mm256_hadd_epi32(near, far), half);
            store_sums(sum, down, out.as_mut_ptr());
        }
    }
}

/// The sums of 16 columns, rounded and shifted: the low and high halves of each 128-bit lane.
///
/// # Safety
/// The processor has AVX2; 16 samples follow each row's `at`; there are `2 * pairs` rows and
/// coefficients.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn columns<const SHIFT: i32>(
    ring: *const i16,
    offsets: &[usize],
    coefficients: &[i16],
    pairs: usize,
    at: usize,
) -> (__m256i, __m256i) {
    let half = _mm256_set1_epi32(1 << (SHIFT - 1));
    let (mut low, mut high) = (half, half);
    for pair in 0..pairs {
        // SAFETY: the caller's promise.
        unsafe {
            let a = load(ring.add(*offsets.get_unchecked(2 * pair) + at));
            let b = load(ring.add(*offsets.get_unchecked(2 * pair + 1) + at));
            let both = broadcast_pair(coefficients.as_ptr().add(2 * pair));
            let products = _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), both);
            low = _mm256_add_epi32(low, products);
            let products = _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), both);
            high = _mm256_add_epi32(high, products);
        }
    }
    (
        _mm256_srai_epi32::<SHIFT>(low),
        _mm256_srai_epi32::<SHIFT>(high),
    )
}

/// Checks what [`columns`] relies on.
fn check_rows(ring: &[i16], offsets: &[usize], coefficients: &[i16], width: usize) {
    let whole = width.next_multiple_of(32);
    assert!(
        offsets.len() == coefficients.len() && offsets.len().is_multiple_of(2),
        "a row for each coefficient, in pairs"
    );
    assert!(
        offsets.iter().all(|&row| row + whole <= ring.len()),
        "rows with room for whole steps"
    );
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn down_8(ring: &[i16], offsets: &[usize], coefficients: &[i16], out: &mut [u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        match coefficients.len() {
            2 => down_8_pairs::<1>(ring, offsets, coefficients, out),
            4 => down_8_pairs::<2>(ring, offsets, coefficients, out),
            6 => down_8_pairs::<3>(ring, offsets, coefficients, out),
            _ => down_8_pairs::<0>(ring, offsets, coefficients, out),
        }
    }
}

/// # Safety
/// The processor has AVX2; `PAIRS` is half the rows, or zero when it is many.
#[target_feature(enable = "avx2")]
unsafe fn down_8_pairs<const PAIRS: usize>(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    out: &mut [u8],
) {
    check_rows(ring, offsets, coefficients, out.len());
    let pairs = if PAIRS > 0 { PAIRS } else { offsets.len() / 2 };
    assert!(2 * pairs == offsets.len(), "pairs of rows");
    let ring = ring.as_ptr();
    for (step, out) in out.chunks_mut(32).enumerate() {
        let at = 32 * step;
        // SAFETY: the rows were checked; a whole step is stored only where one is left.
        unsafe {
            let (a, b) = columns::<{ SHIFT_8 as i32 }>(ring, offsets, coefficients, pairs, at);
            let (c, d) = columns::<{ SHIFT_8 as i32 }>(ring, offsets, coefficients, pairs, at + 16);
            let bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
            let bytes = _mm256_permute4x64_epi64::<0b11_01_10_00>(bytes);
            if out.len() == 32 {
                _mm256_storeu_si256(out.as_mut_ptr().cast(), bytes);
            } else {
                let mut last = [0u8; 32];
                _mm256_storeu_si256(last.as_mut_ptr().cast(), bytes);
                out.copy_from_slice(&last[..out.len()]);
            }
        }
    }
}

/// # Safety
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn down_10(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    out: &mut [u16],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match coefficients.len() {
            2 => down_10_pairs::<1>(ring, offsets, coefficients, out),
            4 => down_10_pairs::<2>(ring, offsets, coefficients, out),
            6 => down_10_pairs::<3>(ring, offsets, coefficients, out),
            _ => down_10_pairs::<0>(ring, offsets, coefficients, out),
        }
    }
}

/// # Safety
/// As [`down_8_pairs`].
#[target_feature(enable = "avx2")]
unsafe fn down_10_pairs<const PAIRS: usize>(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    out: &mut [u16],
) {
    check_rows(ring, offsets, coefficients, out.len());
    let pairs = if PAIRS > 0 { PAIRS } else { offsets.len() / 2 };
    assert!(2 * pairs == offsets.len(), "pairs of rows");
    let ring = ring.as_ptr();
    let max = _mm256_set1_epi16(MAX_10);
    for (step, out) in out.chunks_mut(16).enumerate() {
        let at = 16 * step;
        // SAFETY: the rows were checked; a whole step is stored only where one is left.
        unsafe {
            let (a, b) = columns::<{ SHIFT_10 as i32 }>(ring, offsets, coefficients, pairs, at);
            let words = _mm256_min_epu16(_mm256_packus_epi32(a, b), max);
            if out.len() == 16 {
                _mm256_storeu_si256(out.as_mut_ptr().cast(), words);
            } else {
                let mut last = [0u16; 16];
                _mm256_storeu_si256(last.as_mut_ptr().cast(), words);
                out.copy_from_slice(&last[..out.len()]);
            }
        }
    }
}
