//! A packet has come to a namespace that takes it: a tunnel, a socket, or the kernel itself, which answers echoes.
//!
//! Sources: `net/ipv4/ip_input.c` (`ip_local_deliver`), `net/ipv4/udp.c`, `inet_hashtables.c`, `tcp_input.c`
//! (`tcp_conn_request`), `icmp.c` (`icmp_echo`), `net/ipv6/icmp.c` (`icmpv6_rcv`).

use crate::model::number::IfIndex;
use crate::model::socket::{Socket, Transport};
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
            self.answers_echo(space, input, &current.packet)?;
        }
        Ok((space, current.packet))
    }

    /// A socket takes the packet and has room for it.
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
        let takes = |socket: &&Socket| {
            socket.protocol == transport
                && socket.port == port
                && socket.remote.is_none()
                && socket.device.is_none_or(|device| device == input)
                && (socket.local == packet.destination
                    || (socket.local.is_unspecified()
                        && (socket.local.is_ipv4() == packet.destination.is_ipv4()
                            || (socket.local.is_ipv6() && !socket.v6_only))))
        };
        let mut sockets = at.netns.sockets.iter().filter(takes).peekable();
        if let Some(first) = sockets.peek().copied() {
            // Which of several takes it, a hash says; one with room may.
            return match first.overfull() {
                Some((waiting, limit)) if sockets.all(|socket| socket.overfull().is_some()) => {
                    let row = Row::new(
                        RowTable::Socket,
                        format!(
                            "{name} {}:{port} Recv-Q {waiting}, limit {limit}",
                            first.local
                        ),
                    );
                    let cause = Cause::SocketFull {
                        protocol: name,
                        port,
                        waiting,
                        limit,
                    };
                    Err(self.dropped(space, Some(input), cause, vec![row]))
                }
                _ => Ok(()),
            };
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

    /// The kernel itself answers echoes, unless it is told not to.
    fn answers_echo(&self, space: SpaceId, input: IfIndex, packet: &Packet) -> Result<(), Stop> {
        if packet.protocol != Protocol::EchoRequest {
            return Ok(());
        }
        let settings = self.network.get(space).fib().settings();
        let (ignored, setting) = if packet.destination.is_ipv4() {
            (settings.ignores_echo, "net.ipv4.icmp_echo_ignore_all")
        } else {
            (settings.ignores_echo6, "net.ipv6.icmp.echo_ignore_all")
        };
        if !ignored {
            return Ok(());
        }
        let row = Row::new(RowTable::Sysctl, format!("{setting} = 1"));
        Err(self.dropped(
            space,
            Some(input),
            Cause::EchoIgnored { setting },
            vec![row],
        ))
    }
}
