//! Fits the model of content types, and measures it.
//!
//! ```sh
//! NERVURE_DATA=DATA cargo run --release -p nervure-dataset --example content_fit \
//!     > crates/dataset/src/content/weights.rs
//! ```
//!
//! It fits on `DATA/video/train` and on synthetic scenes, chooses how much to shrink the weights by
//! leaving out one source after the other, and reports what it gets right of `DATA/video/valid`,
//! which it never fits on. The report is on standard error. The same clips give the same weights.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::{Path, PathBuf};

use nervure_dataset::content::{ContentType, Features, Observer};
use nervure_frame::{BitDepth, Chroma, PictureFormat};
use nervure_media::scenes::{Renderer, Scene, SceneSpec};
use nervure_media::{Input, OpenOptions, Reader};

type Failure = Box<dyn std::error::Error>;

const KINDS: usize = 7;
const COUNT: usize = Features::COUNT;

/// Frames of one look at a clip.
const WINDOW: usize = 12;

/// Looks at a clip that are fitted on.
const LOOKS: usize = 4;

/// What the model looks at. There are few clips to fit on, and with all features it learns them by
/// heart: these were chosen by what they mean and by what leaving sources out says.
const USED: [&str; 12] = [
    "global motion",
    "moving share",
    "edge hardness",
    "text density",
    "brightness",
    "dark share",
    "white share",
    "saturation",
    "grey share",
    "green share",
    "face-like skin",
    "face-like and still",
];

struct Example {
    /// What must be left out together: clips of one film say much about each other.
    source: String,
    name: String,
    kind: usize,
    weight: f64,
    values: [f64; COUNT],
}

struct Model {
    mean: [f64; COUNT],
    spread: [f64; COUNT],
    bias: [f64; KINDS],
    weights: [[f64; COUNT]; KINDS],
}

fn main() -> Result<(), Failure> {
    let data = std::env::var_os("NERVURE_DATA").ok_or("NERVURE_DATA names no folder")?;
    let video = PathBuf::from(data).join("video");
    let mut train = clips(&video.join("train"), true)?;
    train.extend(synthetic()?);
    let valid = clips(&video.join("valid"), false)?;

    let strengths = [0.003, 0.01, 0.03, 0.1];
    let mut best = (f64::MIN, strengths[0]);
    for strength in strengths {
        let right = left_out(&train, strength);
        eprintln!(
            "shrinking by {strength}: {:.1}% of train, each source left out",
            100.0 * right
        );
        if right > best.0 {
            best = (right, strength);
        }
    }
    let model = fit(&train.iter().collect::<Vec<_>>(), best.1);
    report("train", &train, &model);
    report("valid", &valid, &model);
    print(&model);
    Ok(())
}

/// What is seen of every clip of a folder that holds a folder for each kind: in several looks to
/// fit on, or in one to measure by.
fn clips(folder: &Path, looks: bool) -> Result<Vec<Example>, Failure> {
    let mut examples = Vec::new();
    for (kind, content) in ContentType::all().iter().enumerate() {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.join(content.name()))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let options = OpenOptions {
                threads: 1,
                ..OpenOptions::default()
            };
            let mut reader = Reader::open(&Input::Path(path), &options)?;
            let mut frames = Vec::new();
            let mut observer = Observer::new();
            while let Some(frame) = reader.next()? {
                if !looks {
                    observer.observe(&frame);
                }
                frames.push(frame);
                if frames.len() == LOOKS * WINDOW {
                    break;
                }
            }
            let mut windows = Vec::new();
            if looks {
                for window in frames
                    .chunks(WINDOW)
                    .filter(|window| window.len() >= WINDOW / 2)
                {
                    let mut observer = Observer::new();
                    window.iter().for_each(|frame| observer.observe(frame));
                    windows.push(observer.features());
                }
            } else {
                windows.push(observer.features());
            }
            let weight = 1.0 / windows.len() as f64;
            for features in windows {
                examples.push(Example {
                    source: source(&name),
                    name: name.clone(),
                    kind,
                    weight,
                    values: features
                        .values()
                        .map(|value| f64::from(value.max(0.0)).sqrt()),
                });
            }
        }
    }
    Ok(examples)
}

/// Clips of one film, of one series of demos or of one page begin alike; DAVIS and the galleries
/// have another place and camera in every clip.
fn source(name: &str) -> String {
    let first = name.split('_').next().unwrap_or(name);
    match first {
        "davis" | "sam2" | "vec" => name.into(),
        _ => first.trim_end_matches(|c: char| c.is_ascii_digit()).into(),
    }
}

/// Scenes of our own: they weigh little beside film, and a scene is one source.
fn synthetic() -> Result<Vec<Example>, Failure> {
    let mut examples = Vec::new();
    for scene in Scene::all() {
        let content = match scene {
            Scene::Sports => ContentType::Sports,
            Scene::Animation => ContentType::Animation,
            Scene::TalkingHead => ContentType::TalkingHead,
            Scene::Action => ContentType::Action,
            Scene::Screen => ContentType::Screen,
            Scene::Grain => ContentType::NightCity,
        };
        let kind = ContentType::all().iter().position(|kind| *kind == content);
        for seed in 0..4 {
            let renderer = Renderer::new(SceneSpec {
                scene: *scene,
                seed: 100 + seed,
                format: PictureFormat::new(960, 540, Chroma::C420, BitDepth::Eight),
                frame_rate: (25, 1),
                frames: WINDOW as u64,
            })?;
            let mut observer = Observer::new();
            for frame in renderer.frames() {
                observer.observe(&frame);
            }
            examples.push(Example {
                source: format!("scene {scene}"),
                name: format!("scene {scene} {seed}"),
                kind: kind.ok_or("a content type that is not listed")?,
                weight: 0.25,
                values: observer
                    .features()
                    .values()
                    .map(|value| f64::from(value.max(0.0)).sqrt()),
            });
        }
    }
    Ok(examples)
}

/// The share of real clips that are known from the others' sources.
fn left_out(train: &[Example], strength: f64) -> f64 {
    let mut sources: Vec<&str> = train
        .iter()
        .map(|example| example.source.as_str())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let (mut right, mut total) = (0.0, 0.0);
    for source in sources
        .into_iter()
        .filter(|source| !source.starts_with("scene"))
    {
        let (out, kept): (Vec<_>, Vec<_>) =
            train.iter().partition(|example| example.source == source);
        let model = fit(&kept, strength);
        for example in out {
            total += example.weight;
            if model.guess(&example.values) == example.kind {
                right += example.weight;
            }
        }
    }
    right / total
}

/// Multinomial logistic regression by gradient descent, kinds weighing alike, weights shrunk.
fn fit(examples: &[&Example], strength: f64) -> Model {
    let mut of_kind = [0.0; KINDS];
    for example in examples {
        of_kind[example.kind] += example.weight;
    }
    let weight = |example: &Example| example.weight / of_kind[example.kind];
    let total: f64 = examples.iter().map(|example| weight(example)).sum();
    let mut model = Model {
        mean: [0.0; COUNT],
        spread: [0.0; COUNT],
        bias: [0.0; KINDS],
        weights: [[0.0; COUNT]; KINDS],
    };
    for index in 0..COUNT {
        let mean = |value: &dyn Fn(f64) -> f64| {
            let sum: f64 = examples
                .iter()
                .map(|e| weight(e) * value(e.values[index]))
                .sum();
            sum / total
        };
        let middle = mean(&|value| value);
        model.mean[index] = middle;
        model.spread[index] = mean(&|value| (value - middle).powi(2)).sqrt().max(1e-4);
    }
    let scaled: Vec<[f64; COUNT]> = examples.iter().map(|e| model.scaled(&e.values)).collect();
    let mut speed = ([0.0; KINDS], [[0.0; COUNT]; KINDS]);
    for _ in 0..1500 {
        let mut slope = ([0.0; KINDS], [[0.0; COUNT]; KINDS]);
        for (example, values) in examples.iter().zip(&scaled) {
            let mut chances = model.scores(values);
            let most = chances.iter().copied().fold(f64::MIN, f64::max);
            chances
                .iter_mut()
                .for_each(|score| *score = (*score - most).exp());
            let sum: f64 = chances.iter().sum();
            for (kind, chance) in chances.iter().enumerate() {
                let want = f64::from(u8::from(kind == example.kind));
                let error = (chance / sum - want) * weight(example) / total;
                slope.0[kind] += error;
                for (slope, value) in slope.1[kind].iter_mut().zip(values) {
                    *slope += error * value;
                }
            }
        }
        for (kind, pulls) in slope.1.iter().enumerate() {
            speed.0[kind] = 0.9 * speed.0[kind] - 0.3 * slope.0[kind];
            model.bias[kind] += speed.0[kind];
            for (index, pull) in pulls.iter().enumerate() {
                let pull = pull + strength * model.weights[kind][index];
                speed.1[kind][index] = 0.9 * speed.1[kind][index] - 0.3 * pull;
                model.weights[kind][index] += speed.1[kind][index];
            }
        }
    }
    model
}

impl Model {
    /// Features around zero; those that are not used are zero, so that they get no weight.
    fn scaled(&self, values: &[f64; COUNT]) -> [f64; COUNT] {
        std::array::from_fn(|i| {
            if !USED.contains(&Features::NAMES[i]) {
                return 0.0;
            }
            ((values[i] - self.mean[i]) / self.spread[i]).clamp(-3.0, 3.0)
        })
    }

    fn scores(&self, scaled: &[f64; COUNT]) -> [f64; KINDS] {
        std::array::from_fn(|kind| {
            let sum: f64 = self.weights[kind]
                .iter()
                .zip(scaled)
                .map(|(w, v)| w * v)
                .sum();
            self.bias[kind] + sum
        })
    }

    fn guess(&self, values: &[f64; COUNT]) -> usize {
        let scores = self.scores(&self.scaled(values));
        (1..KINDS).fold(0, |best, kind| {
            if scores[kind] > scores[best] {
                kind
            } else {
                best
            }
        })
    }
}

/// Prints what was guessed for what.
fn report(name: &str, examples: &[Example], model: &Model) {
    let mut table = [[0.0; KINDS]; KINDS];
    for example in examples.iter().filter(|e| !e.source.starts_with("scene")) {
        let guess = model.guess(&example.values);
        table[example.kind][guess] += example.weight;
        if guess != example.kind && name == "valid" {
            let (is, seems) = (ContentType::all()[example.kind], ContentType::all()[guess]);
            eprintln!("{}: {is} taken for {seems}", example.name);
        }
    }
    let right: f64 = (0..KINDS).map(|kind| table[kind][kind]).sum();
    let total: f64 = table.as_flattened().iter().sum();
    eprintln!(
        "\n{name}: {right:.1} of {total:.0} clips, {:.1}%",
        100.0 * right / total
    );
    eprintln!("rows: what it is; columns, in the same order: what it is taken for");
    for (kind, row) in ContentType::all().iter().zip(&table) {
        let cells: Vec<String> = row.iter().map(|cell| format!("{cell:5.1}")).collect();
        eprintln!("{:>16} {}", kind.name(), cells.join(" "));
    }
}

/// Prints the model as a source file.
fn print(model: &Model) {
    let row = |values: &[f64]| -> String {
        let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
        format!("[{}]", values.join(", "))
    };
    println!("//! Weights of the model, as `examples/content_fit.rs` printed them.");
    println!("\nuse super::Features;\n");
    println!("/// What a feature's root is in the clips that were fitted on, on average.");
    println!(
        "pub(super) const MEAN: [f32; Features::COUNT] = {};\n",
        row(&model.mean)
    );
    println!("/// And its standard deviation.");
    println!(
        "pub(super) const SPREAD: [f32; Features::COUNT] = {};\n",
        row(&model.spread)
    );
    println!("/// The score that each content type begins with.");
    println!(
        "pub(super) const BIAS: [f32; {KINDS}] = {};\n",
        row(&model.bias)
    );
    println!("/// What each feature adds to it.");
    println!("pub(super) const WEIGHTS: [[f32; Features::COUNT]; {KINDS}] = [");
    for weights in &model.weights {
        println!("    {},", row(weights));
    }
    println!("];");
}
