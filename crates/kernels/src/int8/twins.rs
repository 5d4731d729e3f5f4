//! Twins: two pixels side by side, made with four products where six are due. That is Winograd's F(2, 3),
//! in whole numbers and exactly.
//!
//! A row of a kernel with weights `a b c` makes of four neighbours `p q r s` the pixels
//! `a p + b q + c r` and `a q + b r + c s`. With
//!
//! ```text
//! m1 = a (p - r)    m2 = (a + b + c) / 2 (q + r)    m3 = (a - b + c) / 2 (r - q)    m4 = c (s - q)
//! ```
//!
//! they are `m1 + m2 + m3` and `m2 - m3 + m4`. Codes between layers have seven bits, so differences and
//! sums of two still fit in a byte. Weights fit where `a + b + c` is even and its half, and that of
//! `a - b + c`, is a byte: training sees to it, for a third of a bit.

/// What the weights of two inputs side by side, the first and the second, the third and the fourth, and so on,
/// may be together, with no regard to their signs, where two products meet in 16 bits: with AVX2. A code is at
/// most 255 there.
pub const TWIN_PAIR: i16 = 128;

/// What the four products of a row of a kernel multiply with: halves of sums in the middle. Nothing where
/// those are no bytes.
///
/// ```
/// use nervure_kernels::int8::twin_weights;
///
/// assert_eq!(twin_weights([3, -5, 4]), Some([3, 1, 6, 4]));
/// assert_eq!(twin_weights([3, -4, 4]), None, "half of 3");
/// assert_eq!(twin_weights([100, 100, 100]), None, "half of 300 is too much");
/// ```
pub fn twin_weights(row: [i8; 3]) -> Option<[i8; 4]> {
    let [left, middle, right] = row.map(i16::from);
    let (sum, difference) = (left + middle + right, left - middle + right);
    if sum % 2 != 0 {
        return None;
    }
    let byte = |number: i16| i8::try_from(number).ok();
    Some([row[0], byte(sum / 2)?, byte(difference / 2)?, row[2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_products_make_what_six_do() {
        let mut seed = 5_u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 24
        };
        let mut made = 0;
        for _ in 0..20_000 {
            let row = [next() as i8, next() as i8, next() as i8];
            let Some([m1, m2, m3, m4]) = twin_weights(row).map(|all| all.map(i32::from)) else {
                continue;
            };
            made += 1;
            let [a, b, c] = row.map(i32::from);
            let [p, q, r, s] = std::array::from_fn(|_| (next() / 2) as i32);
            let (even, odd) = (m2 * (q + r), m3 * (r - q));
            assert_eq!(even + odd + m1 * (p - r), a * p + b * q + c * r, "{row:?}");
            assert_eq!(even - odd + m4 * (s - q), a * q + b * r + c * s, "{row:?}");
        }
        assert!(made > 5_000, "{made} rows of 20,000 can be taken so");
    }
}
