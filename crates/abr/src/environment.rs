//! Environments to learn in, with the semantics of Gymnasium.

mod full;
mod simple;
mod streaming;

pub(crate) use full::possible;
pub use full::{Changes, Course, Full, Memory};
pub use simple::Simple;
pub use streaming::Streaming;

/// What goes in and comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Spaces {
    /// The least that each number of an observation can be.
    pub low: Vec<f32>,
    /// The most.
    pub high: Vec<f32>,
    /// For each part of an action, how many choices there are.
    pub actions: Vec<usize>,
}

/// What came of an action, besides the observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// How good it was.
    pub reward: f32,
    /// The episode is over, and nothing follows.
    pub terminated: bool,
    /// The episode was cut off.
    pub truncated: bool,
    /// What happened.
    pub info: Info,
}

/// What happened, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Info {
    /// How good the chunk looks.
    pub quality: f64,
    /// How long playing stood still.
    pub rebuffer_ms: f64,
    /// What it took from the battery.
    pub joules: f64,
    /// Part of the score that does not count energy.
    pub qoe: f64,
}

/// Something to learn in.
///
/// ```
/// use nervure_abr::environment::{Environment, Simple};
///
/// let mut environment = Simple::new();
/// environment.reset(7);
/// let first = environment.observation().to_vec();
/// let mut total = 0.0;
/// loop {
///     let outcome = environment.step(&[0]);
///     total += outcome.reward;
///     if outcome.terminated || outcome.truncated {
///         break;
///     }
/// }
/// assert!(total > 0.0, "the lowest rate never stalls for long");
/// environment.reset(7);
/// assert_eq!(environment.observation(), first);
/// ```
pub trait Environment: Send {
    /// What goes in and comes out; always the same.
    fn spaces(&self) -> &Spaces;

    /// Begins an episode that the seed decides.
    fn reset(&mut self, seed: u64) -> Info;

    /// Takes an action: one choice for each part.
    fn step(&mut self, action: &[usize]) -> Outcome;

    /// What can be seen now.
    fn observation(&self) -> &[f32];

    /// For every choice of every part, one after the other, whether it can be taken now.
    fn mask(&self) -> &[bool];

    /// What no player can know now but an environment may: for critics, which are there only to learn.
    fn hindsight(&self) -> &[f32] {
        &[]
    }
}

#[cfg(test)]
mod tests;
