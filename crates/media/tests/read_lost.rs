//! What is missing of pictures, found by reading alone.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod read_common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use nervure_frame::{Frame, LossMask};
use nervure_media::{Demuxer, Mender, OpenOptions, Reader};
use read_common::{Clips, input};

/// Slices and how they are cut: units with their length in front, as in MP4.
fn slices(data: &[u8]) -> Vec<(usize, u32)> {
    let mut slices = Vec::new();
    let mut at = 0;
    while let Some(length) = data.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let unit = &data[at + 4..][..length];
        if matches!(unit[0] & 31, 1 | 5) {
            // As many bits after the first one as zeros before it, less one.
            let mut bytes = [0; 8];
            let count = bytes.len().min(unit.len() - 1);
            bytes[..count].copy_from_slice(&unit[1..=count]);
            let bits = u64::from_be_bytes(bytes);
            let zeros = bits.leading_zeros();
            slices.push((at + 4, (bits >> (63 - 2 * zeros)) as u32 - 1));
        }
        at += 4 + length;
    }
    slices
}

/// Loses slices of an MP4 file where it lies, by making fillers of them, which decoders pass over. What is
/// missing then, by times.
fn lose(path: &Path, size: (usize, usize), every: u32) -> BTreeMap<i64, LossMask> {
    let mut file = fs::read(path).unwrap();
    let mut demuxer = Demuxer::open(&input(path), &OpenOptions::default()).unwrap();
    let mut truth = BTreeMap::new();
    let (mut searched, mut counted) = (0, 0_u32);
    while let Some(packet) = demuxer.next().unwrap() {
        let data = packet.data();
        let found = file[searched..]
            .windows(data.len())
            .position(|bytes| bytes == data);
        let start = searched + found.unwrap();
        searched = start + data.len();
        let slices = slices(data);
        let mut mask = LossMask::whole(size.0, size.1);
        for (number, (at, first)) in slices.iter().enumerate() {
            counted += 1;
            // One at least arrives, and the first picture is whole.
            let lost = counted > slices.len() as u32 && counted % every == 0;
            if !lost || (number + 1 == slices.len() && mask.count() > 0) {
                continue;
            }
            file[start + at] = file[start + at] & 0xe0 | 12;
            let end = slices
                .get(number + 1)
                .map_or((mask.columns() * mask.rows()) as u32, |(_, first)| *first);
            for block in *first as usize..end as usize {
                mask.set(block % mask.columns(), block / mask.columns(), true);
            }
        }
        if mask.count() > 0 {
            truth.insert(packet.pts().unwrap(), mask);
        }
    }
    fs::write(path, file).unwrap();
    truth
}

fn check(clips: &Clips, name: &str, arguments: &str, size: (usize, usize), every: u32) {
    let source = format!(
        "-f lavfi -i testsrc2=size={}x{}:rate=25:duration=2,noise=alls=8:allf=t -c:v libx264 {arguments}",
        size.0, size.1
    );
    let path = clips.make(name, &source);
    let truth = lose(&path, size, every);
    assert!(truth.len() >= 10, "{name}: {}", truth.len());
    for threads in [1, 3] {
        let options = OpenOptions {
            threads,
            find_lost: true,
            find_steps: true,
            ..OpenOptions::default()
        };
        let mut reader = Reader::open(&input(&path), &options).unwrap();
        let mut frames = 0;
        while let Some(frame) = reader.next().unwrap() {
            frames += 1;
            let wanted = truth.get(&frame.pts.ticks);
            assert_eq!(frame.damage.as_ref(), wanted, "{name}: frame {frames}");
            assert!(
                frame.damage.is_none() || frame.step.is_none(),
                "{name}: frame {frames}"
            );
        }
        assert_eq!(frames, 50, "{name}");
        // And again from the middle.
        let middle = reader.info().video.time_base.ticks(1.0);
        let to = nervure_frame::Timestamp::new(middle, reader.info().video.time_base);
        reader.seek(to).unwrap();
        let mut marked = 0;
        while let Some(frame) = reader.next().unwrap() {
            let wanted = truth.get(&frame.pts.ticks);
            assert_eq!(frame.damage.as_ref(), wanted, "{name}: after a seek");
            marked += usize::from(wanted.is_some());
        }
        assert!(marked >= 3, "{name}: {marked}");
    }
    let mut reader = Reader::open(&input(&path), &OpenOptions::default()).unwrap();
    while let Some(frame) = reader.next().unwrap() {
        assert_eq!(frame.damage, None, "nobody asked");
    }
}

#[test]
fn lost_slices_are_found_to_the_macroblock() {
    let Some(clips) = Clips::new() else { return };
    let usual = "-preset veryfast -slices 8 -g 25 -pix_fmt yuv420p";
    check(&clips, "usual.mp4", usual, (320, 180), 13);
    let plain = "-preset veryfast -slices 4 -g 12 -bf 0 -pix_fmt yuv420p";
    check(&clips, "plain.mp4", plain, (176, 144), 7);
    let deep = "-preset veryfast -slices 5 -g 25 -pix_fmt yuv422p10le";
    check(&clips, "deep.mp4", deep, (202, 110), 11);
}

/// Samples of luma that are white.
fn white(frame: &Frame) -> usize {
    let luma = &frame.planes.eight().unwrap()[0];
    luma.rows().flatten().filter(|code| **code == 255).count()
}

#[test]
fn what_is_mended_is_what_the_decoder_goes_on_with() {
    let Some(clips) = Clips::new() else { return };
    let size = (320, 192);
    let source = "-f lavfi -i color=c=0x406080:size=320x192:rate=25:duration=2,noise=alls=3";
    let coded = "-c:v libx264 -preset veryfast -crf 26 -slices 6 -g 25 -pix_fmt yuv420p";
    let path = clips.make("still.mp4", &format!("{source} {coded}"));
    let truth = lose(&path, size, 31);
    assert!(truth.len() >= 4, "{}", truth.len());
    let given = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&given);
    let options = OpenOptions {
        mender: Some(Mender::new(move |around, frame, lost| {
            let near = |frames: &[Frame]| frames.last().map(|frame| frame.pts.ticks);
            let sides = (near(around.before), near(around.after));
            seen.lock().unwrap().push((frame.pts.ticks, sides));
            let luma = &mut frame.planes.eight_mut().unwrap()[0];
            for (y, row) in luma.rows_mut().enumerate() {
                for (x, sample) in row.iter_mut().enumerate() {
                    if lost.is_lost(x / 16, y / 16) {
                        *sample = 255;
                    }
                }
            }
        })),
        ..OpenOptions::default()
    };
    let mut reader = Reader::open(&input(&path), &options).unwrap();
    let (mut damaged, mut inherited) = (0, 0);
    while let Some(frame) = reader.next().unwrap() {
        let lost = truth.get(&frame.pts.ticks);
        assert_eq!(frame.damage.as_ref(), lost);
        match lost {
            Some(lost) => {
                assert!(
                    white(&frame) >= lost.count() * 200,
                    "filled at {}",
                    frame.pts.ticks
                );
                damaged += 1;
            }
            None => inherited += usize::from(white(&frame) > 500),
        }
    }
    assert_eq!(damaged, truth.len());
    assert!(inherited >= 5, "{inherited} made from what was mended");
    let given = given.lock().unwrap();
    assert_eq!(given.len(), damaged);
    for (time, (before, after)) in given.iter() {
        assert!(before.is_some() || after.is_some());
        assert!(before.is_none_or(|before| before < *time), "{given:?}");
        assert!(after.is_none_or(|after| after > *time), "{given:?}");
    }
    assert!(
        given.iter().any(|(_, sides)| sides.1.is_some()),
        "{given:?}"
    );
}

#[test]
fn whole_pictures_have_no_marks_whatever_the_codec() {
    let Some(clips) = Clips::new() else { return };
    let source = "-f lavfi -i testsrc2=size=128x96:rate=25:duration=1";
    for (name, codec) in [
        ("a.mp4", "-c:v libx264 -pix_fmt yuv420p"),
        (
            "b.mp4",
            "-c:v libx264 -pix_fmt yuv420p -flags +ilme+ildct -top 1",
        ),
        (
            "c.mp4",
            "-c:v libx265 -pix_fmt yuv420p -x265-params log-level=none",
        ),
        ("d.avi", "-c:v mpeg4"),
        ("e.webm", "-c:v libvpx-vp9 -deadline realtime"),
    ] {
        let path = clips.make(name, &format!("{source} {codec}"));
        let options = OpenOptions {
            find_lost: true,
            ..OpenOptions::default()
        };
        let mut reader = Reader::open(&input(&path), &options).unwrap();
        let mut frames = 0;
        while let Some(frame) = reader.next().unwrap() {
            assert_eq!(frame.damage, None, "{name}");
            frames += 1;
        }
        assert_eq!(frames, 25, "{name}");
    }
}
