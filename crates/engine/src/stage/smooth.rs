//! Pictures kept from flickering.

use std::ops::RangeInclusive;

use nervure_frame::{BitDepth, Colour, Frame, PictureFormat, Plane, Planes, Sample};
use nervure_kernels::smooth::{BLOCK, Band, Pixel, Smoother, TOLERANCE};
use rayon::prelude::*;

use super::ready::{Ready, expect};
use crate::workers::{Job, Workers};
use crate::{Error, Pull, Stage};

/// Lets still parts of the picture follow a running average, so that an encoder's changes of mind
/// do not show; what moves passes. See [`nervure_kernels::smooth`] for what is still.
///
/// Pictures count, not seconds: rates may vary. A scene cut, a change of colour and, where that is
/// asked for, every so many pictures begin afresh.
pub struct Smooth {
    format: PictureFormat,
    /// Away while the workers have it.
    past: Option<Box<Past>>,
    restart: Option<u64>,
    workers: Option<Workers<Smoothing>>,
    ready: Ready,
}

/// What is known of the pictures so far.
struct Past {
    smoother: Smoother,
    /// What was shown last.
    shown: Planes,
    average: [Plane<u16>; 3],
    cuts: Cuts,
    tolerance: Tolerance,
    colour: Colour,
    /// Pictures taken.
    taken: u64,
    threads: usize,
}

/// A picture that is being smoothed.
struct Smoothing {
    frame: Frame,
    begins: bool,
    past: Box<Past>,
}

impl Smooth {
    /// A stage for frames of one format, where a new picture weighs `alpha` in the average.
    pub fn new(format: PictureFormat, alpha: f32, threads: usize) -> Result<Self, Error> {
        if !(alpha > 0.0 && alpha <= 1.0) {
            return Err(Error::Weight(alpha));
        }
        let past = Past {
            smoother: Smoother::new(alpha),
            shown: match format.depth {
                BitDepth::Eight => Planes::Eight(planes(format)),
                BitDepth::Ten => Planes::Ten(planes(format)),
            },
            average: planes(format),
            cuts: Cuts::default(),
            tolerance: Tolerance::default(),
            colour: Colour::UNSPECIFIED,
            taken: 0,
            threads: threads.max(1),
        };
        Ok(Smooth {
            format,
            past: Some(Box::new(past)),
            restart: None,
            workers: match threads {
                0 | 1 => None,
                threads => Some(Workers::new("smooth", threads)?),
            },
            ready: Ready::default(),
        })
    }

    /// Begins afresh every so many pictures. Then what comes out from there on does not depend on
    /// what came before, and a job that is continued there gives what an unbroken one gives.
    pub fn restarting_every(mut self, pictures: u64) -> Self {
        self.restart = (pictures > 0).then_some(pictures);
        self
    }

    fn smooth(&mut self, frame: Frame) -> Result<Frame, Error> {
        let lost = || Error::Threads("this stage has failed before".into());
        let mut past = self.past.take().ok_or_else(lost)?;
        let due = |every: u64| past.taken.is_multiple_of(every);
        let begins =
            past.taken == 0 || self.restart.is_some_and(due) || frame.colour != past.colour;
        past.taken += 1;
        past.colour = frame.colour;
        let mut job = Smoothing {
            frame,
            begins,
            past,
        };
        match &self.workers {
            Some(workers) => job = workers.run(job)?,
            None => job.run(),
        }
        self.past = Some(job.past);
        Ok(job.frame)
    }
}

impl Job for Smoothing {
    fn run(&mut self) {
        let Past {
            smoother,
            shown,
            average,
            cuts,
            tolerance,
            threads,
            ..
        } = &mut *self.past;
        let step = self.frame.step;
        match (&mut self.frame.planes, shown) {
            (Planes::Eight(new), Planes::Eight(shown)) => {
                let begins = cuts.see(self.begins, &new[0], &shown[0], 1);
                let how = (begins, tolerance.now(begins, step));
                let held = smooth(smoother, how, new, shown, average, *threads);
                tolerance.see(held, &new[0], 1);
            }
            (Planes::Ten(new), Planes::Ten(shown)) => {
                let begins = cuts.see(self.begins, &new[0], &shown[0], 4);
                let how = (begins, tolerance.now(begins, step));
                let held = smooth(smoother, how, new, shown, average, *threads);
                tolerance.see(held, &new[0], 4);
            }
            _ => unreachable!("frames of another format are refused"),
        }
    }
}

fn planes<T: Sample>(format: PictureFormat) -> [Plane<T>; 3] {
    std::array::from_fn(|plane| {
        let (width, height) = format.plane_size(plane);
        Plane::new(width, height)
    })
}

/// All planes, each in as many bands as there are threads: taken as they are where smoothing `begins`,
/// else with a tolerance. Gives how far luma is from what it was.
fn smooth<T: Pixel>(
    smoother: &Smoother,
    (begins, tolerance): (bool, u32),
    new: &mut [Plane<T>; 3],
    shown: &mut [Plane<T>; 3],
    average: &mut [Plane<u16>; 3],
    threads: usize,
) -> u64 {
    let run = |mut band: Band<'_, T>| match begins {
        true => {
            smoother.begin(&mut band);
            0
        }
        false => smoother.run(&mut band, tolerance),
    };
    let each = |new: &mut Plane<T>, shown: &mut Plane<T>, average: &mut Plane<u16>| -> u64 {
        let (width, height) = (new.width(), new.height());
        let (stride, average_stride) = (new.stride(), average.stride());
        let rows = height.div_ceil(threads).next_multiple_of(BLOCK);
        let band = |number: usize, samples, shown, average| Band {
            size: (width, rows.min(height - number * rows)),
            samples,
            shown,
            stride,
            average,
            average_stride,
        };
        let (new, shown, average) = (new.data_mut(), shown.data_mut(), average.data_mut());
        if threads == 1 {
            return run(band(0, new, shown, average));
        }
        let bands = new.par_chunks_mut(rows * stride);
        let bands = bands.zip(shown.par_chunks_mut(rows * stride));
        let bands = bands.zip(average.par_chunks_mut(rows * average_stride));
        let each = |(number, ((new, shown), average))| run(band(number, new, shown, average));
        bands.enumerate().map(each).sum()
    };
    let planes = new.iter_mut().zip(shown).zip(average);
    let mut held = planes.map(|((new, shown), average)| each(new, shown, average));
    let luma = held.next().unwrap_or_default();
    held.for_each(drop);
    luma
}

/// How much blocks may differ and be still, found as pictures come: so much that what is held back
/// in all stays small. Where little moves, much is still without harm; slow water and fur look still
/// to any rule that is generous, and only few of their changes may be kept back.
///
/// How much is small depends on how far pictures are from their originals anyway, which goes with the step
/// that they are coded in.
#[derive(Debug)]
struct Tolerance {
    /// In parts of [`TOLERANCE`].
    now: u32,
    /// So far may luma be from what it was, in the mean: in 1024ths of an 8-bit code.
    budget: u64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Tolerance {
            now: TOLERANCE,
            budget: HELD,
        }
    }
}

/// Between a quarter of an 8-bit code and three.
const TOLERANCES: RangeInclusive<u32> = TOLERANCE / 4..=3 * TOLERANCE;
/// It grows by so much at a time, and shrinks by an eighth.
const STEP: u32 = TOLERANCE / 8;
/// The budget where nothing is known of how pictures are coded.
const HELD: u64 = 96;
/// The budget for a step of one code; it goes with the root of the step. At 13 codes, which is usual at CRF
/// 23 of x264, it is [`HELD`].
const HELD_OF_A_STEP: f32 = 26.3;
/// Whatever the step.
const BUDGETS: RangeInclusive<u64> = HELD / 4..=3 * HELD;

impl Tolerance {
    /// For the next picture, coded in steps of so much, where smoothing goes on or `begins`.
    fn now(&mut self, begins: bool, step: Option<f32>) -> u32 {
        let budget = step.map_or(HELD, |step| {
            let root = step.max(0.0).sqrt();
            ((HELD_OF_A_STEP * root) as u64).clamp(*BUDGETS.start(), *BUDGETS.end())
        });
        if begins {
            *self = Tolerance {
                budget,
                ..Tolerance::default()
            };
        }
        // Pictures that others are predicted from are coded finer than those between.
        self.budget = (7 * self.budget + budget).div_ceil(8);
        self.now
    }

    /// Learns how far luma's samples are in all from what they were. `unit` is an 8-bit code in codes of
    /// this depth.
    fn see<T: Sample>(&mut self, held: u64, luma: &Plane<T>, unit: usize) {
        let each_by_one = (luma.width() * luma.height() * unit) as u64;
        let next = match held * 1024 > self.budget * each_by_one {
            true => self.now - self.now / 8,
            false => self.now + STEP,
        };
        self.now = next.clamp(*TOLERANCES.start(), *TOLERANCES.end());
    }
}

/// Finds scene cuts: pictures that differ from the last by much, and by much more than pictures
/// did before.
#[derive(Debug, Default)]
struct Cuts {
    /// How far pictures differed lately, in 64ths of an 8-bit code.
    level: u64,
}

/// One row in so many is looked at.
const ROWS: usize = 8;
/// A cut changes luma by so many 8-bit codes at least, in the mean.
const LEAST: u64 = 12;
/// A cut changes luma by so many times what is usual.
const TIMES: u64 = 3;

impl Cuts {
    /// Whether smoothing begins with this picture: because it `begins` anyway, or with a scene.
    /// `unit` is an 8-bit code in codes of this depth.
    fn see<T: Pixel>(&mut self, begins: bool, new: &Plane<T>, shown: &Plane<T>, unit: u64) -> bool {
        if begins {
            self.level = 0;
            return true;
        }
        let (mut sum, mut count) = (0, 0);
        for (new, shown) in new.rows().zip(shown.rows()).skip(ROWS / 2).step_by(ROWS) {
            let difference = |(&new, &shown): (&T, &T)| -> u32 {
                let (new, shown): (i32, i32) = (new.into(), shown.into());
                new.abs_diff(shown)
            };
            sum += new
                .iter()
                .zip(shown)
                .map(difference)
                .map(u64::from)
                .sum::<u64>();
            count += new.len() as u64;
        }
        let difference = sum * 64 / (count.max(1) * unit);
        if difference > LEAST * 64 && difference > TIMES * self.level {
            self.level = 0;
            return true;
        }
        self.level = (3 * self.level + difference) / 4;
        false
    }
}

impl Stage for Smooth {
    fn output(&self, input: PictureFormat) -> PictureFormat {
        input
    }

    fn push(&mut self, frame: Frame) -> Result<(), Error> {
        expect(self.format, &frame)?;
        let frame = self.smooth(frame)?;
        self.ready.put(frame);
        Ok(())
    }

    fn pull(&mut self) -> Result<Pull, Error> {
        Ok(self.ready.pull())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.ready.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use nervure_frame::{Chroma, LossMask, TimeBase, Timestamp};

    use super::*;

    const FORMAT: PictureFormat = PictureFormat {
        width: 75,
        height: 53,
        chroma: Chroma::C420,
        depth: BitDepth::Eight,
    };

    /// Waves, a code up or down here and there, and a bright square that goes to the right.
    fn picture(format: PictureFormat, number: usize, scene: usize) -> Frame {
        let base = TimeBase::new(1, 25);
        let mut frame = Frame::new(format, Timestamp::new(number as i64, base));
        let mut seed = number as u32 + 1;
        let mut sample = |plane: usize, x: usize, y: usize| -> usize {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = [0, 1, 1, 1, 1, 1, 1, 2][(seed >> 24) as usize % 8];
            let square = x / 16 == number / 2 && y / 16 == 1 && plane == 0;
            40 + 50 * scene + x % 30 + y / 2 + noise + 90 * usize::from(square)
        };
        match &mut frame.planes {
            Planes::Eight(planes) => fill(planes, |plane, x, y| sample(plane, x, y) as u8),
            Planes::Ten(planes) => fill(planes, |plane, x, y| 4 * sample(plane, x, y) as u16),
        }
        frame
    }

    fn fill<T: Sample>(
        planes: &mut [Plane<T>; 3],
        mut sample: impl FnMut(usize, usize, usize) -> T,
    ) {
        for (plane, samples) in planes.iter_mut().enumerate() {
            for (y, row) in samples.rows_mut().enumerate() {
                for (x, out) in row.iter_mut().enumerate() {
                    *out = sample(plane, x, y);
                }
            }
        }
    }

    fn through(stage: &mut Smooth, frame: Frame) -> Frame {
        stage.push(frame).unwrap();
        match stage.pull().unwrap() {
            Pull::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    fn luma(frame: &Frame) -> Vec<u8> {
        let plane = &frame.planes.eight().unwrap()[0];
        plane.rows().flatten().copied().collect()
    }

    /// How far samples of luma that are still differ from picture to picture.
    fn flicker(frames: &[Frame]) -> u64 {
        let rows = 0..16 * FORMAT.width;
        let pairs = frames
            .windows(2)
            .map(|pair| (luma(&pair[0]), luma(&pair[1])));
        pairs
            .map(|(one, two)| -> u64 {
                let both = one[rows.clone()].iter().zip(&two[rows.clone()]);
                both.map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
            })
            .sum()
    }

    #[test]
    fn flicker_goes_and_no_sample_is_far_from_its_own() {
        let mut stage = Smooth::new(FORMAT, 0.7, 1).unwrap();
        let given: Vec<_> = (0..12).map(|at| picture(FORMAT, at, 0)).collect();
        let out: Vec<_> = given
            .iter()
            .map(|frame| through(&mut stage, frame.clone()))
            .collect();
        assert_eq!(out[0].planes, given[0].planes);
        assert!(
            flicker(&out) * 3 < flicker(&given),
            "{} of {}",
            flicker(&out),
            flicker(&given)
        );
        // The square leaves nothing behind.
        for (out, given) in out.iter().zip(&given) {
            let (out, given) = (luma(out), luma(given));
            let furthest = out.iter().zip(&given).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(furthest.unwrap() <= 2, "{furthest:?}");
        }
    }

    #[test]
    fn threads_do_not_change_the_picture() {
        for (chroma, depth) in [
            (Chroma::C420, BitDepth::Eight),
            (Chroma::C422, BitDepth::Ten),
        ] {
            let format = PictureFormat {
                chroma,
                depth,
                ..FORMAT
            };
            let all = |threads| {
                let mut stage = Smooth::new(format, 0.7, threads).unwrap();
                let frames = (0..6).map(|at| through(&mut stage, picture(format, at, at / 4)));
                frames.map(|frame| frame.planes).collect::<Vec<_>>()
            };
            let one = all(1);
            for threads in [2, 3, 8] {
                assert!(all(threads) == one, "{threads} threads");
            }
        }
    }

    #[test]
    fn a_cut_and_a_change_of_colour_begin_afresh() {
        let mut stage = Smooth::new(FORMAT, 0.7, 2).unwrap();
        for at in 0..4 {
            through(&mut stage, picture(FORMAT, at, 0));
        }
        let next = picture(FORMAT, 4, 0);
        assert_ne!(through(&mut stage, next.clone()).planes, next.planes);
        // Some codes up and down were no cut, and every sample of another scene is new.
        let other = picture(FORMAT, 5, 1);
        assert_eq!(through(&mut stage, other.clone()).planes, other.planes);
        let past = stage.past.as_ref().unwrap();
        assert_eq!(past.cuts.level, 0, "a cut was seen");
        let mut told = picture(FORMAT, 6, 1);
        told.colour = Colour::BT709;
        assert_eq!(through(&mut stage, told.clone()).planes, told.planes);
    }

    #[test]
    fn what_comes_after_a_restart_is_what_comes_of_a_new_stage() {
        let stage = |skipped: usize| {
            let mut stage = Smooth::new(FORMAT, 0.7, 1).unwrap().restarting_every(4);
            let frames = (skipped..11).map(|at| through(&mut stage, picture(FORMAT, at, 0)));
            frames.map(|frame| frame.planes).collect::<Vec<_>>()
        };
        let all = stage(0);
        assert!(all[4..] == stage(4));
        assert!(all[8..] == stage(8));
        assert!(all[6..] != stage(6), "not anywhere");
    }

    #[test]
    fn time_colour_and_damage_stay_with_the_picture() {
        let mut stage = Smooth::new(FORMAT, 0.7, 1).unwrap();
        let mut frame = picture(FORMAT, 3, 0);
        frame.duration = Some(2);
        frame.step = Some(9.0);
        frame.damage = Some(LossMask::whole(FORMAT.width, FORMAT.height));
        let out = through(&mut stage, frame.clone());
        assert_eq!((out.pts, out.duration), (frame.pts, Some(2)));
        assert!(out.damage.is_some());
        assert_eq!(out.step, Some(9.0));
        assert!(matches!(stage.pull(), Ok(Pull::NeedMore)));
        stage.flush().unwrap();
        assert!(matches!(stage.pull(), Ok(Pull::End)));
    }

    #[test]
    fn tolerance_follows_what_is_held_and_stays_within_bounds() {
        let mut tolerance = Tolerance::default();
        let luma = Plane::<u8>::new(80, 80);
        let usual = HELD * 80 * 80 / 1024;
        tolerance.see(usual, &luma, 1);
        assert_eq!(tolerance.now(false, None), TOLERANCE + STEP);
        tolerance.see(4 * usual + 1, &luma, 4);
        assert_eq!(tolerance.now(false, None), 63);
        (0..50).for_each(|_| tolerance.see(0, &luma, 1));
        assert_eq!(tolerance.now(false, None), 3 * TOLERANCE);
        (0..50).for_each(|_| tolerance.see(6400, &luma, 1));
        assert_eq!(tolerance.now(false, None), TOLERANCE / 4);
        assert_eq!(tolerance.now(true, None), TOLERANCE);
    }

    #[test]
    fn what_is_coded_coarsely_may_be_held_back_by_more() {
        let budget = |step: f32| {
            let mut tolerance = Tolerance::default();
            tolerance.now(true, Some(step));
            tolerance.budget
        };
        assert_eq!((budget(13.4), budget(4.0 * 13.4)), (HELD, 2 * HELD));
        for (step, bound) in [
            (0.0, HELD / 4),
            (-1.0, HELD / 4),
            (f32::NAN, HELD / 4),
            (f32::INFINITY, 3 * HELD),
        ] {
            assert_eq!(budget(step), bound, "{step}");
        }
        // One picture of another step changes little, and many do.
        let mut tolerance = Tolerance::default();
        tolerance.now(true, Some(13.4));
        tolerance.now(false, Some(4.0 * 13.4));
        assert_eq!(tolerance.budget, HELD + HELD / 8);
        for _ in 0..80 {
            tolerance.now(false, Some(4.0 * 13.4));
        }
        assert_eq!(tolerance.budget, 2 * HELD);
    }

    #[test]
    fn nonsense_is_refused() {
        for alpha in [0.0, -1.0, 1.5, f32::NAN] {
            assert!(matches!(
                Smooth::new(FORMAT, alpha, 1),
                Err(Error::Weight(_))
            ));
        }
        let mut stage = Smooth::new(FORMAT, 0.7, 1).unwrap();
        let other = picture(FORMAT.with_size(64, 64), 0, 0);
        assert!(matches!(stage.push(other), Err(Error::Format { .. })));
    }
}
