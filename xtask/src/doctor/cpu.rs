//! The CPU: vector instructions, the level in force, threads.

use super::line::Line;

pub(super) fn lines() -> Vec<Line> {
    let machine = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
    let features = features();
    let found: Vec<&str> = features
        .iter()
        .filter(|(_, has)| *has)
        .map(|(name, _)| *name)
        .collect();
    let found = if found.is_empty() {
        "the baseline".to_owned()
    } else {
        found.join(" ")
    };
    vec![
        Line::fine("machine", machine),
        Line::fine("vectors", found),
        level(
            &levels(&features),
            std::env::var("STRIATE_SIMD").ok().as_deref(),
        ),
        threads(std::env::var("RAYON_NUM_THREADS").ok().as_deref()),
    ]
}

/// The features that the kernels look at, and whether the CPU has them.
#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512dq", is_x86_feature_detected!("avx512dq")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
    ]
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<(&'static str, bool)> {
    Vec::new()
}

/// The levels that `STRIATE_SIMD` may name here, narrow to wide.
fn levels(features: &[(&str, bool)]) -> Vec<&'static str> {
    let all = |names: &[&str]| {
        names.iter().all(|name| {
            features
                .iter()
                .any(|(feature, has)| feature == name && *has)
        })
    };
    let avx2 = all(&["avx2", "fma"]);
    let avx512 = avx2 && all(&["avx512f", "avx512bw", "avx512dq", "avx512vl"]);
    let wide = [("avx2", avx2), ("avx512", avx512)];
    ["plain"]
        .into_iter()
        .chain(wide.iter().filter(|(_, has)| *has).map(|(name, _)| *name))
        .collect()
}

fn level(levels: &[&str], forced: Option<&str>) -> Line {
    let best = levels.last().copied().unwrap_or("plain");
    match forced {
        None => Line::fine(
            "level",
            format!("{best} (the widest; STRIATE_SIMD is not set)"),
        ),
        Some(name) if levels.contains(&name) => Line::fine(
            "level",
            format!("{name} (by STRIATE_SIMD; the widest is {best})"),
        ),
        Some(name) => {
            let here = levels.join(", ");
            Line::wrong(
                "level",
                format!("STRIATE_SIMD={name} cannot be used; here: {here}"),
            )
        }
    }
}

fn threads(forced: Option<&str>) -> Line {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match forced.map(str::parse::<usize>) {
        None => Line::fine("threads", format!("{cores} (RAYON_NUM_THREADS is not set)")),
        Some(Ok(0)) => Line::fine("threads", format!("{cores} (RAYON_NUM_THREADS=0: all)")),
        Some(Ok(n)) => Line::fine(
            "threads",
            format!("{n} (by RAYON_NUM_THREADS; cores: {cores})"),
        ),
        Some(Err(_)) => Line::wrong("threads", "RAYON_NUM_THREADS is not a number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_need_all_their_features() {
        let wide = ["avx512f", "avx512bw", "avx512dq", "avx512vl"].map(|name| (name, true));
        let avx2 = [("avx2", true), ("fma", true)];
        assert_eq!(levels(&[]), ["plain"]);
        assert_eq!(levels(&wide), ["plain"]);
        assert_eq!(levels(&avx2), ["plain", "avx2"]);
        assert_eq!(
            levels(&[&avx2[..], &wide].concat()),
            ["plain", "avx2", "avx512"]
        );
        assert_eq!(levels(&[&avx2[..], &wide[1..]].concat()), ["plain", "avx2"]);
    }

    #[test]
    fn forced_level_must_exist_here() {
        assert!(level(&["plain", "avx2"], None).text.starts_with("avx2"));
        assert!(level(&["plain", "avx2"], Some("plain")).fine);
        let line = level(&["plain", "avx2"], Some("avx512"));
        assert!(
            !line.fine && line.text.contains("STRIATE_SIMD=avx512"),
            "{}",
            line.text
        );
    }

    #[test]
    fn forced_threads_must_be_a_number() {
        assert!(threads(Some("3")).text.starts_with("3 "));
        assert!(!threads(Some("many")).fine);
    }
}
