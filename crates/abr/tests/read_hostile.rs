//! Text that is nearly a trace: nothing that is read may panic, hang, or give a link that never delivers.
#![allow(clippy::unwrap_used)]

mod read_entry;

use nervure_abr::Random;

const SEEDS: [&str; 5] = [
    "seconds,mbps\n0,1.5\n1,0.2\n2.5,3\n",
    "0 1.5\n1 0.2\n2.5 3\n",
    "1\n5\n5\n9\n1200\n2400\n",
    "7,2016,x.com,1.2.3.4,1,1,250000\n7,2016,x.com,1.2.3.4,1,1,500000\n",
    "1289406399 549 59.8 10.7 125000 1000\n1289406400 1549 59.8 10.7 250000 500\n",
];

const PIECES: [&str; 14] = [
    "0",
    "-1",
    "1e308",
    "1e-308",
    "NaN",
    "inf",
    ",",
    "\n",
    " ",
    "9999999999999999999",
    ".",
    "é",
    "\u{1b}[2J",
    "",
];

#[test]
fn known_texts_are_understood() {
    for text in SEEDS {
        assert!(read_entry::traces(text) > 0, "{text}");
    }
}

#[test]
fn random_changes_do_no_harm() {
    let mut random = Random::new(11);
    let mut understood = 0;
    for round in 0..3000 {
        let mut text: Vec<char> = SEEDS[round % SEEDS.len()].chars().collect();
        for _ in 0..=random.below(3) {
            let at = random.below(text.len());
            let end = (at + random.below(3)).min(text.len());
            text.splice(at..end, PIECES[random.below(PIECES.len())].chars());
            if text.is_empty() {
                break;
            }
        }
        let text: String = text.into_iter().collect();
        understood += read_entry::traces(&text);
        read_entry::others(&text);
    }
    assert!(understood > 300, "{understood}");
}

#[test]
fn other_files_are_refused_in_one_line() {
    for text in [
        "",
        "{",
        "[[",
        "name = '\u{1b}'",
        "{\"segment_duration_ms\": 1e999}",
    ] {
        read_entry::others(text);
    }
}
