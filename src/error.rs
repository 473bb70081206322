//! What went wrong: a sentence for people and an exit code for scripts.

use std::fmt;
use std::process::ExitCode;

/// How a command ended. The numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Did what was asked, and nothing is wrong: exit 0.
    Healthy,
    /// A fault was found, or what was asked failed: exit 1.
    Fault,
    /// The command line was wrong: exit 2.
    Usage,
    /// Something could not be read or changed for lack of access: exit 3.
    NoAccess,
    /// The question could not be answered either way: exit 4.
    CannotTell,
    /// A program was run for the caller and ended with this code, which is passed on.
    Passed(u8),
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Healthy => 0,
            Outcome::Fault => 1,
            Outcome::Usage => 2,
            Outcome::NoAccess => 3,
            Outcome::CannotTell => 4,
            Outcome::Passed(code) => code,
        })
    }
}

/// A command that could not be carried out: what, where and why in one sentence, and what to try.
#[derive(Debug)]
pub struct Error {
    outcome: Outcome,
    message: String,
    advice: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything under [`crate::command`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that ends the program with `outcome`. `message` names the operation and the object,
    /// and the cause unless [`Error::caused_by`] gives it.
    pub fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self {
            outcome,
            message: message.into(),
            advice: None,
            source: None,
        }
    }

    /// What was asked for failed (exit 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Outcome::Fault, message)
    }

    /// The request makes no sense (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Outcome::Usage, message)
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn try_this(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Adds the cause, which must not already be part of the message.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The message with its causes, on one line.
    pub fn with_cause(&self) -> String {
        let mut text = self.message.clone();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }

    /// How the program should end because of this.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What the reader can do about it.
    pub fn advice(&self) -> Option<&str> {
        self.advice.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

/// An I/O error on the output itself. A reader that went away (`ovl … | head`) is success, which
/// [`crate::cli::main`] recognises by the source of this error.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::failed("cannot write the output").caused_by(error)
    }
}
