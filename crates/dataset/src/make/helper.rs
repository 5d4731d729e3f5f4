//! A variant coded in a process of its own.
//!
//! SVT-AV1 can have one encoder in a process ([`nervure_media::Encoder::open`]); so that jobs need not
//! wait for one another, each of its variants is coded by a helper: the same program, which reads an
//! order on standard input and tells on standard output how it goes, one JSON document a line.
//! Pictures pass through files, which are there anyway. A helper that crashes takes nothing with it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::{process, thread};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::variant::{Coded, Failure, Task, code};
use super::{Ended, Stages};
use crate::clip::ClipReader;
use crate::recipe::{Recipe, Variant};
use crate::{Error, Result};

/// A [`Task`] in words.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) small: PathBuf,
    pub(super) large: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) recipe: Value,
    pub(super) variant: usize,
    pub(super) seed: u64,
    pub(super) frame_rate: Option<(u32, u32)>,
}

/// What a helper says.
#[derive(Serialize, Deserialize)]
enum Told {
    /// It is about to code another frame.
    Frame,
    Coded {
        coded: Box<Coded>,
        spent: Stages,
    },
    Failed {
        /// Other variants may do.
        of_variant: bool,
        message: String,
        hint: Option<String>,
    },
}

/// Has a helper code it.
pub(super) fn order(
    command: &[OsString],
    order: &str,
    spent: &mut Stages,
    step: &mut dyn FnMut() -> Result<(), Ended>,
) -> Result<Coded, Failure> {
    let lost = |source| Failure::from(Error::io("work with an encoder's process")(source));
    let (mut helper, answers) = Helper::start(command, order).map_err(lost)?;
    for line in answers.lines() {
        match serde_json::from_str(&line.map_err(lost)?).map_err(|error| lost(error.into()))? {
            Told::Frame => step().map_err(Failure::Run)?,
            Told::Coded { coded, spent: more } => {
                spent.add(&more);
                return Ok(*coded);
            }
            Told::Failed {
                of_variant,
                message,
                hint,
            } => {
                let error = Error::Helper { message, hint };
                return Err(match of_variant {
                    true => Failure::Variant(error),
                    false => Failure::Run(error.into()),
                });
            }
        }
    }
    let status = helper.child.wait().map_err(lost)?;
    let error = Error::Helper {
        message: format!("the encoder's process ended early: {status}"),
        hint: None,
    };
    Err(match crashed(status) {
        true => Failure::Variant(error),
        false => Failure::Run(error.into()),
    })
}

/// Whether a program's own fault ended it, and not somebody who wanted it gone.
#[cfg(unix)]
fn crashed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    // Illegal instruction, trap, abort, bus error, arithmetic, segmentation fault.
    matches!(status.signal(), Some(4 | 5 | 6 | 7 | 8 | 10 | 11))
}

#[cfg(not(unix))]
fn crashed(_: ExitStatus) -> bool {
    false
}

/// A helper at work; it ends when this goes.
struct Helper {
    child: Child,
    /// Open for as long as its work is wanted.
    _input: ChildStdin,
}

impl Helper {
    fn start(command: &[OsString], order: &str) -> io::Result<(Self, impl BufRead)> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // Ctrl-C is for us, who end it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (mut input, output) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        // When it has ended already, the end of what it says will tell.
        let _ = writeln!(input, "{order}");
        let helper = Helper {
            child,
            _input: input,
        };
        Ok((helper, BufReader::new(output)))
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Nothing else can be done when it cannot be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole life of a helper's process: carries out the order on standard input.
///
/// Ends the process when standard input ends before: whoever gave the order has gone.
pub fn help() -> Result<()> {
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(Error::io("read the order"))?;
    thread::spawn(move || {
        // Nothing more comes; an error is as good as an end.
        let _ = input.read_to_end(&mut Vec::new());
        process::exit(1);
    });
    let mut output = io::stdout();
    let mut say = move |told: &Told| {
        let line = serde_json::to_string(told).map_err(io::Error::from);
        line.and_then(|line| writeln!(output, "{line}"))
            .map_err(Error::io("write standard output"))
    };
    let mut spent = Stages::default();
    let coded = carry_out(&line, &mut spent, &mut || say(&Told::Frame));
    say(&match coded {
        Ok(coded) => Told::Coded {
            coded: Box::new(coded),
            spent,
        },
        Err(failure) => {
            let (of_variant, message, hint) = match failure {
                Failure::Variant(error) => (true, error.to_string(), error.hint()),
                Failure::Run(Ended::Failed(error)) => (false, error.to_string(), error.hint()),
                Failure::Run(ended) => (false, ended.to_string(), None),
            };
            Told::Failed {
                of_variant,
                message,
                hint,
            }
        }
    })
}

fn carry_out(
    line: &str,
    spent: &mut Stages,
    step: &mut dyn FnMut() -> Result<()>,
) -> Result<Coded, Failure> {
    let order: Order = serde_json::from_str(line)
        .map_err(|error| Error::io("read the order")(io::Error::from(error)))?;
    let recipe = Recipe::from_json(&order.recipe)?;
    let variant = nth(&recipe, order.variant)?;
    let task = Task {
        small: &order.small,
        large: &ClipReader::open(&order.large)?,
        recipe: &recipe,
        variant,
        seed: order.seed,
        folder: &order.folder,
        frame_rate: order.frame_rate,
    };
    code(&task, spent, &mut || step().map_err(Ended::from))
}

fn nth(recipe: &Recipe, index: usize) -> Result<Variant> {
    recipe.variants().nth(index).ok_or(Error::Unsupported {
        what: format!("a recipe without a variant {index}"),
        hint: None,
    })
}
