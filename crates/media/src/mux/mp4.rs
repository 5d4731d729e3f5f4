//! The starts of MP4's tracks, to the tick.
//!
//! A track that starts later than the presentation begins with an empty edit. Its length is counted on
//! the clock of the whole presentation, for which libav takes milliseconds: too coarse to say when most
//! tracks start. Here the presentation gets a clock on which every start is a whole number, in place,
//! since no box changes its size.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use nervure_frame::Timestamp;

/// More than any presentation needs; keeps a broken file from being read for ever.
const MOST_BOXES: usize = 100_000;

/// Gives the tracks of a finished file exactly these starts, in the order of the tracks. Leaves the file
/// as it is where it is not as expected, or has no empty edit to correct.
pub(super) fn mend_starts(file: &mut File, starts: &[Timestamp]) -> io::Result<()> {
    let coarse = |start: &Timestamp| start.ticks > 0 && !exact(*start, 1000);
    if !starts.iter().any(coarse) {
        return Ok(());
    }
    let length = file.metadata()?.len();
    let Some(movie) = find(file, 0, length, b"moov")? else {
        return Ok(());
    };
    let mut moov = Moov::read(file, movie)?;
    let Some(scale) = moov.clock_for(starts) else {
        tracing::debug!("starts of tracks are kept to the millisecond");
        return Ok(());
    };
    moov.rescale(scale, starts);
    for field in &moov.fields {
        file.seek(SeekFrom::Start(field.at))?;
        if field.wide {
            file.write_all(&field.value.to_be_bytes())?;
        } else {
            // `clock_for` made sure that it fits.
            file.write_all(&(field.value as u32).to_be_bytes())?;
        }
    }
    Ok(())
}

/// Whether a start is a whole number of ticks of `scale` to the second.
fn exact(start: Timestamp, scale: u64) -> bool {
    let num = i128::from(start.ticks) * i128::from(start.base.num) * i128::from(scale);
    num % i128::from(start.base.den) == 0
}

/// A number in the file.
#[derive(Clone, Copy, Debug)]
struct Field {
    at: u64,
    wide: bool,
    value: u64,
}

/// A stretch of the file.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    end: u64,
}

/// What counts on the clock of the presentation.
#[derive(Debug, Default)]
struct Moov {
    fields: Vec<Field>,
    /// Which field is the clock itself.
    scale: Option<usize>,
    /// For each track, the field of its empty edit if it has one, and the clock of its samples.
    tracks: Vec<(Option<usize>, u64)>,
}

impl Moov {
    fn read(file: &mut File, movie: Span) -> io::Result<Self> {
        let mut moov = Moov::default();
        if let Some(header) = find(file, movie.start, movie.end, b"mvhd")? {
            let wide = number(file, header.start, 1)? == 1;
            let scale = header.start + if wide { 20 } else { 12 };
            moov.scale = Some(moov.field(file, scale, false)?);
            moov.field(file, scale + 4, wide)?;
        }
        let mut from = movie.start;
        while let Some(track) = find(file, from, movie.end, b"trak")? {
            from = track.end;
            moov.read_track(file, track)?;
        }
        Ok(moov)
    }

    fn read_track(&mut self, file: &mut File, track: Span) -> io::Result<()> {
        if let Some(header) = find(file, track.start, track.end, b"tkhd")? {
            let wide = number(file, header.start, 1)? == 1;
            self.field(file, header.start + if wide { 28 } else { 20 }, wide)?;
        }
        let mut clock = 0;
        if let Some(media) = find(file, track.start, track.end, b"mdia")?
            && let Some(header) = find(file, media.start, media.end, b"mdhd")?
        {
            let wide = number(file, header.start, 1)? == 1;
            clock = number(file, header.start + if wide { 20 } else { 12 }, 4)?;
        }
        let mut empty = None;
        if let Some(edits) = find(file, track.start, track.end, b"edts")?
            && let Some(list) = find(file, edits.start, edits.end, b"elst")?
        {
            let wide = number(file, list.start, 1)? == 1;
            let (length, size) = if wide { (8, 20) } else { (4, 12) };
            let count = number(file, list.start + 4, 4)?.min((list.end - list.start) / size);
            for entry in 0..count {
                let at = list.start + 8 + entry * size;
                let field = self.field(file, at, wide)?;
                // Where in the track's samples the edit begins: nowhere for an empty one.
                let media = number(file, at + length, length as usize)?;
                if entry == 0 && media == unknown(wide) {
                    empty = Some(field);
                }
            }
        }
        self.tracks.push((empty, clock));
        Ok(())
    }

    fn field(&mut self, file: &mut File, at: u64, wide: bool) -> io::Result<usize> {
        let value = number(file, at, if wide { 8 } else { 4 })?;
        self.fields.push(Field { at, wide, value });
        Ok(self.fields.len() - 1)
    }

    /// The coarsest clock on which every start is whole and every length fits; none where there is
    /// none, or the tracks are not those of the starts.
    fn clock_for(&self, starts: &[Timestamp]) -> Option<u64> {
        let old = self.fields.get(self.scale?)?.value;
        if old == 0 {
            return None;
        }
        let mut scale = old;
        for ((empty, clock), start) in self.tracks.iter().zip(starts) {
            if start.base.num != 1 || *clock != u64::from(start.base.den) {
                return None;
            }
            if start.ticks <= 0 || exact(*start, old) {
                continue;
            }
            let said = self.fields.get((*empty)?)?.value;
            let truth = start.seconds() * old as f64;
            if (said as f64 - truth).abs() > 1.0 {
                return None;
            }
            let ticks = u64::try_from(start.ticks).ok()?;
            let part = clock / gcd(*clock, ticks);
            scale = scale / gcd(scale, part) * part;
        }
        let fits = |field: &Field| {
            let most = u128::from(unknown(field.wide));
            let longer = u128::from(field.value) * u128::from(scale / old);
            field.value == unknown(field.wide) || longer < most
        };
        (scale < unknown(false) && self.fields.iter().all(fits)).then_some(scale)
    }

    fn rescale(&mut self, scale: u64, starts: &[Timestamp]) {
        let Some(index) = self.scale else { return };
        let old = self.fields[index].value;
        for field in &mut self.fields {
            if field.value != unknown(field.wide) {
                // A multiple of the old clock: nothing is rounded.
                field.value = field.value.saturating_mul(scale / old);
            }
        }
        self.fields[index].value = scale;
        for ((empty, _), start) in self.tracks.iter().zip(starts) {
            if let (Some(empty), true) = (empty, start.ticks > 0) {
                let ticks =
                    i128::from(start.ticks) * i128::from(start.base.num) * i128::from(scale)
                        / i128::from(start.base.den);
                self.fields[*empty].value = u64::try_from(ticks).unwrap_or(u64::MAX);
            }
        }
    }
}

/// All bits set: a length that is not known, or a place that is none.
fn unknown(wide: bool) -> u64 {
    if wide { u64::MAX } else { u64::from(u32::MAX) }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The contents of the first box of that type between two places.
fn find(file: &mut File, start: u64, end: u64, kind: &[u8; 4]) -> io::Result<Option<Span>> {
    let mut at = start;
    for _ in 0..MOST_BOXES {
        if end.saturating_sub(at) < 8 {
            return Ok(None);
        }
        let mut header = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header)?;
        let short = u64::from(u32::from_be_bytes([
            header[0], header[1], header[2], header[3],
        ]));
        let (skip, size) = match short {
            0 => (8, end - at),
            1 => (16, number(file, at + 8, 8)?),
            size => (8, size),
        };
        if size < skip || size > end - at {
            return Ok(None);
        }
        if header[4..] == kind[..] {
            return Ok(Some(Span {
                start: at + skip,
                end: at + size,
            }));
        }
        at += size;
    }
    Ok(None)
}

fn number(file: &mut File, at: u64, bytes: usize) -> io::Result<u64> {
    let mut buffer = [0; 8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut buffer[8 - bytes..])?;
    Ok(u64::from_be_bytes(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::TimeBase;

    fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let size = (body.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, &body].concat()
    }

    fn numbers(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    /// A file of two tracks, the second of which starts after 513 ms.
    fn file(wide_elst: bool) -> Vec<u8> {
        let mvhd = boxed(b"mvhd", &[&numbers(&[0, 0, 0, 1000, 5000])]);
        let track = |clock: u32, edits: &[u8]| {
            let tkhd = boxed(b"tkhd", &[&numbers(&[0, 0, 0, 1, 0, 4000])]);
            let mdhd = boxed(b"mdhd", &[&numbers(&[0, 0, 0, clock, 9999])]);
            let edts = boxed(b"edts", &[&boxed(b"elst", &[edits])]);
            boxed(b"trak", &[&tkhd, &edts, &boxed(b"mdia", &[&mdhd])])
        };
        let plain = numbers(&[0, 1, 5000, 1024, 0x10000]);
        let empty = if wide_elst {
            [
                numbers(&[1 << 24, 2, 0, 513, u32::MAX, u32::MAX, 0x10000]),
                numbers(&[0, 4000, 0, 0, 0x10000]),
            ]
            .concat()
        } else {
            numbers(&[0, 2, 513, u32::MAX, 0x10000, 4000, 0, 0x10000])
        };
        let moov = boxed(
            b"moov",
            &[&mvhd, &track(24_000, &plain), &track(44_100, &empty)],
        );
        [boxed(b"ftyp", &[b"isom"]), boxed(b"mdat", &[b"data"]), moov].concat()
    }

    fn mended(bytes: &[u8], starts: &[Timestamp]) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        mend_starts(&mut file, starts).unwrap();
        file.rewind().unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        read
    }

    fn starts(second: i64) -> [Timestamp; 2] {
        [
            Timestamp::new(0, TimeBase::new(1, 24_000)),
            Timestamp::new(second, TimeBase::new(1, 44_100)),
        ]
    }

    #[test]
    fn the_presentation_gets_a_clock_that_can_say_it() {
        for wide in [false, true] {
            let before = file(wide);
            // 22644/44100 of a second: 513.469 ms.
            let after = mended(&before, &starts(22_644));
            assert_eq!(after.len(), before.len());
            // 44100 / gcd(44100, 22644) is 1225, and the old clock 1000.
            let scale: u32 = 49_000;
            let has = |values: &[u32]| {
                let wanted = numbers(values);
                after.windows(wanted.len()).any(|part| part == wanted)
            };
            assert!(has(&[scale, 5000 * 49]), "the clock and the whole length");
            assert!(has(&[1, 0, 4000 * 49]), "the length of a track");
            assert!(
                has(&[1, 5000 * 49, 1024]),
                "an edit, whose place in the samples stays"
            );
            let exact = 22_644 * scale / 44_100;
            assert_eq!(exact * 44_100, 22_644 * scale);
            assert!(has(&[exact, u32::MAX]), "the empty edit");
            assert!(has(&[44_100, 9999]), "the clock of the track stays");
        }
    }

    #[test]
    fn what_is_not_as_expected_is_left_alone() {
        let whole = file(false);
        // A start on a millisecond, one that is not the edit's, and one of another track's clock.
        let other = [
            starts(0)[0],
            Timestamp::new(22_644, TimeBase::new(1, 48_000)),
        ];
        for starts in [starts(441), starts(30_001), other] {
            assert_eq!(mended(&whole, &starts), whole);
        }
        // A presentation so long that no finer clock fits in its fields.
        let mut long = whole.clone();
        let at = long.windows(4).position(|four| four == b"mvhd").unwrap() + 20;
        long[at..at + 4].copy_from_slice(&0x7fff_ffffu32.to_be_bytes());
        assert_eq!(mended(&long, &starts(22_644)), long);
    }

    #[test]
    fn broken_files_neither_panic_nor_grow() {
        let whole = file(true);
        for place in 0..whole.len() {
            let mut broken = whole.clone();
            broken[place] ^= 0xff;
            for bytes in [&broken[..], &whole[..place]] {
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(bytes).unwrap();
                // An error of reading is allowed, and tells of a box that promises too much.
                let _ = mend_starts(&mut file, &starts(22_644));
                assert_eq!(file.metadata().unwrap().len(), bytes.len() as u64);
            }
        }
    }
}
