//! A sheet of pictures of the scenes.

use std::path::Path;

use anyhow::Result;
use nervure_frame::{BitDepth, Chroma};
use nervure_media::draw::{self, Canvas, Light, Rgba, Sampling, Text, canvas_of};
use nervure_media::scenes::{Renderer, Scene, SceneSpec};

/// One picture on the sheet.
struct Tile {
    scene: Scene,
    /// Seconds into the scene.
    at: f64,
    label: String,
}

/// Width of one picture; its height follows from the video's shape.
const WIDTH: usize = 400;
const GAP: usize = 20;
const LABEL: usize = 30;
const COLUMNS: usize = 3;

/// Draws six pictures: one of each scene, or six moments of a single one.
pub(super) fn write(scenes: &[Scene], spec: &SceneSpec, path: &Path) -> Result<()> {
    let seconds = spec.frames as f64 * f64::from(spec.frame_rate.1) / f64::from(spec.frame_rate.0);
    let tiles: Vec<Tile> = match scenes {
        [scene] => (0..6)
            .map(|index| {
                let at = seconds * f64::from(index) / 6.0;
                Tile {
                    scene: *scene,
                    at,
                    label: format!("{scene}  {at:.1} s"),
                }
            })
            .collect(),
        _ => scenes
            .iter()
            .map(|scene| Tile {
                scene: *scene,
                at: telling(*scene),
                label: scene.to_string(),
            })
            .collect(),
    };
    let height = (WIDTH * spec.format.height / spec.format.width).clamp(16, 4 * WIDTH);
    let rows = tiles.len().div_ceil(COLUMNS);
    let sheet_width = COLUMNS * WIDTH + (COLUMNS + 1) * GAP;
    let sheet_height = rows * (height + LABEL) + (rows + 1) * GAP;
    let paper = Rgba::hex(0x14161c);
    let mut sheet = Canvas::new(sheet_width, sheet_height, Light::Coded, paper);
    for (index, tile) in tiles.iter().enumerate() {
        let x = GAP + (index % COLUMNS) * (WIDTH + GAP);
        let y = GAP + (index / COLUMNS) * (height + LABEL + GAP);
        let picture = picture(tile, spec, height)?;
        let (left, top) = (x as f32, y as f32);
        let corner = (left + WIDTH as f32, top + height as f32);
        sheet.image(&picture, (left, top), corner, Sampling::Nearest);
        let text = Text::new(17.0);
        let ink = Rgba::hex(0xd6dae2);
        sheet.text(left + 1.0, corner.1 + 21.0, &tile.label, &text, &ink);
    }
    Ok(draw::write_png(&sheet, path)?)
}

/// A scene drawn twice as large as it will be shown, and shrunk, as a camera's sensor is finer than
/// the picture it gives.
fn picture(tile: &Tile, spec: &SceneSpec, height: usize) -> Result<Canvas> {
    let mut format = spec.format.with_size(2 * WIDTH, 2 * height);
    (format.chroma, format.depth) = (Chroma::C444, BitDepth::Eight);
    let renderer = Renderer::new(SceneSpec {
        scene: tile.scene,
        format,
        ..*spec
    })?;
    let rate = f64::from(spec.frame_rate.0) / f64::from(spec.frame_rate.1);
    let frame = renderer.frame((tile.at * rate).round() as u64);
    Ok(canvas_of(&frame).shrunk(WIDTH, height))
}

/// A moment at which a scene shows what it is.
fn telling(scene: Scene) -> f64 {
    match scene {
        Scene::Sports => 2.0,
        Scene::Animation => 1.0,
        Scene::TalkingHead => 2.0,
        Scene::Action => 1.2,
        Scene::Screen => 0.4,
        Scene::Grain => 2.3,
    }
}
