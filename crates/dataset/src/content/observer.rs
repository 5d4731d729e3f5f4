//! Looks at frames.

use nervure_frame::{Frame, Plane, Planes, Range, Sample, Timestamp};

use super::Features;
use super::detail::{Detail, Rows};
use super::motion::{self, Motion};
use super::palette::Palette;

/// Width and height within which the reduced picture stays.
const REDUCED: usize = 128;

/// Frames farther apart than this, in seconds, say nothing about motion.
const FARTHEST: f64 = 0.25;

/// Gathers what kind of video a clip is; see [the module](super).
///
/// Give it consecutive frames: motion is only seen between frames that follow each other within a
/// quarter of a second. A dozen are enough. It keeps its working memory; [`Observer::clear`] makes
/// it ready for another clip.
#[derive(Debug, Default)]
pub struct Observer {
    small: Small,
    before: Small,
    rows: Rows,
    rows_before: Rows,
    last: Option<Timestamp>,
    detail: Sum<{ Detail::COUNT }>,
    palette: Sum<{ Palette::COUNT }>,
    motion: Sum<{ Motion::COUNT }>,
    stillness: Sum<2>,
}

/// The mean of several numbers.
#[derive(Debug)]
struct Sum<const N: usize> {
    sums: [f64; N],
    count: u32,
}

impl<const N: usize> Default for Sum<N> {
    fn default() -> Self {
        Sum {
            sums: [0.0; N],
            count: 0,
        }
    }
}

impl<const N: usize> Sum<N> {
    fn add(&mut self, values: [f32; N]) {
        for (sum, value) in self.sums.iter_mut().zip(values) {
            *sum += f64::from(value);
        }
        self.count += 1;
    }

    fn mean(&self) -> [f32; N] {
        let count = f64::from(self.count.max(1));
        self.sums.map(|sum| (sum / count) as f32)
    }
}

/// A small grey copy of a picture.
#[derive(Debug, Default)]
pub(super) struct Small {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) samples: Vec<u8>,
    sums: Vec<u32>,
}

impl Observer {
    /// Has seen nothing yet.
    pub fn new() -> Observer {
        Observer::default()
    }

    /// Forgets what it saw.
    pub fn clear(&mut self) {
        self.last = None;
        self.detail = Sum::default();
        self.palette = Sum::default();
        self.motion = Sum::default();
        self.stillness = Sum::default();
    }

    /// How many frames it saw.
    pub fn frames(&self) -> u32 {
        self.detail.count
    }

    /// Looks at the next frame.
    pub fn observe(&mut self, frame: &Frame) {
        match &frame.planes {
            Planes::Eight(planes) => self.look(frame, planes),
            Planes::Ten(planes) => self.look(frame, planes),
        }
    }

    fn look<T: Sample>(&mut self, frame: &Frame, planes: &[Plane<T>; 3]) {
        std::mem::swap(&mut self.small, &mut self.before);
        std::mem::swap(&mut self.rows, &mut self.rows_before);
        self.small.reduce(&planes[0]);
        self.rows.take(&planes[0]);
        self.detail.add(self.rows.detail());
        let full = frame.colour.range == Range::Full;
        self.palette
            .add(Palette::of(planes, frame.chroma.shift(), full));
        let apart = self.last.map(|last| frame.pts.seconds() - last.seconds());
        self.last = Some(frame.pts);
        let same = (self.small.width, self.small.height) == (self.before.width, self.before.height);
        if let Some(apart) = apart.filter(|apart| *apart > 0.0 && *apart <= FARTHEST)
            && same
        {
            let motion = motion::between(&self.before, &self.small);
            self.motion.add(motion.paced((0.04 / apart) as f32));
            if let Some(still) = self.rows.stillness(&self.rows_before) {
                self.stillness.add(still);
            }
        }
    }

    /// What was seen so far; all zero when that is nothing.
    pub fn features(&self) -> Features {
        let mut values = [0.0; Features::COUNT];
        let parts = [
            &self.motion.mean()[..],
            &self.stillness.mean(),
            &self.detail.mean(),
            &self.palette.mean(),
        ];
        for (value, seen) in values.iter_mut().zip(parts.into_iter().flatten()) {
            *value = *seen;
        }
        let named = |name: &str| Features::NAMES.iter().position(|known| *known == name);
        if let (Some(face), Some(moving)) = (named("face-like skin"), named("moving share")) {
            values[Features::COUNT - 1] = values[face] * (1.0 - values[moving]);
        }
        Features::new(values)
    }
}

impl Small {
    /// Each sample the mean of a square of the plane; of large squares only some rows are read.
    fn reduce<T: Sample>(&mut self, plane: &Plane<T>) {
        let side = plane.width().max(plane.height()).div_ceil(REDUCED).max(1);
        // What does not fill a square is left out, unless nothing does.
        self.width = (plane.width() / side).max(1);
        self.height = (plane.height() / side).max(1);
        let every = side.div_ceil(5);
        let drop = T::DEPTH.bits() - 8;
        self.samples.clear();
        for y in 0..self.height {
            self.sums.clear();
            self.sums.resize(self.width, 0);
            let mut rows = 0;
            for row in (y * side..((y + 1) * side).min(plane.height())).step_by(every) {
                rows += 1;
                let row = plane.row(row);
                for (sum, samples) in self.sums.iter_mut().zip(row.chunks(side)) {
                    *sum += samples
                        .iter()
                        .map(|sample| {
                            let value: i32 = (*sample).into();
                            value as u32
                        })
                        .sum::<u32>();
                }
            }
            let count = (rows * side.min(plane.width())) as u32;
            let small = self
                .sums
                .iter()
                .map(|sum| ((sum / count) >> drop).min(255) as u8);
            self.samples.extend(small);
        }
    }

    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.samples[y * self.width..][..self.width]
    }
}
