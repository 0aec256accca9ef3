//! The page from a server, following runs in progress. It only reads, and only below one folder.

mod answer;
mod live;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;

use super::{Page, ReportError};
use answer::{Answer, Site};

/// Connections at one time.
const CONNECTIONS: usize = 64;
/// A client that has not sent its request by then is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server of the page that is bound to its address.
///
/// ```no_run
/// use lab::report::{Page, Server};
/// let server = Server::bind("127.0.0.1:8321".parse()?, "runs")?;
/// println!("http://{}/", server.address());
/// server.run(|| Ok(Page::default()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    runs: PathBuf,
}

impl Server {
    /// Takes the address; `runs` is the folder of the runs. Port 0 takes any free one.
    ///
    /// # Errors
    /// An address that is in use, or not of this machine.
    pub fn bind(address: SocketAddr, runs: impl Into<PathBuf>) -> Result<Self, ReportError> {
        let failed = |source| ReportError::Address { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            listener,
            address,
            runs: runs.into(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process ends; `page` makes the page anew whenever it is asked for.
    ///
    /// # Errors
    /// A system that cannot wait for connections.
    pub fn run(
        self,
        page: impl Fn() -> Result<Page, ReportError> + 'static,
    ) -> Result<(), ReportError> {
        let address = self.address;
        let failed = |source| ReportError::Address { address, source };
        let site = Rc::new(Site::new(self.runs, address, Box::new(page)));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let tasks = tokio::task::LocalSet::new();
        let served = tasks.block_on(&runtime.map_err(failed)?, serve(self.listener, site));
        served.map_err(failed)
    }
}

async fn serve(listener: TcpListener, site: Rc<Site>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return Ok(());
        };
        // A connection that fails before it begins is the client's affair.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let site = Rc::clone(&site);
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                let answer = respond(&site, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let mut http = http1::Builder::new();
            let http = http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // A client that goes away has seen enough.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
            drop(place);
        });
    }
}

fn respond(site: &Site, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let host = request.headers().get(hyper::header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let answer = site.answer(request.method().as_str(), request.uri().path(), host);
    let Answer { status, kind, body } = answer;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    // Every status and header here is a constant of this module.
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-type", kind),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    #[test]
    fn a_browser_gets_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::bind("127.0.0.1:0".parse().unwrap(), folder.path()).unwrap();
        let address = server.address();
        let taken = Server::bind(address, folder.path())
            .unwrap_err()
            .to_string();
        assert!(taken.contains(&address.to_string()), "{taken}");
        std::thread::spawn(move || server.run(|| Ok(Page::default())));
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
        assert!(text.contains("x-content-type-options: nosniff"), "{text}");
        assert!(text.contains("data-mode=\"served\""), "{text}");
    }
}
