//! A forward proxy on loopback that remembers what goes through it. It reaches loopback only: every other host is
//! answered with 502, so that a test meets no service.

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::server::{Request, read};

/// Runs until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
}

impl Proxy {
    pub fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, stopping) = (Arc::clone(&requests), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopping.load(Ordering::Relaxed) {
                    return;
                }
                let log = Arc::clone(&log);
                thread::spawn(move || drop(forward(stream, &log)));
            }
        });
        Proxy { address, requests, stop }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The hosts that were asked for, with their port if it is not the scheme's own.
    pub fn hosts(&self) -> BTreeSet<String> {
        let host = |request: &Request| match request.path.split_once("://") {
            Some((_, rest)) => rest.split(['/', '?']).next().unwrap().to_owned(),
            None => request.path.trim_end_matches(":443").to_owned(),
        };
        self.requests.lock().unwrap().iter().map(host).collect()
    }

    /// Method and URL of every request that could change something, in order. What goes through a tunnel is not seen.
    pub fn writes(&self) -> Vec<(String, String)> {
        let requests = self.requests.lock().unwrap();
        let changing = requests.iter().filter(|request| !["GET", "HEAD", "CONNECT"].contains(&request.method.as_str()));
        changing.map(|request| (request.method.clone(), request.path.clone())).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
    }
}

/// One request a connection: the client opens another for the next.
fn forward(mut stream: TcpStream, log: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let Some(request) = read(&mut BufReader::new(stream.try_clone()?))? else { return Ok(()) };
    log.lock().unwrap().push(request.clone());
    let refused = b"HTTP/1.1 502 Reply\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let target = request.path.strip_prefix("http://").filter(|target| target.starts_with("127.0.0.1:"));
    let Some((host, path)) = target.map(|target| target.split_once('/').unwrap_or((target, ""))) else {
        return stream.write_all(refused);
    };
    let Ok(mut server) = TcpStream::connect(host) else { return stream.write_all(refused) };
    let mut head = format!("{} /{path} HTTP/1.1\r\n", request.method);
    let hop = ["connection", "proxy-connection", "proxy-authorization", "transfer-encoding", "content-length"];
    for (name, value) in request.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str())) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body.len()));
    server.write_all(&[head.as_bytes(), &request.body].concat())?;
    server.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    // The answer ends with the connection.
    let text = String::from_utf8_lossy(&answer);
    let end = text.find("\r\n").unwrap_or(0);
    stream.write_all(&[&answer[..end], b"\r\nconnection: close", &answer[end..]].concat())
}
