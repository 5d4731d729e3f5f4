//! The stage that keeps time: with a clock that the test moves, so that everything is exact.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use nervure_engine::pipeline::{self, Flow};
use nervure_engine::{Budget, Clock, Error, Model, Paced, Pull, Stage, Upscale};
use nervure_frame::{BitDepth, Chroma, Frame, PictureFormat, Planes, TimeBase, Timestamp};
use nervure_kernels::resample::Filter;

const FORMAT: PictureFormat = PictureFormat {
    width: 48,
    height: 40,
    chroma: Chroma::C420,
    depth: BitDepth::Eight,
};
const SIZE: (usize, usize) = (96, 80);

fn model() -> Model {
    Model::from_bytes(&common::artefact(2).to_bytes().unwrap()).unwrap()
}

/// 25 frames a second, by the source.
fn budget() -> Budget {
    Budget {
        interval: Duration::from_millis(40),
        fixed: false,
        share: 0.8,
    }
}

/// A clock that goes on by what it is told, each time that somebody looks at it.
fn clock(step: &Arc<AtomicU64>) -> Clock {
    let (step, mut now) = (Arc::clone(step), Duration::ZERO);
    Box::new(move || {
        now += Duration::from_millis(step.load(Ordering::Relaxed));
        now
    })
}

fn picture(number: i64) -> Frame {
    let mut frame = common::picture(FORMAT);
    frame.pts = Timestamp::new(number, TimeBase::new(1, 25));
    frame
}

fn made(stage: &mut dyn Stage, number: i64) -> Frame {
    stage.push(picture(number)).unwrap();
    let Pull::Frame(frame) = stage.pull().unwrap() else {
        panic!("no frame {number}");
    };
    assert!(matches!(stage.pull().unwrap(), Pull::NeedMore));
    assert_eq!(frame.pts, Timestamp::new(number, TimeBase::new(1, 25)));
    frame
}

fn planes(luma: impl Into<nervure_engine::Luma>) -> Planes {
    let mut stage = Upscale::new(FORMAT, SIZE, luma, 1).unwrap();
    made(&mut stage, 0).planes
}

#[test]
fn pictures_are_the_tiers_own_and_each_is_counted() {
    let (neural, classical) = (planes(model()), planes(Filter::Lanczos));
    assert_ne!(neural, classical);
    for threads in [1, 2] {
        let step = Arc::new(AtomicU64::new(1));
        let mut stage =
            Paced::new(FORMAT, SIZE, vec![model()], threads, budget(), clock(&step)).unwrap();
        let tally = stage.tally();
        assert_eq!(tally.costs(), [0.001, 0.001]);
        assert_eq!(stage.output(FORMAT), FORMAT.with_size(96, 80));
        let mut number = 0;
        let mut frames = |stage: &mut Paced, count: i64| {
            let range = number..number + count;
            number += count;
            range
                .map(|number| made(stage, number).planes)
                .collect::<Vec<_>>()
        };
        assert!(frames(&mut stage, 10).iter().all(|it| *it == neural));
        assert_eq!((stage.level(), tally.missed()), ("random", 0));

        // Every look at the clock is 100 ms later: nothing is in time.
        step.store(100, Ordering::Relaxed);
        let slow = frames(&mut stage, 10);
        assert!(slow[0] == neural, "before anybody can know");
        assert!(slow[1..].iter().all(|it| *it == classical));
        assert_eq!((stage.level(), tally.missed()), ("lanczos", 10));

        step.store(1, Ordering::Relaxed);
        let again = frames(&mut stage, 100);
        assert!(again[0] == classical && again[99] == neural);
        let counted: Vec<_> = tally.tiers().collect();
        let by_model = 11 + again.iter().filter(|it| **it == neural).count() as u64;
        assert_eq!(counted, [("random", by_model), ("lanczos", 120 - by_model)]);
        stage.flush().unwrap();
        assert!(matches!(stage.pull().unwrap(), Pull::End));
    }
}

#[test]
fn without_models_lanczos_is_timed_too() {
    let step = Arc::new(AtomicU64::new(30));
    let mut stage = Paced::new(FORMAT, (72, 60), vec![], 1, budget(), clock(&step)).unwrap();
    made(&mut stage, 0);
    step.store(60, Ordering::Relaxed);
    made(&mut stage, 1);
    let tally = stage.tally();
    assert_eq!(tally.tiers().collect::<Vec<_>>(), [("lanczos", 2)]);
    assert_eq!(tally.missed(), 1);
}

#[test]
fn a_model_of_another_scale_is_refused() {
    let step = Arc::new(AtomicU64::new(1));
    let made = Paced::new(FORMAT, (144, 120), vec![model()], 1, budget(), clock(&step));
    assert!(matches!(made.err(), Some(Error::Scale { scale: 2, .. })));
}

/// A source as a camera is one: it has no second frame before the first has come out. Only a stage that
/// held it back would make it wait.
fn first_frame_needs_no_second(stage: Box<dyn Stage>) {
    let (out, seen) = mpsc::channel();
    let seen = Mutex::new(seen);
    let mut pushed = 0;
    let source = || {
        if pushed == 1 {
            let guard = Duration::from_secs(60);
            let first = seen.lock().unwrap().recv_timeout(guard);
            assert_eq!(first.expect("nothing came out of one frame"), 0);
        }
        pushed += 1;
        Ok::<_, Error>((pushed <= 5).then(|| picture(pushed - 1)))
    };
    let mut count = 0;
    pipeline::run(source, &mut [stage], |frame| {
        // The source may have gone.
        let _ = out.send(frame.pts.ticks);
        count += 1;
        Ok(Flow::More)
    })
    .unwrap();
    assert_eq!(count, 5);
}

#[test]
fn the_first_frame_comes_out_before_the_second_goes_in() {
    for threads in [1, 2] {
        let upscale = Upscale::new(FORMAT, SIZE, model(), threads).unwrap();
        first_frame_needs_no_second(Box::new(upscale));
        let step = Arc::new(AtomicU64::new(1));
        let paced = Paced::new(FORMAT, SIZE, vec![model()], threads, budget(), clock(&step));
        first_frame_needs_no_second(Box::new(paced.unwrap()));
    }
}
