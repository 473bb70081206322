//! The plugins under a container runtime that knows nothing of them.

#[cfg(test)]
#[path = "../containerd/cgroups.rs"]
mod cgroups;
#[cfg(test)]
mod containerd;
#[cfg(test)]
#[path = "../containerd/cri.rs"]
mod cri;
