//! Programs whose output is their interface, with a time limit.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Why a program gave no output.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// None of the names leads to a program.
    #[error("there is no {0} here")]
    Absent(String),
    /// It could not be started, or its output not read.
    #[error("cannot run {program}: {source}")]
    Run { program: String, source: io::Error },
    /// It said that it failed.
    #[error("{program} failed: {message}")]
    Failed { program: String, message: String },
    /// It took too long and was ended.
    #[error("{program} did not end within {}", seconds(*.limit))]
    Slow { program: String, limit: Duration },
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

/// What the first of `programs` that exists prints. It is started from the calling thread, and so in the
/// calling thread's network namespace.
///
/// # Errors
/// When there is none, when it fails, or when it takes longer than `limit`; it is ended then.
pub(super) fn output(
    programs: &[&str],
    arguments: &[&str],
    limit: Duration,
) -> Result<String, Error> {
    for program in programs {
        let run = |source| Error::Run {
            program: (*program).to_owned(),
            source,
        };
        let child = Command::new(program)
            .args(arguments)
            .env("PATH", search_path())
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match child {
            Ok(child) => return finish(program, child, limit),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(run(error)),
        }
    }
    Err(Error::Absent(
        programs.first().copied().unwrap_or_default().to_owned(),
    ))
}

/// The caller's path and the places where administration programs are, which a user's path may lack.
fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{own}:/usr/sbin:/sbin:/usr/local/sbin")
}

fn finish(program: &str, mut child: Child, limit: Duration) -> Result<String, Error> {
    let result = read(&mut child, limit);
    if result.is_err() {
        // Ended already or not, it must not outlive its reader.
        let _ = child.kill();
    }
    let status = child.wait();
    let run = |source| Error::Run {
        program: program.to_owned(),
        source,
    };
    let (out, error) = match result {
        Ok(both) => both,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            return Err(Error::Slow {
                program: program.to_owned(),
                limit,
            });
        }
        Err(error) => return Err(run(error)),
    };
    let status = status.map_err(run)?;
    if status.success() {
        Ok(String::from_utf8_lossy(&out).into_owned())
    } else {
        let message = String::from_utf8_lossy(&error);
        let message = message.trim();
        Err(Error::Failed {
            program: program.to_owned(),
            message: if message.is_empty() {
                status.to_string()
            } else {
                message.lines().next().unwrap_or_default().to_owned()
            },
        })
    }
}

/// Reads both outputs to their ends.
fn read(child: &mut Child, limit: Duration) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let end = Instant::now() + limit;
    let mut out = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut error = child.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let (mut out_bytes, mut error_bytes) = (Vec::new(), Vec::new());
    let (mut out_open, mut error_open) = (true, true);
    let mut piece = vec![0; 64 * 1024];
    while out_open || error_open {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // A closed end is left out by asking for nothing.
        let wanted = |open| {
            if open {
                PollFlags::IN
            } else {
                PollFlags::empty()
            }
        };
        let mut ends = [
            PollFd::from_borrowed_fd(out.as_fd(), wanted(out_open)),
            PollFd::from_borrowed_fd(error.as_fd(), wanted(error_open)),
        ];
        let timeout = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        poll(&mut ends, Some(&timeout))?;
        let ready = ends.each_ref().map(|end| !end.revents().is_empty());
        if out_open && ready[0] {
            let length = out.read(&mut piece)?;
            out_open = length != 0;
            out_bytes.extend(piece.get(..length).unwrap_or_default());
        }
        if error_open && ready[1] {
            let length = error.read(&mut piece)?;
            error_open = length != 0;
            error_bytes.extend(piece.get(..length).unwrap_or_default());
        }
    }
    Ok((out_bytes, error_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_failure_absence_and_slowness() {
        let limit = Duration::from_secs(5);
        assert_eq!(
            output(&["no-such-program", "echo"], &["a"], limit).unwrap(),
            "a\n"
        );
        assert!(matches!(
            output(&["no-such-program"], &[], limit),
            Err(Error::Absent(_))
        ));
        let failed = output(&["sh"], &["-c", "echo why >&2; exit 3"], limit).unwrap_err();
        assert_eq!(failed.to_string(), "sh failed: why");
        let begun = Instant::now();
        let slow = output(&["sleep"], &["60"], Duration::from_millis(50)).unwrap_err();
        assert_eq!(slow.to_string(), "sleep did not end within 0.05 s");
        assert!(begun.elapsed() < limit);
    }

    #[test]
    fn more_output_than_a_pipe_holds() {
        let text = output(
            &["head"],
            &["-c", "300000", "/dev/zero"],
            Duration::from_secs(5),
        )
        .unwrap();
        assert_eq!(text.len(), 300_000);
    }
}
