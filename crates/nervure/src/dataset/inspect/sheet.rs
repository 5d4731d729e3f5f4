//! A sheet of pairs: what arrived, what it should be, and where it was damaged.

use std::fs;
use std::path::Path;
use std::process;

use anyhow::{Context, Result};
use nervure_dataset::inspect::{Shown, asked, damaged_frames, show};
use nervure_dataset::manifest::{ClipRecord, Layout, Manifest};
use nervure_dataset::picture::Picture;
use nervure_dataset::store::Store;
use nervure_frame::{LossMask, MACROBLOCK, Plane};
use nervure_kernels::resample::{Filter, Resampler, Scratch};
use nervure_media::draw::{Canvas, Light, Rgba, Sampling, Text, write_png};

use crate::output::Pending;

/// Width of a panel; there are three in a row.
const WIDTH: usize = 480;
/// A panel of a tall picture is no higher than this.
const TALLEST: usize = 400;
const GAP: usize = 16;
const HEADING: usize = 44;
const CAPTION: usize = 58;
/// From this width on a detail is shown pixel by pixel; smaller pictures are shown twice as large.
const LARGE: usize = 1280;

const PAPER: u32 = 0x14161c;
const INK: u32 = 0xf0f2f6;
const FAINT: u32 = 0xa8afbd;
const RED: u32 = 0xff3b30;

/// A clip on the sheet.
struct Pick<'a> {
    layout: Layout,
    clip: &'a ClipRecord,
}

/// Draws pairs of so many clips, of every codec and rate in turn.
pub(super) fn write(store: &Store, manifests: &[Manifest], rows: usize, path: &Path) -> Result<()> {
    let picks = pick(manifests, rows);
    let masks = match picks.iter().any(|pick| pick.layout == Layout::Png) {
        true => store.list("mask")?,
        false => Vec::new(),
    };
    let height = picks.first().map_or(WIDTH / 2, |pick| {
        let size = pick.clip.hr;
        (WIDTH * size.height / size.width.max(1)).clamp(WIDTH / 8, TALLEST)
    });
    let pitch = height + CAPTION + GAP;
    let mut sheet = Canvas::new(
        GAP + 3 * (WIDTH + GAP),
        HEADING + picks.len() * pitch,
        Light::Coded,
        Rgba::hex(PAPER),
    );
    let headings = [
        "low resolution, enlarged by Lanczos; red where data was lost",
        "detail, enlarged by Lanczos",
        "detail, high resolution",
    ];
    for (column, heading) in headings.into_iter().enumerate() {
        let text = Text::new(16.0).bold();
        sheet.text(left(column), 28.0, heading, &text, &Rgba::hex(FAINT));
    }
    let scratch = store.staging().join(format!("inspect-{}", process::id()));
    let drawn = picks.iter().enumerate().try_for_each(|(row, pick)| {
        let clip = pick.clip;
        let damaged = damaged_frames(store, pick.layout, clip, &masks, &scratch)?;
        let index = match damaged.get(damaged.len() / 2) {
            Some(index) => *index,
            None => clip.frames / 2,
        };
        let shown = show(store, pick.layout, clip, index, &scratch)?;
        if store.folder().is_none() {
            // Clips are large, and this machine's disk may not be.
            let _ = fs::remove_dir_all(&scratch);
        }
        let top = HEADING + row * pitch;
        panels(&mut sheet, &shown, top, height);
        caption(&mut sheet, clip, index, &shown, (top + height) as f32);
        anyhow::Ok(())
    });
    // It is there only where clips were fetched from afar.
    let _ = fs::remove_dir_all(&scratch);
    drawn?;
    let pending = Pending::new(path);
    write_png(&sheet, pending.part())
        .with_context(|| format!("cannot write {}", path.display()))?;
    pending.finish()
}

/// Clips of every codec and rate in turn, spread over each one's sources.
fn pick(manifests: &[Manifest], rows: usize) -> Vec<Pick<'_>> {
    let mut groups: Vec<(String, Vec<Pick<'_>>)> = Vec::new();
    for manifest in manifests {
        for clip in &manifest.clips {
            let key = format!("{} {}", clip.codec, asked(clip));
            let pick = Pick {
                layout: manifest.header.layout,
                clip,
            };
            match groups.iter_mut().find(|(name, _)| *name == key) {
                Some((_, picks)) => picks.push(pick),
                None => groups.push((key, vec![pick])),
            }
        }
    }
    let mut picked = Vec::new();
    let count = groups.len();
    // Of few rows, each is of another codec and rate; the n-th group begins at its n-th source.
    let mut row = 0;
    while picked.len() < rows && groups.iter().any(|(_, picks)| !picks.is_empty()) {
        let group = match rows < count {
            true => row * count / rows,
            false => row % count,
        };
        let picks = &mut groups[group % count].1;
        if !picks.is_empty() {
            let index = (row * picks.len() / rows.max(1) + group) % picks.len();
            picked.push((group, picks.remove(index)));
        }
        row += 1;
    }
    picked.sort_by_key(|(group, pick)| (*group, pick.clip.stem.as_str()));
    picked.into_iter().map(|(_, pick)| pick).collect()
}

fn left(column: usize) -> f32 {
    (GAP + column * (WIDTH + GAP)) as f32
}

/// A part of the large picture, and where on the sheet it is drawn.
struct View {
    /// Left, top, width, height in pixels of the large picture.
    part: (usize, usize, usize, usize),
    /// Left and top on the sheet.
    at: (f32, f32),
    /// Pixels of the sheet for each of the large picture.
    zoom: f32,
}

impl View {
    /// As large as fits a panel, in its middle.
    fn fitted(
        part: (usize, usize, usize, usize),
        column: usize,
        top: usize,
        height: usize,
    ) -> View {
        let (_, _, wide, high) = part;
        let zoom = (WIDTH as f32 / wide as f32).min(height as f32 / high as f32);
        let middle = |room: usize, size: usize| ((room as f32 - size as f32 * zoom) / 2.0).floor();
        View {
            part,
            at: (
                left(column) + middle(WIDTH, wide),
                top as f32 + middle(height, high),
            ),
            zoom,
        }
    }

    fn corner(&self) -> (f32, f32) {
        let (_, _, wide, high) = self.part;
        (
            (self.at.0 + wide as f32 * self.zoom).round(),
            (self.at.1 + high as f32 * self.zoom).round(),
        )
    }
}

/// Draws a row of pictures.
fn panels(sheet: &mut Canvas, shown: &Shown, top: usize, height: usize) {
    let (wide, high) = (shown.high.width, shown.high.height);
    let arrived = canvas(&enlarged(&shown.low, (wide, high)));
    let whole = canvas(&shown.high);
    let zoom = if wide >= LARGE { 1 } else { 2 };
    let (part_wide, part_high) = ((WIDTH / zoom).min(wide), (height / zoom).min(high));
    let (x, y) = telling(shown, (part_wide, part_high));
    let part = (x, y, part_wide, part_high);

    let first = View::fitted((0, 0, wide, high), 0, top, height);
    let (corner_x, corner_y) = first.corner();
    let small = (
        ((corner_x - first.at.0) as usize).max(1),
        ((corner_y - first.at.1) as usize).max(1),
    );
    // Shrunk by averages, or pixels would be missed.
    let reduced = match small.0 < wide {
        true => arrived.shrunk(small.0, small.1),
        false => arrived.clone(),
    };
    sheet.image(&reduced, first.at, first.corner(), Sampling::Nearest);
    let second = View::fitted(part, 1, top, height);
    let third = View::fitted(part, 2, top, height);
    for (picture, view) in [(&arrived, &second), (&whole, &third)] {
        let detail = picture.crop(x, y, part_wide, part_high);
        sheet.image(&detail, view.at, view.corner(), Sampling::Nearest);
    }
    if let Some(mask) = &shown.damage {
        let scale = wide as f32 / shown.low.width.max(1) as f32;
        mark(sheet, mask, scale, &first, 0.25);
        // A detail is there to be looked at.
        mark(sheet, mask, scale, &second, 0.08);
    }
    // Where the detail is, seen on white and on black.
    let spot = |at: f32, offset: usize| (at + offset as f32 * first.zoom).round();
    let (left, top) = (spot(first.at.0, x), spot(first.at.1, y));
    let right = spot(first.at.0, x + part_wide).min(corner_x);
    let bottom = spot(first.at.1, y + part_high).min(corner_y);
    sheet.frame(left, top, right, bottom, 3.0, &Rgba::BLACK.fade(0.55));
    let inner = (left + 1.0, top + 1.0, right - 1.0, bottom - 1.0);
    let white = Rgba::hex(INK);
    sheet.frame(inner.0, inner.1, inner.2, inner.3, 1.0, &white);
}

/// Draws damaged macroblocks over a picture: tinted, with a line around each damaged region.
fn mark(sheet: &mut Canvas, mask: &LossMask, scale: f32, view: &View, tint: f32) {
    let ((x, y, ..), (right, bottom)) = (view.part, view.corner());
    // Whole pixels, or neighbours would leave seams.
    let across = |column: usize| {
        let at = (column * MACROBLOCK) as f32 * scale - x as f32;
        (view.at.0 + at * view.zoom).round().clamp(view.at.0, right)
    };
    let down = |row: usize| {
        let at = (row * MACROBLOCK) as f32 * scale - y as f32;
        (view.at.1 + at * view.zoom)
            .round()
            .clamp(view.at.1, bottom)
    };
    let lost = |column: Option<usize>, row: Option<usize>| match (column, row) {
        (Some(column), Some(row)) if column < mask.columns() && row < mask.rows() => {
            mask.is_lost(column, row)
        }
        _ => false,
    };
    let (fill, line) = (Rgba::hex(RED).fade(tint), Rgba::hex(RED).fade(0.95));
    for row in 0..mask.rows() {
        for column in (0..mask.columns()).filter(|column| mask.is_lost(*column, row)) {
            let (x0, x1) = (across(column), across(column + 1));
            let (y0, y1) = (down(row), down(row + 1));
            if x0 >= x1 || y0 >= y1 {
                continue;
            }
            sheet.rect(x0, y0, x1, y1, &fill);
            let thick = 1.5;
            if !lost(column.checked_sub(1), Some(row)) {
                sheet.rect(x0, y0, x0 + thick, y1, &line);
            }
            if !lost(Some(column + 1), Some(row)) {
                sheet.rect(x1 - thick, y0, x1, y1, &line);
            }
            if !lost(Some(column), row.checked_sub(1)) {
                sheet.rect(x0, y0, x1, y0 + thick, &line);
            }
            if !lost(Some(column), Some(row + 1)) {
                sheet.rect(x0, y1 - thick, x1, y1, &line);
            }
        }
    }
}

/// Where to look: at much damage if there is any, and there where most happens.
fn telling(shown: &Shown, (wide, high): (usize, usize)) -> (usize, usize) {
    let picture = &shown.high;
    let scale = picture.width / shown.low.width.max(1);
    let lost_within = |x: usize, y: usize| {
        shown.damage.as_ref().map_or(0, |mask| {
            let side = (MACROBLOCK * scale).max(1);
            // Those whose middle is seen.
            let within = |from: usize, size: usize, most: usize| {
                let first = (from + side / 2) / side;
                first..((from + size + side / 2) / side).min(most)
            };
            let rows = within(y, high, mask.rows());
            let columns = within(x, wide, mask.columns());
            rows.flat_map(|row| columns.clone().map(move |column| (column, row)))
                .filter(|(column, row)| mask.is_lost(*column, *row))
                .count()
        })
    };
    let places: Vec<(usize, usize, usize)> = (0..=picture.height - high)
        .step_by(32)
        .flat_map(|y| (0..=picture.width - wide).step_by(32).map(move |x| (x, y)))
        .map(|(x, y)| (x, y, lost_within(x, y)))
        .collect();
    let most = places.iter().map(|(_, _, lost)| *lost).max().unwrap_or(0);
    places
        .into_iter()
        .filter(|(_, _, lost)| 2 * lost >= most)
        .max_by_key(|(x, y, _)| edges(picture, (*x, *y), (wide, high)))
        .map_or((0, 0), |(x, y, _)| (x, y))
}

/// How much neighbours differ in a part of a picture.
fn edges(picture: &Picture, (x, y): (usize, usize), (wide, high): (usize, usize)) -> u64 {
    let rows = (y..y + high).step_by(8);
    rows.map(|row| {
        let from = 3 * (row * picture.width + x);
        let green = picture.rgb[from..from + 3 * wide].iter().skip(1).step_by(3);
        let next = green.clone().skip(1);
        green
            .zip(next)
            .map(|(one, two)| u64::from(one.abs_diff(*two).min(48)))
            .sum::<u64>()
    })
    .sum()
}

/// A picture at another size, as the classical upscaler makes it.
fn enlarged(picture: &Picture, size: (usize, usize)) -> Picture {
    let from = (picture.width, picture.height);
    let resampler = Resampler::new(from, size, Filter::Lanczos, (0.0, 0.0));
    let mut rgb = vec![0; 3 * size.0 * size.1];
    let mut scratch = Scratch::new();
    let mut out = vec![0; size.0 * size.1];
    for colour in 0..3 {
        let samples: Vec<u8> = picture
            .rgb
            .iter()
            .skip(colour)
            .step_by(3)
            .copied()
            .collect();
        let plane = Plane::from_samples(from.0, from.1, &samples);
        resampler.run(&plane, 0..size.1, &mut out, size.0, &mut scratch);
        for (target, sample) in rgb.iter_mut().skip(colour).step_by(3).zip(&out) {
            *target = *sample;
        }
    }
    Picture {
        width: size.0,
        height: size.1,
        rgb,
        made_from: None,
    }
}

fn canvas(picture: &Picture) -> Canvas {
    let mut canvas = Canvas::new(picture.width, picture.height, Light::Coded, Rgba::BLACK);
    for row in canvas.rows_mut() {
        let pixels = picture.rgb[3 * picture.width * row.y..].chunks_exact(3);
        let targets = row.r.iter_mut().zip(row.g).zip(row.b);
        for (((r, g), b), pixel) in targets.zip(pixels) {
            *r = f32::from(pixel[0]) / 255.0;
            *g = f32::from(pixel[1]) / 255.0;
            *b = f32::from(pixel[2]) / 255.0;
        }
    }
    canvas
}

fn caption(sheet: &mut Canvas, clip: &ClipRecord, index: u64, shown: &Shown, bottom: f32) {
    let (name, words) = (Text::new(16.0).bold(), Text::new(15.0));
    let (ink, faint) = (Rgba::hex(INK), Rgba::hex(FAINT));
    let psnr = match clip.baseline.psnr_y {
        Some(psnr) => format!("{psnr:.2} dB PSNR-Y"),
        None => "no error".into(),
    };
    let sizes = format!(
        "{}x{} to {}x{}",
        clip.lr.width, clip.lr.height, clip.hr.width, clip.hr.height
    );
    let coded = format!(
        "{}, {} asked, {:.0} kbit/s measured",
        clip.codec,
        asked(clip),
        clip.measured_kbps
    );
    let lost = match &shown.damage {
        Some(mask) => format!("{:.0}% of this frame lost", 100.0 * mask.share()),
        None => "nothing of it lost".into(),
    };
    let lines = [
        (clip.stem.clone(), coded),
        (format!("frame {index}, {lost}"), sizes),
        (
            format!(
                "Lanczos over the clip: {psnr}, SSIM {:.4}",
                clip.baseline.ssim
            ),
            clip.content_type.clone(),
        ),
    ];
    for (column, (first, second)) in lines.iter().enumerate() {
        let head = if column == 0 { &name } else { &words };
        sheet.text(left(column), bottom + 22.0, first, head, &ink);
        sheet.text(left(column), bottom + 44.0, second, &words, &faint);
    }
}
