//! Where the camera looks at each moment.

use crate::draw::math::sin_cos_turns;
use crate::scenes::noise::Dice;
use crate::scenes::wave;

/// The farthest turn to either side, in turns: 2.5 degrees.
const TURN: f64 = 2.5 / 360.0;
/// How much of the widest possible view the closest and the widest one take.
const ZOOM: (f64, f64) = (0.76, 0.97);

/// Smooth motion without an end: sums of slow waves.
#[derive(Clone, Debug)]
pub(super) struct CameraPath {
    view: (f64, f64),
    image: (f64, f64),
    across: Sway,
    down: Sway,
    zoom: Sway,
    turn: Sway,
}

/// A number that wanders between -1 and 1.
#[derive(Clone, Debug)]
struct Sway {
    /// A slow wave that carries the motion, and a small faster one, as of a hand: cycles a second
    /// and phase.
    slow: (f64, f64),
    fast: (f64, f64),
}

impl Sway {
    fn new(dice: &mut Dice, slow: (f32, f32)) -> Sway {
        let mut wave = |(low, high)| (f64::from(dice.within(low, high)), f64::from(dice.unit()));
        Sway {
            slow: wave(slow),
            fast: wave((0.2, 0.4)),
        }
    }

    fn at(&self, seconds: f64) -> f64 {
        let part = |(rate, phase): (f64, f64)| f64::from(wave(rate * seconds + phase));
        // The series behind the sine may exceed one by its last digits.
        (0.93 * part(self.slow) + 0.07 * part(self.fast)).clamp(-1.0, 1.0)
    }
}

/// What the camera sees at one moment, in pixels of the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// The middle.
    centre: (f64, f64),
    /// Image pixels for one of the clip.
    pub(super) scale: f64,
    sine: f64,
    cosine: f64,
}

impl CameraPath {
    pub(super) fn new(seed: u64, view: (usize, usize), image: (usize, usize)) -> CameraPath {
        let mut dice = Dice::new(seed, "camera");
        CameraPath {
            view: (view.0 as f64, view.1 as f64),
            image: (image.0 as f64, image.1 as f64),
            across: Sway::new(&mut dice, (0.05, 0.13)),
            down: Sway::new(&mut dice, (0.04, 0.10)),
            zoom: Sway::new(&mut dice, (0.04, 0.10)),
            turn: Sway::new(&mut dice, (0.03, 0.09)),
        }
    }

    /// Half of the width and height that the view covers at scale 1 when it is turned farthest.
    /// Taken for every turn: what a lesser one would win is little, and following it would put a
    /// kink into the motion wherever the camera is level.
    fn reach(&self) -> (f64, f64) {
        let (w, h) = self.view;
        let (sine, cosine) = sin_cos_turns(TURN as f32);
        let (sine, cosine) = (f64::from(sine), f64::from(cosine));
        // A view that is not turned covers all of its length.
        (
            0.5 * (w * cosine + h * sine).max(w),
            0.5 * (h * cosine + w * sine).max(h),
        )
    }

    /// The widest scale at which a turned view still lies within the image.
    fn widest(&self) -> f64 {
        let reach = self.reach();
        (0.5 * self.image.0 / reach.0).min(0.5 * self.image.1 / reach.1)
    }

    /// The smallest scale there can be on the path.
    pub(super) fn closest(&self) -> f64 {
        ZOOM.0 * self.widest()
    }

    pub(super) fn view(&self, seconds: f64) -> View {
        let (sine, cosine) = sin_cos_turns((TURN * self.turn.at(seconds)) as f32);
        let zoom = 0.5 * (ZOOM.0 + ZOOM.1) + 0.5 * (ZOOM.1 - ZOOM.0) * self.zoom.at(seconds);
        let scale = zoom * self.widest();
        let reach = self.reach();
        // The middle wanders where the whole view stays inside.
        let place = |length: f64, reach: f64, sway: &Sway| {
            let room = (0.5 * length - scale * reach).max(0.0);
            0.5 * length + room * sway.at(seconds)
        };
        View {
            centre: (
                place(self.image.0, reach.0, &self.across),
                place(self.image.1, reach.1, &self.down),
            ),
            scale,
            sine: f64::from(sine),
            cosine: f64::from(cosine),
        }
    }
}

impl View {
    /// Where the first pixel's middle of row `y` of a clip of `size` lies in the image, and how far
    /// it is to the next.
    pub(super) fn line(&self, y: usize, size: (usize, usize)) -> ((f64, f64), (f64, f64)) {
        self.line_at(0.5, y as f64 + 0.5, size)
    }

    fn line_at(&self, x: f64, y: f64, size: (usize, usize)) -> ((f64, f64), (f64, f64)) {
        let (dx, dy) = (x - 0.5 * size.0 as f64, y - 0.5 * size.1 as f64);
        let (across, down) = (self.scale * self.cosine, self.scale * self.sine);
        (
            (
                self.centre.0 + across * dx - down * dy,
                self.centre.1 + down * dx + across * dy,
            ),
            (across, down),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: (usize, usize) = (640, 360);

    fn corners(path: &CameraPath, seconds: f64) -> [(f64, f64); 4] {
        let view = path.view(seconds);
        let (w, h) = (VIEW.0 as f64, VIEW.1 as f64);
        [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)].map(|(x, y)| view.line_at(x, y, VIEW).0)
    }

    #[test]
    fn the_view_never_leaves_the_image() {
        for (seed, image) in [
            (1, (800, 450)),
            (2, (640, 360)),
            (3, (3000, 400)),
            (4, (700, 4000)),
        ] {
            let path = CameraPath::new(seed, VIEW, image);
            for moment in 0..4000 {
                let seconds = f64::from(moment) * 0.11;
                for (x, y) in corners(&path, seconds) {
                    assert!((-1e-6..=image.0 as f64 + 1e-6).contains(&x), "{seed} {x}");
                    assert!((-1e-6..=image.1 as f64 + 1e-6).contains(&y), "{seed} {y}");
                }
                assert!(path.view(seconds).scale >= path.closest() - 1e-9);
            }
        }
    }

    #[test]
    fn the_camera_moves_and_moves_smoothly() {
        for seed in 0..20 {
            let path = CameraPath::new(seed, VIEW, (800, 450));
            let places: Vec<_> = (0..250)
                .map(|i| corners(&path, f64::from(i) / 25.0)[0])
                .collect();
            let step = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
            let steps: Vec<_> = places.windows(2).map(step).collect();
            let far = steps.iter().map(|(x, y)| x.hypot(*y)).fold(0.0, f64::max);
            assert!(far > 0.3 && far < 6.0, "seed {seed}: {far} pixels a frame");
            let jerk = steps
                .windows(2)
                .map(step)
                .map(|(x, y)| x.hypot(y))
                .fold(0.0, f64::max);
            assert!(jerk < 0.4, "seed {seed}: {jerk}");
        }
    }
}
