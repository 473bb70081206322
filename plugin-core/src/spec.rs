//! The CNI protocol, versions 0.3.0 to 1.1.0: environment, configuration, result, error. Everything here
//! is a function of bytes and variables; nothing touches the kernel or starts a process, except
//! [`plugin::main`], which is the process.
//!
//! Source: the specification (SPEC.md of containernetworking/cni, tags spec-v0.3.0 to spec-v1.1.0) and its
//! CONVENTIONS.md. Where libcni is stricter or looser than the text, we do as libcni does, because that is
//! what every runtime runs.

pub mod any_case;
pub mod args;
pub mod config;
pub mod environment;
pub mod error;
pub mod name;
pub mod plugin;
pub mod result;
pub mod runtime_config;
pub mod verb;
pub mod version;

pub use args::{Args, RequestedIp};
pub use config::PluginConfig;
pub use environment::Environment;
pub use error::{Code, Error, Result};
pub use name::{Attachment, ContainerId, IfName, NetworkName};
pub use plugin::{Add, Check, Del, Gc, Invocation, Plugin, Status};
pub use result::{AddResult, Dns, Interface, IpConfig, Route};
pub use runtime_config::RuntimeConfig;
pub use verb::Verb;
pub use version::SpecVersion;
