//! The same details as they were sent, as they were enhanced, and as they were.

use std::path::Path;

use anyhow::{Context, Result};
use nervure_frame::{Frame, Plane, metrics};
use nervure_media::draw::{Canvas, Light, Rgba, Sampling, Text, canvas_of, write_png};
use nervure_media::{Input, OpenOptions, Reader};

/// Size of a detail in samples of the original; what was sent has half as many.
const DETAIL: (usize, usize) = (160, 112);
/// How much larger it is drawn.
const ZOOM: usize = 2;
const GAP: usize = 16;
const LABEL: usize = 30;

/// Where in the sample to look, as shares of its frames: inside the first, third and fifth scene.
const MOMENTS: [f64; 3] = [1.0 / 12.0, 5.0 / 12.0, 9.0 / 12.0];

/// Draws a row for each moment, with a column for each video: sent, enhanced, original.
pub(super) fn write(path: &Path, videos: [&Path; 3]) -> Result<()> {
    let mut shots = Vec::new();
    for video in videos {
        shots.push(frames(video)?);
    }
    let (width, height) = (DETAIL.0 * ZOOM, DETAIL.1 * ZOOM);
    let rows = MOMENTS.len();
    let paper = Rgba::hex(0x14161c);
    let mut sheet = Canvas::new(
        GAP + 3 * (width + GAP),
        LABEL + rows * (height + LABEL) + GAP,
        Light::Coded,
        paper,
    );
    let (heading, note) = (Text::new(18.0).bold(), Text::new(15.0));
    let (ink, faint) = (Rgba::hex(0xf0f2f6), Rgba::hex(0xa8afbd));
    for (column, name) in ["sent", "enhanced", "original"].into_iter().enumerate() {
        sheet.text(
            (GAP + column * (width + GAP)) as f32,
            22.0,
            name,
            &heading,
            &ink,
        );
    }
    for row in 0..rows {
        let original = &shots[2][row];
        let (x, y) = busiest(original);
        let top = LABEL + row * (height + LABEL);
        for (column, shot) in shots.iter().enumerate() {
            let frame = &shot[row];
            // What was sent is shown as it is: each sample as a square.
            let part = if column == 0 { 2 } else { 1 };
            let detail =
                canvas_of(frame).crop(x / part, y / part, DETAIL.0 / part, DETAIL.1 / part);
            let left = GAP + column * (width + GAP);
            let corner = ((left + width) as f32, (top + height) as f32);
            sheet.image(
                &detail,
                (left as f32, top as f32),
                corner,
                Sampling::Nearest,
            );
            let label = match column {
                0 => format!("{}x{}", frame.format().width, frame.format().height),
                1 => format!(
                    "{:.2} dB PSNR-Y in this detail",
                    likeness(frame, original, (x, y))?
                ),
                _ => String::new(),
            };
            sheet.text(left as f32, corner.1 + 19.0, &label, &note, &faint);
        }
    }
    write_png(&sheet, path).with_context(|| format!("cannot write {}", path.display()))
}

/// The frames at the moments to look at.
fn frames(path: &Path) -> Result<Vec<Frame>> {
    let input = Input::Path(path.into());
    let count = {
        let mut reader = Reader::open(&input, &OpenOptions::default())?;
        let mut count = 0usize;
        while reader.next()?.is_some() {
            count += 1;
        }
        count
    };
    let mut reader = Reader::open(&input, &OpenOptions::default())?;
    let mut index = 0;
    let mut found = Vec::new();
    while let Some(frame) = reader.next()? {
        if found.len() < MOMENTS.len() && index == (MOMENTS[found.len()] * count as f64) as usize {
            found.push(frame);
        }
        index += 1;
    }
    anyhow::ensure!(
        found.len() == MOMENTS.len(),
        "{} is too short to show",
        path.display()
    );
    Ok(found)
}

/// The top left corner, even in both directions, of the detail with the most edges.
fn busiest(frame: &Frame) -> (usize, usize) {
    let Some([luma, ..]) = frame.planes.eight() else {
        return (0, 0);
    };
    let corners = (0..luma.height().saturating_sub(DETAIL.1))
        .step_by(16)
        .flat_map(|y| {
            (0..luma.width().saturating_sub(DETAIL.0))
                .step_by(16)
                .map(move |x| (x, y))
        });
    corners
        .max_by_key(|corner| edges(luma, *corner))
        .unwrap_or((0, 0))
}

/// How much neighbours differ in a detail.
fn edges(luma: &Plane<u8>, (x, y): (usize, usize)) -> u64 {
    let rows = (y..y + DETAIL.1).step_by(4);
    rows.map(|row| {
        let samples = &luma.row(row)[x..x + DETAIL.0];
        samples
            .windows(2)
            .map(|pair| u64::from(pair[0].abs_diff(pair[1]).min(48)))
            .sum::<u64>()
    })
    .sum()
}

/// PSNR of luma within a detail.
fn likeness(frame: &Frame, original: &Frame, corner: (usize, usize)) -> Result<f64> {
    let (Some([a, ..]), Some([b, ..])) = (frame.planes.eight(), original.planes.eight()) else {
        anyhow::bail!("the demo is in 8 bits");
    };
    let cut = |plane: &Plane<u8>| {
        let rows =
            (corner.1..corner.1 + DETAIL.1).flat_map(|y| &plane.row(y)[corner.0..][..DETAIL.0]);
        Plane::from_samples(DETAIL.0, DETAIL.1, &rows.copied().collect::<Vec<_>>())
    };
    let error = metrics::squared_error(&cut(a), &cut(b)) as f64;
    Ok(metrics::psnr(error / (DETAIL.0 * DETAIL.1) as f64, 255))
}
