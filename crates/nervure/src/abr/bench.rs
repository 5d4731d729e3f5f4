//! `nervure abr bench`: controllers side by side on sets of traces.

mod fronts;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use nervure_abr::compare::{Row, Set, Stage, compare};
use nervure_abr::controller::Kind;
use nervure_abr::energy::Device;
use nervure_abr::front::Beside;
use nervure_abr::quality::QualityTable;
use nervure_abr::trace::{Part, read_folder};
use nervure_abr::video::ladder_text;
use nervure_abr::{Error, Player, Video};
use serde::Serialize;

use self::fronts::Fronts;
use crate::chart::Chart;
use crate::console::say;
use crate::table::table;

/// Compare bitrate controllers on sets of traces
///
/// Every trace is one session. Scores are QoE_lin: Mbit/s, less the protocol's penalty for each second of
/// stalling, less changes in Mbit/s, as a mean over the chunks but the first. With --quality the points of
/// a table count instead of Mbit/s, and controllers may enhance. Intervals hold 95% of bootstrap samples of
/// sessions; differences to RobustMPC are paired by trace.
#[derive(Args, Debug)]
#[command(after_help = "\
Controllers: fixed:LEVEL, rate, bb, bola, bola-e, throughput, dynamic, mpc, robustmpc,
robustmpc-carried (errors of one session count in the next), oracle (knows the link), the policies
abr-p1, abr-p2 and abr-energy, and files of others, as `nervure abr train` makes them.
With --quality also robustmpc-enhanced, NAME+greedy (the best tier there is time for) and NAME+TIER,
as in bola+xs. Policies that choose tiers, and robustmpc-priced, heed what energy counts:
NAME@WEIGHT, from 0 to 1.

Examples:
  nervure abr bench --traces traces/valid/* --protocol P1
  nervure abr bench --traces lte --protocol P2 --controllers bola,robustmpc,oracle --json
  nervure abr bench --traces lte --protocol mine.toml --video film.json --report report/
  nervure abr bench --traces traces/valid/* --quality nervure --device phone-lte-nervure \\
      --controllers robustmpc,robustmpc+greedy,robustmpc-enhanced
  nervure abr bench --traces traces/valid/* --quality nervure --device phone-lte-nervure \\
      --controllers robustmpc,robustmpc+xs,abr-energy --preferences 0,0.25,0.5,0.75,1")]
pub(crate) struct BenchArgs {
    /// Folders of traces; each is a set
    #[arg(long, value_name = "DIR", num_args = 1.., required = true)]
    traces: Vec<PathBuf>,

    /// A video: envivio, bbb, bbb4k, a JSON file, a folder of video_size_N, or constant:RATES for chunks of
    /// exactly these kbit/s, as in constant:398,802,1203 [default: the protocol's]
    #[arg(long, value_name = "NAME|FILE")]
    video: Option<String>,

    /// P1 (Pensieve's), P2 (4G and 5G), or a TOML file of another player
    #[arg(long, value_name = "NAME|FILE", default_value = "P1")]
    protocol: String,

    /// What to compare
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "bb,bola,bola-e,dynamic,mpc,robustmpc,oracle"
    )]
    controllers: Vec<String>,

    /// How good levels look, without enhancement and with it: nervure, bones-plain, bones-content-aware,
    /// bones-generic, or a TOML file, as `nervure abr ladder` makes them [default: as many points as
    /// Mbit/s, without enhancement]
    #[arg(long, value_name = "NAME|FILE")]
    quality: Option<String>,

    /// For energy and enhancement: phone-lte, phone-5g-low, phone-5g-mmwave, phone-lte-nervure, or a TOML
    /// file
    #[arg(long, value_name = "NAME|FILE", default_value = "phone-lte")]
    device: String,

    /// Weights of energy, from 0 to 1, at which controllers that heed it are each to be played; each then
    /// is a front, beside which the others are put: how much QoE it has for as many joules, how many joules
    /// and megabits less it takes for as much QoE and quality
    #[arg(long, value_name = "WEIGHTS", value_delimiter = ',')]
    preferences: Vec<f64>,

    /// Only a part of each set: 1/2 is every second trace from the first, 2/2 the rest
    #[arg(long, value_name = "N/M")]
    part: Option<Part>,

    /// For players with noise or random starts, and for the bootstrap
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Write report.md, and a chart of each set's scores, into this folder
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,

    /// Print the rows as JSON on standard output
    #[arg(long)]
    json: bool,

    /// No progress
    #[arg(short, long)]
    quiet: bool,
}

/// What was found, for machines.
#[derive(Serialize)]
struct Report<'a> {
    protocol: &'a str,
    video: &'a str,
    device: &'a str,
    /// The table of quality; null where Mbit/s count.
    quality: Option<&'a str>,
    seed: u64,
    /// The part of each set; null where it is all.
    part: Option<String>,
    rows: &'a [Row],
    /// Fronts over weights of energy beside controllers that are none.
    #[serde(skip_serializing_if = "<[Beside]>::is_empty")]
    fronts: &'a [Beside],
}

/// The command.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode> {
    let player = Player::find(&args.protocol)?;
    let video = Video::find(args.video.as_deref().unwrap_or(&player.video))?;
    let device = Device::find(&args.device)?;
    let quality = args.quality.as_deref().map(QualityTable::find);
    let quality = quality.transpose()?;
    let tiers = quality.as_ref().map_or(&[][..], |table| &table.tiers);
    let kinds = args.controllers.iter().map(|name| {
        let kind = Kind::parse_with(name, tiers)?;
        Ok((name.clone(), kind))
    });
    let kinds: Vec<(String, Kind)> = kinds.collect::<Result<_>>()?;
    let (kinds, fronts) = Fronts::of(kinds, &args.preferences)?;
    let mut sets = Vec::new();
    for folder in &args.traces {
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let all = read_folder(folder, None)?;
        let traces = match args.part {
            Some(part) => part.of(all),
            None => all,
        };
        if traces.is_empty() {
            let path = folder.clone();
            return Err(Error::NoTraces { path }.into());
        }
        sets.push(Set {
            name: name.to_string_lossy().into_owned(),
            traces,
        });
    }
    let stage = Stage {
        video,
        player,
        device,
        quality,
    };
    let rows = compare(&sets, &stage, &kinds, args.seed, &mut |row| {
        if !args.quiet {
            say(&format!(
                "{}: {} {:.3}",
                row.set, row.controller, row.qoe_mean
            ));
        }
    })?;
    let Stage {
        video,
        player,
        device,
        quality,
    } = &stage;
    let (ladder, _) = player.fit(video)?;
    let table_name = quality.as_ref().map(|table| table.name.as_str());
    let beside = fronts.beside(&rows, args.seed);
    if let Some(folder) = &args.report {
        let head = format!(
            "Protocol {}, video {} at {} kbit/s, quality by {}, device {}, seed {}{}.",
            player.name,
            video.name(),
            ladder_text(&ladder),
            table_name.unwrap_or("Mbit/s"),
            device.name,
            args.seed,
            args.part
                .map_or(String::new(), |part| format!(", part {part} of each set"))
        );
        write_report(folder, &head, &rows, &fronts, &beside)?;
    }
    if args.json {
        crate::print_json(&Report {
            protocol: &player.name,
            video: video.name(),
            device: &device.name,
            quality: table_name,
            seed: args.seed,
            part: args.part.map(|part| part.to_string()),
            rows: &rows,
            fronts: &beside,
        })?;
    } else {
        let mut text = table(&cells(&rows), 2);
        if !beside.is_empty() {
            text += "\n";
            text += &table(&fronts::cells(&beside), 3);
        }
        crate::print_text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

const HEAD: [&str; 14] = [
    "set",
    "controller",
    "sessions",
    "QoE",
    "95%",
    "median",
    "quality",
    "stall s",
    "switches",
    "J",
    "Mbit",
    "to RobustMPC",
    "J to RobustMPC",
    "Mbit to RobustMPC",
];

/// The rows as people read them.
fn cells(rows: &[Row]) -> Vec<Vec<String>> {
    let mut cells = vec![HEAD.map(String::from).to_vec()];
    for row in rows {
        cells.push(vec![
            row.set.clone(),
            row.controller.clone(),
            row.sessions.to_string(),
            format!("{:.3}", row.qoe_mean),
            format!("{:.3} to {:.3}", row.ci_low, row.ci_high),
            format!("{:.3}", row.qoe_median),
            format!("{:.3}", row.quality),
            format!("{:.2}", row.rebuffer_s),
            format!("{:.1}", row.switches),
            format!("{:.0}", row.joules),
            format!("{:.0}", row.megabits),
            format!(
                "{:+.3} ({:+.3} to {:+.3})",
                row.diff_robustmpc, row.diff_low, row.diff_high
            ),
            format!(
                "{:+.1} ({:+.1} to {:+.1})",
                row.joules_diff, row.joules_diff_low, row.joules_diff_high
            ),
            format!(
                "{:+.1} ({:+.1} to {:+.1})",
                row.megabits_diff, row.megabits_diff_low, row.megabits_diff_high
            ),
        ]);
    }
    cells
}

/// A table as Markdown has it, the first columns of which are words.
fn markdown(cells: &[Vec<String>], words: usize) -> String {
    let mut text = String::new();
    for (at, row) in cells.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if at == 0 {
            let numbers = "--:|".repeat(row.len() - words);
            let _ = writeln!(text, "|{}{numbers}", "---|".repeat(words));
        }
    }
    text
}

/// A page with a table, and a chart of each set.
fn write_report(
    folder: &Path,
    head: &str,
    rows: &[Row],
    fronts: &Fronts,
    beside: &[Beside],
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut page = format!(
        "# Bitrate controllers\n\n{head} QoE is the mean over sessions, with 95% bootstrap intervals; \
         differences to RobustMPC are paired by trace.\n\n"
    );
    page += &markdown(&cells(rows), 2);
    if !beside.is_empty() {
        let _ = write!(page, "\n{}\n\n", fronts::EXPLAINED);
        page += &markdown(&fronts::cells(beside), 3);
    }
    let mut sets: Vec<&str> = rows.iter().map(|row| row.set.as_str()).collect();
    sets.dedup();
    for set in sets {
        let mut chart = Chart::distribution(format!("{set}: QoE of sessions"))
            .subtitle(head)
            .labels("QoE", "share of sessions with at most this");
        for row in rows.iter().filter(|row| row.set == set) {
            chart = chart.values(&row.controller, row.parts.iter().map(|it| it.qoe));
        }
        let file = format!("{set}.svg");
        chart.write(&folder.join(&file))?;
        let _ = write!(
            page,
            "\n![How the sessions of {set} are distributed]({file})\n"
        );
        if let Some(chart) = fronts.chart(set, rows) {
            let file = format!("{set}-front.svg");
            chart.subtitle(head).write(&folder.join(&file))?;
            let _ = write!(page, "\n![QoE and joules on {set}]({file})\n");
        }
    }
    let path = folder.join("report.md");
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}
