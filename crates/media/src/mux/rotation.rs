//! How a player shall turn the picture, as containers say it.

use nervure_frame::Rotation;

/// The display matrix of MP4 for a picture of that size, in libav's bytes: nine 32-bit integers in the
/// machine's order. It takes a point `(x, y)` with `y` pointing down to `(a x + c y + u, b x + d y + v)`,
/// with `u, v` such that the picture's corner stays in the corner.
pub(super) fn display_matrix(rotation: Rotation, width: i32, height: i32) -> Vec<u8> {
    let (cos, sin) = match rotation.quarters % 4 {
        0 => (1, 0),
        1 => (0, 1),
        2 => (-1, 0),
        _ => (0, -1),
    };
    let mirror = if rotation.mirrored { -1 } else { 1 };
    let (a, b) = (cos * mirror, sin * mirror);
    let (c, d) = (-sin, cos);
    let corner = |x: i32, y: i32| -(x * width).min(0) - (y * height).min(0);
    let fixed = |value: i32| value << 16;
    let numbers = [
        fixed(a),
        fixed(b),
        0,
        fixed(c),
        fixed(d),
        0,
        fixed(corner(a, c)),
        fixed(corner(b, d)),
        1 << 30,
    ];
    numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::side_data::rotation;

    #[test]
    fn what_is_written_is_read_back() {
        for quarters in 0..4 {
            for mirrored in [false, true] {
                let turn = Rotation { quarters, mirrored };
                assert_eq!(rotation(&display_matrix(turn, 640, 360)), Some(turn));
            }
        }
    }

    #[test]
    fn a_turned_picture_stays_in_view() {
        let numbers = |quarters| -> Vec<i32> {
            let turn = Rotation {
                quarters,
                mirrored: false,
            };
            display_matrix(turn, 640, 360)
                .chunks_exact(4)
                .map(|n| i32::from_ne_bytes([n[0], n[1], n[2], n[3]]))
                .collect()
        };
        assert_eq!(&numbers(1)[6..], [360 << 16, 0, 1 << 30]);
        assert_eq!(&numbers(2)[6..], [640 << 16, 360 << 16, 1 << 30]);
        assert_eq!(&numbers(3)[6..], [0, 640 << 16, 1 << 30]);
    }
}
