//! Registers of 16-bit words, so that one kernel serves every instruction set.
//!
//! Every method is `inline(always)`: what is generic over [`Words`] must be inlined into a function
//! that has the instructions enabled, and then these become single instructions.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A register of signed words. Eight of them are one row of a block.
///
/// # Safety
/// All methods: the processor has the register's instructions, and where there is a pointer, as
/// many samples as there are lanes follow it.
pub(super) trait Words: Copy {
    /// Which lanes something is true of.
    type Mask: Copy;
    /// How many lanes: a multiple of 8.
    const COUNT: usize;

    unsafe fn splat(value: i16) -> Self;
    unsafe fn load_bytes(from: *const u8) -> Self;
    /// Of words between 0 and 255.
    unsafe fn store_bytes(self, to: *mut u8);
    unsafe fn load_words(from: *const u16) -> Self;
    unsafe fn store_words(self, to: *mut u16);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// Unsigned words, at most `other`.
    unsafe fn at_most(self, other: Self) -> Self;
    /// The product, in 32768ths, rounded.
    unsafe fn scaled(self, by: Self) -> Self;
    unsafe fn left<const BITS: i32>(self) -> Self;
    unsafe fn right<const BITS: i32>(self) -> Self;
    unsafe fn exceeds(self, other: Self) -> Self::Mask;
    unsafe fn either(one: Self::Mask, other: Self::Mask) -> Self::Mask;
    unsafe fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The sum of all words, none of them negative.
    unsafe fn total(self) -> u32;
    /// Whether the eight words of a block add up to more than `most`, or those of `sum` to more than
    /// `furthest` either way: the same for all eight.
    unsafe fn blocks_exceed(magnitude: Self, most: i32, sum: Self, furthest: i32) -> Self::Mask;
}

/// A sample type as words, and its codes as averages.
///
/// # Safety
/// As those of [`Words`].
pub(super) trait Samples: Sized {
    unsafe fn load<L: Words>(from: *const Self) -> L;
    unsafe fn store<L: Words>(words: L, to: *mut Self);
    unsafe fn raise<L: Words>(codes: L) -> L;
    unsafe fn lower<L: Words>(average: L) -> L;
}

impl Samples for u8 {
    #[inline(always)]
    unsafe fn load<L: Words>(from: *const u8) -> L {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe { L::load_bytes(from) }
    }
    #[inline(always)]
    unsafe fn store<L: Words>(words: L, to: *mut u8) {
        // SAFETY: as above.
        unsafe { words.store_bytes(to) }
    }
    #[inline(always)]
    unsafe fn raise<L: Words>(codes: L) -> L {
        // SAFETY: as above.
        unsafe { codes.left::<6>() }
    }
    #[inline(always)]
    unsafe fn lower<L: Words>(average: L) -> L {
        // SAFETY: as above.
        unsafe { average.right::<6>() }
    }
}

impl Samples for u16 {
    #[inline(always)]
    unsafe fn load<L: Words>(from: *const u16) -> L {
        // SAFETY: as above.
        unsafe { L::load_words(from).at_most(L::splat(1023)) }
    }
    #[inline(always)]
    unsafe fn store<L: Words>(words: L, to: *mut u16) {
        // SAFETY: as above.
        unsafe { words.store_words(to) }
    }
    #[inline(always)]
    unsafe fn raise<L: Words>(codes: L) -> L {
        // SAFETY: as above.
        unsafe { codes.left::<4>() }
    }
    #[inline(always)]
    unsafe fn lower<L: Words>(average: L) -> L {
        // SAFETY: as above.
        unsafe { average.right::<4>() }
    }
}

/// Implements the methods of [`Words`] that are one expression everywhere.
macro_rules! words {
    ($($name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)? = $body:expr;)*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($argument: $kind),*) $(-> $result)? {
                // SAFETY: the caller's promise: the instructions are there, and the memory.
                unsafe { $body }
            }
        )*
    };
}

#[cfg(target_arch = "x86_64")]
impl Words for __m256i {
    type Mask = __m256i;
    const COUNT: usize = 16;

    words! {
        splat(value: i16) -> Self = _mm256_set1_epi16(value);
        load_bytes(from: *const u8) -> Self = _mm256_cvtepu8_epi16(_mm_loadu_si128(from.cast()));
        load_words(from: *const u16) -> Self = _mm256_loadu_si256(from.cast());
        either(one: __m256i, other: __m256i) -> __m256i = _mm256_or_si256(one, other);
        select(mask: __m256i, yes: Self, no: Self) -> Self = _mm256_blendv_epi8(no, yes, mask);
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe {
            let bytes = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi16(self, self));
            _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(bytes));
        }
    }
    #[inline(always)]
    unsafe fn store_words(self, to: *mut u16) {
        // SAFETY: as above.
        unsafe { _mm256_storeu_si256(to.cast(), self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_add_epi16(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_sub_epi16(self, other) }
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_abs_epi16(self) }
    }
    #[inline(always)]
    unsafe fn at_most(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_min_epu16(self, other) }
    }
    #[inline(always)]
    unsafe fn scaled(self, by: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_mulhrs_epi16(self, by) }
    }
    #[inline(always)]
    unsafe fn left<const BITS: i32>(self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_slli_epi16::<BITS>(self) }
    }
    #[inline(always)]
    unsafe fn right<const BITS: i32>(self) -> Self {
        // SAFETY: as above.
        unsafe { _mm256_srai_epi16::<BITS>(self) }
    }
    #[inline(always)]
    unsafe fn exceeds(self, other: Self) -> __m256i {
        // SAFETY: as above.
        unsafe { _mm256_cmpgt_epi16(self, other) }
    }
    #[inline(always)]
    unsafe fn total(self) -> u32 {
        // SAFETY: as above.
        unsafe {
            let pairs = _mm256_madd_epi16(self, _mm256_set1_epi16(1));
            let low = _mm256_castsi256_si128(pairs);
            let fours = _mm_add_epi32(low, _mm256_extracti128_si256::<1>(pairs));
            let twos = _mm_add_epi32(fours, _mm_shuffle_epi32::<0b01_00_11_10>(fours));
            let one = _mm_add_epi32(twos, _mm_shuffle_epi32::<0b10_11_00_01>(twos));
            _mm_cvtsi128_si32(one) as u32
        }
    }
    #[inline(always)]
    unsafe fn blocks_exceed(magnitude: Self, most: i32, sum: Self, furthest: i32) -> __m256i {
        // SAFETY: as above.
        unsafe {
            // A block is half a register: everything stays within halves.
            let total = |words: __m256i| {
                let pairs = _mm256_madd_epi16(words, _mm256_set1_epi16(1));
                let fours = _mm256_add_epi32(pairs, _mm256_shuffle_epi32::<0b01_00_11_10>(pairs));
                _mm256_add_epi32(fours, _mm256_shuffle_epi32::<0b10_11_00_01>(fours))
            };
            let moved = _mm256_cmpgt_epi32(total(magnitude), _mm256_set1_epi32(most));
            let away = _mm256_abs_epi32(total(sum));
            _mm256_or_si256(moved, _mm256_cmpgt_epi32(away, _mm256_set1_epi32(furthest)))
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Words for __m512i {
    type Mask = __mmask32;
    const COUNT: usize = 32;

    words! {
        splat(value: i16) -> Self = _mm512_set1_epi16(value);
        load_bytes(from: *const u8) -> Self = _mm512_cvtepu8_epi16(_mm256_loadu_si256(from.cast()));
        load_words(from: *const u16) -> Self = _mm512_loadu_si512(from.cast());
        select(mask: __mmask32, yes: Self, no: Self) -> Self = _mm512_mask_blend_epi16(mask, no, yes);
    }
    #[inline(always)]
    unsafe fn either(one: __mmask32, other: __mmask32) -> __mmask32 {
        one | other
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe { _mm256_storeu_si256(to.cast(), _mm512_cvtepi16_epi8(self)) }
    }
    #[inline(always)]
    unsafe fn store_words(self, to: *mut u16) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(to.cast(), self) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_add_epi16(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_sub_epi16(self, other) }
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_abs_epi16(self) }
    }
    #[inline(always)]
    unsafe fn at_most(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_min_epu16(self, other) }
    }
    #[inline(always)]
    unsafe fn scaled(self, by: Self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_mulhrs_epi16(self, by) }
    }
    #[inline(always)]
    unsafe fn left<const BITS: i32>(self) -> Self {
        // SAFETY: as above. (A count in a register: the immediate is of another type here.)
        unsafe { _mm512_sll_epi16(self, _mm_cvtsi32_si128(BITS)) }
    }
    #[inline(always)]
    unsafe fn right<const BITS: i32>(self) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_sra_epi16(self, _mm_cvtsi32_si128(BITS)) }
    }
    #[inline(always)]
    unsafe fn exceeds(self, other: Self) -> __mmask32 {
        // SAFETY: as above.
        unsafe { _mm512_cmpgt_epi16_mask(self, other) }
    }
    #[inline(always)]
    unsafe fn total(self) -> u32 {
        // SAFETY: as above.
        unsafe { _mm512_reduce_add_epi32(_mm512_madd_epi16(self, _mm512_set1_epi16(1))) as u32 }
    }
    #[inline(always)]
    unsafe fn blocks_exceed(magnitude: Self, most: i32, sum: Self, furthest: i32) -> __mmask32 {
        // SAFETY: as above.
        unsafe {
            // A block is a quarter of a register: everything stays within quarters.
            let total = |words: __m512i| {
                let pairs = _mm512_madd_epi16(words, _mm512_set1_epi16(1));
                let fours = _mm512_add_epi32(pairs, _mm512_shuffle_epi32::<0b01_00_11_10>(pairs));
                _mm512_add_epi32(fours, _mm512_shuffle_epi32::<0b10_11_00_01>(fours))
            };
            let moved = _mm512_cmpgt_epi32_mask(total(magnitude), _mm512_set1_epi32(most));
            let away = _mm512_abs_epi32(total(sum));
            let moves = moved | _mm512_cmpgt_epi32_mask(away, _mm512_set1_epi32(furthest));
            _mm512_movepi16_mask(_mm512_movm_epi32(moves))
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Words for int16x8_t {
    type Mask = uint16x8_t;
    const COUNT: usize = 8;

    words! {
        splat(value: i16) -> Self = vdupq_n_s16(value);
        load_bytes(from: *const u8) -> Self = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(from)));
        load_words(from: *const u16) -> Self = vreinterpretq_s16_u16(vld1q_u16(from));
        either(one: uint16x8_t, other: uint16x8_t) -> uint16x8_t = vorrq_u16(one, other);
        select(mask: uint16x8_t, yes: Self, no: Self) -> Self = vbslq_s16(mask, yes, no);
    }
    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut u8) {
        // SAFETY: the caller's promise, here and in all methods below.
        unsafe { vst1_u8(to, vqmovun_s16(self)) }
    }
    #[inline(always)]
    unsafe fn store_words(self, to: *mut u16) {
        // SAFETY: as above.
        unsafe { vst1q_u16(to, vreinterpretq_u16_s16(self)) }
    }
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { vaddq_s16(self, other) }
    }
    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { vsubq_s16(self, other) }
    }
    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as above.
        unsafe { vabsq_s16(self) }
    }
    #[inline(always)]
    unsafe fn at_most(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let least = vminq_u16(vreinterpretq_u16_s16(self), vreinterpretq_u16_s16(other));
            vreinterpretq_s16_u16(least)
        }
    }
    #[inline(always)]
    unsafe fn scaled(self, by: Self) -> Self {
        // SAFETY: as above.
        unsafe { vqrdmulhq_s16(self, by) }
    }
    #[inline(always)]
    unsafe fn left<const BITS: i32>(self) -> Self {
        // SAFETY: as above.
        unsafe { vshlq_n_s16::<BITS>(self) }
    }
    #[inline(always)]
    unsafe fn right<const BITS: i32>(self) -> Self {
        // SAFETY: as above.
        unsafe { vshrq_n_s16::<BITS>(self) }
    }
    #[inline(always)]
    unsafe fn exceeds(self, other: Self) -> uint16x8_t {
        // SAFETY: as above.
        unsafe { vcgtq_s16(self, other) }
    }
    #[inline(always)]
    unsafe fn total(self) -> u32 {
        // SAFETY: as above.
        unsafe { vaddlvq_s16(self) as u32 }
    }
    #[inline(always)]
    unsafe fn blocks_exceed(magnitude: Self, most: i32, sum: Self, furthest: i32) -> uint16x8_t {
        // SAFETY: as above.
        let (total, away) = unsafe { (vaddlvq_s16(magnitude), vaddlvq_s16(sum).abs()) };
        let moves = total > most || away > furthest;
        // SAFETY: as above.
        unsafe { vdupq_n_u16(if moves { u16::MAX } else { 0 }) }
    }
}
