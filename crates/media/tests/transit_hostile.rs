//! Loss traces and models that nobody of good will wrote: thousands of random changes.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod transit_entry;

const TRACES: [&str; 4] = [
    "# a call\n0000000011000\nreceived, lost, received\n",
    "0 1 0 1,1\t0\r\n",
    "lost",
    "",
];
const MODELS: [&str; 6] = [
    "0.02",
    "2%",
    "none",
    "burst:0.05",
    "burst:rate=0.02,length=4",
    "burst:p=0.01,r=0.25,good=0.001,bad=0.9",
];
/// What random changes put in.
const PIECES: [&str; 14] = [
    "0", "1", "9", ".", "-", "e", ",", "=", ":", "%", "#", "\n", "nan", "é",
];

/// The same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn changed(text: &str, numbers: &mut Numbers) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(letters.len() + 1);
        match numbers.below(3) {
            0 => letters.truncate(at),
            1 if at < letters.len() => {
                letters.remove(at);
            }
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())].chars();
                letters.splice(at..at, piece);
            }
        }
    }
    letters.into_iter().collect()
}

#[test]
fn random_changes_do_no_harm() {
    assert_eq!(TRACES.map(transit_entry::trace), [16, 6, 1, 0]);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..20_000 {
        let text = changed(TRACES[round % TRACES.len()], &mut numbers);
        transit_entry::trace(&text);
        let text = changed(MODELS[round % MODELS.len()], &mut numbers);
        transit_entry::model(&text);
    }
}
