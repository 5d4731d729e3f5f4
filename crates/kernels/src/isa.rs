//! Which instructions the processor at hand has.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::Error;

/// An instruction set that kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust: the definition of every result.
    Scalar,
    /// x86-64 with AVX2 (2013 on).
    Avx2,
    /// The same with products of four bytes: AVX-VNNI (Alder Lake, Zen 5 and later), or AVX-512's without
    /// what [`Isa::Avx512`] asks for besides (Cascade Lake). Only quantised networks make use of it: to
    /// everything else it is [`Isa::Avx2`].
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ, VL, VBMI and VNNI (Ice Lake, Zen 4 and later). Earlier
    /// AVX-512 processors slow down under it and are better served by [`Isa::Avx2`].
    Avx512,
    /// AArch64 with Advanced SIMD: all of them.
    Neon,
    /// The same with products of four bytes (Cortex-A55 and A75, Apple M1 and later), which only quantised
    /// networks make use of: to everything else it is [`Isa::Neon`].
    NeonDot,
    /// WebAssembly with registers of 128 bits, which a program is compiled for. Only quantised networks
    /// make use of it.
    Wasm128,
    /// The same with relaxed instructions, where the engine is found to compute them as we need them.
    WasmRelaxed,
}

/// Every instruction set, slowest first.
const ALL: [Isa; 8] = [
    Isa::Scalar,
    Isa::Neon,
    Isa::NeonDot,
    Isa::Avx2,
    Isa::AvxVnni,
    Isa::Avx512,
    Isa::Wasm128,
    Isa::WasmRelaxed,
];

impl Isa {
    /// The one to use: what the environment variable `NERVURE_ISA` asks for, else, or when it asks
    /// for nonsense, the best there is. Found out once.
    pub fn detect() -> Isa {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| Isa::from_env().unwrap_or_else(|_| Isa::best()))
    }

    /// What `NERVURE_ISA` asks for, or the best when it is unset, empty or `auto`.
    pub fn from_env() -> Result<Isa, Error> {
        match std::env::var_os("NERVURE_ISA") {
            Some(wish) => wish.to_string_lossy().parse(),
            None => Ok(Isa::best()),
        }
    }

    /// The fastest that this processor has.
    pub fn best() -> Isa {
        let best = ALL.into_iter().rfind(|isa| isa.is_available());
        best.unwrap_or(Isa::Scalar)
    }

    /// All that this processor has, slowest first: what tests and benches go through.
    pub fn available() -> Vec<Isa> {
        ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => {
                let in_long_registers = || {
                    is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512vl")
                        && is_x86_feature_detected!("avx512vnni")
                };
                Isa::Avx2.is_available()
                    && (is_x86_feature_detected!("avxvnni") || in_long_registers())
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => {
                Isa::Neon.is_available() && std::arch::is_aarch64_feature_detected!("dotprod")
            }
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Wasm128 => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Isa::WasmRelaxed => crate::int8::products_are_right(),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// As `NERVURE_ISA` spells it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::AvxVnni => "avxvnni",
            Isa::Avx512 => "avx512",
            Isa::Neon => "neon",
            Isa::NeonDot => "neondot",
            Isa::Wasm128 => "simd128",
            Isa::WasmRelaxed => "relaxed",
        }
    }

    /// Itself.
    ///
    /// # Panics
    /// When the processor lacks it: every call of vector code rests on this check.
    pub(crate) fn checked(self) -> Isa {
        assert!(self.is_available(), "{self} is not available here");
        self
    }

    /// The one for kernels that need no products of bytes; checked.
    ///
    /// # Panics
    /// As [`Isa::checked`].
    pub(crate) fn without_dots(self) -> Isa {
        match self.checked() {
            Isa::AvxVnni => Isa::Avx2,
            Isa::NeonDot => Isa::Neon,
            Isa::Wasm128 | Isa::WasmRelaxed => Isa::Scalar,
            other => other,
        }
    }
}

impl FromStr for Isa {
    type Err = Error;

    /// By name, if the processor has it; the best for `auto` and for nothing.
    fn from_str(wish: &str) -> Result<Isa, Error> {
        let wish = wish.to_ascii_lowercase();
        if wish.is_empty() || wish == "auto" {
            return Ok(Isa::best());
        }
        match ALL.into_iter().find(|isa| isa.name() == wish) {
            None => Err(Error::UnknownIsa(wish)),
            Some(isa) if !isa.is_available() => Err(Error::UnavailableIsa(isa)),
            Some(isa) => Ok(isa),
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_granted_or_refused_by_name() {
        assert_eq!(Isa::from_str("scalar"), Ok(Isa::Scalar));
        assert_eq!(Isa::from_str("Scalar"), Ok(Isa::Scalar));
        assert_eq!(Isa::from_str("auto"), Ok(Isa::best()));
        assert_eq!(Isa::from_str(""), Ok(Isa::best()));
        assert_eq!(
            Isa::from_str("sse9"),
            Err(Error::UnknownIsa("sse9".to_owned()))
        );
        let foreign = if cfg!(target_arch = "aarch64") {
            Isa::Avx2
        } else {
            Isa::Neon
        };
        assert_eq!(
            Isa::from_str(foreign.name()),
            Err(Error::UnavailableIsa(foreign))
        );
    }

    /// Of little use by itself: it is for runs on a processor that is known to have something.
    #[test]
    fn what_the_environment_asks_for_is_there() {
        assert_eq!(Isa::from_env(), Ok(Isa::detect()));
    }

    #[test]
    fn scalar_is_always_there_and_the_best_comes_last() {
        let all = Isa::available();
        assert_eq!(all.first(), Some(&Isa::Scalar));
        assert_eq!(all.last(), Some(&Isa::best()));
        assert!(all.contains(&Isa::detect()));
    }
}
