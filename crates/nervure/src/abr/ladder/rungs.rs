//! Ladders as people write them, and the usual ones.

use std::str::FromStr;

use anyhow::Result;
use nervure_abr::Kbps;
use nervure_frame::PictureFormat;

use crate::console::fail;

/// The size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Size {
    pub(super) fn of(format: PictureFormat) -> Size {
        Size {
            width: format.width,
            height: format.height,
        }
    }

    /// So many thirds or fourths of it, even as x264 needs it.
    fn share(self, (num, den): (usize, usize)) -> Size {
        let side = |side: usize| ((side * num + den) / (2 * den) * 2).clamp(2, side.max(3) & !1);
        Size {
            width: side(self.width),
            height: side(self.height),
        }
    }
}

/// A rate, and the size of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kbps: Kbps,
    pub(crate) size: Size,
}

/// A ladder, the lowest rate first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rungs(pub(crate) Vec<Step>);

/// The rates of the protocols P1 and P2, so that their videos and the usual tables fit each other.
const RATES: [u32; 6] = [300, 750, 1200, 1850, 2850, 4300];
const LARGE_RATES: [u32; 6] = [1000, 2500, 5000, 8000, 16_000, 40_000];

/// Above so many rows a video is a large one.
const LARGE: usize = 1080;

/// Of each side of the video.
const SHARES: [(usize, usize); 6] = [(1, 3), (1, 2), (1, 2), (3, 4), (1, 1), (1, 1)];

impl Rungs {
    /// What a video of this size is streamed at where nobody says.
    pub(super) fn usual(size: Size) -> Rungs {
        let rates = match size.width.min(size.height) > LARGE {
            true => LARGE_RATES,
            false => RATES,
        };
        let steps = rates.into_iter().zip(SHARES);
        let step = |(kbps, share)| Step {
            kbps: Kbps(kbps),
            size: size.share(share),
        };
        Rungs(steps.map(step).collect())
    }

    /// Refuses pictures that are larger than the video's, or that x264 does not take.
    pub(super) fn check(&self, video: Size) -> Result<()> {
        for Step { kbps, size } in &self.0 {
            let Size { width, height } = size;
            if *width > video.width || *height > video.height {
                return Err(fail(
                    format!(
                        "the rung {kbps}@{width}x{height} is larger than the video, which is {}x{}",
                        video.width, video.height
                    ),
                    "give rungs up to the video's size",
                ));
            }
        }
        Ok(())
    }
}

impl FromStr for Rungs {
    type Err = String;

    fn from_str(text: &str) -> Result<Rungs, String> {
        let steps = text.split(',').map(|part| {
            let step = || {
                let (kbps, size) = part.trim().split_once('@')?;
                let (width, height) = size.split_once('x')?;
                Some(Step {
                    kbps: Kbps(kbps.parse().ok()?),
                    size: Size {
                        width: width.parse().ok()?,
                        height: height.parse().ok()?,
                    },
                })
            };
            step().ok_or_else(|| format!("{part:?} is no rung"))
        });
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        if steps.len() > 32 {
            return Err(format!("{} rungs, more than 32", steps.len()));
        }
        if steps.windows(2).any(|pair| pair[1].kbps <= pair[0].kbps) {
            return Err("the rates of the rungs do not rise".into());
        }
        for Step { kbps, size } in &steps {
            if kbps.0 == 0 {
                return Err("a rung of 0 kbit/s".into());
            }
            if size.width < 16 || size.height < 16 || !(size.width | size.height).is_multiple_of(2)
            {
                return Err(format!(
                    "pictures of {}x{}: sides are even, and 16 at least",
                    size.width, size.height
                ));
            }
        }
        Ok(Rungs(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_are_read_as_people_write_them() {
        let Rungs(steps) = "300@416x234, 750@640x360".parse().unwrap();
        assert_eq!(steps.len(), 2);
        let (kbps, size) = (steps[1].kbps, steps[1].size);
        assert_eq!((kbps, size.width, size.height), (Kbps(750), 640, 360));
        for (text, wanted) in [
            ("", "is no rung"),
            ("300", "is no rung"),
            ("300@416", "is no rung"),
            ("fast@416x234", "is no rung"),
            ("750@640x360,300@416x234", "do not rise"),
            ("300@416x234,300@640x360", "do not rise"),
            ("0@416x234", "0 kbit/s"),
            ("300@417x234", "sides are even"),
            ("300@4x2", "16 at least"),
        ] {
            let told = text.parse::<Rungs>().unwrap_err();
            assert!(told.contains(wanted), "{told}");
        }
    }

    #[test]
    fn usual_ladders_are_those_of_the_protocols() {
        let of = |width, height| Rungs::usual(Size { width, height });
        let small = of(1280, 720);
        let text: Vec<String> = small
            .0
            .iter()
            .map(|it| format!("{}@{}x{}", it.kbps, it.size.width, it.size.height))
            .collect();
        assert_eq!(
            text.join(","),
            "300@426x240,750@640x360,1200@640x360,1850@960x540,2850@1280x720,4300@1280x720"
        );
        assert_eq!(of(3840, 2160).0[5].kbps, Kbps(40_000));
        for (width, height) in [(1281, 719), (99, 55), (720, 720)] {
            let rungs = of(width, height);
            rungs.check(Size { width, height }).unwrap();
            let even = |it: &Step| (it.size.width | it.size.height).is_multiple_of(2);
            assert!(rungs.0.iter().all(even), "{rungs:?}");
        }
        let told = small
            .check(Size {
                width: 640,
                height: 360,
            })
            .unwrap_err();
        assert!(
            told.to_string().contains("1850@960x540 is larger"),
            "{told}"
        );
    }
}
