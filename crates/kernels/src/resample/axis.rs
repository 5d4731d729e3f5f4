//! Which source samples make a target sample, and how much of each: one direction's filter bank.

use super::Filter;

/// Bits of a coefficient's fraction: the coefficients of a target sample sum to `1 << 14`, so that
/// flat areas stay exactly flat.
pub(crate) const COEFFICIENT_BITS: u32 = 14;

/// The filters of one direction. Target sample `x` is the sum of the source samples from
/// `start(x)` on, each times its coefficient; samples beyond an edge equal the one at the edge.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// Source samples in this direction.
    pub(crate) source: usize,
    /// Target samples in this direction.
    pub(crate) target: usize,
    /// Coefficients of a target sample; even, since vector units multiply in pairs.
    pub(crate) taps: usize,
    /// Filters repeat after this many target samples...
    pub(crate) phases: usize,
    /// ...which is this many source samples further on.
    pub(crate) advance: usize,
    starts: Vec<isize>,
    coefficients: Vec<i16>,
}

impl Axis {
    /// Filters that take `source` samples to `target`, where a target sample is `ratio.0 / ratio.1`
    /// source samples wide and the target's whole grid sits `shift` source samples further right
    /// than if the pictures' left edges met.
    pub(crate) fn new(
        source: usize,
        target: usize,
        ratio: (usize, usize),
        filter: Filter,
        shift: f64,
    ) -> Axis {
        let common = gcd(ratio.0, ratio.1);
        let (num, den) = (ratio.0 / common, ratio.1 / common);
        let phases = den.min(target);
        // Shifts past the whole picture show its edge, as a shift of its width does.
        let limit = source as f64;
        let shift = shift.clamp(-limit, limit);

        let scale = (num as f64 / den as f64).max(1.0);
        let support = filter.radius() * scale;
        let taps = (2.0 * support).ceil() as usize;
        let mut starts = Vec::with_capacity(phases);
        let mut coefficients = Vec::with_capacity(phases * taps);
        let mut weights = vec![0.0; taps];
        for phase in 0..phases {
            // The middle of the target sample on the source's grid, (phase + 1/2) ratio - 1/2, in
            // whole samples and a fraction: exact, so that equal phases get equal filters.
            let double = (2 * phase as i128 + 1) * num as i128 - den as i128;
            let whole = double.div_euclid(2 * den as i128) as isize;
            let fraction = double.rem_euclid(2 * den as i128) as f64 / (2 * den) as f64;
            let middle = fraction + shift;
            let first = (middle - support).floor() as isize + 1;
            for (tap, weight) in weights.iter_mut().enumerate() {
                *weight = filter.at(((first + tap as isize) as f64 - middle) / scale);
            }
            starts.push(whole + first);
            quantise(&weights, &mut coefficients);
        }
        let mut axis = Axis {
            source,
            target,
            taps,
            phases,
            advance: num,
            starts,
            coefficients,
        };
        axis.drop_idle_taps();
        axis
    }

    /// The first source sample of target sample `x`; it and those after it may lie outside.
    pub(crate) fn start(&self, x: usize) -> isize {
        self.starts[x % self.phases] + (x / self.phases * self.advance) as isize
    }

    /// The coefficients of target sample `x`.
    pub(crate) fn coefficients(&self, x: usize) -> &[i16] {
        &self.coefficients[x % self.phases * self.taps..][..self.taps]
    }

    /// Samples that the filters reach beyond the left and the right edge.
    pub(crate) fn overhang(&self) -> (usize, usize) {
        // Starts grow with x, so the outermost filters reach furthest.
        let left = self.start(0).min(0).unsigned_abs();
        let right = self.start(self.target - 1) + self.taps as isize - self.source as isize;
        (left, right.max(0) as usize)
    }

    /// Drops taps that are zero in every phase, down to an even count.
    fn drop_idle_taps(&mut self) {
        let used = |tap: usize| self.coefficients.iter().skip(tap).step_by(self.taps);
        let idle = |tap: &usize| used(*tap).all(|&c| c == 0);
        let leading = (0..self.taps).take_while(idle).count();
        let trailing = (0..self.taps).rev().take_while(idle).count();
        let taps = self.taps - leading - trailing;
        let even = taps.next_multiple_of(2);
        let mut coefficients = Vec::with_capacity(self.phases * even);
        for old in self.coefficients.chunks_exact(self.taps) {
            coefficients.extend_from_slice(&old[leading..leading + taps]);
            coefficients.extend(std::iter::repeat_n(0, even - taps));
        }
        for start in &mut self.starts {
            *start += leading as isize;
        }
        self.taps = even;
        self.coefficients = coefficients;
    }
}

/// Appends the weights as integers that sum to exactly `1 << COEFFICIENT_BITS`, each within one of
/// its true value: those that rounding down wronged most are rounded up.
fn quantise(weights: &[f64], coefficients: &mut Vec<i16>) {
    let one = f64::from(1 << COEFFICIENT_BITS);
    let sum: f64 = weights.iter().sum();
    let first = coefficients.len();
    let scaled = weights.iter().map(|weight| weight / sum * one);
    coefficients.extend(scaled.clone().map(|value| value.floor() as i16));
    let kept: i32 = coefficients[first..].iter().map(|&c| i32::from(c)).sum();
    let missing = ((1 << COEFFICIENT_BITS) - kept).max(0) as usize;
    let remainders: Vec<f64> = scaled.map(|value| value - value.floor()).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let rank = |tap: &usize| (remainders[*tap], weights[*tap].abs());
    order.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).expect("weights are finite"));
    for &tap in order.iter().cycle().take(missing) {
        coefficients[first + tap] += 1;
    }
}

/// The greatest common divisor.
pub(super) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanczos(source: usize, target: usize, shift: f64) -> Axis {
        Axis::new(source, target, (source, target), Filter::Lanczos, shift)
    }

    #[test]
    fn filters_sum_to_one_and_lie_around_their_sample() {
        for filter in [Filter::Lanczos, Filter::Bicubic] {
            for (source, target) in [(1, 1), (1, 7), (9, 1), (64, 129), (1000, 33), (4000, 2)] {
                for shift in [0.0, 0.125, -0.25] {
                    let axis = Axis::new(source, target, (source, target), filter, shift);
                    for x in 0..target {
                        let sum: i32 = axis.coefficients(x).iter().map(|&c| i32::from(c)).sum();
                        assert_eq!(sum, 1 << 14);
                        let middle = (x as f64 + 0.5) * source as f64 / target as f64 + shift - 0.5;
                        let off = axis.start(x) as f64 + (axis.taps as f64 - 1.0) / 2.0 - middle;
                        assert!(off.abs() <= 1.5, "{source}->{target} at {x}: {off}");
                    }
                }
            }
        }
    }

    #[test]
    fn doubling_has_two_mirrored_filters_of_six_taps() {
        let axis = lanczos(960, 1920, 0.0);
        assert_eq!((axis.phases, axis.advance, axis.taps), (2, 1, 6));
        assert_eq!((axis.start(0), axis.start(1), axis.start(2)), (-3, -2, -2));
        let mut mirrored = axis.coefficients(1).to_vec();
        mirrored.reverse();
        assert_eq!(axis.coefficients(0), mirrored);
        assert_eq!(axis.overhang(), (3, 3));
    }

    #[test]
    fn an_unmoved_axis_copies() {
        let axis = lanczos(100, 100, 0.0);
        assert_eq!((axis.phases, axis.taps), (1, 2));
        assert_eq!(axis.coefficients(42), [1 << 14, 0]);
        assert_eq!(axis.start(42), 42);
    }

    #[test]
    fn a_wild_shift_stays_at_the_edge() {
        let axis = lanczos(10, 20, 1e300);
        assert!(axis.start(0) >= 10 - 3);
        assert!(axis.overhang().1 < 40);
    }
}
