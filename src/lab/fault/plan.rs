//! What is to be run for a fault, and how it is taken back.

use serde::{Deserialize, Serialize};

/// Where a command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// On a machine: a node, the switch, the router.
    Machine(String),
    /// In a pod, `namespace/name`.
    Pod(String),
}

impl Site {
    /// What `ovl lab exec` calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Machine(name) | Self::Pod(name) => name,
        }
    }
}

/// A command and what takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub site: Site,
    /// The command, as it would be typed.
    pub command: String,
    /// The commands that take it back, in this order.
    pub undo: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The commands.
    pub steps: Vec<Step>,
    /// The node that a tracer must name.
    pub node: String,
    /// The pod on it, if it is about one.
    pub pod: Option<String>,
    /// The device, if it is about one.
    pub device: Option<String>,
    /// What shows it.
    pub see: See,
}

/// The command that shows a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum See {
    /// `ovl trace` from the sending pod to the receiving one.
    Trace,
    /// The same with more words.
    TraceWith(&'static str),
    /// `ovl trace` from the sending pod to an address, with more words.
    TraceTo(String, &'static str),
    /// `ovl check`: it hits no packet of the two pods.
    Check,
}

/// Why a fault cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is nothing of the kind in this network.
    #[error("{0}")]
    Meaningless(String),
    /// A lab cannot do it.
    #[error("{0}")]
    Impossible(String),
}

impl Unfit {
    /// There is nothing of the kind here.
    pub fn here(why: impl Into<String>) -> Self {
        Self::Meaningless(why.into())
    }
}

impl Plan {
    /// A plan without steps that is to be found on `node`.
    pub fn on(node: &str) -> Self {
        Self {
            steps: Vec::new(),
            node: node.to_owned(),
            pod: None,
            device: None,
            see: See::Trace,
        }
    }

    /// It is about this device.
    #[must_use]
    pub fn device(mut self, device: &str) -> Self {
        self.device = Some(device.to_owned());
        self
    }

    /// It is about this pod.
    #[must_use]
    pub fn pod(mut self, pod: &str) -> Self {
        self.pod = Some(pod.to_owned());
        self
    }

    /// What shows it.
    #[must_use]
    pub fn see(mut self, see: See) -> Self {
        self.see = see;
        self
    }

    /// One more command, and what takes it back.
    #[must_use]
    pub fn step<U: Into<String>>(
        mut self,
        site: Site,
        command: impl Into<String>,
        undo: impl IntoIterator<Item = U>,
    ) -> Self {
        self.steps.push(Step {
            site,
            command: command.into(),
            undo: undo.into_iter().map(Into::into).collect(),
        });
        self
    }

    /// One more command that changes nothing to be taken back, such as forgetting what will be asked for again.
    #[must_use]
    pub fn passing(self, site: Site, command: impl Into<String>) -> Self {
        self.step(site, command, Vec::<String>::new())
    }

    /// Several commands with what takes each back.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }
}

/// `sysctl` that sets one key. A device's name may hold dots, so that the parts are joined by slashes.
pub fn sysctl(key: &str, value: impl std::fmt::Display) -> String {
    format!("sysctl -q -w {key}={value}")
}
