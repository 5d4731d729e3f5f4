//! Details as the classical upscaler gives them, as the model does, and as they were.

use std::path::Path;

use anyhow::{Context, Result};
use nervure_frame::{Plane, metrics};
use nervure_media::draw::{Canvas, Light, Rgba, Sampling, Text, write_png};
use nervure_train::training::Sample;

/// Sides of a detail, and how much larger it is drawn.
const DETAIL: (usize, usize) = (160, 112);
const ZOOM: usize = 2;
const GAP: usize = 16;
const LABEL: usize = 30;

/// Draws a row for each sample.
pub(crate) fn write(path: &Path, samples: &[Sample]) -> Result<()> {
    if samples.is_empty() {
        return Ok(());
    }
    let (width, height) = (DETAIL.0 * ZOOM, DETAIL.1 * ZOOM);
    let size = (
        GAP + 3 * (width + GAP),
        LABEL + samples.len() * (height + LABEL) + GAP,
    );
    let mut sheet = Canvas::new(size.0, size.1, Light::Coded, Rgba::hex(0x14161c));
    let (heading, words) = (Text::new(18.0).bold(), Text::new(15.0));
    let (ink, faint) = (Rgba::hex(0xf0f2f6), Rgba::hex(0xa8afbd));
    let left = |column: usize| GAP + column * (width + GAP);
    for (column, name) in ["classical", "model", "original"].into_iter().enumerate() {
        sheet.text(left(column) as f32, 22.0, name, &heading, &ink);
    }
    for (row, sample) in samples.iter().enumerate() {
        let corner = where_they_differ(&sample.classical, &sample.model);
        let top = LABEL + row * (height + LABEL);
        let truth = cut(&sample.truth, corner);
        let columns = [&sample.classical, &sample.model, &sample.truth];
        for (column, picture) in columns.into_iter().enumerate() {
            let detail = cut(picture, corner);
            let from = (left(column) as f32, top as f32);
            let to = ((left(column) + width) as f32, (top + height) as f32);
            sheet.image(&canvas_of_luma(&detail), from, to, Sampling::Nearest);
            let label = match column {
                2 => format!("{}, {}", short(&sample.clip), sample.condition),
                _ => {
                    let error = metrics::squared_error(&truth, &detail) as f64;
                    let samples = (detail.width() * detail.height()) as f64;
                    format!(
                        "{:.2} dB in this detail",
                        metrics::psnr(error / samples, 255)
                    )
                }
            };
            sheet.text(from.0, to.1 + 19.0, &label, &words, &faint);
        }
    }
    write_png(&sheet, path).with_context(|| format!("cannot write {}", path.display()))
}

/// As much of a name as fits.
fn short(name: &str) -> &str {
    name.char_indices()
        .nth(24)
        .map_or(name, |(at, _)| &name[..at])
}

/// The corner of the detail in which two pictures differ most.
fn where_they_differ(one: &Plane<u8>, two: &Plane<u8>) -> (usize, usize) {
    let corners = (0..=one.height().saturating_sub(DETAIL.1))
        .step_by(16)
        .flat_map(|y| {
            (0..=one.width().saturating_sub(DETAIL.0))
                .step_by(16)
                .map(move |x| (x, y))
        });
    corners
        .max_by_key(|corner| metrics::squared_error(&cut(one, *corner), &cut(two, *corner)))
        .unwrap_or((0, 0))
}

fn cut(plane: &Plane<u8>, (x, y): (usize, usize)) -> Plane<u8> {
    let width = DETAIL.0.min(plane.width() - x);
    let height = DETAIL.1.min(plane.height() - y);
    let rows = (y..y + height).flat_map(|row| &plane.row(row)[x..x + width]);
    Plane::from_samples(width, height, &rows.copied().collect::<Vec<_>>())
}

fn canvas_of_luma(plane: &Plane<u8>) -> Canvas {
    let paper = Rgba::hex(0);
    let mut canvas = Canvas::new(plane.width(), plane.height(), Light::Coded, paper);
    for (row, from) in canvas.rows_mut().zip(plane.rows()) {
        for channel in [row.r, row.g, row.b] {
            for (to, code) in channel.iter_mut().zip(from) {
                *to = f32::from(*code) / 255.0;
            }
        }
    }
    canvas
}
