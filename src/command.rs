//! One file a verb. A verb takes a plain request made by [`crate::cli`], wires the stages together and
//! returns an [`Outcome`](crate::error::Outcome); it holds no logic of its own.

pub mod agent;
pub mod cni;
pub mod completion;
pub mod decode;
pub mod lab;
