//! Static HDR metadata, read from libav's bytes.
//!
//! The binding leaves these two structures out. Their layout is part of libav's interface and has
//! not changed since they came: 32-bit integers in the machine's order, fractions as two of them.

/// SMPTE ST 2086: the display that the material was graded on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mastering {
    /// Chromaticity (x, y) of red, green and blue.
    pub(super) primaries: [(f64, f64); 3],
    /// Chromaticity of white.
    pub(super) white: (f64, f64),
    /// Candela per square metre, darkest and brightest.
    pub(super) luminance: (f64, f64),
}

/// An `AVMasteringDisplayMetadata`; none unless it has both primaries and luminance.
pub(super) fn mastering(bytes: &[u8]) -> Option<Mastering> {
    let numbers = integers(bytes);
    if numbers.get(20) != Some(&1) || numbers.get(21) != Some(&1) {
        return None;
    }
    let fraction = |index: usize| {
        let (num, den) = (numbers.get(2 * index)?, numbers.get(2 * index + 1)?);
        (*den != 0).then(|| f64::from(*num) / f64::from(*den))
    };
    let point = |index: usize| Some((fraction(2 * index)?, fraction(2 * index + 1)?));
    Some(Mastering {
        primaries: [point(0)?, point(1)?, point(2)?],
        white: point(3)?,
        luminance: (fraction(8)?, fraction(9)?),
    })
}

/// An `AVContentLightMetadata`, CTA-861.3: the brightest sample and the brightest average of a
/// picture, in candela per square metre.
pub(super) fn light(bytes: &[u8]) -> Option<(u32, u32)> {
    match integers(bytes)[..] {
        [brightest, average, ..] => {
            Some((u32::try_from(brightest).ok()?, u32::try_from(average).ok()?))
        }
        _ => None,
    }
}

fn integers(bytes: &[u8]) -> Vec<i32> {
    bytes
        .chunks_exact(4)
        .map(|four| i32::from_ne_bytes([four[0], four[1], four[2], four[3]]))
        .collect()
}

impl Mastering {
    /// As x264 and x265 want it: in 0.00002, and 0.0001 candela per square metre.
    pub(super) fn in_units(&self) -> String {
        let units = |value: f64, scale: f64| format!("{}", (value * scale).round() as u32);
        self.text(
            |value| units(value, 50_000.0),
            |value| units(value, 10_000.0),
        )
    }

    /// As SVT-AV1 wants it.
    pub(super) fn in_decimals(&self) -> String {
        self.text(|value| format!("{value:.5}"), |value| format!("{value:.4}"))
    }

    fn text(&self, place: impl Fn(f64) -> String, candela: impl Fn(f64) -> String) -> String {
        let point = |(x, y): (f64, f64)| format!("({},{})", place(x), place(y));
        let [red, green, blue] = self.primaries;
        format!(
            "G{}B{}R{}WP{}L({},{})",
            point(green),
            point(blue),
            point(red),
            point(self.white),
            candela(self.luminance.1),
            candela(self.luminance.0)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(numbers: &[i32]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
    }

    #[test]
    fn a_display_is_written_in_both_manners() {
        let mut numbers = Vec::new();
        for place in [34_000, 16_000, 13_250, 34_500, 7_500, 3_000, 15_635, 16_450] {
            numbers.extend([place, 50_000]);
        }
        numbers.extend([50, 10_000, 10_000_000, 10_000, 1, 1]);
        let display = mastering(&bytes(&numbers)).unwrap();
        assert_eq!(
            display.in_units(),
            "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
        );
        assert_eq!(
            display.in_decimals(),
            "G(0.26500,0.69000)B(0.15000,0.06000)R(0.68000,0.32000)WP(0.31270,0.32900)\
             L(1000.0000,0.0050)"
        );
        numbers[21] = 0;
        assert_eq!(mastering(&bytes(&numbers)), None);
        numbers[21] = 1;
        numbers[1] = 0;
        assert_eq!(mastering(&bytes(&numbers)), None);
    }

    #[test]
    fn short_bytes_say_nothing() {
        assert_eq!(mastering(&[1; 80]), None);
        assert_eq!(light(&[0; 7]), None);
        assert_eq!(light(&bytes(&[1000, 400])), Some((1000, 400)));
    }
}
