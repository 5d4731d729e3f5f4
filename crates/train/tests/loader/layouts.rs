//! Colours, and what is the same from clips and from pictures.

use std::fs;

use super::datasets::Spec;
use super::{codes, dataset, small};
use nervure_dataset::manifest::Layout;
use nervure_dataset::picture::{PngWriter, ToRgb, View};
use nervure_frame::{BitDepth, Chroma, ChromaLocation, Colour, Frame, Planes, Range, Sample};
use nervure_train::loader::{PlaneSet, Samples};
use nervure_train::{Batch, Loader, LoaderConfig};

fn rgb_of(frame: &Frame) -> Vec<u8> {
    fn of<T: Sample>(frame: &Frame, planes: [View<'_, T>; 3]) -> Vec<u8> {
        let mut rgb = Vec::new();
        ToRgb::new().picture(planes, frame.chroma, frame.colour, &mut rgb);
        rgb
    }
    match &frame.planes {
        Planes::Eight(planes) => of(frame, planes.each_ref().map(View::of)),
        Planes::Ten(planes) => of(frame, planes.each_ref().map(View::of)),
    }
}

/// Luma and chroma of a whole picture, chroma as large as luma.
fn yuv_of(frame: &Frame) -> [Vec<u16>; 3] {
    fn of<T: Sample>(frame: &Frame, planes: [View<'_, T>; 3]) -> [Vec<u16>; 3] {
        let size = (planes[0].width, planes[0].height);
        let (chroma, location) = (frame.chroma, frame.colour.location);
        [0, 1, 2].map(|plane| {
            let mut codes = Vec::new();
            let chroma = if plane == 0 { Chroma::C444 } else { chroma };
            ToRgb::new().chroma(planes[plane], chroma, location, size, &mut codes);
            codes
        })
    }
    match &frame.planes {
        Planes::Eight(planes) => of(frame, planes.each_ref().map(View::of)),
        Planes::Ten(planes) => of(frame, planes.each_ref().map(View::of)),
    }
}

#[test]
fn colours_of_a_patch_are_those_of_the_whole_picture() {
    let mut specs = [
        Spec::new("a", 31, 27, 2),
        Spec::new("b", 24, 32, 2),
        Spec::new("c", 20, 20, 2),
        Spec::new("d", 32, 21, 2),
    ];
    specs[1].format.chroma = Chroma::C422;
    specs[1].colour.location = ChromaLocation::Centre;
    specs[2].format.chroma = Chroma::C444;
    // What nobody named goes by the size of the high resolution in both.
    specs[2].colour = Colour::UNSPECIFIED;
    specs[3].format.depth = BitDepth::Ten;
    specs[3].colour.location = ChromaLocation::TopLeft;
    let (_place, folder) = dataset(Layout::Clips, &specs);
    for planes in [PlaneSet::Rgb, PlaneSet::Yuv] {
        let config = LoaderConfig {
            planes,
            frames: 1,
            augment: false,
            batch: 64,
            patch: 6,
            depth: if planes == PlaneSet::Rgb {
                BitDepth::Eight
            } else {
                BitDepth::Ten
            },
            ..small()
        };
        let mut loader = Loader::open(&[&folder], &config).unwrap();
        let mut batch = Batch::default();
        loader.next(&mut batch).unwrap();
        let sides = [(codes(&batch.lr), 1), (codes(&batch.hr), 2)];
        for (index, pick) in batch.picks.iter().enumerate() {
            for (got, scale) in &sides {
                let spec = &specs[pick.clip];
                let frame = match scale {
                    1 => spec.low_frame(pick.frame),
                    _ => spec.high_frame(pick.frame),
                };
                let (width, side) = (frame.planes.size(0).0, 6 * scale);
                let whole: [Vec<u16>; 3] = if planes == PlaneSet::Rgb {
                    let rgb = rgb_of(&frame);
                    let colour = |colour: usize| {
                        let codes = rgb.chunks_exact(3).map(|pixel| pixel[colour]);
                        codes.map(u16::from).collect()
                    };
                    [0, 1, 2].map(colour)
                } else {
                    let fill = 10 - spec.format.depth.bits();
                    yuv_of(&frame).map(|codes| codes.iter().map(|code| code << fill).collect())
                };
                for (plane, whole) in whole.iter().enumerate() {
                    for row in 0..side {
                        for column in 0..side {
                            let (x, y) = (pick.x * scale + column, pick.y * scale + row);
                            let at = ((index * 3 + plane) * side + row) * side + column;
                            assert_eq!(got[at], whole[y * width + x], "{pick:?} {planes:?}");
                        }
                    }
                }
            }
        }
    }
}

/// Rounding to colours and back costs a step at most. Codes that are no colour of any screen are cut
/// off in a picture, which noise would show; so this noise is grey.
#[test]
fn both_layouts_give_the_same_luma() {
    let mut specs = [Spec::new("a", 40, 30, 4), Spec::new("b", 33, 21, 3)];
    specs.iter_mut().for_each(|spec| spec.grey = true);
    specs[1].colour = Colour {
        range: Range::Full,
        matrix: 6,
        ..Colour::UNSPECIFIED
    };
    let (_one, clips) = dataset(Layout::Clips, &specs);
    let (_two, pictures) = dataset(Layout::Png, &specs);
    for planes in [PlaneSet::Luma, PlaneSet::Yuv] {
        let config = LoaderConfig { planes, ..small() };
        let mut from_clips = Loader::open(&[&clips], &config).unwrap();
        let mut from_pictures = Loader::open(&[&pictures], &config).unwrap();
        let (mut one, mut two) = (Batch::default(), Batch::default());
        for _ in 0..10 {
            from_clips.next(&mut one).unwrap();
            from_pictures.next(&mut two).unwrap();
            assert_eq!((&one.picks, &one.mask), (&two.picks, &two.mask));
            for (a, b) in [(&one.lr, &two.lr), (&one.hr, &two.hr)] {
                let (a, b) = (codes(a), codes(b));
                let worst = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(worst <= Some(1), "{worst:?}");
            }
        }
    }
}

#[test]
fn pictures_are_packed_once_and_again_when_they_change() {
    let specs = [Spec::new("a", 40, 30, 4)];
    let (place, folder) = dataset(Layout::Png, &specs);
    let cache = place.path().join("cache");
    let config = LoaderConfig {
        packed: Some(cache.clone()),
        ..small()
    };
    let files = || {
        let mut files: Vec<_> = fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (
                    entry.file_name(),
                    entry.metadata().unwrap().modified().unwrap(),
                )
            })
            .collect();
        files.sort();
        files
    };
    Loader::open(&[&folder], &config).unwrap();
    let first = files();
    assert_eq!(first.len(), 2);
    Loader::open(&[&folder], &config).unwrap();
    assert_eq!(files(), first);
    // Damaged on the disk: made again.
    fs::write(cache.join(&first[0].0), "no clip").unwrap();
    let loader = Loader::open(&[&folder], &config).unwrap();
    assert!(loader.pairs(0).unwrap().all(|pair| pair.is_ok()));
    assert_eq!(files().len(), 2);

    // Colours have a cache of their own, and are the very ones in the files.
    let config = LoaderConfig {
        planes: PlaneSet::Rgb,
        frames: 1,
        augment: false,
        ..config
    };
    let mut loader = Loader::open(&[&folder], &config).unwrap();
    assert_eq!(files().len(), 4);
    let mut batch = Batch::default();
    loader.next(&mut batch).unwrap();
    let Samples::Eight(lr) = &batch.lr else {
        panic!("eight bits were asked for");
    };
    for (index, pick) in batch.picks.iter().enumerate() {
        let rgb = rgb_of(&specs[0].low_frame(pick.frame));
        for colour in 0..3 {
            let got = lr[(index * 3 + colour) * 81];
            assert_eq!(got, rgb[(pick.y * 40 + pick.x) * 3 + colour]);
        }
    }

    // A picture that changed is no longer what the manifest says.
    fs::remove_dir_all(&cache).unwrap();
    let path = folder.join("lr/a-00001.png");
    let other = specs[0].low_frame(3);
    PngWriter::new().write_frame(&other, &path).unwrap();
    let error = Loader::open(&[folder], &config).unwrap_err();
    assert!(
        error.to_string().contains("changed since the manifest"),
        "{error}"
    );
    assert_eq!(files().len(), 0, "nothing half-made is left");
}
