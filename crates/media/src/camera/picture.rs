//! The image as it is sampled.

use nervure_frame::Frame;

use crate::draw::canvas_of;
use crate::draw::math::split;

/// Rows and columns repeated around the image: as far as the widest filter reaches.
const MARGIN: usize = 8;
/// Taps of a filter, in each direction.
const TAPS: usize = 8;
/// Places between two pixels for which a filter is kept.
const PHASES: usize = 256;
/// Image pixels to one of the clip beyond which the filter gets no wider: eight taps hold a cubic
/// of that width. Images are shrunk before they are filmed, so that the scale stays far below.
const WIDEST: f64 = 1.9;

/// Coded red, green and blue, with a margin.
pub(super) struct Picture {
    channels: [Vec<f32>; 3],
    pitch: usize,
    width: usize,
    height: usize,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// The filters of one scale, one for each place between two pixels.
pub(super) struct Lens(Vec<[f32; TAPS]>);

impl Picture {
    pub(super) fn of(image: &Frame) -> Picture {
        let canvas = canvas_of(image);
        let (width, height) = (canvas.width(), canvas.height());
        let pitch = width + 2 * MARGIN;
        let mut channels: [Vec<f32>; 3] =
            std::array::from_fn(|_| Vec::with_capacity(pitch * (height + 2 * MARGIN)));
        for y in 0..height + 2 * MARGIN {
            let row = canvas.row(y.saturating_sub(MARGIN).min(height - 1));
            for (channel, row) in channels.iter_mut().zip(row) {
                channel.extend([row[0]; MARGIN]);
                channel.extend_from_slice(row);
                channel.extend([row[width - 1]; MARGIN]);
            }
        }
        Picture {
            channels,
            pitch,
            width,
            height,
        }
    }

    /// The filters for `scale` image pixels to one of the clip.
    pub(super) fn lens(&self, scale: f64) -> Lens {
        let stretch = scale.clamp(1.0, WIDEST);
        let filter = |phase: usize| {
            let rest = (phase as f64 + 0.5) / PHASES as f64;
            let mut taps: [f64; TAPS] = std::array::from_fn(|tap| {
                cubic((tap as f64 - (TAPS / 2 - 1) as f64 - rest) / stretch)
            });
            let sum: f64 = taps.iter().sum();
            taps.iter_mut().for_each(|tap| *tap /= sum);
            taps.map(|tap| tap as f32)
        };
        Lens((0..PHASES).map(filter).collect())
    }

    /// Samples along a line from `start` (the pixel's middle, in pixels from the image's corner).
    pub(super) fn sample(
        &self,
        lens: &Lens,
        start: (f64, f64),
        step: (f64, f64),
        out: [&mut [f32]; 3],
    ) {
        let [red, green, blue] = out;
        let count = red.len();
        let (mut x, mut y) = (start.0 - 0.5, start.1 - 0.5);
        for i in 0..count {
            let (column, across) = split(x as f32);
            let (row, down) = split(y as f32);
            let column = column.clamp(0, self.width as i32 - 1) as usize + MARGIN + 1 - TAPS / 2;
            let row = row.clamp(0, self.height as i32 - 1) as usize + MARGIN + 1 - TAPS / 2;
            let phase = |rest: f32| &lens.0[((rest * PHASES as f32) as usize).min(PHASES - 1)];
            let (across, down) = (phase(across), phase(down));
            let origin = row * self.pitch + column;
            let value = |channel: &[f32]| -> f32 {
                let mut sums = [0.0; TAPS];
                for (tap, factor) in down.iter().enumerate() {
                    let line = &channel[origin + tap * self.pitch..][..TAPS];
                    for lane in 0..TAPS {
                        sums[lane] += factor * line[lane];
                    }
                }
                for lane in 0..TAPS {
                    sums[lane] *= across[lane];
                }
                let half: [f32; TAPS / 2] = std::array::from_fn(|i| sums[i] + sums[i + TAPS / 2]);
                (half[0] + half[2]) + (half[1] + half[3])
            };
            red[i] = value(&self.channels[0]);
            green[i] = value(&self.channels[1]);
            blue[i] = value(&self.channels[2]);
            x += step.0;
            y += step.1;
        }
    }
}

/// Catmull and Rom's cubic: as sharp as a filter of four taps gets without ringing much.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}
