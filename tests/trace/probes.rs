//! Taps, probes and counters, without a trace around them.

use std::net::{IpAddr, TcpListener, UdpSocket};

use ovl::model::number::Vni;
use ovl::probe::counters::moved;
use ovl::probe::message::{Kind, Outcome, Role, Send, Sent, Sighting, Watch};
use ovl::probe::session::Session;
use ovl::walk::path::Direction;

use super::support::can_run;
use super::support::space::Pair;

fn watch() -> Watch {
    Watch {
        nonce: 0x1122_3344_5566_7788,
        first_port: 61_100,
        ports: 8,
        destination_port: None,
        any_syn: false,
        tunnel_ports: Vec::new(),
    }
}

fn request(pair: &Pair, destination: &str, kind: Kind) -> Send {
    let mut watch = watch();
    if let Kind::Udp(port) | Kind::Tcp(port) = kind {
        watch.destination_port = Some(port);
    }
    Send {
        netns: pair.0.named(),
        source: None,
        destination: destination.parse().unwrap(),
        kind,
        watch,
        first_sequence: 0,
        count: 3,
        size: 84,
        dont_fragment: false,
        interval_us: None,
        wait_us: 300_000,
    }
}

/// Sends with taps at both ends.
fn exchange(pair: &Pair, request: &Send) -> (Vec<Sent>, Vec<Sighting>) {
    let session = Session::default();
    session.clock();
    let blind = session.open(&[pair.0.named(), pair.1.named()], request.watch.clone());
    assert_eq!(blind, []);
    let sent = session.send(request).unwrap();
    let mut seen = session.read();
    assert_eq!((seen.dropped, seen.doubt), (0, None));
    seen.sightings.sort_by_key(|sighting| sighting.time_ns);
    (sent, seen.sightings)
}

fn answered(sent: &[Sent]) -> usize {
    sent.iter()
        .filter(|sent| matches!(sent.outcome, Outcome::Answered { .. }))
        .count()
}

#[test]
fn an_echo_is_seen_at_each_device_in_its_order() {
    if !can_run() {
        return;
    }
    let pair = Pair::new();
    let (here, there) = (pair.0.named().id, pair.1.named().id);
    for (destination, size) in [("10.99.0.2", 84), ("fd99::2", 104), ("10.99.0.2", 1500)] {
        let mut request = request(&pair, destination, Kind::Echo);
        request.size = size;
        request.dont_fragment = size == 1500;
        let (sent, sightings) = exchange(&pair, &request);
        assert_eq!(answered(&sent), 3, "{sent:?}");
        for sequence in 0..3 {
            let way: Vec<_> = sightings
                .iter()
                .filter(
                    |s| matches!(s.seen.role, Role::Request(n) | Role::Reply(n) if n == sequence),
                )
                .map(|s| (s.netns, s.direction, matches!(s.seen.role, Role::Reply(_))))
                .collect();
            let expected = [
                (here, Direction::Out, false),
                (there, Direction::In, false),
                (there, Direction::Out, true),
                (here, Direction::In, true),
            ];
            assert_eq!(way, expected, "{destination} {size}: {sightings:#?}");
        }
        let first = sightings
            .iter()
            .find(|s| s.seen.role == Role::Request(0))
            .unwrap();
        assert_eq!(first.length, size + 14);
        assert_eq!(
            first.seen.destination,
            destination.parse::<IpAddr>().unwrap()
        );
        assert!(
            sightings
                .windows(2)
                .all(|two| two[0].time_ns <= two[1].time_ns)
        );
    }
}

#[test]
fn what_is_wrapped_is_recognised_inside() {
    if !can_run() {
        return;
    }
    let pair = Pair::new();
    for kind in [Kind::Echo, Kind::Udp(5300), Kind::Tcp(8080)] {
        let server = pair.1.netns();
        let udp = server
            .run(|| UdpSocket::bind("10.98.0.2:5300").unwrap())
            .unwrap();
        let _tcp = server
            .run(|| TcpListener::bind("10.98.0.2:8080").unwrap())
            .unwrap();
        std::thread::scope(|scope| {
            // Not every service repeats what it is told.
            scope.spawn(|| {
                udp.set_read_timeout(Some(std::time::Duration::from_millis(700)))
                    .unwrap();
                while let Ok((_, from)) = udp.recv_from(&mut [0; 100]) {
                    udp.send_to(b"no", from).unwrap();
                }
            });
            let (sent, sightings) = exchange(&pair, &request(&pair, "10.98.0.2", kind));
            assert_eq!(answered(&sent), 3, "{kind:?} {sent:?}");
            let (mut forth, mut back) = (0, 0);
            for sighting in &sightings {
                let Some(outer) = sighting.seen.outer else {
                    continue;
                };
                assert_eq!((outer.vni, outer.port), (Some(Vni(42)), Some(4789)));
                assert!(!outer.bad_checksum);
                match sighting.seen.role {
                    Role::Request(_) | Role::Syn(_) => {
                        assert_eq!(outer.source.to_string(), "10.99.0.1");
                        assert_eq!(sighting.seen.source.to_string(), "10.98.0.1");
                        forth += 1;
                    }
                    Role::Reply(_) | Role::SynAnswer { reset: false, .. } => {
                        assert_eq!(outer.source.to_string(), "10.99.0.2");
                        back += 1;
                    }
                    Role::Asks(_) | Role::Tells(..) => {}
                    other => panic!("{other:?}"),
                }
            }
            // Three of each, out of one end and into the other.
            assert_eq!((forth, back), (6, 6), "{kind:?} {sightings:#?}");
        });
    }
}

#[test]
fn each_way_to_get_no_answer_is_told_apart() {
    if !can_run() {
        return;
    }
    let pair = Pair::new();
    let outcome = |request: &Send| exchange(&pair, request).0.swap_remove(0).outcome;
    for kind in [Kind::Udp(9), Kind::Tcp(9)] {
        for destination in ["10.99.0.2", "fd99::2"] {
            let refused = outcome(&request(&pair, destination, kind));
            assert!(matches!(refused, Outcome::Refused { .. }), "{refused:?}");
        }
    }
    let mut large = request(&pair, "10.99.0.2", Kind::Echo);
    (large.size, large.dont_fragment) = (1501, true);
    let too_large = outcome(&large);
    assert!(
        matches!(
            too_large,
            Outcome::NotSent {
                errno: libc::EMSGSIZE,
                ..
            }
        ),
        "{too_large:?}"
    );
    large.dont_fragment = false;
    assert!(matches!(outcome(&large), Outcome::Answered { .. }));
    let nowhere = outcome(&request(&pair, "10.1.2.3", Kind::Echo));
    assert!(
        matches!(
            nowhere,
            Outcome::NotSent {
                errno: libc::ENETUNREACH,
                ..
            }
        ),
        "{nowhere:?}"
    );
    let mut foreign = request(&pair, "10.99.0.2", Kind::Echo);
    foreign.source = Some("10.99.0.77".parse().unwrap());
    let foreign = exchange(&pair, &foreign).0;
    assert!(
        foreign.iter().all(|sent| matches!(
            sent.outcome,
            Outcome::NotSent {
                errno: libc::EADDRNOTAVAIL,
                ..
            }
        )),
        "{foreign:?}"
    );
    // A router's word: nothing at the far end has the address, and there is no route to it either.
    pair.1.run("sysctl -qw net.ipv4.ip_forward=1");
    pair.0.run("ip route add 10.97.0.0/24 via 10.99.0.2");
    let error = outcome(&request(&pair, "10.97.0.5", Kind::Echo));
    let Outcome::Error { error, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error.from.to_string().as_str(), error.kind, error.code),
        ("10.99.0.2", 3, 0)
    );
    // Nothing at all.
    pair.1.run("ip link set u0 down");
    pair.0
        .run("ip neigh replace 10.99.0.2 lladdr 02:00:00:00:00:01 dev u0");
    assert_eq!(
        outcome(&request(&pair, "10.99.0.2", Kind::Echo)),
        Outcome::Silence
    );
}

#[test]
fn counters_move_with_what_is_sent() {
    if !can_run() {
        return;
    }
    let pair = Pair::new();
    let session = Session::default();
    let both = [pair.0.named(), pair.1.named()];
    let before = session.count(&both);
    session
        .send(&request(&pair, "10.99.0.2", Kind::Echo))
        .unwrap();
    let moved = moved(&before, &session.count(&both));
    let by = |netns, device: Option<&str>, name: &str| {
        moved
            .iter()
            .find(|m| m.netns == netns && m.device.as_deref() == device && m.name == name)
            .map_or(0, |m| m.by)
    };
    assert_eq!(by(both[0].id, None, "IcmpOutEchos"), 3, "{moved:#?}");
    assert_eq!(by(both[1].id, None, "IcmpInEchos"), 3);
    assert!(by(both[1].id, Some("u0"), "rx_packets") >= 3);
}
