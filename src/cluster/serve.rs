//! The far side: answers questions on standard input until it ends.
//!
//! Questions are answered on threads of their own, so that the end of the input, which means that whoever
//! asked is gone, ends the program even while a question is still open.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use serde::Serialize;

use super::Local;
use super::here;
use super::protocol::{Answer, AnswerOutcome, Ask, Hello, Question, SCHEMA};
use crate::bench::{self, receive::Receivers};
use crate::collect::Scope;
use crate::error::{Error, Outcome, Result};
use crate::probe::session::Session;

/// The longest question taken, octets.
const LONGEST: u64 = 1 << 20;

/// Taps are closed when nothing was asked for so long.
const IDLE: Duration = Duration::from_secs(120);

/// What this side keeps for whoever asks; it ends with the conversation.
#[derive(Default)]
struct Kept {
    session: Session,
    receivers: Receivers,
}

enum Event {
    Line(std::io::Result<Vec<u8>>),
    Done(Box<Answer>),
    End,
}

/// Serves until `input` ends or nobody reads `out` any more.
///
/// # Errors
/// When `out` cannot be written.
pub fn serve(mut input: impl BufRead + Send + 'static, out: &mut dyn Write) -> Result<Outcome> {
    let hello = Hello {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hostname: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    };
    line(out, &hello)?;
    let (events, next) = mpsc::channel();
    let lines = events.clone();
    thread::Builder::new()
        .name("questions".into())
        .spawn(move || read_lines(&mut input, &lines))
        .map_err(|error| Error::failed("cannot start a thread").caused_by(error))?;
    let kept = Arc::new(Kept::default());
    loop {
        let event = match next.recv_timeout(IDLE) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => {
                kept.session.close();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match event {
            Event::End => break,
            Event::Line(Err(error)) => {
                return Err(Error::failed("cannot read the questions").caused_by(error));
            }
            Event::Line(Ok(text)) => match serde_json::from_slice::<Ask>(&text) {
                Ok(ask) => answer_in_time(ask, &kept, &events)?,
                Err(error) => line(out, &refusal(&text, &error.to_string()))?,
            },
            Event::Done(answer) => line(out, &*answer)?,
        }
    }
    Ok(Outcome::Healthy)
}

fn read_lines(input: &mut impl BufRead, events: &Sender<Event>) {
    loop {
        let mut text = Vec::new();
        let read = std::io::Read::take(&mut *input, LONGEST).read_until(b'\n', &mut text);
        let event = match read {
            Ok(0) => Event::End,
            Ok(_) if !text.ends_with(b"\n") => Event::End,
            Ok(_) if text.trim_ascii().is_empty() => continue,
            Ok(_) => Event::Line(Ok(text)),
            Err(error) => Event::Line(Err(error)),
        };
        let last = !matches!(event, Event::Line(Ok(_)));
        if events.send(event).is_err() || last {
            return;
        }
    }
}

fn answer_in_time(ask: Ask, kept: &Arc<Kept>, events: &Sender<Event>) -> Result<()> {
    let (kept, events) = (Arc::clone(kept), events.clone());
    thread::Builder::new()
        .name("answer".into())
        .spawn(move || {
            let outcome = answer(ask.question, &kept).unwrap_or_else(AnswerOutcome::Error);
            // The program may have ended meanwhile.
            let _ = events.send(Event::Done(Box::new(Answer {
                id: ask.id,
                outcome,
            })));
        })
        .map(drop)
        .map_err(|error| Error::failed("cannot start a thread").caused_by(error))
}

fn answer(question: Question, kept: &Kept) -> Result<AnswerOutcome, String> {
    let session = &kept.session;
    let read = |node, places, scope: Scope| {
        here(&Local::from(places), &scope, Some(node))
            .map(|node| AnswerOutcome::Node(Box::new(node)))
            .map_err(|error| error.to_string())
    };
    match question {
        Question::Snapshot { node, places } => read(node, places, Scope::Everything),
        Question::Pods { node, places } => read(node, places, Scope::Pods),
        Question::Resolve {
            node,
            subject,
            places,
        } => read(node, places, Scope::Pod(subject)),
        Question::Clock => Ok(AnswerOutcome::Clock {
            ns: session.clock(),
            boot: crate::probe::session::boot(),
        }),
        Question::TapOpen { netns, watch } => Ok(AnswerOutcome::Open(session.open(&netns, watch))),
        Question::TapRead => Ok(AnswerOutcome::Seen(session.read())),
        Question::TapClose => {
            session.close();
            Ok(AnswerOutcome::Closed)
        }
        Question::Send(request) => Ok(AnswerOutcome::Sent(session.send(&request)?)),
        Question::SendAll { sends, within_ms } => Ok(AnswerOutcome::SentAll(
            session.send_all(&sends, Duration::from_millis(within_ms)),
        )),
        Question::Counters { netns } => Ok(AnswerOutcome::Counted(session.count(&netns))),
        Question::BenchListen(request) => {
            let netns = session.enter(&request.netns)?;
            let listening = kept.receivers.listen(&netns, &request)?;
            Ok(AnswerOutcome::Listening(listening))
        }
        Question::BenchSend(request) => {
            let netns = session.enter(&request.netns)?;
            Ok(AnswerOutcome::Flooded(bench::send::send(&netns, &request)?))
        }
        Question::BenchResult { receiver } => {
            Ok(AnswerOutcome::Received(kept.receivers.result(receiver)?))
        }
    }
}

/// The answer to what is no question; with its number, if it has one.
fn refusal(text: &[u8], reason: &str) -> Answer {
    #[derive(serde::Deserialize)]
    struct Numbered {
        id: u64,
    }
    Answer {
        id: serde_json::from_slice::<Numbered>(text).map_or(0, |numbered| numbered.id),
        outcome: AnswerOutcome::Error(format!("the question is not understood: {reason}")),
    }
}

fn line(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_greets_answers_nonsense_and_ends_with_its_input() {
        let mut out = Vec::new();
        let input = b"{\"id\":3,\"ask\":\"dance\"}\nnonsense\n\n{\"id\":4".as_slice();
        assert_eq!(serve(input, &mut out).unwrap(), Outcome::Healthy);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].contains("ovl.serve/v1"));
        assert!(lines[1].starts_with(r#"{"id":3,"error":"#));
        assert!(lines[2].starts_with(r#"{"id":0,"error":"#));
    }
}
