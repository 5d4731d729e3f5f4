//! One compressed packet.

use std::fmt;
use std::ptr::NonNull;
use std::slice;

use nervure_frame::TimeBase;

use super::{NO_TIMESTAMP, ffi, rational, timestamp};

/// A compressed piece of one stream, as a demuxer or an encoder gave it. Moving it copies nothing.
pub struct Packet {
    raw: NonNull<ffi::AVPacket>,
    base: TimeBase,
}

// SAFETY: an `AVPacket` and the reference-counted buffers behind it belong to no thread.
unsafe impl Send for Packet {}
// SAFETY: through a shared reference the packet is only read.
unsafe impl Sync for Packet {}

impl Packet {
    /// A packet without data, times or stream, for libav to fill.
    pub(crate) fn empty(base: TimeBase) -> Self {
        // SAFETY: takes nothing, and gives a packet of our own or null.
        let raw = unsafe { ffi::av_packet_alloc() };
        let raw = NonNull::new(raw).expect("memory for a packet");
        Packet { raw, base }
    }

    /// A packet with a copy of `data`; none when it is larger than libav can take.
    pub(crate) fn copy(data: &[u8], base: TimeBase) -> Option<Self> {
        let mut packet = Packet::empty(base);
        let size = i32::try_from(data.len()).ok()?;
        // SAFETY: the packet is ours and empty; on success its buffer holds `size` bytes, which
        // nobody else refers to.
        unsafe {
            if ffi::av_new_packet(packet.as_mut_ptr(), size) < 0 {
                return None;
            }
            slice::from_raw_parts_mut((*packet.as_mut_ptr()).data, data.len())
                .copy_from_slice(data);
        }
        Some(packet)
    }

    /// The number of its stream in the container it came from or goes to.
    pub fn stream(&self) -> usize {
        usize::try_from(self.get().stream_index).unwrap_or(0)
    }

    /// When it is shown, in ticks.
    pub fn pts(&self) -> Option<i64> {
        timestamp(self.get().pts)
    }

    /// When it is decoded, in ticks.
    pub fn dts(&self) -> Option<i64> {
        timestamp(self.get().dts)
    }

    /// How long it is shown, in ticks, where that is known.
    pub fn duration(&self) -> Option<i64> {
        Some(self.get().duration).filter(|ticks| *ticks > 0)
    }

    /// The length of a tick.
    pub fn time_base(&self) -> TimeBase {
        self.base
    }

    /// Decoding can start here.
    pub fn is_key(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_KEY != 0
    }

    /// The container knows that bytes are missing.
    pub fn is_corrupt(&self) -> bool {
        self.get().flags & ffi::AV_PKT_FLAG_CORRUPT != 0
    }

    /// The compressed bytes.
    pub fn data(&self) -> &[u8] {
        let packet = self.get();
        match usize::try_from(packet.size) {
            // SAFETY: libav keeps `size` readable bytes at `data` as long as the packet lives.
            Ok(size) if size > 0 && !packet.data.is_null() => unsafe {
                slice::from_raw_parts(packet.data, size)
            },
            _ => &[],
        }
    }

    /// Side data of one kind.
    pub(crate) fn side_data(&self, kind: ffi::AVPacketSideDataType) -> Option<&[u8]> {
        let mut size = 0;
        // SAFETY: the packet is ours; a found block holds `size` bytes and lives as long as it.
        unsafe {
            let data = ffi::av_packet_get_side_data(self.raw.as_ptr(), kind, &mut size);
            (!data.is_null()).then(|| slice::from_raw_parts(data, size))
        }
    }

    pub(crate) fn set_stream(&mut self, stream: usize) {
        self.get_mut().stream_index = i32::try_from(stream).unwrap_or(i32::MAX);
    }

    pub(crate) fn set_pts(&mut self, ticks: Option<i64>) {
        self.get_mut().pts = ticks.unwrap_or(NO_TIMESTAMP);
    }

    pub(crate) fn set_dts(&mut self, ticks: Option<i64>) {
        self.get_mut().dts = ticks.unwrap_or(NO_TIMESTAMP);
    }

    pub(crate) fn set_duration(&mut self, ticks: Option<i64>) {
        self.get_mut().duration = ticks.unwrap_or(0);
    }

    pub(crate) fn set_key(&mut self, key: bool) {
        if key {
            self.get_mut().flags |= ffi::AV_PKT_FLAG_KEY;
        } else {
            self.get_mut().flags &= !ffi::AV_PKT_FLAG_KEY;
        }
    }

    /// Says that the times already count ticks of `base`.
    pub(crate) fn set_time_base(&mut self, base: TimeBase) {
        self.base = base;
        self.get_mut().time_base = rational(base);
    }

    /// Moves its times to another clock, each to the nearest tick.
    pub(crate) fn rescale(&mut self, base: TimeBase) {
        // SAFETY: the packet is ours, and both clocks have positive parts.
        unsafe {
            ffi::av_packet_rescale_ts(self.raw.as_ptr(), rational(self.base), rational(base));
        }
        self.set_time_base(base);
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::AVPacket {
        self.raw.as_ptr()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut ffi::AVPacket {
        self.raw.as_ptr()
    }

    fn get(&self) -> &ffi::AVPacket {
        // SAFETY: allocated by libav, ours until it is dropped, and borrowed with `self`.
        unsafe { self.raw.as_ref() }
    }

    fn get_mut(&mut self) -> &mut ffi::AVPacket {
        // SAFETY: as in `get`, and `self` is borrowed mutably.
        unsafe { self.raw.as_mut() }
    }
}

/// Another reference to the same bytes.
impl Clone for Packet {
    fn clone(&self) -> Self {
        let mut copy = Packet::empty(self.base);
        // SAFETY: both packets are valid, and the copy is empty. The call fails only without memory.
        let code = unsafe { ffi::av_packet_ref(copy.as_mut_ptr(), self.as_ptr()) };
        assert!(code >= 0, "memory for a packet");
        copy
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again.
        unsafe { ffi::av_packet_free(&mut raw) }
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packet")
            .field("stream", &self.stream())
            .field("pts", &self.pts())
            .field("dts", &self.dts())
            .field("duration", &self.duration())
            .field("base", &self.base)
            .field("key", &self.is_key())
            .field("bytes", &self.data().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_keeps_what_it_is_told() {
        let mut packet = Packet::copy(b"abc", TimeBase::new(1, 1000)).unwrap();
        assert_eq!(
            (packet.pts(), packet.dts(), packet.duration()),
            (None, None, None)
        );
        packet.set_stream(3);
        packet.set_pts(Some(-40));
        packet.set_dts(Some(-80));
        packet.set_duration(Some(40));
        packet.set_key(true);
        packet.rescale(TimeBase::new(1, 90_000));
        let copy = packet.clone();
        drop(packet);
        assert_eq!(copy.data(), b"abc");
        assert_eq!((copy.stream(), copy.is_key()), (3, true));
        assert_eq!(
            (copy.pts(), copy.dts(), copy.duration()),
            (Some(-3600), Some(-7200), Some(3600))
        );
    }
}
