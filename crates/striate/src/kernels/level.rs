//! Which vector instructions the kernels use, chosen once at run time.
//!
//! `STRIATE_SIMD=avx512|avx2|plain` forces a level at or below what the CPU has.
//! On aarch64 NEON belongs to every CPU, so there the plain level is compiled to it.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// The environment variable that forces a level.
pub const VARIABLE: &str = "STRIATE_SIMD";

/// A set of vector instructions; a later one is wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Plain Rust, vectorized by the compiler for the target's baseline.
    Plain,
    /// x86-64 with AVX2 and FMA: 8 lanes of f32.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL: 16 lanes of f32.
    Avx512,
}

impl Level {
    /// The levels from narrow to wide.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Avx2, Self::Avx512];

    /// Whether this CPU has the level's instructions.
    pub fn available(self) -> bool {
        match self {
            Self::Plain => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The widest level of this CPU.
    pub fn best() -> Self {
        Self::ALL
            .into_iter()
            .rfind(|level| level.available())
            .unwrap_or(Self::Plain)
    }

    /// The level in force: the widest, or the one that `STRIATE_SIMD` names.
    ///
    /// The variable is read once.
    ///
    /// # Errors
    /// If the variable names no level, or one that this CPU lacks.
    pub fn current() -> Result<Self, LevelError> {
        static CURRENT: OnceLock<Result<Level, LevelError>> = OnceLock::new();
        CURRENT
            .get_or_init(|| match std::env::var(VARIABLE) {
                Err(_) => Ok(Self::best()),
                Ok(name) => Self::forced(&name),
            })
            .clone()
    }

    fn forced(name: &str) -> Result<Self, LevelError> {
        let level: Self = name.parse()?;
        if level.available() {
            Ok(level)
        } else {
            Err(LevelError::Unavailable {
                level,
                best: Self::best(),
            })
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        })
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(name: &str) -> Result<Self, LevelError> {
        Self::ALL
            .into_iter()
            .find(|level| level.to_string() == name)
            .ok_or_else(|| LevelError::Unknown {
                name: name.to_owned(),
            })
    }
}

/// Why `STRIATE_SIMD` cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// The name is none of the levels.
    #[error("{VARIABLE}={name}: no such level; use avx512, avx2 or plain, or unset it")]
    Unknown {
        /// What was given.
        name: String,
    },
    /// The CPU lacks the instructions.
    #[error(
        "{VARIABLE}={level}: this CPU has no such instructions; use {best} or less, or unset it"
    )]
    Unavailable {
        /// What was asked for.
        level: Level,
        /// What the CPU has.
        best: Level,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
    }

    #[test]
    fn errors() {
        let unknown = Level::forced("sse9").unwrap_err().to_string();
        assert!(
            unknown.contains("sse9") && unknown.contains("avx2"),
            "{unknown}"
        );
        assert_eq!(Level::forced("plain"), Ok(Level::Plain));
        if Level::best() < Level::Avx512 {
            assert!(Level::forced("avx512").is_err());
        }
    }
}
