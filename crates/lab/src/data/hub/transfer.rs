//! The two requests that fetch a file: what it is, and its content.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// No file of these sets is nearly as large.
const MAX_BYTES: u64 = 1 << 30;
/// A try takes at most this long; the next one goes on where it stopped.
const TRY: Duration = Duration::from_secs(3600);

/// Why a try failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another try may succeed.
    Again(String),
    /// It would fail as well.
    Final(String),
}

/// What the hub says of a file before it sends it.
pub(super) struct Promise {
    /// Where the content is.
    pub(super) url: String,
    /// The SHA-256 of the content, if it is said.
    pub(super) sha256: Option<String>,
    /// Its size, if it is said.
    size: Option<u64>,
}

/// A client that follows this many redirects.
pub(super) fn agent(redirects: u32) -> Agent {
    Agent::config_builder()
        .max_redirects(redirects)
        .max_redirects_will_error(redirects > 0)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .timeout_recv_body(Some(TRY))
        .build()
        .into()
}

/// Asks for the file without following redirects: only the first answer carries the checksum.
pub(super) fn ask(agent: &Agent, url: &str) -> Result<Promise, Failure> {
    let answer = agent
        .head(url)
        .call()
        .map_err(|error| Failure::Again(explain(&error)))?;
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
    let size = header(&answer, "x-linked-size").and_then(|size| size.parse().ok());
    Ok(Promise { url, sha256, size })
}

/// Brings the partial file up to its full size; whether it went on where an earlier try had stopped.
///
/// A body that is longer than promised, or that is silent for `silence`, ends the try.
pub(super) fn receive(
    agent: &Agent,
    promise: &Promise,
    part: &Path,
    silence: Duration,
) -> Result<bool, Failure> {
    let disk = |error: std::io::Error| {
        Failure::Final(format!("cannot write {} ({error})", part.display()))
    };
    let have = fs::metadata(part).map_or(0, |metadata| metadata.len());
    if have > 0 && promise.sha256.is_some() && promise.size == Some(have) {
        // An earlier try ended before its checksum was looked at.
        return Ok(true);
    }
    let mut request = agent.get(&promise.url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let answer = request
        .call()
        .map_err(|error| Failure::Again(explain(&error)))?;
    if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // Nothing follows what is here, or it belongs to another version: start anew.
        fs::remove_file(part).map_err(disk)?;
        return Err(Failure::Again("the partial file did not fit".to_owned()));
    }
    if !answer.status().is_success() {
        return Err(refused(answer.status()));
    }
    let resumed = answer.status() == StatusCode::PARTIAL_CONTENT
        && header(&answer, "content-range")
            .is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
    let start = if resumed { have } else { 0 };
    let length: Option<u64> = header(&answer, "content-length").and_then(|text| text.parse().ok());
    let total = match (
        length.and_then(|length| length.checked_add(start)),
        promise.size,
    ) {
        (Some(total), Some(size)) if total != size => {
            let reason = format!("the server promises {size} bytes and sends {total}");
            return Err(Failure::Again(reason));
        }
        (Some(total), _) | (None, Some(total)) => total,
        (None, None) => {
            let reason = "the server does not say how large the file is".to_owned();
            return Err(Failure::Final(reason));
        }
    };
    if total > MAX_BYTES {
        let reason =
            format!("the server promises {total} bytes, more than any file of the sets has");
        return Err(Failure::Final(reason));
    }
    let mut file = if resumed {
        OpenOptions::new().append(true).open(part).map_err(disk)?
    } else {
        File::create(part).map_err(disk)?
    };
    let mut received = start;
    pump(answer.into_body().into_reader(), silence, |bytes| {
        received += bytes.len() as u64;
        if received > total {
            return Err(Failure::Again(format!(
                "more came than the promised {total} bytes"
            )));
        }
        file.write_all(bytes).map_err(disk)
    })
    .inspect_err(|_| {
        // What is beyond the promise belongs to another file.
        if received > total {
            let _ = fs::remove_file(part);
        }
    })?;
    file.sync_all().map_err(disk)?;
    match received == total {
        true => Ok(resumed),
        false => Err(Failure::Again(format!(
            "the connection broke after {received} of {total} bytes"
        ))),
    }
}

/// Hands the blocks of a body to `take` until its end.
///
/// Another thread reads, so that silence can be noticed; after that it ends with its connection.
fn pump(
    mut body: impl Read + Send + 'static,
    silence: Duration,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (sender, blocks) = sync_channel(4);
    let read = move || loop {
        let mut block = vec![0; 1 << 16];
        let read = body.read(&mut block);
        let is_last = !matches!(read, Ok(n) if n > 0);
        let read = read.map(|n| {
            block.truncate(n);
            block
        });
        if sender.send(read).is_err() || is_last {
            return;
        }
    };
    let started = thread::Builder::new()
        .name("download".to_owned())
        .spawn(read);
    started.map_err(|error| Failure::Final(format!("cannot start a thread ({error})")))?;
    loop {
        match blocks.recv_timeout(silence) {
            Ok(Ok(block)) if block.is_empty() => return Ok(()),
            Ok(Ok(block)) => take(&block)?,
            Ok(Err(error)) => {
                return Err(Failure::Again(format!("the connection broke ({error})")));
            }
            Err(RecvTimeoutError::Timeout) => {
                let seconds = silence.as_secs_f32();
                let reason = format!("the server sent nothing for {seconds} seconds");
                return Err(Failure::Again(reason));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Again("the connection broke".to_owned()));
            }
        }
    }
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

/// A status that is no success. Requests that are wrong stay so; those that come too often do not.
fn refused(status: StatusCode) -> Failure {
    let reason = format!("the server answered {}", status.as_u16());
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    match status.is_client_error() && !passes.contains(&status) {
        true => Failure::Final(reason),
        false => Failure::Again(reason),
    }
}

fn explain(error: &ureq::Error) -> String {
    let reason = error.to_string().replace('\n', " ");
    format!("the server cannot be reached ({reason})")
}
