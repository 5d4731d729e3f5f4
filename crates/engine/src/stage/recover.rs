//! Pictures mended where the network damaged them.

use std::collections::VecDeque;

use nervure_frame::{Chroma, Frame, LossMask, PictureFormat, Plane, Planes, Sample};
use nervure_kernels::motion::Moves;

use super::ready::{Ready, expect};
use super::{Pull, Stage};
use crate::float::Level;
use crate::{Error, Fitted, FloatModel};

/// Mends frames whose mask says that something of them was lost; others pass as they are.
///
/// What was lost is guessed from how things move, luma and chroma alike, from the damaged picture and those
/// that this stage gave out before it: what was mended once helps to mend the next. A network may go on
/// from there with luma. The mask stays with the frame, for those who want to know.
pub struct Recover {
    source: PictureFormat,
    network: Option<Fitted>,
    /// As many as are looked at: the newest last.
    before: VecDeque<Planes>,
    /// Begins afresh every so many pictures.
    restart: Option<u64>,
    taken: u64,
    ready: Ready,
}

/// Pictures that motion is looked for in, without a network.
const LOOKED_AT: usize = 3;

impl Recover {
    /// A stage that takes and gives frames of `source`, and mends by motion alone.
    pub fn by_motion(source: PictureFormat) -> Self {
        Recover {
            source,
            network: None,
            before: VecDeque::new(),
            restart: None,
            taken: 0,
            ready: Ready::default(),
        }
    }

    /// The same with a network for luma, on as many threads.
    pub fn new(source: PictureFormat, model: &FloatModel, threads: usize) -> Result<Self, Error> {
        if !model.mends() {
            return Err(Error::Model {
                name: model.card().name.clone(),
                reason: "it makes pictures larger and does not mend them".into(),
            });
        }
        Ok(Recover {
            network: Some(model.fit(source.width, source.height, threads)?),
            ..Recover::by_motion(source)
        })
    }

    /// Forgets what it saw every so many pictures. Then what comes out from there on does not depend on
    /// what came before, and a job that is continued there gives what an unbroken one gives.
    pub fn restarting_every(mut self, pictures: u64) -> Self {
        self.restart = (pictures > 0).then_some(pictures);
        self
    }

    /// How many pictures before a damaged one are looked at.
    fn looked_at(&self) -> usize {
        let network = self.network.as_ref();
        network.map_or(LOOKED_AT, |fitted| fitted.model().target())
    }

    /// Fills what was lost.
    fn mend(&self, frame: &mut Frame, lost: &LossMask) {
        let chroma = self.source.chroma;
        let network = self.network.as_ref();
        match &mut frame.planes {
            Planes::Eight(planes) => {
                let before: Vec<_> = self.before.iter().filter_map(Planes::eight).collect();
                mend(&before, planes, lost, chroma, network);
            }
            Planes::Ten(planes) => {
                let before: Vec<_> = self.before.iter().filter_map(Planes::ten).collect();
                mend(&before, planes, lost, chroma, network);
            }
        }
    }

    /// Keeps a frame for those that follow, in the memory of the oldest.
    fn keep(&mut self, frame: &Frame) {
        if self.before.len() < self.looked_at() {
            self.before.push_back(frame.planes.clone());
            return;
        }
        if let Some(mut oldest) = self.before.pop_front() {
            match (&mut oldest, &frame.planes) {
                (Planes::Eight(to), Planes::Eight(from)) => copy(from, to),
                (Planes::Ten(to), Planes::Ten(from)) => copy(from, to),
                _ => unreachable!("all frames have the same depth"),
            }
            self.before.push_back(oldest);
        }
    }
}

fn copy<T: Sample>(from: &[Plane<T>; 3], to: &mut [Plane<T>; 3]) {
    for (from, to) in from.iter().zip(to) {
        to.copy_from(from);
    }
}

/// Fills what was lost of a frame from how things move, given those shown before it, in their order, and
/// those shown after it, the nearest last; both evenly spaced. What [`Recover`] does to frames that come by,
/// for those who know more of what is around.
///
/// Frames of other formats than the damaged one are no help, and without any that is, it stays as the decoder
/// left it.
pub fn mend_by_motion(before: &[Frame], after: &[Frame], frame: &mut Frame, lost: &LossMask) {
    let format = frame.format();
    let alike = |frames: &'_ [Frame]| frames.iter().all(|other| other.format() == format);
    let [before, after] = [before, after].map(|frames| if alike(frames) { frames } else { &[] });
    let away = |frames: &[Frame]| {
        let nearest = frames.last()?.pts;
        let ticks = nearest
            .ticks
            .abs_diff(frame.pts.rescale(nearest.base).ticks);
        Some(ticks.max(1))
    };
    let away = away(before).zip(away(after));
    match &mut frame.planes {
        Planes::Eight(planes) => {
            let sides = [before, after].map(|side| eight(side));
            from_both(&sides, away, planes, lost, format.chroma);
        }
        Planes::Ten(planes) => {
            let sides = [before, after].map(|side| ten(side));
            from_both(&sides, away, planes, lost, format.chroma);
        }
    }
}

fn eight(frames: &[Frame]) -> Vec<&[Plane<u8>; 3]> {
    frames.iter().filter_map(|it| it.planes.eight()).collect()
}

fn ten(frames: &[Frame]) -> Vec<&[Plane<u16>; 3]> {
    frames.iter().filter_map(|it| it.planes.ten()).collect()
}

/// From both sides: the mean of what each makes of it, the nearer weighing more.
fn from_both<T: Level>(
    [before, after]: &[Vec<&[Plane<T>; 3]>; 2],
    away: Option<(u64, u64)>,
    planes: &mut [Plane<T>; 3],
    lost: &LossMask,
    chroma: Chroma,
) {
    if after.is_empty() {
        mend(before, planes, lost, chroma, None);
        return;
    }
    let mut other = planes.clone();
    let forward = mend(before, planes, lost, chroma, None);
    let backward = mend(after, &mut other, lost, chroma, None);
    match (forward, backward, away) {
        (false, true, _) => *planes = other,
        (true, true, Some((past, future))) => {
            // In 256ths.
            let weight =
                (256 * u128::from(future) / (u128::from(past) + u128::from(future))) as i32;
            for (plane, other) in planes.iter_mut().zip(&other) {
                for (row, other) in plane.rows_mut().zip(other.rows()) {
                    for (sample, other) in row.iter_mut().zip(other) {
                        let (one, two): (i32, i32) = ((*sample).into(), (*other).into());
                        *sample = T::of_code((weight * one + (256 - weight) * two + 128) >> 8);
                    }
                }
            }
        }
        _ => {}
    }
}

/// Whether there was anything to mend it from.
fn mend<T: Level>(
    before: &[&[Plane<T>; 3]],
    planes: &mut [Plane<T>; 3],
    lost: &LossMask,
    chroma: Chroma,
    network: Option<&Fitted>,
) -> bool {
    // Nothing to guess from: what the decoder put there stays.
    if before.is_empty() {
        return false;
    }
    let plane = |number: usize| before.iter().map(|planes| &planes[number]).collect();
    let [luma, u, v]: [Vec<&Plane<T>>; 3] = [0, 1, 2].map(plane);
    let Some(moves) = Moves::find(&luma, &planes[0], lost) else {
        return false;
    };
    let (across, down) = chroma.shift();
    let shrunk = (1 << across, 1 << down);
    moves.mend(&u, &mut planes[1], shrunk);
    moves.mend(&v, &mut planes[2], shrunk);
    match network {
        Some(fitted) => with_network(fitted, &luma, lost, &mut planes[0]),
        None => moves.mend(&luma, &mut planes[0], (1, 1)),
    }
    true
}

/// Where there are too few frames before, the first stands in for those that are missing.
fn with_network<T: Level>(
    fitted: &Fitted,
    before: &[&Plane<T>],
    lost: &LossMask,
    luma: &mut Plane<T>,
) {
    let damaged = luma.clone();
    let mut window = vec![before[0]; fitted.model().target() - before.len()];
    window.extend(before);
    window.push(&damaged);
    fitted.make(&window, Some(lost), luma);
}

impl Stage for Recover {
    fn output(&self, input: PictureFormat) -> PictureFormat {
        input
    }

    fn push(&mut self, mut frame: Frame) -> Result<(), Error> {
        expect(self.source, &frame)?;
        if self
            .restart
            .is_some_and(|every| self.taken.is_multiple_of(every))
        {
            self.before.clear();
        }
        self.taken += 1;
        if let Some(lost) = frame.damage.take() {
            if lost.count() > 0 {
                self.mend(&mut frame, &lost);
            }
            frame.damage = Some(lost);
        }
        self.keep(&frame);
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
    use nervure_frame::{BitDepth, TimeBase, Timestamp};

    use super::*;

    const LOST: u8 = 99;

    /// A pattern that moves by 2 columns and 4 rows a picture, the same in all planes but for their size.
    fn moving(format: PictureFormat, number: usize) -> Frame {
        let planes = [0, 1, 2].map(|plane| {
            let (width, height) = format.plane_size(plane);
            let (across, down) = match plane {
                0 => (1, 1),
                _ => (format.width.div_ceil(width), format.height.div_ceil(height)),
            };
            let mut samples = Plane::<u8>::new(width, height);
            for (y, row) in samples.rows_mut().enumerate() {
                for (x, sample) in row.iter_mut().enumerate() {
                    let x = (x * across + 200 - 2 * number) as f64;
                    let y = (y * down + 200 - 4 * number) as f64;
                    let wave = (x / 7.3).sin() + (y / 5.1).cos() + (x / 23.0 + y / 31.0).sin();
                    *sample = (128.0 + 36.0 * wave) as u8;
                }
            }
            samples
        });
        let pts = Timestamp::new(number as i64, TimeBase::new(1, 25));
        Frame::from_planes(format.chroma, Planes::Eight(planes), pts)
    }

    /// The same without two rows of macroblocks, as a decoder may leave it.
    fn damaged(format: PictureFormat, number: usize) -> Frame {
        let mut frame = moving(format, number);
        let mut lost = LossMask::whole(format.width, format.height);
        for row in 2..4 {
            (0..lost.columns()).for_each(|column| lost.set(column, row, true));
        }
        let (_, down) = format.chroma.shift();
        if let Planes::Eight(planes) = &mut frame.planes {
            for (plane, samples) in planes.iter_mut().enumerate() {
                let down = if plane == 0 { 0 } else { down };
                for row in 32 >> down..64 >> down {
                    samples.row_mut(row).fill(LOST);
                }
            }
        }
        frame.damage = Some(lost);
        frame
    }

    fn through(stage: &mut Recover, frame: &Frame) -> Frame {
        stage.push(frame.clone()).unwrap();
        match stage.pull() {
            Ok(Pull::Frame(frame)) => frame,
            _ => panic!("each comes out at once"),
        }
    }

    #[test]
    fn motion_mends_all_planes() {
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
            let format = PictureFormat::new(96, 96, chroma, BitDepth::Eight);
            let mut stage = Recover::by_motion(format);
            (0..3).for_each(|number| assert_whole(&mut stage, format, number));
            let given = damaged(format, 3);
            let found = through(&mut stage, &given);
            assert_eq!(found.damage, given.damage);
            let truth = moving(format, 3);
            let planes = [&found, &given, &truth].map(|frame| frame.planes.eight().unwrap());
            for plane in 0..3 {
                let [found, given, truth] = planes.map(|planes| &planes[plane]);
                let wide = 20 * truth.width() / 96;
                for (row, samples) in found.rows().enumerate() {
                    if given.row(row) == truth.row(row) {
                        assert_eq!(samples, truth.row(row), "what is there stays");
                        continue;
                    }
                    let inner = wide..truth.width() - wide;
                    let pairs = samples[inner.clone()].iter().zip(&truth.row(row)[inner]);
                    for (found, truth) in pairs {
                        let mean = (6.0 * f64::from(*truth) + f64::from(LOST)) / 7.0;
                        let apart = (f64::from(*found) - mean).abs();
                        assert!(apart < 4.0, "{chroma:?} {plane}: row {row}: {apart}");
                    }
                }
            }
        }
    }

    #[test]
    fn both_sides_know_more_than_one() {
        let format = PictureFormat::new(96, 96, Chroma::C420, BitDepth::Eight);
        let before = [0, 2, 4].map(|number| moving(format, number));
        // The nearest last.
        let after = [12, 8].map(|number| moving(format, number));
        let error = |before: &[Frame], after: &[Frame]| {
            let mut frame = damaged(format, 6);
            let lost = frame.damage.take().unwrap();
            mend_by_motion(before, after, &mut frame, &lost);
            let (found, truth) = (frame.planes.eight().unwrap().clone(), moving(format, 6));
            let pairs = found.iter().zip(truth.planes.eight().unwrap());
            let samples = pairs.flat_map(|(a, b)| a.rows().flatten().zip(b.rows().flatten()));
            let squares = samples.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2));
            squares.sum::<u64>()
        };
        let nothing = error(&[], &[]);
        let (past, future) = (error(&before, &[]), error(&[], &after));
        assert!(
            past * 10 < nothing && future * 3 < nothing,
            "{past}, {future} of {nothing}"
        );
        assert!(error(&before, &after) < past.max(future));
        // Others are no help.
        let other = moving(PictureFormat::new(64, 96, Chroma::C420, BitDepth::Eight), 3);
        assert_eq!(error(&[other], &[]), nothing);
    }

    fn assert_whole(stage: &mut Recover, format: PictureFormat, number: usize) {
        let frame = moving(format, number);
        assert_eq!(through(stage, &frame).planes, frame.planes);
    }

    #[test]
    fn nothing_is_made_of_nothing_nor_of_another_scene() {
        let format = PictureFormat::new(96, 96, Chroma::C420, BitDepth::Eight);
        let mut stage = Recover::by_motion(format).restarting_every(2);
        let first = damaged(format, 0);
        assert_eq!(through(&mut stage, &first).planes, first.planes);
        assert_ne!(
            through(&mut stage, &damaged(format, 1)).planes,
            damaged(format, 1).planes
        );
        let third = damaged(format, 2);
        assert_eq!(
            through(&mut stage, &third).planes,
            third.planes,
            "begun afresh"
        );

        let mut stage = Recover::by_motion(format);
        let mut black = moving(format, 0);
        if let Planes::Eight(planes) = &mut black.planes {
            planes[0].fill(16);
        }
        through(&mut stage, &black);
        let cut = damaged(format, 1);
        assert_eq!(
            through(&mut stage, &cut).planes,
            cut.planes,
            "another scene"
        );
        let next = damaged(format, 2);
        assert_ne!(through(&mut stage, &next).planes, next.planes);
    }
}
