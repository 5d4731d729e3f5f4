//! The pictures of a source as a dataset has them: upright, 4:2:0 of 8 bits, of a size that the scale
//! divides.

use nervure_frame::{BitDepth, Chroma, Frame, FramePool, PictureFormat, Plane, Planes, Timestamp};
use nervure_kernels::resample::{Filter, Resampler, Scratch};
use nervure_media::camera::{CameraMove, CameraSpec, read_image};
use nervure_media::{Input, OpenOptions, Reader};

use crate::recipe::Recipe;
use crate::sources::{Kind, Source};
use crate::{Error, Result};

/// Frames in a second of a camera that moves over a still image.
const CAMERA_RATE: (u32, u32) = (25, 1);

/// Reads a source from front to back.
pub(super) struct Frames {
    pictures: Pictures,
    normal: Normal,
    /// When its first picture is shown.
    start: Timestamp,
    /// Read ahead, with the damage before it.
    ahead: Option<(Frame, u64)>,
    /// Frames in a second, roughly.
    pub(super) frame_rate: Option<(u32, u32)>,
}

enum Pictures {
    Video(Box<Reader>),
    Image { camera: Box<CameraMove>, next: u64 },
}

impl Frames {
    /// Opens a source and decodes its first picture.
    pub(super) fn open(source: &Source, recipe: &Recipe, seed: u64) -> Result<Self> {
        let options = OpenOptions {
            threads: 1,
            ..OpenOptions::default()
        };
        let open = |input: &Input| Reader::open(input, &options);
        let (pictures, frame_rate) = match &source.kind {
            Kind::Image(path) => {
                let image = read_image(path)?;
                let frames = recipe.image_frames;
                let spec = CameraSpec::for_image(image.format(), frames, CAMERA_RATE, seed)?;
                let camera = Box::new(CameraMove::new(&image, spec)?);
                (Pictures::Image { camera, next: 0 }, Some(CAMERA_RATE))
            }
            Kind::Video(path) => {
                let reader = open(&Input::Path(path.clone()))?;
                let rate = reader.info().video.frame_rate;
                (Pictures::Video(Box::new(reader)), rate)
            }
            Kind::Stream(input) => {
                let reader = open(input)?;
                let rate = reader.info().video.frame_rate;
                (Pictures::Video(Box::new(reader)), rate)
            }
        };
        let mut frames = Frames {
            pictures,
            normal: Normal::new(recipe.scale),
            start: Timestamp::new(0, nervure_frame::TimeBase::MICROS),
            ahead: None,
            frame_rate,
        };
        let first = frames.read()?.ok_or_else(|| empty(source))?;
        frames.start = first.pts;
        frames.ahead = Some((first, 0));
        Ok(frames)
    }

    /// Goes to the first picture at or after this many seconds from the source's first, by a jump
    /// where that is possible, else by reading on. Only before any picture was taken.
    pub(super) fn skip_to(&mut self, seconds: f64) -> Result<()> {
        if let Pictures::Video(reader) = &mut self.pictures {
            let base = self.start.base;
            let to = Timestamp::new(self.start.ticks.saturating_add(base.ticks(seconds)), base);
            // Where there is no way to jump, reading on leads there too.
            if reader.info().seekable && reader.seek(to).is_ok() {
                self.ahead = None;
            }
        }
        loop {
            let before = self.damage();
            let Some(frame) = self.read()? else {
                return Ok(());
            };
            if self.seconds(&frame) >= seconds {
                self.ahead = Some((frame, before));
                return Ok(());
            }
        }
    }

    /// When a picture is shown, in seconds from the source's first.
    pub(super) fn seconds(&self, frame: &Frame) -> f64 {
        frame.pts.seconds() - self.start.seconds()
    }

    /// When the next picture is shown; none when there is no other.
    pub(super) fn next_seconds(&mut self) -> Result<Option<f64>> {
        if self.ahead.is_none() {
            let before = self.damage();
            self.ahead = self.read()?.map(|frame| (frame, before));
        }
        Ok(self.ahead.as_ref().map(|(frame, _)| self.seconds(frame)))
    }

    /// The next picture.
    pub(super) fn next(&mut self) -> Result<Option<Frame>> {
        match self.read()? {
            Some(frame) => self.normal.apply(frame).map(Some),
            None => Ok(None),
        }
    }

    /// Pictures that are damaged or may be, and packets that the decoder could not use, before the
    /// next picture.
    pub(super) fn damage_before(&self) -> u64 {
        match &self.ahead {
            Some((_, before)) => *before,
            None => self.damage(),
        }
    }

    /// The same up to what was read: with the picture that is read ahead, since those shown before
    /// it may be made from it.
    pub(super) fn damage(&self) -> u64 {
        match &self.pictures {
            Pictures::Video(reader) => {
                let damage = reader.damage();
                damage.frames + damage.suspect + damage.packets
            }
            Pictures::Image { .. } => 0,
        }
    }

    /// The source broke off before its end.
    pub(super) fn truncated(&self) -> bool {
        match &self.pictures {
            Pictures::Video(reader) => reader.damage().truncated,
            Pictures::Image { .. } => false,
        }
    }

    fn read(&mut self) -> Result<Option<Frame>> {
        if let Some((frame, _)) = self.ahead.take() {
            return Ok(Some(frame));
        }
        Ok(match &mut self.pictures {
            Pictures::Image { camera, next } => {
                let index = *next;
                *next += 1;
                (index < camera.spec().frames).then(|| camera.frame(index))
            }
            Pictures::Video(reader) => {
                let rotation = reader.info().video.rotation;
                let frame = reader.next()?;
                match rotation.is_none() {
                    true => frame,
                    false => frame.map(|frame| frame.rotated(rotation, &self.normal.pool)),
                }
            }
        })
    }
}

fn empty(source: &Source) -> Error {
    Error::Media(nervure_media::Error::NoVideo {
        name: source.name.clone(),
    })
}

/// Low-resolution pictures have no shorter side: nothing can be learned from less, and encoders
/// refuse it.
const SMALLEST: usize = 32;

/// Brings pictures to the format of the dataset.
struct Normal {
    scale: usize,
    pool: FramePool,
    chroma: Option<(PictureFormat, Box<[Resampler; 2]>)>,
    scratch: Scratch,
}

impl Normal {
    fn new(scale: usize) -> Self {
        Normal {
            scale,
            pool: FramePool::new(),
            chroma: None,
            scratch: Scratch::new(),
        }
    }

    fn apply(&mut self, frame: Frame) -> Result<Frame> {
        let format = frame.format();
        // Low resolution is 4:2:0 too, so its sides are even. What is over at the right and the
        // bottom is cut off.
        let grain = 2 * self.scale;
        let (width, height) = (format.width / grain * grain, format.height / grain * grain);
        if width.min(height) < SMALLEST * self.scale {
            return Err(Error::Unsupported {
                what: format!(
                    "its pictures of {}x{} are too small: at a scale of {} no side may be under {}",
                    format.width,
                    format.height,
                    self.scale,
                    SMALLEST * self.scale
                ),
                hint: None,
            });
        }
        let target = PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight);
        if format == target {
            return Ok(frame);
        }
        let frame = self.eight_bits(frame);
        let frame = self.less_chroma(frame);
        Ok(self.cut(frame, target))
    }

    fn eight_bits(&self, frame: Frame) -> Frame {
        let Planes::Ten(planes) = &frame.planes else {
            return frame;
        };
        let format = PictureFormat {
            depth: BitDepth::Eight,
            ..frame.format()
        };
        let mut out = like(&frame, &self.pool, format);
        if let Planes::Eight(targets) = &mut out.planes {
            for (target, source) in targets.iter_mut().zip(planes) {
                for (target, source) in target.rows_mut().zip(source.rows()) {
                    for (target, source) in target.iter_mut().zip(source) {
                        *target = ((source + 2) >> 2).min(255) as u8;
                    }
                }
            }
        }
        out
    }

    fn less_chroma(&mut self, frame: Frame) -> Frame {
        let source = frame.format();
        let Planes::Eight(planes) = &frame.planes else {
            return frame;
        };
        if source.chroma == Chroma::C420 {
            return frame;
        }
        let target = PictureFormat {
            chroma: Chroma::C420,
            ..source
        };
        let location = frame.colour.location;
        if self.chroma.as_ref().is_none_or(|(of, _)| *of != source) {
            let plan =
                |plane| Resampler::for_plane(source, target, plane, Filter::Bicubic, location);
            self.chroma = Some((source, Box::new([plan(1), plan(2)])));
        }
        let mut out = like(&frame, &self.pool, target);
        if let (Planes::Eight(targets), Some((_, plans))) = (&mut out.planes, &self.chroma) {
            targets[0].copy_from(&planes[0]);
            for (plane, plan) in (1..3).zip(plans.iter()) {
                let target = &mut targets[plane];
                let (height, stride) = (target.height(), target.stride());
                let rows = target.data_mut();
                plan.run(&planes[plane], 0..height, rows, stride, &mut self.scratch);
            }
        }
        out
    }

    fn cut(&self, frame: Frame, target: PictureFormat) -> Frame {
        if frame.format() == target {
            return frame;
        }
        let mut out = like(&frame, &self.pool, target);
        if let (Planes::Eight(targets), Planes::Eight(sources)) = (&mut out.planes, &frame.planes) {
            targets.iter_mut().zip(sources).for_each(corner);
        }
        out
    }
}

fn corner((target, source): (&mut Plane<u8>, &Plane<u8>)) {
    let width = target.width();
    for (target, source) in target.rows_mut().zip(source.rows()) {
        target.copy_from_slice(&source[..width]);
    }
}

/// A frame of another format with everything else of this one.
fn like(frame: &Frame, pool: &FramePool, format: PictureFormat) -> Frame {
    let mut out = pool.frame(format, frame.pts);
    out.colour = frame.colour;
    out.duration = frame.duration;
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::TimeBase;

    fn flat(format: PictureFormat, values: [u16; 3]) -> Frame {
        let mut frame = Frame::new(format, Timestamp::new(7, TimeBase::new(1, 25)));
        for (plane, value) in values.into_iter().enumerate() {
            match &mut frame.planes {
                Planes::Eight(planes) => planes[plane].fill(value as u8),
                Planes::Ten(planes) => planes[plane].fill(value),
            }
        }
        frame
    }

    #[test]
    fn every_picture_comes_to_one_format_and_keeps_its_time() {
        let format = PictureFormat::new(203, 171, Chroma::C422, BitDepth::Ten);
        let frame = Normal::new(2)
            .apply(flat(format, [400, 512, 1023]))
            .unwrap();
        let wanted = PictureFormat::new(200, 168, Chroma::C420, BitDepth::Eight);
        assert_eq!((frame.format(), frame.pts.ticks), (wanted, 7));
        let planes = frame.planes.eight().unwrap();
        for (plane, value) in planes.iter().zip([100, 128, 255]) {
            assert!(plane.rows().flatten().all(|sample| *sample == value));
        }
    }

    #[test]
    fn tiny_pictures_are_refused() {
        let format = PictureFormat::new(640, 62, Chroma::C420, BitDepth::Eight);
        let error = Normal::new(2).apply(flat(format, [0; 3])).unwrap_err();
        assert!(error.to_string().contains("640x62"), "{error}");
    }
}
