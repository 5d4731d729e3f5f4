//! `nervure dataset verify` and `inspect`, with the command itself.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::Place;
use serde_json::Value;

/// A small dataset with losses.
fn made(layout: &str) -> Option<Place> {
    let place = Place::new()?;
    place.run(&format!(
        "dataset make lavfi:testsrc2=size=128x96:rate=10:duration=1 --out pairs --codec h264 \
         --bitrates 50,200 --loss 0.2 --layout {layout} --quiet"
    ));
    Some(place)
}

#[test]
fn the_status_says_whether_a_dataset_is_whole() {
    for layout in ["png", "clips"] {
        let Some(place) = made(layout) else { return };
        let report = place.json("dataset verify pairs --jobs 2 --quiet");
        assert_eq!(report["problem_count"], 0, "{report}");
        assert_eq!(
            (&report["clips"], &report["frames"]),
            (&2.into(), &20.into())
        );

        let stray = place.path("pairs/lr/stray.png");
        fs::write(&stray, b"x").unwrap();
        let out = place.nervure("dataset verify pairs").output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        let (listed, told) = (String::from_utf8(out.stdout), String::from_utf8(out.stderr));
        assert_eq!(listed.unwrap(), "lr/stray.png: no manifest tells of it\n");
        assert!(told.unwrap().starts_with("pairs has a problem: 2 clips"));
        let out = place
            .nervure("dataset verify pairs --json")
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(1));
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(report["problems"][0]["name"], "lr/stray.png");
    }
}

#[test]
fn what_is_no_dataset_is_refused() {
    let Some(place) = Place::new() else { return };
    fs::create_dir(place.path("empty")).unwrap();
    for verb in ["verify", "inspect"] {
        let told = place.fails(&format!("dataset {verb} empty"));
        assert!(told.contains("holds no dataset"), "{told}");
        let told = place.fails(&format!("dataset {verb} nowhere"));
        assert!(told.contains("nowhere"), "{told}");
        assert!(!place.path("nowhere").exists());
    }
}

#[test]
fn a_dataset_is_shown() {
    for layout in ["png", "clips"] {
        let Some(place) = made(layout) else { return };
        let out = place.run("dataset inspect pairs --contact-sheet sheet.png --charts charts");
        let text = String::from_utf8(out.stdout).unwrap();
        for words in [
            "by codec",
            "h264   50 kbit/s",
            "by content",
            "measured rate",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        for chart in ["rates.png", "psnr.png", "quality.png"] {
            assert!(place.path("charts").join(chart).exists(), "{chart}");
        }
        let file = fs::File::open(place.path("sheet.png")).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(reader.info().width, 16 + 3 * 496);
        assert!(reader.info().height > 2 * 360, "two rows");
        let red = pixels.chunks_exact(3).filter(|pixel| {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]];
            r > 230 && (40..90).contains(&g) && (30..80).contains(&b)
        });
        assert!(red.count() > 100, "{layout}: damage has an outline");

        let overview = place.json("dataset inspect pairs");
        assert_eq!(overview["clips"], 2);
        assert_eq!(overview["layout"], layout);
        assert_eq!(overview["codecs"][0]["asked"], "50 kbit/s");
        assert!(overview["codecs"][0]["lost_packets"].as_f64().unwrap() > 0.0);
        // Looking leaves nothing behind.
        assert!(!place.names().iter().any(|name| name.contains("part")));
    }
}
