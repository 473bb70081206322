//! `ovl` follows one packet through everything that carries it between two Kubernetes pods, and names the
//! hop and the cause where it breaks. This page is the architecture.
//!
//! # The way of the data
//!
//! ```text
//! collect ──▶ model ──▶ walk ──▶ diagnose ──▶ render
//! (kernel,    (snapshot: (pure:    (pure:       (text, table,
//!  CRI, lab,   serde,     packet →  path →       json, svg:
//!  file)       versioned) hops)     findings)    fn(&T, &mut Write))
//! ```
//!
//! The arrows only ever point to the right. `model` imports no sibling; whatever reads a snapshot
//! cannot tell whether it was taken a moment ago or comes from a file.
//!
//! # Map of the modules
//!
//! | module | answers |
//! |---|---|
//! | [`agent`] | what keeps a node in a pod network: `ovl agent` |
//! | [`capture`] | capture files, live capture and filters |
//! | [`cli`] | what may be typed: the only place that knows clap |
//! | [`cluster`] | where snapshots come from: this node, other nodes, a lab, a file |
//! | [`collect`] | reads a node: kernel, runtime, and the files CNI leaves |
//! | [`command`] | one file a verb: wires the stages together, holds no logic |
//! | [`model`] | what a node looks like: plain values, `ovl.node/v1` |
//! | [`lab`] | a whole multi-node network on one machine: nodes, pods, cables |
//! | [`inspect`] | what a snapshot says about one pod, all pods, and another snapshot |
//! | [`trace`] | who asks whom, both ways, what was seen and what it means: `ovl.trace/v1` |
//! | [`walk`] | where the kernel would send a packet, and why: pure, from snapshots |
//! | [`diagnose`] | what is wrong, by family, each with its proof |
//! | [`probe`] | packets as proof: sent from inside a namespace, seen at its devices |
//! | [`bench`](mod@bench) | what an overlay costs: the same traffic between pods and between nodes |
//! | [`render`] | how a result is shown: colour, tables, JSON, escaping |
//! | [`kubernetes`] | what a cluster's API server says: pods, nodes and services by their addresses |
//! | [`wire`] | packets as bytes: headers, layers, and the text tcpdump prints for them |
//! | [`error`] | what went wrong, as an exit code and a sentence |
//!
//! The CNI engine (routed and VXLAN plugins, IPAM, the node reconciler, netlink) is the separate crate
//! [`plugin_core`], which knows neither clap nor tokio.

pub mod agent;
pub mod bench;
pub mod capture;
pub mod cli;
pub mod cluster;
pub mod collect;
pub mod command;
pub mod diagnose;
pub mod error;
pub mod inspect;
pub mod kubernetes;
pub mod lab;
pub mod model;
pub mod probe;
pub mod render;
pub mod trace;
pub mod walk;
pub mod wire;
