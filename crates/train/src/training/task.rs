//! What a network is given of a batch, and what is wanted of it.

use burn::tensor::{Device, Tensor, TensorData};

use std::ops::Range;

use super::classical::{Classical, squares};
use crate::loader::{Batch, Pick, PlaneSet};

/// What a network does with pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Makes one larger.
    Enlarge {
        /// How many times.
        scale: usize,
    },
    /// Mends one that the network damaged, the last of its window.
    Recover,
}

/// A network's needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// What it does.
    pub work: Work,
    /// Planes of each picture.
    pub planes: PlaneSet,
    /// Pictures that it is given at once.
    pub window: usize,
    /// Which of them it works on.
    pub target: usize,
}

/// A batch as a network takes it. Memory that is used again.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// Which batch it was.
    pub number: u64,
    /// Where its patches were taken.
    pub picks: Vec<Pick>,
    /// What goes in, and its sides.
    input: (Vec<f32>, [usize; 4]),
    /// What is to come out.
    wanted: (Vec<f32>, [usize; 4]),
    /// Outputs that follow one another in each sequence.
    pub outputs: usize,
}

impl Prepared {
    /// As tensors: what goes in, and the corrections that are wanted.
    pub fn tensors(&self, device: &Device) -> (Tensor<4>, Tensor<4>) {
        (tensor(&self.input, device), tensor(&self.wanted, device))
    }
}

fn tensor((numbers, shape): &(Vec<f32>, [usize; 4]), device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(numbers.clone(), *shape), device)
}

/// What [`Task::prepare`] keeps from one batch to the next.
#[derive(Clone, Debug)]
pub struct Preparer {
    task: Task,
    classical: Classical,
    lr: Vec<f32>,
    hr: Vec<f32>,
    base: Vec<f32>,
}

impl Task {
    /// How many times as large the result is.
    pub fn scale(&self) -> usize {
        match self.work {
            Work::Enlarge { scale } => scale,
            Work::Recover => 1,
        }
    }

    /// What turns batches into its needs.
    pub fn preparer(&self) -> Preparer {
        Preparer {
            task: *self,
            classical: Classical::new(self.scale()),
            lr: Vec::new(),
            hr: Vec::new(),
            base: Vec::new(),
        }
    }
}

impl Preparer {
    /// Cuts windows out of sequences, one around each picture that is a target, and takes off what the
    /// network is given for nothing.
    ///
    /// # Panics
    /// When the sequences are too short for that.
    pub fn prepare(&mut self, batch: &Batch, targets: Range<usize>, into: &mut Prepared) {
        let (task, shape) = (self.task, batch.shape);
        batch.lr.to_f32(&mut self.lr);
        batch.hr.to_f32(&mut self.hr);
        into.number = batch.number;
        into.picks.clone_from(&batch.picks);
        into.outputs = targets.len();
        into.input.0.clear();
        into.wanted.0.clear();
        let side = shape.patch;
        let (small, large) = (side * side, side * side * shape.scale * shape.scale);
        let picture = shape.planes * small;
        for sequence in 0..shape.batch {
            for target in targets.clone() {
                let first = target - task.target;
                assert!(
                    first + task.window <= shape.frames,
                    "{targets:?} of {shape:?}"
                );
                let first = sequence * shape.frames + first;
                let target = sequence * shape.frames + target;
                let window = &self.lr[first * picture..][..task.window * picture];
                let wanted = &self.hr[target * shape.planes * large..][..shape.planes * large];
                match task.work {
                    Work::Enlarge { scale } => {
                        into.input.0.extend_from_slice(window);
                        let middle = &window[task.target * picture..][..picture];
                        for (from, to) in middle.chunks_exact(small).zip(wanted.chunks(large)) {
                            self.base.clear();
                            self.classical.enlarge(from, side, &mut self.base);
                            for (base, wanted) in self.base.iter_mut().zip(to) {
                                *base = wanted - *base;
                            }
                            squares(&self.base, side * scale, scale, &mut into.wanted.0);
                        }
                    }
                    Work::Recover => {
                        let mask = &batch.mask[target * small..][..small];
                        let (references, damaged) = window.split_at(task.target * picture);
                        into.input.0.extend_from_slice(damaged);
                        into.input.0.extend_from_slice(references);
                        into.input
                            .0
                            .extend(mask.iter().map(|lost| f32::from(*lost)));
                        let best = &references[references.len() - picture..];
                        for (at, wanted) in wanted.iter().enumerate() {
                            let lost = f32::from(mask[at % small]);
                            let base = damaged[at] + (best[at] - damaged[at]) * lost;
                            into.wanted.0.push(wanted - base);
                        }
                    }
                }
            }
        }
        let pictures = shape.batch * into.outputs;
        let channels = |numbers: usize| numbers / (pictures * small);
        into.input.1 = [pictures, channels(into.input.0.len()), side, side];
        into.wanted.1 = [pictures, channels(into.wanted.0.len()), side, side];
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::numbers;
    use super::*;
    use crate::layers::{lanczos, pixel_shuffle};
    use crate::loader::{Samples, Shape};

    /// A batch whose samples are all different.
    fn batch(frames: usize, scale: usize) -> Batch {
        let shape = Shape {
            batch: 2,
            frames,
            planes: 1,
            patch: 6,
            scale,
        };
        let samples = |sides: [usize; 5]| {
            let count: usize = sides.iter().product();
            Samples::Eight((0..count).map(|at| (at * 37 % 251) as u8).collect())
        };
        let mut mask = vec![0; shape.mask().iter().product()];
        mask[(frames - 1) * 36] = 1;
        Batch {
            number: 5,
            shape,
            lr: samples(shape.lr()),
            hr: samples(shape.hr()),
            mask,
            ..Batch::default()
        }
    }

    #[test]
    fn corrections_on_the_base_are_the_large_picture() {
        let device = Device::flex();
        for scale in [2, 3, 4] {
            let task = Task {
                work: Work::Enlarge { scale },
                planes: PlaneSet::Luma,
                window: 1,
                target: 0,
            };
            let batch = batch(2, scale);
            let mut prepared = Prepared::default();
            task.preparer().prepare(&batch, 0..2, &mut prepared);
            assert_eq!((prepared.outputs, prepared.number), (2, 5));
            let (input, wanted) = prepared.tensors(&device);
            let base = lanczos(input, scale);
            let sum = numbers(pixel_shuffle(base + wanted, scale));
            let mut large = Vec::new();
            batch.hr.to_f32(&mut large);
            for (found, wanted) in sum.iter().zip(&large) {
                assert!((found - wanted).abs() < 1e-5, "{scale}x");
            }
        }
    }

    #[test]
    fn windows_follow_one_another() {
        let task = Task {
            work: Work::Enlarge { scale: 2 },
            planes: PlaneSet::Luma,
            window: 3,
            target: 1,
        };
        let batch = batch(4, 2);
        let mut prepared = Prepared::default();
        task.preparer().prepare(&batch, 1..3, &mut prepared);
        assert_eq!(prepared.input.1, [4, 3, 6, 6]);
        assert_eq!(prepared.wanted.1, [4, 4, 6, 6]);
        let mut lr = Vec::new();
        batch.lr.to_f32(&mut lr);
        assert_eq!(prepared.input.0[108..216], lr[36..144], "the second window");
        assert_eq!(
            prepared.input.0[216..324],
            lr[144..252],
            "the next sequence"
        );
    }

    #[test]
    fn what_is_lost_begins_as_the_best_guess() {
        let task = Task {
            work: Work::Recover,
            planes: PlaneSet::Luma,
            window: 3,
            target: 2,
        };
        let batch = batch(3, 1);
        let mut prepared = Prepared::default();
        task.preparer().prepare(&batch, 2..3, &mut prepared);
        assert_eq!(prepared.input.1, [2, 4, 6, 6]);
        let (mut lr, mut hr) = (Vec::new(), Vec::new());
        batch.lr.to_f32(&mut lr);
        batch.hr.to_f32(&mut hr);
        assert_eq!(prepared.input.0[..36], lr[72..108], "the damaged one first");
        assert_eq!(prepared.input.0[36..108], lr[..72]);
        assert_eq!(prepared.input.0[108..110], [1.0, 0.0]);
        let base = lr[72] + (lr[36] - lr[72]);
        assert_eq!(prepared.wanted.0[0], hr[72] - base);
        assert_eq!(prepared.wanted.0[1], hr[73] - lr[73]);
    }
}
