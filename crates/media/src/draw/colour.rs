//! Colours, and what their numbers mean.

use super::math;

/// What the numbers of a canvas mean, which decides how edges and blur mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// Proportional to light, as in a camera: right for blur, glow and shading.
    Linear,
    /// As stored in a file (sRGB): what drawing programs mix in, and what pages are designed in.
    Coded,
}

/// A colour with coverage, premultiplied: `r`, `g` and `b` already carry `a`.
///
/// Premultiplied colours need one mixing rule for covering and for shining: with `a` zero a colour
/// adds light and hides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Rgba {
    /// Red times `a`.
    pub r: f32,
    /// Green times `a`.
    pub g: f32,
    /// Blue times `a`.
    pub b: f32,
    /// How much of what lies below is hidden, 0..=1.
    pub a: f32,
}

impl Rgba {
    /// Nothing.
    pub const CLEAR: Rgba = Rgba {
        r: 0.0,
        g: 0.0,
        b: 0.0,
        a: 0.0,
    };
    /// Black.
    pub const BLACK: Rgba = Rgba::new(0.0, 0.0, 0.0);
    /// White.
    pub const WHITE: Rgba = Rgba::new(1.0, 1.0, 1.0);

    /// An opaque colour of these numbers.
    pub const fn new(r: f32, g: f32, b: f32) -> Rgba {
        Rgba { r, g, b, a: 1.0 }
    }

    /// An opaque grey.
    pub const fn grey(value: f32) -> Rgba {
        Rgba::new(value, value, value)
    }

    /// An opaque colour written as in a style sheet, `0xRRGGBB`: numbers for a coded canvas.
    pub const fn hex(code: u32) -> Rgba {
        Rgba::new(
            ((code >> 16) & 255) as f32 / 255.0,
            ((code >> 8) & 255) as f32 / 255.0,
            (code & 255) as f32 / 255.0,
        )
    }

    /// The light of a style-sheet colour: numbers for a linear canvas.
    pub fn light(code: u32) -> Rgba {
        Rgba::hex(code).decoded()
    }

    /// A coded colour (opaque) as light.
    pub fn decoded(self) -> Rgba {
        Rgba::new(decode(self.r), decode(self.g), decode(self.b))
    }

    /// The same, hiding only `alpha` of what lies below.
    #[must_use]
    pub fn fade(self, alpha: f32) -> Rgba {
        Rgba {
            r: self.r * alpha,
            g: self.g * alpha,
            b: self.b * alpha,
            a: self.a * alpha,
        }
    }

    /// The same, brighter or darker.
    #[must_use]
    pub fn scale(self, factor: f32) -> Rgba {
        Rgba {
            r: self.r * factor,
            g: self.g * factor,
            b: self.b * factor,
            a: self.a,
        }
    }

    /// The same as light that adds to what lies below.
    #[must_use]
    pub fn glow(self) -> Rgba {
        Rgba { a: 0.0, ..self }
    }

    /// `self` at 0, `other` at 1, straight between.
    #[must_use]
    pub fn mix(self, other: Rgba, t: f32) -> Rgba {
        Rgba {
            r: math::mix(self.r, other.r, t),
            g: math::mix(self.g, other.g, t),
            b: math::mix(self.b, other.b, t),
            a: math::mix(self.a, other.a, t),
        }
    }

    /// Each part times the other's, as paint filters light.
    #[must_use]
    pub fn tint(self, other: Rgba) -> Rgba {
        Rgba {
            r: self.r * other.r,
            g: self.g * other.g,
            b: self.b * other.b,
            a: self.a * other.a,
        }
    }
}

/// Light to its sRGB code, both 0..=1. A fit in square roots, within a hundredth of an 8-bit step:
/// it is exact arithmetic everywhere and vectorises, which a power does not.
#[inline(always)]
pub fn encode(light: f32) -> f32 {
    let x = light.clamp(0.0, 1.0);
    let (s1, low) = (x.sqrt(), x * 12.92);
    let s2 = s1.sqrt();
    let s3 = s2.sqrt();
    let high = FIT[0] + FIT[1] * s1 + FIT[2] * s2 + FIT[3] * s3 + FIT[4] * x;
    if x <= 0.003_130_8 { low } else { high.min(1.0) }
}

const FIT: [f32; 5] = [
    -0.004_027,
    0.653_962_5,
    0.688_761_24,
    -0.318_513_47,
    -0.020_183_125,
];

/// The light of an sRGB code, both 0..=1.
pub fn decode(code: f32) -> f32 {
    let x = code.clamp(0.0, 1.0);
    if x <= 0.040_45 {
        x / 12.92
    } else {
        math::pow((x + 0.055) / 1.055, 2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coding_undoes_decoding() {
        for i in 0..=1000 {
            let code = i as f32 / 1000.0;
            let back = encode(decode(code));
            assert!((back - code).abs() < 0.02 / 255.0, "{code} became {back}");
        }
        assert_eq!((encode(0.0), encode(-1.0), encode(9.0)), (0.0, 0.0, 1.0));
        assert!((decode(0.5) - 0.214_041).abs() < 1e-5);
    }

    #[test]
    fn glow_hides_nothing() {
        let glow = Rgba::hex(0xff8000).fade(0.5).glow();
        assert_eq!((glow.a, glow.r), (0.0, 0.5));
        assert_eq!(Rgba::WHITE.mix(Rgba::BLACK, 0.25), Rgba::grey(0.75));
    }
}
