//! Whether an engine's relaxed products are what the proposal says of codes up to 127.
//!
//! WebAssembly leaves products of other codes to the engine, so that it may use whatever the processor
//! has. An engine that is wrong about the others too can not be asked: it is tried.

use std::arch::wasm32::{i32x4_relaxed_dot_i8x16_i7x16_add, v128, v128_load, v128_store};
use std::hint::black_box;
use std::sync::OnceLock;

/// Weights and codes that show when sums of pairs are cut short, or when the sign of a byte is not seen.
const WEIGHTS: [i8; 8] = [-128, 127, -127, -1, 1, 0, 64, -77];
const CODES: [i8; 6] = [127, 0, 1, 126, 64, 91];

/// Rounds with other numbers in each lane.
const ROUNDS: usize = 256;

/// Whether they are. Found out once.
pub(crate) fn products_are_right() -> bool {
    static RIGHT: OnceLock<bool> = OnceLock::new();
    *RIGHT.get_or_init(|| {
        // An engine's quick compiler may be right with operands that were just read and wrong with a
        // function's: that of Node 20 is.
        let product: fn(v128, v128, v128) -> v128 = i32x4_relaxed_dot_i8x16_i7x16_add;
        are_right(|weights, codes, sums| i32x4_relaxed_dot_i8x16_i7x16_add(weights, codes, sums))
            && are_right(black_box(product))
    })
}

/// Whether a function of weights, codes and sums adds the products of each four to a sum.
fn are_right(product: impl Fn(v128, v128, v128) -> v128) -> bool {
    // First one weight and one code in all lanes: pairs are at their largest.
    let mut same = WEIGHTS.iter().flat_map(|weight| {
        let sum = 1 << 30;
        CODES.map(|code| is_right(&product, [*weight; 16], [code; 16], [sum, -sum, 0, 1]))
    });
    let mut number = 1_u32;
    let mut next = |below: usize| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (number >> 16) as usize % below
    };
    let mut mixed = (0..ROUNDS).map(|_| {
        let weights = std::array::from_fn(|_| WEIGHTS[next(WEIGHTS.len())]);
        let codes = std::array::from_fn(|_| CODES[next(CODES.len())]);
        let sums = std::array::from_fn(|_| next(1 << 16) as i32 - (1 << 15));
        is_right(&product, weights, codes, sums)
    });
    same.all(|right| right) && mixed.all(|right| right)
}

fn is_right(
    product: &impl Fn(v128, v128, v128) -> v128,
    weights: [i8; 16],
    codes: [i8; 16],
    sums: [i32; 4],
) -> bool {
    let mut wanted = sums;
    for (lane, (weight, code)) in weights.iter().zip(codes).enumerate() {
        wanted[lane / 4] += i32::from(*weight) * i32::from(code);
    }
    // The compiler must not know what goes in, or it might be right in the engine's place.
    let (weights, codes, sums) = black_box((weights, codes, sums));
    let mut found = [0_i32; 4];
    // SAFETY: sixteen bytes and four numbers of 32 bits are a register each.
    unsafe {
        let [weights, codes] = [weights, codes].map(|bytes| v128_load(bytes.as_ptr().cast()));
        let sums = product(weights, codes, v128_load(sums.as_ptr().cast()));
        v128_store(found.as_mut_ptr().cast(), sums);
    }
    found == wanted
}

#[cfg(test)]
mod tests {
    use std::arch::wasm32::*;

    use super::*;

    /// Sums of products of words, which engines have no choice about.
    fn summed(weights: [v128; 2], codes: [v128; 2], sums: v128) -> v128 {
        let first = i32x4_dot_i16x8(weights[0], codes[0]);
        let second = i32x4_dot_i16x8(weights[1], codes[1]);
        let even = i32x4_shuffle::<0, 2, 4, 6>(first, second);
        let odd = i32x4_shuffle::<1, 3, 5, 7>(first, second);
        i32x4_add(sums, i32x4_add(even, odd))
    }

    fn signed(bytes: v128) -> [v128; 2] {
        [
            i16x8_extend_low_i8x16(bytes),
            i16x8_extend_high_i8x16(bytes),
        ]
    }

    fn unsigned(bytes: v128) -> [v128; 2] {
        [
            u16x8_extend_low_u8x16(bytes),
            u16x8_extend_high_u8x16(bytes),
        ]
    }

    #[test]
    fn right_products_pass() {
        assert!(are_right(|weights, codes, sums| {
            summed(signed(weights), signed(codes), sums)
        }));
        // Of codes up to 127 it is all the same.
        assert!(are_right(|weights, codes, sums| {
            summed(signed(weights), unsigned(codes), sums)
        }));
    }

    #[test]
    fn wrong_products_do_not() {
        // The sign is that of the other one.
        assert!(!are_right(|weights, codes, sums| {
            summed(unsigned(weights), signed(codes), sums)
        }));
        assert!(!are_right(|weights, codes, _| {
            summed(signed(weights), signed(codes), i32x4_splat(0))
        }));
        // Pairs are cut too early.
        assert!(!are_right(|weights, codes, sums| {
            let lowest = i16x8_splat(-16383);
            let [low, high] = signed(weights);
            let [codes_low, codes_high] = signed(codes);
            let pairs = [
                i32x4_dot_i16x8(low, codes_low),
                i32x4_dot_i16x8(high, codes_high),
            ];
            let pairs = i16x8_max(i16x8_narrow_i32x4(pairs[0], pairs[1]), lowest);
            i32x4_add(sums, i32x4_extadd_pairwise_i16x8(pairs))
        }));
    }
}
