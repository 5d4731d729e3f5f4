//! Which macroblocks each slice of an H.264 picture holds.

use std::ops::Range;

use nervure_frame::{LossMask, MACROBLOCK};

/// The slices of one coded picture, in the order in which they lie and cover the picture.
#[derive(Debug)]
pub(super) struct SliceMap {
    slices: Vec<Slice>,
    size: (usize, usize),
}

#[derive(Debug, PartialEq)]
struct Slice {
    /// Its bytes with the start code in front.
    bytes: Range<usize>,
    /// Its macroblocks in raster order.
    macroblocks: Range<usize>,
}

impl SliceMap {
    /// Of a picture of `size` luma samples whose units are set apart by start codes, as libx264
    /// writes them. The reason, when it holds no slices that cover the picture once and in order.
    pub(super) fn of(data: &[u8], size: (usize, usize)) -> Result<Self, String> {
        let total = size.0.div_ceil(MACROBLOCK) * size.1.div_ceil(MACROBLOCK);
        let mut slices: Vec<Slice> = Vec::new();
        for unit in units(data) {
            let Some(first) = first_macroblock(&data[unit.payload.clone()]) else {
                continue;
            };
            let first = first as usize;
            match slices.last_mut() {
                Some(before) if before.macroblocks.start < first => {
                    before.macroblocks.end = first;
                }
                None if first == 0 => {}
                _ => return Err(format!("a slice starts at macroblock {first} out of turn")),
            }
            slices.push(Slice {
                bytes: unit.start..unit.payload.end,
                macroblocks: first..total,
            });
        }
        match slices.last() {
            None => Err("a packet holds none".into()),
            Some(last) if last.macroblocks.is_empty() => Err(format!(
                "one starts at macroblock {} of {total}",
                last.macroblocks.start
            )),
            Some(_) => Ok(SliceMap { slices, size }),
        }
    }

    /// How many slices there are.
    pub(super) fn slices(&self) -> usize {
        self.slices.len()
    }

    /// The data without the slices that are lost, and the mask of their macroblocks.
    pub(super) fn without(&self, data: &[u8], lost: &[bool]) -> (Vec<u8>, LossMask) {
        let mut rest = Vec::with_capacity(data.len());
        let mut mask = LossMask::whole(self.size.0, self.size.1);
        let mut kept = 0;
        for (slice, _) in self.slices.iter().zip(lost).filter(|(_, lost)| **lost) {
            rest.extend_from_slice(&data[kept..slice.bytes.start]);
            kept = slice.bytes.end;
            for block in slice.macroblocks.clone() {
                mask.set(block % mask.columns(), block / mask.columns(), true);
            }
        }
        rest.extend_from_slice(&data[kept..]);
        (rest, mask)
    }
}

/// A unit of the stream, H.264's "NAL unit".
struct Unit {
    /// Where its start code lies.
    start: usize,
    payload: Range<usize>,
}

/// The units between start codes: two or more zeros and a one.
fn units(data: &[u8]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut at = 0;
    while let Some(found) = data[at..].windows(3).position(|code| code == [0, 0, 1]) {
        let code = at + found;
        // Zeros before it belong to the code, or fill the end of the unit before.
        let zeros = data[at..code].iter().rev().take_while(|byte| **byte == 0);
        let start = code - zeros.count();
        if let Some(before) = units.last_mut() {
            before.payload.end = start;
        }
        at = code + 3;
        units.push(Unit {
            start,
            payload: at..data.len(),
        });
    }
    units
}

/// The first macroblock of a slice; none for a unit that is no slice.
fn first_macroblock(unit: &[u8]) -> Option<u32> {
    const SLICE: u8 = 1;
    const SLICE_OF_KEYFRAME: u8 = 5;
    let (header, payload) = unit.split_first()?;
    matches!(header & 0x1f, SLICE | SLICE_OF_KEYFRAME)
        .then(|| exp_golomb(payload))
        .flatten()
}

/// The number at the front of a payload: as many bits after the first one as there are zeros before
/// it, less one.
fn exp_golomb(payload: &[u8]) -> Option<u32> {
    let mut bits = Bits::new(payload);
    let mut zeros = 0;
    while !bits.next()? {
        zeros += 1;
        if zeros > 31 {
            return None;
        }
    }
    let mut value: u64 = 1;
    for _ in 0..zeros {
        value = value << 1 | u64::from(bits.next()?);
    }
    u32::try_from(value - 1).ok()
}

/// Bits of a payload, without the bytes that keep start codes from appearing in it.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    bit: u32,
    zeros: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Bits {
            bytes,
            at: 0,
            bit: 0,
            zeros: 0,
        }
    }

    fn next(&mut self) -> Option<bool> {
        if self.bit == 0 && self.zeros >= 2 && self.bytes.get(self.at) == Some(&3) {
            self.at += 1;
            self.zeros = 0;
        }
        let byte = *self.bytes.get(self.at)?;
        let bit = byte >> (7 - self.bit) & 1 == 1;
        self.bit += 1;
        if self.bit == 8 {
            self.bit = 0;
            self.at += 1;
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
        }
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slice that starts at this macroblock, followed by the same filling.
    fn slice(first: u32, header: u8) -> Vec<u8> {
        let value = u64::from(first) + 1;
        let length = 64 - value.leading_zeros();
        // The number's bits behind as many zeros, and ones to the end of the last byte.
        let width = 2 * length - 1;
        let padding = width.next_multiple_of(8) - width;
        let bits = value << padding | ((1 << padding) - 1);
        let bytes = bits.to_be_bytes();
        let used = (width + padding) as usize / 8;
        let mut payload = Vec::new();
        for byte in &bytes[8 - used..] {
            // As encoders do to keep start codes out.
            if *byte <= 3 && payload.ends_with(&[0, 0]) {
                payload.push(3);
            }
            payload.push(*byte);
        }
        [&[header][..], &payload, &[0xab, 0xcd]].concat()
    }

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        let mut data = Vec::new();
        for (number, unit) in units.iter().enumerate() {
            // Both lengths of start codes.
            data.extend_from_slice(if number % 2 == 0 {
                &[0, 0, 0, 1]
            } else {
                &[0, 0, 1]
            });
            data.extend_from_slice(unit);
        }
        data
    }

    const SEI: [u8; 4] = [0x06, 0x05, 0x01, 0x80];

    #[test]
    fn numbers_are_read_across_bytes_that_keep_start_codes_out() {
        for first in [0, 1, 2, 6, 7, 40, 254, 255, 8159, 65_534, 65_535, 1 << 20] {
            let unit = slice(first, 0x65);
            assert_eq!(first_macroblock(&unit), Some(first), "{first}");
        }
        // 2^23 - 1 has 23 zeros in front: two bytes of them, where encoders put in a three.
        let unit = slice((1 << 23) - 1, 0x41);
        assert_eq!(unit[1..5], [0, 0, 3, 1]);
        assert_eq!(first_macroblock(&unit), Some((1 << 23) - 1));
        assert_eq!(first_macroblock(&SEI), None);
        for short in [
            &[][..],
            &[0x65],
            &[0x65, 0],
            &[0x65, 0, 0, 3],
            &[0x65, 0, 0, 0, 0, 1],
        ] {
            assert_eq!(first_macroblock(short), None, "{short:?}");
        }
    }

    #[test]
    fn each_slice_reaches_to_the_next() {
        // 5 x 4 macroblocks.
        let size = (80, 49);
        let units = [&SEI[..], &slice(0, 0x65), &slice(5, 0x65), &slice(15, 0x65)];
        let data = stream(&units);
        let map = SliceMap::of(&data, size).unwrap();
        assert_eq!(map.slices(), 3);
        let (rest, mask) = map.without(&data, &[false, true, false]);
        assert_eq!(mask.count(), 10);
        assert!((0..5).all(|x| mask.is_lost(x, 1) && mask.is_lost(x, 2)));
        // What is left is the stream without that unit and its start code.
        let left = [
            &data[..4 + 4 + 3 + units[1].len()],
            &data[data.len() - 3 - units[3].len()..],
        ];
        assert_eq!(rest, left.concat());
        let (rest, mask) = map.without(&data, &[true, true, true]);
        assert_eq!((rest, mask.count()), (stream(&[&SEI]), 20));
        let (rest, mask) = map.without(&data, &[false; 3]);
        assert_eq!((rest, mask.count()), (data, 0));
    }

    #[test]
    fn what_does_not_cover_the_picture_once_is_refused() {
        let of = |units: &[&[u8]]| SliceMap::of(&stream(units), (80, 49)).map(drop);
        assert!(of(&[&slice(0, 0x65)]).is_ok());
        for (units, wanted) in [
            (vec![&SEI[..]], "holds none"),
            (vec![&slice(5, 0x65)[..]], "macroblock 5 out of turn"),
            (
                vec![&slice(0, 0x65)[..], &slice(0, 0x65)],
                "macroblock 0 out of turn",
            ),
            (
                vec![&slice(0, 0x41)[..], &slice(9, 0x41), &slice(4, 0x41)],
                "macroblock 4",
            ),
            (
                vec![&slice(0, 0x41)[..], &slice(20, 0x41)],
                "macroblock 20 of 20",
            ),
        ] {
            let reason = of(&units).unwrap_err();
            assert!(reason.contains(wanted), "{reason}");
        }
        assert!(SliceMap::of(&[], (16, 16)).is_err());
        assert!(SliceMap::of(&[0, 0, 1], (16, 16)).is_err());
        // Another way of setting units apart, with their lengths in front.
        assert!(SliceMap::of(&[0, 0, 0, 3, 0x65, 0x88, 0x80], (16, 16)).is_err());
    }
}
