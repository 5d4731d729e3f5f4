//! What containers and codecs say beside the samples.

use nervure_frame::Rotation;

/// How a display matrix turns a picture, to the nearest quarter turn.
///
/// The matrix is nine 32-bit integers in the machine's order, as libav keeps it: it takes a point
/// `(x, y)` with `y` pointing down to `(a x + c y, b x + d y)`, with `a, b` its first two numbers and
/// `c, d` its fourth and fifth.
pub(crate) fn rotation(matrix: &[u8]) -> Option<Rotation> {
    let mut numbers = matrix
        .chunks_exact(4)
        .map(|bytes| i64::from(i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])));
    let (a, b) = (numbers.next()?, numbers.next()?);
    numbers.next()?;
    let (c, d) = (numbers.next()?, numbers.next()?);
    let area = i128::from(a) * i128::from(d) - i128::from(b) * i128::from(c);
    if area == 0 {
        return None;
    }
    let mirrored = area < 0;
    // Taking the mirror back leaves a turn, which the image of the x axis shows.
    let (x, y) = if mirrored { (-a, -b) } else { (a, b) };
    let quarters = match (x.abs() >= y.abs(), x > 0, y > 0) {
        (true, true, _) => 0,
        (false, _, true) => 1,
        (true, false, _) => 2,
        (false, _, false) => 3,
    };
    Some(Rotation { quarters, mirrored })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::av::ffi;

    fn turned(degrees: f64, horizontally: bool, vertically: bool) -> Option<Rotation> {
        let mut matrix = [0i32; 9];
        // SAFETY: both calls write nine numbers.
        unsafe {
            ffi::av_display_rotation_set(matrix.as_mut_ptr(), degrees);
            ffi::av_display_matrix_flip(
                matrix.as_mut_ptr(),
                i32::from(horizontally),
                i32::from(vertically),
            );
        }
        let bytes: Vec<u8> = matrix.iter().flat_map(|n| n.to_ne_bytes()).collect();
        rotation(&bytes)
    }

    #[test]
    fn libavs_matrices_are_read_as_it_means_them() {
        let turn = |quarters, mirrored| Some(Rotation { quarters, mirrored });
        for quarters in 0..4u8 {
            let degrees = f64::from(quarters) * 90.0;
            assert_eq!(turned(degrees, false, false), turn(quarters, false));
            assert_eq!(turned(degrees + 7.0, false, false), turn(quarters, false));
        }
        // libav flips what it has turned; here the mirror comes first.
        assert_eq!(turned(0.0, true, false), turn(0, true));
        assert_eq!(turned(0.0, false, true), turn(2, true));
        assert_eq!(turned(90.0, true, false), turn(3, true));
        assert_eq!(turned(0.0, true, true), turn(2, false));
    }

    #[test]
    fn a_broken_matrix_turns_nothing() {
        assert_eq!(rotation(&[0; 36]), None);
        assert_eq!(rotation(&[1; 10]), None);
    }
}
