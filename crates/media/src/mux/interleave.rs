//! Packets of many streams, into the order in which a player wants them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Packets are held for a stream that is behind until the others are this far ahead, in microseconds.
/// By then it has ended, or has a gap.
const WINDOW: i64 = 10_000_000;
/// Or until this much is held.
const BYTES: usize = 32 << 20;

/// Puts packets in order of their decoding times, holding back no more than a bounded amount.
///
/// A packet goes out when every lane that matters has shown what it has up to that moment. Sparse
/// lanes (subtitles, data) are never waited for; a lane that had to be given up is waited for again
/// once it goes on. Within a lane packets keep their order.
#[derive(Debug)]
pub(super) struct Interleave<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    lanes: Vec<Lane>,
    bytes: usize,
    pushed: u64,
    /// Latest time in the heap's history.
    newest: i64,
}

#[derive(Debug)]
struct Lane {
    sparse: bool,
    /// The video: worth waiting for however late, since it is what takes time to make.
    master: bool,
    queued: usize,
    seen: Option<i64>,
    given_up: bool,
}

#[derive(Debug)]
struct Entry<T> {
    /// Decoding time in microseconds.
    time: i64,
    order: u64,
    lane: usize,
    bytes: usize,
    packet: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.time, self.order) == (other.time, other.order)
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time, self.order).cmp(&(other.time, other.order))
    }
}

impl<T> Interleave<T> {
    pub(super) fn new() -> Self {
        Interleave {
            heap: BinaryHeap::new(),
            lanes: Vec::new(),
            bytes: 0,
            pushed: 0,
            newest: i64::MIN,
        }
    }

    /// Adds a stream; gives its lane.
    pub(super) fn add_lane(&mut self, sparse: bool, master: bool) -> usize {
        self.lanes.push(Lane {
            sparse,
            master,
            queued: 0,
            seen: None,
            given_up: false,
        });
        self.lanes.len() - 1
    }

    /// Takes a packet that is decoded at `time` microseconds.
    pub(super) fn push(&mut self, lane: usize, time: i64, bytes: usize, packet: T) {
        let state = &mut self.lanes[lane];
        // A packet that comes late must not overtake what its lane still holds.
        let time = state.seen.map_or(time, |seen| time.max(seen));
        state.seen = Some(time);
        state.queued += 1;
        state.given_up = false;
        self.bytes += bytes;
        self.newest = self.newest.max(time);
        self.heap.push(Reverse(Entry {
            time,
            order: self.pushed,
            lane,
            bytes,
            packet,
        }));
        self.pushed += 1;
    }

    /// The next packet whose turn is certain, or that can be held no longer.
    pub(super) fn pop(&mut self) -> Option<T> {
        let head = self.heap.peek()?.0.time;
        let full = self.bytes > BYTES;
        let late = self.newest.saturating_sub(head) > WINDOW;
        for lane in &mut self.lanes {
            let behind = lane.queued == 0 && lane.seen.is_none_or(|seen| seen < head);
            if lane.sparse || lane.given_up || !behind {
                continue;
            }
            match (full, late && !lane.master) {
                (_, true) => lane.given_up = true,
                (true, false) => {}
                (false, false) => return None,
            }
        }
        self.take()
    }

    /// The next packet when no more will come.
    pub(super) fn take(&mut self) -> Option<T> {
        let Reverse(entry) = self.heap.pop()?;
        self.lanes[entry.lane].queued -= 1;
        self.bytes -= entry.bytes;
        Some(entry.packet)
    }

    /// What is held, in no order.
    pub(super) fn held(&self) -> impl Iterator<Item = &T> {
        self.heap.iter().map(|entry| &entry.0.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut Interleave<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    const SECOND: i64 = 1_000_000;

    #[test]
    fn packets_wait_for_the_streams_that_matter() {
        let mut queue = Interleave::new();
        let video = queue.add_lane(false, true);
        let audio = queue.add_lane(false, false);
        let text = queue.add_lane(true, false);
        queue.push(audio, 0, 1, "a0");
        queue.push(audio, 20, 1, "a20");
        queue.push(text, 10, 1, "t10");
        assert!(drain(&mut queue).is_empty(), "the video is not there yet");
        queue.push(video, 5, 1, "v5");
        assert_eq!(drain(&mut queue), ["a0", "v5"]);
        queue.push(video, 40, 1, "v40");
        assert_eq!(drain(&mut queue), ["t10", "a20"]);
        assert_eq!(queue.take(), Some("v40"));
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn an_ended_stream_is_given_up_and_taken_back() {
        let mut queue = Interleave::new();
        let video = queue.add_lane(false, true);
        let audio = queue.add_lane(false, false);
        queue.push(audio, 0, 1, "a");
        queue.push(video, 0, 1, "v");
        assert_eq!(drain(&mut queue), ["a", "v"]);
        queue.push(video, SECOND, 1, "v1");
        queue.push(video, 11 * SECOND, 1, "v11");
        assert!(drain(&mut queue).is_empty());
        queue.push(video, 12 * SECOND, 1, "v12");
        assert_eq!(drain(&mut queue), ["v1", "v11", "v12"], "no more waiting");
        queue.push(audio, 30 * SECOND, 1, "a30");
        queue.push(video, 30 * SECOND, 1, "v30");
        queue.push(video, 31 * SECOND, 1, "v31");
        assert_eq!(drain(&mut queue), ["a30", "v30"]);
    }

    #[test]
    fn what_is_held_is_bounded_even_without_video() {
        let mut queue = Interleave::new();
        queue.add_lane(false, true);
        let audio = queue.add_lane(false, false);
        let mut out = 0;
        for n in 0..100 {
            queue.push(audio, n * SECOND, 1 << 20, "a");
            out += drain(&mut queue).len();
        }
        assert_eq!(out, 100 - 32);
    }

    #[test]
    fn a_late_packet_keeps_its_place_in_its_stream() {
        let mut queue = Interleave::new();
        let audio = queue.add_lane(false, false);
        queue.push(audio, 50, 1, "first");
        queue.push(audio, 40, 1, "second");
        assert_eq!(drain(&mut queue), ["first", "second"]);
    }
}
