//! What a packet carries beside its data.

use std::slice;

use super::ffi;
use super::packet::Packet;

impl Packet {
    /// All blocks of side data, each with libav's number of its kind.
    pub(crate) fn side_blocks(&self) -> impl Iterator<Item = (u32, &[u8])> {
        // SAFETY: the packet is valid and holds that many blocks, each of its own size, which live as
        // long as it is not changed.
        let blocks: &[ffi::AVPacketSideData] = unsafe {
            let raw = &*self.as_ptr();
            match usize::try_from(raw.side_data_elems) {
                Ok(count) if count > 0 && !raw.side_data.is_null() => {
                    slice::from_raw_parts(raw.side_data, count)
                }
                _ => &[],
            }
        };
        blocks.iter().filter_map(|block| {
            // SAFETY: as above.
            let bytes = (!block.data.is_null())
                .then(|| unsafe { slice::from_raw_parts(block.data, block.size) })?;
            Some((number(block.type_), bytes))
        })
    }

    /// Adds a block of side data; false when there is no memory for it.
    pub(crate) fn add_side_block(&mut self, kind: u32, bytes: &[u8]) -> bool {
        let kind = ffi::AVPacketSideDataType(kind as _);
        // SAFETY: the packet is ours; a block that comes back holds that many bytes and nobody else
        // refers to it.
        unsafe {
            let data = ffi::av_packet_new_side_data(self.as_mut_ptr(), kind, bytes.len());
            if data.is_null() {
                return false;
            }
            slice::from_raw_parts_mut(data, bytes.len()).copy_from_slice(bytes);
        }
        true
    }
}

/// What an encoder says about its own work, which no container keeps.
pub(crate) const QUALITY_STATS: u32 = number(ffi::AVPacketSideDataType::QUALITY_STATS);

/// Signed on some systems, unsigned on others, and never negative.
#[allow(clippy::unnecessary_cast)]
const fn number(kind: ffi::AVPacketSideDataType) -> u32 {
    kind.0 as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::TimeBase;

    #[test]
    fn blocks_are_given_back_as_they_were_added() {
        let mut packet = Packet::copy(b"data", TimeBase::MICROS).unwrap();
        assert_eq!(packet.side_blocks().count(), 0);
        assert!(packet.add_side_block(1, b"header"));
        assert!(packet.add_side_block(QUALITY_STATS, b"stats"));
        let blocks: Vec<_> = packet.side_blocks().collect();
        assert_eq!(
            blocks,
            [(1, &b"header"[..]), (QUALITY_STATS, &b"stats"[..])]
        );
    }
}
