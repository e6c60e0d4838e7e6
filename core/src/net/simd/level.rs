//! Instruction sets with kernels of their own, and the one place that chooses between them.

use core::fmt;

/// Whether the CPU has these instructions; without std, whether the build assumes them.
#[cfg(target_arch = "x86_64")]
macro_rules! has {
    ($($feature:tt),+) => {{
        #[cfg(feature = "std")]
        let has = $(std::arch::is_x86_feature_detected!($feature))&&+;
        #[cfg(not(feature = "std"))]
        let has = cfg!(all($(target_feature = $feature),+));
        has
    }};
}
#[cfg(target_arch = "x86_64")]
pub(super) use has;

/// Instruction set with kernels of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// x86-64 with AVX-512F and AVX-512BW.
    Avx512,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// WebAssembly with simd128.
    Simd128,
    /// Any target.
    Portable,
}

impl Level {
    /// All levels, the fastest first.
    pub const ALL: [Level; 4] = [Level::Avx512, Level::Avx2, Level::Simd128, Level::Portable];

    /// Whether this build has the level and this CPU its instructions.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => has!("avx512f", "avx512bw"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => has!("avx2", "fma"),
            Level::Simd128 => cfg!(all(target_arch = "wasm32", target_feature = "simd128")),
            Level::Portable => true,
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The fastest available level.
    pub fn best() -> Level {
        Level::ALL.into_iter().find(|level| level.is_available()).unwrap_or(Level::Portable)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Avx512 => "avx512",
            Level::Avx2 => "avx2",
            Level::Simd128 => "simd128",
            Level::Portable => "portable",
        })
    }
}

/// The table that `$table!` builds from a level's vectors, compiled for its instruction set; `None` if the level is not available.
macro_rules! per_level {
    ($level:expr, $table:ident, $vectors:ident) => {
        match $level {
            level if !level.is_available() => None,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Some($table!($vectors::x86::Avx512, #[target_feature(enable = "avx512f,avx512bw")]))
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Some($table!($vectors::x86::Avx2, #[target_feature(enable = "avx2,fma")])),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128 => Some($table!($vectors::wasm::Simd128)),
            _ => Some($table!($vectors::Portable4)),
        }
    };
}
pub(super) use per_level;
