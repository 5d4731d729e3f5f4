//! What can go wrong with records.

/// Every failure of this crate. Messages are one line; `hint` says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are no artefact, or a damaged one.
    #[error("no sound artefact: {reason}")]
    Corrupt {
        /// What disagreed.
        reason: String,
    },
    /// An artefact of a newer nervure.
    #[error("an artefact of schema {found}, and this nervure knows schemas up to {known}")]
    Newer {
        /// Its schema.
        found: u64,
        /// The newest we read.
        known: u32,
    },
    /// A card that says what no card may say.
    #[error("the card cannot be: {reason}")]
    Card {
        /// What it says.
        reason: String,
    },
    /// A tensor with more or fewer numbers than its shape.
    #[error("a tensor of shape {shape:?} with {found} numbers")]
    Count {
        /// Its shape.
        shape: Vec<usize>,
        /// How many numbers it has.
        found: usize,
    },
    /// A weight that is no number.
    #[error("the tensor {name:?} holds a weight that is {value}")]
    NotFinite {
        /// Which tensor.
        name: String,
        /// What it holds.
        value: f32,
    },
    /// A tensor that is not there.
    #[error("there is no tensor {name:?}")]
    NoTensor {
        /// Which.
        name: String,
    },
    /// A tensor of another shape than what it is to be used for.
    #[error("the tensor {name:?} has the shape {found:?}, not {wanted:?}")]
    Shape {
        /// Which.
        name: String,
        /// What it has.
        found: Vec<usize>,
        /// What it should have.
        wanted: Vec<usize>,
    },
    /// A tensor of other numbers than what it is to be used for.
    #[error("a tensor of {found} where one of {wanted} is wanted")]
    Kind {
        /// What it holds.
        found: &'static str,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A number of the family that the card does not say.
    #[error("the card says nothing of {name:?}")]
    NoParameter {
        /// Which.
        name: String,
    },
    /// Something that this crate refuses.
    #[error("{what}")]
    Unsupported {
        /// What, and which values disagreed.
        what: String,
        /// What to do instead.
        hint: Option<String>,
    },
}

impl Error {
    /// Damage. Readers of JSON repeat what they stumbled over, which may be anything: it is brought to
    /// one short line.
    pub(crate) fn corrupt(reason: impl AsRef<str>) -> Error {
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        let mut letters = reason.as_ref().chars().map(shown);
        let mut reason: String = letters.by_ref().take(300).collect();
        if letters.next().is_some() {
            reason.push('…');
        }
        Error::Corrupt { reason }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Newer { .. } => Some("update nervure".into()),
            Error::Corrupt { .. } => Some("get the file again from where it came".into()),
            Error::NotFinite { .. } => Some("train with a smaller learning rate".into()),
            Error::Unsupported { hint, .. } => hint.clone(),
            _ => None,
        }
    }
}
