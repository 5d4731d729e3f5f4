//! Which tags go where.

use super::container::Container;
use super::plan::is_the_files_own;
use crate::av::output::Tags;

/// Tags of a whole file for which MP4 has a place.
const MP4_TAGS: [&str; 36] = [
    "album",
    "album_artist",
    "artist",
    "author",
    "comment",
    "compilation",
    "composer",
    "copyright",
    "creation_time",
    "date",
    "description",
    "disc",
    "episode_id",
    "episode_sort",
    "gapless_playback",
    "genre",
    "grouping",
    "hd_video",
    "keywords",
    "location",
    "location-eng",
    "lyrics",
    "media_type",
    "network",
    "season_number",
    "show",
    "sort_album",
    "sort_album_artist",
    "sort_artist",
    "sort_composer",
    "sort_name",
    "sort_show",
    "synopsis",
    "timecode",
    "title",
    "track",
];

/// Apple's cameras describe a recording with tags of their own, which take another place.
const APPLE: &str = "com.apple.quicktime.";

/// Whether the container has a place for a tag of the whole file.
pub(super) fn keeps(container: Container, key: &str) -> bool {
    !container.is_mov() || key.starts_with(APPLE) || MP4_TAGS.contains(&key)
}

/// Whether MP4 must write its tags in the place where any name can stand.
pub(super) fn wants_free_names(tags: &Tags) -> bool {
    tags.iter().any(|(key, _)| key.starts_with(APPLE))
}

/// The tags of the whole file that still hold in the new one.
pub(super) fn of_file(tags: &Tags) -> Tags {
    let kept = tags.iter().filter(|(key, _)| !is_the_files_own(key));
    kept.cloned().collect()
}

/// The tags of the video that still hold once it is encoded anew.
pub(super) fn of_video(tags: &Tags) -> Tags {
    let kept = tags.iter().filter(|(key, _)| {
        !is_statistics(key) && !["encoder", "rotate", "vendor_id"].contains(&key.as_str())
    });
    kept.cloned().collect()
}

/// The tags of a copied stream; once part of it is cut off, counts no longer hold.
pub(super) fn of_copy(tags: &Tags, trimmed: bool) -> Tags {
    let kept = tags.iter().filter(|(key, _)| {
        // Matroska's muxer writes the duration itself.
        !(key.eq_ignore_ascii_case("DURATION") || (trimmed && is_statistics(key)))
    });
    kept.cloned().collect()
}

/// Whether a timecode can be counted at this rate. With `;` it drops numbers, which makes sense only at
/// multiples of 30000/1001; libav refuses a file with any other.
pub(super) fn is_countable(timecode: &str, (rate, per): (u32, u32)) -> bool {
    let rounded = (u64::from(rate) + u64::from(per) / 2) / u64::from(per.max(1));
    !timecode.contains([';', '.']) || rounded % 30 == 0
}

/// What Matroska's tools count: sizes, rates and numbers of frames.
fn is_statistics(key: &str) -> bool {
    let name = key.split('-').next().unwrap_or(key);
    ["BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES"].contains(&name)
        || key.starts_with("_STATISTICS_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(keys: &[&str]) -> Tags {
        keys.iter().map(|key| ((*key).into(), "x".into())).collect()
    }

    fn keys(tags: &Tags) -> Vec<&str> {
        tags.iter().map(|(key, _)| key.as_str()).collect()
    }

    #[test]
    fn what_no_longer_holds_is_left_out() {
        let file = tags(&["title", "major_brand", "ENCODER", "my_own"]);
        assert_eq!(keys(&of_file(&file)), ["title", "my_own"]);
        let stream = tags(&[
            "language",
            "BPS-eng",
            "DURATION",
            "encoder",
            "_STATISTICS_TAGS",
        ]);
        assert_eq!(keys(&of_video(&stream)), ["language"]);
        assert_eq!(keys(&of_copy(&stream, true)), ["language", "encoder"]);
        assert_eq!(keys(&of_copy(&stream, false)).len(), 4);
    }

    #[test]
    fn dropped_numbers_need_their_rate() {
        assert!(is_countable("01:00:00;00", (30_000, 1001)));
        assert!(is_countable("01:00:00:00", (25, 1)));
        assert!(!is_countable("01:00:00;00", (25, 1)));
    }

    #[test]
    fn mp4_says_which_tags_it_loses() {
        let (mp4, mkv) = (
            Container::named("mp4").unwrap(),
            Container::named("mkv").unwrap(),
        );
        assert!(keeps(mp4, "title") && !keeps(mp4, "my_own") && keeps(mkv, "my_own"));
        assert!(keeps(mp4, "com.apple.quicktime.make"));
        assert!(wants_free_names(&tags(&[
            "title",
            "com.apple.quicktime.make"
        ])));
        assert!(!wants_free_names(&tags(&["title"])));
    }
}
