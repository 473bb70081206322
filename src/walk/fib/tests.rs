//! Rules and tables by hand.

use super::*;
use crate::model::Table;
use crate::model::number::IfIndex;
use crate::model::route::NextHop;

fn route(table: u32, destination: &str, device: u32) -> Route {
    Route {
        table: TableId(table),
        nexthops: vec![NextHop::device(IfIndex(device))],
        ..Route::to(destination.parse().unwrap())
    }
}

fn of_kind(table: u32, destination: &str, kind: RouteKind) -> Route {
    Route {
        kind,
        nexthops: Vec::new(),
        ..route(table, destination, 0)
    }
}

fn rule(priority: u32, action: RuleAction) -> Rule {
    Rule::for_all(Family::Inet, priority, action)
}

fn default_rules() -> Vec<Rule> {
    [
        (0, TableId::LOCAL),
        (32766, TableId::MAIN),
        (32767, TableId::DEFAULT),
    ]
    .map(|(priority, table)| rule(priority, RuleAction::Lookup(table)))
    .into()
}

fn netns(rules: Vec<Rule>, routes: Vec<Route>) -> Netns {
    Netns {
        rules: Table::complete(rules),
        routes: Table::complete(routes),
        ..Netns::default()
    }
}

fn to(text: &str) -> Flow {
    Flow::to(text.parse().unwrap())
}

fn leaves_by(netns: &Netns, flow: &Flow) -> Option<u32> {
    match Fib::new(netns).lookup(flow).verdict {
        Verdict::Forward(hops) => hops.first().and_then(|hop| hop.device).map(|index| index.0),
        _ => None,
    }
}

#[test]
fn the_longest_prefix_wins_then_the_lowest_metric() {
    let mut far = route(254, "172.31.89.192/26", 3);
    far.metric = 100;
    let netns = netns(
        default_rules(),
        vec![
            route(254, "0.0.0.0/0", 1),
            far,
            route(254, "172.31.89.192/26", 2),
        ],
    );
    assert_eq!(leaves_by(&netns, &to("172.31.89.197")), Some(2));
    assert_eq!(leaves_by(&netns, &to("172.31.90.1")), Some(1));
}

#[test]
fn a_dead_next_hop_leaves_the_way_to_the_next_best() {
    let mut dead = route(254, "10.0.0.0/8", 2);
    dead.nexthops[0].dead = true;
    let netns = netns(default_rules(), vec![route(254, "0.0.0.0/0", 1), dead]);
    assert_eq!(leaves_by(&netns, &to("10.1.1.1")), Some(1));
}

#[test]
fn throw_goes_on_with_the_next_rule_and_blackhole_ends() {
    let mut rules = default_rules();
    rules.insert(1, rule(100, RuleAction::Lookup(TableId(7))));
    let netns = netns(
        rules,
        vec![
            of_kind(7, "10.1.0.0/16", RouteKind::Throw),
            of_kind(7, "10.2.0.0/16", RouteKind::Blackhole),
            route(7, "10.0.0.0/8", 3),
            route(254, "0.0.0.0/0", 1),
        ],
    );
    assert_eq!(leaves_by(&netns, &to("10.1.0.1")), Some(1));
    assert_eq!(leaves_by(&netns, &to("10.3.0.1")), Some(3));
    let decision = Fib::new(&netns).lookup(&to("10.2.0.1")).verdict;
    assert_eq!(decision, Verdict::Blackhole);
}

#[test]
fn local_and_main_are_one_table_until_there_is_a_rule() {
    let routes = vec![
        of_kind(255, "127.0.0.0/8", RouteKind::Local),
        route(254, "127.9.0.0/16", 4),
    ];
    let plain = netns(default_rules(), routes.clone());
    assert_eq!(leaves_by(&plain, &to("127.9.0.1")), Some(4));
    let mut rules = default_rules();
    rules.insert(1, rule(9, RuleAction::Nop));
    let ruled = netns(rules, routes);
    assert_eq!(
        Fib::new(&ruled).lookup(&to("127.9.0.1")).verdict,
        Verdict::Local
    );
}

#[test]
fn a_suppressed_default_route_does_not_count() {
    let mut main = rule(100, RuleAction::Lookup(TableId::MAIN));
    main.suppress_prefixlen = Some(0);
    let rules = vec![main, rule(200, RuleAction::Lookup(TableId(51820)))];
    let netns = netns(
        rules,
        vec![route(254, "0.0.0.0/0", 1), route(51820, "0.0.0.0/0", 9)],
    );
    assert_eq!(leaves_by(&netns, &to("8.8.8.8")), Some(9));
}

#[test]
fn what_is_not_known_is_not_decided() {
    let mut odd = rule(50, RuleAction::Blackhole);
    odd.unknown_match = true;
    odd.to = Some("10.0.0.0/8".parse().unwrap());
    let mut rules = default_rules();
    rules.push(odd);
    let mut netns = netns(rules, vec![route(254, "0.0.0.0/0", 1)]);
    assert_eq!(
        leaves_by(&netns, &to("11.0.0.1")),
        Some(1),
        "the rule is about others"
    );
    let verdict = |netns: &Netns| {
        let fib = Fib::new(netns);
        matches!(fib.lookup(&to("10.0.0.1")).verdict, Verdict::CannotTell(_))
    };
    assert!(verdict(&netns));
    netns.rules = Table::complete(default_rules());
    netns.routes = Table::inconsistent(netns.routes.rows, "it changed");
    assert!(verdict(&netns));
    netns.routes = Table::default();
    assert!(verdict(&netns), "a table nobody read");
}
