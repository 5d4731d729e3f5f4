//! The resamplers agree with swscale's accurate ones, wherever an `ffmpeg` command is at hand.

mod common;

use nervure_frame::{BitDepth, Chroma, ChromaLocation, PictureFormat, Plane};
use nervure_kernels::resample::{Filter, Pixel, Resampler, Scratch};

use common::{Raw, ffmpeg, pixels, planes};

fn psnr<T: Raw>(one: &Plane<T>, two: &Plane<T>, peak: f64) -> f64 {
    let pairs = one.rows().flatten().zip(two.rows().flatten());
    let squares = pairs.map(|(&a, &b)| f64::from((a.into() - b.into()).pow(2)));
    let samples = (one.width() * one.height()) as f64;
    10.0 * (peak * peak * samples / squares.sum::<f64>()).log10()
}

/// The lowest PSNR over the planes between our picture and swscale's; none without ffmpeg.
fn agreement<T: Raw + Pixel>(
    source: PictureFormat,
    target: PictureFormat,
    filter: Filter,
    location: ChromaLocation,
) -> Option<f64> {
    // Fine structure, hard edges, gradients and text.
    let scene = format!(
        "mandelbrot=size={w}x{h}:start_scale=0.02[m];testsrc2=size={w}x{h}[t];\
         [m][t]overlay=x={w}/2,format={pixels}",
        w = source.width,
        h = source.height,
        pixels = pixels(source),
    );
    let raw = ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            &scene,
            "-frames:v",
            "1",
            "-f",
            "rawvideo",
            "-",
        ],
        Vec::new(),
    )?;
    let chroma = match location {
        ChromaLocation::Left => ":in_h_chr_pos=0:out_h_chr_pos=0",
        _ => "",
    };
    let scale = format!(
        "scale={}x{}:flags={}+accurate_rnd+full_chroma_int{chroma}",
        target.width,
        target.height,
        match filter {
            Filter::Lanczos => "lanczos",
            Filter::Bicubic => "bicubic",
        },
    );
    let size = format!("{}x{}", source.width, source.height);
    let arguments = [
        "-f",
        "rawvideo",
        "-pix_fmt",
        pixels(source),
        "-s",
        &size,
        "-i",
        "-",
        "-vf",
        &scale,
        "-pix_fmt",
        pixels(target),
        "-f",
        "rawvideo",
        "-",
    ];
    let theirs = planes::<T>(target, &ffmpeg(&arguments, raw.clone())?);
    let mut scratch = Scratch::new();
    let sources = planes::<T>(source, &raw);
    let lowest = (0..3).map(|plane| {
        let plan = Resampler::for_plane(source, target, plane, filter, location);
        let (width, height) = plan.target();
        let mut ours = Plane::<T>::new(width, height);
        let stride = ours.stride();
        plan.run(
            &sources[plane],
            0..height,
            ours.data_mut(),
            stride,
            &mut scratch,
        );
        psnr(&ours, &theirs[plane], f64::from(source.depth.max()))
    });
    Some(lowest.fold(f64::INFINITY, f64::min))
}

#[test]
fn agrees_with_swscale() {
    use ChromaLocation::{Centre, Left};
    let eight = PictureFormat::new(320, 180, Chroma::C420, BitDepth::Eight);
    let full = PictureFormat {
        chroma: Chroma::C444,
        ..eight
    };
    let ten = PictureFormat {
        depth: BitDepth::Ten,
        ..eight
    };
    let cases = [
        (eight, (640, 360), Filter::Lanczos, Centre),
        (eight, (640, 360), Filter::Lanczos, Left),
        (eight, (960, 540), Filter::Lanczos, Centre),
        (eight, (480, 270), Filter::Lanczos, Centre),
        (eight, (160, 90), Filter::Lanczos, Left),
        (eight, (200, 300), Filter::Bicubic, Centre),
        (full, (401, 199), Filter::Lanczos, Centre),
        (ten, (640, 360), Filter::Lanczos, Centre),
        (ten, (480, 270), Filter::Bicubic, Left),
    ];
    for (source, (width, height), filter, location) in cases {
        let target = source.with_size(width, height);
        let psnr = match source.depth {
            BitDepth::Eight => agreement::<u8>(source, target, filter, location),
            BitDepth::Ten => agreement::<u16>(source, target, filter, location),
        };
        let Some(psnr) = psnr else {
            eprintln!("skipped: no ffmpeg command");
            return;
        };
        assert!(
            psnr >= 50.0,
            "{filter:?} {source} -> {target}, chroma {location:?}: {psnr:.2} dB"
        );
    }
}
