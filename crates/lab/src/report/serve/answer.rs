//! What the server answers: the page, its data, news of the runs, and a few kinds of files of theirs.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::live::Watch;
use crate::report::{Page, ReportError, files};

/// A longer file is not sent: 64 MiB.
const LONGEST: u64 = 64 << 20;

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// The kinds of files of a run that are sent; weights and data are none of them.
const KINDS: [(&str, &str); 4] = [
    ("png", "image/png"),
    ("json", TEXT),
    ("jsonl", TEXT),
    ("toml", TEXT),
];

/// What makes the page.
type MakePage = Box<dyn Fn() -> Result<Page, ReportError>>;

/// Everything that can be asked for.
pub(super) struct Site {
    runs: PathBuf,
    address: SocketAddr,
    page: MakePage,
    watch: RefCell<Watch>,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { status, kind, body }
    }
}

impl Site {
    pub(super) fn new(runs: PathBuf, address: SocketAddr, page: MakePage) -> Self {
        Self {
            watch: RefCell::new(Watch::new(&runs)),
            runs,
            address,
            page,
        }
    }

    /// The answer to a request by its method, path and host.
    pub(super) fn answer(&self, method: &str, path: &str, host: Option<&str>) -> Answer {
        if !matches!(method, "GET" | "HEAD") {
            return Answer::new(405, TEXT, "this server only reads; use GET\n");
        }
        if !self.is_called(host) {
            return Answer::new(
                403,
                TEXT,
                "this server answers to the address of this machine only\n",
            );
        }
        let answer = match path {
            "/" | "/index.html" => self.page(Page::to_served_html, HTML),
            "/data.json" => self.page(Page::to_json, JSON),
            "/live.json" => self.live(),
            "/favicon.ico" => Ok(Answer::new(204, TEXT, "")),
            _ => match path.strip_prefix("/files/") {
                Some(file) => self.file(file),
                None => Ok(not_found()),
            },
        };
        answer.unwrap_or_else(|error| Answer::new(500, TEXT, format!("{error}\n")))
    }

    /// Whether the request names this server, so that a foreign page cannot read it under a name of its own.
    ///
    /// A server that is open to other machines has names that are not known here.
    fn is_called(&self, host: Option<&str>) -> bool {
        if !self.address.ip().is_loopback() {
            return true;
        }
        let Some(host) = host else { return false };
        let port = format!(":{}", self.address.port());
        let name = host.strip_suffix(&port).unwrap_or(host);
        let ip = name.trim_start_matches('[').trim_end_matches(']').parse();
        name == "localhost" || ip.is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    fn page(
        &self,
        write: impl Fn(&Page) -> Result<String, ReportError>,
        kind: &'static str,
    ) -> Result<Answer, ReportError> {
        Ok(Answer::new(200, kind, write(&(self.page)()?)?))
    }

    fn live(&self) -> Result<Answer, ReportError> {
        let news = self.watch.borrow_mut().news()?;
        Ok(Answer::new(200, JSON, news))
    }

    /// A file of a run. It must be among the regular files below the folder, which no link is.
    fn file(&self, name: &str) -> Result<Answer, ReportError> {
        let Some(name) = percent_decoded(name) else {
            return Ok(not_found());
        };
        let wanted = self.runs.join(&name);
        let extension = Path::new(&name).extension().and_then(|e| e.to_str());
        let kind = KINDS.iter().find(|(known, _)| Some(*known) == extension);
        let known = || files::regular_files(&self.runs).map(|files| files.contains(&wanted));
        match kind {
            Some((_, kind)) if known()? => {
                Ok(Answer::new(200, kind, files::read(&wanted, LONGEST)?))
            }
            _ => Ok(not_found()),
        }
    }
}

fn not_found() -> Answer {
    Answer::new(404, TEXT, "there is no such page\n")
}

/// The text of an address; `None` if it is no UTF-8, or a `%` is followed by no two digits.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?].map(char::from);
                let [high, low] = digits.map(|digit| digit.to_digit(16));
                (high? * 16 + low?) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn site(runs: &Path) -> Site {
        let address = "127.0.0.1:80".parse().unwrap();
        Site::new(runs.to_owned(), address, Box::new(|| Ok(Page::default())))
    }

    fn status(site: &Site, path: &str) -> u16 {
        site.answer("GET", path, Some("127.0.0.1:80")).status
    }

    #[test]
    fn pages_and_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a b")).unwrap();
        fs::write(folder.path().join("a b/record.json"), "[]").unwrap();
        fs::write(folder.path().join("weights.safetensors"), "w").unwrap();
        let site = site(folder.path());
        for path in [
            "/",
            "/index.html",
            "/data.json",
            "/live.json",
            "/files/a%20b/record.json",
        ] {
            assert_eq!(status(&site, path), 200, "{path}");
        }
        for path in [
            "/x",
            "/files/",
            "/files/weights.safetensors",
            "/files/a%2",
            "/files/%ff",
            "/files/a%20b",
        ] {
            assert_eq!(status(&site, path), 404, "{path}");
        }
        assert_eq!(site.answer("POST", "/", Some("localhost:80")).status, 405);
        assert_eq!(site.answer("DELETE", "/files/a", None).status, 405);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_outside_the_folder() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.json"), "secret").unwrap();
        let secret = outside.path().join("secret.json");
        let folder = outside.path().join("runs");
        fs::create_dir_all(folder.join("a")).unwrap();
        symlink(&secret, folder.join("a/link.json")).unwrap();
        symlink(outside.path(), folder.join("out")).unwrap();
        symlink(".", folder.join("loop")).unwrap();
        let site = site(&folder);
        for path in [
            "/files/../secret.json",
            "/files/a/../../secret.json",
            "/files/%2e%2e/secret.json",
            "/files/a%2f..%2f..%2fsecret.json",
            "/files/a/link.json",
            "/files/out/secret.json",
            "/files/loop/loop/a/link.json",
            &format!("/files/{}", secret.display()),
            &format!("/files//{}", secret.display()),
        ] {
            assert_eq!(status(&site, path), 404, "{path}");
        }
    }

    #[test]
    fn a_foreign_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let status = |host| site.answer("GET", "/", host).status;
        for host in [
            "localhost",
            "localhost:80",
            "127.0.0.1:80",
            "[::1]:80",
            "127.0.0.1",
        ] {
            assert_eq!(status(Some(host)), 200, "{host}");
        }
        for host in [
            Some("evil.example:80"),
            Some("localhost.evil.example"),
            Some(""),
            None,
        ] {
            assert_eq!(status(host), 403, "{host:?}");
        }
    }
}
