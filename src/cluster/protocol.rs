//! What is said between this program and itself on another node: one JSON object a line.
//!
//! The node begins with [`Hello`]. Then each line to the node is an [`Ask`], each line from it an
//! [`Answer`] with the number of the question. Unknown fields are passed over, so that a newer program can
//! say more; an unknown question is answered by an error. What the node keeps open (taps) it closes when the
//! conversation ends, and when nothing was asked for a while.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Local;
use crate::bench::message::{Flood, Flooded, Listen, Listening, Received};
use crate::collect::{Paths, RuntimeChoice, Scope};
use crate::model::counters::Counted;
use crate::model::{Node, Subject};
use crate::probe::message::{self as probe, Blind, NetnsRef, Seens, Sent, Watch};

/// The name of this conversation.
pub const SCHEMA: &str = "ovl.serve/v1";

/// The first line from a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program's version over there.
    pub version: String,
    /// The node's host name.
    pub hostname: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Comes back with the answer.
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub question: Question,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Question {
    /// A snapshot of everything.
    Snapshot {
        /// What the node is called by whoever asks.
        node: String,
        /// What is different there.
        #[serde(default)]
        places: Places,
    },
    /// The node's pods with their devices and addresses.
    Pods {
        /// What the node is called by whoever asks.
        node: String,
        /// What is different there.
        #[serde(default)]
        places: Places,
    },
    /// What concerns one pod.
    Resolve {
        /// What the node is called by whoever asks.
        node: String,
        /// The pod.
        subject: Subject,
        /// What is different there.
        #[serde(default)]
        places: Places,
    },
    /// The node's clock. Also says that packets will be asked for, so that it gets ready to note times.
    Clock,
    /// Tap these namespaces, in place of those before.
    TapOpen {
        /// Where.
        netns: Vec<NetnsRef>,
        /// What is to be seen.
        watch: Watch,
    },
    /// What the taps saw since the last time.
    TapRead,
    /// Close all taps. The end of the conversation does it too.
    TapClose,
    /// Send probes, and answer when all are answered or had their time.
    Send(probe::Send),
    /// Send several kinds of probes side by side, and answer when all are answered or had their time.
    SendAll {
        /// Each as in [`Question::Send`].
        sends: Vec<probe::Send>,
        /// Those that have not begun by then are left out, milliseconds.
        within_ms: u64,
    },
    /// What these namespaces have counted so far.
    Counters {
        /// Which.
        netns: Vec<NetnsRef>,
    },
    /// Begin to receive load.
    BenchListen(Listen),
    /// Send load, and answer when all is sent.
    BenchSend(Flood),
    /// End a receiver and say what it got.
    BenchResult {
        /// Which.
        receiver: u32,
    },
}

impl Question {
    /// The question that reads `scope` of the node `node`.
    pub fn new(node: String, scope: &Scope, local: &Local) -> Self {
        let places = Places::from(local);
        match scope {
            Scope::Everything => Self::Snapshot { node, places },
            Scope::Pods => Self::Pods { node, places },
            Scope::Pod(subject) => Self::Resolve {
                node,
                subject: subject.clone(),
                places,
            },
        }
    }
}

/// Where things are on the node, when they are not at the usual places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Places {
    /// The runtime's socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cri: Option<PathBuf>,
    /// The runtime is not to be asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_cri: bool,
    /// CNI's configurations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cni_config_dir: Option<PathBuf>,
    /// CNI's plugins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cni_plugin_dirs: Vec<PathBuf>,
    /// CNI's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cni_cache_dir: Option<PathBuf>,
}

impl From<&Local> for Places {
    fn from(local: &Local) -> Self {
        let usual = Paths::default();
        let unusual = |path: &PathBuf, usual: &PathBuf| (path != usual).then(|| path.clone());
        Self {
            cri: match &local.runtime {
                RuntimeChoice::Socket(path) => Some(path.clone()),
                _ => None,
            },
            without_cri: local.runtime == RuntimeChoice::None,
            cni_config_dir: unusual(&local.paths.config_dir, &usual.config_dir),
            cni_plugin_dirs: if local.paths.plugin_dirs == usual.plugin_dirs {
                Vec::new()
            } else {
                local.paths.plugin_dirs.clone()
            },
            cni_cache_dir: unusual(&local.paths.cache_dir, &usual.cache_dir),
        }
    }
}

impl From<Places> for Local {
    fn from(places: Places) -> Self {
        let mut paths = Paths::default();
        if let Some(dir) = places.cni_config_dir {
            paths.config_dir = dir;
        }
        if !places.cni_plugin_dirs.is_empty() {
            paths.plugin_dirs = places.cni_plugin_dirs;
        }
        if let Some(dir) = places.cni_cache_dir {
            paths = paths.with_cache(dir);
        }
        Self {
            runtime: match (places.without_cri, places.cri) {
                (true, _) => RuntimeChoice::None,
                (false, Some(socket)) => RuntimeChoice::Socket(socket),
                (false, None) => RuntimeChoice::Usual,
            },
            paths,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the question.
    pub id: u64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: AnswerOutcome,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerOutcome {
    /// What was read.
    Node(Box<Node>),
    /// The node's clock.
    Clock {
        /// Nanoseconds since 1970.
        ns: i64,
        /// The kernel's boot id: nodes that share it share a clock.
        boot: String,
    },
    /// The taps are open, but for these.
    Open(Vec<Blind>),
    /// What they saw.
    Seen(Seens),
    /// They are closed.
    Closed,
    /// What became of the probes.
    Sent(Vec<Sent>),
    /// What became of each kind of probes, or why they were not sent.
    SentAll(Vec<Result<Vec<Sent>, String>>),
    /// What was counted, where it could be read.
    Counted(Vec<Counted>),
    /// A receiver is ready.
    Listening(Listening),
    /// What load was sent.
    Flooded(Flooded),
    /// What load arrived.
    Received(Received),
    /// Why nothing was.
    Error(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_one_flat_object() {
        let ask = Ask {
            id: 7,
            question: Question::Resolve {
                node: "host01".to_owned(),
                subject: "default/pod1".parse().unwrap(),
                places: Places::default(),
            },
        };
        let text = serde_json::to_string(&ask).unwrap();
        assert_eq!(
            text,
            r#"{"id":7,"ask":"resolve","node":"host01","subject":{"pod":{"namespace":"default","name":"pod1"}},"places":{}}"#
        );
        assert_eq!(serde_json::from_str::<Ask>(&text).unwrap(), ask);
        let newer = r#"{"id":1,"ask":"snapshot","node":"a","more":true}"#;
        assert!(serde_json::from_str::<Ask>(newer).is_ok());
    }

    #[test]
    fn places_travel() {
        let local = Local {
            runtime: RuntimeChoice::Socket("/x.sock".into()),
            paths: Paths {
                config_dir: "/net.d".into(),
                ..Paths::default()
            },
        };
        assert_eq!(Local::from(Places::from(&local)), local);
    }
}
