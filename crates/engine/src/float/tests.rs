//! Every family against its network in plain words, and pictures cut in all ways.
#![allow(clippy::unwrap_used)]

#[path = "../../tests/common/random.rs"]
#[allow(unreachable_pub)]
mod random;
mod words;

use nervure_frame::{LossMask, Plane};
use nervure_kernels::Isa;
use nervure_record::{Artefact, Family};

use super::tiles::Cut;
use super::{FloatModel, usual_cut};
use random::{artefact, plane};

/// Networks that are small, and have all that large ones have.
fn networks() -> Vec<Artefact> {
    let espcn = |scale, frames| {
        let sizes = [("channels", 8), ("layers", 3), ("frames", frames)];
        artefact(Family::ResidualEspcn, scale, &sizes)
    };
    let light = |scale, window| {
        let sizes = [("window", window), ("channels", 12), ("blocks", 2)];
        artefact(Family::LightweightSuperResolution, scale, &sizes)
    };
    let quality = |scale, window| {
        let sizes = [("window", window), ("features", 9), ("blocks", 2)];
        artefact(Family::SuperResolution, scale, &sizes)
    };
    let mends = |references| {
        let sizes = [("references", references), ("features", 6), ("blocks", 1)];
        artefact(Family::FrameRecovery, 1, &sizes)
    };
    vec![
        espcn(2, 1),
        espcn(3, 2),
        light(2, 1),
        light(4, 3),
        quality(2, 3),
        quality(3, 1),
        mends(1),
        mends(3),
    ]
}

/// A window of pictures, and what is lost of the last.
struct Shot {
    pictures: Vec<Plane<u8>>,
    lost: LossMask,
}

impl Shot {
    fn new(model: &FloatModel, width: usize, height: usize) -> Shot {
        let code = |share: f32| (share * 255.0) as u8;
        let pictures = (0..model.window()).map(|at| plane(width, height, at as u64 + 1, code));
        let mut lost = LossMask::whole(width, height);
        lost.set(0, 0, true);
        lost.set(lost.columns() - 1, lost.rows() - 1, true);
        Shot {
            pictures: pictures.collect(),
            lost,
        }
    }

    fn window(&self) -> Vec<&Plane<u8>> {
        self.pictures.iter().collect()
    }
}

fn furthest(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let off = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    off.fold(0.0, f32::max)
}

/// Sums of some hundred products of numbers near 1, in another order and in several layers.
const CLOSE: f32 = 1e-4;

#[test]
fn each_family_is_what_its_words_say() {
    for artefact in networks() {
        for (width, height) in [(37, 21), (48, 32), (1, 1), (2, 5), (70, 3)] {
            for isa in Isa::available() {
                let model = FloatModel::new(&artefact, isa).unwrap();
                let shot = Shot::new(&model, width, height);
                let wanted = words::picture(&artefact, &shot.window(), &shot.lost);
                let fitted = model.fit(width, height, 1).unwrap();
                let found = fitted.numbers(&shot.window(), Some(&shot.lost));
                let off = furthest(&found, &wanted);
                let name = &artefact.card.name;
                assert!(off < CLOSE, "{name}, {width}x{height}, {isa}: off by {off}");
            }
        }
    }
}

#[test]
fn no_cut_and_no_number_of_threads_changes_a_number() {
    for artefact in networks() {
        let model = FloatModel::new(&artefact, Isa::best()).unwrap();
        let (width, height) = (61, 53);
        let shot = Shot::new(&model, width, height);
        let whole = Cut {
            columns: 1000,
            bands: 1,
            rows: 1000,
        };
        let run = |cut| {
            let fitted = model.cut(width, height, cut, None);
            fitted.numbers(&shot.window(), Some(&shot.lost))
        };
        let wanted = run(whole);
        for (columns, bands, rows) in [(7, 1, 8), (1000, 9, 1), (16, 3, 3), (23, 60, 5)] {
            let cut = Cut {
                columns,
                bands,
                rows,
            };
            assert!(run(cut) == wanted, "{}: {cut:?}", artefact.card.name);
        }
        let threads = model.fit(width, height, 3).unwrap();
        assert!(threads.numbers(&shot.window(), Some(&shot.lost)) == wanted);
    }
}

#[test]
fn instructions_that_round_once_give_the_same() {
    for artefact in networks() {
        let run = |isa| {
            let model = FloatModel::new(&artefact, isa).unwrap();
            let shot = Shot::new(&model, 45, 34);
            let fitted = model.fit(45, 34, 1).unwrap();
            fitted.numbers(&shot.window(), Some(&shot.lost))
        };
        let wanted = run(Isa::best());
        for isa in Isa::available() {
            if isa == Isa::Scalar {
                assert!(furthest(&run(isa), &wanted) < CLOSE);
            } else {
                assert!(run(isa) == wanted, "{}, {isa}", artefact.card.name);
            }
        }
    }
}

#[test]
fn memory_does_not_grow_with_the_picture() {
    let sizes = [("window", 3), ("features", 64), ("blocks", 8)];
    let model = artefact(Family::SuperResolution, 2, &sizes);
    let model = FloatModel::new(&model, Isa::best()).unwrap();
    let numbers = |width: usize, height: usize| {
        let cut = usual_cut((height, width), 2);
        let fitted = model.cut(width, height, cut, None);
        let most = |columns: &super::Columns| {
            let tensors = model.shared.plan.tensors.iter().enumerate();
            let of = |(number, tensor): (usize, &super::plan::Tensor)| {
                let rows = fitted.bands.iter().map(|band| band.capacity[number]).max();
                tensor.channels * columns.ranges[number].len() * rows.unwrap_or(0)
            };
            tensors.map(of).sum::<usize>()
        };
        fitted.columns.iter().map(most).max().unwrap()
    };
    let megabytes = |numbers: usize| 4 * numbers / 1_000_000;
    assert!(megabytes(numbers(960, 540)) < 50);
    assert!(megabytes(numbers(3840, 2160)) < 50);
}

#[test]
fn multiplications_are_counted_as_training_counts_them() {
    let sizes = [("window", 1), ("channels", 64), ("blocks", 8)];
    let light = artefact(Family::LightweightSuperResolution, 2, &sizes);
    let model = FloatModel::new(&light, Isa::best()).unwrap();
    assert_eq!(model.macs() as usize, 576 + 8 * (576 + 4096) + 2304);
}
