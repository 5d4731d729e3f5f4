//! Bytes that no program of good will wrote: known bad ones, and thousands of random changes.

mod read_entry;

const GOOD: [&[u8]; 5] = [
    b"YUV4MPEG2 W4 H2 F25:1 Ip A1:1 C420jpeg\nFRAME\nabcdefghUuVv",
    b"YUV4MPEG2 W3 H3 F30000:1001 C444p10 XCOLORRANGE=FULL\nFRAME Ip\n\
      000102030405060708101112131415161718202122232425262728",
    b"YUV4MPEG2 W2 H1 Cmono\nFRAME\nabFRAME\ncdFRAME\nefFRAME\ngh",
    b"YUV4MPEG2 H2 W2 Cmono10 Xwhatever\nFRAME\nabcdefghFRAME\nabcdefgh",
    b"YUV4MPEG2 W1 H1 It C422\nFRAME\nyuvFRAME\nyuv",
];

const BAD: [&[u8]; 24] = [
    b"YUV4MPEG2 W2 H2 A\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\n",
    b"YUV4MPEG2 W2 H2 C\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\n",
    b"",
    b"\n",
    b"YUV4MPEG2",
    b"YUV4MPEG2\n",
    b"YUV4MPEG2 \n",
    b"YUV4MPEG2W4 H2\nFRAME\nabcdefghUuVv",
    b"YUV4MPEG3 W4 H2\nFRAME\n",
    b"YUV4MPEG2 W4\nFRAME\n",
    b"YUV4MPEG2 W4 H\nFRAME\n",
    b"YUV4MPEG2 W0 H0\nFRAME\n",
    b"YUV4MPEG2 W+1 H1\nFRAME\nyuv",
    b"YUV4MPEG2 W18446744073709551616 H1\nFRAME\n",
    b"YUV4MPEG2 W16384 H16384 C444p10\nFRAME\n",
    b"YUV4MPEG2 W16384 H16384 C444p10\nFRAME\nabc",
    b"YUV4MPEG2 W2 H2 F1:4294967296\nFRAME\nabcduv",
    b"YUV4MPEG2 W2 H2 F4294967295:4294967295\nFRAME\nabcduv",
    b"YUV4MPEG2 W2 H2 A:\nFRAME\nabcduv",
    b"YUV4MPEG2 W2 H2 C\nFRAME\nabcduv",
    b"YUV4MPEG2 W2 H2 \xff\xfe\nFRAME\nabcduv",
    b"YUV4MPEG2 W2 H2\0\nFRAME\nabcduv",
    b"YUV4MPEG2 W2 H2\nFRAME\nabcduvFRAMExabcduv",
    b"YUV4MPEG2 W2 H2\nFRAME\nabcduvFRAME \xff\nabcduvFRAM",
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

/// One change of the kinds that a fuzzer makes.
fn mutate(data: &mut Vec<u8>, numbers: &mut Numbers) {
    const TOKENS: [&[u8]; 10] = [
        b" W99999",
        b" H0",
        b" C422p10",
        b" Cmono",
        b"FRAME\n",
        b"FRAME ",
        b"\n",
        b" F0:0",
        b"\xff",
        b" It",
    ];
    let at = numbers.below(data.len() + 1);
    match numbers.below(6) {
        0 if !data.is_empty() => {
            let at = at.min(data.len() - 1);
            data[at] ^= 1 << numbers.below(8);
        }
        1 if !data.is_empty() => {
            let at = at.min(data.len() - 1);
            data[at] = numbers.below(256) as u8;
        }
        2 => data.truncate(at),
        3 => {
            let token = TOKENS[numbers.below(TOKENS.len())];
            data.splice(at..at, token.iter().copied());
        }
        4 => {
            let end = (at + numbers.below(9)).min(data.len());
            data.drain(at..end);
        }
        _ => {
            let end = (at + numbers.below(40)).min(data.len());
            let part = data[at..end].to_vec();
            data.extend(part);
        }
    }
}

#[test]
fn known_bad_streams_do_no_harm() {
    assert!(GOOD.iter().all(|data| read_entry::y4m(data) > 0));
    let frames: Vec<usize> = BAD.iter().map(|data| read_entry::y4m(data)).collect();
    assert!(frames.iter().all(|count| *count <= 2), "{frames:?}");
    let long = [b"YUV4MPEG2 ".as_slice(), &[b'X'; 100_000]].concat();
    read_entry::y4m(&long);
    let long = [
        b"YUV4MPEG2 W1 H1 Cmono\nFRAME ".as_slice(),
        &[b'X'; 100_000],
    ]
    .concat();
    read_entry::y4m(&long);
}

#[test]
fn random_changes_do_no_harm() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut frames = 0;
    for round in 0..20_000 {
        let mut data = GOOD[round % GOOD.len()].to_vec();
        for _ in 0..=numbers.below(5) {
            mutate(&mut data, &mut numbers);
        }
        frames += read_entry::y4m(&data);
    }
    assert!(frames > 5_000, "only {frames} frames got past the header");
}

#[cfg(target_os = "linux")]
#[test]
fn a_boast_costs_no_memory() {
    let peak = || -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmPeak:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number
            .and_then(|number| number.parse().ok())
            .expect("a number")
    };
    let before = peak();
    for data in &BAD {
        read_entry::y4m(data);
    }
    // The boast would be 3 GiB; other tests of this file run beside this one.
    assert!(peak() - before < 512 * 1024, "{} KiB more", peak() - before);
}

#[test]
fn any_text_is_a_name() {
    for text in [
        "",
        "-",
        ":",
        "://",
        "lavfi:",
        "v4l2:",
        "a:b://c",
        "\u{0}",
        "\u{1f3ac}://x",
        "--",
        "file:x",
    ] {
        read_entry::input_name(text);
    }
    let mut numbers = Numbers(77);
    const PARTS: [&str; 9] = ["lavfi", "v4l2", ":", "/", "//", "http", "-", "\u{fc}", "."];
    for _ in 0..5_000 {
        let parts = (0..numbers.below(7)).map(|_| PARTS[numbers.below(PARTS.len())]);
        read_entry::input_name(&parts.collect::<String>());
    }
}
