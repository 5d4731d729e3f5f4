//! What a player holds: a model, and a stage with its order of calls.

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use nervure_engine::{Pull, Stage, Upscale};
use nervure_frame::{
    BitDepth, Chroma, ChromaLocation, Frame, FramePool, PictureFormat, Planes, TimeBase, Timestamp,
};

use crate::failure::{Failure, Status};

/// A model, ready to run. Never changed, so that threads may share it.
pub struct Model {
    pub(crate) inner: nervure_engine::Model,
    pub(crate) name: CString,
    pub(crate) family: CString,
    pub(crate) isa: CString,
}

impl Model {
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Model, Failure> {
        let inner = nervure_engine::Model::from_bytes(bytes)?;
        // Names have no zeros in them.
        let words = |text: String| CString::new(text).unwrap_or_default();
        Ok(Model {
            name: words(inner.card().name.clone()),
            family: words(inner.card().family.to_string()),
            isa: words(inner.program().isa().to_string()),
            inner,
        })
    }
}

/// Pictures of one format on their way through a model.
pub struct Context {
    model: nervure_engine::Model,
    source: PictureFormat,
    threads: usize,
    siting: ChromaLocation,
    stage: Upscale,
    pool: FramePool,
    /// Waits to be pulled: none when the stage has none.
    ready: Option<Frame>,
    flushed: bool,
    /// Something panicked, so that nobody knows what state this is in.
    broken: bool,
}

/// The longest side of a picture that is taken.
const LONGEST: usize = 16384;
const MOST_THREADS: usize = 256;

impl Context {
    pub(crate) fn new(
        model: &Model,
        size: (usize, usize),
        chroma: u32,
        depth: u32,
        threads: usize,
    ) -> Result<Context, Failure> {
        let refuse = |message| Err(Failure::new(Status::Argument, message));
        let (width, height) = size;
        if !(1..=LONGEST).contains(&width) || !(1..=LONGEST).contains(&height) {
            return refuse(format!(
                "pictures of {width}x{height}, not 1 to {LONGEST} each way"
            ));
        }
        let chroma = match chroma {
            420 => Chroma::C420,
            422 => Chroma::C422,
            444 => Chroma::C444,
            other => return refuse(format!("chroma {other}, not 420, 422 or 444")),
        };
        let depth = match depth {
            8 => BitDepth::Eight,
            10 => BitDepth::Ten,
            other => return refuse(format!("samples of {other} bits, not 8 or 10")),
        };
        let threads = match threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            wanted if wanted <= MOST_THREADS => wanted,
            wanted => return refuse(format!("{wanted} threads, not at most {MOST_THREADS}")),
        };
        let model = model.inner.clone();
        let source = PictureFormat::new(width, height, chroma, depth);
        Ok(Context {
            stage: stage(&model, source, threads)?,
            model,
            source,
            threads,
            siting: ChromaLocation::Unspecified,
            pool: FramePool::new(),
            ready: None,
            flushed: false,
            broken: false,
        })
    }

    /// What goes in.
    pub(crate) fn source(&self) -> PictureFormat {
        self.source
    }

    /// What comes out.
    pub(crate) fn target(&self) -> PictureFormat {
        self.stage.output(self.source)
    }

    /// As H.273 and AVChromaLocation count, less one there.
    pub(crate) fn set_siting(&mut self, siting: i32) -> Result<(), Failure> {
        self.siting = match siting {
            -1 => ChromaLocation::Unspecified,
            0 => ChromaLocation::Left,
            1 => ChromaLocation::Centre,
            2 => ChromaLocation::TopLeft,
            3 => ChromaLocation::Top,
            4 => ChromaLocation::BottomLeft,
            5 => ChromaLocation::Bottom,
            other => {
                let message = format!("a chroma siting of {other}, not -1 to 5");
                return Err(Failure::new(Status::Argument, message));
            }
        };
        Ok(())
    }

    /// Takes a picture, whose samples `fill` writes.
    pub(crate) fn push(&mut self, pts: i64, fill: impl FnOnce(&mut Planes)) -> Result<(), Failure> {
        let refuse = |message: &str| Err(Failure::new(Status::Order, message));
        if self.flushed {
            return refuse("a push after nervure_flush: nervure_reset begins again");
        }
        if self.ready.is_some() {
            return refuse("a push before the last picture was pulled");
        }
        // Its unit is the caller's business: we only hand it back.
        let pts = Timestamp::new(pts, TimeBase::MICROS);
        self.unbroken(|this| {
            let mut frame = this.pool.frame(this.source, pts);
            fill(&mut frame.planes);
            frame.colour.location = this.siting;
            this.stage.push(frame)?;
            this.advance()
        })
    }

    /// Gives the next picture to `take`, which may refuse it: then it is still the next. Its timestamp,
    /// if there was one.
    pub(crate) fn pull(
        &mut self,
        take: impl FnOnce(&Planes) -> Result<(), Failure>,
    ) -> Result<Option<i64>, Failure> {
        self.unbroken(|this| {
            let Some(frame) = &this.ready else {
                return Ok(None);
            };
            take(&frame.planes)?;
            let ticks = frame.pts.ticks;
            this.advance()?;
            Ok(Some(ticks))
        })
    }

    /// Why there was none.
    pub(crate) fn empty(&self) -> Status {
        match self.flushed {
            true => Status::End,
            false => Status::NeedMore,
        }
    }

    /// So that what waits is known before the next call.
    fn advance(&mut self) -> Result<(), Failure> {
        self.ready = match self.stage.pull()? {
            Pull::Frame(frame) => Some(frame),
            Pull::NeedMore | Pull::End => None,
        };
        Ok(())
    }

    /// No picture follows.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.unbroken(|this| {
            if !this.flushed {
                this.stage.flush()?;
                this.flushed = true;
                if this.ready.is_none() {
                    this.advance()?;
                }
            }
            Ok(())
        })
    }

    /// Forgets every picture. A new stage is sure to remember none.
    pub(crate) fn reset(&mut self) -> Result<(), Failure> {
        self.unbroken(|this| {
            this.stage = stage(&this.model, this.source, this.threads)?;
            this.ready = None;
            this.flushed = false;
            Ok(())
        })
    }

    /// Does something, and nothing more after a panic in it.
    fn unbroken<T>(
        &mut self,
        work: impl FnOnce(&mut Context) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if self.broken {
            let message = "this context met a bug before: free it";
            return Err(Failure::new(Status::Bug, message));
        }
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|panic| {
            self.broken = true;
            resume_unwind(panic)
        })
    }
}

/// What the header promises of threads.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn moved<T: Send>() {}
    shared::<Model>();
    moved::<Context>();
};

fn stage(
    model: &nervure_engine::Model,
    source: PictureFormat,
    threads: usize,
) -> Result<Upscale, Failure> {
    let scale = model.scale();
    let size = (source.width * scale, source.height * scale);
    Ok(Upscale::new(source, size, model.clone(), threads)?)
}
