//! All SIMD and all `unsafe`: pixel loops with a scalar twin for each, chosen at run time.
