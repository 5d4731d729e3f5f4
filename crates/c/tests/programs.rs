//! Programs in C, compiled by the system's compiler against the header, with the library that was just
//! built: what the header promises, and the example, whose pictures are those of the engine.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nervure_engine::{Model, Pull, Stage, Upscale};
use nervure_frame::{
    BitDepth, Chroma, Frame, PictureFormat, Plane, Planes, Sample, TimeBase, Timestamp,
};
use tempfile::TempDir;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped(model: &str) -> PathBuf {
    folder().join(format!("../../models/{model}.int8.safetensors"))
}

/// Where cargo puts libraries: beside this test.
fn libraries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().to_path_buf()
}

fn shared_library() -> PathBuf {
    let names = ["libnervure.so", "libnervure.dylib"].map(|name| libraries().join(name));
    names.into_iter().find(|path| path.exists()).unwrap()
}

fn done(command: &mut Command) -> Output {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    output
}

/// Compiles a program; warnings are errors.
fn compiled(source: &str, into: &TempDir, libraries: &[&str]) -> PathBuf {
    let program = into.path().join("program");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    done(
        Command::new(compiler)
            .args([
                "-std=c99",
                "-O1",
                "-g",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
            ])
            .arg("-I")
            .arg(folder().join("include"))
            .arg(folder().join(source))
            .args(libraries)
            .arg("-o")
            .arg(&program),
    );
    program
}

/// The same with the shared library.
fn linked(source: &str, into: &TempDir) -> PathBuf {
    let place = libraries();
    let place = place.to_str().unwrap();
    let library = shared_library();
    let found = format!("-Wl,-rpath,{place}");
    compiled(source, into, &[library.to_str().unwrap(), &found])
}

#[test]
fn the_header_keeps_its_promises() {
    let scratch = tempfile::tempdir().unwrap();
    let program = linked("tests/border.c", &scratch);
    let model = shipped("residual-espcn-x2-xs");
    let damaged = scratch.path().join("damaged.safetensors");
    let bytes = std::fs::read(&model).unwrap();
    std::fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    let output = done(Command::new(program).args([&model, &damaged]));
    assert_eq!(output.stdout, b"all as promised\n");
}

#[test]
fn the_header_is_one_of_cpp_too() {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let there = Command::new(&compiler).arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no compiler of C++");
        return;
    }
    done(
        Command::new(compiler)
            .args([
                "-std=c++11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-fsyntax-only",
                "-x",
                "c++",
            ])
            .arg(folder().join("include/nervure.h")),
    );
}

#[test]
fn only_what_is_ours_is_exported() {
    let mut command = Command::new("nm");
    match cfg!(target_os = "macos") {
        true => command.args(["-g", "-U"]),
        false => command.args(["-D", "--defined-only"]),
    };
    let Ok(output) = command.arg(shared_library()).output() else {
        eprintln!("skipped: there is no nm");
        return;
    };
    let listed = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .map(|name| name.trim_start_matches('_'))
        .collect();
    let header = std::fs::read_to_string(folder().join("include/nervure.h")).unwrap();
    for name in &names {
        let declared = header.contains(&format!("{name}("));
        assert!(name.starts_with("nervure_") && declared, "{name}");
    }
    assert!(names.contains(&"nervure_pull"), "{names:?}");
}

/// Waves and noise, other ones in each picture.
fn picture(format: PictureFormat, number: usize) -> Frame {
    let mut frame = Frame::new(format, Timestamp::new(number as i64, TimeBase::MICROS));
    let mut seed = number as u32;
    let mut next = |x: usize, y: usize, most: u16| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = (x as f64 / 5.0 + number as f64).sin() * (y as f64 / 7.0).cos();
        ((0.5 + 0.4 * wave + f64::from(seed >> 24) / 2560.0) * f64::from(most)) as u16
    };
    match &mut frame.planes {
        Planes::Eight(planes) => drawn(planes, |x, y| next(x, y, 255) as u8),
        Planes::Ten(planes) => drawn(planes, |x, y| next(x, y, 1023)),
    }
    frame
}

fn drawn<T: Sample>(planes: &mut [Plane<T>; 3], mut sample: impl FnMut(usize, usize) -> T) {
    for (y, row) in planes.iter_mut().flat_map(|it| it.rows_mut().enumerate()) {
        for (x, to) in row.iter_mut().enumerate() {
            *to = sample(x, y);
        }
    }
}

fn y4m(frames: &[Frame]) -> Vec<u8> {
    let format = frames[0].format();
    let mut header = format!(
        "YUV4MPEG2 W{} H{} F25:1 Ip A1:1",
        format.width, format.height
    );
    let space = match format.chroma {
        Chroma::C420 => "420",
        Chroma::C422 => "422",
        Chroma::C444 => "444",
    };
    let depth = match format.depth {
        BitDepth::Eight => "",
        BitDepth::Ten => "p10",
    };
    writeln!(header, " C{space}{depth}").unwrap();
    let mut bytes = header.into_bytes();
    for frame in frames {
        bytes.extend(b"FRAME\n");
        match &frame.planes {
            Planes::Eight(planes) => {
                let rows = planes.iter().flat_map(Plane::rows);
                rows.for_each(|row| bytes.extend(row));
            }
            Planes::Ten(planes) => {
                let samples = planes.iter().flat_map(|plane| plane.rows().flatten());
                samples.for_each(|sample| bytes.extend(sample.to_le_bytes()));
            }
        }
    }
    bytes
}

fn by_the_engine(model: &Path, frames: &[Frame]) -> Vec<Frame> {
    let model = Model::from_bytes(&std::fs::read(model).unwrap()).unwrap();
    let format = frames[0].format();
    let size = (format.width * model.scale(), format.height * model.scale());
    let mut stage = Upscale::new(format, size, model, 1).unwrap();
    let enlarged = |frame: &Frame| {
        stage.push(frame.clone()).unwrap();
        match stage.pull().unwrap() {
            Pull::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    };
    frames.iter().map(enlarged).collect()
}

fn by_the_example(program: &Path, model: &Path, threads: usize, video: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.arg(model).arg(threads.to_string());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, video) = (child.stdin.take().unwrap(), video.to_vec());
    let writer = std::thread::spawn(move || input.write_all(&video));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(
        words.starts_with("5 pictures by residual-espcn-x"),
        "{words}"
    );
    output.stdout
}

fn the_example_gives_the_pictures_of_the_engine(program: &Path) {
    let cases = [
        (
            "residual-espcn-x2-xs",
            (53, 31),
            Chroma::C420,
            BitDepth::Eight,
        ),
        ("residual-espcn-x2-s", (64, 36), Chroma::C422, BitDepth::Ten),
        (
            "residual-espcn-x3-m",
            (17, 9),
            Chroma::C444,
            BitDepth::Eight,
        ),
        ("residual-espcn-x4-m", (21, 5), Chroma::C420, BitDepth::Ten),
    ];
    for (name, (width, height), chroma, depth) in cases {
        let format = PictureFormat::new(width, height, chroma, depth);
        let frames: Vec<Frame> = (0..5).map(|number| picture(format, number)).collect();
        let wanted = y4m(&by_the_engine(&shipped(name), &frames));
        // The example gives the header's other words after the size, as they came.
        for threads in [1, 3] {
            let found = by_the_example(program, &shipped(name), threads, &y4m(&frames));
            assert!(found == wanted, "{name}, {format}, {threads} threads");
        }
    }
}

#[test]
fn the_example_is_right() {
    let scratch = tempfile::tempdir().unwrap();
    let program = linked("examples/enhance.c", &scratch);
    the_example_gives_the_pictures_of_the_engine(&program);
}

#[test]
#[cfg(target_os = "linux")] // Elsewhere it wants other libraries of the system.
fn the_example_is_right_when_all_is_in_one_program() {
    let scratch = tempfile::tempdir().unwrap();
    let library = libraries().join("libnervure.a");
    let needed = [library.to_str().unwrap(), "-lpthread", "-ldl", "-lm"];
    let program = compiled("examples/enhance.c", &scratch, &needed);
    the_example_gives_the_pictures_of_the_engine(&program);
}
