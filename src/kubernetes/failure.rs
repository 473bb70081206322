//! Why the API server did not tell something, and what would help.

use std::error::Error as _;
use std::time::Duration;

use kube::client::AuthError;

use crate::error::{Error, Outcome};

/// What came in place of a list, or of the rest of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What was asked for: `pods`.
    pub(super) what: String,
    /// How many had come until then.
    pub(super) had: usize,
    /// Why no more came.
    pub(super) reason: Reason,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// The server knows who asks, and that they may not (403).
    Forbidden(String),
    /// The server does not know who asks (401).
    Unknown(String),
    /// Nothing came within the limit.
    Silent(Duration),
    /// The connection, the server or its answer is broken.
    Broken(String),
}

impl Reason {
    fn words(&self) -> String {
        match self {
            Self::Forbidden(words) | Self::Broken(words) => words.clone(),
            Self::Unknown(words) => format!("the server does not know who asks: {words}"),
            Self::Silent(limit) => format!("no answer within {limit:?}"),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Forbidden(_) => {
                "let an admin grant it: kubectl create clusterrole ovl-names --verb=list \
                 --resource=pods,nodes,services && kubectl create clusterrolebinding ovl-names \
                 --clusterrole=ovl-names --user=YOU"
            }
            Self::Unknown(_) => "log in anew; kubectl auth whoami says who you are",
            Self::Silent(_) => {
                "kubectl get --raw /readyz; --request-timeout 30s if it is only slow"
            }
            Self::Broken(_) => "kubectl cluster-info; --context NAME for another cluster",
        }
    }
}

impl From<kube::Error> for Reason {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match (status.code, status.message) {
                (403, words) => Self::Forbidden(words),
                (401, words) => Self::Unknown(words),
                (code, words) => Self::Broken(format!("HTTP {code}: {words}")),
            },
            kube::Error::Auth(error) => Self::Broken(credentials(&error)),
            kube::Error::SerdeError(error) => {
                Self::Broken(format!("the answer makes no sense: {error}"))
            }
            error => Self::Broken(innermost(&error)),
        }
    }
}

/// Why there are no credentials. What a plugin printed is left out: it may be the secret itself.
pub(super) fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { out, .. } => {
            format!("the credential plugin failed ({})", out.status)
        }
        AuthError::AuthExecParse(_) => "the credential plugin printed no credential".to_owned(),
        error => error.to_string(),
    }
}

/// The cause that the others only hand on: `Connection refused (os error 111)`.
pub(super) fn innermost(error: &kube::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

/// A sentence for each reason, with all that it kept back.
pub(super) fn in_words(server: &str, failures: &[Failure]) -> Vec<String> {
    let mut sentences = Vec::new();
    for (reason, of_it) in by_reason(failures) {
        let list = enumerate(of_it.iter().map(|failure| failure.what.as_str()));
        let some = of_it.iter().any(|failure| failure.had > 0);
        sentences.push(format!(
            "{} {list} are not named: cannot list them on {server}: {} (try: {})",
            if some { "some" } else { "the" },
            reason.words(),
            reason.advice()
        ));
    }
    sentences
}

/// The error when every list failed.
pub(super) fn nothing_from(server: &str, failures: &[Failure]) -> Error {
    let causes = by_reason(failures);
    let words: Vec<String> = causes
        .iter()
        .map(|(reason, of_it)| {
            let list = enumerate(of_it.iter().map(|failure| failure.what.as_str()));
            format!("cannot list {list} on {server}: {}", reason.words())
        })
        .collect();
    let error = Error::new(Outcome::NoAccess, words.join("; "));
    match causes.first() {
        Some((reason, _)) => error.try_this(reason.advice()),
        None => error,
    }
}

/// The failures that are one to the reader: a server that refuses says so in other words for each list.
fn by_reason(failures: &[Failure]) -> Vec<(&Reason, Vec<&Failure>)> {
    let mut groups: Vec<(&Reason, Vec<&Failure>)> = Vec::new();
    for failure in failures {
        let same = |reason: &Reason| match (reason, &failure.reason) {
            (Reason::Forbidden(_), Reason::Forbidden(_)) => true,
            (one, other) => one == other,
        };
        match groups.iter_mut().find(|(reason, _)| same(reason)) {
            Some((_, group)) => group.push(failure),
            None => groups.push((&failure.reason, vec![failure])),
        }
    }
    groups
}

/// `pods, nodes and services`.
fn enumerate<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}
