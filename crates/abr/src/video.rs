//! Videos: a ladder of rates, and the size of every chunk at each.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::one_line;
use crate::{Error, built_in};

/// A rate in kbit/s.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Kbps(pub u32);

impl Kbps {
    /// The rate in Mbit/s.
    #[must_use]
    pub fn mbps(self) -> f64 {
        f64::from(self.0) / 1e3
    }
}

impl std::fmt::Display for Kbps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A ladder as people write it.
#[must_use]
pub fn ladder_text(ladder: &[Kbps]) -> String {
    let words: Vec<String> = ladder.iter().map(Kbps::to_string).collect();
    words.join("/")
}

/// The videos that come with the crate, by name.
pub const BUILT_IN: [(&str, &str); 3] = [
    ("envivio", include_str!("../data/envivio.json")),
    ("bbb", include_str!("../data/bbb.json")),
    ("bbb4k", include_str!("../data/bbb4k.json")),
];

/// Pensieve's ladder for folders of `video_size_0` and on, which do not say theirs.
const PENSIEVE: [Kbps; 6] = [
    Kbps(300),
    Kbps(750),
    Kbps(1200),
    Kbps(1850),
    Kbps(2850),
    Kbps(4300),
];

/// As many chunks as the protocol P1 plays, and the one that it leaves out.
const CONSTANT_CHUNKS: usize = 49;

/// A video in chunks.
///
/// ```
/// use nervure_abr::video::{Kbps, Video};
///
/// let video = Video::named("envivio")?;
/// assert_eq!(video.ladder()[5], Kbps(4300));
/// assert_eq!(video.bytes(0, 5), 2_354_772.0);
/// # Ok::<(), nervure_abr::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Video {
    name: String,
    chunk_ms: f64,
    ladder: Vec<Kbps>,
    /// Bytes, chunk by chunk, the lowest level first.
    bytes: Vec<f64>,
}

/// How a video is written down: sizes in bits, for each segment one of every rate.
#[derive(Deserialize)]
struct Written {
    segment_duration_ms: f64,
    bitrates_kbps: Vec<Kbps>,
    segment_sizes_bits: Vec<Vec<f64>>,
}

impl Video {
    /// A video of chunks that each have one size in bytes for every level.
    ///
    /// # Errors
    /// When the ladder does not rise, a chunk has more or fewer sizes than the ladder has levels, or a
    /// size or the length of a chunk is none.
    pub fn new(
        name: &str,
        chunk_ms: f64,
        ladder: Vec<Kbps>,
        chunks: &[Vec<f64>],
    ) -> Result<Video, Error> {
        let lines: Vec<usize> = (1..=chunks.len()).collect();
        Video::of_lines(name, chunk_ms, ladder, chunks, &lines)
    }

    fn of_lines(
        name: &str,
        chunk_ms: f64,
        ladder: Vec<Kbps>,
        chunks: &[Vec<f64>],
        lines: &[usize],
    ) -> Result<Video, Error> {
        let fault = |line: usize, reason: String| Error::Video {
            file: name.into(),
            line,
            reason,
        };
        if ladder.is_empty() || ladder.len() > 32 {
            let reason = format!("a ladder of {} rates, not 1 to 32", ladder.len());
            return Err(fault(1, reason));
        }
        if ladder[0].0 == 0 || ladder.windows(2).any(|pair| pair[1] <= pair[0]) {
            let reason = format!("the ladder {} does not rise", ladder_text(&ladder));
            return Err(fault(1, reason));
        }
        if !(chunk_ms.is_finite() && (100.0..=60_000.0).contains(&chunk_ms)) {
            let reason = format!("chunks of {chunk_ms} ms, not 100 to 60000");
            return Err(fault(1, reason));
        }
        if chunks.is_empty() {
            return Err(fault(1, "no chunks".into()));
        }
        for (at, sizes) in chunks.iter().enumerate() {
            if sizes.len() != ladder.len() {
                let (have, want) = (sizes.len(), ladder.len());
                let reason =
                    format!("chunk {at} has {have} sizes, and the ladder has {want} rates");
                return Err(fault(lines[at], reason));
            }
            let odd = sizes
                .iter()
                .find(|it| !it.is_finite() || **it < 1.0 || **it > 1e12);
            if let Some(size) = odd {
                let reason = format!("chunk {at} has a size of {size} bytes");
                return Err(fault(lines[at], reason));
            }
        }
        Ok(Video {
            name: name.into(),
            chunk_ms,
            ladder,
            bytes: chunks.concat(),
        })
    }

    /// A video that comes with the crate: see [`BUILT_IN`].
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<Video, Error> {
        Video::parse(name, built_in::text("video", name, &BUILT_IN)?)
    }

    /// A video whose chunks of 4 s are all as large as their rate says: for ladders that no video here has.
    ///
    /// # Errors
    /// When the ladder does not rise.
    pub fn constant(name: &str, ladder: &[Kbps]) -> Result<Video, Error> {
        let sizes = ladder.iter().map(|rate| f64::from(rate.0) * 500.0);
        let chunks = vec![sizes.collect::<Vec<f64>>(); CONSTANT_CHUNKS];
        Video::new(name, 4000.0, ladder.to_vec(), &chunks)
    }

    /// A video by the name of a built-in one, `constant:` and its rates, or from a file, or from a folder
    /// of Pensieve's tables.
    ///
    /// # Errors
    /// When there is no such video, or what is there is none.
    pub fn find(name: &str) -> Result<Video, Error> {
        if let Some(rates) = name.strip_prefix("constant:") {
            let rates = rates.split(',').map(|rate| rate.trim().parse().map(Kbps));
            let ladder: Vec<Kbps> = rates.collect::<Result<_, _>>().map_err(|_| {
                Error::setting(name, "rates in kbit/s are wanted, as in constant:300,750")
            })?;
            return Video::constant(name, &ladder);
        }
        let path = Path::new(name);
        if path.is_dir() {
            return Video::read_folder(path);
        }
        match built_in::file(name)? {
            Some(text) => Video::parse(name, &text),
            None => Video::named(name),
        }
    }

    /// A video from JSON with `segment_duration_ms`, `bitrates_kbps` and `segment_sizes_bits`.
    ///
    /// # Errors
    /// Names `file` and the line when it is no such thing.
    pub fn parse(file: &str, text: &str) -> Result<Video, Error> {
        let written: Written = serde_json::from_str(text).map_err(|error| Error::Video {
            file: file.into(),
            line: error.line().max(1),
            reason: one_line(&error.to_string()),
        })?;
        let lines = segment_lines(text, written.segment_sizes_bits.len());
        let mut chunks = written.segment_sizes_bits;
        for bits in chunks.iter_mut().flatten() {
            *bits /= 8.0;
        }
        Video::of_lines(
            file,
            written.segment_duration_ms,
            written.bitrates_kbps,
            &chunks,
            &lines,
        )
    }

    /// Pensieve's tables: `video_size_0` to `video_size_5`, bytes of 4 s chunks, one a line.
    fn read_folder(folder: &Path) -> Result<Video, Error> {
        let name = folder.display().to_string();
        let mut levels: Vec<Vec<f64>> = Vec::new();
        for level in 0..PENSIEVE.len() {
            let path = folder.join(format!("video_size_{level}"));
            let text = fs::read_to_string(&path).map_err(|source| Error::read(&path, source))?;
            let mut sizes = Vec::new();
            for (at, line) in text.lines().enumerate() {
                let size = line.trim().parse().map_err(|_| Error::Video {
                    file: path.display().to_string(),
                    line: at + 1,
                    reason: one_line(&format!("{:?} is no size", line.trim())),
                })?;
                sizes.push(size);
            }
            if let Some(first) = levels.first().filter(|it| it.len() != sizes.len()) {
                return Err(Error::Video {
                    file: path.display().to_string(),
                    line: sizes.len().min(first.len()) + 1,
                    reason: format!(
                        "{} chunks, and video_size_0 has {}",
                        sizes.len(),
                        first.len()
                    ),
                });
            }
            levels.push(sizes);
        }
        let chunk = |at: usize| levels.iter().map(|sizes| sizes[at]).collect();
        let chunks: Vec<Vec<f64>> = (0..levels[0].len()).map(chunk).collect();
        Video::new(&name, 4000.0, PENSIEVE.to_vec(), &chunks)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long a chunk plays.
    #[must_use]
    pub fn chunk_ms(&self) -> f64 {
        self.chunk_ms
    }

    /// Its rates, the lowest first.
    #[must_use]
    pub fn ladder(&self) -> &[Kbps] {
        &self.ladder
    }

    /// How many levels there are.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.ladder.len()
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.bytes.len() / self.ladder.len()
    }

    /// The size of a chunk in bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self, chunk: usize, level: usize) -> f64 {
        self.bytes[chunk * self.ladder.len() + level]
    }

    /// The sizes of a chunk in bytes, the lowest level first.
    #[must_use]
    #[inline]
    pub fn sizes(&self, chunk: usize) -> &[f64] {
        let levels = self.ladder.len();
        &self.bytes[chunk * levels..(chunk + 1) * levels]
    }
}

/// The line on which each segment's sizes begin, as far as brackets tell; else the first.
fn segment_lines(text: &str, count: usize) -> Vec<usize> {
    let mut lines = Vec::with_capacity(count);
    if let Some(start) = text.find("\"segment_sizes_bits\"") {
        let mut line = 1 + text[..start].matches('\n').count();
        let mut depth = 0;
        for byte in text[start..].bytes() {
            match byte {
                b'\n' => line += 1,
                b'[' => {
                    depth += 1;
                    if depth == 2 {
                        lines.push(line);
                    }
                }
                b']' => depth -= 1,
                _ => {}
            }
            if lines.len() == count {
                break;
            }
        }
    }
    lines.resize(count, 1);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(result: Result<Video, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn built_in_videos_are_what_their_sources_say() {
        let envivio = Video::named("envivio").unwrap();
        assert_eq!((envivio.chunks(), envivio.chunk_ms()), (49, 4000.0));
        assert_eq!(envivio.bytes(2, 0), 139_857.0);
        let big = Video::named("bbb4k").unwrap();
        assert_eq!((big.chunks(), big.chunk_ms()), (199, 3000.0));
        for (name, _) in BUILT_IN {
            let video = Video::named(name).unwrap();
            let seconds = video.chunks() as f64 * video.chunk_ms() / 1e3;
            for (level, rate) in video.ladder().iter().enumerate() {
                let bytes: f64 = (0..video.chunks()).map(|it| video.bytes(it, level)).sum();
                let share = bytes * 8e-6 / seconds / rate.mbps();
                assert!((0.9..1.1).contains(&share), "{name} {rate}: {share}");
            }
        }
        assert!(reason(Video::named("psycho")).contains("envivio, bbb, bbb4k"));
    }

    #[test]
    fn what_is_no_video_is_refused_with_its_line() {
        let ladder = || vec![Kbps(300), Kbps(750)];
        let new = |ladder, chunks: &[Vec<f64>]| reason(Video::new("v", 4000.0, ladder, chunks));
        let out_of_order = new(vec![Kbps(750), Kbps(300)], &[vec![1e5, 2e5]]);
        assert_eq!(out_of_order, "v:1: the ladder 750/300 does not rise");
        let unequal = new(ladder(), &[vec![1e5, 2e5], vec![1e5]]);
        assert_eq!(
            unequal,
            "v:2: chunk 1 has 1 sizes, and the ladder has 2 rates"
        );
        assert!(new(ladder(), &[vec![1e5, f64::NAN]]).contains("size of NaN"));
        assert!(new(ladder(), &[]).contains("no chunks"));
        let text = "{\"segment_duration_ms\": 3000,\n\"bitrates_kbps\": [1, 2],\n\
                    \"segment_sizes_bits\": [\n[8, 16],\n[8, 16, 24]]}";
        let told = reason(Video::parse("a.json", text));
        assert_eq!(
            told,
            "a.json:5: chunk 1 has 3 sizes, and the ladder has 2 rates"
        );
        assert!(reason(Video::parse("a.json", "{\n\"x\":")).starts_with("a.json:2: "));
    }

    #[test]
    fn a_constant_video_weighs_what_its_rates_say() {
        let video = Video::find("constant:398,802").unwrap();
        assert_eq!(video.bytes(7, 0) * 8.0 / 4.0, 398_000.0);
        assert_eq!((video.levels(), video.chunks()), (2, 49));
        let order = reason(Video::find("constant:802,398"));
        assert!(order.contains("802/398 does not rise"), "{order}");
        assert!(reason(Video::find("constant:fast")).contains("as in constant:300,750"));
    }

    #[test]
    fn pensieves_tables_are_read_and_must_be_of_one_length() {
        let folder = tempfile::tempdir().unwrap();
        for level in 0..6 {
            let text = format!("{}\n{}\n", 100_000 * (level + 1), 90_000 * (level + 1));
            fs::write(folder.path().join(format!("video_size_{level}")), text).unwrap();
        }
        let name = folder.path().display().to_string();
        let video = Video::find(&name).unwrap();
        assert_eq!((video.chunks(), video.bytes(1, 2)), (2, 270_000.0));
        fs::write(folder.path().join("video_size_3"), "400000\n").unwrap();
        let told = reason(Video::find(&name));
        assert!(told.contains("video_size_3:2: 1 chunks"), "{told}");
        fs::write(folder.path().join("video_size_3"), "400000\nmany\n").unwrap();
        let told = reason(Video::find(&name));
        assert!(
            told.contains("video_size_3:2: \"many\" is no size"),
            "{told}"
        );
    }
}
