//! Guesses at damaged pictures. They need whole pictures and take far longer than it takes to cut a patch,
//! so they are kept.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use nervure_dataset::ClipReader;
use nervure_frame::{BitDepth, LossMask, MACROBLOCK, Plane, Sample};
use nervure_kernels::motion::mended;

use super::patch::{code_of_two, columns_of};
use crate::Result;

/// Bytes of guesses that are kept. Of a picture only the rows are in which something is lost.
const MOST: usize = 256 << 20;

/// Guesses at luma of damaged pictures.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By a clip's file and the number of a frame.
    of: HashMap<(usize, usize), Arc<Guess>>,
    oldest: VecDeque<(usize, usize)>,
    bytes: usize,
}

/// Guesses at one picture, the best last.
#[derive(Debug)]
pub(super) struct Guess {
    /// Those in which something is lost, and all between.
    rows: Range<usize>,
    width: usize,
    planes: Vec<Vec<u16>>,
}

impl Guesses {
    /// Guesses at a frame from so many before it, or none when nothing of it is lost.
    pub(super) fn get(
        &self,
        file: usize,
        reader: &ClipReader,
        frame: usize,
        before: usize,
    ) -> Result<Option<Arc<Guess>>> {
        let Some(lost) = reader.damage(frame) else {
            return Ok(None);
        };
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guess) = kept().of.get(&(file, frame)) {
            return Ok(Some(Arc::clone(guess)));
        }
        // Not under the lock: the others go on meanwhile. Two may make the same; no harm.
        let made = match reader.format().depth {
            BitDepth::Eight => Guess::make(reader, frame, before, lost, |code: &[u8; 1]| code[0])?,
            BitDepth::Ten => Guess::make(reader, frame, before, lost, code_of_two)?,
        };
        let Some(guess) = made.map(Arc::new) else {
            return Ok(None);
        };
        let mut kept = kept();
        if kept.of.insert((file, frame), Arc::clone(&guess)).is_none() {
            kept.bytes += guess.bytes();
            kept.oldest.push_back((file, frame));
        }
        while kept.bytes > MOST
            && let Some(oldest) = kept.oldest.pop_front()
        {
            let bytes = kept.of.remove(&oldest).map_or(0, |guess| guess.bytes());
            kept.bytes -= bytes;
        }
        Ok(Some(guess))
    }
}

impl Guess {
    fn make<T: Sample, const N: usize>(
        reader: &ClipReader,
        frame: usize,
        before: usize,
        lost: &LossMask,
        code: impl Fn(&[u8; N]) -> T + Copy,
    ) -> Result<Option<Guess>> {
        let format = reader.format();
        let damaged =
            (0..lost.rows()).filter(|row| (0..lost.columns()).any(|at| lost.is_lost(at, *row)));
        let damaged: Vec<usize> = damaged.collect();
        let (Some(first), Some(last)) = (damaged.first(), damaged.last()) else {
            return Ok(None);
        };
        let rows = first * MACROBLOCK..((last + 1) * MACROBLOCK).min(format.height);
        let mut bytes = Vec::new();
        let mut whole = |frame: usize| -> Result<Plane<T>> {
            reader.band(frame, 0, 0..format.height, &mut bytes)?;
            let samples = columns_of(&bytes, format.width, 0..format.width, code);
            let samples: Vec<T> = samples.flatten().collect();
            Ok(Plane::from_samples(format.width, format.height, &samples))
        };
        let shown: Vec<Plane<T>> = (frame - before..frame)
            .map(&mut whole)
            .collect::<Result<_>>()?;
        let shown: Vec<&Plane<T>> = shown.iter().collect();
        let guesses = mended(&shown, &whole(frame)?, lost);
        let codes = |plane: &Plane<T>| {
            let samples = rows.clone().flat_map(|row| plane.row(row));
            let codes = samples.map(|sample| {
                let code: i32 = (*sample).into();
                code as u16
            });
            codes.collect()
        };
        Ok(Some(Guess {
            planes: guesses.iter().map(codes).collect(),
            width: format.width,
            rows,
        }))
    }

    fn bytes(&self) -> usize {
        2 * self.planes.iter().map(Vec::len).sum::<usize>()
    }

    /// A row of guess `number`; none where nothing is lost.
    pub(super) fn row(&self, number: usize, row: usize) -> Option<&[u16]> {
        let row = self.rows.contains(&row).then(|| row - self.rows.start)?;
        Some(&self.planes[number][row * self.width..][..self.width])
    }
}
