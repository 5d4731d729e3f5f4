//! What shapes are filled with.

use super::{Rgba, math};

/// A colour for every pixel.
pub trait Paint {
    /// The colour of the pixel in column `x` and row `y` of the picture.
    fn at(&self, x: usize, y: usize) -> Rgba;
}

impl Paint for Rgba {
    #[inline(always)]
    fn at(&self, _: usize, _: usize) -> Rgba {
        *self
    }
}

/// Colours computed from the centre of each pixel by a function.
#[derive(Clone, Copy, Debug)]
pub struct Shader<F>(pub F);

impl<F: Fn(f32, f32) -> Rgba> Paint for Shader<F> {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> Rgba {
        (self.0)(x as f32 + 0.5, y as f32 + 0.5)
    }
}

/// Colours along a way from 0 to 1, straight between stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp(Vec<(f32, Rgba)>);

impl Ramp {
    /// A ramp through `stops`, each a place and its colour, in rising order.
    ///
    /// # Panics
    /// When there is no stop.
    pub fn new(stops: &[(f32, Rgba)]) -> Ramp {
        assert!(!stops.is_empty(), "a ramp has at least one stop");
        Ramp(stops.to_vec())
    }

    /// The colour at `t`; that of the first or last stop beyond them.
    pub fn at(&self, t: f32) -> Rgba {
        let stops = &self.0;
        let next = stops.partition_point(|(place, _)| *place <= t);
        if next == 0 {
            return stops[0].1;
        }
        let (from, low) = stops[next - 1];
        match stops.get(next) {
            Some(&(to, high)) => low.mix(high, (t - from) / (to - from).max(1e-9)),
            None => low,
        }
    }
}

/// A ramp along a straight line.
#[derive(Clone, Debug)]
pub struct Linear {
    from: (f32, f32),
    /// The line divided by its squared length, so that a product gives the place on the ramp.
    along: (f32, f32),
    ramp: Ramp,
}

impl Linear {
    /// The ramp's 0 at `from`, its 1 at `to`.
    pub fn new(from: (f32, f32), to: (f32, f32), ramp: Ramp) -> Linear {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let squared = (dx * dx + dy * dy).max(1e-9);
        Linear {
            from,
            along: (dx / squared, dy / squared),
            ramp,
        }
    }
}

impl Paint for Linear {
    fn at(&self, x: usize, y: usize) -> Rgba {
        let (dx, dy) = (x as f32 + 0.5 - self.from.0, y as f32 + 0.5 - self.from.1);
        self.ramp.at(dx * self.along.0 + dy * self.along.1)
    }
}

/// A ramp outwards from a point.
#[derive(Clone, Debug)]
pub struct Radial {
    centre: (f32, f32),
    radius: (f32, f32),
    ramp: Ramp,
}

impl Radial {
    /// The ramp's 0 at `centre`, its 1 on the ellipse with the two radii.
    pub fn new(centre: (f32, f32), radius: (f32, f32), ramp: Ramp) -> Radial {
        Radial {
            centre,
            radius: (radius.0.max(1e-6), radius.1.max(1e-6)),
            ramp,
        }
    }
}

impl Paint for Radial {
    fn at(&self, x: usize, y: usize) -> Rgba {
        let dx = (x as f32 + 0.5 - self.centre.0) / self.radius.0;
        let dy = (y as f32 + 0.5 - self.centre.1) / self.radius.1;
        self.ramp.at((dx * dx + dy * dy).sqrt())
    }
}

/// A soft spot: full in the middle, gone at the radius, no corner anywhere.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// The middle.
    pub centre: (f32, f32),
    /// Half its width and height.
    pub radius: (f32, f32),
    /// The colour in the middle.
    pub colour: Rgba,
}

impl Paint for Spot {
    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> Rgba {
        let dx = (x as f32 + 0.5 - self.centre.0) / self.radius.0;
        let dy = (y as f32 + 0.5 - self.centre.1) / self.radius.1;
        let rest = (1.0 - dx * dx - dy * dy).max(0.0);
        self.colour.fade(rest * rest * math::mix(1.0, rest, 0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramps_hold_their_ends_and_mix_between() {
        let ramp = Ramp::new(&[(0.0, Rgba::BLACK), (0.5, Rgba::WHITE), (1.0, Rgba::BLACK)]);
        assert_eq!(ramp.at(-1.0), Rgba::BLACK);
        assert_eq!(ramp.at(0.25), Rgba::grey(0.5));
        assert_eq!(ramp.at(0.75), Rgba::grey(0.5));
        assert_eq!(ramp.at(2.0), Rgba::BLACK);
    }

    #[test]
    fn gradients_run_where_they_are_put() {
        let ramp = || Ramp::new(&[(0.0, Rgba::BLACK), (1.0, Rgba::WHITE)]);
        let linear = Linear::new((0.0, 0.0), (10.0, 0.0), ramp());
        assert!((linear.at(4, 90).r - 0.45).abs() < 1e-6);
        let radial = Radial::new((5.5, 5.5), (4.0, 2.0), ramp());
        assert!((radial.at(7, 5).r - 0.5).abs() < 1e-6);
        assert!((radial.at(5, 6).r - 0.5).abs() < 1e-6);
        let spot = Spot {
            centre: (5.5, 5.5),
            radius: (3.0, 3.0),
            colour: Rgba::WHITE,
        };
        assert_eq!(spot.at(5, 5), Rgba::WHITE);
        assert_eq!(spot.at(9, 5).a, 0.0);
    }
}
