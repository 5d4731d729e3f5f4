//! Arithmetic that gives the same bits on every machine.
//!
//! `f32::sin`, `exp` and `powf` call the platform's library, whose last bits differ. Everything
//! here is built from additions, multiplications, divisions and square roots, which IEEE 754
//! defines exactly, so a scene rendered on one machine has the checksum it has on another.

/// 1.5 * 2^23: adding it to a small `f32` leaves the nearest integer in the low mantissa bits.
const ROUNDER: f32 = 12_582_912.0;

/// The nearest integer, halves to even, for |x| < 2^22. Compiles to two additions, where
/// `f32::round` is a library call on baseline x86-64.
#[inline(always)]
pub fn round(x: f32) -> f32 {
    (x + ROUNDER) - ROUNDER
}

/// `x` split into a whole number and a rest in 0..=1, for |x| < 2^22. The rest may be exactly 1
/// beside an integer, which interpolation does not mind.
#[inline(always)]
pub fn split(x: f32) -> (i32, f32) {
    let shifted = (x - 0.5) + ROUNDER;
    let whole = (shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    (whole, x - (shifted - ROUNDER))
}

/// The largest integer not above `x`, for |x| < 2^22.
#[inline(always)]
pub fn floor(x: f32) -> f32 {
    let near = round(x);
    if near > x { near - 1.0 } else { near }
}

/// The part of `x` after its floor, in 0..1.
#[inline(always)]
pub fn fract(x: f32) -> f32 {
    x - floor(x)
}

/// Sine of `turns` full circles.
#[inline(always)]
pub fn sin_turns(turns: f32) -> f32 {
    let x = turns - round(turns);
    // Fold to a quarter turn on both sides of zero, where the series converges at once.
    let x = if x > 0.25 {
        0.5 - x
    } else if x < -0.25 {
        -0.5 - x
    } else {
        x
    };
    let s = x * x;
    x * (std::f32::consts::TAU
        + s * (-41.341_7 + s * (81.605_21 + s * (-76.703_64 + s * (41.999_62 - 14.335_009 * s)))))
}

/// Cosine of `turns` full circles.
#[inline(always)]
pub fn cos_turns(turns: f32) -> f32 {
    sin_turns(turns + 0.25)
}

/// Sine and cosine of `turns` full circles.
#[inline(always)]
pub fn sin_cos_turns(turns: f32) -> (f32, f32) {
    (sin_turns(turns), cos_turns(turns))
}

/// Two to the power `x`; zero below -126, at most 2^127.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let x = x.clamp(-126.5, 127.0);
    let whole = round(x);
    let rest = x - whole;
    let series = 1.0
        + rest
            * (std::f32::consts::LN_2
                + rest
                    * (0.240_221_1
                        + rest * (0.055_503 + rest * (0.009_675_95 + rest * 0.001_340_989))));
    let power = ((whole as i32) + 127).clamp(0, 254) as u32;
    f32::from_bits(power << 23) * series
}

/// `e` to the power `x`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    exp2(x * std::f32::consts::LOG2_E)
}

/// The logarithm of a positive `x` to base two.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    // The mantissa is brought into 0.707..1.414, so that the series is used close to one.
    let shifted = bits.wrapping_sub(0x3f35_04f3);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let s = z * z;
    exponent as f32 + z * (2.885_39 + s * (0.961_800_75 + s * (0.576_585_6 + s * 0.434_231_4)))
}

/// `x` to the power `y`, for `x` not negative.
#[inline(always)]
pub fn pow(x: f32, y: f32) -> f32 {
    if x <= 0.0 { 0.0 } else { exp2(y * log2(x)) }
}

/// The angle of the vector `(x, y)` in turns, in -0.5..=0.5; zero for the zero vector.
pub fn atan2_turns(y: f32, x: f32) -> f32 {
    let (ax, ay) = (x.abs(), y.abs());
    let (small, large) = (ax.min(ay), ax.max(ay));
    if large == 0.0 {
        return 0.0;
    }
    let z = small / large;
    let s = z * z;
    let series = z
        * (0.159_154_33
            + s * (-0.053_026_3
                + s * (0.031_525_67
                    + s * (-0.021_063_685
                        + s * (0.012_676_543 + s * (-0.005_351_854 + s * 0.001_085_336))))));
    let quarter = if ay > ax { 0.25 - series } else { series };
    let half = if x < 0.0 { 0.5 - quarter } else { quarter };
    if y < 0.0 { -half } else { half }
}

/// `a` at 0, `b` at 1, straight between.
#[inline(always)]
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, an S-curve between.
#[inline(always)]
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst(range: (f32, f32), got: impl Fn(f32) -> f32, want: impl Fn(f64) -> f64) -> f64 {
        (0..=20_000)
            .map(|i| range.0 + (range.1 - range.0) * i as f32 / 20_000.0)
            .map(|x| (f64::from(got(x)) - want(f64::from(x))).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn the_series_follow_the_functions() {
        let turn = std::f64::consts::TAU;
        assert!(worst((-3.0, 3.0), sin_turns, |x| (x * turn).sin()) < 2e-6);
        assert!(worst((-3.0, 3.0), cos_turns, |x| (x * turn).cos()) < 2e-6);
        assert!(worst((-2.0, 2.0), exp2, f64::exp2) < 5e-6);
        assert!(worst((0.01, 20.0), log2, f64::log2) < 4e-6);
        assert!(worst((0.0, 1.0), |x| pow(x, 2.4), |x| x.powf(2.4)) < 4e-6);
        assert!(
            worst(
                (-0.499, 0.499),
                |a| atan2_turns(sin_turns(a), cos_turns(a)),
                |a| a
            ) < 4e-6
        );
    }

    #[test]
    fn rounding_and_splitting() {
        for (x, want) in [(2.4, 2.0), (-2.6, -3.0), (7.0, 7.0)] {
            assert_eq!(round(x), want);
        }
        for (x, want) in [(2.9, 2.0), (-2.1, -3.0), (7.0, 7.0), (-7.0, -7.0)] {
            assert_eq!(floor(x), want);
            let (whole, rest) = split(x);
            assert_eq!(whole as f32 + rest, x);
            assert!((0.0..=1.0).contains(&rest));
        }
        assert_eq!(exp2(-1000.0), exp2(-126.5));
        assert_eq!(pow(0.0, 3.0), 0.0);
        assert_eq!(atan2_turns(0.0, 0.0), 0.0);
    }
}
