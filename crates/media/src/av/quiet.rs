//! Encoders that write to standard error on their own.

/// SVT-AV1 prints a banner for every encoder it opens and can be told otherwise only through the
/// environment, which no program may change while other threads read it. So it is changed before
/// `main`, when there are none. A value that the user set stays.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
static BEFORE_MAIN: extern "C" fn() = {
    extern "C" fn quieten() {
        unsafe extern "C" {
            fn setenv(
                name: *const std::ffi::c_char,
                value: *const std::ffi::c_char,
                overwrite: std::ffi::c_int,
            ) -> std::ffi::c_int;
        }
        // SAFETY: both strings are constants, and no other thread exists yet. 0 asks for fatal errors
        // only; what fails also returns an error, which is reported.
        unsafe {
            setenv(c"SVT_LOG".as_ptr(), c"0".as_ptr(), 0);
        }
    }
    quieten
};
