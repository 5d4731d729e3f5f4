//! What is tried with bytes and names from outside: by the fuzzer, and by the tests without one.
#![allow(clippy::unwrap_used)] // A failure is what is looked for.
#![allow(unreachable_pub)] // Part of a test in one place, of a program in another.

use std::io::Cursor;

use nervure_frame::{Frame, Planes};
use nervure_media::{Error, Input, Y4mReader, Y4mWriter};

/// Reads `data` as Y4M, whatever it is, checks what comes out and counts the frames.
pub fn y4m(data: &[u8]) -> usize {
    let mut reader = match Y4mReader::new(data) {
        Ok(reader) => reader,
        Err(error) => {
            check(&error);
            return 0;
        }
    };
    let header = reader.header().clone();
    let mut writer = Y4mWriter::new(Vec::new(), &header).unwrap();
    let mut frames: Vec<Frame> = Vec::new();
    let mut bytes = 0;
    loop {
        match reader.next() {
            Ok(Some(frame)) => {
                assert_eq!(frame.format(), header.format);
                assert_eq!(frame.pts.ticks, frames.len() as i64);
                bytes += check_samples(&frame, header.mono);
                assert!(bytes <= data.len(), "more samples than bytes");
                writer.write(&frame).unwrap();
                frames.push(frame);
            }
            Ok(None) => break,
            Err(error) => {
                check(&error);
                break;
            }
        }
    }
    assert!(reader.next().unwrap().is_none(), "the end is the end");

    // What was read can be written and read again.
    let written = writer.finish().unwrap();
    let mut again = Y4mReader::new(&written[..]).unwrap();
    assert_eq!(again.header().format, header.format);
    for frame in &frames {
        assert_eq!(again.next().unwrap().unwrap().planes, frame.planes);
    }
    assert!(again.next().unwrap().is_none());

    // Every frame can be gone to, and past the last there is none.
    let mut file = Y4mReader::new(Cursor::new(data)).unwrap();
    for index in [frames.len() / 2, 0, frames.len().saturating_sub(1)] {
        file.seek(index as u64).unwrap();
        if let Some(frame) = frames.get(index) {
            assert_eq!(file.next().unwrap().unwrap().pts, frame.pts);
        }
    }
    for index in [frames.len() as u64, u64::MAX] {
        // A stream that loses its place says so wherever it is entered.
        if file.seek(index).is_ok() {
            let _ = file.next();
        }
    }
    frames.len()
}

/// Reads `text` as the name of an input.
pub fn input_name(text: &str) {
    let Ok(input) = text.parse::<Input>();
    match &input {
        Input::Stdin => assert_eq!(text, "-"),
        named => assert_eq!(named.to_string(), text, "a name prints as it was typed"),
    }
}

/// Messages are one printable line, whatever was in the data.
fn check(error: &Error) {
    let message = error.to_string();
    assert!(message.len() < 200, "{message}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}

/// The bytes that a frame took in its stream; its samples are in range.
fn check_samples(frame: &Frame, mono: bool) -> usize {
    let stored = if mono { 1 } else { 3 };
    match &frame.planes {
        Planes::Eight(planes) => {
            let samples = planes[..stored]
                .iter()
                .map(|plane| plane.width() * plane.height());
            samples.sum()
        }
        Planes::Ten(planes) => {
            let all = planes.iter().flat_map(|plane| plane.rows()).flatten();
            assert!(all.copied().all(|sample| sample < 1024));
            let samples = planes[..stored]
                .iter()
                .map(|plane| plane.width() * plane.height());
            samples.sum::<usize>() * 2
        }
    }
}
