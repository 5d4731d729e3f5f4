//! Draws the pictures of `docs/degradations.md` from synthetic scenes.
//!
//! ```sh
//! cargo run --release -p nervure-dataset --example degradations -- docs/pictures
//! ```
#![allow(clippy::print_stdout)]

use std::path::PathBuf;

use nervure_frame::{BitDepth, Chroma, Frame, LossMask, MACROBLOCK, PictureFormat, TimeBase};
use nervure_media::degrade::{Augmentation, Augmenter, Degradation};
use nervure_media::draw::{Canvas, Light, Rgba, Sampling, Text, canvas_of, write_png};
use nervure_media::scenes::{Renderer, Scene, SceneSpec};
use nervure_media::{
    Codec, EncodeSettings, LossLevel, PictureSpec, Result, Transit, TransitSettings, TransitStats,
};

/// Columns and rows of what is shown of a picture, and how much larger it is shown.
const CROP: (usize, usize) = (120, 84);
const ZOOM: usize = 2;
/// Space around pictures, and for the words over them.
const GAP: usize = 6;
const WORDS: usize = 22;

const INK: Rgba = Rgba::grey(0.15);
const PAPER: Rgba = Rgba::WHITE;

fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    let drawn = [
        ("degradations.png", augmentations()?),
        ("degradations-codecs.png", codecs()?),
        ("degradations-losses.png", losses()?),
    ];
    for (name, canvas) in drawn {
        let path = out.join(name);
        write_png(&canvas, &path)?;
        println!("{}", path.display());
    }
    Ok(())
}

/// Pictures in rows, each with words over it.
struct Sheet {
    canvas: Canvas,
    cell: (usize, usize),
}

impl Sheet {
    fn new(columns: usize, rows: usize, cell: (usize, usize)) -> Sheet {
        let width = GAP + columns * (cell.0 + GAP);
        let height = rows * (WORDS + cell.1 + GAP);
        Sheet {
            canvas: Canvas::new(width, height, Light::Coded, PAPER),
            cell,
        }
    }

    fn put(&mut self, (column, row): (usize, usize), words: &str, picture: &Canvas) {
        let x = (GAP + column * (self.cell.0 + GAP)) as f32;
        let y = (row * (WORDS + self.cell.1 + GAP) + WORDS) as f32;
        let (right, bottom) = (x + self.cell.0 as f32, y + self.cell.1 as f32);
        let text = Text::new(13.0);
        self.canvas.text(x, y - 6.0, words, &text, &INK);
        self.canvas
            .image(picture, (x, y), (right, bottom), Sampling::Nearest);
    }
}

fn scene(scene: Scene, format: PictureFormat) -> Result<Renderer> {
    Renderer::new(SceneSpec {
        scene,
        seed: 1,
        format,
        frame_rate: (25, 1),
        frames: 60,
    })
}

fn format(width: usize, height: usize) -> PictureFormat {
    PictureFormat::new(width, height, Chroma::C420, BitDepth::Eight)
}

/// Each augmentation at several strengths.
fn augmentations() -> Result<Canvas> {
    let strengths = [0.0, 0.2, 0.4, 0.7, 1.0];
    let cell = (CROP.0 * ZOOM, CROP.1 * ZOOM);
    let mut sheet = Sheet::new(strengths.len(), Degradation::all().len(), cell);
    for (row, kind) in Degradation::all().iter().enumerate() {
        let (what, at) = match kind {
            Degradation::Blocking => (Scene::TalkingHead, (430, 170)),
            Degradation::Ringing => (Scene::Animation, (390, 200)),
            Degradation::Blur => (Scene::Sports, (400, 230)),
            Degradation::Noise => (Scene::TalkingHead, (430, 170)),
        };
        let frame = scene(what, format(960, 540))?.frame(8);
        for (column, strength) in strengths.into_iter().enumerate() {
            let mut frame = frame.clone();
            let augmentation = Augmentation::new(*kind, strength)?;
            Augmenter::new(&[augmentation], 1).apply(&mut frame, 0);
            let words = match column {
                0 => "whole".to_owned(),
                _ => augmentation.to_string(),
            };
            let crop = canvas_of(&frame).crop(at.0, at.1, CROP.0, CROP.1);
            sheet.put((column, row), &words, &crop);
        }
    }
    Ok(sheet.canvas)
}

/// Frames `0..count` of a scene, sent.
fn sent(
    renderer: &Renderer,
    count: u64,
    settings: &TransitSettings,
) -> Result<(Vec<Frame>, TransitStats)> {
    let spec = PictureSpec::new(renderer.spec().format, TimeBase::new(1, 25));
    let mut transit = Transit::open(settings, &spec)?;
    let mut frames = Vec::new();
    for index in 0..count {
        transit.push(renderer.frame(index))?;
        while let Some(frame) = transit.pull()? {
            frames.push(frame);
        }
    }
    transit.flush()?;
    while let Some(frame) = transit.pull()? {
        frames.push(frame);
    }
    Ok((frames, transit.stats()))
}

/// Every codec at a low rate.
fn codecs() -> Result<Canvas> {
    const RATE: u64 = 100_000;
    const SHOWN: usize = 30;
    let at = (230, 120);
    let renderer = scene(Scene::Sports, format(640, 360))?;
    let cell = (CROP.0 * ZOOM, CROP.1 * ZOOM);
    let mut sheet = Sheet::new(3, 2, cell);
    let crop = |frame: &Frame| canvas_of(frame).crop(at.0, at.1, CROP.0, CROP.1);
    sheet.put((0, 0), "whole", &crop(&renderer.frame(SHOWN as u64)));
    let codecs = [Codec::H264, Codec::Hevc, Codec::Vp8, Codec::Vp9, Codec::Av1];
    for (index, codec) in codecs.into_iter().enumerate() {
        let settings = TransitSettings {
            encode: EncodeSettings {
                codec,
                crf: None,
                bitrate: Some(RATE),
                ..EncodeSettings::default()
            },
            ..TransitSettings::default()
        };
        let (frames, stats) = sent(&renderer, 60, &settings)?;
        let words = format!("{codec}, {} kbit/s", stats.bitrate / 1000);
        if let Some(frame) = frames.get(SHOWN) {
            let cell = ((index + 1) % 3, (index + 1) / 3);
            sheet.put(cell, &words, &crop(frame));
        }
    }
    Ok(sheet.canvas)
}

/// What the decoder makes of lost slices and of lost frames, and what the mask says.
fn losses() -> Result<Canvas> {
    let renderer = scene(Scene::Sports, format(400, 224))?;
    let mut sheet = Sheet::new(3, 2, (400, 224));
    for (row, (level, name)) in [(LossLevel::Slice, "slices"), (LossLevel::Frame, "frames")]
        .into_iter()
        .enumerate()
    {
        let settings = TransitSettings {
            encode: EncodeSettings {
                codec: Codec::H264,
                crf: None,
                bitrate: Some(400_000),
                ..EncodeSettings::default()
            },
            loss: "0.08".parse()?,
            level,
            seed: 3,
            ..TransitSettings::default()
        };
        let (frames, _) = sent(&renderer, 40, &settings)?;
        // The frame with the most marked, late enough that there is something to conceal with.
        let worst = frames
            .iter()
            .enumerate()
            .skip(12)
            .max_by_key(|(_, frame)| frame.damage.as_ref().map_or(0, LossMask::count));
        let Some((index, frame)) = worst else {
            continue;
        };
        let decoded = canvas_of(frame);
        let mut marked = decoded.clone();
        if let Some(mask) = &frame.damage {
            mark(&mut marked, mask);
        }
        let whole = canvas_of(&renderer.frame(index as u64));
        sheet.put((0, row), "whole", &whole);
        sheet.put((1, row), &format!("8% of {name} lost"), &decoded);
        sheet.put((2, row), "its loss mask", &marked);
    }
    Ok(sheet.canvas)
}

/// Draws a mask over a picture.
fn mark(canvas: &mut Canvas, mask: &LossMask) {
    let tint = Rgba::hex(0xff2040).fade(0.45);
    for row in 0..mask.rows() {
        for column in (0..mask.columns()).filter(|column| mask.is_lost(*column, row)) {
            let (x, y) = ((column * MACROBLOCK) as f32, (row * MACROBLOCK) as f32);
            let side = MACROBLOCK as f32;
            canvas.rect(x, y, x + side, y + side, &tint);
        }
    }
}
