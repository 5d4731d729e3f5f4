//! How libav's pixel formats become ours.

use std::ffi::c_int;

use nervure_frame::{BitDepth, Chroma};

use super::{ffi, lossy};

/// Where one component of a pixel format lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// Which of the frame's planes.
    pub(super) plane: usize,
    /// Bytes from one sample to the next.
    pub(super) step: usize,
    /// Bytes from the start of the row to the first sample.
    pub(super) offset: usize,
    /// How far the value is shifted up.
    pub(super) shift: u32,
    /// Bits of the value.
    pub(super) depth: u32,
}

impl Component {
    /// Bytes that one sample is read from.
    pub(super) fn bytes(&self) -> usize {
        if self.depth + self.shift > 8 { 2 } else { 1 }
    }
}

/// How the samples are brought into our planes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Sample by sample: our subsampling, perhaps another layout or depth.
    Copy {
        /// Luma, and both chroma components unless the picture is grey.
        components: Vec<Component>,
        /// Samples of two bytes have the high one first.
        big_endian: bool,
    },
    /// Through swscale: RGB, palettes, and subsamplings that are not ours.
    Scale {
        /// libav's format with the planes of ours.
        to: ffi::AVPixelFormat,
    },
}

/// What a pixel format of libav's becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// libav's name.
    pub(crate) name: String,
    /// Our subsampling: never less chroma than is stored.
    pub(crate) chroma: Chroma,
    /// Our depth: ten bits for more than eight.
    pub(crate) depth: BitDepth,
    /// Samples are not exactly what is stored.
    pub(crate) converted: bool,
    /// The name itself says full range (`yuvj420p`).
    pub(super) full_range: bool,
    /// Red, green and blue, or a palette of them: becomes luma and chroma.
    pub(super) rgb: bool,
    pub(super) route: Route,
}

/// A number of libav's as a pixel format.
pub(super) fn pixel_format(format: c_int) -> ffi::AVPixelFormat {
    ffi::AVPixelFormat(format as _)
}

/// libav's name of a pixel format.
pub(crate) fn name(format: c_int) -> String {
    // SAFETY: takes any number, gives a static string or null.
    unsafe { lossy(ffi::av_get_pix_fmt_name(pixel_format(format))) }
        .unwrap_or_else(|| "an unknown pixel format".into())
}

/// Bits of a sample of the first component.
pub(super) fn bits(format: c_int) -> Option<u8> {
    // SAFETY: takes any number, gives a static descriptor or null.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(pixel_format(format)).as_ref()? };
    u8::try_from(descriptor.comp[0].depth).ok()
}

/// Bytes of a sample of luma, in formats that keep it in a plane of its own.
pub(super) fn luma_bytes(format: c_int) -> Option<usize> {
    // SAFETY: takes any number, gives a static descriptor or null.
    let descriptor = unsafe { ffi::av_pix_fmt_desc_get(pixel_format(format)).as_ref()? };
    let luma = &descriptor.comp[0];
    let bytes = if luma.depth + luma.shift > 8 { 2 } else { 1 };
    (luma.plane == 0 && luma.step == bytes).then_some(bytes as usize)
}

impl Pixels {
    /// Whether planes are stored as ours are, sample by sample.
    pub(crate) fn is_ours(&self) -> bool {
        let bits = match self.depth {
            BitDepth::Eight => 8,
            BitDepth::Ten => 10,
        };
        let Route::Copy {
            components,
            big_endian,
        } = &self.route
        else {
            return false;
        };
        let planes = components.iter().enumerate().all(|(number, it)| {
            it.plane == number
                && it.step == it.bytes()
                && (it.offset, it.shift, it.depth) == (0, 0, bits)
        });
        planes
            && components.len() == 3
            && !self.converted
            && *big_endian == cfg!(target_endian = "big")
    }

    /// What `format` becomes; none where neither we nor swscale can read it, as with frames in a
    /// graphics card's memory.
    pub(crate) fn of(format: c_int) -> Option<Self> {
        let format = pixel_format(format);
        // SAFETY: takes any number, gives a static descriptor or null.
        let descriptor = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref()? };
        // SAFETY: a static string.
        let name = unsafe { lossy(descriptor.name)? };
        let has = |flag: c_int| descriptor.flags & flag as u64 != 0;
        if has(ffi::AV_PIX_FMT_FLAG_HWACCEL) {
            return None;
        }
        let components = usize::from(descriptor.nb_components).min(4);
        let depth_bits = (0..components)
            .map(|component| descriptor.comp[component].depth)
            .max()?;
        let grey = components < 3 && !has(ffi::AV_PIX_FMT_FLAG_PAL);
        let rgb = !grey
            && (has(ffi::AV_PIX_FMT_FLAG_RGB)
                || has(ffi::AV_PIX_FMT_FLAG_PAL)
                || has(ffi::AV_PIX_FMT_FLAG_BAYER)
                || name.starts_with("xyz"));
        // A Bayer sample is a share of a pixel, and its descriptor counts bits accordingly.
        let deep_bayer = has(ffi::AV_PIX_FMT_FLAG_BAYER) && name.contains("16");
        let depth = if depth_bits > 8 || deep_bayer {
            BitDepth::Ten
        } else {
            BitDepth::Eight
        };
        let shift = (descriptor.log2_chroma_w, descriptor.log2_chroma_h);
        let exact = match shift {
            _ if grey => Some(Chroma::C420),
            _ if rgb => None,
            (1, 1) => Some(Chroma::C420),
            (1, 0) => Some(Chroma::C422),
            (0, 0) => Some(Chroma::C444),
            _ => None,
        };
        let plain = !has(ffi::AV_PIX_FMT_FLAG_BITSTREAM)
            && !has(ffi::AV_PIX_FMT_FLAG_FLOAT)
            && (0..components)
                .all(|component| (8..=16).contains(&descriptor.comp[component].depth));
        if let (Some(chroma), true) = (exact, plain) {
            let wanted = if grey { 1 } else { 3 };
            let list = descriptor.comp[..wanted]
                .iter()
                .map(|component| {
                    Some(Component {
                        plane: usize::try_from(component.plane).ok()?,
                        step: usize::try_from(component.step).ok()?,
                        offset: usize::try_from(component.offset).ok()?,
                        shift: u32::try_from(component.shift).ok()?,
                        depth: u32::try_from(component.depth).ok()?,
                    })
                })
                .collect::<Option<Vec<_>>>()?;
            return Some(Pixels {
                converted: grey || components > 3 || !matches!(depth_bits, 8 | 10),
                full_range: name.starts_with("yuvj"),
                name,
                chroma,
                depth,
                rgb: false,
                route: Route::Copy {
                    components: list,
                    big_endian: has(ffi::AV_PIX_FMT_FLAG_BE),
                },
            });
        }
        // SAFETY: takes any number.
        if unsafe { ffi::sws_isSupportedInput(format) } == 0 {
            return None;
        }
        let chroma = match shift {
            _ if grey => Chroma::C420,
            _ if rgb => Chroma::C444,
            (_, 0) if shift.0 > 0 => Chroma::C422,
            (0, _) => Chroma::C444,
            _ => Chroma::C420,
        };
        Some(Pixels {
            full_range: name.starts_with("yuvj"),
            name,
            chroma,
            depth,
            converted: true,
            rgb,
            route: Route::Scale {
                to: planar(chroma, depth),
            },
        })
    }
}

/// libav's format with exactly our planes.
pub(crate) fn planar(chroma: Chroma, depth: BitDepth) -> ffi::AVPixelFormat {
    use ffi::AVPixelFormat as Format;
    let little = cfg!(target_endian = "little");
    match (chroma, depth) {
        (Chroma::C420, BitDepth::Eight) => Format::YUV420P,
        (Chroma::C422, BitDepth::Eight) => Format::YUV422P,
        (Chroma::C444, BitDepth::Eight) => Format::YUV444P,
        (Chroma::C420, BitDepth::Ten) if little => Format::YUV420P10LE,
        (Chroma::C422, BitDepth::Ten) if little => Format::YUV422P10LE,
        (Chroma::C444, BitDepth::Ten) if little => Format::YUV444P10LE,
        (Chroma::C420, BitDepth::Ten) => Format::YUV420P10BE,
        (Chroma::C422, BitDepth::Ten) => Format::YUV422P10BE,
        (Chroma::C444, BitDepth::Ten) => Format::YUV444P10BE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;

    fn of(name: &str) -> Pixels {
        let name = CString::new(name).unwrap();
        // SAFETY: a string that outlives the call.
        let format = unsafe { ffi::av_get_pix_fmt(name.as_ptr()) };
        Pixels::of(format.0 as c_int).unwrap()
    }

    #[test]
    fn chroma_and_depth_are_never_lost() {
        use BitDepth::{Eight, Ten};
        use Chroma::{C420, C422, C444};
        for (name, chroma, depth, converted, scaled) in [
            ("yuv420p", C420, Eight, false, false),
            ("yuvj422p", C422, Eight, false, false),
            ("yuv444p10le", C444, Ten, false, false),
            ("yuv444p10be", C444, Ten, false, false),
            ("nv12", C420, Eight, false, false),
            ("p010le", C420, Ten, false, false),
            ("uyvy422", C422, Eight, false, false),
            ("yuv422p12le", C422, Ten, true, false),
            ("yuva444p", C444, Eight, true, false),
            ("gray", C420, Eight, true, false),
            ("gray10le", C420, Ten, true, false),
            ("ya8", C420, Eight, true, false),
            ("monow", C420, Eight, true, true),
            ("yuv411p", C422, Eight, true, true),
            ("yuv410p", C420, Eight, true, true),
            ("yuv440p", C444, Eight, true, true),
            ("yuv440p12le", C444, Ten, true, true),
            ("rgb24", C444, Eight, true, true),
            ("gbrp12le", C444, Ten, true, true),
            ("rgb565le", C444, Eight, true, true),
            ("pal8", C444, Eight, true, true),
            ("bayer_rggb16le", C444, Ten, true, true),
        ] {
            let pixels = of(name);
            assert_eq!((pixels.chroma, pixels.depth), (chroma, depth), "{name}");
            assert_eq!(pixels.converted, converted, "{name} converted");
            assert_eq!(
                matches!(pixels.route, Route::Scale { .. }),
                scaled,
                "{name} through swscale"
            );
        }
    }

    #[test]
    fn unreadable_formats_are_refused() {
        assert_eq!(Pixels::of(-1), None);
        assert_eq!(Pixels::of(ffi::AVPixelFormat::VAAPI.0 as c_int), None);
    }
}
