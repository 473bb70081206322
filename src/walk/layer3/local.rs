//! A packet has come to a namespace that takes it: a tunnel, or a socket.
//!
//! Sources: `net/ipv4/ip_input.c` (`ip_local_deliver`), `net/ipv4/udp.c`, `inet_hashtables.c`.

use crate::model::number::IfIndex;
use crate::model::socket::Transport;
use crate::walk::netfilter::{Devices, Hook};
use crate::walk::network::SpaceId;
use crate::walk::path::{Cause, Packet, Protocol, Row, RowTable};
use crate::walk::walker::{Current, Stop, Walker};

impl Walker<'_, '_> {
    /// The namespace takes it (`ip_local_deliver`).
    #[inline]
    pub(super) fn deliver(
        &mut self,
        space: SpaceId,
        input: IfIndex,
        mut current: Current,
    ) -> Result<(SpaceId, Packet), Stop> {
        let devices = Devices {
            input: Some(input),
            output: None,
        };
        let mut rows = Vec::new();
        self.hook(space, Hook::Input, devices, &mut current, &mut rows)?;
        self.add_rows(rows);
        if let Some(inside) = current.inside.take() {
            return self.unwrap(space, input, current, *inside);
        }
        if let Some(goal) = self.goal()
            && goal != space
        {
            let to = self.network.place(space, Some(input));
            let text = format!("{} is here too", current.packet.destination);
            let rows = vec![Row::new(RowTable::Address, text)];
            return Err(self.dropped(space, Some(input), Cause::DeliveredElsewhere { to }, rows));
        }
        if !current.established {
            self.listens(space, input, &current.packet)?;
        }
        Ok((space, current.packet))
    }

    fn listens(&self, space: SpaceId, input: IfIndex, packet: &Packet) -> Result<(), Stop> {
        let (transport, name, port) = match packet.protocol {
            Protocol::Udp {
                destination_port, ..
            } => (Transport::Udp, "udp", destination_port),
            Protocol::Tcp {
                destination_port, ..
            } => (Transport::Tcp, "tcp", destination_port),
            _ => return Ok(()),
        };
        let at = self.network.get(space);
        let listens = at.netns.sockets.iter().any(|socket| {
            socket.protocol == transport
                && socket.port == port
                && socket.remote.is_none()
                && socket.device.is_none_or(|device| device == input)
                && (socket.local == packet.destination
                    || (socket.local.is_unspecified()
                        && (socket.local.is_ipv4() == packet.destination.is_ipv4()
                            || (socket.local.is_ipv6() && !socket.v6_only))))
        });
        if listens {
            return Ok(());
        }
        if let Some(why) = at.netns.sockets.doubt() {
            return Err(self.cannot_tell(space, Some(input), format!("sockets: {why}")));
        }
        let cause = Cause::NothingListens {
            protocol: name,
            port,
        };
        Err(self.dropped(space, Some(input), cause, Vec::new()))
    }
}
