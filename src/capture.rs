//! Where captured packets come from and where they go: capture files of every usual format, live sockets,
//! and libpcap's filters between them.
//!
//! Nothing here knows what is inside a packet; that is the decoder's part. A [`Record`] borrows its octets
//! from the reader's one buffer, so reading a file costs neither an allocation nor a second copy a packet,
//! and memory does not depend on the file's size.

pub mod address;
pub mod file;
pub mod filter;
pub mod flows;
pub mod interface;
pub mod link_type;
pub mod live;
pub mod mtu;
pub mod names;
pub mod pings;
pub mod point;
pub mod privilege;
pub mod record;
pub mod select;
pub mod write;

pub use filter::{Filter, FilterError};
pub use interface::Interface;
pub use record::{Direction, Record};
