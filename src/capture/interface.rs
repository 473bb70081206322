//! The point where packets were captured.

use std::fmt;

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
    /// More about it: that of our captures is a [`Whereabouts`].
    pub description: Option<String>,
}

impl Interface {
    /// Where it is, if our captures described it.
    pub fn whereabouts(&self) -> Option<Whereabouts<'_>> {
        Whereabouts::of(self.description.as_deref()?)
    }
}

/// Whose network an interface is in, as its description in a file says: `pod default/web, netns /run/netns/cni-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts<'a> {
    /// The pod, `namespace/name`.
    pub pod: Option<&'a str>,
    /// The network namespace, as whoever captured named it.
    pub netns: &'a str,
}

impl<'a> Whereabouts<'a> {
    /// What a description says; `None` if it is of another program.
    pub fn of(description: &'a str) -> Option<Self> {
        let (pod, netns) = match description.strip_prefix("pod ") {
            Some(rest) => {
                let (pod, netns) = rest.split_once(", ")?;
                (Some(pod), netns)
            }
            None => (None, description),
        };
        let netns = netns.strip_prefix("netns ")?;
        Some(Self { pod, netns })
    }

    /// What people call it: the pod, or the namespace without the folder it is in.
    pub fn name(&self) -> &'a str {
        let file = self.netns.rsplit('/').next().unwrap_or(self.netns);
        self.pod.unwrap_or(file)
    }
}

impl fmt::Display for Whereabouts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pod) = self.pod {
            write!(f, "pod {pod}, ")?;
        }
        write!(f, "netns {}", self.netns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_read_as_they_are_written() {
        let pod = Whereabouts {
            pod: Some("default/web"),
            netns: "/run/netns/cni-1",
        };
        let netns = Whereabouts { pod: None, ..pod };
        for (place, name) in [(pod, "default/web"), (netns, "cni-1")] {
            assert_eq!(Whereabouts::of(&place.to_string()), Some(place));
            assert_eq!(place.name(), name);
        }
        for other in ["Loopback", "pod of whales", "pod a, b", ""] {
            assert_eq!(Whereabouts::of(other), None, "{other}");
        }
    }
}
