//! Random rules and routes in a namespace: where we send a packet is where the kernel says it would go.
//!
//! Each round draws rules and routes, takes a snapshot, and asks the kernel by `RTM_GETROUTE` about packets that
//! the node sends and packets that come in: once for the route that matches, once for the way that is taken. A
//! mismatch prints the seed; `OVL_WALK_SEED` repeats one, `OVL_WALK_ROUNDS` sets how many are drawn.

use std::fmt::Write as _;
use std::net::IpAddr;

use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use ovl::model::route::RouteKind;
use ovl::model::{IfIndex, Netns, Node, Route, TableId};
use ovl::walk::answer::{Belief, believe};
use ovl::walk::fib::{Fib, Verdict};
use ovl::walk::flow::Flow;
use plugin_core::netlink::Socket;

use crate::support::machine::Machine;

/// Four devices with addresses, and tables to lead astray.
const DEVICES: u32 = 4;
const TABLES: [u32; 4] = [254, 100, 101, 102];
/// What marks the rows of a round, so that the next can take them away.
const PROTOCOL: u8 = 99;
const LOOKUPS: usize = 100;

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

fn prepare(machine: &Machine) {
    let mut script = String::from(
        "echo 1 > /proc/sys/net/ipv4/ip_forward\necho 1 > /proc/sys/net/ipv6/conf/all/forwarding\n",
    );
    for n in 0..DEVICES {
        writeln!(
            script,
            "ip link add d{n} type veth peer name p{n}
             echo 0 > /proc/sys/net/ipv6/conf/d{n}/accept_dad
             ip addr add 10.0.{n}.1/24 brd + dev d{n}; ip addr add 10.0.{n}.2/24 dev d{n}
             ip addr add fd00:{n}::1/64 dev d{n} nodad
             ip link set p{n} up; ip link set d{n} up"
        )
        .unwrap();
    }
    // A link-local address that is still tentative would change the tables during a round.
    script.push_str("until ! ip -6 addr | grep -q tentative; do sleep 0.05; done\n");
    machine.sh(&script);
}

/// Addresses that rows are made of and packets go to, few enough that they meet.
fn address(random: &mut Random, v6: bool) -> IpAddr {
    let (a, b, c) = (random.below(4), random.below(4), random.below(6));
    let text = match (v6, random.below(6)) {
        (false, 0) => format!("10.0.{a}.{c}"),
        (false, 1) => format!("127.9.{a}.{c}"),
        (false, _) => format!("10.{}.{b}.{}", a + 1, c * 40),
        (true, 0) => format!("fd00:{a}::{c}"),
        (true, _) => format!("fd01:{a}:{b}::{c:x}00"),
    };
    text.parse().unwrap()
}

fn prefix(random: &mut Random, v6: bool) -> String {
    let length = if v6 {
        random.of(&[0, 16, 32, 40, 48, 64, 120, 128])
    } else {
        random.of(&[0, 8, 12, 15, 16, 20, 24, 26, 30, 32])
    };
    let net = ipnet::IpNet::new(address(random, v6), length).unwrap();
    net.trunc().to_string()
}

fn hop(random: &mut Random, v6: bool) -> String {
    let device = random.below(DEVICES as usize);
    match (v6, random.below(4)) {
        (_, 0) => format!("dev d{device}"),
        (false, 1) => format!("via 172.20.1.{} dev d{device} onlink", random.below(9) + 1),
        (false, _) => format!("via 10.0.{device}.{} dev d{device}", random.below(9) + 3),
        (true, _) => format!("via fd00:{device}::{:x} dev d{device}", random.below(9) + 3),
    }
}

fn route(random: &mut Random, v6: bool) -> String {
    let mut line = String::from("route add ");
    let kind = random.of(&[
        "",
        "",
        "",
        "",
        "",
        "",
        "blackhole ",
        "unreachable ",
        "prohibit ",
        "throw ",
    ]);
    write!(line, "{kind}{} ", prefix(random, v6)).unwrap();
    let several = kind.is_empty() && random.one_in(5);
    if kind.is_empty() && !several {
        write!(line, "{} ", hop(random, v6)).unwrap();
        if !v6 && random.one_in(6) {
            write!(line, "src 10.0.{}.2 ", random.below(4)).unwrap();
        }
    }
    write!(
        line,
        "table {} proto {PROTOCOL} metric {}",
        random.of(&TABLES),
        random.of(&[10, 20, 1024])
    )
    .unwrap();
    if !v6 && random.one_in(8) {
        line.push_str(" tos 0x10");
    }
    if several {
        for _ in 0..random.below(3) + 2 {
            write!(
                line,
                " nexthop {} weight {}",
                hop(random, v6),
                random.below(4) + 1
            )
            .unwrap();
        }
    }
    line
}

fn rule(random: &mut Random, v6: bool) -> String {
    let mut line = String::from("rule add ");
    if random.one_in(8) {
        line.push_str("not ");
    }
    let mut selects = false;
    for (chances, text) in [
        (3, format!("from {} ", prefix(random, v6))),
        (3, format!("to {} ", prefix(random, v6))),
        (5, format!("iif d{} ", random.below(4))),
        (9, "iif lo ".to_owned()),
        (
            5,
            format!(
                "fwmark {}/{} ",
                random.of(&["1", "2", "0x100"]),
                random.of(&["0xff", "0x101"])
            ),
        ),
        (9, "tos 0x10 ".to_owned()),
        (9, "ipproto udp dport 50-60 ".to_owned()),
    ] {
        if random.one_in(chances) && !(text.starts_with("iif") && line.contains("iif")) {
            line.push_str(&text);
            selects = true;
        }
    }
    if !selects {
        line.push_str("from all ");
    }
    let priority = random.below(60) + 1;
    let action = match random.below(12) {
        0 => "blackhole".to_owned(),
        1 => "unreachable".to_owned(),
        2 => "prohibit".to_owned(),
        3 => "nop".to_owned(),
        4 => format!("goto {}", priority + random.below(30) + 1),
        5 => format!(
            "lookup main suppress_prefixlength {}",
            random.of(&[0, 8, 16])
        ),
        _ => format!("lookup {}", random.of(&TABLES)),
    };
    write!(line, "priority {priority} protocol {PROTOCOL} {action}").unwrap();
    line
}

/// Takes the last round's rows away and draws new ones.
fn draw(machine: &Machine, random: &mut Random, with_rules: bool) {
    let mut script = String::new();
    for family in ["-4", "-6"] {
        writeln!(
            script,
            "ip {family} rule flush protocol {PROTOCOL} || :\nip {family} route flush table all proto {PROTOCOL} || :"
        )
        .unwrap();
    }
    let any = "ip link set d3 up";
    let down = if random.one_in(4) {
        "ip link set d3 down"
    } else {
        any
    };
    for n in 0..DEVICES {
        let mode = random.of(&[0, 0, 1, 2]);
        writeln!(
            script,
            "echo {mode} > /proc/sys/net/ipv4/conf/d{n}/rp_filter"
        )
        .unwrap();
    }
    writeln!(
        script,
        "{any}\necho 0 > /proc/sys/net/ipv4/conf/all/rp_filter"
    )
    .unwrap();
    // Rows that contradict others are refused, which is as well.
    for (flag, v6) in [("-4", false), ("-6", true)] {
        writeln!(
            script,
            "ip {flag} -force -batch - 2> /dev/null <<'END' || :"
        )
        .unwrap();
        if with_rules {
            // One at least, or nothing shows that the tables were parted.
            for _ in 0..random.below(6) + 1 {
                writeln!(script, "{}", rule(random, v6)).unwrap();
            }
        }
        for _ in 0..random.below(50) + 5 {
            writeln!(script, "{}", route(random, v6)).unwrap();
        }
        script.push_str("END\n");
    }
    writeln!(script, "{down}").unwrap();
    machine.sh(&script);
}

/// What the kernel says.
#[derive(Debug, PartialEq)]
enum Said {
    Route(Box<RouteMessage>),
    Errno(i32),
}

fn ask(socket: &mut Socket, flow: &Flow, matching: bool) -> Said {
    let mut message = RouteMessage::default();
    let v6 = flow.destination.is_ipv6();
    let full = if v6 { 128 } else { 32 };
    message.header.address_family = if v6 {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    message.header.destination_prefix_length = full;
    message.header.tos = flow.tos;
    message.header.flags = RouteFlags::LookupTable;
    if matching {
        message.header.flags |= RouteFlags::FibMatch;
    }
    let wire = |address: IpAddr| match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    };
    let attributes = &mut message.attributes;
    attributes.push(RouteAttribute::Destination(wire(flow.destination)));
    if let Some(source) = flow.source {
        message.header.source_prefix_length = full;
        attributes.push(RouteAttribute::Source(wire(source)));
    }
    if let Some(IfIndex(index)) = flow.input {
        attributes.push(RouteAttribute::Iif(index));
    }
    if flow.mark != 0 {
        attributes.push(RouteAttribute::Mark(flow.mark));
    }
    if let Some(protocol) = flow.protocol {
        attributes.push(RouteAttribute::IpProto(protocol));
    }
    if let Some((source, destination)) = flow.ports {
        attributes.push(RouteAttribute::Sport(source));
        attributes.push(RouteAttribute::Dport(destination));
    }
    match socket.get(&RouteNetlinkMessage::GetRoute(message), 0) {
        Ok(RouteNetlinkMessage::NewRoute(route)) => Said::Route(Box::new(route)),
        Ok(other) => panic!("the kernel answers with {other:?}"),
        Err(error) => Said::Errno(error.errno().unwrap_or_else(|| panic!("{error}"))),
    }
}

/// `EINVAL` and its like, as `fib_props` (`net/ipv4/fib_semantics.c`) and IPv6's null entries have them.
fn errno(verdict: &Verdict<'_>) -> Option<i32> {
    match verdict {
        Verdict::NoRoute => Some(libc::ENETUNREACH),
        Verdict::Blackhole => Some(libc::EINVAL),
        Verdict::Unreachable => Some(libc::EHOSTUNREACH),
        Verdict::Prohibit => Some(libc::EACCES),
        _ => None,
    }
}

fn same_route(ours: &Route, theirs: &RouteMessage) -> bool {
    let mut table = u32::from(theirs.header.table);
    let mut metric = 0;
    for attribute in &theirs.attributes {
        match attribute {
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Priority(number) => metric = *number,
            _ => {}
        }
    }
    let kind = match theirs.header.kind {
        RouteType::Unicast => RouteKind::Unicast,
        RouteType::Local => RouteKind::Local,
        RouteType::Broadcast => RouteKind::Broadcast,
        RouteType::Anycast => RouteKind::Anycast,
        RouteType::Multicast => RouteKind::Multicast,
        _ => RouteKind::Other,
    };
    // While `local` and `main` are one, the kernel calls both `main`.
    let merged = ours.table == TableId::LOCAL && TableId(table) == TableId::MAIN;
    (ours.table == TableId(table) || merged)
        && ours.destination.prefix_len() == theirs.header.destination_prefix_length
        && ours.metric == metric
        && (ours.kind == kind || kind == RouteKind::Other)
}

/// Whether the kernel's way is one of ours.
fn same_way(verdict: &Verdict<'_>, theirs: &RouteMessage) -> bool {
    let mut device = None;
    let mut gateway = None;
    for attribute in &theirs.attributes {
        match attribute {
            RouteAttribute::Oif(index) => device = Some(IfIndex(*index)),
            RouteAttribute::Gateway(RouteAddress::Inet(address)) => {
                gateway = Some(IpAddr::V4(*address));
            }
            RouteAttribute::Gateway(RouteAddress::Inet6(address)) => {
                gateway = Some(IpAddr::V6(*address));
            }
            _ => {}
        }
    }
    match verdict {
        Verdict::Forward(ways) => ways
            .iter()
            .any(|way| way.device == device && way.gateway == gateway),
        Verdict::Local => matches!(theirs.header.kind, RouteType::Local | RouteType::Anycast),
        Verdict::Broadcast => theirs.header.kind == RouteType::Broadcast,
        Verdict::Multicast => theirs.header.kind == RouteType::Multicast,
        _ => false,
    }
}

fn question(random: &mut Random, netns: &Netns, v6: bool) -> Flow {
    let mut flow = Flow::to(address(random, v6));
    flow.mark = random.of(&[0, 0, 1, 2, 0x100, 0x101]);
    flow.tos = random.of(&[0, 0, 0, 0x10]);
    if random.one_in(3) {
        flow.protocol = Some(17);
        flow.ports = Some((40000, random.of(&[49, 50, 55, 60, 61])));
    } else {
        // The kernel asks with UDP unless told otherwise (`inet_rtm_getroute`).
        flow.protocol = Some(17);
        flow.ports = Some((0, 0));
    }
    if random.one_in(2) {
        let number = random.below(DEVICES as usize);
        // What comes in by a device that is down is not asked about.
        let device = netns.link_named(&format!("d{number}")).unwrap();
        if device.is_up() {
            flow.input = Some(device.index);
            flow.source = Some(address(random, v6));
        }
    } else if random.one_in(2) {
        let number = random.below(3);
        let own = if v6 {
            format!("fd00:{number}::1")
        } else {
            format!("10.0.{number}.1")
        };
        flow.source = Some(own.parse().unwrap());
    }
    flow
}

/// Whether the kernel refuses the packet as it does not believe its source; `None` if a hash decides that.
fn refused(netns: &Netns, fib: &Fib<'_>, flow: &Flow, verdict: &Verdict<'_>) -> Option<bool> {
    let (Some(input), Some(source)) = (flow.input, flow.source) else {
        return Some(false);
    };
    if flow.destination.is_ipv6() {
        return Some(false);
    }
    // 127/8 on a link (`ip_route_input_slow`).
    if source.is_loopback() || flow.destination.is_loopback() {
        return Some(true);
    }
    if errno(verdict).is_some() {
        return Some(false);
    }
    let link = netns.link(input).unwrap();
    let outputs: Vec<_> = match verdict {
        Verdict::Forward(ways) => ways.iter().map(|way| way.device).collect(),
        _ => vec![None],
    };
    let mut answers = outputs
        .into_iter()
        .map(|output| matches!(believe(fib, link, &Flow { output, ..*flow }), Belief::No(_)));
    let first = answers.next().unwrap();
    answers.all(|other| other == first).then_some(first)
}

#[test]
fn every_lookup_is_the_kernels() {
    let Some(machine) = Machine::new() else {
        return;
    };
    prepare(&machine);
    let inside = plugin_core::netns::Netns::open(machine.path("/proc/1/ns/net")).unwrap();
    let mut socket = Socket::open_in(&inside).unwrap();
    let seed = std::env::var("OVL_WALK_SEED").map_or(20_261_124, |seed| seed.parse().unwrap());
    let rounds = std::env::var("OVL_WALK_ROUNDS").map_or(30, |rounds| rounds.parse().unwrap());
    let mut random = Random(seed);
    let (mut asked, mut routed, mut lost, mut several, mut refusals) = (0, 0, 0, 0, 0);
    for round in 0..rounds {
        // The first rounds have no rule: then IPv4 looks into `local` and `main` at once.
        draw(&machine, &mut random, round >= 5);
        let node: Node = serde_json::from_str(&machine.ovl(&["snapshot"])).unwrap();
        let netns = node.root().unwrap();
        let fib = Fib::new(netns);
        for _ in 0..LOOKUPS {
            for v6 in [false, true] {
                let flow = question(&mut random, netns, v6);
                let decision = fib.lookup(&flow);
                let matched = ask(&mut socket, &flow, true);
                let taken = ask(&mut socket, &flow, false);
                asked += 1;
                let disbelieved = matches!(taken, Said::Errno(libc::EINVAL | libc::EXDEV));
                let routes = match (errno(&decision.verdict), decision.route, &matched, &taken) {
                    (Some(errno), _, Said::Errno(one), Said::Errno(other)) => {
                        lost += 1;
                        (*one == errno || *one == libc::EHOSTUNREACH) && *other == errno
                    }
                    (None, Some(route), Said::Route(one), Said::Route(other)) => {
                        routed += 1;
                        if let Verdict::Forward(ways) = &decision.verdict
                            && ways.len() > 1
                        {
                            several += 1;
                        }
                        same_route(route, one) && same_way(&decision.verdict, other)
                    }
                    _ => false,
                };
                let agree = match refused(netns, &fib, &flow, &decision.verdict) {
                    Some(true) => {
                        refusals += 1;
                        disbelieved
                    }
                    Some(false) => routes,
                    None => routes || disbelieved,
                };
                assert!(
                    agree,
                    "seed {seed}, round {round}: {flow:?}\nwe say {:?}\nby rule {:?}\nby route {:?}\nthe kernel matches {matched:?}\nand takes {taken:?}\n{}",
                    decision.verdict,
                    decision.rule,
                    decision.route,
                    machine.sh(
                        "ip rule; ip route show table all; ip -6 rule; ip -6 route show table all"
                    ),
                );
            }
        }
    }
    eprintln!(
        "{asked} lookups as the kernel's: {routed} routed ({several} by one of several ways), {lost} lost, {refusals} not believed"
    );
    // A test that never meets the cases proves nothing.
    assert!(rounds < 30 || (routed > 1000 && lost > 300 && several > 50 && refusals > 50));
}
