//! MS-SSIM in single precision.
//!
//! Instead of the pictures a and b, their sum and difference are filtered, each less about its mean:
//! the variances of a sum and a difference give those of the pictures and their covariance, numbers
//! stay small, and where the pictures are alike the difference has few digits to lose.
//!
//! A picture is worked on in strips that fit the first cache. Down each strip a ring keeps the last
//! 11 rows; the Gaussian runs down them first, then across.

use std::array::from_fn;

use nervure_frame::metrics::{
    MS_SSIM_MIN_SIDE, MS_SSIM_WEIGHTS, combine_scales, gaussian, ssim_constants,
};
use nervure_frame::{BitDepth, Plane};

use super::lanes::SampleLanes;
use crate::Isa;

/// Samples of a strip, of which the last ten only fill windows.
const STRIP: usize = 256;
const TAPS: usize = 11;
/// Lanes of the widest register.
const WIDEST: usize = 16;
const SCALES: usize = MS_SSIM_WEIGHTS.len();

/// The sum and the difference of two pictures at some scale.
#[derive(Debug, Default)]
struct Scale {
    width: usize,
    height: usize,
    /// Samples from row to row: whole steps, and room for one more.
    stride: usize,
    sums: Vec<f32>,
    differences: Vec<f32>,
}

impl Scale {
    fn fit(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        self.stride = width.next_multiple_of(WIDEST) + WIDEST;
        let len = self.stride * height;
        if self.sums.len() < len {
            self.sums.resize(len, 0.0);
            self.differences.resize(len, 0.0);
        }
    }
}

/// Numbers that begin on a cache line.
#[repr(align(64))]
struct Aligned<T>(T);

/// The last rows of a strip: sums and differences.
type Ring = Aligned<[[[f32; STRIP]; 2]; TAPS]>;

/// Means down of the sum, the difference, and their squares.
type Means = Aligned<[[f32; STRIP + WIDEST]; 4]>;

/// Working memory for pictures of any size.
#[derive(Debug, Default)]
pub(super) struct Pyramid {
    scales: [Scale; 2],
}

impl Pyramid {
    /// The score of two planes of one size.
    pub(super) fn ms_ssim<T: Samples>(
        &mut self,
        isa: Isa,
        one: &Plane<T>,
        two: &Plane<T>,
    ) -> Option<f64> {
        if one.width().min(one.height()) < MS_SSIM_MIN_SIDE {
            return None;
        }
        let planes = Pair::new(one, two);
        let constants = Constants::new(T::DEPTH, planes.means);
        let [now, next] = &mut self.scales;
        let mut means = [0.0; SCALES];
        means[0] = similarity(isa, &planes, &constants, false);
        halve(isa, &planes, next);
        for (scale, mean) in means.iter_mut().enumerate().skip(1) {
            std::mem::swap(now, next);
            let last = scale + 1 == SCALES;
            *mean = similarity(isa, now, &constants, last);
            if !last {
                halve(isa, now, next);
            }
        }
        Some(combine_scales(means))
    }
}

/// Numbers of the formula.
struct Constants {
    weights: [f32; TAPS],
    /// What was taken from sums and differences.
    means: [f32; 2],
    /// The stabilisers, twice.
    luminance: f32,
    contrast: f32,
}

impl Constants {
    fn new(depth: BitDepth, means: [f32; 2]) -> Self {
        let (c1, c2) = ssim_constants(depth.max());
        Constants {
            weights: gaussian().map(|weight| weight as f32),
            means,
            luminance: 2.0 * c1 as f32,
            contrast: 2.0 * c2 as f32,
        }
    }
}

/// Where sums and differences come from.
trait Source {
    fn size(&self) -> (usize, usize);

    /// The sums and differences at row `y` from `x` on. A row can be read up to the next multiple
    /// of [`WIDEST`] beyond its end; what is there does not matter.
    ///
    /// # Safety
    /// The processor has the instructions, and the lanes are within that reach.
    unsafe fn at<L: SampleLanes>(&self, x: usize, y: usize) -> (L, L);

    /// Asks for what is at row `y` from `x` on to be fetched, if there is such a row.
    fn prefetch(&self, x: usize, y: usize);
}

/// Rows that samples are fetched ahead of their use: strips jump through memory in a way that
/// processors do not foresee.
const AHEAD: usize = 4;

/// Asks for a slice's element to be fetched, if there is one.
#[inline(always)]
fn prefetch<T>(slice: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(place) = slice.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch has no effect but on time, and every processor here has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(place).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, at);
}

impl Source for Scale {
    fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    #[inline(always)]
    unsafe fn at<L: SampleLanes>(&self, x: usize, y: usize) -> (L, L) {
        let at = y * self.stride + x;
        debug_assert!(at + L::COUNT <= self.sums.len());
        // SAFETY: the caller's promise: rows have room for whole steps.
        unsafe {
            (
                L::load(self.sums.as_ptr().add(at)),
                L::load(self.differences.as_ptr().add(at)),
            )
        }
    }

    #[inline(always)]
    fn prefetch(&self, x: usize, y: usize) {
        let at = y * self.stride + x;
        prefetch(&self.sums, at);
        prefetch(&self.differences, at);
    }
}

/// The two planes themselves.
struct Pair<'a, T: Samples> {
    one: &'a Plane<T>,
    two: &'a Plane<T>,
    /// About the mean sum and the mean difference, in whole numbers.
    means: [f32; 2],
}

impl<'a, T: Samples> Pair<'a, T> {
    fn new(one: &'a Plane<T>, two: &'a Plane<T>) -> Self {
        // A few rows are enough: this only keeps numbers small.
        let step = one.height().div_ceil(16);
        let mean = |plane: &Plane<T>| {
            let rows = plane.rows().step_by(step);
            let count = rows.len() * plane.width();
            let sum: i64 = rows.flatten().map(|&sample| i64::from(sample.into())).sum();
            sum / count as i64
        };
        let (a, b) = (mean(one), mean(two));
        Pair {
            one,
            two,
            means: [(a + b) as f32, (a - b) as f32],
        }
    }
}

impl<T: Samples> Source for Pair<'_, T> {
    fn size(&self) -> (usize, usize) {
        (self.one.width(), self.one.height())
    }

    #[inline(always)]
    unsafe fn at<L: SampleLanes>(&self, x: usize, y: usize) -> (L, L) {
        let at = y * self.one.stride() + x;
        debug_assert!(at + L::COUNT <= self.one.data().len());
        // SAFETY: rows begin on 64-byte lines, so that a step that begins in one ends before the
        // next, and the planes are of one size.
        unsafe {
            let a = T::load::<L>(self.one.data().as_ptr().add(at));
            let b = T::load::<L>(self.two.data().as_ptr().add(at));
            let (sum, difference) = (a.add(b), a.sub(b));
            (
                sum.sub(L::splat(self.means[0])),
                difference.sub(L::splat(self.means[1])),
            )
        }
    }

    #[inline(always)]
    fn prefetch(&self, x: usize, y: usize) {
        let at = y * self.one.stride() + x;
        prefetch(self.one.data(), at);
        prefetch(self.two.data(), at);
    }
}

/// Samples that become numbers.
pub trait Samples: nervure_frame::Sample {
    /// As many samples as there are lanes, as numbers.
    ///
    /// # Safety
    /// As for [`SampleLanes`].
    unsafe fn load<L: SampleLanes>(from: *const Self) -> L;
}

impl Samples for u8 {
    #[inline(always)]
    unsafe fn load<L: SampleLanes>(from: *const u8) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load_8(from) }
    }
}

impl Samples for u16 {
    #[inline(always)]
    unsafe fn load<L: SampleLanes>(from: *const u16) -> L {
        // SAFETY: the caller's promise.
        unsafe { L::load_10(from) }
    }
}

/// The mean over all windows of the contrast and structure quotient, with the luminance quotient
/// or without.
fn similarity<S: Source>(isa: Isa, source: &S, constants: &Constants, luminance: bool) -> f64 {
    let (width, height) = source.size();
    let (columns, rows) = (width + 1 - TAPS, height + 1 - TAPS);
    let mut ring = Aligned([[[0.0; STRIP]; 2]; TAPS]);
    let step = STRIP - WIDEST;
    let strips = (0..columns).step_by(step).map(|left| -> f64 {
        let columns = step.min(columns - left);
        match isa {
            // SAFETY: a scorer is only made for instructions that the processor has.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe {
                strip_avx512(source, left, columns, &mut ring, constants, luminance)
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe {
                strip_avx2(source, left, columns, &mut ring, constants, luminance)
            },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe {
                strip_neon(source, left, columns, &mut ring, constants, luminance)
            },
            isa => unreachable!("{isa} has no kernel of its own"),
        }
    });
    strips.sum::<f64>() / (columns * rows) as f64
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn strip_avx512<S: Source>(
    source: &S,
    left: usize,
    columns: usize,
    ring: &mut Ring,
    constants: &Constants,
    luminance: bool,
) -> f64 {
    // SAFETY: the instructions are enabled here.
    unsafe {
        strip::<S, std::arch::x86_64::__m512>(source, left, columns, ring, constants, luminance)
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn strip_avx2<S: Source>(
    source: &S,
    left: usize,
    columns: usize,
    ring: &mut Ring,
    constants: &Constants,
    luminance: bool,
) -> f64 {
    // SAFETY: the instructions are enabled here.
    unsafe {
        strip::<S, std::arch::x86_64::__m256>(source, left, columns, ring, constants, luminance)
    }
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn strip_neon<S: Source>(
    source: &S,
    left: usize,
    columns: usize,
    ring: &mut Ring,
    constants: &Constants,
    luminance: bool,
) -> f64 {
    // SAFETY: the instructions are enabled here.
    unsafe {
        strip::<S, std::arch::aarch64::float32x4_t>(
            source, left, columns, ring, constants, luminance,
        )
    }
}

/// The sum of the similarities of `columns` windows a row, from `left` on.
///
/// # Safety
/// The processor has the lanes' instructions; the strip lies within the picture.
#[inline(always)]
unsafe fn strip<S: Source, L: SampleLanes>(
    source: &S,
    left: usize,
    columns: usize,
    ring: &mut Ring,
    constants: &Constants,
    luminance: bool,
) -> f64 {
    let (_, height) = source.size();
    let mut means = Aligned([[0.0; STRIP + WIDEST]; 4]);
    let samples = (columns + TAPS - 1).next_multiple_of(L::COUNT);
    assert!(samples <= STRIP, "a strip");
    let mut total = 0.0;
    for y in 0..height {
        let [sums, differences] = &mut ring.0[y % TAPS];
        for x in (0..samples).step_by(L::COUNT) {
            source.prefetch(left + x, y + AHEAD);
            // SAFETY: the strip is within the picture, and reads end within a whole step.
            unsafe {
                let (sum, difference) = source.at::<L>(left + x, y);
                sum.store(sums.as_mut_ptr().add(x));
                difference.store(differences.as_mut_ptr().add(x));
            }
        }
        if y + 1 < TAPS {
            continue;
        }
        // The ring's oldest row comes next after the one just written.
        let rows: [_; TAPS] = from_fn(|tap| &ring.0[(y + 1 + tap) % TAPS]);
        // SAFETY: strips hold `samples` numbers.
        unsafe {
            filter_down::<L>(&rows, &mut means, samples, constants);
            total += f64::from(filter_across::<L>(&means, columns, constants, luminance));
        }
    }
    total
}

/// # Safety
/// As [`strip`].
#[inline(always)]
unsafe fn filter_down<L: SampleLanes>(
    rows: &[&[[f32; STRIP]; 2]; TAPS],
    means: &mut Means,
    samples: usize,
    constants: &Constants,
) {
    // SAFETY: strips hold `samples` numbers, whole steps of them.
    unsafe {
        for x in (0..samples).step_by(L::COUNT) {
            let mut sums = [L::splat(0.0); 4];
            for (row, &weight) in rows.iter().zip(&constants.weights) {
                let weight = L::splat(weight);
                let p = L::load(row[0].as_ptr().add(x));
                let q = L::load(row[1].as_ptr().add(x));
                let (wp, wq) = (p.mul(weight), q.mul(weight));
                sums[0] = sums[0].add(wp);
                sums[1] = sums[1].add(wq);
                sums[2] = wp.mul_add(p, sums[2]);
                sums[3] = wq.mul_add(q, sums[3]);
            }
            for (means, sum) in means.0.iter_mut().zip(sums) {
                sum.store(means.as_mut_ptr().add(x));
            }
        }
    }
}

/// # Safety
/// As [`strip`].
#[inline(always)]
unsafe fn filter_across<L: SampleLanes>(
    means: &Means,
    columns: usize,
    constants: &Constants,
    luminance: bool,
) -> f32 {
    // SAFETY: a mean's last window ends within the step after the strip.
    unsafe {
        let contrast = L::splat(constants.contrast);
        let mut total = L::splat(0.0);
        let mut last = 0.0;
        for x in (0..columns).step_by(L::COUNT) {
            let mut sums = [L::splat(0.0); 4];
            for (sum, means) in sums.iter_mut().zip(&means.0) {
                let windows = L::load_windows(means.as_ptr().add(x));
                for tap in 0..TAPS / 2 {
                    let both = windows[tap].add(windows[TAPS - 1 - tap]);
                    *sum = both.mul_add(L::splat(constants.weights[tap]), *sum);
                }
                *sum = windows[TAPS / 2].mul_add(L::splat(constants.weights[TAPS / 2]), *sum);
            }
            let [p, q, pp, qq] = sums;
            // Variances of the sum and of the difference: their sum is twice the pictures'
            // variances, their difference four times the covariance.
            let (vp, vq) = (pp.sub(p.mul(p)), qq.sub(q.mul(q)));
            let mut likeness = vp.sub(vq).add(contrast);
            let mut size = vp.add(vq).add(contrast);
            if luminance {
                let p = p.add(L::splat(constants.means[0]));
                let q = q.add(L::splat(constants.means[1]));
                let (p, q) = (p.mul(p), q.mul(q));
                let stabiliser = L::splat(constants.luminance);
                likeness = likeness.mul(p.sub(q).add(stabiliser));
                size = size.mul(p.add(q).add(stabiliser));
            }
            let similarity = likeness.div(size);
            if columns - x >= L::COUNT {
                total = total.add(similarity);
            } else {
                let mut lanes = [0.0; WIDEST];
                similarity.store(lanes.as_mut_ptr());
                last = lanes[..columns - x].iter().sum();
            }
        }
        let mut lanes = [0.0; WIDEST];
        total.store(lanes.as_mut_ptr());
        lanes.iter().sum::<f32>() + last
    }
}

/// The next scale: means of 2x2, the last of an odd count taken twice.
fn halve<S: Source>(isa: Isa, source: &S, out: &mut Scale) {
    match isa {
        // SAFETY: a scorer is only made for instructions that the processor has.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { halve_avx512(source, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { halve_avx2(source, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => unsafe { halve_neon(source, out) },
        isa => unreachable!("{isa} has no kernel of its own"),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn halve_avx512<S: Source>(source: &S, out: &mut Scale) {
    // SAFETY: the instructions are enabled here.
    unsafe { halve_rows::<S, std::arch::x86_64::__m512>(source, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn halve_avx2<S: Source>(source: &S, out: &mut Scale) {
    // SAFETY: the instructions are enabled here.
    unsafe { halve_rows::<S, std::arch::x86_64::__m256>(source, out) }
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon")]
fn halve_neon<S: Source>(source: &S, out: &mut Scale) {
    // SAFETY: the instructions are enabled here.
    unsafe { halve_rows::<S, std::arch::aarch64::float32x4_t>(source, out) }
}

/// # Safety
/// The processor has the lanes' instructions.
#[inline(always)]
unsafe fn halve_rows<S: Source, L: SampleLanes>(source: &S, out: &mut Scale) {
    let (width, height) = source.size();
    out.fit(width.div_ceil(2), height.div_ceil(2));
    let mut sums = [0.0; STRIP + 1];
    let mut differences = [0.0; STRIP + 1];
    for y in 0..out.height {
        let (upper, lower) = (2 * y, (2 * y + 1).min(height - 1));
        let row = y * out.stride..y * out.stride + out.width;
        let strips = out.sums[row.clone()]
            .chunks_mut(STRIP / 2)
            .zip(out.differences[row].chunks_mut(STRIP / 2));
        for (strip, (out_sums, out_differences)) in strips.enumerate() {
            let left = strip * STRIP;
            let columns = STRIP.min(width - left);
            for x in (0..columns).step_by(L::COUNT) {
                // SAFETY: within the picture, up to a whole step; strips hold whole steps.
                unsafe {
                    let quarter = L::splat(0.25);
                    let (p, q) = source.at::<L>(left + x, upper);
                    let (lower_p, lower_q) = source.at::<L>(left + x, lower);
                    p.add(lower_p).mul(quarter).store(sums.as_mut_ptr().add(x));
                    q.add(lower_q)
                        .mul(quarter)
                        .store(differences.as_mut_ptr().add(x));
                }
            }
            sums[columns] = sums[columns - 1];
            differences[columns] = differences[columns - 1];
            for (means, out) in [(&sums, out_sums), (&differences, out_differences)] {
                let pairs = means.as_chunks::<2>().0;
                for (out, [a, b]) in out.iter_mut().zip(pairs) {
                    *out = a + b;
                }
            }
        }
    }
}
