//! Compression blur: faint detail goes, strong edges stay.
//!
//! At low rates an encoder keeps what moves its error most, and a deblocking filter smooths what
//! steps little: contrast decides what survives. The picture is split into two bands of detail and
//! a rest, as a wavelet without decimation; each band is kept as a Wiener filter would that takes
//! detail below a threshold for noise.

use nervure_frame::Plane;

use super::sheet::{MARGIN, Sheet, spread};
use super::{Level, Nominal};

/// Fraction bits of working values: with 8-bit samples 3, with 10-bit samples 1, so that a sum of
/// sixteen fits 15 bits.
const FRACTION: u32 = 3;

/// A whole in the tables of shares.
const WHOLE: i32 = 1 << 15;

/// Detail is summed over 9 samples; that many bits of the sum are not looked at.
const COARSE: u32 = 3;

/// Entries of a table: the largest sum there can be, and one more.
const ENTRIES: usize = ((9 * (255 << FRACTION)) >> COARSE) + 1;

#[derive(Debug)]
pub(super) struct Blur {
    /// Which share of the fine and of the coarse band goes, by how much of it there is around.
    loss: [Box<[i16; ENTRIES]>; 2],
    source: Sheet<i16>,
    fine: Sheet<i16>,
    coarse: Sheet<i16>,
    lines: [Vec<i16>; 3],
}

impl Blur {
    pub(super) fn new(strength: f32) -> Blur {
        // Coarse detail is worth more to an encoder: it goes later.
        let threshold = 6.0 * strength + 22.0 * strength * strength;
        Blur {
            loss: [losses(threshold), losses(0.55 * threshold)],
            source: Sheet::default(),
            fine: Sheet::default(),
            coarse: Sheet::default(),
            lines: Default::default(),
        }
    }

    pub(super) fn apply<T: Level>(&mut self, plane: &mut Plane<T>, nominal: Nominal) {
        let bits = FRACTION - T::EXTRA_BITS;
        self.source.copy(plane, |value| (value << bits) as i16);
        let (width, height) = (plane.width(), plane.height());
        let wide = width + 2 * MARGIN;
        for line in &mut self.lines {
            line.resize(wide, 0);
        }
        smooth(&self.source, &mut self.fine, 1, height, &mut self.lines[0]);
        smooth(&self.fine, &mut self.coarse, 2, height, &mut self.lines[0]);
        let [sums, first, second] = &mut self.lines;
        let [fine_loss, coarse_loss] = &self.loss;
        for (y, row) in plane.rows_mut().enumerate() {
            let at = y as isize;
            amount(&self.source, &self.fine, at, sums, first);
            amount(&self.fine, &self.coarse, at, sums, second);
            let (source, fine) = (&self.source.row(at)[..width], &self.fine.row(at)[..width]);
            let coarse = &self.coarse.row(at)[..width];
            let (first, second) = (&first[..width], &second[..width]);
            for (x, sample) in row[..width].iter_mut().enumerate() {
                let loss = |table: &[i16; ENTRIES], amount: i16| -> i32 {
                    i32::from(table[(amount as usize).min(ENTRIES - 1)])
                };
                let value = i32::from(source[x]);
                let detail = value - i32::from(fine[x]);
                let larger = i32::from(fine[x]) - i32::from(coarse[x]);
                let gone =
                    detail * loss(fine_loss, first[x]) + larger * loss(coarse_loss, second[x]);
                // In units of the working value; rounded once, at the end.
                let kept = (value << 15) - gone;
                let half = 1 << (14 + bits);
                let was = sample.value();
                *sample = T::level(nominal.hold((kept + half) >> (15 + bits), was));
            }
        }
    }
}

/// The share that goes for each amount of detail: all of what is far below `threshold` (in 8-bit
/// levels), none of what is far above.
fn losses(threshold: f32) -> Box<[i16; ENTRIES]> {
    let limit = threshold * threshold;
    Box::new(std::array::from_fn(|entry| {
        let sum = (entry << COARSE) as f32 + 0.5 * (1 << COARSE) as f32;
        let mean = sum / (9 << FRACTION) as f32;
        ((limit / (mean * mean + limit)) * (WHOLE - 1) as f32) as i16
    }))
}

/// The binomial filter 1 4 6 4 1 in both directions, its taps `step` samples apart.
fn smooth(from: &Sheet<i16>, to: &mut Sheet<i16>, step: usize, height: usize, line: &mut [i16]) {
    let width = line.len() - 2 * MARGIN;
    to.shape(width, height);
    #[inline(always)]
    fn mean(a: i16, b: i16, c: i16, d: i16, e: i16) -> i16 {
        (((a + e) + 4 * (b + d) + 6 * c) + 8) >> 4
    }
    #[inline(never)] // Five slices of one known length: so the loop is always vectorised.
    fn filter([a, b, c, d, e]: [&[i16]; 5], out: &mut [i16]) {
        let count = out.len();
        let (a, b, c) = (&a[..count], &b[..count], &c[..count]);
        let (d, e) = (&d[..count], &e[..count]);
        for x in 0..count {
            out[x] = mean(a[x], b[x], c[x], d[x], e[x]);
        }
    }
    for y in 0..height {
        let rows =
            std::array::from_fn(|tap| from.row(y as isize + (tap as isize - 2) * step as isize));
        filter(rows, &mut line[MARGIN..MARGIN + width]);
        spread(line);
        let taps = std::array::from_fn(|tap| &line[MARGIN + tap * step - 2 * step..][..width]);
        filter(taps, to.row_mut(y));
        to.spread(y);
    }
}

/// Where in the tables it stands how much two sheets differ around each sample of a row.
fn amount(one: &Sheet<i16>, two: &Sheet<i16>, y: isize, sums: &mut [i16], out: &mut [i16]) {
    let count = sums.len();
    sums.fill(0);
    for y in y - 1..=y + 1 {
        let (one, two) = (&one.wide(y)[..count], &two.wide(y)[..count]);
        for ((sum, one), two) in sums.iter_mut().zip(one).zip(two) {
            *sum += (one - two).abs();
        }
    }
    let width = count - 2 * MARGIN;
    let (left, right) = (&sums[MARGIN - 1..][..width], &sums[MARGIN + 1..][..width]);
    let middle = &sums[MARGIN..][..width];
    for (x, amount) in out[..width].iter_mut().enumerate() {
        *amount = (left[x] + middle[x] + right[x]) >> COARSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_detail_goes_and_much_stays() {
        let losses = losses(8.0);
        assert!(losses.windows(2).all(|pair| pair[0] >= pair[1]));
        assert!(f32::from(losses[0]) > 0.99 * WHOLE as f32);
        assert!(f32::from(losses[ENTRIES - 1]) < 0.01 * WHOLE as f32);
    }
}
