//! AVX-512 with VNNI, AVX-VNNI and AVX2.

use std::arch::asm;
use std::arch::x86_64::*;
use std::ptr::from_mut;

use super::super::super::lanczos::Weights;
use super::{Combined, Dots, PictureForm, Quad, TURN, Words};
use crate::int8::TWIN_PAIR;

/// The multipliers of two outputs, as they lie after a pack.
///
/// # Safety
/// There are SSE instructions; every x86-64 processor has them.
#[inline(always)]
unsafe fn multipliers(quad: &Quad, first: usize) -> __m128i {
    // SAFETY: two times four words are there.
    unsafe { _mm_loadu_si128(quad.multipliers[first..].as_ptr().cast()) }
}

/// # Safety
/// There is AVX-512.
#[inline(always)]
unsafe fn shifted_512(sums: __m512i, quad: &Quad, output: usize) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let shift = _mm512_loadu_si512(quad.shift[output].as_ptr().cast());
        _mm512_srav_epi32(sums, shift)
    }
}

/// # Safety
/// There is AVX2.
#[inline(always)]
unsafe fn shifted_256(sums: __m256i, quad: &Quad, output: usize) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let shift = _mm256_loadu_si256(quad.shift[output].as_ptr().cast());
        _mm256_srav_epi32(sums, shift)
    }
}

/// Two outputs as words, side by side in each 128-bit lane.
///
/// # Safety
/// As for [`Dots`] of [`Vnni512`].
#[inline(always)]
unsafe fn words_512(sums: [Vnni512; 4], quad: &Quad, first: usize) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let words = _mm512_packs_epi32(
            shifted_512(sums[first].0, quad, first),
            shifted_512(sums[first + 1].0, quad, first + 1),
        );
        _mm512_mulhrs_epi16(words, _mm512_broadcast_i32x4(multipliers(quad, first)))
    }
}

/// The same in registers of half the size.
///
/// # Safety
/// There is AVX2.
#[inline(always)]
unsafe fn words_256(sums: [__m256i; 2], quad: &Quad, first: usize) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let words = _mm256_packs_epi32(
            shifted_256(sums[0], quad, first),
            shifted_256(sums[1], quad, first + 1),
        );
        _mm256_mulhrs_epi16(words, _mm256_broadcastsi128_si256(multipliers(quad, first)))
    }
}

/// Sixteen pixels, with AVX-512 VNNI.
#[derive(Clone, Copy)]
pub(in super::super) struct Vnni512(__m512i);

impl Dots for Vnni512 {
    const COUNT: usize = 16;
    const FORM: PictureForm = PictureForm::Whole;
    type Codes = __m512i;
    type Weights = __m512i;

    #[inline(always)]
    unsafe fn splat(sum: i32) -> Self {
        // SAFETY: the caller's promise, here and in all methods below.
        Vnni512(unsafe { _mm512_set1_epi32(sum) })
    }

    #[inline(always)]
    unsafe fn codes(from: *const u8) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn weights(from: *const i8) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_set1_epi32(from.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn dot(self, codes: __m512i, weights: __m512i) -> Self {
        // SAFETY: as above.
        Vnni512(unsafe { _mm512_dpbusd_epi32(self.0, codes, weights) })
    }

    #[inline(always)]
    unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
        // SAFETY: as above.
        unsafe { Self::store(Self::as_codes(sums, quad), to) }
    }

    #[inline(always)]
    unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
        // SAFETY: as above.
        unsafe {
            let shifted = shifted_512(self.0, quad, index);
            let words = _mm512_cvtsepi32_epi16(shifted);
            let words = _mm256_mulhrs_epi16(words, _mm256_set1_epi16(quad.multipliers[index][0]));
            _mm256_storeu_si256(to.cast(), words);
        }
    }
}

impl Combined for Vnni512 {
    const OFFSETS: [i32; 2] = [0, 128];
    const MOST: i16 = i16::MAX;

    #[inline(always)]
    unsafe fn as_codes(sums: [Self; 4], quad: &Quad) -> __m512i {
        // SAFETY: as above.
        unsafe {
            let (first, second) = (words_512(sums, quad, 0), words_512(sums, quad, 2));
            let codes = _mm512_packus_epi16(first, second);
            let codes = _mm512_min_epu8(codes, _mm512_set1_epi8(127));
            let turn = _mm512_broadcast_i32x4(_mm_loadu_si128(TURN.as_ptr().cast()));
            _mm512_shuffle_epi8(codes, turn)
        }
    }

    #[inline(always)]
    unsafe fn store(codes: __m512i, to: *mut u8) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(to.cast(), codes) }
    }

    #[inline(always)]
    unsafe fn added(codes: __m512i, other: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_add_epi8(codes, other) }
    }

    #[inline(always)]
    unsafe fn less(codes: __m512i, other: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_xor_si512(_mm512_sub_epi8(codes, other), _mm512_set1_epi8(-128)) }
    }

    #[inline(always)]
    unsafe fn and(codes: __m512i, other: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_and_si512(codes, other) }
    }

    #[inline(always)]
    unsafe fn left(before: __m512i, codes: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_alignr_epi32::<15>(codes, before) }
    }

    #[inline(always)]
    unsafe fn right(codes: __m512i, next: __m512i) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_alignr_epi32::<1>(next, codes) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        // SAFETY: as above.
        Vnni512(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        Vnni512(unsafe { _mm512_sub_epi32(self.0, other.0) })
    }
}

/// Eight pixels with what AVX2 and AVX-VNNI have in common.
macro_rules! eight_pixels {
    ($(#[$doc:meta])* $name:ident, $form:expr, $most:expr, |$sums:ident, $codes:ident, $weights:ident| $dot:expr $(; $($own:tt)*)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(in super::super) struct $name(__m256i);

        impl Dots for $name {
            const COUNT: usize = 8;
            const FORM: PictureForm = $form;
            type Codes = __m256i;
            type Weights = __m256i;

            #[inline(always)]
            unsafe fn splat(sum: i32) -> Self {
                // SAFETY: the caller's promise, here and in all methods below.
                $name(unsafe { _mm256_set1_epi32(sum) })
            }

            #[inline(always)]
            unsafe fn codes(from: *const u8) -> __m256i {
                // SAFETY: as above.
                unsafe { _mm256_loadu_si256(from.cast()) }
            }

            #[inline(always)]
            unsafe fn weights(from: *const i8) -> __m256i {
                // SAFETY: as above.
                unsafe { _mm256_set1_epi32(from.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn dot(self, $codes: __m256i, $weights: __m256i) -> Self {
                let $sums = self.0;
                // SAFETY: as above.
                $name(unsafe { $dot })
            }

            $($($own)*)?

            #[inline(always)]
            unsafe fn store_codes(sums: [Self; 4], quad: &Quad, to: *mut u8) {
                // SAFETY: as above.
                unsafe { Self::store(Self::as_codes(sums, quad), to) }
            }

            #[inline(always)]
            unsafe fn store_words(self, quad: &Quad, index: usize, to: *mut i16) {
                // SAFETY: as above.
                unsafe {
                    let shifted = shifted_256(self.0, quad, index);
                    let (low, high) = (
                        _mm256_castsi256_si128(shifted),
                        _mm256_extracti128_si256::<1>(shifted),
                    );
                    let words = _mm_packs_epi32(low, high);
                    let words = _mm_mulhrs_epi16(words, _mm_set1_epi16(quad.multipliers[index][0]));
                    _mm_storeu_si128(to.cast(), words);
                }
            }
        }

        impl Combined for $name {
            const OFFSETS: [i32; 2] = [0, 128];
            const MOST: i16 = $most;

            #[inline(always)]
            unsafe fn as_codes(sums: [Self; 4], quad: &Quad) -> __m256i {
                // SAFETY: as above.
                unsafe {
                    let [a, b, c, d] = sums;
                    let codes = _mm256_packus_epi16(
                        words_256([a.0, b.0], quad, 0),
                        words_256([c.0, d.0], quad, 2),
                    );
                    let codes = _mm256_min_epu8(codes, _mm256_set1_epi8(127));
                    let turn = _mm256_broadcastsi128_si256(_mm_loadu_si128(TURN.as_ptr().cast()));
                    _mm256_shuffle_epi8(codes, turn)
                }
            }

            #[inline(always)]
            unsafe fn store(codes: __m256i, to: *mut u8) {
                // SAFETY: as above.
                unsafe { _mm256_storeu_si256(to.cast(), codes) }
            }

            #[inline(always)]
            unsafe fn added(codes: __m256i, other: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe { _mm256_add_epi8(codes, other) }
            }

            #[inline(always)]
            unsafe fn less(codes: __m256i, other: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe { _mm256_xor_si256(_mm256_sub_epi8(codes, other), _mm256_set1_epi8(-128)) }
            }

            #[inline(always)]
            unsafe fn and(codes: __m256i, other: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe { _mm256_and_si256(codes, other) }
            }

            #[inline(always)]
            unsafe fn left(before: __m256i, codes: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe {
                    let between = _mm256_permute2x128_si256::<0x21>(before, codes);
                    _mm256_alignr_epi8::<12>(codes, between)
                }
            }

            #[inline(always)]
            unsafe fn right(codes: __m256i, next: __m256i) -> __m256i {
                // SAFETY: as above.
                unsafe {
                    let between = _mm256_permute2x128_si256::<0x21>(codes, next);
                    _mm256_alignr_epi8::<4>(between, codes)
                }
            }

            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { _mm256_add_epi32(self.0, other.0) })
            }

            #[inline(always)]
            unsafe fn minus(self, other: Self) -> Self {
                // SAFETY: as above.
                $name(unsafe { _mm256_sub_epi32(self.0, other.0) })
            }
        }
    };
}

eight_pixels!(
    /// Eight pixels, with AVX-VNNI.
    Vnni256,
    PictureForm::Whole,
    i16::MAX,
    |sums, codes, weights| _mm256_dpbusd_avx_epi32(sums, codes, weights);
    const BY_GROUPS: bool = true;

    #[inline(always)]
    unsafe fn add_groups<const P: usize>(
        sums: &mut [[Self; P]; 4],
        rows: [*const u8; 3],
        groups: usize,
        steps: [usize; 2],
        weights: *const i8,
    ) {
        // SAFETY: the caller's promise; three registers have that type.
        unsafe {
            match P {
                3 => add_twelve(&mut *from_mut(sums).cast(), rows, groups, steps, weights),
                _ => super::add_groups(sums, rows, groups, steps, weights),
            }
        }
    }
);

/// Instructions that add the products of three registers of pixels with the weights of four outputs.
macro_rules! twelve_products {
    ($codes:literal, $weights:literal) => {
        concat!(
            "vmovdqu {left}, ymmword ptr [",
            $codes,
            "]\n",
            "vmovdqu {middle}, ymmword ptr [",
            $codes,
            " + 32]\n",
            "vmovdqu {right}, ymmword ptr [",
            $codes,
            " + 64]\n",
            "vpbroadcastd {weight}, dword ptr [",
            $weights,
            "]\n",
            "{{vex}} vpdpbusd {a0}, {left}, {weight}\n",
            "{{vex}} vpdpbusd {a1}, {middle}, {weight}\n",
            "{{vex}} vpdpbusd {a2}, {right}, {weight}\n",
            "vpbroadcastd {weight}, dword ptr [",
            $weights,
            " + 4]\n",
            "{{vex}} vpdpbusd {b0}, {left}, {weight}\n",
            "{{vex}} vpdpbusd {b1}, {middle}, {weight}\n",
            "{{vex}} vpdpbusd {b2}, {right}, {weight}\n",
            "vpbroadcastd {weight}, dword ptr [",
            $weights,
            " + 8]\n",
            "{{vex}} vpdpbusd {c0}, {left}, {weight}\n",
            "{{vex}} vpdpbusd {c1}, {middle}, {weight}\n",
            "{{vex}} vpdpbusd {c2}, {right}, {weight}\n",
            "vpbroadcastd {weight}, dword ptr [",
            $weights,
            " + 12]\n",
            "{{vex}} vpdpbusd {d0}, {left}, {weight}\n",
            "{{vex}} vpdpbusd {d1}, {middle}, {weight}\n",
            "{{vex}} vpdpbusd {d2}, {right}, {weight}\n",
        )
    };
}

/// [`Dots::add_groups`] for three registers of pixels.
///
/// Twelve sums, three registers of codes and one of weights are all registers that there are. A compiler
/// fetches codes and weights ahead, for which it moves sums to memory and back; that takes twice as long.
///
/// # Safety
/// As for that.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn add_twelve(
    sums: &mut [[Vnni256; 3]; 4],
    rows: [*const u8; 3],
    groups: usize,
    steps: [usize; 2],
    weights: *const i8,
) {
    let [[a0, a1, a2], [b0, b1, b2], [c0, c1, c2], [d0, d1, d2]] = sums;
    // SAFETY: the caller's promise.
    unsafe {
        asm!(
            "2:",
            twelve_products!("{above}", "{weights}"),
            twelve_products!("{here}", "{weights} + {row}"),
            twelve_products!("{below}", "{weights} + 2 * {row}"),
            "add {above}, {group}",
            "add {here}, {group}",
            "add {below}, {group}",
            "lea {weights}, [{weights} + 2 * {row}]",
            "add {weights}, {row}",
            "dec {groups}",
            "jnz 2b",
            above = inout(reg) rows[0] => _,
            here = inout(reg) rows[1] => _,
            below = inout(reg) rows[2] => _,
            weights = inout(reg) weights => _,
            groups = inout(reg) groups => _,
            group = in(reg) steps[0],
            row = in(reg) steps[1],
            left = out(ymm_reg) _,
            middle = out(ymm_reg) _,
            right = out(ymm_reg) _,
            weight = out(ymm_reg) _,
            a0 = inout(ymm_reg) a0.0,
            a1 = inout(ymm_reg) a1.0,
            a2 = inout(ymm_reg) a2.0,
            b0 = inout(ymm_reg) b0.0,
            b1 = inout(ymm_reg) b1.0,
            b2 = inout(ymm_reg) b2.0,
            c0 = inout(ymm_reg) c0.0,
            c1 = inout(ymm_reg) c1.0,
            c2 = inout(ymm_reg) c2.0,
            d0 = inout(ymm_reg) d0.0,
            d1 = inout(ymm_reg) d1.0,
            d2 = inout(ymm_reg) d2.0,
            options(pure, readonly, nostack),
        );
    }
}

eight_pixels!(
    /// The same where the instruction is AVX-512's: eight pixels, in registers that are half as long.
    Vnni512Half,
    PictureForm::Whole,
    i16::MAX,
    |sums, codes, weights| _mm256_dpbusd_epi32(sums, codes, weights)
);

eight_pixels!(
    /// Eight pixels, with AVX2. Two products of a code up to 127 and a weight fit in 16 bits, and so do
    /// two of a code up to 255 where weights are no more than [`TWIN_PAIR`] together.
    Pairs256,
    PictureForm::Paired,
    TWIN_PAIR,
    |sums, codes, weights| {
        let pairs = _mm256_maddubs_epi16(codes, weights);
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
);

/// Weights of two neighbouring taps, for `madd`.
fn pair(weights: &Weights, first: usize) -> i32 {
    i32::from(weights[first] as u16) | i32::from(weights[first + 1]) << 16
}

/// Words in registers of `$count`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $register:ty, $count:literal,
     $loadu:ident $storeu:ident $set16:ident $set32:ident $low:ident $high:ident
     $madd:ident $add:ident $srai:ident $packs:ident $adds:ident $srai16:ident $min:ident $max:ident
     $zero:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(in super::super) struct $name($register);

        impl Words for $name {
            const COUNT: usize = $count;
            type Taps = ([$register; 3], usize);

            #[inline(always)]
            unsafe fn taps(weights: &Weights) -> Self::Taps {
                // A lobe never reaches both ends.
                let first = usize::from(weights[0] == 0);
                debug_assert!(first == 1 || weights[6] == 0);
                let pairs = [0, 2, 4].map(|tap| pair(weights, first + tap));
                // SAFETY: the caller's promise, here and in all methods below.
                (pairs.map(|pair| unsafe { $set32(pair) }), first)
            }

            #[inline(always)]
            unsafe fn load(from: *const i16) -> Self {
                // SAFETY: as above.
                $name(unsafe { $loadu(from.cast()) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut i16) {
                // SAFETY: as above.
                unsafe { $storeu(to.cast(), self.0) }
            }

            #[inline(always)]
            unsafe fn weighted(rows: &[*const i16; 7], at: usize, taps: &Self::Taps) -> Self {
                // SAFETY: as above.
                unsafe {
                    let half = $set32(1 << 13);
                    let (mut low, mut high) = (half, half);
                    let (taps, first) = taps;
                    for (index, taps) in taps.iter().enumerate() {
                        let a = $loadu(rows[first + 2 * index].add(at).cast());
                        let b = $loadu(rows[first + 2 * index + 1].add(at).cast());
                        low = $add(low, $madd($low(a, b), *taps));
                        high = $add(high, $madd($high(a, b), *taps));
                    }
                    $name($packs($srai::<14>(low), $srai::<14>(high)))
                }
            }

            #[inline(always)]
            unsafe fn finished<const BITS: i32>(self, other: Self, most: i16) -> Self {
                // SAFETY: as above. Where a sum is more than 16 bits hold it is also more than any
                // sample, and is cut to the same.
                unsafe {
                    let half = $set16(1 << (BITS - 1));
                    let sum = $adds($adds(self.0, other.0), half);
                    // Intrinsics disagree about the type of a count.
                    let sample = match BITS {
                        4 => $srai16::<4>(sum),
                        _ => $srai16::<6>(sum),
                    };
                    $name($min($max(sample, $zero()), $set16(most)))
                }
            }
        }
    };
}

words!(
    /// With AVX-512.
    Words512, __m512i, 32,
    _mm512_loadu_si512 _mm512_storeu_si512 _mm512_set1_epi16 _mm512_set1_epi32
    _mm512_unpacklo_epi16 _mm512_unpackhi_epi16 _mm512_madd_epi16 _mm512_add_epi32
    _mm512_srai_epi32 _mm512_packs_epi32 _mm512_adds_epi16 _mm512_srai_epi16 _mm512_min_epi16
    _mm512_max_epi16 _mm512_setzero_si512
);

words!(
    /// With AVX2.
    Words256, __m256i, 16,
    _mm256_loadu_si256 _mm256_storeu_si256 _mm256_set1_epi16 _mm256_set1_epi32
    _mm256_unpacklo_epi16 _mm256_unpackhi_epi16 _mm256_madd_epi16 _mm256_add_epi32
    _mm256_srai_epi32 _mm256_packs_epi32 _mm256_adds_epi16 _mm256_srai_epi16 _mm256_min_epi16
    _mm256_max_epi16 _mm256_setzero_si256
);
