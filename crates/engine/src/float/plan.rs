//! What a network does, as a list of operations on tensors of rows.

use std::ops::Range;

use nervure_kernels::conv::{Fetch, Sums};

/// A network: every operation makes one tensor, of others that were made before it.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) tensors: Vec<Tensor>,
    pub(super) ops: Vec<Op>,
    /// The tensor that becomes the picture, of full size: a channel for each sample of a square.
    pub(super) result: usize,
    /// How many samples a side its squares have.
    pub(super) scale: usize,
    /// The classical upscaler's tensor, where there is one.
    pub(super) classical: Option<usize>,
}

/// Channels of a picture or of what was made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) channels: usize,
    /// Rows and columns of the picture for one of its own.
    pub(super) down: (usize, usize),
}

/// How one tensor is made.
#[derive(Debug)]
pub(super) struct Op {
    pub(super) output: usize,
    pub(super) work: Work,
}

#[derive(Debug)]
pub(super) enum Work {
    /// Pictures, one after the other.
    Enter {
        pictures: Vec<usize>,
        /// Outside there are the picture's edges, and not zeros.
        repeat: bool,
    },
    /// A convolution of one or more tensors, channels one after the other.
    Conv {
        parts: Vec<Part>,
        bias: Vec<f32>,
        relu: bool,
        /// A tensor that is added before ReLU.
        to: Option<usize>,
    },
    /// Every channel becomes two: its even columns and its odd ones.
    Split { input: usize },
    /// Channels become squares of pixels.
    Shuffle { input: usize, factor: usize },
    /// The mean of several.
    Mean { inputs: Vec<usize> },
    /// What mending begins with, corrections, and more or less of a change.
    Mend {
        /// What it begins with, and the change.
        from: usize,
        /// Corrections, and how much more.
        last: usize,
    },
    /// Features of a picture from where its pixels have gone.
    Warp {
        flow: usize,
        picture: usize,
        fetch: Fetch,
    },
}

/// One of the tensors that a convolution is of.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) input: usize,
    pub(super) sums: Sums,
    /// Of the first group.
    pub(super) taps: Vec<Tap>,
    /// Channels from one group to the next.
    pub(super) group: usize,
    /// Rows of the input from one row of the output to the next.
    pub(super) step: usize,
}

/// A weight's place, counted from the output's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub(super) channel: usize,
    pub(super) row: isize,
    pub(super) column: isize,
}

/// Which way one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Rows,
    Columns,
}

/// What an operation needs of an input for its places `from..to` along an axis: `from * step + first` to
/// `(to - 1) * step + last`, over `down`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) input: usize,
    pub(super) step: isize,
    pub(super) first: isize,
    pub(super) last: isize,
    pub(super) down: isize,
}

impl Need {
    fn same(input: usize) -> Need {
        Need {
            input,
            step: 1,
            first: 0,
            last: 0,
            down: 1,
        }
    }

    /// Where what is needed for places from `at` on begins.
    pub(super) fn begin(&self, at: isize) -> isize {
        (at * self.step + self.first).div_euclid(self.down)
    }

    /// Where what is needed for places before `at` ends.
    pub(super) fn end(&self, at: isize) -> isize {
        ((at - 1) * self.step + self.last).div_euclid(self.down) + 1
    }
}

impl Op {
    /// What it is made of.
    pub(super) fn needs(&self, axis: Axis) -> Vec<Need> {
        match &self.work {
            Work::Enter { .. } => Vec::new(),
            Work::Conv { parts, to, .. } => {
                let part = |part: &Part| {
                    let along = |tap: &Tap| match axis {
                        Axis::Rows => tap.row,
                        Axis::Columns => tap.column,
                    };
                    let places = || part.taps.iter().map(along);
                    Need {
                        step: match axis {
                            Axis::Rows => part.step as isize,
                            // Columns of a stride lie in tensors of their own.
                            Axis::Columns => 1,
                        },
                        first: places().min().unwrap_or(0),
                        last: places().max().unwrap_or(0),
                        ..Need::same(part.input)
                    }
                };
                let to = to.iter().map(|input| Need::same(*input));
                parts.iter().map(part).chain(to).collect()
            }
            Work::Split { input } => vec![match axis {
                Axis::Rows => Need::same(*input),
                Axis::Columns => Need {
                    step: 2,
                    last: 1,
                    ..Need::same(*input)
                },
            }],
            Work::Shuffle { input, factor } => vec![Need {
                down: *factor as isize,
                ..Need::same(*input)
            }],
            Work::Mean { inputs } => inputs.iter().map(|input| Need::same(*input)).collect(),
            Work::Mend { from, last } => vec![Need::same(*from), Need::same(*last)],
            Work::Warp { flow, .. } => vec![Need::same(*flow)],
        }
    }
}

impl Plan {
    /// Adds an operation, and the tensor that it makes.
    pub(super) fn push(&mut self, channels: usize, down: (usize, usize), work: Work) -> usize {
        let output = self.tensors.len();
        self.tensors.push(Tensor { channels, down });
        self.ops.push(Op { output, work });
        output
    }

    /// Rows and columns of a tensor of a picture.
    pub(super) fn size(&self, tensor: usize, picture: (usize, usize)) -> (usize, usize) {
        let (rows, columns) = self.tensors[tensor].down;
        (picture.0.div_ceil(rows), picture.1.div_ceil(columns))
    }

    /// How many rows of the picture a row of the result depends on, on either side, at most: where
    /// motion leads is not counted.
    pub(super) fn reach(&self) -> usize {
        let far = 1 << 20;
        let reach = self
            .ranges(Axis::Rows, |_| 2 * far, far as isize..far as isize + 1)
            .iter()
            .zip(&self.tensors)
            .map(|(range, tensor)| {
                let down = tensor.down.0 as isize;
                let (above, below) = (far as isize - range.start * down, range.end * down);
                above.max(below - far as isize)
            })
            .max();
        reach.unwrap_or(0).max(0) as usize
    }

    /// What of each tensor is needed for a part of the result, where a tensor is so long. Some may lie
    /// outside of it, where zeros are; an empty range where nothing is needed.
    pub(super) fn ranges(
        &self,
        axis: Axis,
        length: impl Fn(usize) -> usize,
        result: Range<isize>,
    ) -> Vec<Range<isize>> {
        let mut ranges = vec![0..0; self.tensors.len()];
        ranges[self.result] = result;
        for op in self.ops.iter().rev() {
            let wanted = ranges[op.output].clone();
            let made = wanted.start.max(0)..wanted.end.min(length(op.output) as isize);
            if made.is_empty() {
                continue;
            }
            for need in op.needs(axis) {
                let range = &mut ranges[need.input];
                let more = need.begin(made.start)..need.end(made.end);
                *range = match Range::is_empty(range) {
                    true => more,
                    false => range.start.min(more.start)..range.end.max(more.end),
                };
            }
        }
        ranges
    }

    /// Multiplications with a learned weight, for each pixel of the picture.
    pub(super) fn macs(&self) -> f64 {
        let of = |op: &Op| {
            let (rows, columns) = self.tensors[op.output].down;
            let count = match &op.work {
                Work::Conv { parts, .. } if Some(op.output) != self.classical => {
                    parts.iter().map(|part| part.sums.macs()).sum()
                }
                _ => 0,
            };
            count as f64 / (rows * columns) as f64
        };
        self.ops.iter().map(of).sum()
    }
}
