//! The loader from outside: what is in its batches, and what it does when data is wrong.

#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod bad;
mod datasets;
mod layouts;

use std::collections::BTreeMap;
use std::path::PathBuf;

use datasets::{Spec, make};
use nervure_dataset::manifest::Layout;
use nervure_frame::{BitDepth, Chroma, Frame, LossMask, PictureFormat, Plane, Sample};
use nervure_kernels::motion::mended;
use nervure_train::loader::{Filter, PlaneSet, Samples};
use nervure_train::{Batch, Loader, LoaderConfig};

pub(crate) fn dataset(layout: Layout, specs: &[Spec]) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("pairs");
    make(&folder, layout, specs);
    (place, folder)
}

pub(crate) fn small() -> LoaderConfig {
    LoaderConfig {
        patch: 9,
        frames: 2,
        batch: 5,
        seed: 3,
        workers: 0,
        ..LoaderConfig::default()
    }
}

pub(crate) fn codes(samples: &Samples) -> Vec<u16> {
    match samples {
        Samples::Eight(codes) => codes.iter().copied().map(u16::from).collect(),
        Samples::Ten(codes) => codes.clone(),
    }
}

/// Where a place of a turned square was before.
fn before(turn: u8, side: usize, row: usize, column: usize) -> (usize, usize) {
    let (row, column) = if turn & 4 != 0 {
        (column, row)
    } else {
        (row, column)
    };
    (
        if turn & 2 != 0 { side - 1 - row } else { row },
        if turn & 1 != 0 {
            side - 1 - column
        } else {
            column
        },
    )
}

/// Compares every sample of a batch of luma with what the clips hold.
fn check(batch: &Batch, specs: &[Spec], code: impl Fn(u16, BitDepth) -> u16) {
    let shape = batch.shape;
    let (lr, hr) = (codes(&batch.lr), codes(&batch.hr));
    assert_eq!(
        (lr.len(), hr.len(), batch.mask.len()),
        (
            shape.lr().iter().product(),
            shape.hr().iter().product(),
            shape.mask().iter().product()
        )
    );
    assert_eq!(batch.picks.len(), shape.batch);
    let large = shape.patch * shape.scale;
    for (index, pick) in batch.picks.iter().enumerate() {
        let spec = &specs[pick.clip];
        for time in 0..shape.frames {
            let at = index * shape.frames + time;
            let frame = pick.frame + time;
            assert_eq!(batch.times[at].ticks, 3 * frame as i64 + 1);
            for row in 0..shape.patch {
                for column in 0..shape.patch {
                    let (y, x) = before(pick.turn, shape.patch, row, column);
                    let (x, y) = (pick.x + x, pick.y + y);
                    let place = (at * shape.patch + row) * shape.patch + column;
                    let depth = spec.format.depth;
                    assert_eq!(lr[place], code(spec.low(frame, 0, x, y), depth));
                    let lost = spec.is_lost(frame, x / 16, y / 16);
                    assert_eq!(batch.mask[place], u8::from(lost));
                }
            }
            for row in 0..large {
                for column in 0..large {
                    let (y, x) = before(pick.turn, large, row, column);
                    let (x, y) = (pick.x * shape.scale + x, pick.y * shape.scale + y);
                    let place = (at * large + row) * large + column;
                    let depth = spec.format.depth;
                    assert_eq!(hr[place], code(spec.high(frame, 0, x, y), depth));
                }
            }
        }
    }
}

#[test]
fn low_and_high_resolution_lie_over_each_other_however_they_are_turned() {
    for scale in 1..=4 {
        let mut specs = [
            Spec::new("a", 40, 30, 5),
            Spec::new("b", 33, 21, 3),
            Spec::new("c", 9, 64, 2),
        ];
        specs.iter_mut().for_each(|spec| spec.scale = scale);
        specs[1].format.chroma = Chroma::C444;
        let (_place, folder) = dataset(Layout::Clips, &specs);
        let mut loader = Loader::open(&[folder], &small()).unwrap();
        let mut batch = Batch::default();
        let mut turns = [0; 8];
        for _ in 0..20 {
            loader.next(&mut batch).unwrap();
            check(&batch, &specs, |code, _| code);
            for pick in &batch.picks {
                turns[usize::from(pick.turn)] += 1;
            }
        }
        assert!(turns.iter().all(|count| *count > 0), "{turns:?}");
    }
}

#[test]
fn without_augmentation_nothing_is_turned() {
    let specs = [Spec::new("a", 40, 30, 5)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let config = LoaderConfig {
        augment: false,
        ..small()
    };
    let mut loader = Loader::open(&[folder], &config).unwrap();
    let mut batch = Batch::default();
    for _ in 0..10 {
        loader.next(&mut batch).unwrap();
        assert!(batch.picks.iter().all(|pick| pick.turn == 0));
    }
}

#[test]
fn ten_bits_are_rounded_and_eight_filled_up() {
    let mut specs = [Spec::new("a", 40, 30, 4), Spec::new("b", 40, 30, 4)];
    specs[0].format.depth = BitDepth::Ten;
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let mut batch = Batch::default();
    let mut loader = Loader::open(&[&folder], &small()).unwrap();
    for _ in 0..4 {
        loader.next(&mut batch).unwrap();
        check(&batch, &specs, |code, _| code);
    }
    let config = LoaderConfig {
        depth: BitDepth::Ten,
        ..small()
    };
    let mut loader = Loader::open(&[folder], &config).unwrap();
    for _ in 0..4 {
        loader.next(&mut batch).unwrap();
        check(&batch, &specs, |code, depth| {
            4 * code + u16::from(depth == BitDepth::Ten)
        });
    }
    let mut numbers = Vec::new();
    batch.hr.to_f32(&mut numbers);
    let first = codes(&batch.hr)[0];
    assert_eq!(numbers[0], f32::from(first) / 1023.0);
    assert_eq!(numbers.len(), batch.hr.len());
}

#[test]
fn batches_are_the_same_with_any_number_of_workers() {
    let specs = [Spec::new("a", 40, 30, 5), Spec::new("b", 64, 48, 9)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let run = |workers: usize| -> Vec<Batch> {
        let config = LoaderConfig { workers, ..small() };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        let batches = 0..13;
        batches
            .map(|number| {
                loader.next(&mut batch).unwrap();
                assert_eq!(batch.number, number);
                batch.clone()
            })
            .collect()
    };
    let alone = run(0);
    for workers in [1, 2, 4] {
        assert!(run(workers) == alone, "{workers} workers");
    }
    assert!(alone.windows(2).all(|pair| pair[0].picks != pair[1].picks));
    let other = LoaderConfig { seed: 4, ..small() };
    let mut loader = Loader::open(&[folder], &other).unwrap();
    let mut batch = Batch::default();
    loader.next(&mut batch).unwrap();
    assert_ne!(batch.picks, alone[0].picks);
}

#[test]
fn training_goes_on_where_it_stopped() {
    let specs = [Spec::new("a", 40, 30, 5), Spec::new("b", 64, 48, 9)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let open = |workers: usize, seed: u64| {
        let config = LoaderConfig {
            workers,
            seed,
            ..small()
        };
        Loader::open(&[&folder], &config).unwrap()
    };
    let mut batch = Batch::default();
    let mut loader = open(2, 3);
    for _ in 0..7 {
        loader.next(&mut batch).unwrap();
    }
    let text = serde_json::to_string(&loader.state()).unwrap();
    let wanted: Vec<Batch> = (0..5)
        .map(|_| {
            loader.next(&mut batch).unwrap();
            batch.clone()
        })
        .collect();
    let state = serde_json::from_str(&text).unwrap();
    for workers in [0, 3] {
        let mut loader = open(workers, 3);
        loader.next(&mut batch).unwrap();
        loader.resume(state).unwrap();
        for wanted in &wanted {
            loader.next(&mut batch).unwrap();
            assert!(
                batch == *wanted,
                "{workers} workers, batch {}",
                batch.number
            );
        }
    }
    let error = open(0, 4).resume(state).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
}

#[test]
fn sequences_are_drawn_evenly_and_types_as_they_weigh() {
    let mut specs = [
        Spec::new("a", 32, 32, 4),
        Spec::new("b", 48, 32, 10),
        Spec::new("c", 32, 48, 16),
    ];
    specs[2].content_type = "screen";
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let count = |weights: &[(&str, f64)]| {
        let config = LoaderConfig {
            batch: 100,
            patch: 4,
            weights: weights
                .iter()
                .map(|(name, weight)| (name.to_string(), *weight))
                .collect::<BTreeMap<_, _>>(),
            ..small()
        };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        let mut counts = [0; 3];
        let mut starts = vec![0; 15];
        for _ in 0..30 {
            loader.next(&mut batch).unwrap();
            for pick in &batch.picks {
                counts[pick.clip] += 1;
                if pick.clip == 2 {
                    starts[pick.frame] += 1;
                }
            }
        }
        (counts, starts)
    };
    // 3, 9 and 15 starts of sequences of two: of 3000, a ninth of a third each.
    let (counts, starts) = count(&[]);
    for (got, wanted) in counts.iter().zip([333, 1000, 1667]) {
        assert!(i32::abs(got - wanted) < 120, "{counts:?}");
    }
    assert!(
        starts.iter().all(|count| (65..160).contains(count)),
        "{starts:?}"
    );
    let (counts, _) = count(&[("screen", 0.0)]);
    assert_eq!(counts[2], 0);
    let (counts, _) = count(&[("sports", 5.0)]);
    assert!(i32::abs(counts[2] - 600) < 100, "{counts:?}");
}

#[test]
fn the_filter_lets_only_some_pass() {
    let mut specs = [
        Spec::new("a", 32, 32, 4),
        Spec::new("b", 32, 32, 4),
        Spec::new("c", 32, 32, 4),
    ];
    specs[1].codec = "vp9";
    specs[2].content_type = "screen";
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let stems = |filter: Filter| -> Vec<String> {
        let config = LoaderConfig { filter, ..small() };
        let loader = Loader::open(&[&folder], &config).unwrap();
        let clips = loader.clips().iter();
        clips.map(|clip| clip.record.stem.clone()).collect()
    };
    assert_eq!(stems(Filter::default()), ["a", "b", "c"]);
    let codecs = Filter {
        codecs: vec!["h264".into(), "av1".into()],
        ..Filter::default()
    };
    assert_eq!(stems(codecs), ["a", "c"]);
    let types = Filter {
        content_types: vec!["screen".into()],
        ..Filter::default()
    };
    assert_eq!(stems(types), ["c"]);
    let whole = Filter {
        damaged: Some(false),
        ..Filter::default()
    };
    assert_eq!(stems(whole), ["b"]);
}

#[test]
fn flat_patches_are_passed_over_while_there_are_others() {
    let mut specs = [Spec::new("a", 32, 32, 40), Spec::new("b", 32, 32, 40)];
    specs[0].flat = Some(90);
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let count = |skip_flat: f64, planes: PlaneSet| {
        let config = LoaderConfig {
            batch: 100,
            skip_flat,
            planes,
            ..small()
        };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        let mut flat = 0;
        for _ in 0..4 {
            loader.next(&mut batch).unwrap();
            flat += batch.picks.iter().filter(|pick| pick.clip == 0).count();
        }
        flat
    };
    for planes in [PlaneSet::Luma, PlaneSet::Yuv, PlaneSet::Rgb] {
        assert!((150..250).contains(&count(0.0, planes)));
        assert!(count(1.0, planes) < 10);
    }
    // Half of the flat ones are drawn again, and half of those again: 1/3 is left.
    let some = count(0.5, PlaneSet::Luma);
    assert!((100..170).contains(&some), "{some}");
}

#[test]
fn sequences_that_end_in_a_loss_are_drawn_as_often_as_is_asked() {
    let specs = [Spec::new("a", 160, 160, 40)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let lost = |skip_whole: f64| {
        let config = LoaderConfig {
            batch: 100,
            skip_whole,
            ..small()
        };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        let mut lost = 0;
        for _ in 0..4 {
            loader.next(&mut batch).unwrap();
            let patch = config.patch * config.patch;
            let sequences = batch.mask.chunks_exact(patch * config.frames);
            lost += sequences
                .filter(|masks| masks[patch..].contains(&1))
                .count();
        }
        lost
    };
    let (as_they_come, half, all) = (lost(0.0), lost(0.5), lost(1.0));
    assert!((1..200).contains(&as_they_come), "{as_they_come}");
    assert_eq!(all, 400);
    let expected = (as_they_come + all) / 2;
    assert!(half.abs_diff(expected) < 50, "{half}, not about {expected}");
}

#[test]
fn pictures_before_the_last_are_guesses_made_from_whole_ones() {
    for depth in [BitDepth::Eight, BitDepth::Ten] {
        let mut spec = Spec::new("a", 100, 90, 12);
        spec.format.depth = depth;
        // Of another scene nothing is guessed.
        spec.still = true;
        let specs = [spec];
        let (_place, folder) = dataset(Layout::Clips, &specs);
        let mut guesses_met = 0;
        for frames in [2, 4] {
            let config = LoaderConfig {
                frames,
                batch: 40,
                depth,
                guessed: true,
                skip_whole: 0.5,
                augment: false,
                ..small()
            };
            let mut loader = Loader::open(&[&folder], &config).unwrap();
            let mut batch = Batch::default();
            loader.next(&mut batch).unwrap();
            let low = codes(&batch.lr);
            let mut patches = low.chunks_exact(config.patch * config.patch);
            for pick in &batch.picks {
                let shown: Vec<Frame> = (0..frames)
                    .map(|frame| specs[0].low_frame(pick.frame + frame))
                    .collect();
                let last = shown[frames - 1].damage.as_ref();
                let wanted = match depth {
                    BitDepth::Eight => {
                        guessed(&shown, last, |frame| &frame.planes.eight().unwrap()[0])
                    }
                    BitDepth::Ten => guessed(&shown, last, |frame| &frame.planes.ten().unwrap()[0]),
                };
                guesses_met += usize::from(wanted[0] != wanted[frames - 1]);
                for (frame, wanted) in wanted.iter().enumerate() {
                    let rows = (pick.y..pick.y + config.patch)
                        .flat_map(|row| &wanted[100 * row + pick.x..][..config.patch]);
                    let wanted: Vec<u16> = rows.copied().collect();
                    let found = patches.next().unwrap();
                    assert_eq!(found, wanted, "{pick:?}, {frame} of {frames}");
                }
            }
        }
        assert!(guesses_met > 0, "something is lost");
    }
}

/// Guesses at the last of some pictures, and the last.
fn guessed<T: Sample>(
    shown: &[Frame],
    lost: Option<&LossMask>,
    luma: impl Fn(&Frame) -> &Plane<T>,
) -> Vec<Vec<u16>> {
    let planes: Vec<&Plane<T>> = shown.iter().map(luma).collect();
    let (last, before) = planes.split_last().unwrap();
    let mut guesses = match lost {
        Some(lost) => mended(before, last, lost),
        None => vec![(*last).clone(); before.len()],
    };
    guesses.push((*last).clone());
    let codes = guesses.iter().map(|plane| {
        let samples = plane.rows().flatten();
        let codes = samples.map(|sample| {
            let code: i32 = (*sample).into();
            code as u16
        });
        codes.collect()
    });
    codes.collect()
}

#[test]
fn validation_sees_every_frame_in_order() {
    let specs = [Spec::new("a", 40, 30, 5), Spec::new("b", 32, 32, 1)];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let loader = Loader::open(&[folder], &small()).unwrap();
    assert_eq!(loader.clips().len(), 1);
    assert_eq!(loader.passed_over()[0].stem, "b");
    assert!(loader.passed_over()[0].reason.contains("1 frames"));
    let pairs: Vec<_> = loader.pairs(0).unwrap().map(Result::unwrap).collect();
    assert_eq!(pairs.len(), 5);
    for (index, (lr, hr)) in pairs.iter().enumerate() {
        assert_eq!(lr.planes, specs[0].low_frame(index).planes);
        assert_eq!(lr.damage, specs[0].low_frame(index).damage);
        assert_eq!(hr.planes, specs[0].high_frame(index).planes);
    }
}

#[test]
fn several_datasets_are_one() {
    let specs = [Spec::new("a", 40, 30, 5), Spec::new("b", 32, 32, 6)];
    let (_one, first) = dataset(Layout::Clips, &specs[..1]);
    let (_two, second) = dataset(Layout::Clips, &specs[1..]);
    let mut loader = Loader::open(&[first, second], &small()).unwrap();
    assert_eq!(loader.clips()[1].dataset, 1);
    let mut batch = Batch::default();
    for _ in 0..6 {
        loader.next(&mut batch).unwrap();
        check(&batch, &specs, |code, _| code);
    }
}

#[test]
fn a_picture_may_be_no_larger_than_the_patch() {
    let mut spec = Spec::new("a", 9, 9, 2);
    spec.format = PictureFormat::new(9, 9, Chroma::C420, BitDepth::Eight);
    let specs = [spec];
    let (_place, folder) = dataset(Layout::Clips, &specs);
    for planes in [PlaneSet::Luma, PlaneSet::Yuv, PlaneSet::Rgb] {
        let config = LoaderConfig { planes, ..small() };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        loader.next(&mut batch).unwrap();
        assert!(batch.picks.iter().all(|pick| (pick.x, pick.y) == (0, 0)));
    }
}

/// More clips than are held open at once.
#[test]
fn every_clip_is_reached_however_many_there_are() {
    let specs: Vec<Spec> = (0..100)
        .map(|index| Spec::new(format!("clip-{index}").leak(), 12, 10, 3))
        .collect();
    let (_place, folder) = dataset(Layout::Clips, &specs);
    let config = LoaderConfig {
        batch: 50,
        workers: 2,
        ..small()
    };
    let mut loader = Loader::open(&[folder], &config).unwrap();
    let mut batch = Batch::default();
    let mut seen = [0; 100];
    for _ in 0..30 {
        loader.next(&mut batch).unwrap();
        check(&batch, &specs, |code, _| code);
        batch.picks.iter().for_each(|pick| seen[pick.clip] += 1);
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}
