//! The plugins under a container runtime that knows nothing of them.

#[cfg(test)]
mod containerd;
#[cfg(test)]
#[allow(dead_code, reason = "shared with other programs of tests")]
#[path = "../support/support.rs"]
mod support;
