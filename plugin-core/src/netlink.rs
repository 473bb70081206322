//! The kernel's network tables over rtnetlink, synchronously.
//!
//! A [`Socket`] is opened inside a namespace and used from outside. Every change asks for an
//! acknowledgement; the kernel's own words (extended ACK) become part of the error. A dump that the
//! kernel interrupted is read again, and says so when it never came out whole.
//!
//! [`link`], [`address`], [`route`], [`neighbour`], [`fdb`] and [`rule`] hold the rows the engine
//! writes, each as a plain struct that turns into a message and back. Whoever needs more of a row than
//! the engine does takes the messages of `netlink-packet-route` from [`Socket::dump`].

pub mod address;
pub mod error;
pub mod fdb;
pub mod link;
pub mod neighbour;
pub mod route;
pub mod rule;
pub mod socket;

pub use error::Error;
pub use socket::{Change, Dump, Socket};

/// The number of a link, meaningful only together with its namespace.
pub type IfIndex = u32;
