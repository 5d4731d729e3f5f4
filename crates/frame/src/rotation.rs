//! How a player turns a picture before it shows it.

use crate::{
    Chroma, ChromaLocation, Frame, FramePool, LossMask, MACROBLOCK, PictureFormat, Plane, Planes,
    Sample,
};

/// Whole quarter turns, after a mirror if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Rotation {
    /// Quarter turns clockwise, 0 to 3.
    pub quarters: u8,
    /// Left and right change places before the picture is turned.
    pub mirrored: bool,
}

impl Rotation {
    /// The picture is shown as it is stored.
    pub const NONE: Rotation = Rotation {
        quarters: 0,
        mirrored: false,
    };

    /// Whether the picture is shown as it is stored.
    pub fn is_none(self) -> bool {
        self.quarters.is_multiple_of(4) && !self.mirrored
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.quarters % 2 == 1
    }

    /// The format of a turned frame. A quarter turn makes 4:4:4 of 4:2:2, whose chroma would end up
    /// halved in height only, which is no format of ours.
    pub fn format(self, format: PictureFormat) -> PictureFormat {
        if !self.swaps_sides() {
            return format;
        }
        PictureFormat {
            width: format.height,
            height: format.width,
            chroma: match format.chroma {
                Chroma::C422 => Chroma::C444,
                chroma => chroma,
            },
            depth: format.depth,
        }
    }

    /// Where a sample of the turned picture comes from in one of `width` x `height`.
    fn source(self, width: usize, height: usize) -> impl Fn(isize, isize) -> (isize, isize) {
        let (right, bottom) = (width as isize - 1, height as isize - 1);
        move |x, y| {
            let (x, y) = match self.quarters % 4 {
                0 => (x, y),
                1 => (y, bottom - x),
                2 => (right - x, bottom - y),
                _ => (right - y, x),
            };
            (if self.mirrored { right - x } else { x }, y)
        }
    }

    /// Where chroma sits after the turn, or the nearest place that has a name: none of them is on the
    /// right luma column.
    fn location(self, format: PictureFormat, location: ChromaLocation) -> ChromaLocation {
        // Distance from the middle of the luma samples. The last chroma sample of an odd side has one
        // luma sample to itself, which moves all others when it becomes the first.
        let flip = |offset: f64, side: usize| -offset - (side % 2) as f64;
        let (mut x, mut y) = location.offset();
        let (mut width, mut height) = (format.width, format.height);
        if self.mirrored {
            x = flip(x, width);
        }
        for _ in 0..self.quarters % 4 {
            (x, y) = (flip(y, height), x);
            (width, height) = (height, width);
        }
        let (shift_x, shift_y) = self.format(format).chroma.shift();
        let (halved_x, halved_y) = (shift_x > 0, shift_y > 0);
        let left = halved_x && x < -0.25;
        let (top, low) = (halved_y && y < -0.25, halved_y && y > 0.25);
        match (left, top, low) {
            (true, true, _) => ChromaLocation::TopLeft,
            (true, _, true) => ChromaLocation::BottomLeft,
            (true, _, _) if location == ChromaLocation::Unspecified => location,
            (true, _, _) => ChromaLocation::Left,
            (_, true, _) => ChromaLocation::Top,
            (_, _, true) => ChromaLocation::Bottom,
            _ if !halved_x && !halved_y => ChromaLocation::Unspecified,
            _ => ChromaLocation::Centre,
        }
    }
}

impl Frame {
    /// The picture as a player shows it, in memory of `pool`. See [`Rotation::format`] for what
    /// becomes of its format; all else but where chroma sits stays.
    pub fn rotated(&self, rotation: Rotation, pool: &FramePool) -> Frame {
        let format = self.format();
        let mut turned = pool.frame(rotation.format(format), self.pts);
        turned.colour = self.colour;
        if !rotation.is_none() {
            turned.colour.location = rotation.location(format, self.colour.location);
        }
        turned.duration = self.duration;
        turned.step = self.step;
        turned.damage = self
            .damage
            .as_ref()
            .map(|mask| turn_mask(mask, format, rotation));
        let widen = (turned.chroma != self.chroma).then(|| self.colour.location.offset().0 < -0.25);
        match (&self.planes, &mut turned.planes) {
            (Planes::Eight(from), Planes::Eight(to)) => {
                turn_planes(from, to, rotation, widen, |value| value as u8);
            }
            (Planes::Ten(from), Planes::Ten(to)) => {
                turn_planes(from, to, rotation, widen, |value| value as u16);
            }
            _ => unreachable!("a turn keeps the depth"),
        }
        turned
    }
}

/// Turns three planes; `widen` says that chroma of 4:2:2 becomes as wide as luma first, and whether
/// it sits on the left luma column.
fn turn_planes<T: Sample>(
    from: &[Plane<T>; 3],
    to: &mut [Plane<T>; 3],
    rotation: Rotation,
    widen: Option<bool>,
    narrow: impl Fn(i32) -> T,
) {
    for (index, (from, to)) in from.iter().zip(to).enumerate() {
        match widen {
            Some(left) if index > 0 => {
                let mut wide = Plane::new(to.height(), to.width());
                widen_plane(from, &mut wide, left, &narrow);
                turn_plane(&wide, to, rotation);
            }
            _ => turn_plane(from, to, rotation),
        }
    }
}

/// Twice as many samples in a row, between their neighbours in proportion to distance.
fn widen_plane<T: Sample>(
    from: &Plane<T>,
    to: &mut Plane<T>,
    left: bool,
    narrow: impl Fn(i32) -> T,
) {
    for (to, from) in to.rows_mut().zip(from.rows()) {
        let at = |index: usize| -> i32 { from[index.min(from.len() - 1)].into() };
        for (x, sample) in to.iter_mut().enumerate() {
            let (near, before, after) = (x / 2, (x / 2).saturating_sub(1), x / 2 + 1);
            *sample = narrow(match (left, x % 2) {
                (true, 0) => at(near),
                (true, _) => (at(near) + at(after) + 1) / 2,
                (false, 0) => (3 * at(near) + at(before) + 2) / 4,
                (false, _) => (3 * at(near) + at(after) + 2) / 4,
            });
        }
    }
}

/// Side of the squares that a quarter turn goes by, so that both pictures stay in the cache.
const TILE: usize = 32;

fn turn_plane<T: Sample>(from: &Plane<T>, to: &mut Plane<T>, rotation: Rotation) {
    let source = rotation.source(from.width(), from.height());
    let stride = from.stride() as isize;
    let place = |x, y| {
        let (x, y) = source(x, y);
        y * stride + x
    };
    // Going right or down in the new picture moves by a constant in the old one.
    let (origin, right, down) = (
        place(0, 0),
        place(1, 0) - place(0, 0),
        place(0, 1) - place(0, 0),
    );
    let samples = from.data();
    let (width, height, to_stride) = (to.width(), to.height(), to.stride());
    let target = to.data_mut();
    for top in (0..height).step_by(TILE) {
        for start in (0..width).step_by(TILE) {
            let end = (start + TILE).min(width);
            for y in top..(top + TILE).min(height) {
                let mut at = origin + y as isize * down + start as isize * right;
                for sample in &mut target[y * to_stride + start..y * to_stride + end] {
                    *sample = samples[at as usize];
                    at += right;
                }
            }
        }
    }
}

/// Every macroblock of the turned picture that holds a part of a lost one.
fn turn_mask(mask: &LossMask, format: PictureFormat, rotation: Rotation) -> LossMask {
    let turned = rotation.format(format);
    let source = rotation.source(format.width, format.height);
    let mut result = LossMask::whole(turned.width, turned.height);
    for row in 0..result.rows() {
        for column in 0..result.columns() {
            let corner = |right: bool, low: bool| {
                let side = |block: usize, last: bool, limit: usize| {
                    (block * MACROBLOCK + if last { MACROBLOCK - 1 } else { 0 }).min(limit - 1)
                        as isize
                };
                let (x, y) = source(
                    side(column, right, turned.width),
                    side(row, low, turned.height),
                );
                (x as usize / MACROBLOCK, y as usize / MACROBLOCK)
            };
            let (one, other) = (corner(false, false), corner(true, true));
            let columns = one.0.min(other.0)..=one.0.max(other.0);
            let lost = columns.into_iter().any(|column| {
                (one.1.min(other.1)..=one.1.max(other.1)).any(|row| mask.is_lost(column, row))
            });
            result.set(column, row, lost);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BitDepth, TimeBase, Timestamp};

    fn turn(quarters: u8, mirrored: bool) -> Rotation {
        Rotation { quarters, mirrored }
    }

    fn numbered(format: PictureFormat) -> Frame {
        let mut frame = Frame::new(format, Timestamp::new(7, TimeBase::MICROS));
        frame.duration = Some(3);
        for plane in frame.planes.ten_mut().unwrap() {
            for (y, row) in plane.rows_mut().enumerate() {
                for (x, sample) in row.iter_mut().enumerate() {
                    *sample = (y * 100 + x) as u16;
                }
            }
        }
        frame
    }

    fn samples(frame: &Frame, plane: usize) -> Vec<u16> {
        let plane = &frame.planes.ten().unwrap()[plane];
        plane.rows().flatten().copied().collect()
    }

    #[test]
    fn every_turn_puts_samples_where_a_player_does() {
        let frame = numbered(PictureFormat::new(3, 2, Chroma::C444, BitDepth::Ten));
        let pool = FramePool::new();
        for (rotation, expected) in [
            (turn(0, false), [0, 1, 2, 100, 101, 102]),
            (turn(1, false), [100, 0, 101, 1, 102, 2]),
            (turn(2, false), [102, 101, 100, 2, 1, 0]),
            (turn(3, false), [2, 102, 1, 101, 0, 100]),
            (turn(0, true), [2, 1, 0, 102, 101, 100]),
            (turn(1, true), [102, 2, 101, 1, 100, 0]),
            (turn(2, true), [100, 101, 102, 0, 1, 2]),
            (turn(3, true), [0, 100, 1, 101, 2, 102]),
        ] {
            let turned = frame.rotated(rotation, &pool);
            assert_eq!(samples(&turned, 2), expected, "{rotation:?}");
            assert_eq!(turned.format(), rotation.format(frame.format()));
            assert_eq!((turned.pts, turned.duration), (frame.pts, Some(3)));
        }
    }

    #[test]
    fn turning_back_gives_the_same_picture() {
        let pool = FramePool::new();
        for (width, height) in [(1, 1), (70, 33), (5, 97)] {
            for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
                let frame = numbered(PictureFormat::new(width, height, chroma, BitDepth::Ten));
                for mirrored in [false, true] {
                    for quarters in [0, 2] {
                        let there = frame.rotated(turn(quarters, mirrored), &pool);
                        let back = there.rotated(turn(quarters, mirrored), &pool);
                        assert_eq!(back.planes, frame.planes, "{quarters} {mirrored}");
                    }
                }
                if chroma != Chroma::C422 {
                    let there = frame.rotated(turn(1, false), &pool);
                    assert_eq!(there.rotated(turn(3, false), &pool).planes, frame.planes);
                }
            }
        }
    }

    #[test]
    fn a_quarter_turn_fills_in_the_chroma_of_422() {
        let mut frame = numbered(PictureFormat::new(5, 1, Chroma::C422, BitDepth::Ten));
        frame.planes.ten_mut().unwrap()[1] = Plane::from_samples(3, 1, &[100, 200, 400]);
        let pool = FramePool::new();
        let turned = frame.rotated(turn(1, false), &pool);
        assert_eq!(
            turned.format(),
            PictureFormat::new(1, 5, Chroma::C444, BitDepth::Ten)
        );
        assert_eq!(samples(&turned, 1), [100, 150, 200, 300, 400]);
        frame.colour.location = ChromaLocation::Centre;
        let turned = frame.rotated(turn(3, false), &pool);
        assert_eq!(samples(&turned, 1), [350, 250, 175, 125, 100]);
        assert_eq!(turned.colour.location, ChromaLocation::Unspecified);
    }

    #[test]
    fn chroma_stays_where_it_was_in_the_scene() {
        use ChromaLocation::{BottomLeft, Centre, Left, Top, TopLeft, Unspecified};
        let even = PictureFormat::new(6, 4, Chroma::C420, BitDepth::Eight);
        let odd = even.with_size(5, 3);
        for (rotation, format, from, to) in [
            (turn(1, false), even, Left, Top),
            (turn(3, false), even, TopLeft, BottomLeft),
            (turn(3, true), even, TopLeft, TopLeft),
            (turn(2, true), even, TopLeft, BottomLeft),
            (turn(2, true), even, Unspecified, Unspecified),
            (turn(2, false), even, Centre, Centre),
            // The right column has no name; the middle is nearest.
            (turn(0, true), even, Left, Centre),
            (turn(0, true), odd, Left, Left),
        ] {
            assert_eq!(rotation.location(format, from), to, "{rotation:?} {from:?}");
        }
    }

    #[test]
    fn damage_turns_with_the_picture() {
        let format = PictureFormat::new(40, 20, Chroma::C420, BitDepth::Ten);
        let mut frame = numbered(format);
        let mut mask = LossMask::whole(40, 20);
        mask.set(2, 0, true);
        frame.damage = Some(mask);
        let turned = frame.rotated(turn(1, false), &FramePool::new());
        let mask = turned.damage.unwrap();
        assert_eq!((mask.columns(), mask.rows()), (2, 3));
        // Columns 32..40 and rows 0..16 become rows 32..40 and columns 4..20.
        assert!(mask.is_lost(0, 2) && mask.is_lost(1, 2));
        assert_eq!(mask.count(), 2);
    }
}
