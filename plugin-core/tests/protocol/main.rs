//! The CNI protocol as it is published, held against the real binary; and the chain against the standard
//! plugins. Everything runs in namespaces that these tests make.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod refusal;
#[cfg(test)]
#[path = "../kernel/sandbox.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod sandbox;
#[cfg(test)]
mod speaker;
