//! Training: what a run is told, its steps, trials and checkpoints, and what it leaves.

mod adam;
mod apply;
pub mod artefacts;
mod checkpoint;
mod classical;
mod config;
mod feed;
mod folder;
mod loss;
mod net;
mod run;
mod task;
mod teaching;
mod validation;
pub(crate) mod weights;

pub use burn::tensor::Device;

pub use apply::{Begun, Enhancer, Resampled, WholeNumbers};
pub use checkpoint::Phase;
pub use config::{
    CardConfig, DataConfig, ModelConfig, QuantiseConfig, StepsConfig, TeacherConfig, TrainConfig,
    ValidationConfig,
};
pub use folder::{Metric, read_metrics};
pub use loss::{LossConfig, LossKind};
pub use net::Net;
pub use run::{Begin, Event, Go, Outcome, Trained, train};
pub use task::{Task, Work};
pub use validation::{ClipScore, Model, Quality, Sample, Scores, Spread, Summary, Validator, View};
