//! Masks against what was truly lost, found without looking at any slice.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod transit_common;
mod transit_truth;

use nervure_media::{Codec, LossLevel, LossModel, TransitSettings};
use transit_common::{frames, lossy, pass, plain, spec};
use transit_truth::Agreement;

fn sent_whole(settings: &TransitSettings) -> TransitSettings {
    // The same bytes go in: without losses, keyframes would come less often.
    let mut whole = settings.clone();
    whole.loss = LossModel::None;
    whole.encode.keyframe_seconds = whole.encode.keyframe_seconds.or(Some(2.0));
    whole
}

#[test]
fn at_least_99_of_100_lost_macroblocks_are_marked_and_at_most_1_of_100_others() {
    let format = plain(320, 176);
    let sent = frames(format, 50);
    let mut settings = lossy(Codec::H264, "0.1", LossLevel::Slice, 11);
    settings.encode.crf = Some(20.0);
    // Every picture by itself, and no filter that reaches over the edges of slices.
    for (key, value) in [("g", "1"), ("x264-params", "no-deblock=1")] {
        settings.encode.options.push((key.into(), value.into()));
    }
    let (clean, _) = pass(&sent_whole(&settings), &spec(format), &sent);
    let (damaged, stats) = pass(&settings, &spec(format), &sent);
    let mut agreement = Agreement::default();
    for (clean, damaged) in clean.iter().zip(&damaged) {
        agreement.add(clean, damaged);
    }
    assert!(agreement.lost > 500, "{agreement:?}");
    assert!(
        agreement.lost_marked * 100 >= agreement.lost * 99,
        "{agreement:?}"
    );
    assert!(
        agreement.others_marked * 100 <= agreement.others,
        "{agreement:?}"
    );
    // The decoder knows of every one of them.
    assert_eq!(stats.disputed_frames, 0, "{stats:?}");
    assert_eq!(stats.flagged_frames, stats.damaged_frames, "{stats:?}");
}

#[test]
fn in_an_ordinary_stream_nothing_else_differs_where_the_damage_begins() {
    let format = plain(320, 176);
    let sent = frames(format, 16);
    let ordinary = |seed| {
        let mut settings = lossy(Codec::H264, "0.02", LossLevel::Slice, seed);
        // Pictures refer only to those shown before, so that the first damaged one has whole
        // references: whatever differs in it was lost with its own data.
        for (key, value) in [("bf", "0"), ("x264-params", "no-deblock=1")] {
            settings.encode.options.push((key.into(), value.into()));
        }
        settings
    };
    let (clean, _) = pass(&sent_whole(&ordinary(0)), &spec(format), &sent);
    let mut agreement = Agreement::default();
    for seed in 0..10 {
        let (damaged, _) = pass(&ordinary(seed), &spec(format), &sent);
        for (clean, damaged) in clean.iter().zip(&damaged) {
            agreement.add(clean, damaged);
            if damaged.damage.is_some() {
                break;
            }
        }
    }
    assert!(agreement.lost > 100, "{agreement:?}");
    assert_eq!(agreement.lost_marked, agreement.lost, "{agreement:?}");
}
