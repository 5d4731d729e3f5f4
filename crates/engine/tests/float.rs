//! Stages with networks in single precision: which frames they look at, and what frames carry.
#![allow(clippy::unwrap_used)]

#[path = "common/random.rs"]
#[allow(unreachable_pub)]
mod random;

use nervure_engine::{FloatModel, FloatUpscale, Pull, Recover, Stage, Upscale};
use nervure_frame::{
    BitDepth, Chroma, Colour, Frame, LossMask, PictureFormat, Plane, Planes, TimeBase, Timestamp,
};
use nervure_kernels::Isa;
use nervure_kernels::motion::Moves;
use nervure_kernels::resample::Filter;
use nervure_record::{Artefact, Family, Precision};
use random::{artefact, plane};

fn light(window: u64) -> Artefact {
    let sizes = [("window", window), ("channels", 8), ("blocks", 1)];
    artefact(Family::LightweightSuperResolution, 2, &sizes)
}

fn espcn(frames: u64) -> Artefact {
    let sizes = [("channels", 8), ("layers", 3), ("frames", frames)];
    artefact(Family::ResidualEspcn, 2, &sizes)
}

fn quality() -> Artefact {
    let sizes = [("window", 3), ("features", 8), ("blocks", 1)];
    artefact(Family::SuperResolution, 2, &sizes)
}

fn mends(references: u64) -> Artefact {
    let sizes = [("references", references), ("features", 4), ("blocks", 1)];
    artefact(Family::FrameRecovery, 1, &sizes)
}

fn model(artefact: &Artefact) -> FloatModel {
    FloatModel::new(artefact, Isa::best()).unwrap()
}

fn frame(format: PictureFormat, number: u64) -> Frame {
    let pts = Timestamp::new(number as i64 * 3, TimeBase::new(1, 25));
    let sizes = [0, 1, 2].map(|it| (it as u64 + 10 * number, format.plane_size(it)));
    let planes = match format.depth {
        BitDepth::Eight => Planes::Eight(sizes.map(|(seed, (width, height))| {
            plane(width, height, seed, |share| (share * 255.0) as u8)
        })),
        BitDepth::Ten => Planes::Ten(sizes.map(|(seed, (width, height))| {
            plane(width, height, seed, |share| (share * 1023.0) as u16)
        })),
    };
    let mut frame = Frame::from_planes(format.chroma, planes, pts);
    frame.colour = Colour::BT709;
    frame.duration = Some(3);
    frame
}

/// All that comes out, and how many frames had gone in when each came.
fn through(stage: &mut dyn Stage, frames: &[Frame]) -> Vec<(usize, Frame)> {
    let mut out = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        stage.push(frame.clone()).unwrap();
        while let Pull::Frame(frame) = stage.pull().unwrap() {
            out.push((number + 1, frame));
        }
    }
    stage.flush().unwrap();
    while let Pull::Frame(frame) = stage.pull().unwrap() {
        out.push((frames.len(), frame));
    }
    assert!(matches!(stage.pull().unwrap(), Pull::End));
    out
}

fn luma(frame: &Frame) -> &Plane<u8> {
    &frame.planes.eight().unwrap()[0]
}

fn nearest(numbers: &[f32]) -> Vec<u8> {
    let code = |number: &f32| (number * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
    numbers.iter().map(code).collect()
}

#[test]
fn each_frame_is_made_of_those_around_it() {
    let format = PictureFormat::new(33, 18, Chroma::C420, BitDepth::Eight);
    let frames: Vec<Frame> = (0..5).map(|number| frame(format, number)).collect();
    for (artefact, places) in [
        (light(1), vec![0]),
        (light(5), vec![-2, -1, 0, 1, 2]),
        (quality(), vec![-1, 0, 1]),
        (espcn(3), vec![-2, -1, 0]),
    ] {
        let model = model(&artefact);
        let fitted = model.fit(33, 18, 1).unwrap();
        let mut stage = FloatUpscale::new(format, &model, 2).unwrap();
        assert_eq!(stage.output(format), format.with_size(66, 36));
        let out = through(&mut stage, &frames);
        assert_eq!(out.len(), frames.len());
        for (number, (came, large)) in out.iter().enumerate() {
            let near =
                |place: &isize| luma(&frames[(number as isize + place).clamp(0, 4) as usize]);
            let window: Vec<&Plane<u8>> = places.iter().map(near).collect();
            let wanted = nearest(&fitted.numbers(&window, None));
            let found: Vec<u8> = luma(large).rows().flatten().copied().collect();
            let name = &artefact.card.name;
            assert!(found == wanted, "{name}, frame {number}");
            let ahead = *places.last().unwrap() as usize;
            assert_eq!(*came, (number + 1 + ahead).min(5), "{name}, frame {number}");
        }
    }
}

#[test]
fn all_but_luma_is_the_classical_upscaler() {
    for (chroma, depth) in [
        (Chroma::C420, BitDepth::Eight),
        (Chroma::C422, BitDepth::Ten),
    ] {
        let format = PictureFormat::new(35, 19, chroma, depth);
        let mut damaged = frame(format, 1);
        let mut mask = LossMask::whole(35, 19);
        mask.set(1, 0, true);
        damaged.damage = Some(mask);
        let frames = [frame(format, 0), damaged];
        let mut stage = FloatUpscale::new(format, &model(&quality()), 1).unwrap();
        let mut classical = Upscale::new(format, (70, 38), Filter::Lanczos, 1).unwrap();
        let found = through(&mut stage, &frames);
        for ((_, found), (_, wanted)) in found.iter().zip(through(&mut classical, &frames)) {
            let carried = |frame: &Frame| {
                (
                    frame.pts,
                    frame.duration,
                    frame.colour,
                    frame.damage.clone(),
                )
            };
            assert_eq!(carried(found), carried(&wanted));
            match (&found.planes, &wanted.planes) {
                (Planes::Eight(a), Planes::Eight(b)) => {
                    assert!(a[0] != b[0], "the network does something");
                    assert_eq!(a[1..], b[1..]);
                }
                (Planes::Ten(a), Planes::Ten(b)) => {
                    assert!(a[0] != b[0], "the network does something");
                    assert_eq!(a[1..], b[1..]);
                }
                _ => panic!("another depth"),
            }
        }
    }
}

/// The same picture in both depths comes out the same, but for rounding.
#[test]
fn depths_agree() {
    let eight = PictureFormat::new(40, 24, Chroma::C420, BitDepth::Eight);
    let few = frame(eight, 4);
    let luma = luma(&few);
    let ten = PictureFormat {
        depth: BitDepth::Ten,
        ..eight
    };
    let mut more = frame(ten, 4);
    let wide = &mut more.planes.ten_mut().unwrap()[0];
    for (to, from) in wide.rows_mut().flatten().zip(luma.rows().flatten()) {
        *to = (f32::from(*from) / 255.0 * 1023.0).round() as u16;
    }
    let model = model(&light(1));
    let run = |frame: &Frame| {
        let mut stage = FloatUpscale::new(frame.format(), &model, 1).unwrap();
        through(&mut stage, std::slice::from_ref(frame)).remove(0).1
    };
    let (small, large) = (run(&few), run(&more));
    let codes = large.planes.ten().unwrap()[0].rows().flatten();
    for (small, large) in self::luma(&small).rows().flatten().zip(codes) {
        let off = f32::from(*small) / 255.0 - f32::from(*large) / 1023.0;
        // Half a code of 8 bits, and what half a code of 10 bits may become on the way.
        assert!(
            off.abs() < 0.5 / 255.0 + 2.0 / 1023.0,
            "{small} and {large}"
        );
    }
}

fn lost(format: PictureFormat, blocks: &[(usize, usize)]) -> LossMask {
    let mut mask = LossMask::whole(format.width, format.height);
    blocks.iter().for_each(|(x, y)| mask.set(*x, *y, true));
    mask
}

#[test]
fn only_what_is_damaged_is_mended_and_from_what_came_out_before() {
    let format = PictureFormat::new(49, 35, Chroma::C420, BitDepth::Eight);
    // One scene, that becomes brighter: nothing is mended from another.
    let first = frame(format, 0);
    let mut frames: Vec<Frame> = (0..6).map(|number| frame(format, number)).collect();
    for (number, frame) in frames.iter_mut().enumerate() {
        frame.planes = first.planes.clone();
        let planes = frame.planes.eight_mut().unwrap().iter_mut();
        for sample in planes.flat_map(|plane| plane.rows_mut()).flatten() {
            *sample = sample.saturating_add(4 * number as u8);
        }
    }
    frames[1].damage = Some(lost(format, &[(0, 0), (3, 2)]));
    frames[3].damage = Some(lost(format, &[(2, 1)]));
    frames[4].damage = Some(lost(format, &[]));
    let model = model(&mends(3));
    let fitted = model.fit(49, 35, 1).unwrap();
    let mut stage = Recover::new(format, &model, 2).unwrap();
    assert_eq!(stage.output(format), format);
    let out: Vec<Frame> = through(&mut stage, &frames)
        .into_iter()
        .enumerate()
        .map(|(number, (came, frame))| {
            assert_eq!(came, number + 1, "nothing is held back");
            frame
        })
        .collect();
    for (number, (found, given)) in out.iter().zip(&frames).enumerate() {
        assert_eq!(found.pts, given.pts);
        assert_eq!(found.damage, given.damage);
        let mended = [1, 3].contains(&number);
        assert_eq!(found.planes != given.planes, mended, "frame {number}");
        if !mended {
            continue;
        }
        let near = |back: usize| luma(&out[number.saturating_sub(back)]);
        let window = [near(3), near(2), near(1), luma(given)];
        let wanted = nearest(&fitted.numbers(&window, given.damage.as_ref()));
        let samples: Vec<u8> = luma(found).rows().flatten().copied().collect();
        assert!(samples == wanted, "frame {number}");
        // Luma alone is the network's.
        let shown: Vec<&Frame> = (1..=3)
            .rev()
            .map(|back| &out[number.saturating_sub(back)])
            .collect();
        let lumas: Vec<_> = shown.iter().map(|frame| luma(frame)).collect();
        let lost = given.damage.as_ref().unwrap();
        let moves = Moves::find(&lumas, luma(given), lost).unwrap();
        for plane in [1, 2] {
            let of = |frame: &Frame| frame.planes.eight().unwrap()[plane].clone();
            let before: Vec<_> = shown.iter().map(|frame| of(frame)).collect();
            let mut wanted = of(given);
            moves.mend(&before.iter().collect::<Vec<_>>(), &mut wanted, (2, 2));
            assert!(of(found) == wanted, "frame {number}, plane {plane}");
        }
    }
}

#[test]
fn what_cannot_run_is_told() {
    let told = |mut artefact: Artefact, change: &dyn Fn(&mut Artefact)| {
        change(&mut artefact);
        let error = FloatModel::new(&artefact, Isa::best()).unwrap_err();
        error.to_string()
    };
    let set = |name: &'static str, size: u64| {
        move |it: &mut Artefact| {
            it.card.parameters.insert(name.into(), size);
        }
    };
    let whole = told(espcn(1), &|it| it.card.precision = Precision::Int8);
    assert!(whole.contains("not in single precision"), "{whole}");
    let missing = told(quality(), &|it| {
        it.tensors.remove("motion.second.bias");
    });
    assert!(missing.contains("motion.second.bias"), "{missing}");
    let shape = told(quality(), &set("features", 9));
    assert!(shape.contains("extract.weight"), "{shape}");
    for (family, name, size) in [
        (light(1), "window", 2),
        (light(1), "window", u64::MAX),
        (light(1), "blocks", 0),
        (espcn(1), "layers", 1),
        (mends(1), "references", 2000),
        (mends(1), "features", 1),
    ] {
        let error = told(family, &set(name, size));
        assert!(error.contains("random-"), "{error}");
    }
    let scale = told(mends(1), &|it| it.card.scale = 2);
    assert!(scale.contains("it mends"), "{scale}");

    let format = PictureFormat::new(32, 16, Chroma::C420, BitDepth::Eight);
    assert!(FloatUpscale::new(format, &model(&mends(1)), 1).is_err());
    assert!(Recover::new(format, &model(&light(1)), 1).is_err());
    let other = frame(format.with_size(30, 16), 0);
    let mut stage = FloatUpscale::new(format, &model(&light(1)), 1).unwrap();
    assert!(stage.push(other.clone()).is_err());
    let mut stage = Recover::new(format, &model(&mends(1)), 1).unwrap();
    assert!(stage.push(other).is_err());
}
