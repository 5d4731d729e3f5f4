//! Red, green and blue back into luma and chroma, in whole numbers.

use nervure_frame::Range;

use super::rgb::shares;

const BITS: u32 = 16;

/// Makes 8-bit luma and chroma of 8-bit red, green, blue.
#[derive(Clone, Copy, Debug)]
pub(super) struct ToYuv {
    weights: [[i32; 3]; 3],
    offsets: [i32; 3],
}

impl ToYuv {
    /// By this matrix, if it has shares of red and blue; else none.
    pub(super) fn new(matrix: u8, range: Range) -> Option<Self> {
        let (red, blue) = shares(matrix)?;
        let (luma, chroma, black) = match range {
            Range::Full => (1.0, 1.0, 0),
            Range::Limited | Range::Unspecified => (219.0 / 255.0, 224.0 / 255.0, 16),
        };
        let (cb, cr) = (chroma / (2.0 * (1.0 - blue)), chroma / (2.0 * (1.0 - red)));
        let fixed = |weight: f64| (weight * f64::from(1 << BITS)).round() as i32;
        // The one that is not rounded by itself keeps the sums exact: white is white, grey is grey.
        let balanced = |a: f64, b: f64, sum: f64| fixed(sum) - fixed(a) - fixed(b);
        let half = 1 << (BITS - 1);
        Some(ToYuv {
            weights: [
                [
                    fixed(luma * red),
                    balanced(luma * red, luma * blue, luma),
                    fixed(luma * blue),
                ],
                [
                    fixed(-cb * red),
                    balanced(-cb * red, cb * (1.0 - blue), 0.0),
                    fixed(cb * (1.0 - blue)),
                ],
                [
                    fixed(cr * (1.0 - red)),
                    balanced(cr * (1.0 - red), -cr * blue, 0.0),
                    fixed(-cr * blue),
                ],
            ],
            offsets: [
                (black << BITS) + half,
                (128 << BITS) + half,
                (128 << BITS) + half,
            ],
        })
    }

    /// Plane 0, 1 or 2 of one pixel.
    pub(super) fn code(&self, plane: usize, rgb: &[u8]) -> u8 {
        let sum: i32 = rgb
            .iter()
            .zip(&self.weights[plane])
            .map(|(code, weight)| i32::from(*code) * weight)
            .sum();
        ((sum + self.offsets[plane]) >> BITS).clamp(0, 255) as u8
    }
}
