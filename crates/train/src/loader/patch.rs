//! Patches out of clips.

use std::sync::Arc;

use nervure_dataset::ClipReader;
use nervure_dataset::picture::{ToRgb, View, matrix_of_size};
use nervure_frame::{BitDepth, Colour, LossMask, MACROBLOCK, Sample};

use super::catalogue::{Catalogue, starts};
use super::dice::Dice;
use super::guesses::Guess;
use super::{Batch, LoaderConfig, Pick, PlaneSet, Samples, Shape};
use crate::Result;

/// A high-resolution patch is flat when neighbours in a row differ by less than one step of 8 bits on
/// average.
const FLAT: u64 = 1;
/// After so many flat patches the next is taken whatever it is: there are clips with nothing else.
const TRIES: usize = 8;
/// After so many places where nothing is lost the next is taken whatever it is. Looking costs little.
const LOSS_TRIES: usize = 64;
/// H.273's "unspecified".
const UNSPECIFIED: u8 = 2;

/// Makes batches, in memory that is used again.
#[derive(Debug)]
pub(super) struct Maker {
    catalogue: Arc<Catalogue>,
    config: Arc<LoaderConfig>,
    cutter: Cutter,
}

impl Maker {
    pub(super) fn new(catalogue: Arc<Catalogue>, config: Arc<LoaderConfig>) -> Self {
        Maker {
            catalogue,
            config,
            cutter: Cutter::default(),
        }
    }

    /// Batch `number`.
    pub(super) fn make(&mut self, number: u64, batch: &mut Batch) -> Result<()> {
        let shape = Shape::of(&self.config, self.catalogue.scale());
        batch.prepare(number, shape, self.config.depth);
        for index in 0..shape.batch {
            self.sequence(number, index, batch)?;
        }
        Ok(())
    }

    fn sequence(&mut self, number: u64, index: usize, batch: &mut Batch) -> Result<()> {
        let config = Arc::clone(&self.config);
        let mut dice = Dice::new(config.seed, number, index as u64);
        for attempt in 0.. {
            let pick = self.pick_lost(&mut dice)?;
            let clip = &self.catalogue.clips()[pick.clip];
            let hr = self.catalogue.readers.get(clip.hr)?;
            let lr = self.catalogue.readers.get(clip.lr)?;
            // With an unnamed matrix, low and high resolution must not go each by its own size.
            let matrix = matrix_of_size(hr.format().width, hr.format().height);
            self.high(&hr, matrix, index, 0, &pick, batch)?;
            let dull = config.skip_flat > 0.0
                && attempt < TRIES
                && self.cutter.is_flat()
                && dice.happens(config.skip_flat);
            if dull {
                continue;
            }
            for frame in 0..config.frames {
                if frame > 0 {
                    self.high(&hr, matrix, index, frame, &pick, batch)?;
                }
                self.low(&lr, matrix, index, frame, &pick, batch)?;
                batch.times.push(lr.pts(pick.frame + frame));
            }
            batch.picks.push(pick);
            break;
        }
        Ok(())
    }

    /// A place where something is lost in the last frame, as often as is asked for.
    fn pick_lost(&self, dice: &mut Dice) -> Result<Pick> {
        let mut pick = self.pick(dice);
        if self.config.skip_whole > 0.0 && dice.happens(self.config.skip_whole) {
            for _ in 0..LOSS_TRIES {
                let clip = &self.catalogue.clips()[pick.clip];
                let reader = self.catalogue.readers.get(clip.lr)?;
                let last = pick.frame + self.config.frames - 1;
                let blocks =
                    |from: usize| from / MACROBLOCK..=(from + self.config.patch - 1) / MACROBLOCK;
                let lost = reader.damage(last).is_some_and(|mask| {
                    blocks(pick.y).any(|y| blocks(pick.x).any(|x| mask.is_lost(x, y)))
                });
                if lost {
                    break;
                }
                pick = self.pick(dice);
            }
        }
        Ok(pick)
    }

    fn pick(&self, dice: &mut Dice) -> Pick {
        let config = &self.config;
        let clip = self.catalogue.draw(dice);
        let record = &self.catalogue.clips()[clip].record;
        // The catalogue holds only clips that have a place for a patch, and a first frame.
        let mut within = |count: usize| dice.below(count as u64) as usize;
        Pick {
            clip,
            frame: within(starts(record, config) as usize),
            x: within(record.lr.width - config.patch + 1),
            y: within(record.lr.height - config.patch + 1),
            turn: if config.augment { within(8) as u8 } else { 0 },
        }
    }

    fn high(
        &mut self,
        reader: &ClipReader,
        matrix: u8,
        index: usize,
        frame: usize,
        pick: &Pick,
        batch: &mut Batch,
    ) -> Result<()> {
        let scale = batch.shape.scale;
        let square = Square {
            x: pick.x * scale,
            y: pick.y * scale,
            side: batch.shape.patch * scale,
        };
        let at = index * batch.shape.frames + frame;
        self.cutter.cut(
            reader,
            pick.frame + frame,
            square,
            self.config.planes,
            matrix,
        )?;
        self.cutter.put(square.side, pick.turn, at, &mut batch.hr);
        Ok(())
    }

    fn low(
        &mut self,
        reader: &ClipReader,
        matrix: u8,
        index: usize,
        frame: usize,
        pick: &Pick,
        batch: &mut Batch,
    ) -> Result<()> {
        let side = batch.shape.patch;
        let square = Square {
            x: pick.x,
            y: pick.y,
            side,
        };
        let at = index * batch.shape.frames + frame;
        let (shown, frames) = (pick.frame + frame, batch.shape.frames);
        let planes = self.config.planes;
        if self.config.guessed && frame + 1 < frames {
            let last = pick.frame + frames - 1;
            self.cutter.cut(reader, last, square, planes, matrix)?;
            let file = self.catalogue.clips()[pick.clip].lr;
            let guesses = &self.catalogue.guesses;
            if let Some(guess) = guesses.get(file, reader, last, frames - 1)? {
                self.cutter.guess(&guess, frame, square);
            }
        } else {
            self.cutter.cut(reader, shown, square, planes, matrix)?;
        }
        self.cutter.put(side, pick.turn, at, &mut batch.lr);
        let mask = &mut batch.mask[at * side * side..][..side * side];
        put_mask(reader.damage(shown), square, pick.turn, mask);
        Ok(())
    }
}

/// A part of a picture.
#[derive(Clone, Copy, Debug)]
struct Square {
    x: usize,
    y: usize,
    side: usize,
}

/// Cuts squares out of pictures.
#[derive(Debug, Default)]
struct Cutter {
    bytes: Vec<u8>,
    /// A window of each plane, for colours somewhat larger than the square.
    eight: [Vec<u8>; 3],
    ten: [Vec<u16>; 3],
    colours: ToRgb,
    rgb: Vec<u8>,
    /// The square of each plane that was asked for, and the bits in it.
    planes: [Vec<u16>; 3],
    bits: u32,
    count: usize,
    side: usize,
    /// Whether they are red, green and blue.
    colourful: bool,
    whole: Vec<u16>,
}

impl Cutter {
    /// Reads the square of one frame into `planes`.
    fn cut(
        &mut self,
        reader: &ClipReader,
        frame: usize,
        square: Square,
        planes: PlaneSet,
        matrix: u8,
    ) -> Result<()> {
        self.bits = reader.format().depth.bits();
        self.count = planes.count();
        self.side = square.side;
        self.colourful = planes == PlaneSet::Rgb;
        if planes == PlaneSet::Luma {
            let format = reader.format();
            let rows = square.y..square.y + square.side;
            reader.band(frame, 0, rows, &mut self.bytes)?;
            let Cutter { bytes, planes, .. } = self;
            planes[0].clear();
            let columns = square.x..square.x + square.side;
            match format.depth {
                BitDepth::Eight => columns_of(bytes, format.width, columns, |code: &[u8; 1]| {
                    u16::from(code[0])
                })
                .for_each(|row| planes[0].extend(row)),
                BitDepth::Ten => columns_of(bytes, format.width, columns, code_of_two)
                    .for_each(|row| planes[0].extend(row)),
            }
            return Ok(());
        }
        let mut eight = std::mem::take(&mut self.eight);
        let mut ten = std::mem::take(&mut self.ten);
        let result = match reader.format().depth {
            BitDepth::Eight => {
                let one = |code: &[u8; 1]| code[0];
                self.colours_of(reader, frame, square, planes, matrix, &mut eight, one)
            }
            BitDepth::Ten => {
                self.colours_of(reader, frame, square, planes, matrix, &mut ten, code_of_two)
            }
        };
        (self.eight, self.ten) = (eight, ten);
        result
    }

    /// The same with chroma. Chroma of a window larger by a sample on all sides is the same within
    /// the square as that of the whole picture.
    #[expect(clippy::too_many_arguments, reason = "one call, two sample types")]
    fn colours_of<T: Sample, const N: usize>(
        &mut self,
        reader: &ClipReader,
        frame: usize,
        square: Square,
        planes: PlaneSet,
        matrix: u8,
        windows: &mut [Vec<T>; 3],
        code: impl Fn(&[u8; N]) -> T + Copy,
    ) -> Result<()> {
        let format = reader.format();
        let around = |start: usize, length: usize| {
            let end = (start + square.side + 2).next_multiple_of(2).min(length);
            (start & !1).saturating_sub(2)..end
        };
        let columns = around(square.x, format.width);
        let rows = around(square.y, format.height);
        let (shift_x, shift_y) = format.chroma.shift();
        for (plane, window) in windows.iter_mut().enumerate() {
            let part = |range: &std::ops::Range<usize>, shift: u32| {
                let shift = if plane == 0 { 0 } else { shift };
                range.start >> shift..range.end.div_ceil(1 << shift)
            };
            reader.band(frame, plane, part(&rows, shift_y), &mut self.bytes)?;
            window.clear();
            let (width, _) = format.plane_size(plane);
            columns_of(&self.bytes, width, part(&columns, shift_x), code)
                .for_each(|row| window.extend(row));
        }
        let view = |plane: usize| {
            let narrow = |range: &std::ops::Range<usize>, shift: u32| {
                let shift = if plane == 0 { 0 } else { shift };
                range.end.div_ceil(1 << shift) - (range.start >> shift)
            };
            let (width, height) = (narrow(&columns, shift_x), narrow(&rows, shift_y));
            View {
                data: &windows[plane],
                width,
                height,
                stride: width,
            }
        };
        let size = (columns.len(), rows.len());
        let corner = (square.x - columns.start, square.y - rows.start);
        let inside = |index: usize| (index + corner.1) * size.0 + corner.0;
        let colour = reader.colour();
        if planes == PlaneSet::Rgb {
            self.bits = BitDepth::Eight.bits();
            let colour = Colour {
                matrix: if colour.matrix == UNSPECIFIED {
                    matrix
                } else {
                    colour.matrix
                },
                ..colour
            };
            self.rgb.clear();
            let views = [0, 1, 2].map(view);
            self.colours
                .picture(views, format.chroma, colour, &mut self.rgb);
            for (colour, plane) in self.planes.iter_mut().enumerate() {
                plane.clear();
                for row in 0..square.side {
                    let pixels = self.rgb[3 * inside(row)..].chunks_exact(3);
                    let codes = pixels.map(|pixel| u16::from(pixel[colour]));
                    plane.extend(codes.take(square.side));
                }
            }
            return Ok(());
        }
        for (plane, target) in self.planes.iter_mut().enumerate() {
            self.whole.clear();
            if plane == 0 {
                let codes = windows[0].iter().map(|code| {
                    let code: i32 = (*code).into();
                    code as u16
                });
                self.whole.extend(codes);
            } else {
                let (chroma, location) = (format.chroma, colour.location);
                self.colours
                    .chroma(view(plane), chroma, location, size, &mut self.whole);
            }
            target.clear();
            for row in 0..square.side {
                target.extend_from_slice(&self.whole[inside(row)..][..square.side]);
            }
        }
        Ok(())
    }

    /// Puts a guess over what was cut out of a picture's luma.
    fn guess(&mut self, guess: &Guess, number: usize, square: Square) {
        let rows = self.planes[0].chunks_exact_mut(square.side);
        for (row, target) in (square.y..).zip(rows) {
            if let Some(line) = guess.row(number, row) {
                target.copy_from_slice(&line[square.x..][..square.side]);
            }
        }
    }

    /// Puts the planes, turned, to place `at` of a batch, in the bits of the batch.
    fn put(&self, side: usize, turn: u8, at: usize, samples: &mut Samples) {
        let area = side * side;
        for (plane, codes) in self.planes.iter().take(self.count).enumerate() {
            let start = (at * self.count + plane) * area;
            match samples {
                Samples::Eight(samples) => {
                    let (shift, half) = if self.bits > 8 { (2, 2) } else { (0, 0) };
                    let narrow = |code: u16| ((code + half) >> shift).min(255) as u8;
                    turned(codes, side, turn, &mut samples[start..][..area], narrow);
                }
                Samples::Ten(samples) => {
                    let shift = 10 - self.bits;
                    let fill = |code: u16| code << shift;
                    turned(codes, side, turn, &mut samples[start..][..area], fill);
                }
            }
        }
    }

    /// Whether there is next to nothing in the square that was cut last.
    fn is_flat(&self) -> bool {
        // Green is most of what luma is.
        let codes = &self.planes[usize::from(self.colourful)];
        let sum: u64 = codes
            .chunks_exact(self.side)
            .flat_map(|row| row.windows(2))
            .map(|pair| u64::from(pair[0].abs_diff(pair[1])))
            .sum();
        sum < (FLAT << (self.bits - 8)) * codes.len() as u64
    }
}

pub(super) fn code_of_two(code: &[u8; 2]) -> u16 {
    // A damaged file must not give samples that no picture has.
    u16::from_le_bytes(*code) & 0x3ff
}

/// Some columns of rows of samples of `N` bytes.
pub(super) fn columns_of<T, const N: usize>(
    bytes: &[u8],
    width: usize,
    columns: std::ops::Range<usize>,
    code: impl Fn(&[u8; N]) -> T + Copy,
) -> impl Iterator<Item = impl Iterator<Item = T>> {
    bytes.chunks_exact(width * N).map(move |row| {
        let (samples, _) = row[columns.start * N..columns.end * N].as_chunks::<N>();
        samples.iter().map(code)
    })
}

/// A square as it was turned, each sample through `code`.
fn turned<T>(
    source: &[u16],
    side: usize,
    turn: u8,
    target: &mut [T],
    code: impl Fn(u16) -> T + Copy,
) {
    let rows = target.chunks_exact_mut(side).enumerate();
    for (row, target) in rows {
        let flip = |flag: u8, index: usize| {
            if turn & flag == 0 {
                index
            } else {
                side - 1 - index
            }
        };
        if turn & 4 == 0 {
            let source = &source[flip(2, row) * side..][..side];
            if turn & 1 == 0 {
                let pairs = target.iter_mut().zip(source);
                pairs.for_each(|(target, source)| *target = code(*source));
            } else {
                let pairs = target.iter_mut().zip(source.iter().rev());
                pairs.for_each(|(target, source)| *target = code(*source));
            }
        } else {
            let column = flip(1, row);
            for (index, target) in target.iter_mut().enumerate() {
                *target = code(source[flip(2, index) * side + column]);
            }
        }
    }
}

/// What the mask says of each sample of a square, turned with it.
fn put_mask(damage: Option<&LossMask>, square: Square, turn: u8, target: &mut [u8]) {
    let Some(damage) = damage else {
        target.fill(0);
        return;
    };
    let flip = |flag: u8, index: usize| {
        if turn & flag == 0 {
            index
        } else {
            square.side - 1 - index
        }
    };
    for (row, target) in target.chunks_exact_mut(square.side).enumerate() {
        for (index, target) in target.iter_mut().enumerate() {
            let (x, y) = if turn & 4 == 0 {
                (flip(1, index), flip(2, row))
            } else {
                (flip(1, row), flip(2, index))
            };
            let block = |start: usize, offset: usize| (start + offset) / MACROBLOCK;
            *target = u8::from(damage.is_lost(block(square.x, x), block(square.y, y)));
        }
    }
}
