//! `nervure demo`: the whole round on material of our own, with a picture and a page to look at.
//!
//! It runs the commands that a user would, and says so: whoever reads the page can run them again.

mod charts;
mod page;
mod picture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser};
use serde::Serialize;
use serde_json::Value;

use crate::console::say;
use crate::enhance::{EnhanceArgs, enhance};
use crate::sample::{SampleArgs, sample};
use crate::score::{ScoreArgs, score};
use crate::signals::{INTERRUPTED, Signals, TERMINATED};
use charts::Frames;

/// Render a sample, send it small, enhance it and score the result.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Where to put everything; files of an earlier demo there are replaced
    #[arg(long, default_value = "demo", value_name = "FOLDER")]
    folder: PathBuf,

    /// Which version of the scenes
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,

    /// Length of the sample in seconds
    #[arg(long, default_value_t = 6.0, value_name = "N")]
    seconds: f64,

    /// Print the summary as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress and no report on the terminal
    #[arg(short, long)]
    quiet: bool,
}

/// The account of a demo. A stable interface: keys are added, never renamed.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Where everything is.
    folder: String,
    /// Bits a second of the sample as it was sent.
    sent_kbps: f64,
    /// What was run, in order.
    commands: Vec<String>,
    /// The scores of the upscalers against the original.
    scores: Vec<Scored>,
    /// What there is to look at.
    before_after: String,
    report: String,
    /// Wall time.
    seconds: f64,
}

/// The score of one way to enlarge the sample.
#[derive(Debug, Serialize)]
pub(crate) struct Scored {
    /// `lanczos` or `neural`.
    upscaler: String,
    psnr_y: Option<f64>,
    ssim: Option<f64>,
    ms_ssim: Option<f64>,
}

/// Quality of what is sent: what a stream of this size gets on a bad connection.
const SENT_CRF: u32 = 30;
/// Quality of what is kept: near enough to lossless that the upscalers are what is compared.
const KEPT_CRF: u32 = 12;

/// The command.
pub(crate) fn run(args: &DemoArgs) -> Result<ExitCode> {
    let signals = Signals::listen()?;
    let summary = match Demo::new(args, &signals)?.run() {
        Err(_) if signals.terminated() => return Ok(ExitCode::from(TERMINATED)),
        Err(_) if signals.interrupted() => return Ok(ExitCode::from(INTERRUPTED)),
        outcome => outcome?,
    };
    if args.json {
        crate::print_json(&summary)?;
    } else if !args.quiet {
        say(&format!(
            "\nSent at {:.0} kbit/s in half the size, then enlarged (PSNR-Y, SSIM against the original):",
            summary.sent_kbps
        ));
        for score in &summary.scores {
            say(&format!(
                "  {:8} {} dB  {}",
                score.upscaler,
                number(score.psnr_y, 2),
                number(score.ssim, 4)
            ));
        }
        say(&format!(
            "\nLook at  {}\n         {}",
            summary.before_after, summary.report
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// One demo.
struct Demo<'a> {
    args: &'a DemoArgs,
    signals: &'a Signals,
    commands: Vec<String>,
}

/// A command's arguments, read from words as from a shell.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Words<T: Args> {
    #[command(flatten)]
    args: T,
}

impl<'a> Demo<'a> {
    fn new(args: &'a DemoArgs, signals: &'a Signals) -> Result<Self> {
        fs::create_dir_all(&args.folder)
            .with_context(|| format!("cannot create {}", args.folder.display()))?;
        Ok(Demo {
            args,
            signals,
            commands: Vec::new(),
        })
    }

    fn run(mut self) -> Result<Summary> {
        let started = Instant::now();
        let original = self.file("original.mkv");
        let sent = self.file("sent.mp4");
        let enhanced = self.file("enhanced.mp4");
        let classical = self.file("lanczos.mp4");
        let plot = self.file("quality.svg");
        let (seed, seconds) = (self.args.seed, self.args.seconds);

        self.say("Render a sample of every scene");
        let words = format!(
            "--scene all --seed {seed} --size 1280x720 --seconds {seconds} --force -o {original}"
        );
        let args: SampleArgs = self.read("sample", &words)?;
        let scenes = sample(&args, self.signals)?.scenes;
        self.go_on()?;

        self.say("Send it in half the size at a low rate");
        self.enlarge(&format!(
            "{original} -o {sent} --scale 0.5 --codec h264 --crf {SENT_CRF} --force"
        ))?;
        self.say("Enhance what arrives");
        let kept = format!("--scale 2 --codec h264 --crf {KEPT_CRF} --force");
        self.enlarge(&format!("{sent} -o {enhanced} {kept}"))?;
        self.say("Enlarge it with Lanczos too, to have something to compare with");
        self.enlarge(&format!("{sent} -o {classical} --upscaler lanczos {kept}"))?;

        self.say("Score both against the original");
        let tables = ["lanczos", "neural"].map(|name| self.file(&format!("{name}.csv")));
        let scores = vec![
            self.score(
                "lanczos",
                &format!("{original} {classical} --csv {}", tables[0]),
            )?,
            self.score(
                "neural",
                &format!(
                    "{original} {enhanced} --csv {} --plot {plot} --plot-metric psnr",
                    tables[1]
                ),
            )?,
        ];
        let curves = [
            Frames::read("lanczos", Path::new(&tables[0]))?,
            Frames::read("neural", Path::new(&tables[1]))?,
        ];
        charts::by_scene(&scenes, &curves, Path::new(&self.file("scenes.svg")))?;
        charts::gain([&curves[0], &curves[1]], Path::new(&self.file("gain.svg")))?;

        self.say("Draw what became of the picture");
        let before_after = self.file("before-after.png");
        picture::write(
            Path::new(&before_after),
            [&sent, &enhanced, &original].map(Path::new),
        )?;
        let bytes = fs::metadata(&sent)
            .with_context(|| format!("cannot read {sent}"))?
            .len();
        let report = self.file("report.html");
        let summary = Summary {
            folder: self.args.folder.display().to_string(),
            sent_kbps: bytes as f64 * 8.0 / 1000.0 / seconds,
            commands: self.commands,
            scores,
            before_after,
            report,
            seconds: started.elapsed().as_secs_f64(),
        };
        page::write(Path::new(&summary.report), &summary)?;
        Ok(summary)
    }

    /// Where a file of the demo is, as words of a command name it.
    fn file(&self, name: &str) -> String {
        self.args.folder.join(name).display().to_string()
    }

    fn say(&self, step: &str) {
        if !self.args.quiet {
            say(&format!("• {step}"));
        }
    }

    /// Reads a command's arguments as if they had been typed, and notes the command.
    fn read<T: Args>(&mut self, command: &str, words: &str) -> Result<T> {
        self.commands.push(format!("nervure {command} {words}"));
        // Progress of each step is shown; its own summary is not.
        let mut words: Vec<_> = words.split(' ').map(|word| word.to_string()).collect();
        if self.args.quiet {
            words.push("--quiet".into());
        }
        let parsed = Words::<T>::try_parse_from(words);
        Ok(parsed
            .with_context(|| format!("nervure {command} does not take its own words"))?
            .args)
    }

    fn enlarge(&mut self, words: &str) -> Result<()> {
        let args: EnhanceArgs = self.read("enhance", words)?;
        enhance(&args, self.signals)?;
        self.go_on()
    }

    fn score(&mut self, upscaler: &str, words: &str) -> Result<Scored> {
        let args: ScoreArgs = self.read("score", words)?;
        let report = serde_json::to_value(score(&args, self.signals)?)?;
        self.go_on()?;
        let value = |key: &str| report.get(key).and_then(Value::as_f64);
        Ok(Scored {
            upscaler: upscaler.into(),
            psnr_y: value("psnr_y"),
            ssim: value("ssim"),
            ms_ssim: value("ms_ssim"),
        })
    }

    /// Ctrl-C ends the demo, not only the step that it caught.
    fn go_on(&self) -> Result<()> {
        if self.signals.stop() {
            bail!("interrupted");
        }
        Ok(())
    }
}

/// A number for people, or a dash.
fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |value| format!("{value:.digits$}"))
}
