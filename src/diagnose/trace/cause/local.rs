//! Losses where a packet arrives: sockets that are not there or full, echoes that are not answered, services of nobody.

use std::net::IpAddr;

use super::Case;
use crate::diagnose::trace::origin::Told;

impl Case<'_> {
    pub(super) fn nothing_listens(&self, protocol: &str, port: u16) -> Told {
        let id = if protocol == "tcp" {
            "nothing-listening-tcp"
        } else {
            "nothing-listening-udp"
        };
        self.of_space(id)
            .what(format!(
                "nothing listens on {protocol} port {port} of {}",
                self.who()
            ))
            .show(self.sockets(protocol))
            .fix("start the server, or have it listen on all addresses")
    }

    pub(super) fn socket_full(
        &self,
        protocol: &str,
        port: u16,
        (waiting, limit): (u32, u32),
    ) -> Told {
        let what = if protocol == "tcp" {
            format!("{waiting} connections wait to be accepted, and {limit} may")
        } else {
            format!("{waiting} octets wait to be read, and {limit} may")
        };
        self.of_space("socket-full")
            .what(format!(
                "the program behind {protocol} port {port} of {} takes nothing: {what}",
                self.who()
            ))
            .show(self.sockets(protocol))
            .fix("find out what the program waits for, or restart it; a longer queue only where it is merely slow")
    }

    /// The command that shows the sockets and their queues.
    fn sockets(&self, protocol: &str) -> String {
        let flag = if protocol == "tcp" { "t" } else { "u" };
        format!("{}ss -l{flag}nm", self.prefix())
    }

    pub(super) fn echo_ignored(&self, setting: &str) -> Told {
        self.of_space("echo-ignored")
            .what(format!(
                "{} does not answer any echo: {setting} = 1",
                self.who()
            ))
            .show(format!("{}sysctl {setting}", self.prefix()))
            .fix(format!("{}sysctl -w {setting}=0", self.prefix()))
    }

    pub(in crate::diagnose::trace) fn no_endpoint(&self, address: IpAddr) -> Told {
        self.of_node("service-without-endpoints")
            .what(format!("the service at {address} has no endpoint"))
            .show("iptables-save | grep 'has no endpoints'")
            .fix("make a pod ready that the service selects: kubectl describe service")
    }
}
