//! One file over HTTPS: resumed where it stopped, checked, and in place only when complete.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

const TRIES: usize = 4;
/// No file of these sets is nearly as large.
const MAX_BYTES: u64 = 1 << 30;

/// What the hub says of a file before it sends it.
struct Promise {
    /// Where the content is.
    url: String,
    /// The SHA-256 of the content, if it is said.
    sha256: Option<String>,
}

/// Downloads `url` to `place`.
///
/// The content gathers in `place` with `.part` added, and is renamed when size and checksum fit.
/// The error is the reason alone; the caller adds address and cure.
pub(super) fn get(url: &str, place: &Path) -> Result<(), String> {
    let agent = |redirects| -> Agent {
        Agent::config_builder()
            .max_redirects(redirects)
            .max_redirects_will_error(redirects > 0)
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .build()
            .into()
    };
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("cannot make the folder ({error})"))?;
    }
    let mut name: OsString = place.into();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut reason = String::new();
    for _ in 0..TRIES {
        let promise = match ask(&agent(0), url) {
            Ok(promise) => promise,
            Err(error) => {
                reason = error;
                continue;
            }
        };
        match receive(&agent(5), &promise.url, &part) {
            Ok(()) => return finish(&part, place, promise.sha256.as_deref()),
            Err(error) => reason = error,
        }
    }
    Err(format!("{reason}, after {TRIES} tries"))
}

/// Asks for the file without following redirects: only the first answer carries the checksum.
fn ask(agent: &Agent, url: &str) -> Result<Promise, String> {
    let answer = agent.head(url).call().map_err(|error| explain(&error))?;
    let status = answer.status();
    if !(status.is_success() || status.is_redirection()) {
        return Err(refused(status));
    }
    let target = header(&answer, "location").filter(|_| status.is_redirection());
    let target = target.unwrap_or(url);
    let sha256 = header(&answer, "x-linked-etag")
        .map(|tag| {
            tag.trim_start_matches("W/")
                .trim_matches('"')
                .to_lowercase()
        })
        .filter(|tag| tag.len() == 64 && tag.chars().all(|c| c.is_ascii_hexdigit()));
    let url = match target.strip_prefix('/') {
        // A path on the same host: keep `https://host`.
        Some(path) => {
            let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
            format!("{host}/{path}")
        }
        None => target.to_owned(),
    };
    Ok(Promise { url, sha256 })
}

/// Brings the partial file up to its full size.
fn receive(agent: &Agent, url: &str, part: &Path) -> Result<(), String> {
    let disk = |error: std::io::Error| format!("cannot write {} ({error})", part.display());
    let have = fs::metadata(part).map_or(0, |metadata| metadata.len());
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let answer = request.call().map_err(|error| explain(&error))?;
    if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // Nothing follows what is here, or it belongs to another version: start anew.
        fs::remove_file(part).map_err(disk)?;
        return Err("the partial file did not fit".to_owned());
    }
    if !answer.status().is_success() {
        return Err(refused(answer.status()));
    }
    let resumed = answer.status() == StatusCode::PARTIAL_CONTENT
        && header(&answer, "content-range")
            .is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
    let start = if resumed { have } else { 0 };
    let length: Option<u64> = header(&answer, "content-length").and_then(|text| text.parse().ok());
    let mut file = if resumed {
        OpenOptions::new().append(true).open(part).map_err(disk)?
    } else {
        File::create(part).map_err(disk)?
    };
    let mut reader = answer.into_body().into_reader().take(MAX_BYTES);
    let mut buffer = vec![0; 1 << 16];
    let mut received = 0;
    loop {
        let n = reader
            .read(&mut buffer)
            .map_err(|error| format!("the connection broke ({error})"))?;
        if n == 0 {
            break;
        }
        file.write_all(&buffer[..n]).map_err(disk)?;
        received += n as u64;
    }
    file.sync_all().map_err(disk)?;
    match length {
        Some(length) if length != received => Err(format!(
            "{received} of {length} bytes came from byte {start} on"
        )),
        _ => Ok(()),
    }
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// Checks the complete file and puts it in its place.
fn finish(part: &Path, place: &Path, sha256: Option<&str>) -> Result<(), String> {
    let disk = |error: std::io::Error| format!("cannot keep {} ({error})", place.display());
    if let Some(expected) = sha256 {
        let mut hash = Sha256::new();
        let mut file = File::open(part).map_err(disk)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(disk)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        let found: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if found != expected {
            fs::remove_file(part).map_err(disk)?;
            return Err(format!("the checksum is {found}, expected {expected}"));
        }
    }
    fs::rename(part, place).map_err(disk)
}

fn refused(status: StatusCode) -> String {
    format!("the server answered {}", status.as_u16())
}

fn explain(error: &ureq::Error) -> String {
    let reason = error.to_string().replace('\n', " ");
    format!("the server cannot be reached ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    /// Answers every request on a local port with what `answer(request head)` returns.
    fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut head = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
                let _ = stream.write_all(&answer(&head));
            }
        });
        url
    }

    fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let mut text =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes();
        text.extend(body);
        text
    }

    const SHA256_OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_redirected_file_is_checked_and_kept() {
        let url = serve(|head| match head {
            head if head.starts_with("HEAD /file ") => {
                let headers = format!("Location: /real\r\nX-Linked-Etag: \"{SHA256_OF_ABC}\"\r\n");
                response("302 Found", &headers, b"")
            }
            head if head.starts_with("GET /real ") => {
                response("200 OK", "Content-Length: 3\r\n", b"abc")
            }
            _ => response("404 Not Found", "", b""),
        });
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("deeper/file.parquet");
        get(&format!("{url}/file"), &place).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"abc");
        assert!(!dir.path().join("deeper/file.parquet.part").exists());
    }

    #[test]
    fn a_broken_download_is_resumed() {
        let url = serve(|head| match head {
            head if head.starts_with("HEAD") => response(
                "200 OK",
                &format!("X-Linked-Etag: \"{SHA256_OF_ABC}\"\r\n"),
                b"",
            ),
            head if head.to_lowercase().contains("range: bytes=2-") => response(
                "206 Partial",
                "Content-Range: bytes 2-2/3\r\nContent-Length: 1\r\n",
                b"c",
            ),
            _ => response("200 OK", "Content-Length: 3\r\n", b"ab"),
        });
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        get(&url, &place).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"abc");
    }

    #[test]
    fn errors() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        let url = serve(|_| response("404 Not Found", "", b""));
        assert_eq!(
            get(&url, &place).unwrap_err(),
            "the server answered 404, after 4 tries"
        );
        let url = serve(|head| match head.starts_with("HEAD") {
            true => response(
                "200 OK",
                &format!("X-Linked-Etag: \"{SHA256_OF_ABC}\"\r\n"),
                b"",
            ),
            false => response("200 OK", "Content-Length: 3\r\n", b"xyz"),
        });
        let reason = get(&url, &place).unwrap_err();
        assert!(
            reason.starts_with("the checksum is ") && reason.ends_with(SHA256_OF_ABC),
            "{reason}"
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        // A port that nobody listens on.
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let reason = get(&format!("http://{closed}/x"), &place).unwrap_err();
        assert!(
            reason.starts_with("the server cannot be reached ("),
            "{reason}"
        );
    }
}
