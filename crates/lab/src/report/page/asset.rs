//! The fixed parts of the page: markup, styles, scripts and the chart library.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::report::ReportError;

/// uPlot 1.6.32 by Leon Sorokin, MIT; see `uplot/LICENSE`.
const UPLOT: &str = include_str!("uplot/uPlot.iife.min.js");
const UPLOT_STYLE: &str = include_str!("uplot/uPlot.min.css");

const FRAME: &str = include_str!("index.html");

const STYLES: [&str; 3] = [
    UPLOT_STYLE,
    include_str!("style/base.css"),
    include_str!("style/parts.css"),
];

/// In the order in which they need each other; they share one scope.
const SCRIPTS: [&str; 11] = [
    include_str!("script/dom.js"),
    include_str!("script/theme.js"),
    include_str!("script/filter.js"),
    include_str!("script/verdicts.js"),
    include_str!("script/table.js"),
    include_str!("script/details.js"),
    include_str!("script/chart.js"),
    include_str!("script/pictures.js"),
    include_str!("script/compare.js"),
    include_str!("script/live.js"),
    include_str!("script/main.js"),
];

/// The page around its data, which are JSON without `<`.
pub(super) fn html(data: &str, served: bool) -> Result<String, ReportError> {
    let style = STYLES.join("\n");
    let script = format!("\"use strict\";\n{UPLOT}\n{}", SCRIPTS.join("\n"));
    let (pictures, news) = match served {
        true => ("'self'", "'self'"),
        false => ("data:", "'none'"),
    };
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src {pictures}; connect-src {news}; \
         style-src '{}'; script-src '{}'",
        hash(&style),
        hash(&script),
    );
    let mode = if served { "served" } else { "file" };
    let parts = [
        ("@policy@", policy.as_str()),
        ("@style@", style.as_str()),
        ("@mode@", mode),
        ("@data@", data),
        ("@script@", script.as_str()),
    ];
    // Piece by piece from the left, so that nothing in a part is taken for a mark.
    let (mut page, mut rest) = (String::new(), FRAME);
    for (mark, part) in parts {
        let (before, after) = rest
            .split_once(mark)
            .ok_or_else(|| ReportError::Template(format!("no {mark} in index.html")))?;
        page.extend([before, part]);
        rest = after;
    }
    Ok(page + rest)
}

/// The name that a policy gives to an inline style or script.
fn hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_library_is_the_published_one() {
        let hex = |text: &str| -> String {
            let digest = Sha256::digest(text);
            digest.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        assert_eq!(
            hex(UPLOT),
            "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"
        );
        assert_eq!(
            hex(UPLOT_STYLE),
            "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04"
        );
        assert!(include_str!("uplot/LICENSE").contains("MIT"));
    }

    #[test]
    fn marks_in_the_data_stay_data() {
        let page = html("{\"a\":\"@script@ @style@\"}", false).unwrap();
        assert!(page.contains("{\"a\":\"@script@ @style@\"}</script>"));
        assert_eq!(page.matches("uPlot=function").count(), 1);
    }

    #[test]
    fn a_run_is_linked_with_files_of_its_folder() {
        let page = html("{}", true).unwrap();
        assert!(page.contains(r#"["result.json", "config.toml", "log.jsonl"]"#));
        assert!(!page.contains("record.json"));
    }

    #[test]
    fn nothing_comes_from_outside() {
        let page = html("{}", false).unwrap();
        for wanted in ["default-src 'none'", "connect-src 'none'", "img-src data:"] {
            assert!(page.contains(wanted), "no {wanted}");
        }
        for unwanted in ["src=\"http", "href=\"http", "url(http", "@import", "<link"] {
            assert!(!page.contains(unwanted), "{unwanted}");
        }
    }
}
