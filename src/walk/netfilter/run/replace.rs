//! Rules that write other addresses and ports into a packet.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Run;
use crate::walk::netfilter::rule::{Choice, End, Replace, Whither};

impl Run<'_, '_> {
    /// Whether the rule had something to write; an error if what cannot be told.
    pub(super) fn replace(&mut self, replace: &Replace) -> Result<bool, ()> {
        let Some(end) = self.chosen(&replace.by)? else {
            return Ok(false);
        };
        let packet = self.packet;
        let old = if replace.source {
            packet.source
        } else {
            packet.destination
        };
        let new = match end.address {
            Whither::Same => old,
            Whither::Own => self.own_address().ok_or(())?,
            Whither::Net(net) => moved(old, net).ok_or(())?,
        };
        if replace.source {
            self.packet.source = new;
        } else {
            self.packet.destination = new;
        }
        if let (Some(port), Some((from, to))) = (end.port, packet.protocol.ports()) {
            let (from, to) = if replace.source {
                (port, to)
            } else {
                (from, port)
            };
            self.packet.protocol = packet.protocol.with_ports(from, to);
        }
        Ok(true)
    }

    fn chosen(&self, choice: &Choice) -> Result<Option<End>, ()> {
        match choice {
            Choice::One(end) => Ok(Some(*end)),
            Choice::Map { fields, map } => Ok(map
                .iter()
                .find(|(element, _)| self.is_element(fields, element))
                .map(|(_, end)| *end)),
            Choice::Any(ends) => {
                let which = self.skip.checked_rem(ends.len()).ok_or(())?;
                ends.get(which).copied().map(Some).ok_or(())
            }
        }
    }

    /// `REDIRECT`: an address of the device it came in by.
    fn own_address(&self) -> Option<IpAddr> {
        let device = self.devices.input?;
        self.ruleset
            .netns
            .addresses_of(device)
            .map(|row| row.address)
            .find(|address| address.is_ipv4() == self.packet.destination.is_ipv4())
    }
}

/// The address at the same place of another network (`nf_nat_netmap` of `net/netfilter/xt_NETMAP.c`).
fn moved(address: IpAddr, net: IpNet) -> Option<IpAddr> {
    match (address, net) {
        (IpAddr::V4(address), IpNet::V4(net)) => {
            let bits = u32::from(net.network()) | (u32::from(address) & u32::from(net.hostmask()));
            Some(IpAddr::V4(bits.into()))
        }
        (IpAddr::V6(address), IpNet::V6(net)) => {
            let bits =
                u128::from(net.network()) | (u128::from(address) & u128::from(net.hostmask()));
            Some(IpAddr::V6(bits.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn an_address_keeps_its_place_in_another_network() {
        let place = |address: &str, net: &str| {
            moved(address.parse().unwrap(), net.parse().unwrap()).map(|moved| moved.to_string())
        };
        assert_eq!(
            place("10.244.1.7", "10.9.2.0/24").as_deref(),
            Some("10.9.2.7")
        );
        assert_eq!(
            place("10.244.1.7", "10.9.2.5/32").as_deref(),
            Some("10.9.2.5")
        );
        assert_eq!(place("fd00::1:7", "fd01::/112").as_deref(), Some("fd01::7"));
        assert_eq!(place("fd00::1:7", "10.9.2.0/24"), None);
    }
}
