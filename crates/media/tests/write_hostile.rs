//! Segments that no program of good will wrote: thousands of random changes.
#![allow(clippy::unwrap_used)] // Tests, helpers included.

mod write_entry;

use write_entry::HEADER;

/// A whole segment of these packets, written by hand from the description of the format.
fn sealed(packets: &[&[u8]]) -> Vec<u8> {
    let mut file = HEADER.to_vec();
    for (number, data) in packets.iter().enumerate() {
        let mut record = vec![1, u8::from(number == 0)];
        for ticks in [number as i64 * 3600, i64::MIN, 3600] {
            record.extend(ticks.to_le_bytes());
        }
        record.extend(1u16.to_le_bytes());
        record.extend((data.len() as u32).to_le_bytes());
        for part in [&1u32.to_le_bytes()[..], &4u32.to_le_bytes(), b"side", data] {
            record.extend(part);
        }
        let checksum = crc32fast::hash(&record);
        record.extend(checksum.to_le_bytes());
        file.extend(record);
    }
    file.push(2);
    file.extend((packets.len() as u64).to_le_bytes());
    let checksum = crc32fast::hash(&file);
    file.extend(checksum.to_le_bytes());
    file
}

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

#[test]
fn the_description_is_what_is_read() {
    assert_eq!(crc32fast::hash(&HEADER[..24]).to_le_bytes(), HEADER[24..]);
    let file = sealed(&[b"first", b"", b"third"]);
    assert_eq!(write_entry::segment(&file), 3);
    assert_eq!(write_entry::segment(&sealed(&[])), 0);
}

#[test]
fn random_changes_do_no_harm() {
    let good = [
        sealed(&[b"first", b"second", b"third"]),
        sealed(&[&[0xff; 300]]),
        sealed(&[]),
    ];
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..20_000 {
        let whole = &good[round % good.len()];
        let mut data = whole.clone();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(data.len());
            match numbers.below(5) {
                0 => data[at] ^= 1 << numbers.below(8),
                1 => data[at] = numbers.below(256) as u8,
                2 => data.truncate(at + 1),
                3 => data.insert(at, [0, 0xff, 1, 2][numbers.below(4)]),
                _ => {
                    let end = (at + 1 + numbers.below(8)).min(data.len());
                    data[at..end].fill([0, 0xff][numbers.below(2)]);
                }
            }
        }
        let packets = write_entry::segment(&data);
        if data.starts_with(&HEADER) {
            assert!(packets <= 3);
        }
    }
}
