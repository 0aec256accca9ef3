//! One file over HTTPS: resumed where it stopped, checked, and in place only when complete.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::transfer::{Failure, agent, ask, receive};
use crate::data::hex::hex;

/// How often and how long to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Tries in all.
    tries: u32,
    /// The pause before the second try; every further one is twice as long as the one before.
    pause: Duration,
    /// A server that sends nothing for so long is given up.
    silence: Duration,
}

impl Patience {
    /// For servers on the internet.
    pub(super) const USUAL: Self = Self {
        tries: 5,
        pause: Duration::from_secs(2),
        silence: Duration::from_secs(30),
    };
}

/// Downloads `url` to `place`.
///
/// The content gathers in `place` with `.part` added, and is renamed when size and checksum fit.
/// A second download of the same folder waits for the first, and then finds the file in its place.
/// The error is the reason alone; the caller adds address and cure.
pub(super) fn get(url: &str, place: &Path, patience: &Patience) -> Result<(), String> {
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| format!("cannot make the folder ({error})"))?;
    let _lock = lock(folder)?;
    if place.is_file() {
        return Ok(());
    }
    let mut name: OsString = place.into();
    name.push(".part");
    let part = PathBuf::from(name);
    let mut pause = patience.pause;
    let mut reason = String::new();
    for number in 0..patience.tries {
        if number > 0 {
            thread::sleep(pause);
            pause *= 2;
        }
        match attempt(url, &part, place, patience.silence) {
            Ok(()) => return Ok(()),
            Err(Failure::Final(reason)) => return Err(reason),
            Err(Failure::Again(other)) => reason = other,
        }
    }
    Err(format!("{reason}, after {} tries", patience.tries))
}

/// Holds a folder for one download at a time, until the file is closed.
fn lock(folder: &Path) -> Result<File, String> {
    let path = folder.join(".lock");
    let failed = |error| format!("cannot lock {} ({error})", path.display());
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    let file = options.open(&path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn attempt(url: &str, part: &Path, place: &Path, silence: Duration) -> Result<(), Failure> {
    let disk = |error: std::io::Error| {
        Failure::Final(format!("cannot keep {} ({error})", place.display()))
    };
    let promise = ask(&agent(0), url)?;
    if promise.sha256.is_none() && part.exists() {
        // Nothing would show that the rest belongs to what is here.
        fs::remove_file(part).map_err(disk)?;
    }
    let resumed = receive(&agent(5), &promise, part, silence)?;
    if let Some(expected) = &promise.sha256 {
        let found = sha256(part).map_err(disk)?;
        if found != *expected {
            fs::remove_file(part).map_err(disk)?;
            let reason = format!("the checksum is {found}, expected {expected}");
            return Err(match resumed {
                // The first part may be of another version of the file.
                true => Failure::Again(reason),
                false => Failure::Final(reason),
            });
        }
    }
    fs::rename(part, place).map_err(disk)
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    const HASTY: Patience = Patience {
        tries: 4,
        pause: Duration::from_millis(20),
        silence: Duration::from_millis(300),
    };

    /// Answers every request on a local port: `answer` gets its head and the connection.
    fn serve_by(answer: impl Fn(&str, &mut dyn Write) + Send + Sync + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    let mut head = String::new();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
                    answer(&head, &mut stream);
                });
            }
        });
        url
    }

    /// Answers every request with what `answer(request head)` returns.
    fn serve(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> String {
        serve_by(move |head, stream| {
            let _ = stream.write_all(&answer(head));
        })
    }

    fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let mut text =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes();
        text.extend(body);
        text
    }

    fn promise() -> Vec<u8> {
        let headers = format!("X-Linked-Etag: \"{SHA256_OF_ABC}\"\r\n");
        response("200 OK", &headers, b"")
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
        get(&format!("{url}/file"), &place, &HASTY).unwrap();
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
        get(&url, &place, &HASTY).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"abc");
    }

    #[test]
    fn a_checksum_that_fails_after_resuming_is_tried_afresh() {
        let url = serve(|head| match head {
            head if head.starts_with("HEAD") => promise(),
            head if head.to_lowercase().contains("range: bytes=2-") => response(
                "206 Partial",
                "Content-Range: bytes 2-2/3\r\nContent-Length: 1\r\n",
                b"c",
            ),
            _ => response("200 OK", "Content-Length: 3\r\n", b"abc"),
        });
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        fs::write(dir.path().join("file.part"), "xy").unwrap();
        get(&url, &place, &HASTY).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"abc");
    }

    #[test]
    fn content_that_is_all_here_is_not_fetched_again() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let url = serve(move |head| match head.starts_with("HEAD") {
            true => {
                let etag = format!("X-Linked-Etag: \"{SHA256_OF_ABC}\"\r\n");
                response("200 OK", &format!("{etag}X-Linked-Size: 3\r\n"), b"")
            }
            false => {
                count.fetch_add(1, Ordering::SeqCst);
                response("200 OK", "Content-Length: 3\r\n", b"abc")
            }
        });
        let dir = tempfile::tempdir().unwrap();
        let (place, part) = (dir.path().join("file"), dir.path().join("file.part"));
        // The second is as long, and is not it.
        for (text, wanted) in [("abc", 0), ("xyz", 1)] {
            fs::write(&part, text).unwrap();
            get(&url, &place, &HASTY).unwrap();
            assert_eq!(fs::read(&place).unwrap(), b"abc");
            assert_eq!(asked.load(Ordering::SeqCst), wanted);
            fs::remove_file(&place).unwrap();
        }
    }

    #[test]
    fn a_silent_server_is_given_up_after_pauses() {
        let url = serve_by(|head, stream| {
            let body = if head.starts_with("HEAD") {
                promise()
            } else {
                response("200 OK", "Content-Length: 3\r\n", b"a")
            };
            let _ = stream.write_all(&body);
            let _ = stream.flush();
            if !head.starts_with("HEAD") {
                thread::sleep(Duration::from_secs(20));
            }
        });
        let dir = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let reason = get(&url, &dir.path().join("file"), &HASTY).unwrap_err();
        assert!(
            reason.starts_with("the server sent nothing for 0.3 seconds"),
            "{reason}"
        );
        // Four silences and pauses of 20, 40 and 80 ms.
        let took = start.elapsed();
        assert!(took > Duration::from_millis(4 * 300 + 140) && took < Duration::from_secs(10));
    }

    #[test]
    fn bodies_of_another_length_are_not_kept() {
        for (headers, body, expected) in [
            ("Content-Length: 3\r\n", "ab", "the connection broke"),
            ("", "abc", "the server does not say how large the file is"),
            (
                "Content-Length: 99999999999\r\n",
                "abc",
                "the server promises 99999999999 bytes",
            ),
        ] {
            let url = serve(move |head| match head.starts_with("HEAD") {
                true => response("200 OK", "", b""),
                false => response("200 OK", headers, body.as_bytes()),
            });
            let dir = tempfile::tempdir().unwrap();
            let place = dir.path().join("file");
            let reason = get(&url, &place, &HASTY).unwrap_err();
            assert!(reason.starts_with(expected), "{reason}");
            assert!(!place.exists());
        }
    }

    #[test]
    fn an_endless_body_ends_where_it_was_promised_to() {
        let url = serve_by(|head, stream| {
            if head.starts_with("HEAD") {
                let _ = stream.write_all(&response("200 OK", "X-Linked-Size: 100\r\n", b""));
                return;
            }
            let _ = stream.write_all(&response("200 OK", "", b""));
            while stream.write_all(&[7; 4096]).is_ok() {}
        });
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        let reason = get(&url, &place, &HASTY).unwrap_err();
        assert!(
            reason.starts_with("more came than the promised 100 bytes"),
            "{reason}"
        );
        let left: u64 = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert_eq!(left, 0);
    }

    #[test]
    fn two_downloads_at_once_fetch_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let url = serve(move |head| match head.starts_with("HEAD") {
            true => promise(),
            false => {
                count.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(100));
                response("200 OK", "Content-Length: 3\r\n", b"abc")
            }
        });
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        thread::scope(|scope| {
            let tries: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| get(&url, &place, &HASTY)))
                .collect();
            for result in tries {
                assert_eq!(result.join().unwrap(), Ok(()));
            }
        });
        assert_eq!(fs::read(&place).unwrap(), b"abc");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(!dir.path().join("file.part").exists());
    }

    #[test]
    fn errors() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("file");
        let url = serve(|_| response("404 Not Found", "", b""));
        assert_eq!(
            get(&url, &place, &HASTY).unwrap_err(),
            "the server answered 404"
        );
        let url = serve(|_| response("503 Busy", "", b""));
        assert_eq!(
            get(&url, &place, &HASTY).unwrap_err(),
            "the server answered 503, after 4 tries"
        );
        let url = serve(|head| match head.starts_with("HEAD") {
            true => promise(),
            false => response("200 OK", "Content-Length: 3\r\n", b"xyz"),
        });
        let reason = get(&url, &place, &HASTY).unwrap_err();
        assert!(
            reason.starts_with("the checksum is ") && reason.ends_with(SHA256_OF_ABC),
            "{reason}"
        );
        let names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, [".lock"]);
        // A port that nobody listens on.
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let reason = get(&format!("http://{closed}/x"), &place, &HASTY).unwrap_err();
        assert!(
            reason.starts_with("the server cannot be reached ("),
            "{reason}"
        );
    }
}
