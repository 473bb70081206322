//! How a result is shown. Everything here is a function of data into a writer; nothing here reads the
//! kernel, the cluster or a clock.

pub mod bench;
pub mod check;
pub mod cni;
pub mod decode;
pub mod diff;
pub mod escape;
pub mod explain;
pub mod fault;
pub mod format;
pub mod lab;
pub mod mtu;
pub mod pod;
pub mod pods;
pub mod style;
pub mod table;
pub mod trace;

pub use format::Format;
pub use style::Style;
