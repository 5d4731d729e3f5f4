//! Fast picture metrics: PSNR, SSIM and MS-SSIM of frames.
//!
//! [`nervure_frame::metrics`] defines them. Squared errors and SSIM are the same to the bit on every
//! instruction set; MS-SSIM, computed in single precision, is within 1e-6 of its definition.
//!
//! ```
//! use nervure_frame::metrics::Metrics;
//! use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, TimeBase, Timestamp};
//! use nervure_kernels::metrics::Scorer;
//!
//! let format = PictureFormat::new(192, 180, Chroma::C420, BitDepth::Eight);
//! let frame = Frame::new(format, Timestamp::new(0, TimeBase::MICROS));
//! let score = Scorer::new().score(&frame, &frame, Metrics::ALL)?;
//! assert!(score.identical());
//! assert_eq!(score.ssim.map(|ssim| ssim.all), Some(1.0));
//! # Ok::<(), nervure_kernels::Error>(())
//! ```

// Where there are no vector kernels, the definitions serve and the rest has no user.
#![cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code, unused_macros, unused_mut, unused_variables)
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod lanes;
mod ms_ssim;
#[cfg(target_arch = "aarch64")]
mod neon;
mod ssim;

use nervure_frame::metrics::{FrameScore, Metrics, PerPlane, SSIM_WINDOW, SsimSum};
use nervure_frame::{Frame, PictureFormat, Plane, Planes, Sample, metrics};

use crate::{Error, Isa};

/// Computes metrics of frames, with working memory that it keeps: one per thread.
#[derive(Debug)]
pub struct Scorer {
    isa: Isa,
    blocks: ssim::Blocks,
    pyramid: ms_ssim::Pyramid,
}

impl Default for Scorer {
    fn default() -> Self {
        Scorer::new()
    }
}

impl Scorer {
    /// With the instructions of [`Isa::detect`].
    pub fn new() -> Self {
        Scorer::with_isa(Isa::detect())
    }

    /// With instructions of choice, for tests and benches.
    ///
    /// # Panics
    /// When the processor lacks them.
    pub fn with_isa(isa: Isa) -> Self {
        Scorer {
            isa: isa.without_dots(),
            blocks: ssim::Blocks::default(),
            pyramid: ms_ssim::Pyramid::default(),
        }
    }

    /// The metrics asked for, of one frame against its reference.
    pub fn score(
        &mut self,
        reference: &Frame,
        distorted: &Frame,
        metrics: Metrics,
    ) -> Result<FrameScore, Error> {
        let format = reference.format();
        match (&reference.planes, &distorted.planes) {
            (Planes::Eight(one), Planes::Eight(two)) if distorted.format() == format => {
                Ok(self.score_planes(format, one, two, metrics))
            }
            (Planes::Ten(one), Planes::Ten(two)) if distorted.format() == format => {
                Ok(self.score_planes(format, one, two, metrics))
            }
            _ => Err(Error::FormatsDiffer {
                reference: format,
                distorted: distorted.format(),
            }),
        }
    }

    fn score_planes<T: Pixel>(
        &mut self,
        format: PictureFormat,
        reference: &[Plane<T>; 3],
        distorted: &[Plane<T>; 3],
        wanted: Metrics,
    ) -> FrameScore {
        let mut errors = [0.0; 3];
        let mut ssims = [0.0; 3];
        for (plane, (one, two)) in reference.iter().zip(distorted).enumerate() {
            let error = if wanted.ssim {
                let (sum, error) = self.ssim(one, two);
                ssims[plane] = sum.mean();
                error
            } else if wanted.psnr {
                self.squared_error(one, two)
            } else {
                0
            };
            errors[plane] = error as f64 / (one.width() * one.height()) as f64;
        }
        FrameScore {
            depth: T::DEPTH,
            squared_error: wanted.psnr.then(|| PerPlane::new(format, errors)),
            ssim: wanted.ssim.then(|| PerPlane::new(format, ssims)),
            ms_ssim: match wanted.ms_ssim {
                true => self.ms_ssim(&reference[0], &distorted[0]),
                false => None,
            },
        }
    }

    /// [`metrics::squared_error`], fast.
    ///
    /// # Panics
    /// When the planes differ in size.
    pub fn squared_error<T: Pixel>(&self, reference: &Plane<T>, distorted: &Plane<T>) -> u64 {
        same_size(reference, distorted);
        if self.isa == Isa::Scalar {
            return metrics::squared_error(reference, distorted);
        }
        let rows = reference.rows().zip(distorted.rows());
        rows.map(|(one, two)| T::row_error(self.isa, one, two))
            .sum()
    }

    /// [`metrics::ssim`], fast, and [`metrics::squared_error`], which falls out on the way.
    ///
    /// # Panics
    /// When the planes differ in size.
    pub fn ssim<T: Pixel>(&mut self, reference: &Plane<T>, distorted: &Plane<T>) -> (SsimSum, u64) {
        same_size(reference, distorted);
        if self.isa == Isa::Scalar || reference.width().min(reference.height()) < SSIM_WINDOW {
            let error = metrics::squared_error(reference, distorted);
            return (metrics::ssim(reference, distorted), error);
        }
        self.blocks.ssim(self.isa, reference, distorted)
    }

    /// [`metrics::ms_ssim`], fast, within 1e-6.
    ///
    /// # Panics
    /// When the planes differ in size.
    pub fn ms_ssim<T: Pixel>(&mut self, reference: &Plane<T>, distorted: &Plane<T>) -> Option<f64> {
        same_size(reference, distorted);
        match self.isa {
            Isa::Scalar => metrics::ms_ssim(reference, distorted),
            isa => self.pyramid.ms_ssim(isa, reference, distorted),
        }
    }
}

fn same_size<T: Sample>(reference: &Plane<T>, distorted: &Plane<T>) {
    assert_eq!(
        (reference.width(), reference.height()),
        (distorted.width(), distorted.height()),
        "planes of one size"
    );
}

mod sealed {
    use super::ms_ssim::Samples;
    use super::ssim::Line;
    use crate::Isa;

    /// What the kernels know of a sample type.
    pub trait Kernels: Samples {
        /// The squared error of a row.
        fn row_error(isa: Isa, one: &[Self], two: &[Self]) -> u64;

        /// The sums of the 4x4 blocks in four rows that are whole blocks long, and the rows'
        /// squared error.
        fn block_sums(isa: Isa, one: [&[Self]; 4], two: [&[Self]; 4], line: &mut Line) -> u64;

        /// The similarities of the windows that two lines of blocks make, added up.
        fn windows(isa: Isa, above: &Line, below: &Line, windows: usize) -> i64;
    }
}

use sealed::Kernels;

/// A sample type with fast metrics: `u8` with 8 bits, `u16` with 10.
pub trait Pixel: Sample + Kernels {}

impl Pixel for u8 {}
impl Pixel for u16 {}

/// The version of a kernel for the instructions at hand. Scalar scores come from the definitions
/// in `frame` and never get here.
macro_rules! dispatch {
    ($isa:expr, $name:ident($($argument:expr),*)) => {
        match $isa {
            // SAFETY: a scorer is only made for instructions that the processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::$name($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::$name($($argument),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { neon::$name($($argument),*) },
            isa => unreachable!("{isa} has no kernel of its own"),
        }
    };
}

impl Kernels for u8 {
    fn row_error(isa: Isa, one: &[u8], two: &[u8]) -> u64 {
        dispatch!(isa, row_error_8(one, two))
    }

    fn block_sums(isa: Isa, one: [&[u8]; 4], two: [&[u8]; 4], line: &mut ssim::Line) -> u64 {
        dispatch!(isa, block_sums_8(one, two, line))
    }

    fn windows(isa: Isa, above: &ssim::Line, below: &ssim::Line, windows: usize) -> i64 {
        dispatch!(isa, windows_8(above, below, windows))
    }
}

impl Kernels for u16 {
    fn row_error(isa: Isa, one: &[u16], two: &[u16]) -> u64 {
        dispatch!(isa, row_error_10(one, two))
    }

    fn block_sums(isa: Isa, one: [&[u16]; 4], two: [&[u16]; 4], line: &mut ssim::Line) -> u64 {
        dispatch!(isa, block_sums_10(one, two, line))
    }

    fn windows(isa: Isa, above: &ssim::Line, below: &ssim::Line, windows: usize) -> i64 {
        dispatch!(isa, windows_10(above, below, windows))
    }
}
