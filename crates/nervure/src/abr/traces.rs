//! `nervure abr traces`: looks at bandwidth traces, writes them in other formats, and makes some.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use nervure_abr::Trace;
use nervure_abr::trace::{Format, Markov, read_file, read_folder};
use serde::Serialize;

use crate::console::{fail, say};
use crate::table::table;

/// Look at bandwidth traces, convert them, or make some
#[derive(Args, Debug)]
pub(crate) struct TracesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Inspect(InspectArgs),
    Convert(ConvertArgs),
    Generate(GenerateArgs),
}

/// Say what traces hold: how long, how fast, how often nothing came
#[derive(Args, Debug)]
struct InspectArgs {
    /// Files and folders of traces
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// How they are written down: csv, mahimahi, cooked, fcc, hsdpa [default: as they look]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Print what was found as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// Write traces in another format
#[derive(Args, Debug)]
struct ConvertArgs {
    /// Files and folders of traces
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// The folder to write into
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// How to write them
    #[arg(long, value_enum, default_value = "csv")]
    to: Written,

    /// How they are written down: csv, mahimahi, cooked, fcc, hsdpa [default: as they look]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Replace what is there
    #[arg(long)]
    force: bool,
}

/// A format that traces are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Written {
    /// A table headed seconds,mbps
    Csv,
    /// Seconds and Mbit/s, as Pensieve reads them
    Cooked,
    /// The millisecond of each packet of 1500 bytes
    Mahimahi,
}

/// Make traces of a link that goes from state to state, from a seed
#[derive(Args, Debug)]
struct GenerateArgs {
    /// The folder to write into
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    count: u64,

    /// The seed of the first; the others follow
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// How long each is
    #[arg(long, value_name = "S", default_value_t = 320.0)]
    seconds: f64,

    /// The rate of the slowest state in Mbit/s
    #[arg(long, value_name = "MBPS", default_value_t = 0.3)]
    low: f64,

    /// The rate of the fastest
    #[arg(long, value_name = "MBPS", default_value_t = 5.0)]
    high: f64,

    /// How many states there are
    #[arg(long, value_name = "N", default_value_t = 6)]
    states: usize,

    /// Replace what is there
    #[arg(long)]
    force: bool,
}

/// The command.
pub(crate) fn run(args: &TracesArgs) -> Result<ExitCode> {
    match &args.command {
        Command::Inspect(args) => inspect(args)?,
        Command::Convert(args) => convert(args)?,
        Command::Generate(args) => generate(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn read(paths: &[PathBuf], format: Option<Format>) -> Result<Vec<Trace>> {
    let mut traces = Vec::new();
    for path in paths {
        traces.extend(match path.is_dir() {
            true => read_folder(path, format)?,
            false => read_file(path, format)?,
        });
    }
    Ok(traces)
}

/// What a trace holds.
#[derive(Serialize)]
struct Found<'a> {
    trace: &'a str,
    rows: usize,
    seconds: f64,
    mean_mbps: f64,
    least_mbps: f64,
    most_mbps: f64,
    outage: f64,
}

fn inspect(args: &InspectArgs) -> Result<()> {
    let traces = read(&args.paths, args.format)?;
    let found: Vec<Found<'_>> = traces
        .iter()
        .map(|trace| Found {
            trace: trace.name(),
            rows: trace.mbps().len(),
            seconds: trace.seconds(),
            mean_mbps: trace.mean_mbps(),
            least_mbps: trace.mbps()[1..]
                .iter()
                .copied()
                .fold(f64::INFINITY, f64::min),
            most_mbps: trace.mbps()[1..].iter().copied().fold(0.0, f64::max),
            outage: trace.outage(),
        })
        .collect();
    if args.json {
        return crate::print_json(&found);
    }
    let head = [
        "trace", "rows", "seconds", "Mbit/s", "least", "most", "outage",
    ];
    let mut rows = vec![head.map(String::from).to_vec()];
    for it in &found {
        rows.push(vec![
            it.trace.into(),
            it.rows.to_string(),
            format!("{:.1}", it.seconds),
            format!("{:.3}", it.mean_mbps),
            format!("{:.3}", it.least_mbps),
            format!("{:.3}", it.most_mbps),
            format!("{:.1}%", it.outage * 100.0),
        ]);
    }
    crate::print_text(&table(&rows, 1))
}

fn convert(args: &ConvertArgs) -> Result<()> {
    let traces = read(&args.paths, args.format)?;
    let ending = match args.to {
        Written::Csv => "csv",
        Written::Cooked => "txt",
        Written::Mahimahi => "mahi",
    };
    for trace in &traces {
        let text = match args.to {
            Written::Csv => trace.to_csv(),
            Written::Cooked => trace.to_cooked(),
            Written::Mahimahi => trace.to_mahimahi(),
        };
        let name = Path::new(trace.name()).file_name().unwrap_or_default();
        let name = name.to_string_lossy();
        let stem = name
            .strip_suffix(".csv")
            .unwrap_or(&name)
            .replace(['#', '/', ':'], "_");
        write(&args.out, &format!("{stem}.{ending}"), &text, args.force)?;
    }
    say(&format!(
        "{} traces in {}",
        traces.len(),
        args.out.display()
    ));
    Ok(())
}

fn generate(args: &GenerateArgs) -> Result<()> {
    let link = Markov::between(args.low, args.high, args.states);
    for at in 0..args.count {
        let seed = args.seed.wrapping_add(at);
        let trace = link.generate(seed, args.seconds)?;
        let name = format!("markov-{seed:05}.csv");
        write(&args.out, &name, &trace.to_csv(), args.force)?;
    }
    say(&format!("{} traces in {}", args.count, args.out.display()));
    Ok(())
}

fn write(folder: &Path, name: &str, text: &str, force: bool) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(name);
    if path.exists() && !force {
        return Err(fail(
            format!("{} exists", path.display()),
            "replace it with --force, or name another folder",
        ));
    }
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
