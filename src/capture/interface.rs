//! The point where packets were captured.

use crate::wire::LinkType;

/// One interface of a capture. A pcap file has exactly one and does not know its name; a pcapng file lists
/// any number in each of its sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its number, unique within the capture: interfaces of later sections count on.
    pub id: u32,
    /// How its packets begin.
    pub link_type: LinkType,
    /// The most octets kept of a packet; 0 when the file sets no limit.
    pub snap_length: u32,
    /// Its name, as the capturing machine called it.
    pub name: Option<String>,
    /// More about it: ours hold the namespace and pod.
    pub description: Option<String>,
}
