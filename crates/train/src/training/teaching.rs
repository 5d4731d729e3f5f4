//! Learning from a larger model: from what it gives, and from what it sees on the way.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::artefacts;
use super::config::TeacherConfig;
use super::loss::LossConfig;
use super::net::Net;
use super::task::{Task, Work};
use crate::layers::{Conv, ConvConfig};
use crate::nets::Network;
use crate::{Error, Result};

/// A network that learns, and what it needs only for that.
#[derive(Module, Debug)]
pub(super) struct Student<N: Module> {
    /// The network.
    pub(super) net: N,
    /// From its features to its teacher's.
    adapter: Option<Conv>,
}

impl<N: Network> Student<N> {
    /// That learns from the data only.
    pub(super) fn plain(net: N) -> Self {
        Student { net, adapter: None }
    }
}

impl Student<Net> {
    /// That may have a teacher.
    pub(super) fn new(net: Net, teacher: Option<&Teacher>, seed: u64) -> Self {
        let adapter = teacher.filter(|it| it.features > 0.0).map(|teacher| {
            let device = teacher.device.clone();
            device.seed(seed ^ 0x007e_ac4e);
            let config = ConvConfig {
                kernel: 1,
                ..ConvConfig::new(net.features(), teacher.net.features())
            };
            config.init(&device)
        });
        Student { net, adapter }
    }
}

/// What a teacher says of a batch.
#[derive(Debug)]
pub(super) struct Lesson {
    features: Tensor<4>,
    corrections: Tensor<4>,
}

/// A network that has learnt.
#[derive(Debug)]
pub(super) struct Teacher {
    net: Net,
    task: Task,
    device: Device,
    output: f64,
    features: f64,
}

impl Teacher {
    /// Reads one for a student that is to do such work.
    pub(super) fn open(config: &TeacherConfig, student: &Task, device: &Device) -> Result<Teacher> {
        let (net, model) = artefacts::read_net(&config.model, device)?;
        let task = model.task();
        let recovers = |task: &Task| task.work == Work::Recover;
        if task.scale() != student.scale() || recovers(&task) != recovers(student) {
            return Err(Error::refused(
                format!("the teacher {} does other work", config.model.display()),
                "give a model of the same scale, and of the same kind of work",
            ));
        }
        for (name, weight) in [("output", config.output), ("features", config.features)] {
            if !(0.0..=1000.0).contains(&weight) {
                return Err(Error::refused(
                    format!("teacher.{name} is {weight}"),
                    "choose a weight from 0 to 1000",
                ));
            }
        }
        Ok(Teacher {
            net: net.valid(),
            task,
            device: device.clone(),
            output: config.output,
            features: config.features,
        })
    }

    pub(super) fn task(&self) -> &Task {
        &self.task
    }

    /// What it says of what it is given.
    pub(super) fn lesson(&self, given: Tensor<4>) -> Lesson {
        let (features, corrections) = self.net.seen(given.inner());
        Lesson {
            features: Tensor::from_inner(features).to_device(&self.device),
            corrections: Tensor::from_inner(corrections).to_device(&self.device),
        }
    }
}

impl<N: Network> Student<N> {
    /// The loss of what is right, and of the distance from the teacher.
    pub(super) fn taught(
        &self,
        input: Tensor<4>,
        wanted: Tensor<4>,
        lesson: Lesson,
        teacher: &Teacher,
        config: &LossConfig,
        outputs: usize,
    ) -> Tensor<1> {
        let (features, corrections) = self.net.seen(input);
        let mut loss = config.of(corrections.clone(), wanted, outputs);
        if teacher.output > 0.0 {
            let off = config.of(corrections, lesson.corrections, outputs);
            loss = loss + off * teacher.output;
        }
        if let Some(adapter) = &self.adapter {
            let features = adapter.forward(features);
            let off = (features - lesson.features.clone()).abs().mean();
            // Features may be of any size: what counts is their share.
            let size = lesson.features.abs().mean() + 1e-6;
            loss = loss + off / size * teacher.features;
        }
        loss
    }
}
