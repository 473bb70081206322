//! What the engine tells the kernel and reads back, against `ip -j` and `bridge -j`, in namespaces that
//! these tests make.

#[cfg(test)]
mod delegated;
#[cfg(test)]
mod netlink;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod sync;
