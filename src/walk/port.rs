//! Whether a bridge's port passes frames, and if not, what keeps it from that.
//!
//! Sources: `net/bridge/br_if.c` (`br_port_carrier_check`), `br_stp_if.c` (`br_stp_disable_port`), `br_forward.c`,
//! `drivers/net/veth.c` (`veth_close`).

use super::evidence::link_row;
use super::network::SpaceId;
use super::path::{Cause, Row, RowTable};
use super::walker::{Stop, Walker};
use crate::model::Link;
use crate::model::link::PortState;

impl<'a> Walker<'_, 'a> {
    /// Why a bridge's port passes no frames; `None` if it does.
    ///
    /// The state of a port follows its carrier, and that follows the other end of a pair, each a moment after the
    /// other: what is down comes first, whatever the state says by then.
    pub(super) fn shut(&self, space: SpaceId, port: &'a Link) -> Option<Cause> {
        if !port.is_up() {
            return Some(Cause::DeviceDown);
        }
        let down = self.peer_of(space, port).filter(|peer| {
            let other = self.network.get(peer.space).link(peer.index);
            other.is_some_and(|other| !other.is_up())
        });
        if let Some(peer) = down {
            let peer = Some(self.network.place(peer.space, Some(peer.index)));
            return Some(Cause::PeerDown { peer });
        }
        let state = port.bridge_port()?.state;
        if state == PortState::Forwarding {
            None
        } else if port.is_running() {
            let state = state.as_str();
            Some(Cause::PortNotForwarding { state })
        } else {
            Some(Cause::PeerDown { peer: None })
        }
    }

    /// Only a port that forwards passes frames.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn passes(&self, space: SpaceId, port: &'a Link) -> Result<(), Stop> {
        let Some(cause) = self.shut(space, port) else {
            return Ok(());
        };
        let row = match &cause {
            Cause::PortNotForwarding { state } => {
                Row::new(RowTable::Link, format!("{} state {state}", port.name))
            }
            _ => link_row(port),
        };
        Err(self.dropped(space, Some(port.index), cause, vec![row]))
    }
}
