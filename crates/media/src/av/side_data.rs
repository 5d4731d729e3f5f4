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

/// The mean step of quantisers of H.264, in 8-bit codes, from libav's `AVVideoEncParams`: a count of blocks,
/// where they begin, how long each is, of which codec they are and the picture's quantiser; and of each
/// block, after four numbers of where it is, how far its own is from that. Samples have `bits`.
pub(crate) fn step(parameters: &[u8], bits: u8) -> Option<f32> {
    const H264: i32 = 1;
    /// Of the first six quantisers; every sixth doubles them.
    const STEPS: [f64; 6] = [0.625, 0.6875, 0.8125, 0.875, 1.0, 1.125];
    const WORD: usize = size_of::<usize>();
    let word = |bytes: &[u8], at: usize| -> Option<i32> {
        let bytes = bytes.get(at..at + 4)?;
        Some(i32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let size = |at: usize| -> Option<usize> {
        let bytes = parameters.get(at..at + WORD)?;
        Some(usize::from_ne_bytes(bytes.try_into().ok()?))
    };
    let count = usize::try_from(word(parameters, 0)?).ok()?;
    let (first, each) = (size(WORD)?, size(2 * WORD)?);
    let picture = word(parameters, 3 * WORD + 4)?;
    if word(parameters, 3 * WORD)? != H264 || !(8..=14).contains(&bits) {
        return None;
    }
    let mut sum = 0.0;
    for block in 0..count {
        let start = block.checked_mul(each)?.checked_add(first)?;
        let own = word(parameters.get(start..)?, 16)?;
        let quantiser = usize::try_from(picture.checked_add(own)?).ok()?;
        // Beyond what there is in any profile, it is not what we take it for.
        let octave = u32::try_from(quantiser / 6).ok().filter(|it| *it < 16)?;
        sum += STEPS[quantiser % 6] * f64::from(1_u32 << octave);
    }
    let codes = f64::from(bits - 8).exp2();
    (count > 0).then(|| (sum / count as f64 / codes) as f32)
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

    /// `AVVideoEncParams` of a picture and its blocks.
    fn parameters(codec: i32, picture: i32, blocks: &[i32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let first = 3 * size_of::<usize>() + 8 + 32;
        let mut size = |number: usize| bytes.extend(number.to_ne_bytes());
        [blocks.len(), first, 20].into_iter().for_each(&mut size);
        let mut word = |number: i32| bytes.extend(number.to_ne_bytes());
        [codec, picture].into_iter().for_each(&mut word);
        [0; 8].into_iter().for_each(&mut word);
        for own in blocks {
            [0, 0, 16, 16, *own].into_iter().for_each(&mut word);
        }
        bytes
    }

    #[test]
    fn steps_double_with_every_sixth_quantiser() {
        assert_eq!(step(&parameters(1, 28, &[0, 0]), 8), Some(16.0));
        assert_eq!(step(&parameters(1, 28, &[6, -6]), 8), Some(20.0));
        assert_eq!(step(&parameters(1, 40, &[0]), 10), Some(16.0));
        assert_eq!(step(&parameters(1, 0, &[0, 1]), 8), Some(0.65625));
    }

    #[test]
    fn what_is_not_as_it_should_be_tells_no_step() {
        assert_eq!(step(&parameters(0, 28, &[0]), 8), None, "VP9");
        assert_eq!(step(&parameters(1, 28, &[]), 8), None);
        assert_eq!(step(&parameters(1, 28, &[80]), 8), None);
        assert_eq!(step(&parameters(1, 28, &[0]), 7), None);
        assert_eq!(step(&parameters(1, i32::MAX, &[1]), 8), None);
        let whole = parameters(1, 28, &[0, 0]);
        for length in 0..whole.len() {
            assert_eq!(step(&whole[..length], 8), None, "{length} bytes");
        }
        for far in [usize::MAX, usize::MAX / 2, whole.len()] {
            for field in [1, 2] {
                let mut odd = whole.clone();
                odd[field * size_of::<usize>()..][..size_of::<usize>()]
                    .copy_from_slice(&far.to_ne_bytes());
                assert_eq!(step(&odd, 8), None, "{field}: {far}");
            }
        }
    }

    #[test]
    fn a_broken_matrix_turns_nothing() {
        assert_eq!(rotation(&[0; 36]), None);
        assert_eq!(rotation(&[1; 10]), None);
    }
}
