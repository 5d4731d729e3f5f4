//! Pictures made larger.

mod abreast;
mod changes;

use std::collections::VecDeque;
use std::sync::Arc;

use nervure_frame::{ChromaLocation, Frame, FramePool, PictureFormat, Plane, Planes};
use nervure_kernels::int8::{self, Code, MAX_FRAMES};
use nervure_kernels::resample::{Filter, Pixel, Resampler, Scratch};
use rayon::prelude::*;

use self::abreast::{Abreast, LANES};
use self::changes::{Memory, Parts, Strip, Work, copy_samples, mend_plane};
use super::ready::{Ready, expect};
use crate::workers::{Job, Workers};
use crate::{Error, Model, Pull, Stage};

/// What makes luma larger.
#[derive(Clone, Debug)]
pub enum Luma {
    /// A classical resampler, to any size.
    Filter(Filter),
    /// A model, to a size that is its scale times as large.
    Model(Model),
}

impl From<Filter> for Luma {
    fn from(filter: Filter) -> Luma {
        Luma::Filter(filter)
    }
}

impl From<Model> for Luma {
    fn from(model: Model) -> Luma {
        Luma::Model(model)
    }
}

/// Resizes every frame to one size, on as many threads as it is given.
///
/// Luma is scaled about the picture's centre; chroma, by a classical resampler, so that it stays where
/// the source sited it.
///
/// With a model, what did not change since the frame before is not computed again. The result is the same.
/// To a model that looks at frames before, it is as if the first had stood still until it came.
pub struct Upscale {
    source: PictureFormat,
    target: PictureFormat,
    /// Away while the workers have them.
    tools: Option<Box<Tools>>,
    shared: Shared,
    /// None where each picture is made before the next comes.
    abreast: Option<Abreast>,
    ready: Ready,
}

/// What several stages may have in common, if only one of them works at a time.
#[derive(Clone)]
pub(super) struct Shared {
    /// None where one thread is enough.
    workers: Option<Arc<Workers<Enlarging>>>,
    threads: usize,
    pool: FramePool,
}

/// What pictures are made with.
struct Tools {
    luma: Luma,
    /// One for each strip of luma that a model works on.
    strips: Vec<int8::Scratch>,
    /// Plans for the three planes, made for a chroma siting and made again if it changes.
    plans: Option<(ChromaLocation, [Resampler; 3])>,
    /// One for each band of each plane, so that threads share nothing.
    scratch: [Vec<Scratch>; 3],
    /// Frames before, the last of them last: those that a model looks at, and one to tell what changed.
    before: VecDeque<Frame>,
    /// Of the frame before, unless every frame is computed whole.
    memory: Option<Memory>,
    /// Whether chroma is left as it is.
    luma_alone: bool,
}

/// A picture that is being made larger.
struct Enlarging {
    from: Frame,
    to: Frame,
    /// What there is to do, once that is known.
    work: Option<Work>,
    tools: Box<Tools>,
}

/// Rows in a band are a multiple of this, so that few source rows are filtered twice.
const BAND_GRAIN: usize = 16;

impl Shared {
    pub(super) fn new(threads: usize) -> Result<Shared, Error> {
        let threads = threads.max(1);
        Ok(Shared {
            workers: match threads {
                1 => None,
                threads => Some(Arc::new(Workers::new("upscale", threads)?)),
            },
            threads,
            pool: FramePool::new(),
        })
    }
}

impl Upscale {
    /// A stage that takes frames of `source` and gives frames of `size`.
    pub fn new(
        source: PictureFormat,
        size: (usize, usize),
        luma: impl Into<Luma>,
        threads: usize,
    ) -> Result<Self, Error> {
        Upscale::sharing(source, size, luma.into(), Shared::new(threads)?)
    }

    /// One that has threads and memory in common with others.
    pub(super) fn sharing(
        source: PictureFormat,
        size: (usize, usize),
        luma: Luma,
        shared: Shared,
    ) -> Result<Self, Error> {
        if let Luma::Model(model) = &luma {
            let scale = model.scale();
            if size != (source.width * scale, source.height * scale) {
                let (width, height) = size;
                return Err(Error::Scale {
                    name: model.card().name.clone(),
                    scale,
                    wanted: format!("{width}x{height} from {}x{}", source.width, source.height),
                });
            }
        }
        let bands = shared.threads;
        Ok(Upscale {
            source,
            target: source.with_size(size.0, size.1),
            tools: Some(Box::new(Tools::new(luma, bands, Some(Memory::default())))),
            shared,
            abreast: None,
            ready: Ready::default(),
        })
    }

    /// Computes every frame whole, whatever it has in common with the one before: to measure how long
    /// that takes. The frames that come out are the same.
    pub fn without_memory(mut self) -> Self {
        self.tools.iter_mut().for_each(|tools| tools.memory = None);
        self
    }

    /// Makes luma alone, of every frame whole, and leaves chroma as it finds it: to measure a network beside
    /// programs that know of nothing else.
    pub fn luma_alone(self) -> Self {
        let mut all = self.without_memory();
        all.tools
            .iter_mut()
            .for_each(|tools| tools.luma_alone = true);
        all
    }

    /// The part of the last frame's luma that was computed, from 0 to 1: all of it, unless a model makes
    /// it and some of it is as it was in the frame before.
    pub fn computed(&self) -> f64 {
        let memory = self.tools.as_ref().and_then(|tools| tools.memory.as_ref());
        memory.map_or(1.0, Memory::share)
    }

    /// Makes two pictures at once, each on half of the threads, where they are computed whole: that is
    /// faster, and each comes out after the next has gone in. The frames that come out are the same.
    ///
    /// Changes nothing with a classical resampler, with a model that looks at several pictures, or where
    /// threads cannot be halved.
    pub fn abreast(mut self) -> Result<Self, Error> {
        let threads = self.shared.threads;
        let tools = self.tools.as_ref().ok_or_else(lost)?;
        if let Luma::Model(model) = &tools.luma
            && model.frames() == 1
            && threads.is_multiple_of(LANES)
        {
            self.abreast = Some(Abreast::new(&tools.luma, threads / LANES)?);
        }
        Ok(self)
    }

    fn resize(&mut self, from: Frame) -> Result<(), Error> {
        let mut tools = self.tools.take().ok_or_else(lost)?;
        let to = self.blank(&from);
        let mut work = None;
        if let Some(abreast) = &mut self.abreast {
            let found = tools.look(&from);
            if found == Work::Whole {
                tools.remember_copy(&from, &self.shared.pool);
                self.tools = Some(tools);
                return abreast.begin(from, to);
            }
            abreast.end_all()?;
            work = Some(found);
        }
        let mut job = Enlarging {
            from,
            to,
            work,
            tools,
        };
        match &self.shared.workers {
            Some(workers) => job = workers.run(job)?,
            None => job.run(),
        }
        let Enlarging {
            from,
            to,
            work,
            mut tools,
        } = job;
        if let (Some(memory), Some(work)) = (&mut tools.memory, work) {
            memory.keep(&to, work, &self.shared.pool);
        }
        tools.remember(from);
        self.tools = Some(tools);
        match &mut self.abreast {
            Some(abreast) => abreast.put(to),
            None => self.ready.put(to),
        }
        Ok(())
    }

    /// What a picture is drawn into, and what is known of it.
    fn blank(&self, from: &Frame) -> Frame {
        let mut to = self.shared.pool.frame(self.target, from.pts);
        to.colour = from.colour;
        to.duration = from.duration;
        to.step = from.step;
        to.damage = from.damage.as_ref().map(|mask| {
            let size = |format: PictureFormat| (format.width, format.height);
            mask.resized(size(self.source), size(self.target))
        });
        to
    }
}

fn lost() -> Error {
    Error::Threads("this stage has failed before".into())
}

impl Tools {
    /// For so many threads.
    fn new(luma: Luma, threads: usize, memory: Option<Memory>) -> Tools {
        Tools {
            luma,
            strips: vec![int8::Scratch::default(); threads],
            plans: None,
            scratch: std::array::from_fn(|_| (0..threads).map(|_| Scratch::new()).collect()),
            before: VecDeque::new(),
            memory,
            luma_alone: false,
        }
    }

    /// What there is to do for a picture that comes after those before.
    fn look(&mut self, from: &Frame) -> Work {
        let (Luma::Model(model), Some(memory)) = (&self.luma, &mut self.memory) else {
            return Work::Whole;
        };
        let location = from.colour.location;
        if self
            .plans
            .take_if(|(made_for, _)| *made_for != location)
            .is_some()
        {
            // The same chroma becomes another.
            memory.forget();
        }
        let (reach, frames) = (model.program().reach(), model.frames());
        memory.look(self.before.back(), from, reach, frames)
    }

    /// Keeps a picture that was made larger for as long as the next ones are compared with it or look
    /// at it.
    fn remember(&mut self, from: Frame) {
        let Luma::Model(model) = &self.luma else {
            return;
        };
        let looked_at = model.frames() - 1;
        self.before.push_back(from);
        while self.before.len() > looked_at.max(usize::from(self.memory.is_some())) {
            self.before.pop_front();
        }
    }

    /// The same for one that others still have, where it is only compared with.
    fn remember_copy(&mut self, from: &Frame, pool: &FramePool) {
        if self.memory.is_none() {
            return;
        }
        let mut copy = match self.before.pop_front() {
            Some(before) => before,
            None => pool.frame(from.format(), from.pts),
        };
        copy_samples(&from.planes, &mut copy.planes);
        self.remember(copy);
    }
}

impl Job for Enlarging {
    fn run(&mut self) {
        let found = match self.work {
            Some(work) => work,
            None => self.tools.look(&self.from),
        };
        self.work = Some(found);
        let Tools {
            luma,
            strips,
            plans,
            scratch,
            before,
            memory,
            luma_alone,
        } = &mut *self.tools;
        let (from, to) = (self.from.format(), self.to.format());
        let location = self.from.colour.location;
        let filter = match luma {
            Luma::Filter(filter) => *filter,
            Luma::Model(_) => Filter::Lanczos,
        };
        plans.take_if(|(made_for, _)| *made_for != location);
        let plan = |plane| Resampler::for_plane(from, to, plane, filter, location);
        let new = || (location, std::array::from_fn(plan));
        let (_, plans) = plans.get_or_insert_with(new);
        let mut kept = match (memory, found) {
            (Some(memory), Work::Parts) => memory.parts(),
            _ => None,
        };
        let mut making = Making {
            luma,
            before,
            strips,
            plans,
            scratch,
            luma_alone: *luma_alone,
        };
        match (&self.from.planes, &mut kept, &mut self.to.planes) {
            (Planes::Eight(source), Some((Planes::Eight(kept), parts)), Planes::Eight(target)) => {
                making.mend(source, parts, kept, target);
            }
            (Planes::Ten(source), Some((Planes::Ten(kept), parts)), Planes::Ten(target)) => {
                making.mend(source, parts, kept, target);
            }
            (Planes::Eight(source), None, Planes::Eight(target)) => making.resize(source, target),
            (Planes::Ten(source), None, Planes::Ten(target)) => making.resize(source, target),
            _ => unreachable!("the pool makes frames of the source's depth"),
        }
    }
}

/// What a picture is made with.
struct Making<'a> {
    luma: &'a Luma,
    before: &'a VecDeque<Frame>,
    strips: &'a mut [int8::Scratch],
    plans: &'a [Resampler; 3],
    scratch: &'a mut [Vec<Scratch>; 3],
    luma_alone: bool,
}

impl Making<'_> {
    fn resize<T: Pixel + Code>(&mut self, source: &[Plane<T>; 3], target: &mut [Plane<T>; 3]) {
        let [y, u, v] = target;
        let [scratch_y, scratch_u, scratch_v] = &mut *self.scratch;
        let plans = self.plans;
        let (luma, before, strips) = (self.luma, self.before, &mut *self.strips);
        let alone = strips.len() == 1;
        let mut first = || match luma {
            Luma::Filter(_) => resize_plane(&plans[0], &source[0], y, scratch_y),
            Luma::Model(model) => with_those_before(model, before, &source[0], |pictures| {
                enhance_plane(model, pictures, y, strips);
            }),
        };
        if self.luma_alone {
            return first();
        }
        let second = || resize_plane(&plans[1], &source[1], u, scratch_u);
        let third = || resize_plane(&plans[2], &source[2], v, scratch_v);
        side_by_side(alone, first, second, third);
    }

    /// Only what is to be computed of what is kept, and then the rest is copied.
    fn mend<T: Pixel + Code>(
        &mut self,
        source: &[Plane<T>; 3],
        parts: &Parts<'_>,
        kept: &mut [Plane<T>; 3],
        target: &mut [Plane<T>; 3],
    ) {
        let Luma::Model(model) = self.luma else {
            return self.resize(source, target);
        };
        let ([y, u, v], [kept_y, kept_u, kept_v]) = (target, kept);
        let [_, scratch_u, scratch_v] = &mut *self.scratch;
        let (plans, before, strips) = (self.plans, self.before, &mut *self.strips);
        let [rows_u, rows_v] = parts.rows;
        let alone = strips.len() == 1;
        let strip = Strip {
            rows: 0..source[0].height(),
            stride: y.stride(),
            kept: kept_y.data_mut(),
            copy: y.data_mut(),
        };
        let first = || {
            with_those_before(model, before, &source[0], |pictures| {
                strip.mend(model, pictures, parts.wanted, strips);
            });
        };
        let second = || mend_plane(&plans[1], &source[1], rows_u, kept_u, u, scratch_u);
        let third = || mend_plane(&plans[2], &source[2], rows_v, kept_v, v, scratch_v);
        side_by_side(alone, first, second, third);
    }
}

/// Does three things: at once, unless there is one thread.
fn side_by_side(
    alone: bool,
    first: impl FnOnce() + Send,
    second: impl FnOnce() + Send,
    third: impl FnOnce() + Send,
) {
    if alone {
        first();
        second();
        third();
    } else {
        rayon::join(first, || rayon::join(second, third));
    }
}

/// Luma of the pictures that a model looks at, the last of them `source`.
fn with_those_before<T: Code>(
    model: &Model,
    before: &VecDeque<Frame>,
    source: &Plane<T>,
    work: impl FnOnce(&[&Plane<T>]),
) {
    let mut pictures = [source; MAX_FRAMES];
    let pictures = &mut pictures[..model.frames()];
    let luma = before
        .iter()
        .map(|frame| T::planes(&frame.planes).map_or(source, |planes| &planes[0]));
    let earlier = pictures.len() - 1;
    // The first stands for those that were not.
    let missing = earlier.saturating_sub(before.len());
    if let Some(first) = luma.clone().next() {
        pictures[..missing.min(earlier)].fill(first);
    }
    let skipped = before.len().saturating_sub(earlier);
    for (to, luma) in pictures[missing..earlier]
        .iter_mut()
        .zip(luma.skip(skipped))
    {
        *to = luma;
    }
    work(pictures);
}

/// Strips are as many as threads: each costs some rows that are computed twice.
fn enhance_plane<T: Code>(
    model: &Model,
    pictures: &[&Plane<T>],
    target: &mut Plane<T>,
    strips: &mut [int8::Scratch],
) {
    let (height, stride) = (pictures[0].height(), target.stride());
    if let [scratch] = strips {
        let data = target.data_mut();
        model
            .program()
            .run(pictures, 0..height, data, stride, scratch);
        return;
    }
    let rows = height.div_ceil(strips.len());
    let bands = target
        .data_mut()
        .par_chunks_mut(rows * model.scale() * stride)
        .zip(strips)
        .enumerate();
    bands.for_each(|(band, (data, scratch))| {
        let first = band * rows;
        let rows = first..(first + rows).min(height);
        model.program().run(pictures, rows, data, stride, scratch);
    });
}

fn resize_plane<T: Pixel>(
    plan: &Resampler,
    source: &Plane<T>,
    target: &mut Plane<T>,
    scratch: &mut [Scratch],
) {
    let (height, stride) = (target.height(), target.stride());
    if let [scratch] = scratch {
        plan.run(source, 0..height, target.data_mut(), stride, scratch);
        return;
    }
    let rows = height.div_ceil(scratch.len()).next_multiple_of(BAND_GRAIN);
    let bands = target
        .data_mut()
        .par_chunks_mut(rows * stride)
        .zip(scratch.par_iter_mut())
        .enumerate();
    bands.for_each(|(band, (data, scratch))| {
        let first = band * rows;
        plan.run(
            source,
            first..(first + rows).min(height),
            data,
            stride,
            scratch,
        );
    });
}

impl Stage for Upscale {
    fn output(&self, input: PictureFormat) -> PictureFormat {
        input.with_size(self.target.width, self.target.height)
    }

    fn push(&mut self, frame: Frame) -> Result<(), Error> {
        expect(self.source, &frame)?;
        if self.target == self.source {
            self.ready.put(frame);
            return Ok(());
        }
        self.resize(frame)
    }

    fn pull(&mut self) -> Result<Pull, Error> {
        match &mut self.abreast {
            Some(abreast) => abreast.pull(),
            None => Ok(self.ready.pull()),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.abreast.iter_mut().for_each(Abreast::flush);
        self.ready.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use nervure_frame::{BitDepth, Chroma, Colour, LossMask, TimeBase, Timestamp};

    use super::*;

    fn picture(format: PictureFormat) -> Frame {
        let mut frame = Frame::new(format, Timestamp::new(7, TimeBase::new(1, 25)));
        let mut noise = 1u32;
        let mut next = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise >> 20
        };
        match &mut frame.planes {
            Planes::Eight(planes) => {
                planes.iter_mut().for_each(|p| {
                    p.rows_mut()
                        .flatten()
                        .for_each(|s| *s = (next() & 255) as u8);
                });
            }
            Planes::Ten(planes) => {
                planes.iter_mut().for_each(|p| {
                    p.rows_mut()
                        .flatten()
                        .for_each(|s| *s = (next() & 1023) as u16);
                });
            }
        }
        frame
    }

    fn through(frame: &Frame, size: (usize, usize), threads: usize) -> Frame {
        let mut stage = Upscale::new(frame.format(), size, Filter::Lanczos, threads).unwrap();
        stage.push(frame.clone()).unwrap();
        match stage.pull().unwrap() {
            Pull::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn threads_do_not_change_the_picture() {
        for (chroma, depth) in [
            (Chroma::C420, BitDepth::Eight),
            (Chroma::C422, BitDepth::Ten),
        ] {
            let frame = picture(PictureFormat::new(99, 77, chroma, depth));
            let one = through(&frame, (198, 154), 1);
            assert_eq!(one.format().plane_size(0), (198, 154));
            for threads in [2, 3, 8] {
                assert_eq!(
                    through(&frame, (198, 154), threads).planes,
                    one.planes,
                    "{threads} threads"
                );
            }
        }
    }

    #[test]
    fn luma_alone_is_the_luma_of_the_whole() {
        let frame = picture(PictureFormat::new(99, 77, Chroma::C420, BitDepth::Eight));
        let whole = through(&frame, (198, 154), 1);
        for threads in [1, 3] {
            let stage = Upscale::new(frame.format(), (198, 154), Filter::Lanczos, threads);
            let mut stage = stage.unwrap().luma_alone();
            stage.push(frame.clone()).unwrap();
            let Pull::Frame(luma) = stage.pull().unwrap() else {
                panic!("no frame");
            };
            let (Planes::Eight(luma), Planes::Eight(whole)) = (&luma.planes, &whole.planes) else {
                panic!("another depth");
            };
            assert_eq!(luma[0], whole[0], "{threads} threads");
            assert_ne!(luma[1], whole[1], "chroma was made too");
        }
    }

    #[test]
    fn time_colour_and_damage_stay_with_the_picture() {
        let mut frame = picture(PictureFormat::new(64, 64, Chroma::C420, BitDepth::Eight));
        frame.colour = Colour::BT709;
        frame.duration = Some(2);
        frame.step = Some(9.0);
        let mut mask = LossMask::whole(64, 64);
        mask.set(1, 0, true);
        frame.damage = Some(mask);
        let out = through(&frame, (128, 128), 1);
        assert_eq!(
            (out.pts, out.duration, out.step, out.colour),
            (frame.pts, Some(2), Some(9.0), Colour::BT709)
        );
        let mask = out.damage.unwrap();
        assert_eq!(mask.count(), 4);
        assert!(mask.is_lost(2, 0) && mask.is_lost(3, 1) && !mask.is_lost(1, 0));
    }

    #[test]
    fn the_same_size_passes_unchanged() {
        let frame = picture(PictureFormat::new(33, 21, Chroma::C444, BitDepth::Eight));
        assert_eq!(through(&frame, (33, 21), 2).planes, frame.planes);
    }

    #[test]
    fn a_frame_of_another_format_is_refused() {
        let frame = picture(PictureFormat::new(32, 32, Chroma::C420, BitDepth::Eight));
        let mut stage = Upscale::new(frame.format(), (64, 64), Filter::Bicubic, 1).unwrap();
        let other = picture(PictureFormat::new(32, 30, Chroma::C420, BitDepth::Eight));
        let error = stage.push(other).unwrap_err().to_string();
        assert_eq!(
            error,
            "a frame of 32x30 4:2:0 8-bit came where 32x32 4:2:0 8-bit was expected"
        );
    }
}
