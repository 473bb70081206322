//! Which device is behind another: the other end of a pair, the one below, the underlay.

use super::network::{Port, SpaceId};
use super::walker::Walker;
use crate::model::{Link, LinkKind};

impl<'a> Walker<'_, 'a> {
    /// The other end of a pair, if it is on a node that was read.
    #[inline]
    pub(super) fn peer_of(&self, space: SpaceId, link: &Link) -> Option<Port> {
        let at = self.network.get(space);
        let lower = link.peer()?;
        let netns = match (lower.netns, lower.nsid) {
            (Some(netns), _) => netns,
            (None, None) => at.netns.id,
            (None, Some(_)) => return None,
        };
        let space = self.network.space_of(at.node_number, netns)?;
        self.network.get(space).link(lower.index)?;
        Some(Port {
            space,
            index: lower.index,
        })
    }

    /// Whether a device leads to the underlay.
    #[inline]
    pub(super) fn leads_out(&self, space: SpaceId, link: &Link) -> bool {
        match link.kind {
            LinkKind::Device | LinkKind::Bond(_) | LinkKind::Macvlan(_) => true,
            LinkKind::Vlan(_) => self
                .lower_of(space, link)
                .is_none_or(|(there, lower)| self.leads_out(there, lower)),
            LinkKind::Veth => self.network.is_root(space) && self.peer_of(space, link).is_none(),
            _ => false,
        }
    }

    /// The device below, where it is.
    #[inline]
    pub(super) fn lower_of(&self, space: SpaceId, link: &Link) -> Option<(SpaceId, &'a Link)> {
        let at = self.network.get(space);
        let lower = link.lower?;
        let netns = lower.netns.unwrap_or(at.netns.id);
        let there = self.network.space_of(at.node_number, netns)?;
        Some((there, self.network.get(there).link(lower.index)?))
    }
}
