//! Two pictures at once, and nobody can tell by what comes out.
#![allow(clippy::unwrap_used)]

mod common;

use nervure_engine::{Model, Pull, Stage, Upscale};
use nervure_frame::{
    BitDepth, Chroma, ChromaLocation, Frame, PictureFormat, Planes, TimeBase, Timestamp,
};
use nervure_kernels::Isa;
use nervure_kernels::resample::Filter;

use common::{artefact, artefact_of, numbers};

fn stage(format: PictureFormat, model: &Model, threads: usize) -> Upscale {
    Upscale::new(format, twice(format), model.clone(), threads).unwrap()
}

fn twice(format: PictureFormat) -> (usize, usize) {
    (format.width * 2, format.height * 2)
}

/// Draws noise over the first rows of every plane.
fn noise(frame: &mut Frame, rows: usize, next: &mut impl FnMut(i32, i32) -> i32) {
    match &mut frame.planes {
        Planes::Eight(planes) => {
            for row in planes.iter_mut().flat_map(|it| it.rows_mut().take(rows)) {
                row.iter_mut().for_each(|it| *it = next(0, 255) as u8);
            }
        }
        Planes::Ten(planes) => {
            for row in planes.iter_mut().flat_map(|it| it.rows_mut().take(rows)) {
                row.iter_mut().for_each(|it| *it = next(0, 1023) as u16);
            }
        }
    }
}

/// Everything that comes out before more has to go in.
fn drain(stage: &mut Upscale, out: &mut Vec<Frame>) {
    while let Pull::Frame(frame) = stage.pull().unwrap() {
        out.push(frame);
    }
}

#[test]
fn pictures_come_out_in_order_and_as_they_would_alone() {
    let mut next = numbers();
    let model = Model::new(&artefact(2), Isa::best()).unwrap();
    for (threads, depth) in [
        (2, BitDepth::Eight),
        (2, BitDepth::Ten),
        (4, BitDepth::Eight),
    ] {
        let format = PictureFormat::new(75, 42, Chroma::C420, depth);
        let mut two = stage(format, &model, threads).abreast().unwrap();
        let mut alone = stage(format, &model, 1).without_memory();
        let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
        let (mut out, mut wanted) = (Vec::new(), Vec::new());
        let mut in_part = 0;
        for number in 0..90 {
            // It moves as a whole for longer than anything is kept, then in its first rows, then not.
            match number % 30 {
                0..14 => noise(&mut frame, format.height, &mut next),
                14..22 => noise(&mut frame, 5, &mut next),
                _ => {}
            }
            if number % 17 == 0 {
                frame.colour.location = match frame.colour.location {
                    ChromaLocation::Left => ChromaLocation::Centre,
                    _ => ChromaLocation::Left,
                };
            }
            frame.pts = Timestamp::new(number, TimeBase::new(1, 25));
            two.push(frame.clone()).unwrap();
            in_part += usize::from(two.computed() < 1.0);
            drain(&mut two, &mut out);
            assert!(
                out.len() as i64 >= number,
                "no more than one is waited for: {} of {number}",
                out.len()
            );
            alone.push(frame.clone()).unwrap();
            drain(&mut alone, &mut wanted);
        }
        two.flush().unwrap();
        drain(&mut two, &mut out);
        assert!(matches!(two.pull().unwrap(), Pull::End));
        assert!(in_part > 20, "{in_part} in part");
        assert_eq!(out.len(), wanted.len());
        for (out, wanted) in out.iter().zip(&wanted) {
            assert_eq!(out.pts, wanted.pts);
            assert_eq!(out.colour, wanted.colour);
            assert!(out.planes == wanted.planes, "{:?}", out.pts);
        }
    }
}

#[test]
fn one_who_does_not_pull_loses_nothing() {
    let mut next = numbers();
    let model = Model::new(&artefact(2), Isa::best()).unwrap();
    let format = PictureFormat::new(40, 30, Chroma::C420, BitDepth::Eight);
    let mut two = stage(format, &model, 2).abreast().unwrap();
    let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
    for number in 0..7 {
        noise(&mut frame, format.height, &mut next);
        frame.pts = Timestamp::new(number, TimeBase::new(1, 25));
        two.push(frame.clone()).unwrap();
    }
    two.flush().unwrap();
    let mut out = Vec::new();
    drain(&mut two, &mut out);
    let ticks: Vec<i64> = out.iter().map(|frame| frame.pts.ticks).collect();
    assert_eq!(ticks, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_stage_can_go_while_pictures_are_made() {
    let mut next = numbers();
    let model = Model::new(&artefact(2), Isa::best()).unwrap();
    let format = PictureFormat::new(400, 300, Chroma::C420, BitDepth::Eight);
    let mut frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
    for _ in 0..3 {
        let mut two = stage(format, &model, 2).abreast().unwrap();
        for _ in 0..2 {
            noise(&mut frame, format.height, &mut next);
            two.push(frame.clone()).unwrap();
        }
    }
}

#[test]
fn what_cannot_go_abreast_goes_as_it_did() {
    let format = PictureFormat::new(40, 30, Chroma::C420, BitDepth::Eight);
    let model = Model::new(&artefact(2), Isa::best()).unwrap();
    let looks_back = Model::new(&artefact_of(2, 2), Isa::best()).unwrap();
    let filter = Upscale::new(format, twice(format), Filter::Lanczos, 2).unwrap();
    for stage in [
        stage(format, &model, 1),
        stage(format, &model, 3),
        stage(format, &looks_back, 2),
        filter,
    ] {
        let mut stage = stage.abreast().unwrap();
        let frame = Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)));
        stage.push(frame).unwrap();
        assert!(matches!(stage.pull().unwrap(), Pull::Frame(_)));
    }
}
