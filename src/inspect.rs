//! What a snapshot says about one pod, about all pods, and about the difference to another snapshot.
//!
//! Pure: everything here is a function of the model, so that a saved file gives the same answers as the
//! node it was taken from.

pub mod diff;
pub mod find;
pub mod gateway;
pub mod pod;
pub mod pods;
pub mod redact;
pub mod ways;
