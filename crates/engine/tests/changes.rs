//! What did not change is not computed again, and nobody can tell by the picture.
#![allow(clippy::unwrap_used)]

mod common;

use nervure_engine::{Model, Pull, Stage, Upscale};
use nervure_frame::{
    BitDepth, Chroma, ChromaLocation, Frame, PictureFormat, Plane, Planes, Sample, TimeBase,
    Timestamp,
};
use nervure_kernels::Isa;

use common::{artefact, artefact_of, numbers};

fn stage(format: PictureFormat, model: &Model, threads: usize) -> Upscale {
    let scale = model.scale();
    let size = (format.width * scale, format.height * scale);
    Upscale::new(format, size, model.clone(), threads).unwrap()
}

fn through(stage: &mut Upscale, frame: &Frame) -> Frame {
    stage.push(frame.clone()).unwrap();
    match stage.pull().unwrap() {
        Pull::Frame(frame) => frame,
        other => panic!("{other:?}"),
    }
}

fn black(format: PictureFormat) -> Frame {
    Frame::new(format, Timestamp::new(0, TimeBase::new(1, 25)))
}

/// Changes a part of every plane, or some planes, or nothing.
fn change(frame: &mut Frame, next: &mut impl FnMut(i32, i32) -> i32) {
    fn within<T: Sample>(
        plane: &mut Plane<T>,
        next: &mut impl FnMut(i32, i32) -> i32,
        sample: &dyn Fn(i32) -> T,
    ) {
        let (width, height) = (plane.width() as i32, plane.height() as i32);
        let (rows, columns) = match next(0, 7) {
            // Nothing, everything, some rows, some columns, a sample, and otherwise a rectangle.
            0 | 1 => return,
            2 => ((0, height), (0, width)),
            3 => ((next(0, height - 1), height), (0, width)),
            4 => ((0, height), (next(0, width - 1), width)),
            5 => {
                let (row, column) = (next(0, height - 1), next(0, width - 1));
                ((row, row + 1), (column, column + 1))
            }
            _ => {
                let (row, column) = (next(0, height - 1), next(0, width - 1));
                ((row, next(row, height)), (column, next(column, width)))
            }
        };
        for row in rows.0..rows.1 {
            for column in columns.0..columns.1 {
                plane.row_mut(row as usize)[column as usize] = sample(next(0, 1023));
            }
        }
    }
    match &mut frame.planes {
        Planes::Eight(planes) => {
            for plane in planes {
                within(plane, next, &|sample| (sample >> 2) as u8);
            }
        }
        Planes::Ten(planes) => {
            for plane in planes {
                within(plane, next, &|sample| sample as u16);
            }
        }
    }
}

#[test]
fn the_picture_does_not_depend_on_what_is_remembered() {
    let mut next = numbers();
    let sizes = [
        (1, 1),
        (3, 40),
        (70, 2),
        (33, 31),
        (97, 50),
        (150, 64),
        (530, 24),
    ];
    let models = [(2, 1), (3, 1), (4, 1), (2, 2), (2, 4)]
        .map(|(scale, frames)| Model::new(&artefact_of(scale, frames), Isa::best()).unwrap());
    let (mut some, mut none) = (0, 0);
    for round in 0..84 {
        let (width, height) = sizes[round % sizes.len()];
        let (chroma, depth) = match round % 4 {
            0 => (Chroma::C420, BitDepth::Ten),
            1 => (Chroma::C422, BitDepth::Eight),
            2 => (Chroma::C444, BitDepth::Eight),
            _ => (Chroma::C420, BitDepth::Eight),
        };
        let format = PictureFormat::new(width, height, chroma, depth);
        let model = &models[round % 5];
        let threads = 1 + round / 7 % 4;
        let mut one = stage(format, model, threads);
        let mut forgetful = stage(format, model, 1).without_memory();
        let mut frame = black(format);
        for number in 0..12 {
            change(&mut frame, &mut next);
            if next(0, 9) == 0 {
                frame.colour.location = match frame.colour.location {
                    ChromaLocation::Left => ChromaLocation::Centre,
                    _ => ChromaLocation::Left,
                };
            }
            let found = through(&mut one, &frame);
            let fresh = through(&mut forgetful, &frame);
            assert!(
                found.planes == fresh.planes,
                "round {round}, frame {number} of {format} with {threads} threads"
            );
            let computed = one.computed();
            some += usize::from(computed > 0.0 && computed < 1.0);
            none += usize::from(computed == 0.0);
        }
    }
    assert!(
        some > 50 && none > 50,
        "{some} in part and {none} not at all"
    );
}

/// A pointer on a page with a line that is typed; now and then the page scrolls.
fn screen(format: PictureFormat, time: usize) -> Frame {
    let mut frame = black(format);
    let Planes::Eight([y, ..]) = &mut frame.planes else {
        panic!("8 bits");
    };
    for row in 0..format.height {
        for (column, sample) in y.row_mut(row).iter_mut().enumerate() {
            let line = (row + time / 20 * 5) / 8;
            let is_text = (column * 7 + line * 13) % 11 < 4 && row % 8 < 5;
            let is_typed = (40..48).contains(&row) && column < 40 + time % 20 * 8;
            let is_pointer = row.abs_diff(20 + time) < 4 && column.abs_diff(30 + 2 * time) < 4;
            *sample = match (is_pointer, is_text || is_typed) {
                (true, _) => 10,
                (_, true) => 60,
                _ => 235,
            };
        }
    }
    frame
}

#[test]
fn most_of_a_screen_is_not_computed_again() {
    let format = PictureFormat::new(320, 180, Chroma::C420, BitDepth::Eight);
    let model = Model::new(&artefact(2), Isa::best()).unwrap();
    for threads in [1, 3] {
        let mut one = stage(format, &model, threads);
        let mut shares = Vec::new();
        for time in 0..60 {
            let frame = screen(format, time);
            let found = through(&mut one, &frame);
            let fresh = through(&mut stage(format, &model, 1), &frame);
            assert!(found.planes == fresh.planes, "frame {time}");
            shares.push(one.computed());
        }
        // The first, the one after it, of which the result is kept, and those that scroll.
        let whole = shares.iter().filter(|share| **share == 1.0).count();
        assert!((2..=8).contains(&whole), "{shares:?}");
        shares.sort_by(f64::total_cmp);
        assert!(shares[30] < 0.1, "{shares:?}");
    }
}

#[test]
fn a_picture_that_stands_still_is_only_copied() {
    let format = PictureFormat::new(64, 40, Chroma::C420, BitDepth::Eight);
    let model = Model::new(&artefact(2), Isa::best()).unwrap();
    let mut one = stage(format, &model, 2);
    let frame = screen(format, 0);
    let first = through(&mut one, &frame);
    assert_eq!(one.computed(), 1.0);
    through(&mut one, &frame);
    let mut third = through(&mut one, &frame);
    assert_eq!(one.computed(), 0.0);
    assert!(first.planes == third.planes);
    // What is done to a frame that was given out is not seen in the next.
    let Planes::Eight([y, ..]) = &mut third.planes else {
        panic!("8 bits");
    };
    y.fill(0);
    let fourth = through(&mut one, &frame);
    assert_eq!(one.computed(), 0.0);
    assert!(first.planes == fourth.planes);

    let mut without = stage(format, &model, 1).without_memory();
    for _ in 0..4 {
        assert!(through(&mut without, &frame).planes == first.planes);
        assert_eq!(without.computed(), 1.0);
    }
}
