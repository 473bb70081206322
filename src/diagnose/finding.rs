//! What a finding is.

use serde::Serialize;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing: a stable name in kebab-case, for scripts and `ovl explain`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The node.
    pub node: String,
    /// Where on it: a pod, or nothing for the node itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The device, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What is wrong, in one sentence.
    pub what: String,
    /// Why that breaks something.
    pub why: String,
    /// What it was concluded from.
    pub evidence: Vec<Evidence>,
    /// A command that shows it.
    pub show: String,
    /// A command that would fix it. It is printed and never run.
    pub fix: String,
}

/// A row or file from which something was concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Where it stands.
    pub source: String,
    /// What it says.
    pub text: String,
}

impl Evidence {
    /// A row and where it stands.
    pub fn new(source: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            text: text.into(),
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Packets are lost.
    Fault,
    /// Nothing is lost yet, or only what is not used now.
    Warning,
}

impl Severity {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Warning => "warning",
        }
    }
}
