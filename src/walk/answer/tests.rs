use super::*;
use crate::model::address::Address;
use crate::model::link::{InetConf, LinkFlags};
use crate::model::netns::Sysctl;
use crate::model::number::TableId;
use crate::model::route::{NextHop, Protocol, RouteKind, Scope};
use crate::model::rule::{Family, Rule, RuleAction};
use crate::model::{Netns, Table};

const VETH: u32 = 3;
const UPLINK: u32 = 2;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn route(destination: &str, device: Option<u32>, kind: RouteKind) -> Route {
    Route {
        table: if kind == RouteKind::Local {
            TableId::LOCAL
        } else {
            TableId::MAIN
        },
        kind,
        scope: Scope::LINK,
        protocol: Protocol::KERNEL,
        nexthops: device
            .map(|index| NextHop::device(IfIndex(index)))
            .into_iter()
            .collect(),
        ..Route::to(destination.parse().unwrap())
    }
}

fn lookup(priority: u32, table: TableId) -> Rule {
    Rule::for_all(Family::Inet, priority, RuleAction::Lookup(table))
}

/// A node with an uplink, and a pod at 172.31.0.2 behind device 3, set up as the routed network does.
fn node() -> Netns {
    Netns {
        rules: Table::complete(vec![
            lookup(0, TableId::LOCAL),
            lookup(32766, TableId::MAIN),
            lookup(32767, TableId::DEFAULT),
        ]),
        routes: Table::complete(vec![
            route("192.168.61.11/32", Some(UPLINK), RouteKind::Local),
            route("0.0.0.0/0", Some(UPLINK), RouteKind::Unicast),
            route("172.31.0.2/32", Some(VETH), RouteKind::Unicast),
        ]),
        addresses: Table::complete(vec![Address {
            device: IfIndex(UPLINK),
            address: ip("192.168.61.11"),
            prefix_len: 24,
            peer: None,
            broadcast: None,
            scope: Scope::UNIVERSE,
            label: None,
            flags: 0,
            preferred_s: None,
            valid_s: None,
            protocol: None,
        }]),
        neighbours: Table::complete(Vec::new()),
        sysctls: Table::complete(Vec::new()),
        ..Netns::default()
    }
}

fn veth(conf: impl FnOnce(&mut InetConf)) -> Link {
    let mut inet = InetConf {
        forwarding: 1,
        proxy_arp: 1,
        ..InetConf::default()
    };
    conf(&mut inet);
    let mut link: Link = serde_json::from_value(serde_json::json!({"index": VETH, "name": "cali1",
        "kind": {"type": "veth"}, "hardware_type": 1, "flags": ["UP", "LOWER_UP"], "oper_state": "UP",
        "mtu": 1450, "stats": crate::model::link::LinkStats::default()}))
    .unwrap();
    link.inet = Some(inet);
    link
}

fn asked(netns: &Netns, link: &Link, target: &str) -> Answer {
    answer(&Fib::new(netns), link, ip(target), Some(ip("172.31.0.2")))
}

fn silence(answer: Answer) -> Silence {
    match answer {
        Answer::Silent(silence) => silence,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_routed_pod_hears_the_node_in_place_of_its_gateway() {
    let netns = node();
    assert_eq!(asked(&netns, &veth(|_| {}), "169.254.1.1"), Answer::Proxy);
    assert_eq!(asked(&netns, &veth(|_| {}), "192.168.61.11"), Answer::Own);
}

#[test]
fn each_setting_that_silences_it_is_named() {
    let netns = node();
    let ask = |conf: fn(&mut InetConf), target| silence(asked(&netns, &veth(conf), target));
    let gateway = "169.254.1.1";
    assert_eq!(ask(|c| c.proxy_arp = 0, gateway), Silence::NoProxy);
    assert_eq!(ask(|c| c.forwarding = 0, gateway), Silence::NotForwarding);
    assert_eq!(ask(|_| {}, "172.31.0.2"), Silence::LeadsBack);
    let ignored = Silence::Ignored { arp_ignore: 1 };
    assert_eq!(ask(|c| c.arp_ignore = 1, "192.168.61.11"), ignored);
    let mut down = veth(|_| {});
    down.flags = LinkFlags(0);
    assert_eq!(silence(asked(&netns, &down, gateway)), Silence::Down);
    let mut quiet = veth(|_| {});
    quiet.flags = LinkFlags(quiet.flags.0 | LinkFlags::NOARP.0);
    assert_eq!(silence(asked(&netns, &quiet, gateway)), Silence::NoArp);
}

#[test]
fn a_private_vlan_answers_for_what_is_behind_the_same_device() {
    let netns = node();
    let link = veth(|c| {
        c.proxy_arp = 0;
        c.proxy_arp_pvlan = 1;
    });
    assert_eq!(asked(&netns, &link, "172.31.0.2"), Answer::Proxy);
    assert_eq!(
        silence(asked(&netns, &link, "169.254.1.1")),
        Silence::NoProxy
    );
}

#[test]
fn without_a_route_to_the_gateway_there_is_no_answer() {
    let mut netns = node();
    netns.routes.rows.remove(1);
    let said = silence(asked(&netns, &veth(|_| {}), "169.254.1.1"));
    assert_eq!(said, Silence::NoRoute);
    let hole = route("169.254.0.0/16", None, RouteKind::Blackhole);
    netns.routes.rows.push(hole.clone());
    let said = silence(asked(&netns, &veth(|_| {}), "169.254.1.1"));
    assert_eq!(said, Silence::Refused(Box::new(hole)));
}

#[test]
fn a_policy_rule_decides_before_the_main_table() {
    let mut netns = node();
    let mut rule = lookup(100, TableId(7));
    rule.iif = Some("cali1".to_owned());
    netns.rules.rows.insert(1, rule);
    netns.links = Table::complete(vec![veth(|_| {})]);
    let mut back = route("169.254.1.1/32", Some(VETH), RouteKind::Unicast);
    back.table = TableId(7);
    netns.routes.rows.push(back);
    let said = silence(asked(&netns, &veth(|_| {}), "169.254.1.1"));
    assert_eq!(said, Silence::LeadsBack);
}

#[test]
fn a_question_from_where_no_route_leads_back_is_dropped_by_the_strict_filter() {
    let mut netns = node();
    netns.routes.rows.pop();
    let ask = |rp_filter| asked(&netns, &veth(|c| c.rp_filter = rp_filter), "169.254.1.1");
    assert_eq!(ask(0), Answer::Proxy);
    for strict in [1, 2] {
        // Loose does not help a device that has no address.
        let Silence::Disbelieved(disbelief) = silence(ask(strict)) else {
            panic!("rp_filter {strict}");
        };
        assert_eq!(disbelief.way_back, WayBack::Devices(vec![IfIndex(UPLINK)]));
    }
    // The larger of `all` and the device's own counts.
    netns.sysctls.rows.push(Sysctl {
        name: "net.ipv4.conf.all.rp_filter".to_owned(),
        value: "1".to_owned(),
    });
    assert!(matches!(
        silence(asked(&netns, &veth(|_| {}), "169.254.1.1")),
        Silence::Disbelieved(_)
    ));
}

#[test]
fn tables_that_were_not_read_whole_decide_nothing() {
    let mut netns = node();
    netns.routes = Table::inconsistent(netns.routes.rows, "it changed");
    let link = veth(|_| {});
    assert!(matches!(
        asked(&netns, &link, "169.254.1.1"),
        Answer::CannotTell(_)
    ));
    netns.routes = Table::partial(netns.routes.rows, "only what concerns the pod was read");
    assert!(matches!(
        asked(&netns, &link, "169.254.1.1"),
        Answer::CannotTell(_)
    ));
    let fib = Fib::of_asked(&netns);
    let said = answer(&fib, &link, ip("169.254.1.1"), Some(ip("172.31.0.2")));
    assert_eq!(said, Answer::Proxy);
    let mut unread = link;
    unread.inet = None;
    assert!(matches!(
        answer(&fib, &unread, ip("169.254.1.1"), None),
        Answer::CannotTell(_)
    ));
}
