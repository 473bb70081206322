//! What a container runtime does with CNI: finds the configuration, runs its plugins in order, remembers
//! the result, and undoes it all in reverse.
//!
//! It follows libcni and containerd's go-cni, which kubelets' runtimes run, and reads and writes libcni's
//! result cache, so that `cnitool`, a runtime and this code may take turns on one node. It differs in one
//! thing on purpose: a DEL goes on to the end whatever fails on the way, because a plugin that is not
//! reached leaks an address.

pub mod cache;
pub mod delegate;
pub mod discovery;
pub mod error;
pub mod exec;
pub mod list;
pub mod runtime;
pub mod turn;

pub use cache::{Cache, CachedAttachment};
pub use discovery::{Candidate, Directory};
pub use error::{Error, Result};
pub use list::{ListError, ListedPlugin, NetworkList};
pub use runtime::{Container, Runtime, Step};
