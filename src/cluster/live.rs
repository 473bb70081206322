//! A conversation with each node, kept open: what is asked later costs no new program, and what a node keeps
//! open for it (taps) ends with it.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use super::client::Connection;
use super::protocol::{AnswerOutcome, Question};
use super::{Local, Remote, Source, parallel};
use crate::collect::Scope;
use crate::error::{Error, Outcome, Result};
use crate::lab::state::State;
use crate::model::Bundle;
use crate::model::bundle::Missing;
use crate::probe::session::now_ns;

/// How often a clock is asked; the quickest answer counts.
const CLOCK_ROUNDS: usize = 5;

/// Nodes, each with a conversation or the reason why there is none.
pub struct Live {
    nodes: Vec<LiveNode>,
    at_once: usize,
    local: Local,
    lab: Option<State>,
    limit: Duration,
}

struct LiveNode {
    name: String,
    connection: Result<Connection, String>,
    clock: Option<Clock>,
}

/// How a node's clock differs from this one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What the node's clock says less what this one says at the same moment, nanoseconds.
    pub ahead_ns: i64,
    /// How wrong that can be either way, nanoseconds; 0 for two conversations with one kernel.
    pub doubt_ns: i64,
    /// Which boot of which machine: nodes that share it share a clock.
    pub boot: String,
}

/// An answer or why there is none, with the node it is of.
pub type Answers = Vec<(String, Result<AnswerOutcome, String>)>;

impl Live {
    /// Opens a conversation with every node of `source`.
    ///
    /// # Errors
    /// When `source` is saved snapshots, or no lab.
    pub fn open(source: &Source) -> Result<Self> {
        let (remote, lab) = match source {
            Source::Here(local) => (this_node(local)?, None),
            Source::Remote(remote) => (remote.clone(), None),
            Source::Lab { name, nodes } => {
                let (remote, state) = super::lab_nodes(name.as_deref(), nodes)?;
                (remote, Some(state))
            }
            Source::Files(_) => {
                return Err(Error::usage("saved snapshots cannot be asked"));
            }
        };
        let limit = remote.limit;
        let nodes = parallel::each(&remote.nodes, remote.at_once, |(name, command)| {
            let mut connection = Connection::open(command, limit);
            // The first question about the clock also makes the node get ready.
            let clock = connection.as_mut().ok().and_then(clock);
            LiveNode {
                name: name.clone(),
                connection,
                clock,
            }
        });
        Ok(Self {
            nodes,
            at_once: remote.at_once,
            local: remote.local,
            lab,
            limit,
        })
    }

    /// Reads all nodes.
    ///
    /// # Errors
    /// When none answers.
    pub fn read(&mut self, scope: &Scope) -> Result<Bundle> {
        let local = self.local.clone();
        let answers = self.ask_all(|node| Some(Question::new(node.to_owned(), scope, &local)));
        let mut bundle = Bundle::new(Vec::new(), Vec::new());
        for (node, answer) in answers {
            match answer {
                Ok(AnswerOutcome::Node(snapshot)) => bundle.nodes.push(*snapshot),
                Ok(_) => bundle.missing.push(Missing {
                    node,
                    reason: super::client::BESIDE.to_owned(),
                }),
                Err(reason) => bundle.missing.push(Missing { node, reason }),
            }
        }
        if let Some(state) = &self.lab {
            for node in &mut bundle.nodes {
                super::name_lab_pods(node, state, scope);
            }
        }
        match (bundle.nodes.is_empty(), bundle.missing.first()) {
            (true, Some(first)) => Err(Error::new(
                Outcome::CannotTell,
                format!("no node answered; {}: {}", first.node, first.reason),
            )),
            _ => Ok(bundle),
        }
    }

    /// Asks each node its question, several at once; the answers are in the order of the nodes. A node that
    /// failed once is not asked again.
    pub fn ask_all(&mut self, question: impl Fn(&str) -> Option<Question>) -> Answers {
        self.ask_within(self.limit, question)
    }

    /// The same with another limit.
    pub fn ask_within(
        &mut self,
        limit: Duration,
        question: impl Fn(&str) -> Option<Question>,
    ) -> Answers {
        let asking: Vec<_> = self
            .nodes
            .iter_mut()
            .filter_map(|node| {
                let question = question(&node.name)?;
                Some((node, question))
            })
            .collect();
        parallel::each(asking, self.at_once, |(node, question)| {
            (node.name.clone(), node.ask(question, limit))
        })
    }

    /// Asks one node.
    ///
    /// # Errors
    /// Its refusal, or that it is gone or took too long.
    pub fn ask(
        &mut self,
        node: &str,
        question: Question,
        limit: Duration,
    ) -> Result<AnswerOutcome, String> {
        self.nodes
            .iter_mut()
            .find(|known| known.name == node)
            .ok_or_else(|| format!("there is no node {node}"))?
            .ask(question, limit)
    }

    /// How a node's clock differs from this one's.
    pub fn clock(&self, node: &str) -> Option<&Clock> {
        self.nodes
            .iter()
            .find(|known| known.name == node)?
            .clock
            .as_ref()
    }
}

impl LiveNode {
    fn ask(&mut self, question: Question, limit: Duration) -> Result<AnswerOutcome, String> {
        let connection = self.connection.as_mut().map_err(|reason| reason.clone())?;
        connection.extend(limit);
        let answer = connection.ask(question);
        if connection.has_ended()
            && let Err(reason) = &answer
        {
            self.connection = Err(reason.clone());
        }
        answer
    }
}

/// Asks a clock some times; half of the quickest round trip is how wrong the answer may be (RFC 5905 §8,
/// with both times of the node taken as one).
fn clock(connection: &mut Connection) -> Option<Clock> {
    let mut best: Option<Clock> = None;
    for _ in 0..CLOCK_ROUNDS {
        let (begun, before) = (Instant::now(), now_ns());
        let AnswerOutcome::Clock { ns, boot } = connection.ask(Question::Clock).ok()? else {
            return None;
        };
        let round_trip = i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let clock = Clock {
            ahead_ns: ns.saturating_sub(before).saturating_sub(round_trip / 2),
            doubt_ns: round_trip / 2,
            boot,
        };
        if best
            .as_ref()
            .is_none_or(|best| clock.doubt_ns < best.doubt_ns)
        {
            best = Some(clock);
        }
    }
    let mut clock = best?;
    if !clock.boot.is_empty() && clock.boot == crate::probe::session::boot() {
        (clock.ahead_ns, clock.doubt_ns) = (0, 0);
    }
    Some(clock)
}

/// This node, asked as every other one is.
fn this_node(local: &Local) -> Result<Remote> {
    let this = std::env::current_exe()
        .map_err(|error| Error::failed("cannot find this program").caused_by(error))?;
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let command: Vec<OsString> = vec![this.into(), "node".into(), "serve".into()];
    Ok(Remote {
        nodes: vec![(name, command)],
        local: local.clone(),
        at_once: 1,
        limit: super::client::LIMIT,
    })
}
