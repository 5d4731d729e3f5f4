//! The demo does its whole round and says where to look.
#![allow(clippy::unwrap_used)]

mod common;

use common::Place;

#[test]
fn the_demo_leaves_a_picture_and_a_page_with_its_numbers() {
    let Some(place) = Place::new() else { return };
    let summary = place.json("demo --folder there --seconds 0.5 --quiet");
    let scores = summary["scores"].as_array().unwrap();
    assert_eq!(scores.len(), 2);
    for score in scores {
        let psnr = score["psnr_y"].as_f64().unwrap();
        assert!((20.0..45.0).contains(&psnr), "{score}");
    }
    let better = |key: &str| scores[1][key].as_f64() > scores[0][key].as_f64();
    assert!(better("psnr_y"), "the model is above Lanczos: {summary}");
    let picture = std::fs::read(place.path("there/before-after.png")).unwrap();
    assert_eq!(&picture[1..4], b"PNG");
    let page = std::fs::read_to_string(place.path("there/report.html")).unwrap();
    let shown = format!("<td>{:.2}", scores[1]["psnr_y"].as_f64().unwrap());
    assert!(page.contains(&shown) && page.contains("before-after.png"));
    assert!(place.path("there/quality.svg").exists());
    // Again over what is there.
    place.json("demo --folder there --seconds 0.5 --quiet");
}
