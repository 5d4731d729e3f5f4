//! A run of training, from its configuration to its models.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::adam::{Adam, Pace, schedule};
use super::apply::{Enhancer, WholeNumbers};
use super::artefacts;
use super::checkpoint::{Checkpoint, Phase, Standing, Sums, replace};
use super::config::{QuantiseConfig, TrainConfig};
use super::feed::{Fed, Feed};
use super::folder::{self, Metric};
use super::net::Net;
use super::task::Task;
use super::teaching::{Student, Teacher};
use super::validation::{Model, Sample, Scores, Spread, Validator};
use super::weights::{Layout, numbers};
use crate::loader::Loader;
use crate::nets::{Network, Quantised, ResidualEspcn};
use crate::{Error, Result};

/// What to do about a folder in which a run is already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Nothing is there, or it is an error.
    Fresh,
    /// Go on with it; begin where there is nothing.
    Resume,
    /// Begin again.
    Replace,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Go {
    /// On.
    On,
    /// Write down where things stand, and end.
    Stop,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Everything is there.
    Opened {
        /// Numbers that are learnt.
        parameters: usize,
        /// Multiplications for each pixel that goes in.
        macs: f64,
        /// Clips to learn from.
        clips: usize,
        /// Clips to be tried on.
        valid: usize,
    },
    /// A part of the run begins, or goes on after so many steps.
    Part {
        /// Which.
        phase: Phase,
        /// Steps that are done.
        done: u64,
        /// Steps it has.
        steps: u64,
    },
    /// A step was taken.
    Step {
        /// Of which part.
        phase: Phase,
        /// Steps that are done.
        step: u64,
        /// What it was judged.
        loss: f64,
        /// How far it went.
        rate: f64,
    },
    /// The network was tried.
    Tried {
        /// In which part.
        phase: Phase,
        /// After how many steps.
        step: u64,
        /// How it fared.
        scores: &'a Scores,
        /// Whether it never fared better.
        best: bool,
    },
}

/// A model that came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Its numbers.
    pub phase: Phase,
    /// Its file.
    pub path: PathBuf,
    /// Its true name.
    pub digest: String,
    /// The step it is of.
    pub step: u64,
    /// How it fares on the validation data.
    pub scores: Scores,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether it is done; where not, it can be gone on with.
    pub finished: bool,
    /// Seconds spent, over all starts.
    pub seconds: f64,
    /// Its models.
    pub models: Vec<Trained>,
    /// Pictures of the last of them, for people to look at.
    pub samples: Vec<Sample>,
}

/// Steps between lines of losses.
const LOG_EVERY: u64 = 50;

/// Trains as the configuration says, in a folder of its own, telling `watch` of everything.
///
/// A run that ends early, for whatever reason, goes on with [`Begin::Resume`] from its last checkpoint,
/// and gives the same models as one that never stopped.
pub fn train(
    config: &TrainConfig,
    folder: &Path,
    begin: Begin,
    watch: &mut dyn FnMut(Event<'_>) -> Go,
) -> Result<Outcome> {
    let resumed = folder::look(config, folder, begin)?;
    let device = Device::flex().autodiff();
    let task = config.model.task();
    let teacher = config
        .teacher
        .as_ref()
        .map(|teacher| Teacher::open(teacher, &task, &device))
        .transpose()?;
    let (frames, _) = config.sequence(teacher.as_ref().map(Teacher::task));
    let loader = Loader::open(&config.data.train, &config.loader(frames))?;
    if loader.shape().scale != task.scale() {
        return Err(Error::refused(
            format!(
                "the datasets are {} times smaller than they were, and the model enlarges {} times",
                loader.shape().scale,
                task.scale()
            ),
            "make datasets with --scale of the model's",
        ));
    }
    let validator = match config.data.valid.is_empty() {
        true => None,
        false => Some(Validator::open(
            &config.data.valid,
            task,
            Spread::Over(config.validation.frames),
        )?),
    };
    // Weights at random are drawn whether they are needed or not.
    device.seed(config.seed);
    let mut net = config.model.init(&device);
    if let Some(path) = &config.start {
        net = artefacts::read_weights(path, net)?;
    }
    let go = watch(Event::Opened {
        parameters: net.num_params(),
        macs: net.macs(task.window),
        clips: loader.clips().len(),
        valid: validator.as_ref().map_or(0, |it| it.clips().len()),
    });
    let data = artefacts::data_sources(&config.data.train)?;
    drop(loader);
    // Only now: what could not begin leaves nothing behind.
    folder::take(config, folder, begin)?;
    let mut run = Run {
        config,
        folder,
        device,
        task,
        teacher,
        validator,
        watch,
        before: resumed.as_ref().map_or(0.0, |it| it.standing.seconds),
        began: Instant::now(),
        data,
    };
    if go == Go::Stop {
        return Ok(run.stopped());
    }
    run.whole(net, resumed)
}

/// One part of a run on its way.
struct Part<N: Module> {
    student: Student<N>,
    layout: Layout,
    checkpoint: Checkpoint,
    steps: u64,
    /// Of the best of its trials, if that was since the run was begun or resumed.
    scores: Option<Scores>,
}

/// Why a part ended.
enum Ended {
    Done,
    Stopped,
}

struct Run<'a> {
    config: &'a TrainConfig,
    folder: &'a Path,
    device: Device,
    task: Task,
    teacher: Option<Teacher>,
    validator: Option<Validator>,
    watch: &'a mut dyn FnMut(Event<'_>) -> Go,
    /// Seconds of earlier starts.
    before: f64,
    began: Instant,
    data: Vec<nervure_record::DataSource>,
}

impl Run<'_> {
    fn whole(&mut self, net: Net, resumed: Option<Checkpoint>) -> Result<Outcome> {
        let config = self.config;
        let task = self.task;
        let mut models = Vec::new();
        let (at_fp32, at_int8) = match resumed {
            Some(checkpoint) if checkpoint.standing.phase == Phase::Int8 => {
                (None, Some(checkpoint))
            }
            other => (other, None),
        };
        let path = self.folder.join(artefacts::file_name(config, Phase::Fp32));
        let device = self.device.clone();
        let given = match (&config.start, config.training.steps) {
            (Some(start), 0) => artefacts::whole(start, &net)?,
            _ => None,
        };
        let net = match (at_int8.is_some(), given) {
            // Its best is in the model that it left.
            (true, _) => artefacts::read_weights(&path, net)?,
            // There is nothing to learn: it is the model of this run as it is, card and all.
            (false, Some(bytes)) => {
                replace(&path, &bytes)?;
                net
            }
            (false, None) => {
                let student = Student::new(net, self.teacher.as_ref(), config.seed);
                let mut part = self.part(Phase::Fp32, student, config.training.steps, at_fp32)?;
                let enhance = |net: Net| -> Result<Box<dyn Model>> {
                    Ok(Box::new(Enhancer::new(&net, task, &device)))
                };
                if let Ended::Stopped = self.fit(&mut part, &enhance)? {
                    return Ok(self.stopped());
                }
                let best = part.layout.write(part.student, &part.checkpoint.best).net;
                let scores = match part.scores {
                    Some(scores) => scores,
                    None => self.scores(enhance(best.clone())?.as_ref())?,
                };
                let step = part.checkpoint.standing.best.map_or(0, |best| best.0);
                let bytes = artefacts::fp32(self.card(Phase::Fp32, step, &scores, None), &best)?;
                models.push(self.keep(Phase::Fp32, step, &bytes, scores)?);
                best
            }
        };
        let Some(quantise) = &config.quantise else {
            let model = Enhancer::new(&net, task, &device);
            return self.finished(models, &model);
        };
        if models.is_empty() {
            let bytes = fs::read(&path).map_err(|source| Error::Io {
                action: format!("read {}", path.display()),
                source,
            })?;
            let scores = self.scores(&Enhancer::new(&net, task, &device))?;
            let step = nervure_record::Artefact::from_bytes(&bytes)?
                .card
                .training
                .steps;
            models.push(self.keep(Phase::Fp32, step, &bytes, scores)?);
        }
        let Net::Espcn(net) = net else {
            return Err(Error::refused(
                "only a residual-espcn is quantised",
                "leave [quantise] out",
            ));
        };
        let clips = match &at_int8 {
            // They are among the checkpoint's weights.
            Some(_) => vec![1.0; net.layers() - 1],
            None => self.calibrate(&net, quantise)?,
        };
        let student = Student::plain(Quantised::from_trained(net, &clips));
        let mut part = self.part(Phase::Int8, student, quantise.steps, at_int8)?;
        // What engines will have, not what simulates it.
        let scale = task.scale();
        let enhance = |net: Quantised| -> Result<Box<dyn Model>> {
            Ok(Box::new(WholeNumbers::new(net.network(scale))?))
        };
        if let Ended::Stopped = self.fit(&mut part, &enhance)? {
            return Ok(self.stopped());
        }
        let best = part.layout.write(part.student, &part.checkpoint.best).net;
        let scores = match part.scores {
            Some(scores) => scores,
            None => self.scores(enhance(best.clone())?.as_ref())?,
        };
        let step = part.checkpoint.standing.best.map_or(0, |best| best.0);
        let parent = models[0].digest.clone();
        let card = self.card(Phase::Int8, step, &scores, Some(parent));
        let bytes = artefacts::int8(card, &best)?;
        models.push(self.keep(Phase::Int8, step, &bytes, scores)?);
        self.finished(models, enhance(best)?.as_ref())
    }

    fn part<N: Network>(
        &mut self,
        phase: Phase,
        student: Student<N>,
        steps: u64,
        resumed: Option<Checkpoint>,
    ) -> Result<Part<N>> {
        let (layout, row) = Layout::read(&student);
        let path = self.folder.join(folder::CHECKPOINT);
        let checkpoint = match resumed {
            Some(checkpoint) if checkpoint.adam.weights.len() == row.len() => checkpoint,
            Some(checkpoint) => {
                return Err(Error::refused(
                    format!(
                        "{} has {} numbers, and the network {}",
                        path.display(),
                        checkpoint.adam.weights.len(),
                        row.len()
                    ),
                    "it is of another network: begin again with --force",
                ));
            }
            None => {
                let checkpoint = Checkpoint {
                    standing: Standing {
                        phase,
                        step: 0,
                        loader: self.loader()?.state(),
                        best: None,
                        waiting: 0,
                        seconds: self.seconds(),
                        sums: Sums::default(),
                    },
                    best: row.clone(),
                    adam: Adam::new(row),
                };
                checkpoint.write(&path)?;
                checkpoint
            }
        };
        folder::forget_after(self.folder, &checkpoint.standing)?;
        Ok(Part {
            student: layout.write(student, &checkpoint.adam.weights),
            layout,
            checkpoint,
            steps,
            scores: None,
        })
    }

    fn loader(&self) -> Result<Loader> {
        let (frames, _) = self
            .config
            .sequence(self.teacher.as_ref().map(Teacher::task));
        Loader::open(&self.config.data.train, &self.config.loader(frames))
    }

    fn feed(&self, standing: &Standing) -> Result<Feed> {
        let teacher = self.teacher.as_ref().map(Teacher::task);
        let (_, targets) = self.config.sequence(teacher);
        let mut loader = self.loader()?;
        loader.resume(standing.loader)?;
        let tasks: Vec<Task> = [Some(&self.task), teacher]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        Feed::start(loader, &tasks, targets)
    }

    /// Steps until there are no more, trials bring nothing, or nobody wants to go on.
    fn fit<N: Network>(
        &mut self,
        part: &mut Part<N>,
        enhance: &dyn Fn(N) -> Result<Box<dyn Model>>,
    ) -> Result<Ended> {
        let phase = part.checkpoint.standing.phase;
        let done = part.checkpoint.standing.step;
        (self.watch)(Event::Part {
            phase,
            done,
            steps: part.steps,
        });
        let mut feed = self.feed(&part.checkpoint.standing)?;
        let path = self.folder.join(folder::CHECKPOINT);
        let mut gradients = Vec::new();
        while part.checkpoint.standing.step < part.steps {
            let fed = feed.next()?;
            let pace = self.pace(phase, part.checkpoint.standing.step, part.steps);
            let (loss, length) = self.step(part, &fed, pace, &mut gradients)?;
            feed.give_back(fed);
            let standing = &mut part.checkpoint.standing;
            standing.step += 1;
            standing.loader = feed.state();
            standing.sums.count += 1;
            standing.sums.loss += loss;
            standing.sums.gradient += length;
            let step = standing.step;
            if step.is_multiple_of(LOG_EVERY) || step == part.steps {
                let metric = line(
                    standing,
                    self.before + self.began.elapsed().as_secs_f64(),
                    pace.rate,
                );
                standing.sums = Sums::default();
                folder::log(self.folder, &metric)?;
            }
            let mut go = (self.watch)(Event::Step {
                phase,
                step,
                loss,
                rate: pace.rate,
            });
            let last = step == part.steps;
            let tries = step.is_multiple_of(self.config.validation.every) || last;
            if tries && self.tried(part, enhance)? == Go::Stop {
                go = Go::Stop;
            }
            let patience = self.config.validation.patience;
            let enough = patience > 0 && part.checkpoint.standing.waiting >= patience;
            if enough {
                // As if it had been the last, also for whoever comes back to it.
                part.checkpoint.standing.step = part.steps;
            }
            let due = step.is_multiple_of(self.config.training.checkpoint_every);
            if due || last || enough || go == Go::Stop {
                part.checkpoint.standing.seconds = self.seconds();
                part.checkpoint.write(&path)?;
            }
            if go == Go::Stop && !last {
                return Ok(Ended::Stopped);
            }
        }
        Ok(Ended::Done)
    }

    fn pace(&self, phase: Phase, step: u64, steps: u64) -> Pace {
        let told = &self.config.training;
        let rate = match (phase, &self.config.quantise) {
            (Phase::Int8, Some(quantise)) => {
                schedule(step, steps, steps / 20, quantise.rate, told.last_rate)
            }
            _ => schedule(step, steps, told.warm_up, told.rate, told.last_rate),
        };
        Pace {
            rate,
            clip: told.clip,
            ema: told.ema,
        }
    }

    /// One step. Gives the loss and how long the gradient was.
    fn step<N: Network>(
        &self,
        part: &mut Part<N>,
        fed: &Fed,
        pace: Pace,
        gradients: &mut Vec<f32>,
    ) -> Result<(f64, f64)> {
        let (input, wanted) = fed[0].tensors(&self.device);
        let outputs = fed[0].outputs;
        let loss: Tensor<1> = match &self.teacher {
            Some(teacher) if part.checkpoint.standing.phase == Phase::Fp32 => {
                let (given, _) = fed[1].tensors(&self.device);
                let lesson = teacher.lesson(given);
                let loss = &self.config.loss;
                part.student
                    .taught(input, wanted, lesson, teacher, loss, outputs)
            }
            _ => {
                let corrections = part.student.net.corrections(input);
                self.config.loss.of(corrections, wanted, outputs)
            }
        };
        let value = f64::from(numbers(loss.clone().detach())[0]);
        self.finite("the loss", value, part, fed)?;
        let found = GradientsParams::from_grads(loss.backward(), &part.student);
        part.layout.gradients(&part.student, &found, gradients);
        let length = part.checkpoint.adam.step(gradients, pace);
        self.finite("the gradient", length, part, fed)?;
        let student = part.student.clone();
        part.student = part.layout.write(student, &part.checkpoint.adam.weights);
        Ok((value, length))
    }

    fn finite<N: Network>(
        &self,
        what: &'static str,
        value: f64,
        part: &Part<N>,
        fed: &Fed,
    ) -> Result<()> {
        if value.is_finite() {
            return Ok(());
        }
        let clips = self.loader().map(|loader| {
            let mut names: Vec<String> = fed[0]
                .picks
                .iter()
                .map(|pick| loader.clips()[pick.clip].record.stem.clone())
                .collect();
            names.sort();
            names.dedup();
            names.join(", ")
        });
        Err(Error::NotFinite {
            what,
            value,
            phase: match part.checkpoint.standing.phase {
                Phase::Fp32 => "fp32",
                Phase::Int8 => "int8",
            },
            step: part.checkpoint.standing.step + 1,
            batch: fed[0].number,
            clips: clips.unwrap_or_default(),
        })
    }

    /// Tries the mean of the weights, and keeps it if it is the best.
    fn tried<N: Network>(
        &mut self,
        part: &mut Part<N>,
        enhance: &dyn Fn(N) -> Result<Box<dyn Model>>,
    ) -> Result<Go> {
        let (phase, step) = (
            part.checkpoint.standing.phase,
            part.checkpoint.standing.step,
        );
        let mean = &part.checkpoint.adam.mean;
        let Some(validator) = &self.validator else {
            // With nothing to tell them apart, the last is the best.
            part.checkpoint.best.clone_from(mean);
            part.checkpoint.standing.best = Some((step, 0.0));
            return Ok(Go::On);
        };
        let student = part.layout.write(part.student.clone(), mean);
        let scores = validator.run(enhance(student.net)?.as_ref())?;
        let gain = scores.gain();
        let best = part
            .checkpoint
            .standing
            .best
            .is_none_or(|(_, best)| gain > best);
        if best {
            part.scores = Some(scores.clone());
            part.checkpoint.best.clone_from(mean);
            part.checkpoint.standing.best = Some((step, gain));
            part.checkpoint.standing.waiting = 0;
        } else {
            part.checkpoint.standing.waiting += 1;
        }
        let metric = Metric {
            phase,
            step,
            seconds: self.seconds(),
            loss: None,
            rate: None,
            gradient: None,
            scores: Some(scores.clone()),
        };
        folder::log(self.folder, &metric)?;
        Ok((self.watch)(Event::Tried {
            phase,
            step,
            scores: &scores,
            best,
        }))
    }

    /// First limits of activations: what nearly all of those of some batches stay below.
    fn calibrate(&self, net: &ResidualEspcn, quantise: &QuantiseConfig) -> Result<Vec<f32>> {
        let net = net.valid();
        let device = self.device.clone().inner();
        let start = Standing {
            phase: Phase::Int8,
            step: 0,
            loader: self.loader()?.state(),
            best: None,
            waiting: 0,
            seconds: 0.0,
            sums: Sums::default(),
        };
        let mut feed = self.feed(&start)?;
        let mut limits = vec![0.0; net.layers() - 1];
        for _ in 0..quantise.batches {
            let fed = feed.next()?;
            let (input, _) = fed[0].tensors(&device);
            for (limit, activations) in limits.iter_mut().zip(net.activations(input)) {
                let mut row = numbers(activations);
                let at = ((row.len() - 1) as f64 * quantise.percentile) as usize;
                *limit += *row.select_nth_unstable_by(at, f32::total_cmp).1;
            }
            feed.give_back(fed);
        }
        let mean = |limit: f32| (limit / quantise.batches as f32).max(1e-3);
        Ok(limits.into_iter().map(mean).collect())
    }

    fn scores(&self, model: &dyn Model) -> Result<Scores> {
        match &self.validator {
            Some(validator) => validator.run(model),
            None => Ok(Scores::default()),
        }
    }

    fn card(
        &self,
        phase: Phase,
        step: u64,
        scores: &Scores,
        parent: Option<String>,
    ) -> artefacts::CardFacts<'_> {
        artefacts::CardFacts {
            config: self.config,
            phase,
            step,
            parent,
            quality: artefacts::quality(self.config, scores),
            data: self.data.clone(),
        }
    }

    fn keep(&self, phase: Phase, step: u64, bytes: &[u8], scores: Scores) -> Result<Trained> {
        let path = self.folder.join(artefacts::file_name(self.config, phase));
        replace(&path, bytes)?;
        Ok(Trained {
            phase,
            digest: nervure_record::Artefact::from_bytes(bytes)?.digest()?,
            path,
            step,
            scores,
        })
    }

    fn finished(&self, models: Vec<Trained>, model: &dyn Model) -> Result<Outcome> {
        let samples = match &self.validator {
            Some(validator) => validator.samples(model, SAMPLES)?,
            None => Vec::new(),
        };
        Ok(Outcome {
            finished: true,
            seconds: self.seconds(),
            models,
            samples,
        })
    }

    fn stopped(&self) -> Outcome {
        Outcome {
            finished: false,
            seconds: self.seconds(),
            models: Vec::new(),
            samples: Vec::new(),
        }
    }

    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }
}

/// Pictures that are shown of a run.
const SAMPLES: usize = 6;

/// A line of what steps were like.
fn line(standing: &Standing, seconds: f64, rate: f64) -> Metric {
    let sums = standing.sums;
    let count = sums.count as f64;
    Metric {
        phase: standing.phase,
        step: standing.step,
        seconds,
        loss: Some(sums.loss / count),
        rate: Some(rate),
        gradient: Some(sums.gradient / count),
        scores: None,
    }
}
