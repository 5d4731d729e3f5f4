//! Pictures on their way to an encoder, without a copy.

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use nervure_frame::{Frame, Planes};

use super::ffi;
use super::pixels::planar;

/// An `AVFrame` whose planes are those of a [`Frame`].
///
/// libav counts references to each plane. The frame goes back to its pool when the encoder has let go
/// of the last one, on whatever thread that happens.
pub(crate) struct Picture {
    raw: NonNull<ffi::AVFrame>,
}

impl Picture {
    pub(crate) fn new(frame: Frame, pts: i64) -> Self {
        let format = frame.format();
        let frame = Arc::new(frame);
        // SAFETY: takes nothing, and gives a frame of our own or null.
        let raw = unsafe { ffi::av_frame_alloc() };
        let mut picture = Picture {
            raw: NonNull::new(raw).expect("memory for a frame"),
        };
        // SAFETY: ours, and nothing else refers to it yet.
        let raw = unsafe { picture.raw.as_mut() };
        // Larger pictures than `int` can say were refused when the encoder was opened.
        raw.width = c_int::try_from(format.width).unwrap_or(0);
        raw.height = c_int::try_from(format.height).unwrap_or(0);
        raw.format = planar(format.chroma, format.depth).0 as c_int;
        raw.pts = pts;
        for plane in 0..3 {
            let (data, stride, bytes) = plane_memory(&frame, plane);
            raw.data[plane] = data.cast_mut();
            raw.linesize[plane] = c_int::try_from(stride).unwrap_or(0);
            let owner = Arc::into_raw(Arc::clone(&frame))
                .cast_mut()
                .cast::<c_void>();
            // SAFETY: `data` points to `bytes` initialised bytes that stay where they are as long as
            // the frame lives, and the buffer holds a reference to the frame until `release` takes
            // it. The buffer is marked read-only, so that libav writes nothing there.
            let buffer = unsafe {
                ffi::av_buffer_create(
                    data.cast_mut(),
                    bytes,
                    Some(release),
                    owner,
                    ffi::AV_BUFFER_FLAG_READONLY,
                )
            };
            assert!(!buffer.is_null(), "memory for a frame's buffer");
            raw.buf[plane] = buffer;
        }
        // libav keeps a second way to the planes, for sounds with more channels than `data` has room.
        raw.extended_data = ptr::from_mut(&mut raw.data).cast();
        picture
    }

    pub(crate) fn as_ptr(&self) -> *const ffi::AVFrame {
        self.raw.as_ptr()
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        let mut raw = self.raw.as_ptr();
        // SAFETY: ours, and never used again; it lets go of its references to the planes.
        unsafe { ffi::av_frame_free(&mut raw) }
    }
}

/// Where a plane's rows begin, the bytes from one row to the next, and the bytes in all.
fn plane_memory(frame: &Frame, plane: usize) -> (*const u8, usize, usize) {
    match &frame.planes {
        Planes::Eight(planes) => {
            let data = planes[plane].data();
            (data.as_ptr(), planes[plane].stride(), data.len())
        }
        Planes::Ten(planes) => {
            let data = planes[plane].data();
            (
                data.as_ptr().cast(),
                planes[plane].stride() * size_of::<u16>(),
                size_of_val(data),
            )
        }
    }
}

/// Lets go of the frame that a plane's buffer kept.
unsafe extern "C" fn release(owner: *mut c_void, _data: *mut u8) {
    // SAFETY: `owner` came from `Arc::into_raw` for this buffer, and libav calls this once for it.
    drop(unsafe { Arc::from_raw(owner.cast_const().cast::<Frame>()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use nervure_frame::{BitDepth, Chroma, FramePool, PictureFormat, TimeBase, Timestamp};

    #[test]
    fn a_picture_is_the_frames_own_memory_until_its_last_reference_goes() {
        let pool = FramePool::new();
        let format = PictureFormat::new(37, 5, Chroma::C420, BitDepth::Ten);
        let zero = Timestamp::new(0, TimeBase::MICROS);
        let mut frame = pool.frame(format, zero);
        frame.planes.ten_mut().unwrap()[1].fill(513);
        let place = frame.planes.ten().unwrap()[1].data().as_ptr() as usize;
        let picture = Picture::new(frame, 7);
        // SAFETY: the picture is alive; a copy of its frame takes references of its own.
        let mut second = unsafe {
            assert_eq!((*picture.as_ptr()).data[1] as usize, place);
            assert_eq!((*picture.as_ptr()).linesize[1], 64);
            ffi::av_frame_clone(picture.as_ptr())
        };
        drop(picture);
        let places = || -> Vec<usize> {
            // More than all that the pool can have spare by now.
            let frames: Vec<_> = (0..8).map(|_| pool.frame(format, zero)).collect();
            let planes = frames.iter().flat_map(|frame| frame.planes.ten().unwrap());
            planes.map(|plane| plane.data().as_ptr() as usize).collect()
        };
        // SAFETY: the clone still refers to the plane, and is not used after it is freed.
        unsafe {
            assert_eq!(*(*second).data[1].cast::<u16>(), 513);
            assert!(!places().contains(&place));
            ffi::av_frame_free(&mut second);
        }
        assert!(places().contains(&place));
    }
}
