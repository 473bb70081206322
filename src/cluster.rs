//! Where snapshots come from: this node, nodes reached by running a program there, a lab, or a file.
//!
//! Whoever uses them sees only a [`Bundle`]: the nodes that answered, and those that did not with the reason.

pub mod client;
pub mod file;
pub mod live;
pub(crate) mod parallel;
pub mod protocol;
pub mod serve;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::collect::{self, Paths, RuntimeChoice, Scope};
use crate::error::{Error, Outcome, Result};
use crate::lab::directory::Labs;
use crate::lab::state::{Pod, State};
use crate::model::bundle::Missing;
use crate::model::sandbox::{Sandbox, SandboxState};
use crate::model::{Bundle, Node, Subject, Table};

/// Where to look.
#[derive(Debug, Clone)]
pub enum Source {
    /// This node.
    Here(Local),
    /// Nodes that a program is run on.
    Remote(Remote),
    /// The nodes of a lab on this machine; the only one there is without a name.
    Lab {
        /// The lab's name.
        name: Option<String>,
        /// Only these nodes.
        nodes: Vec<String>,
    },
    /// Saved snapshots.
    Files(Vec<PathBuf>),
}

/// What may be different on a node. Also sent to other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// The runtime to ask.
    pub runtime: RuntimeChoice,
    /// Where CNI's files are.
    pub paths: Paths,
}

/// Nodes, and how a program is run on each.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Each node's name and the command that runs `ovl node serve` there.
    pub nodes: Vec<(String, Vec<OsString>)>,
    /// What may be different there.
    pub local: Local,
    /// How many are asked at once.
    pub at_once: usize,
    /// How long one may take.
    pub limit: Duration,
}

impl Source {
    /// The command that lists the pods of the same place.
    pub fn list_pods(&self) -> String {
        match self {
            Self::Here(_) => "ovl pods".to_owned(),
            Self::Remote(_) => "ovl pods, with the same --via and --nodes".to_owned(),
            Self::Lab { name, .. } => match name {
                Some(name) => format!("ovl pods --lab {name}"),
                None => "ovl pods --lab".to_owned(),
            },
            Self::Files(paths) => paths.iter().fold("ovl pods".to_owned(), |command, path| {
                format!("{command} --from {}", path.display())
            }),
        }
    }

    /// Reads what `scope` says from everywhere.
    ///
    /// # Errors
    /// When nothing at all can be read. A node that does not answer is no error but stands in the bundle.
    pub fn read(&self, scope: &Scope) -> Result<Bundle> {
        let bundle = match self {
            Self::Here(local) => Bundle::new(vec![here(local, scope, None)?], Vec::new()),
            Self::Remote(remote) => client::ask_all(remote, scope),
            Self::Lab { name, nodes } => lab(name.as_deref(), nodes, scope)?,
            Self::Files(paths) => file::read_all(paths)?,
        };
        match (bundle.nodes.is_empty(), bundle.missing.first()) {
            (true, Some(first)) => Err(Error::new(
                Outcome::CannotTell,
                format!("no node answered; {}: {}", first.node, first.reason),
            )),
            _ => Ok(bundle),
        }
    }
}

/// Reads this node.
///
/// # Errors
/// When it cannot be read at all.
pub fn here(local: &Local, scope: &Scope, name: Option<String>) -> Result<Node> {
    let request = collect::Request {
        scope: scope.clone(),
        name,
        runtime: local.runtime.clone(),
        paths: local.paths.clone(),
    };
    collect::snapshot(&request).map_err(|error| Error::new(Outcome::NoAccess, error.to_string()))
}

/// Splits a template such as `ssh root@{node}` into words and puts the node's name in. The words are those
/// of a shell without anything but quotes.
///
/// # Errors
/// When a quote is not closed, or `{node}` is missing although there are several nodes.
pub fn via(template: &str, nodes: &[String]) -> Result<Vec<(String, Vec<OsString>)>> {
    let words = words(template)
        .ok_or_else(|| Error::usage(format!("a quote is not closed in --via '{template}'")))?;
    if words.is_empty() {
        return Err(Error::usage("--via names no program").try_this("--via 'ssh root@{node}'"));
    }
    if nodes.len() > 1 && !template.contains("{node}") {
        return Err(Error::usage(
            "--via runs the same command for every node; put {node} where the name belongs",
        )
        .try_this("--via 'ssh root@{node}'"));
    }
    Ok(nodes
        .iter()
        .map(|node| {
            let mut command: Vec<OsString> = words
                .iter()
                .map(|word| word.replace("{node}", node).into())
                .collect();
            // `{ovl}` says where the program is over there; otherwise it is on the search path.
            if !template.contains("node serve") {
                command.extend(["ovl", "node", "serve"].map(OsString::from));
            }
            (node.clone(), command)
        })
        .collect())
}

/// The words of a command line, of a shell without anything but quotes; `None` if a quote is not closed.
pub(crate) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

fn lab(name: Option<&str>, wanted: &[String], scope: &Scope) -> Result<Bundle> {
    let (remote, state) = lab_nodes(name, wanted)?;
    let mut bundle = client::ask_all(&remote, scope);
    for node in &mut bundle.nodes {
        name_lab_pods(node, &state, scope);
    }
    Ok(bundle)
}

/// The nodes of a lab, and how they are asked.
fn lab_nodes(name: Option<&str>, wanted: &[String]) -> Result<(Remote, State)> {
    let directory = Labs::of_caller().choose(name)?;
    let state = directory.read_up()?;
    let this = std::env::current_exe()
        .map_err(|error| Error::failed("cannot find this program").caused_by(error))?;
    let unknown: Vec<_> = wanted
        .iter()
        .filter(|name| !state.nodes().any(|node| node.name == **name))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(Error::usage(format!(
            "lab {} has no node {}",
            state.name,
            unknown.join(", ")
        )));
    }
    let nodes = state
        .nodes()
        .filter(|node| wanted.is_empty() || wanted.contains(&node.name))
        .map(|node| {
            let mut command: Vec<OsString> = vec![this.clone().into()];
            command.extend(
                ["lab", "--lab", &state.name, "exec", &node.name, "--"].map(OsString::from),
            );
            command.extend(["ovl", "node", "serve"].map(OsString::from));
            (node.name.clone(), command)
        })
        .collect();
    let remote = Remote {
        nodes,
        local: Local {
            // A lab has no runtime but the lab.
            runtime: RuntimeChoice::None,
            paths: Paths::default(),
        },
        at_once: 8,
        limit: client::LIMIT,
    };
    Ok((remote, state))
}

/// The lab itself is the runtime: it knows all its pods, also those without a network.
fn name_lab_pods(node: &mut Node, state: &State, scope: &Scope) {
    let mut found: Vec<Sandbox> = std::mem::take(&mut node.sandboxes.rows);
    for pod in state.pods.iter().filter(|pod| pod.node == node.name) {
        let known = found.iter_mut().find(|row| {
            row.id == pod.sandbox || (row.name == pod.name && row.namespace == pod.namespace)
        });
        if let Some(row) = known {
            row.id.clone_from(&pod.sandbox);
            row.namespace.clone_from(&pod.namespace);
            row.name.clone_from(&pod.name);
            if pod.ready && pod.pause.is_some() {
                row.state = SandboxState::Ready;
            }
        }
    }
    // What the lab does not know is nobody's pod, such as a namespace that was left behind.
    found.retain(|row| state.pods.iter().any(|pod| pod.sandbox == row.id));
    let everyone = state
        .pods
        .iter()
        .filter(|pod| pod.node == node.name && asked_for(pod, scope))
        .all(|pod| found.iter().any(|row| row.id == pod.sandbox));
    node.sandboxes = if everyone {
        Table::complete(found)
    } else {
        Table::partial(found, "some pods of the lab have no network yet")
    };
}

/// Whether the answer must have this pod. One without a network yet may turn out to be whatever is not a name.
fn asked_for(pod: &Pod, scope: &Scope) -> bool {
    match scope {
        Scope::Everything | Scope::Pods => true,
        Scope::Pod(Subject::Pod { namespace, name }) => {
            pod.namespace == *namespace && pod.name == *name
        }
        Scope::Pod(Subject::Word(word)) => pod.name == *word || pod.sandbox.starts_with(word),
        Scope::Pod(Subject::Pid(_) | Subject::Address(_) | Subject::Index(_)) => !pod.ready,
    }
}

/// What could not be read, for a warning.
pub fn missing_in_words(missing: &[Missing]) -> Vec<String> {
    missing
        .iter()
        .map(|missing| format!("{} is not in the answer: {}", missing.node, missing.reason))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_made_from_the_template() {
        let nodes = ["host01".to_owned(), "host02".to_owned()];
        let commands = via("ssh -o 'ConnectTimeout 3' root@{node}", &nodes).unwrap();
        assert_eq!(commands[1].0, "host02");
        assert_eq!(
            commands[1].1,
            [
                "ssh",
                "-o",
                "ConnectTimeout 3",
                "root@host02",
                "ovl",
                "node",
                "serve"
            ]
        );
        let own = via("docker exec -i {node} /opt/ovl node serve", &nodes[..1]).unwrap();
        assert_eq!(own[0].1.last().unwrap(), "serve");
        assert_eq!(own[0].1.len(), 7);
        assert!(via("ssh host01", &nodes).is_err());
        assert!(via("ssh '{node}", &nodes).is_err());
        assert!(via("  ", &nodes).is_err());
    }
}
