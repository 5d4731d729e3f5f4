//! What a processor can do at most.

use std::hint::black_box;

use super::kernels::Kernels;
use super::lanes::Dots;
use crate::Isa;

/// Multiplies bytes and nothing else, in registers: how many products it made. Whoever takes the time
/// knows what no network can do faster.
pub fn products(isa: Isa, rounds: usize) -> usize {
    let kernels = Kernels::of(isa);
    // SAFETY: the processor has the instructions.
    unsafe { (kernels.products)(rounds) }
}

/// With two times `PAIRS` sums: as many as a tile has.
///
/// # Safety
/// The processor has the instructions.
#[inline(always)]
pub(super) unsafe fn registers<D: Dots, const PAIRS: usize>(rounds: usize) -> usize {
    let mut operands = ([[3_u8; 64], [5; 64]], [[1_i8, 2, 3, 4]; PAIRS]);
    // SAFETY: the caller's promise; a register is at most 64 bytes.
    unsafe {
        let mut sums = [[D::splat(0); 2]; PAIRS];
        for _ in 0..rounds {
            // Others each time, for all that the compiler knows: no product is an old one.
            let (codes, weights) = black_box(&mut operands);
            let codes = [D::codes(codes[0].as_ptr()), D::codes(codes[1].as_ptr())];
            for (sums, weights) in sums.iter_mut().zip(weights) {
                let weights = D::weights(weights.as_ptr());
                for (sum, codes) in sums.iter_mut().zip(codes) {
                    *sum = sum.dot(codes, weights);
                }
            }
        }
        black_box(sums);
        rounds * 2 * PAIRS * D::COUNT * 4
    }
}
