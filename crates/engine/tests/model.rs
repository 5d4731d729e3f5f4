//! Models on the picture path: the luma that they make, and what is said of those that cannot run.
#![allow(clippy::unwrap_used)]

mod common;

use nervure_engine::{Error, Luma, Model, Pull, Stage, Upscale};
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Planes};
use nervure_kernels::Isa;
use nervure_kernels::int8::reference;
use nervure_kernels::resample::Filter;
use nervure_record::{Artefact, Precision, Tensor};

use common::{artefact, artefact_of, picture};

fn luma(frame: &Frame) -> Vec<u16> {
    match &frame.planes {
        Planes::Eight([y, ..]) => y.rows().flatten().copied().map(u16::from).collect(),
        Planes::Ten([y, ..]) => y.rows().flatten().copied().collect(),
    }
}

fn through(frame: &Frame, luma: impl Into<Luma>, scale: usize, threads: usize) -> Frame {
    let format = frame.format();
    let size = (format.width * scale, format.height * scale);
    let mut stage = Upscale::new(format, size, luma, threads).unwrap();
    stage.push(frame.clone()).unwrap();
    match stage.pull().unwrap() {
        Pull::Frame(frame) => frame,
        other => panic!("{other:?}"),
    }
}

#[test]
fn luma_is_the_reference_and_chroma_the_classical_upscaler() {
    for scale in 2..=4 {
        let artefact = artefact(scale);
        let network = nervure_engine::whole_numbers(&artefact).unwrap();
        let scale = scale as usize;
        for (chroma, depth) in [
            (Chroma::C420, BitDepth::Eight),
            (Chroma::C444, BitDepth::Ten),
        ] {
            let frame = picture(PictureFormat::new(53, 31, chroma, depth));
            let wanted = reference(&network, &[&luma(&frame)], 53, 31, depth);
            let classical = through(&frame, Filter::Lanczos, scale, 1);
            assert_ne!(luma(&classical), wanted, "the network does something");
            for isa in Isa::available() {
                let model = Model::new(&artefact, isa).unwrap();
                for threads in [1, 2, 3, 40] {
                    let large = through(&frame, model.clone(), scale, threads);
                    assert!(luma(&large) == wanted, "{scale}x, {isa}, {threads} threads");
                    match (&large.planes, &classical.planes) {
                        (Planes::Eight(a), Planes::Eight(b)) => assert_eq!(a[1..], b[1..]),
                        (Planes::Ten(a), Planes::Ten(b)) => assert_eq!(a[1..], b[1..]),
                        _ => panic!("another depth"),
                    }
                }
            }
        }
    }
}

#[test]
fn pictures_before_are_looked_at_and_the_first_stands_for_what_was_not() {
    let format = PictureFormat::new(41, 23, Chroma::C420, BitDepth::Eight);
    for frames in [2, 3] {
        let artefact = artefact_of(2, frames);
        let network = nervure_engine::whole_numbers(&artefact).unwrap();
        let model = Model::new(&artefact, Isa::best()).unwrap();
        assert_eq!(model.frames(), frames);
        for threads in [1, 3] {
            let mut stage = Upscale::new(format, (82, 46), model.clone(), threads).unwrap();
            let mut shown: Vec<Vec<u16>> = Vec::new();
            for number in 0..5_u8 {
                let mut frame = picture(format);
                if let Planes::Eight([y, ..]) = &mut frame.planes {
                    y.row_mut(7)[..20].fill(50 * number);
                }
                shown.push(luma(&frame));
                let place = |back: usize| &shown[usize::from(number).saturating_sub(back)][..];
                let window: Vec<&[u16]> = (0..frames).rev().map(place).collect();
                stage.push(frame).unwrap();
                let Pull::Frame(large) = stage.pull().unwrap() else {
                    panic!("a frame for each frame");
                };
                let wanted = reference(&network, &window, 41, 23, BitDepth::Eight);
                assert!(
                    luma(&large) == wanted,
                    "frame {number} of {frames}, {threads} threads"
                );
            }
        }
    }
}

#[test]
fn a_file_becomes_a_model() {
    let bytes = artefact(2).to_bytes().unwrap();
    let model = Model::from_bytes(&bytes).unwrap();
    assert_eq!((model.scale(), model.card().name.as_str()), (2, "random"));
    assert_eq!(model.macs(), 9 * (8 + 8 * 8 * 2 + 8 * 4));
    for cut in [0, 7, 100, bytes.len() - 1] {
        assert!(Model::from_bytes(&bytes[..cut]).is_err(), "{cut} bytes");
    }
}

#[test]
fn what_cannot_run_is_told() {
    let told = |change: &dyn Fn(&mut Artefact)| {
        let mut artefact = artefact(2);
        change(&mut artefact);
        Model::new(&artefact, Isa::best()).unwrap_err().to_string()
    };
    let other = told(&|it| it.card.precision = Precision::Fp32);
    assert!(other.contains("only residual-espcn in int8"), "{other}");
    let frames = told(&|it| {
        it.card.parameters.insert("frames".into(), 3);
    });
    assert!(frames.contains("is given 3"), "{frames}");
    let missing = told(&|it| {
        it.tensors.remove("convs.2.bias");
    });
    assert!(
        missing.contains("layer 2") && missing.contains("convs.2.bias"),
        "{missing}"
    );
    let scale = told(&|it| it.card.scale = 3);
    assert!(scale.contains("4 channels, and 9 are wanted"), "{scale}");
    let shift = told(&|it| {
        let wrong = Tensor::i32(vec![8], vec![40; 8]).unwrap();
        it.tensors.insert("convs.0.shift".into(), wrong);
    });
    assert!(shift.contains("a shift of 40"), "{shift}");
    let deep = told(&|it| {
        it.card.parameters.insert("layers".into(), u64::MAX);
    });
    assert!(deep.contains("random"), "{deep}");
}

#[test]
fn a_model_makes_only_its_own_size() {
    let model = Model::from_bytes(&artefact(2).to_bytes().unwrap()).unwrap();
    let small = PictureFormat::new(32, 32, Chroma::C420, BitDepth::Eight);
    let Err(error) = Upscale::new(small, (96, 96), model, 1) else {
        panic!("it was accepted");
    };
    assert!(matches!(error, Error::Scale { scale: 2, .. }), "{error}");
}
