//! What a namespace asks of a packet that comes in before it takes it or passes it on.
//!
//! Sources: `net/ipv4/route.c` (`ip_route_input_slow`), `net/ipv4/fib_frontend.c` (`__fib_validate_source`),
//! `net/ipv6/ip6_output.c` (`ip6_forward`).

use std::net::IpAddr;

use crate::model::{Link, notation};
use crate::walk::answer::{Belief, WayBack, believe};
use crate::walk::flow::Flow;
use crate::walk::network::SpaceId;
use crate::walk::path::{Cause, Packet, Row, RowTable};
use crate::walk::walker::{Current, Stop, Walker};

impl Walker<'_, '_> {
    #[inline]
    pub(super) fn family_on(
        &self,
        space: SpaceId,
        link: &Link,
        current: &Current,
    ) -> Result<(), Stop> {
        let off = current.packet.destination.is_ipv6()
            && link.inet6.is_some_and(|conf| conf.disable_ipv6 != 0);
        if off {
            let row = Row::new(
                RowTable::Sysctl,
                format!("net.ipv6.conf.{}.disable_ipv6 = 1", link.name),
            );
            return Err(self.dropped(space, Some(link.index), Cause::FamilyOff, vec![row]));
        }
        Ok(())
    }

    /// Addresses that cannot be on a link (`ip_route_input_slow`, `martian_source`, `martian_destination`).
    #[inline]
    pub(super) fn martian(&self, space: SpaceId, link: &Link, packet: &Packet) -> Result<(), Stop> {
        // `IN_DEV_ROUTE_LOCALNET`: on the device, or on all.
        let localnet = || {
            let netns = self.network.get(space).netns;
            link.inet.is_some_and(|conf| conf.route_localnet != 0)
                || netns.sysctl_number("net.ipv4.conf.all.route_localnet") == Some(1)
        };
        let (address, why) = if packet.source.is_multicast() {
            (packet.source, "a group as source")
        } else if packet.source.is_unspecified() {
            (packet.source, "no source")
        } else if packet.source.is_loopback() && !localnet() {
            (packet.source, "a loopback source from outside")
        } else if packet.destination.is_loopback() && !localnet() {
            (packet.destination, "a loopback destination from outside")
        } else {
            return Ok(());
        };
        let cause = Cause::Martian { address, why };
        Err(self.dropped(space, Some(link.index), cause, Vec::new()))
    }

    #[inline]
    pub(super) fn believes(
        &self,
        space: SpaceId,
        link: &Link,
        flow: &Flow,
        local: bool,
    ) -> Result<(), Stop> {
        let at = self.network.get(space);
        match believe(at.fib(), link, flow) {
            Belief::Yes => Ok(()),
            Belief::CannotTell(why) => Err(self.cannot_tell(space, Some(link.index), why)),
            Belief::No(disbelief) => {
                let source = disbelief.source;
                let cause = if disbelief.way_back == WayBack::Own {
                    Cause::Martian {
                        address: source,
                        why: if local {
                            "the receiver's own address as source"
                        } else {
                            "the node's own address as source"
                        },
                    }
                } else {
                    Cause::ReversePath {
                        source,
                        mode: i32::try_from(disbelief.rp_filter).unwrap_or(1),
                    }
                };
                let mut rows = self.way_back_rows(space, source, flow.destination);
                let setting = |device: &str| format!("net.ipv4.conf.{device}.rp_filter");
                for device in ["all", &link.name] {
                    let value = if device == "all" {
                        at.netns.sysctl_number(&setting("all"))
                    } else {
                        link.inet.map(|conf| i64::from(conf.rp_filter))
                    };
                    if let Some(value) = value {
                        let text = format!("{} = {value}", setting(device));
                        rows.push(Row::new(RowTable::Sysctl, text));
                    }
                }
                Err(self.dropped(space, Some(link.index), cause, rows))
            }
        }
    }

    fn way_back_rows(&self, space: SpaceId, source: IpAddr, destination: IpAddr) -> Vec<Row> {
        let back = Flow::to(source).from(destination);
        let decision = self.network.get(space).fib().lookup(&back);
        self.decision_rows(space, &decision)
    }

    /// Whether the namespace forwards what comes in by a device.
    #[inline]
    pub(super) fn forwards(
        &self,
        space: SpaceId,
        link: &Link,
        current: &Current,
    ) -> Result<(), Stop> {
        let at = self.network.get(space);
        let v4 = current.packet.destination.is_ipv4();
        let on = if v4 {
            link.inet.map(|conf| conf.forwarding != 0)
        } else {
            // `ip6_forward` asks the namespace, unless the device forwards by force.
            let forced = link.inet6.is_some_and(|conf| conf.force_forwarding != 0);
            at.netns
                .sysctl_number("net.ipv6.conf.all.forwarding")
                .map(|all| all != 0 || forced)
        };
        if on == Some(true) {
            return Ok(());
        }
        let sysctl = if v4 {
            notation::setting("ipv4", &link.name, "forwarding")
        } else {
            "net.ipv6.conf.all.forwarding".to_owned()
        };
        match on {
            Some(_) => {
                let mut rows = vec![Row::new(RowTable::Sysctl, format!("{sysctl} = 0"))];
                if let Some(0) = at.netns.sysctl_number("net.ipv4.ip_forward") {
                    rows.push(Row::new(RowTable::Sysctl, "net.ipv4.ip_forward = 0"));
                }
                // What the namespace is not asked to forward is not its fault: the sender meant another.
                let cause = Cause::ForwardingOff { sysctl };
                Err(self.dropped(space, Some(link.index), cause, rows))
            }
            None => {
                Err(self.cannot_tell(space, Some(link.index), format!("{sysctl} was not read")))
            }
        }
    }
}
