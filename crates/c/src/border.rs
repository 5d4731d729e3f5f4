//! Every function that C calls, and every look at C's memory: all `unsafe` of this room.
//!
//! Comments here are the words of `include/nervure.h`; its opening says what holds for every pointer, so
//! that no function repeats it.
#![allow(unsafe_code)]
#![allow(clippy::missing_safety_doc)] // The header's opening is that section, for all of them.

use std::ffi::{CStr, c_char, c_void};
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::ptr;

use nervure_frame::{BitDepth, PictureFormat, Plane, Planes, Sample};

pub use crate::context::{Context, Model};
pub use crate::failure::Status;
use crate::failure::{Failure, answered, guarded, last};

/// Version of this interface. It grows by one when something changes that was there before; what is
/// only added does not change it.
pub const NERVURE_ABI_VERSION: u32 = 1;

/// A larger file is no model.
const LARGEST_FILE: u64 = 256 << 20;

/// Where the samples of a picture lie, to read: luma, then the two of chroma, from the top row to the
/// bottom. Samples of 8 bits are bytes; samples of 10 bits are the low bits of a `uint16_t`, and what is
/// above 1023 counts as 1023. Chroma planes round up: 3 samples for 5 pixels in 4:2:0.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Source {
    /// The first sample of each plane.
    pub planes: [*const c_void; 3],
    /// Bytes from each row of a plane to the next.
    pub strides: [usize; 3],
}

/// Where the samples of a picture go. Laid out as `nervure_source`; bytes between the end of a row and
/// the next are left as they are.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Target {
    /// The first sample of each plane.
    pub planes: [*mut c_void; 3],
    /// Bytes from each row of a plane to the next.
    pub strides: [usize; 3],
}

/// `NERVURE_ABI_VERSION` of the library that is loaded: a program that finds another than it was
/// compiled with must not go on.
#[unsafe(no_mangle)]
pub extern "C" fn nervure_abi_version() -> u32 {
    NERVURE_ABI_VERSION
}

/// The library's version, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn nervure_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// What went wrong in the last call of this thread that gave an error: one line, never NULL, and valid
/// until the next such call of this thread.
#[unsafe(no_mangle)]
pub extern "C" fn nervure_last_error() -> *const c_char {
    answered(c"".as_ptr(), last)
}

/// Opens a model that lies in a file. On success `*model` is to be freed with `nervure_model_free`;
/// otherwise it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_open(path: *const c_char, model: *mut *mut Model) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        let (place, path) = unsafe { (empty(model)?, text(path)?) };
        let unread = |error: std::io::Error| {
            Failure::new(
                Status::File,
                format!("cannot read {}: {error}", path.display()),
            )
        };
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(unread)?;
        let length = file.take(LARGEST_FILE + 1).read_to_end(&mut bytes);
        if length.map_err(unread)? as u64 > LARGEST_FILE {
            let message = format!("{} has more than {LARGEST_FILE} bytes", path.display());
            return Err(Failure::new(Status::Model, message));
        }
        *place = Box::into_raw(Box::new(Model::from_bytes(&bytes)?));
        Ok(Status::Ok)
    })
}

/// Opens a model that lies in memory, which may be freed afterwards. On success `*model` is to be freed
/// with `nervure_model_free`; otherwise it is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_from_memory(
    bytes: *const c_void,
    length: usize,
    model: *mut *mut Model,
) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        let place = unsafe { empty(model)? };
        if bytes.is_null() || length > isize::MAX as usize {
            return Err(argument("no bytes of a model"));
        }
        // SAFETY: the caller has so many bytes there, and none of them changes in this call.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
        *place = Box::into_raw(Box::new(Model::from_bytes(bytes)?));
        Ok(Status::Ok)
    })
}

/// Frees a model; NULL is left alone. Contexts that were made with it go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_free(model: *mut Model) {
    // SAFETY: pointers are as the header's opening says.
    unsafe { free(model) }
}

/// What people call it, such as "residual-espcn-x2-m"; as long as the model is. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_name(model: *const Model) -> *const c_char {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(model, ptr::null(), |model| model.name.as_ptr()) }
}

/// What kind of network it is, such as "residual-espcn"; as long as the model is. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_family(model: *const Model) -> *const c_char {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(model, ptr::null(), |model| model.family.as_ptr()) }
}

/// The instructions that it will run with, such as "avx512"; as long as the model is. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_isa(model: *const Model) -> *const c_char {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(model, ptr::null(), |model| model.isa.as_ptr()) }
}

/// How many times as wide and as high pictures become. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_scale(model: *const Model) -> u32 {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(model, 0, |model| model.inner.scale() as u32) }
}

/// What it costs: multiplications for each pixel that goes in. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_model_macs(model: *const Model) -> u64 {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(model, 0, |model| model.inner.macs() as u64) }
}

/// Makes a context: it takes pictures of one format, and gives them enlarged by the model. `width` and
/// `height` are 1 to 16384; `chroma` is 420, 422 or 444; `depth` is 8 or 10 bits; `threads` is at most
/// 256, and 0 for one a core. The picture does not depend on it. On success `*context` is to be freed
/// with `nervure_context_free`; otherwise it is NULL. The model may be freed before it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_context_new(
    model: *const Model,
    width: u32,
    height: u32,
    chroma: u32,
    depth: u32,
    threads: u32,
    context: *mut *mut Context,
) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        let (place, model) = unsafe { (empty(context)?, seen(model)) };
        let model = model.ok_or_else(|| argument("no model"))?;
        let size = (width as usize, height as usize);
        let made = Context::new(model, size, chroma, depth, threads as usize)?;
        *place = Box::into_raw(Box::new(made));
        Ok(Status::Ok)
    })
}

/// Frees a context and the pictures in it; NULL is left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_context_free(context: *mut Context) {
    // SAFETY: pointers are as the header's opening says.
    unsafe { free(context) }
}

/// Luma samples in a row of what comes out. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_context_width(context: *const Context) -> u32 {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(context, 0, |context| context.target().width as u32) }
}

/// Luma rows of what comes out. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_context_height(context: *const Context) -> u32 {
    // SAFETY: pointers are as the header's opening says.
    unsafe { about(context, 0, |context| context.target().height as u32) }
}

/// Says where chroma samples sit in the pictures that follow, as chroma_sample_loc_type of H.264 and
/// HEVC counts: 0 left (which is taken when nothing is said, or -1), 1 centre, 2 top left, 3 top, 4
/// bottom left, 5 bottom. (Of FFmpeg's AVChromaLocation that is one less.)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_context_set_siting(context: *mut Context, siting: i32) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        unsafe { held(context)? }.set_siting(siting)?;
        Ok(Status::Ok)
    })
}

/// Gives a context the next picture, whose samples it copies before it returns. `pts` is whatever the
/// caller wants to know the picture by: it comes out with it, unchanged. To be followed by
/// `nervure_pull` until that gives `NERVURE_STATUS_NEED_MORE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_push(
    context: *mut Context,
    source: *const Source,
    pts: i64,
) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        let (context, source) = unsafe { (held(context)?, seen(source)) };
        let source = source.ok_or_else(|| argument("no picture"))?;
        check(context.source(), source.planes, source.strides)?;
        context.push(pts, |planes| {
            let places = source.planes.into_iter().zip(source.strides);
            // SAFETY: they were checked, and the caller has rows of the context's format there, which do
            // not change in this call.
            unsafe {
                match planes {
                    Planes::Eight(planes) => copy_in(planes, places, u8::MAX),
                    Planes::Ten(planes) => copy_in(planes, places, BitDepth::Ten.max()),
                }
            }
        })?;
        Ok(Status::Ok)
    })
}

/// Takes the next picture in display order: copies its samples to `target`, and to `*pts` what it was
/// pushed with (`pts` may be NULL). `NERVURE_STATUS_NEED_MORE` and `NERVURE_STATUS_END` say that there was none, and
/// leave both as they are. A picture that could not be copied is still the next.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_pull(
    context: *mut Context,
    target: *const Target,
    pts: *mut i64,
) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        let (context, target) = unsafe { (held(context)?, seen(target)) };
        let target = target.ok_or_else(|| argument("no place for a picture"))?;
        check(
            context.target(),
            target.planes.map(|plane| plane.cast_const()),
            target.strides,
        )?;
        if !pts.is_aligned() {
            return Err(argument("a misaligned place for a timestamp"));
        }
        let pulled = context.pull(|planes| {
            let places = target.planes.into_iter().zip(target.strides);
            // SAFETY: they were checked, and the caller has room for such rows there, which nobody else
            // touches in this call.
            unsafe {
                match planes {
                    Planes::Eight(planes) => copy_out(planes, places),
                    Planes::Ten(planes) => copy_out(planes, places),
                }
            }
            Ok(())
        })?;
        match pulled {
            Some(ticks) => {
                if !pts.is_null() {
                    // SAFETY: it is aligned, and the caller has room for a number there.
                    unsafe { pts.write(ticks) };
                }
                Ok(Status::Ok)
            }
            None => Ok(context.empty()),
        }
    })
}

/// Says that no picture follows: `nervure_pull` gives what is left, then `NERVURE_STATUS_END`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_flush(context: *mut Context) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        unsafe { held(context)? }.flush()?;
        Ok(Status::Ok)
    })
}

/// Forgets every picture, and a flush: for seeking, and for the next video of this format.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nervure_reset(context: *mut Context) -> Status {
    guarded(|| {
        // SAFETY: pointers are as the header's opening says.
        unsafe { held(context)? }.reset()?;
        Ok(Status::Ok)
    })
}

fn argument(message: impl Into<String>) -> Failure {
    Failure::new(Status::Argument, message)
}

/// Whether planes can lie there.
fn check(
    format: PictureFormat,
    planes: [*const c_void; 3],
    strides: [usize; 3],
) -> Result<(), Failure> {
    let bytes = format.depth.bits().div_ceil(8) as usize;
    for (number, (plane, stride)) in planes.into_iter().zip(strides).enumerate() {
        let (width, height) = format.plane_size(number);
        let row = width * bytes;
        if plane.is_null() {
            return Err(argument(format!("plane {number} is null")));
        }
        if plane.addr() % bytes != 0 || stride % bytes != 0 {
            return Err(argument(format!(
                "plane {number} or its stride of {stride} is not aligned to samples of {bytes} bytes"
            )));
        }
        if stride < row {
            return Err(argument(format!(
                "plane {number} has a stride of {stride} bytes, and a row has {row}"
            )));
        }
        let end = stride.checked_mul(height);
        let end = end.filter(|&size| size <= isize::MAX as usize);
        if end
            .and_then(|size| plane.addr().checked_add(size))
            .is_none()
        {
            return Err(argument(format!(
                "plane {number} has a stride of {stride} bytes, and no memory is so large"
            )));
        }
    }
    Ok(())
}

/// Copies samples in, none of them above `most`.
///
/// # Safety
/// At each place is a plane of this size that [`check`] accepts, and nobody writes to it.
unsafe fn copy_in<T: Sample + Ord>(
    planes: &mut [Plane<T>; 3],
    places: impl Iterator<Item = (*const c_void, usize)>,
    most: T,
) {
    for (plane, (place, stride)) in planes.iter_mut().zip(places) {
        for (y, row) in plane.rows_mut().enumerate() {
            // SAFETY: the caller's promise.
            let from = unsafe {
                std::slice::from_raw_parts(place.byte_add(y * stride).cast::<T>(), row.len())
            };
            for (to, from) in row.iter_mut().zip(from) {
                *to = most.min(*from);
            }
        }
    }
}

/// Copies samples out.
///
/// # Safety
/// At each place is room for a plane of this size that [`check`] accepts, and nobody else uses it.
unsafe fn copy_out<T: Sample>(
    planes: &[Plane<T>; 3],
    places: impl Iterator<Item = (*mut c_void, usize)>,
) {
    for (plane, (place, stride)) in planes.iter().zip(places) {
        for (y, row) in plane.rows().enumerate() {
            // SAFETY: the caller's promise; what is there may be no samples yet, so it is only written.
            unsafe {
                let to = place.byte_add(y * stride).cast::<T>();
                ptr::copy_nonoverlapping(row.as_ptr(), to, row.len());
            }
        }
    }
}

/// A place for a handle, with none in it yet.
///
/// # Safety
/// It is null or the caller's.
unsafe fn empty<'a, T>(place: *mut *mut T) -> Result<&'a mut *mut T, Failure> {
    if place.is_null() || !place.is_aligned() {
        return Err(argument("no place for what is made"));
    }
    // SAFETY: it is aligned and the caller's; it is written before it is looked at.
    unsafe {
        place.write(ptr::null_mut());
        Ok(&mut *place)
    }
}

/// What a pointer points to, if it is one.
///
/// # Safety
/// It is null or points to one, which nobody writes to.
unsafe fn seen<'a, T>(pointer: *const T) -> Option<&'a T> {
    match pointer.is_aligned() {
        // SAFETY: the caller's promise; it is aligned.
        true => unsafe { pointer.as_ref() },
        false => None,
    }
}

/// The answer to a question about it.
///
/// # Safety
/// As for [`seen`].
unsafe fn about<T, A>(pointer: *const T, otherwise: A, question: impl FnOnce(&T) -> A) -> A {
    // SAFETY: the caller's promise.
    let it = unsafe { seen(pointer) };
    answered(otherwise, || it.map(question))
}

/// A context to work on.
///
/// # Safety
/// It is null or points to one, which no other call uses.
unsafe fn held<'a>(context: *mut Context) -> Result<&'a mut Context, Failure> {
    let context = match context.is_aligned() {
        // SAFETY: the caller's promise; it is aligned.
        true => unsafe { context.as_mut() },
        false => None,
    };
    context.ok_or_else(|| argument("no context"))
}

/// Frees what was made here.
///
/// # Safety
/// It is null, or was made here and not freed.
unsafe fn free<T>(pointer: *mut T) {
    answered((), || {
        if !pointer.is_null() && pointer.is_aligned() {
            // SAFETY: the caller's promise.
            drop(unsafe { Box::from_raw(pointer) });
        }
        Some(())
    });
}

/// A path, as the system spells it.
///
/// # Safety
/// It is null, or ends with a zero.
unsafe fn text(path: *const c_char) -> Result<PathBuf, Failure> {
    if path.is_null() {
        return Err(argument("no path"));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(path) };
    #[cfg(unix)]
    let path: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes.to_bytes());
    #[cfg(not(unix))]
    let path = bytes
        .to_str()
        .map_err(|_| argument("a path that is not UTF-8"))?;
    Ok(PathBuf::from(path))
}
