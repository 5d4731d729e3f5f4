//! Who does what: sources cut into jobs, jobs dealt to shards.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nervure_media::{Demuxer, Input, OpenOptions};

use crate::recipe::Recipe;
use crate::sources::{Kind, Source};

/// A run of stretches of one source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job {
    /// Number of the source.
    pub(super) source: usize,
    /// The first stretch.
    pub(super) first: u32,
    /// The one after the last; none: to the end of the source, wherever that is.
    pub(super) end: Option<u32>,
    /// Seconds of video, as far as the source tells.
    pub(super) seconds: f64,
}

/// The jobs of one shard.
///
/// Every shard cuts the same sources into the same jobs and takes each n-th of them, so the shards
/// have no job in common and leave none out.
pub(super) fn plan(
    sources: &[Source],
    recipe: &Recipe,
    shard: (u32, u32),
    threads: usize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Vec<Job> {
    let lengths = lengths(sources, recipe, threads, stop);
    let jobs = lengths
        .iter()
        .enumerate()
        .flat_map(|(source, length)| cut(source, *length, recipe));
    let (index, of) = (shard.0 as usize, shard.1.max(1) as usize);
    jobs.enumerate()
        .filter(|(number, _)| number % of == index)
        .map(|(_, job)| job)
        .collect()
}

/// What is known of a source's length before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Length {
    /// It can be entered anywhere and says how many seconds it has.
    Seconds(f64),
    /// It is read from front to back, and has about this many.
    Whole(f64),
}

/// Opens what must be opened, several at once: an archive has thousands of files.
fn lengths(
    sources: &[Source],
    recipe: &Recipe,
    threads: usize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Vec<Length> {
    let found: Vec<Mutex<Length>> = sources
        .iter()
        .map(|_| Mutex::new(Length::Whole(0.0)))
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, sources.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some((source, found)) = sources.get(index).zip(found.get(index)) else {
                        return;
                    };
                    if stop() {
                        return;
                    }
                    let length = length(source, recipe);
                    *found.lock().unwrap_or_else(PoisonError::into_inner) = length;
                }
            });
        }
    });
    found
        .into_iter()
        .map(|length| length.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

/// Frames in a second, where a guess is good enough.
const GUESSED_RATE: f64 = 25.0;

fn length(source: &Source, recipe: &Recipe) -> Length {
    let wanted = |seconds: f64, rate: f64| match recipe.max_frames {
        Some(pairs) => seconds.min((pairs * recipe.every) as f64 / rate),
        None => seconds,
    };
    match &source.kind {
        Kind::Image(_) => Length::Whole(wanted(
            recipe.image_frames as f64 / GUESSED_RATE,
            GUESSED_RATE,
        )),
        Kind::Stream(_) => Length::Whole(wanted(recipe.segment_seconds, GUESSED_RATE)),
        Kind::Video(path) => {
            // What cannot be opened is told by the job that tries.
            let Ok(demuxer) = Demuxer::open(&Input::Path(path.clone()), &OpenOptions::default())
            else {
                return Length::Whole(0.0);
            };
            let info = demuxer.info();
            let rate = info
                .video
                .frame_rate
                .map_or(GUESSED_RATE, |(rate, per)| f64::from(rate) / f64::from(per));
            match info.duration {
                Some(seconds) if info.seekable && recipe.max_frames.is_none() => {
                    Length::Seconds(seconds)
                }
                seconds => Length::Whole(wanted(seconds.unwrap_or(recipe.segment_seconds), rate)),
            }
        }
    }
}

/// More stretches than any source has: what a damaged header may make us plan is bounded.
const MOST_STRETCHES: f64 = 1e6;

fn cut(source: usize, length: Length, recipe: &Recipe) -> Vec<Job> {
    let seconds = match length {
        Length::Seconds(seconds) => seconds,
        Length::Whole(seconds) => {
            return vec![Job {
                source,
                first: 0,
                end: None,
                seconds,
            }];
        }
    };
    let stretch = recipe.segment_seconds;
    // A millisecond over is no further stretch.
    let count = (seconds / stretch - 1e-3).ceil().clamp(1.0, MOST_STRETCHES) as u32;
    (0..count)
        .map(|first| Job {
            source,
            first,
            // The last goes on for as long as there are frames, whatever length was told.
            end: (first + 1 < count).then_some(first + 1),
            seconds: (seconds - f64::from(first) * stretch).clamp(0.0, stretch),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_cut_into_stretches_and_the_last_is_open() {
        let recipe = Recipe::default();
        let jobs = cut(3, Length::Seconds(24.5), &recipe);
        let ends: Vec<_> = jobs
            .iter()
            .map(|job| (job.first, job.end, job.seconds))
            .collect();
        assert_eq!(
            ends,
            [(0, Some(1), 10.0), (1, Some(2), 10.0), (2, None, 4.5)]
        );
        assert_eq!(cut(3, Length::Seconds(20.0), &recipe).len(), 2);
        assert_eq!(cut(3, Length::Seconds(0.0), &recipe).len(), 1);
        assert_eq!(cut(3, Length::Seconds(f64::MAX), &recipe).len(), 1_000_000);
        assert_eq!(cut(3, Length::Whole(99.0), &recipe).len(), 1);
    }

    #[test]
    fn shards_share_the_jobs_out_and_leave_none() {
        let sources: Vec<Source> = (0..7)
            .map(|index| Source::video(format!("{index}.mp4"), format!("no-{index}.mp4").into()))
            .collect();
        let recipe = Recipe::default();
        let of = |index, of| plan(&sources, &recipe, (index, of), 2, &|| false);
        let whole = of(0, 1);
        assert_eq!(whole.len(), 7);
        let mut parts: Vec<Job> = (0..3).flat_map(|index| of(index, 3)).collect();
        assert_eq!(of(1, 3).len(), 2);
        parts.sort_by_key(|job| (job.source, job.first));
        assert_eq!(parts, whole);
    }
}
