//! How the encoders' memory is allocated.

/// Makes every large block that libav and the encoders allocate come fresh and zeroed.
///
/// Encoders have been found to read memory that they never wrote (the recipe of x264 tells of one).
/// With the default allocator a second encoder in the same process gets blocks that the first has
/// used, whose contents depend on timing, and such a fault then gives other bytes from run to run.
/// With a fixed threshold, large blocks come from the kernel each time. They are allocated when an
/// encoder opens, not for each frame, so this costs nothing that can be measured; and they go back
/// when it closes.
pub(super) fn fresh_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const THRESHOLD: libc::c_int = 64 << 10;
        // SAFETY: sets a number in the allocator, under its own lock.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD) };
    }
}

/// Gives back to the system what encoders have left behind: each starts threads, each of which keeps
/// small blocks for later, and the next encoder has threads of its own.
pub(super) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: walks the allocator's free blocks under its own locks.
        unsafe { libc::malloc_trim(0) };
    }
}
