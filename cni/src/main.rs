//! The CNI plugin: carries a runtime's request to the node's agent, and the answer back.
//!
//! Hosts often have no Python, and a runtime starts a plugin for every container, so this is a static binary that
//! knows next to nothing. The rules of CNI are the agent's.
//!
//! ```text
//! request   CNI_COMMAND=ADD NUL CNI_IFNAME=eth0 NUL ... NUL NUL  standard input, to the end
//! answer    one byte, "0" or "1" (the exit status), then what belongs on standard output, to the end
//! ```
#![forbid(unsafe_code)]

mod json;

use std::env;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const DEFAULT_SOCKET: &str = "/run/bifilar/cni.sock";
/// Runtimes give a sandbox minutes.
const PATIENCE: Duration = Duration::from_secs(30);

const NEWEST: &str = "1.1.0";
const VERSIONS: &str = r#"{"cniVersion":"1.1.0","supportedVersions":["0.3.1","0.4.0","1.0.0","1.1.0"]}"#;

/// An error code of the specification.
#[derive(Clone, Copy)]
enum Code {
    InvalidEnvironment = 4,
    IoFailure = 5,
    TryAgainLater = 11,
    /// For STATUS: no ADD can be served.
    Unavailable = 50,
}

/// What the agent says: whether the exit status is 1, and what belongs on standard output.
struct Answer {
    failed: bool,
    output: Vec<u8>,
}

fn main() {
    let command = env::var_os("CNI_COMMAND").unwrap_or_default();
    if command == "VERSION" {
        finish(&Answer { failed: false, output: VERSIONS.into() });
    }
    if command.is_empty() {
        // Somebody tries it by hand: don't wait for a configuration.
        let what = "required variables are missing: CNI_COMMAND";
        fail(NEWEST, Code::InvalidEnvironment, what, "this is a CNI plugin; a container runtime starts it");
    }

    let mut configuration = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut configuration) {
        fail(NEWEST, Code::IoFailure, "the network configuration can't be read", &error.to_string());
    }
    let [socket, version] = json::strings(&configuration, ["socket", "cniVersion"])
        .map(|text| text.filter(|text| !text.is_empty()));
    let silence = Silence {
        socket: socket.unwrap_or_else(|| DEFAULT_SOCKET.into()),
        version: version.unwrap_or_else(|| NEWEST.into()),
        code: if command == "STATUS" { Code::Unavailable } else { Code::TryAgainLater },
    };
    limit(silence.clone());
    match exchange(&silence.socket, &request(&configuration)) {
        Ok(answer) => finish(&answer),
        Err(reason) => silence.tell(&reason),
    }
}

/// What a runtime is told where the agent does not answer.
#[derive(Clone)]
struct Silence {
    socket: String,
    version: String,
    code: Code,
}

impl Silence {
    fn tell(&self, reason: &str) -> ! {
        let details = format!("{}: {reason}", self.socket);
        fail(&self.version, self.code, "the node's agent does not answer", &details)
    }
}

/// End this process when the time is up, whatever it waits for.
///
/// Connecting has no time limit of its own: where the agent's queue is full, it waits for ever.
fn limit(silence: Silence) {
    let watch = move || {
        thread::sleep(PATIENCE);
        silence.tell(&format!("no answer within {} s", PATIENCE.as_secs()))
    };
    let started = thread::Builder::new().spawn(watch);
    drop(started); // where there is no room for a thread, the agent may answer all the same
}

/// The variables of CNI and the network configuration, as they go over the socket.
fn request(configuration: &[u8]) -> Vec<u8> {
    let mut request = Vec::with_capacity(configuration.len() + 1024);
    for (name, value) in env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"CNI_")) {
        request.extend_from_slice(name.as_bytes());
        request.push(b'=');
        request.extend_from_slice(value.as_bytes());
        request.push(0);
    }
    request.push(0);
    request.extend_from_slice(configuration);
    request
}

/// The agent's answer, or why there is none.
fn exchange(socket: &str, request: &[u8]) -> Result<Answer, String> {
    let answer = converse(socket, request).map_err(|error| error.to_string())?;
    match answer.split_first() {
        Some((status @ (b'0' | b'1'), output)) => {
            Ok(Answer { failed: *status == b'1', output: output.to_vec() })
        }
        Some(_) => Err("the answer is not an agent's".into()),
        None => Err("the answer is empty".into()),
    }
}

fn converse(socket: &str, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(request)?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// End with an error as the specification has it: on standard output.
fn fail(version: &str, code: Code, what: &str, details: &str) -> ! {
    let [version, what, details] = [version, what, details].map(json::quoted);
    let code = code as u32;
    let output = format!(r#"{{"cniVersion":{version},"code":{code},"msg":{what},"details":{details}}}"#);
    finish(&Answer { failed: true, output: output.into_bytes() })
}

/// Of the two threads, only the first that gets here speaks.
fn finish(answer: &Answer) -> ! {
    static SPOKEN: AtomicBool = AtomicBool::new(false);
    while SPOKEN.swap(true, Ordering::SeqCst) {
        thread::park();
    }
    let written = io::stdout().write_all(&answer.output).and_then(|()| io::stdout().flush());
    exit(i32::from(answer.failed || written.is_err()))
}
