//! The near side: runs `ovl node serve` on nodes and asks it.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::protocol::{Answer, AnswerOutcome, Ask, Hello, Question, SCHEMA};
use super::{Local, Remote, parallel};
use crate::collect::Scope;
use crate::model::bundle::Missing;
use crate::model::{Bundle, Node};

/// How long one node may take, unless said otherwise.
pub const LIMIT: Duration = Duration::from_secs(30);

/// What is said of an answer to another question.
pub(super) const BESIDE: &str = "its answer is not to the question";

/// The longest answer taken, octets.
const LONGEST: u64 = 1 << 30;

/// How long a node's program has to end by itself after its input has ended.
const GRACE: Duration = Duration::from_millis(500);

/// Asks all nodes, several at once; the answers are in the order of the nodes.
pub fn ask_all(remote: &Remote, scope: &Scope) -> Bundle {
    let answers = parallel::each(&remote.nodes, remote.at_once, |(name, command)| {
        (name.clone(), ask(name, command, remote, scope))
    });
    let mut bundle = Bundle::new(Vec::new(), Vec::new());
    for (node, answer) in answers {
        match answer {
            Ok(snapshot) => bundle.nodes.push(snapshot),
            Err(reason) => bundle.missing.push(Missing { node, reason }),
        }
    }
    bundle
}

fn ask(name: &str, command: &[OsString], remote: &Remote, scope: &Scope) -> Result<Node, String> {
    let mut connection = Connection::open(command, remote.limit)?;
    connection.snapshot(name, scope, &remote.local)
}

/// A conversation with a node. It ends with this value.
pub struct Connection {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<io::Result<Vec<u8>>>,
    errors: Arc<Mutex<Vec<u8>>>,
    keeper: thread::JoinHandle<()>,
    end: Instant,
    limit: Duration,
    next: u64,
    is_over: bool,
}

impl Connection {
    /// Runs `command`, which must be `ovl node serve` on a node in the end, and hears its greeting.
    ///
    /// # Errors
    /// When it cannot be run, says nothing in time, or is another version of this program.
    pub fn open(command: &[OsString], limit: Duration) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("there is no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        let (Some(input), Some(out), Some(errors_out)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err("its pipes are missing".to_owned());
        };
        let errors = Arc::new(Mutex::new(Vec::new()));
        let keeper = keep(errors_out, Arc::clone(&errors))?;
        let mut connection = Self {
            child,
            input: Some(input),
            lines: read_lines(out)?,
            errors,
            keeper,
            end: Instant::now() + limit,
            limit,
            next: 1,
            is_over: false,
        };
        let hello = connection.line()?;
        let hello: Hello = serde_json::from_slice(&hello)
            .ok()
            .filter(|hello: &Hello| hello.schema == SCHEMA)
            .ok_or_else(|| {
                format!(
                    "it does not speak {SCHEMA}; its first line is: {}",
                    String::from_utf8_lossy(&hello).trim_end()
                )
            })?;
        let own = env!("CARGO_PKG_VERSION");
        if hello.version != own {
            return Err(format!(
                "it runs ovl {}, this is ovl {own}; install the same",
                hello.version
            ));
        }
        Ok(connection)
    }

    /// Whether nothing more can be heard from the node: it ended, or did not answer in time.
    pub fn has_ended(&mut self) -> bool {
        self.is_over || !matches!(self.child.try_wait(), Ok(None))
    }

    /// Gives the conversation `limit` from now on.
    pub fn extend(&mut self, limit: Duration) {
        self.limit = limit;
        self.end = Instant::now() + limit;
    }

    /// Asks for a snapshot.
    ///
    /// # Errors
    /// As [`Connection::ask`].
    pub fn snapshot(&mut self, name: &str, scope: &Scope, local: &Local) -> Result<Node, String> {
        match self.ask(Question::new(name.to_owned(), scope, local))? {
            AnswerOutcome::Node(node) => Ok(*node),
            _ => Err(BESIDE.to_owned()),
        }
    }

    /// Asks a question and waits for its answer.
    ///
    /// # Errors
    /// The node's refusal, or that it ended or took too long.
    pub fn ask(&mut self, question: Question) -> Result<AnswerOutcome, String> {
        let id = self.next;
        self.next += 1;
        let mut text = serde_json::to_vec(&Ask { id, question })
            .map_err(|error| format!("the question cannot be written: {error}"))?;
        text.push(b'\n');
        let written = self
            .input
            .as_mut()
            .ok_or(io::ErrorKind::BrokenPipe.into())
            .and_then(|input| {
                input.write_all(&text)?;
                input.flush()
            });
        if written.is_err() {
            self.is_over = true;
            return Err(self.gone());
        }
        loop {
            let line = self.line()?;
            let answer: Answer = serde_json::from_slice(&line)
                .map_err(|error| format!("its answer cannot be understood: {error}"))?;
            if answer.id == id {
                return match answer.outcome {
                    AnswerOutcome::Error(reason) => Err(reason),
                    answer => Ok(answer),
                };
            }
        }
    }

    fn line(&mut self) -> Result<Vec<u8>, String> {
        let left = self.end.saturating_duration_since(Instant::now());
        let heard = self.lines.recv_timeout(left);
        self.is_over |= !matches!(heard, Ok(Ok(_)));
        match heard {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(format!("cannot read what it says: {error}")),
            Err(RecvTimeoutError::Timeout) => Err(format!(
                "it did not answer within {} s",
                self.limit.as_secs_f64()
            )),
            Err(RecvTimeoutError::Disconnected) => Err(self.gone()),
        }
    }

    /// What can be said of a program that ended.
    fn gone(&mut self) -> String {
        let status = wait(&mut self.child, GRACE).map_or_else(
            || "it closed its output".to_owned(),
            |status| format!("it ended with {status}"),
        );
        // Its last words may still be on their way.
        let end = Instant::now() + GRACE;
        while !self.keeper.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        let words = self
            .errors
            .lock()
            .map(|errors| String::from_utf8_lossy(&errors).trim().to_owned())
            .unwrap_or_default();
        match words.lines().last() {
            Some(last) => format!("{status}: {last}"),
            None => status,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The end of its input ends the far side; what stands between (ssh) follows, or is made to.
        self.input = None;
        if wait(&mut self.child, GRACE).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Waits for a program's end, at most so long.
fn wait(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
            _ => return None,
        }
    }
}

fn read_lines(out: impl Read + Send + 'static) -> Result<Receiver<io::Result<Vec<u8>>>, String> {
    let (send, lines) = mpsc::sync_channel(4);
    thread::Builder::new()
        .name("answers".into())
        .spawn(move || {
            let mut out = BufReader::with_capacity(256 * 1024, out);
            loop {
                let mut line = Vec::new();
                let read = Read::take(&mut out, LONGEST).read_until(b'\n', &mut line);
                let line = match read {
                    Ok(0) => return,
                    Ok(_) if !line.ends_with(b"\n") => return,
                    Ok(_) => Ok(line),
                    Err(error) => Err(error),
                };
                if send.send(line).is_err() {
                    return;
                }
            }
        })
        .map_err(|error| format!("cannot start a thread: {error}"))?;
    Ok(lines)
}

/// Keeps the end of what a program says on standard error.
fn keep(
    mut out: impl Read + Send + 'static,
    kept: Arc<Mutex<Vec<u8>>>,
) -> Result<thread::JoinHandle<()>, String> {
    const LAST: usize = 4096;
    thread::Builder::new()
        .name("errors".into())
        .spawn(move || {
            let mut piece = [0; 1024];
            while let Ok(length @ 1..) = out.read(&mut piece) {
                let Ok(mut kept) = kept.lock() else { return };
                kept.extend(piece.get(..length).unwrap_or_default());
                let excess = kept.len().saturating_sub(LAST);
                kept.drain(..excess);
            }
        })
        .map_err(|error| format!("cannot start a thread: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(script: &str, limit: Duration) -> Result<Connection, String> {
        let command = ["sh", "-c", script].map(OsString::from);
        Connection::open(&command, limit)
    }

    fn failure(script: &str) -> String {
        match open(script, Duration::from_secs(10)) {
            Ok(_) => panic!("it was greeted"),
            Err(reason) => reason,
        }
    }

    #[test]
    fn whatever_is_on_the_other_side_is_told() {
        assert!(failure("echo no such host >&2; exit 255").ends_with(": no such host"));
        assert!(failure("echo hello").contains("does not speak ovl.serve/v1"));
        let other = r#"echo '{"schema":"ovl.serve/v1","version":"9.9","hostname":"h"}'"#;
        assert!(failure(other).contains("it runs ovl 9.9"));
        let begun = Instant::now();
        let slow = open("exec sleep 60", Duration::from_millis(100))
            .err()
            .unwrap();
        assert_eq!(slow, "it did not answer within 0.1 s");
        assert!(begun.elapsed() < Duration::from_secs(5), "it was ended");
    }
}
