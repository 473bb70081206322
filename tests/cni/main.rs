//! The plugins under a container runtime that knows nothing of them.

#[cfg(test)]
mod containerd;
#[cfg(test)]
mod cri;
