//! Resampling with AVX-512 (BW, VL, VNNI).

use std::arch::x86_64::*;

use super::axis::Axis;
use super::layout::{WINDOW_BLOCK, Windows};
use super::pixel::{MAX_10, SHIFT_8, SHIFT_10};

/// Places of the low or high halves of two registers' words, taking turns.
const fn turns(first: usize) -> [i16; 32] {
    let mut places = [0; 32];
    let mut lane = 0;
    while lane < 32 {
        places[lane] = ((lane % 2) * 32 + first + lane / 2) as i16;
        lane += 1;
    }
    places
}

/// Places of the words of three registers taking turns, in the `third` 32 of 96: first from
/// registers 0 and 1 (a word of register 2 gets any place), then from those and register 2.
const fn turns_of_three(third: usize) -> ([i16; 32], [i16; 32]) {
    let (mut two, mut three) = ([0; 32], [0; 32]);
    let mut lane = 0;
    while lane < 32 {
        let n = third * 32 + lane;
        match n % 3 {
            2 => three[lane] = (32 + n / 3) as i16,
            register => {
                two[lane] = (register * 32 + n / 3) as i16;
                three[lane] = lane as i16;
            }
        }
        lane += 1;
    }
    (two, three)
}

static LOW: [i16; 32] = turns(0);
static HIGH: [i16; 32] = turns(16);
static THIRDS: [([i16; 32], [i16; 32]); 3] =
    [turns_of_three(0), turns_of_three(1), turns_of_three(2)];

/// # Safety
/// The processor has AVX-512 F and BW, and 32 samples follow `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn load(from: *const i16) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_si512(from.cast()) }
}

/// # Safety
/// The processor has AVX-512 F and BW, and two samples follow `from`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn broadcast_pair(from: *const i16) -> __m512i {
    // SAFETY: the caller's promise.
    _mm512_set1_epi32(unsafe { from.cast::<i32>().read_unaligned() })
}

/// An integer factor; see [`super::layout::Layout::Periodic`].
///
/// # Safety
/// The processor has these instructions; `padded` and `out` have [`super::SLACK`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
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
    let mut coefficients = [[_mm512_setzero_si512(); PAIRS]; F];
    for (phase, coefficients) in coefficients.iter_mut().enumerate() {
        for (pair, both) in coefficients.iter_mut().enumerate() {
            let from = &axis.coefficients(phase)[2 * pair..2 * pair + 2];
            // SAFETY: two coefficients.
            *both = unsafe { broadcast_pair(from.as_ptr()) };
        }
    }
    let positions = axis.target.div_ceil(F);
    let furthest = starts.iter().max().copied().unwrap_or(0);
    let whole = positions.next_multiple_of(32);
    assert!(furthest + whole + 2 * PAIRS <= padded.len(), "padded row");
    assert!(whole * F <= out.len(), "room for whole steps");

    let half = _mm512_set1_epi32(1 << (dropped - 1));
    let down = _mm_cvtsi32_si128(dropped as i32);
    let up = _mm_cvtsi32_si128(16 - dropped as i32);
    for first in (0..positions).step_by(32) {
        let mut phases = [_mm512_setzero_si512(); F];
        for (phase, words) in phases.iter_mut().enumerate() {
            let (mut even, mut odd) = (half, half);
            for (pair, &both) in coefficients[phase].iter().enumerate() {
                // SAFETY: at most `furthest + whole + 2 * PAIRS` samples are reached.
                let (a, b) = unsafe {
                    let from = padded.as_ptr().add(starts[phase] + first + 2 * pair);
                    (load(from), load(from.add(1)))
                };
                even = _mm512_dpwssd_epi32(even, a, both);
                odd = _mm512_dpwssd_epi32(odd, b, both);
            }
            // The sums of even positions in the low words, those of odd ones in the high words.
            *words = _mm512_mask_blend_epi16(
                0xAAAA_AAAA,
                _mm512_sra_epi32(even, down),
                _mm512_sll_epi32(odd, up),
            );
        }
        // SAFETY: `whole * F` samples fit, so `32 * F` from here do.
        unsafe { interleave::<F>(&phases, out.as_mut_ptr().add(first * F)) };
    }
}

/// Writes the phases' samples taking turns.
///
/// # Safety
/// The processor has these instructions, and `32 * F` samples fit `out`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn interleave<const F: usize>(phases: &[__m512i; F], out: *mut i16) {
    // SAFETY: the tables hold 32 words; the caller promises room for 32 words per phase.
    unsafe {
        let low = load(LOW.as_ptr());
        let high = load(HIGH.as_ptr());
        let store = |step: usize, words| _mm512_storeu_si512(out.add(32 * step).cast(), words);
        match F {
            1 => store(0, phases[0]),
            2 => {
                store(0, _mm512_permutex2var_epi16(phases[0], low, phases[1]));
                store(1, _mm512_permutex2var_epi16(phases[0], high, phases[1]));
            }
            3 => {
                for (third, (two, three)) in THIRDS.iter().enumerate() {
                    let (two, three) = (load(two.as_ptr()), load(three.as_ptr()));
                    let both = _mm512_permutex2var_epi16(phases[0], two, phases[1]);
                    store(third, _mm512_permutex2var_epi16(both, three, phases[2]));
                }
            }
            _ => {
                for (side, half) in [low, high].into_iter().enumerate() {
                    let even = _mm512_permutex2var_epi16(phases[0], half, phases[2]);
                    let odd = _mm512_permutex2var_epi16(phases[1], half, phases[3]);
                    store(2 * side, _mm512_permutex2var_epi16(even, low, odd));
                    store(2 * side + 1, _mm512_permutex2var_epi16(even, high, odd));
                }
            }
        }
    }
}

/// Any ratio; see [`super::layout::Layout::Windows`].
///
/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn across_windows(
    windows: &Windows,
    pairs: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match (pairs, windows.narrow) {
            (2, true) => in_windows::<2, true>(windows, pairs, padded, out, dropped),
            (3, true) => in_windows::<3, true>(windows, pairs, padded, out, dropped),
            (_, true) => in_windows::<0, true>(windows, pairs, padded, out, dropped),
            (_, false) => in_windows::<0, false>(windows, pairs, padded, out, dropped),
        }
    }
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn in_windows<const PAIRS: usize, const NARROW: bool>(
    windows: &Windows,
    pairs: usize,
    padded: &[i16],
    out: &mut [i16],
    dropped: u32,
) {
    let pairs = if PAIRS > 0 { PAIRS } else { pairs };
    let step = 2 * WINDOW_BLOCK * (1 + pairs);
    assert!(
        windows.bases.len() * WINDOW_BLOCK <= out.len(),
        "room for whole steps"
    );
    let half = _mm512_set1_epi32(1 << (dropped - 1));
    let down = _mm_cvtsi32_si128(dropped as i32);
    let two = _mm512_set1_epi16(2);
    let blocks = windows.bases.iter().zip(out.chunks_exact_mut(WINDOW_BLOCK));
    for ((&base, out), table) in blocks.zip(windows.table.chunks_exact(step).cycle()) {
        let window = &padded[base as usize..base as usize + 64];
        // SAFETY: the window has 64 samples, the table `1 + pairs` times 32, the result 16.
        unsafe {
            let near = load(window.as_ptr());
            let far = load(window.as_ptr().add(32));
            let mut places = load(table.as_ptr());
            let mut sum = half;
            for pair in 0..pairs {
                let samples = if NARROW {
                    _mm512_permutexvar_epi16(places, near)
                } else {
                    _mm512_permutex2var_epi16(near, places, far)
                };
                places = _mm512_add_epi16(places, two);
                let coefficients = load(table.as_ptr().add(32 * (1 + pair)));
                sum = _mm512_dpwssd_epi32(sum, samples, coefficients);
            }
            let words = _mm512_cvtepi32_epi16(_mm512_sra_epi32(sum, down));
            _mm256_storeu_si256(out.as_mut_ptr().cast(), words);
        }
    }
}

/// The sums of 32 columns, rounded and shifted, saturated to signed words, in order.
///
/// # Safety
/// The processor has these instructions; 32 samples follow each row's `at`; there are `2 * pairs`
/// rows and coefficients.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn columns<const SHIFT: u32>(
    ring: *const i16,
    offsets: &[usize],
    coefficients: &[i16],
    pairs: usize,
    at: usize,
) -> (__m512i, __m512i) {
    let half = _mm512_set1_epi32(1 << (SHIFT - 1));
    let (mut low, mut high) = (half, half);
    for pair in 0..pairs {
        // SAFETY: the caller's promise.
        unsafe {
            let a = load(ring.add(*offsets.get_unchecked(2 * pair) + at));
            let b = load(ring.add(*offsets.get_unchecked(2 * pair + 1) + at));
            let both = broadcast_pair(coefficients.as_ptr().add(2 * pair));
            low = _mm512_dpwssd_epi32(low, _mm512_unpacklo_epi16(a, b), both);
            high = _mm512_dpwssd_epi32(high, _mm512_unpackhi_epi16(a, b), both);
        }
    }
    (
        _mm512_srai_epi32::<SHIFT>(low),
        _mm512_srai_epi32::<SHIFT>(high),
    )
}

/// Checks what [`columns`] relies on.
fn check_rows(ring: &[i16], offsets: &[usize], coefficients: &[i16], width: usize) {
    let whole = width.next_multiple_of(64);
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
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
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
/// The processor has these instructions; `PAIRS` is half the rows, or zero when it is many.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn down_8_pairs<const PAIRS: usize>(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    out: &mut [u8],
) {
    check_rows(ring, offsets, coefficients, out.len());
    let pairs = if PAIRS > 0 { PAIRS } else { offsets.len() / 2 };
    assert!(2 * pairs == offsets.len(), "pairs of rows");
    let order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    for at in (0..out.len()).step_by(64) {
        // SAFETY: the rows were checked; the store is masked to what is left of the row.
        unsafe {
            let ring = ring.as_ptr();
            let (a, b) = columns::<SHIFT_8>(ring, offsets, coefficients, pairs, at);
            let (c, d) = columns::<SHIFT_8>(ring, offsets, coefficients, pairs, at + 32);
            let bytes = _mm512_packus_epi16(_mm512_packs_epi32(a, b), _mm512_packs_epi32(c, d));
            let bytes = _mm512_permutexvar_epi64(order, bytes);
            let to: *mut i8 = out.as_mut_ptr().add(at).cast();
            match out.len() - at {
                64.. => _mm512_storeu_si512(to.cast(), bytes),
                left => _mm512_mask_storeu_epi8(to, (1 << left) - 1, bytes),
            }
        }
    }
}

/// # Safety
/// The processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
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
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn down_10_pairs<const PAIRS: usize>(
    ring: &[i16],
    offsets: &[usize],
    coefficients: &[i16],
    out: &mut [u16],
) {
    check_rows(ring, offsets, coefficients, out.len());
    let pairs = if PAIRS > 0 { PAIRS } else { offsets.len() / 2 };
    assert!(2 * pairs == offsets.len(), "pairs of rows");
    let max = _mm512_set1_epi16(MAX_10);
    for at in (0..out.len()).step_by(32) {
        // SAFETY: the rows were checked; the store is masked to what is left of the row.
        unsafe {
            let (a, b) = columns::<SHIFT_10>(ring.as_ptr(), offsets, coefficients, pairs, at);
            let words = _mm512_min_epu16(_mm512_packus_epi32(a, b), max);
            let to: *mut i16 = out.as_mut_ptr().add(at).cast();
            match out.len() - at {
                32.. => _mm512_storeu_si512(to.cast(), words),
                left => _mm512_mask_storeu_epi16(to, (1 << left) - 1, words),
            }
        }
    }
}
