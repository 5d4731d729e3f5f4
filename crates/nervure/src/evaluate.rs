//! `nervure evaluate`: how good a model is, against the classical upscalers.

mod neg;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use nervure_frame::{LossMask, Plane};
use nervure_kernels::Isa;
use nervure_kernels::int8::Scratch;
use nervure_kernels::resample::Filter;
use nervure_record::Precision;
use nervure_train::training::artefacts::{model_of, net_of};
use nervure_train::training::{
    Begun, Device, Enhancer, Model, Quality, Resampled, Scores, Spread, Summary, Task, Validator,
    Work,
};
use serde::Serialize;

use crate::console::{Meter, say};
use crate::models::shelf::{Kept, Wanted};
use crate::score::Vmaf;
use crate::sheet;
use crate::table::table;

/// Measure a model on datasets, against Lanczos and bicubic
///
/// Datasets come from `nervure dataset make`, of footage that the model was not trained on. PSNR and
/// SSIM are those of luma, means over clips.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  nervure dataset make held-out/ --out valid --layout clips --content-type folder
  nervure evaluate residual-espcn-x2-m --data valid
  nervure evaluate runs/mine/mine.int8.safetensors --data valid --frames 12 --json | jq .conditions")]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    wanted: Wanted,

    /// Datasets to measure it on
    #[arg(long, value_name = "DIR", required = true)]
    data: Vec<PathBuf>,

    /// Pictures of each clip, spread over it [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,

    /// VMAF-NEG too, of so many pictures in a row from the middle of each clip: needs an ffmpeg with
    /// libvmaf, on the path or named by NERVURE_FFMPEG
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "24",
          value_parser = clap::value_parser!(u32).range(1..))]
    vmaf: Option<u32>,

    /// Draw details of some clips too: by Lanczos, by the model, and in the original
    #[arg(long, value_name = "OUT.png")]
    picture: Option<PathBuf>,

    /// A table in Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,

    /// Print everything as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// Details in a picture.
const DETAILS: usize = 6;

/// All that was measured.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    digest: String,
    precision: Precision,
    pictures: usize,
    /// By how clips were compressed.
    conditions: BTreeMap<String, Row>,
    /// By what they show, all conditions together.
    contents: BTreeMap<String, Row>,
    /// By both, as `condition, content`.
    both: BTreeMap<String, Row>,
    /// Every clip.
    clips: Scores,
}

/// One line of a table.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    against_lanczos: Summary,
    bicubic: Option<Quality>,
    /// What a network that mends begins with.
    begun: Option<Quality>,
    /// VMAF-NEG.
    vmaf_neg: Option<neg::Neg>,
}

/// The command.
pub(crate) fn run(args: &EvaluateArgs) -> Result<ExitCode> {
    let kept = args.wanted.find()?;
    let artefact = &kept.artefact;
    let task = model_of(&artefact.card)?.task();
    let model = open(&kept, task)?;
    if args.vmaf.is_some() {
        // Not after minutes of other work.
        Vmaf::find()?;
    }
    let frames = match args.frames {
        Some(frames) => Spread::Over(frames as usize),
        None => Spread::All,
    };
    let validator = Validator::open(&args.data, task, frames)?;
    let simple: Box<dyn Model> = match task.work {
        Work::Enlarge { scale } => Box::new(Resampled {
            filter: Filter::Bicubic,
            scale,
            target: task.target,
        }),
        Work::Recover => Box::new(Begun),
    };
    let total = 2 * validator.pictures() as u64;
    let meter = Meter::new("evaluate", total, args.quiet);
    let mut before = 0;
    let mut measure = |model: &dyn Model| -> Result<Scores> {
        let scores = validator.run_with(model, &|done| {
            let done = before + done;
            meter.set(done as u64, || format!("{done} of {total} pictures"));
        })?;
        before += validator.pictures();
        Ok(scores)
    };
    let scores = measure(model.as_ref())?;
    let simple = measure(simple.as_ref())?;
    meter.finish();
    if let Some(path) = &args.picture {
        sheet::write(path, &validator.samples(model.as_ref(), DETAILS)?)?;
    }
    let vmaf = match args.vmaf {
        Some(count) => neg::measure(args, task, model.as_ref(), count)?,
        None => BTreeMap::new(),
    };
    let report = Report {
        model: artefact.card.name.clone(),
        digest: artefact.digest()?,
        precision: artefact.card.precision,
        pictures: validator.pictures(),
        conditions: rows(scores.by_condition(), simple.by_condition(), task, &vmaf),
        contents: rows(scores.by_content(), simple.by_content(), task, &vmaf),
        both: rows(
            named(scores.by_both()),
            named(simple.by_both()),
            task,
            &vmaf,
        ),
        clips: scores,
    };
    if args.json {
        crate::print_json(&report)?;
    } else {
        let text = match args.markdown {
            true => markdown(&report, task),
            false => plain(&report, task),
        };
        crate::print_text(&text)?;
    }
    if !args.quiet {
        let name = &report.model;
        say(&format!(
            "{name} ({}), {} pictures of {} clips",
            report.precision,
            report.pictures,
            report.clips.clips.len()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A model as `enhance` runs it.
struct InEngine(nervure_engine::Model);

impl Model for InEngine {
    fn picture(
        &self,
        window: &[Plane<u8>],
        _lost: Option<&LossMask>,
    ) -> nervure_train::Result<Plane<u8>> {
        let pictures: Vec<&Plane<u8>> = window.iter().collect();
        let (small, scale) = (pictures[0], self.0.scale());
        let mut large = Plane::new(small.width() * scale, small.height() * scale);
        let (stride, mut scratch) = (large.stride(), Scratch::default());
        let rows = 0..small.height();
        let program = self.0.program();
        program.run(&pictures, rows, large.data_mut(), stride, &mut scratch);
        Ok(large)
    }
}

/// The model, as engines compute it.
fn open(kept: &Kept, task: Task) -> Result<Box<dyn Model>> {
    let artefact = &kept.artefact;
    Ok(match artefact.card.precision {
        Precision::Int8 => Box::new(InEngine(nervure_engine::Model::new(
            artefact,
            Isa::detect(),
        )?)),
        Precision::Fp32 => {
            let device = Device::flex();
            let (net, _) = net_of(artefact, &artefact.card.name, &device)?;
            Box::new(Enhancer::new(&net, task, &device))
        }
    })
}

/// Groups of two keys under one.
fn named(groups: BTreeMap<(String, String), Summary>) -> BTreeMap<String, Summary> {
    let name = |((condition, content), it)| (format!("{condition}, {content}"), it);
    groups.into_iter().map(name).collect()
}

fn rows(
    scores: BTreeMap<String, Summary>,
    mut simple: BTreeMap<String, Summary>,
    task: Task,
    vmaf: &BTreeMap<String, neg::Neg>,
) -> BTreeMap<String, Row> {
    let row = |(key, summary): (String, Summary)| {
        let simple = simple.remove(&key).map(|it| it.model);
        let mends = task.work == Work::Recover;
        let row = Row {
            against_lanczos: summary,
            bicubic: simple.filter(|_| !mends),
            begun: simple.filter(|_| mends),
            vmaf_neg: vmaf.get(&key).copied(),
        };
        (key, row)
    };
    scores.into_iter().map(row).collect()
}

const WORDS: [&str; 10] = [
    "",
    "clips",
    "bicubic",
    "Lanczos",
    "model",
    "gain",
    "SSIM",
    "gain",
    "worst clip",
    "VMAF-NEG",
];

fn cells(name: &str, row: &Row) -> Vec<String> {
    let it = &row.against_lanczos;
    let simple = row.bicubic.or(row.begun);
    let simple = simple.map(|it| format!("{:.2}", it.psnr));
    vec![
        name.to_string(),
        it.clips.to_string(),
        simple.unwrap_or_else(|| "–".into()),
        format!("{:.2}", it.classical.psnr),
        format!("{:.2}", it.model.psnr),
        format!("{:+.2}", it.gain),
        format!("{:.4}", it.model.ssim),
        format!("{:+.4}", it.ssim_gain),
        format!("{:+.2}", it.worst.1),
        match &row.vmaf_neg {
            Some(neg) => format!("{:.1} ({:+.1})", neg.model, neg.model - neg.lanczos),
            None => "–".into(),
        },
    ]
}

/// The words over a table.
fn words(task: Task) -> [String; 10] {
    let words = WORDS.map(String::from);
    if task.work != Work::Recover {
        return words;
    }
    words.map(|word| match &word[..] {
        "bicubic" => "begun with".into(),
        "Lanczos" => "decoder".into(),
        _ => word,
    })
}

fn plain(report: &Report, task: Task) -> String {
    let mut text = String::new();
    for group in [&report.conditions, &report.contents] {
        let mut lines = vec![words(task).to_vec()];
        lines.extend(group.iter().map(|(name, row)| cells(name, row)));
        text += &table(&lines, 1);
        text.push('\n');
    }
    text
}

fn markdown(report: &Report, task: Task) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&words(task));
    text += &line(&WORDS.map(|word| if word.is_empty() { "---" } else { "---:" }.to_string()));
    for (name, row) in report.conditions.iter().chain(&report.contents) {
        text += &line(&cells(name, row));
    }
    text
}
