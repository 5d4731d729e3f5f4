//! That a stage which has warmed up asks for no more memory: an allocation a frame would be a lock a
//! frame, and now and then a page fault in the middle of one.
#![allow(clippy::unwrap_used)]

mod common;

use std::alloc::System;
use std::time::Duration;

use nervure_engine::{Budget, Luma, Model, Paced, Pull, Smooth, Stage, Upscale};
use nervure_frame::{BitDepth, Chroma, FramePool, PictureFormat, TimeBase, Timestamp};
use nervure_kernels::resample::Filter;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// More than the jobs that a queue of some library holds before it makes room for others.
const FRAMES: i64 = 300;

/// Frames of a pool through a stage, as a source and a sink would have them.
fn run(stage: &mut dyn Stage, pool: &FramePool, format: PictureFormat, frames: i64) {
    for number in 0..frames {
        let at = Timestamp::new(number, TimeBase::new(1, 25));
        stage.push(pool.frame(format, at)).unwrap();
        let large = match stage.pull().unwrap() {
            Pull::Frame(large) => large,
            // One of two that are made at once.
            Pull::NeedMore if number == 0 => continue,
            other => panic!("no frame {number}: {other:?}"),
        };
        assert!(at.ticks - large.pts.ticks <= 1);
        assert!(matches!(stage.pull().unwrap(), Pull::NeedMore));
    }
}

fn allocates_nothing(stage: &mut dyn Stage, format: PictureFormat, what: &str) {
    let pool = FramePool::new();
    run(stage, &pool, format, 20);
    // A thread that had nothing to do at first may still set itself up.
    let mut changes = (0..5).map(|_| {
        let region = Region::new(MEMORY);
        run(stage, &pool, format, FRAMES);
        let change = region.change();
        change.allocations + change.reallocations
    });
    assert!(changes.any(|asked| asked == 0), "{what}");
}

// One test, so that no other allocates meanwhile.
#[test]
fn a_warm_stage_allocates_nothing() {
    let model = Model::from_bytes(&common::artefact(2).to_bytes().unwrap()).unwrap();
    for depth in [BitDepth::Eight, BitDepth::Ten] {
        let format = PictureFormat::new(96, 50, Chroma::C420, depth);
        let size = (192, 100);
        for threads in [1, 2, 3] {
            for luma in [Luma::Model(model.clone()), Luma::Filter(Filter::Lanczos)] {
                let mut stage = Upscale::new(format, size, luma, threads).unwrap();
                let what = format!("{depth:?}, {threads} threads");
                allocates_nothing(&mut stage, format, &what);
            }
            let stage = Upscale::new(format, size, model.clone(), threads).unwrap();
            let mut stage = stage.without_memory().abreast().unwrap();
            allocates_nothing(&mut stage, format, &format!("{threads} threads abreast"));
            let budget = Budget {
                interval: Duration::from_millis(40),
                fixed: false,
                share: 0.8,
            };
            let clock = Box::new(|| Duration::ZERO);
            let models = vec![model.clone()];
            let mut stage = Paced::new(format, size, models, threads, budget, clock).unwrap();
            allocates_nothing(&mut stage, format, "in real time");
            let mut stage = Smooth::new(format, 0.7, threads).unwrap();
            allocates_nothing(&mut stage, format, "smoothed");
        }
    }
}
