//! How clocks of nodes differ, and times between nodes with that taken off. Pure.
//!
//! Asking a node for its time says how far its clock is ahead to within half of the question's round trip. Packets say
//! more: none arrives before it was sent. What one takes from `a` to `b` bounds the error on one side, and what another
//! takes from `b` to `a` on the other, so that the two ways of one probe leave no more room than the probe was on its way.

use std::collections::HashMap;

/// Nobody's doubt is larger: half a year, nanoseconds.
const ANY: i64 = i64::MAX / 512;

/// What is known of a node's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// How far it is ahead of ours, nanoseconds.
    pub ns: i64,
    /// How wrong that can be either way, nanoseconds.
    pub doubt_ns: i64,
    /// Which boot of which machine it is of; nodes that share it share the clock. Empty if it is not known.
    pub boot: String,
}

/// The clocks of all nodes.
#[derive(Debug, Clone, Default)]
pub struct Clocks(pub HashMap<String, Ahead>);

impl Clocks {
    /// A node's time in ours.
    pub fn ours(&self, node: &str, time_ns: i64) -> i64 {
        let ahead = self.0.get(node).map_or(0, |ahead| ahead.ns);
        time_ns.saturating_sub(ahead)
    }

    /// How wrong the difference of a time of `a` and one of `b` can be; 0 if they have one clock.
    fn doubt(&self, a: &str, b: &str) -> i64 {
        if a == b {
            return 0;
        }
        match (self.0.get(a), self.0.get(b)) {
            (Some(a), Some(b)) if !a.boot.is_empty() && a.boot == b.boot => 0,
            (Some(a), Some(b)) => a.doubt_ns.saturating_add(b.doubt_ns).min(ANY),
            _ => ANY,
        }
    }
}

/// How long packets took, nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// The median; never negative.
    pub ns: i64,
    /// How wrong that can be either way; 0 if it was measured with one clock.
    pub doubt_ns: i64,
}

/// What packets took from node to node, by the clocks as they were taken to be, for setting these right.
#[derive(Debug, Default)]
pub struct Crossings<'a>(HashMap<(&'a str, &'a str), i64>);

impl<'a> Crossings<'a> {
    /// A packet took so long from `from` to `to`; only the shortest counts.
    pub fn add(&mut self, from: &'a str, to: &'a str, ns: i64) {
        let shortest = self.0.entry((from, to)).or_insert(ns);
        *shortest = ns.min(*shortest);
    }

    /// What packets took from `from` to `to`, of the times that were measured.
    pub fn took(
        &self,
        clocks: &Clocks,
        from: &str,
        to: &str,
        mut measured: Vec<i64>,
    ) -> Option<Took> {
        measured.sort_unstable();
        let median = *measured.get(measured.len() / 2)?;
        let doubt = clocks.doubt(from, to);
        if doubt == 0 {
            // One clock; if it was set meanwhile, it says nothing of so short a time.
            return Some(Took {
                ns: median.max(0),
                doubt_ns: (-median).max(0),
            });
        }
        // By how much the clock of `to` is further ahead of that of `from` than was taken off.
        let there = self.0.get(&(from, to)).copied();
        let back = self.0.get(&(to, from)).copied();
        let highest = there.unwrap_or(ANY);
        let lowest = back.map_or(-ANY, |back| -back);
        // No packet is faster than its own time: a clock was set between the two.
        if lowest > highest {
            return None;
        }
        // The clocks' own word counts as far as packets do not prove it wrong.
        let (low, high) = match (lowest.max(-doubt), highest.min(doubt)) {
            (low, high) if low <= high => (low, high),
            _ => (lowest, highest),
        };
        // In the middle if packets bound it on both sides, as in RFC 5905 §8; else as was measured, if that can be.
        let off = match (there, back) {
            (Some(_), Some(_)) => low + (high - low) / 2,
            _ => 0.clamp(low, high),
        };
        Some(Took {
            ns: median.saturating_sub(off).max(0),
            doubt_ns: (high - off).max(off - low),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(doubt_ns: i64, boots: [&str; 2]) -> Clocks {
        let of = |boot: &str| Ahead {
            ns: 0,
            doubt_ns,
            boot: boot.to_owned(),
        };
        Clocks(HashMap::from([
            ("a".to_owned(), of(boots[0])),
            ("b".to_owned(), of(boots[1])),
        ]))
    }

    /// Packets take 100 there and 140 back, and the clock of `b` is further ahead than is believed by `off`.
    fn took(doubt_ns: i64, off: i64, both: bool) -> Option<Took> {
        let mut crossings = Crossings::default();
        crossings.add("a", "b", 100 + off);
        crossings.add("a", "b", 120 + off);
        if both {
            crossings.add("b", "a", 140 - off);
        }
        crossings.took(
            &clocks(doubt_ns, ["x", "y"]),
            "a",
            "b",
            vec![120 + off, 100 + off, 130 + off],
        )
    }

    #[test]
    fn a_time_between_nodes_is_within_its_doubt_and_never_negative() {
        for off in [-5_000, -114, -20, 0, 70, 3_000] {
            for both in [true, false] {
                let took = took(6_000, off, both).unwrap();
                assert!(took.ns >= 0, "{off} {took:?}");
                assert!((took.ns - 120).abs() <= took.doubt_ns, "{off} {took:?}");
            }
            // However far clocks are off, the round trip bounds it.
            assert!(took(6_000, off, true).unwrap().doubt_ns <= 120, "{off}");
            // Even if they were believed to be exact.
            assert!(took(1, off, true).unwrap().doubt_ns <= 120, "{off}");
        }
    }

    #[test]
    fn exact_clocks_are_believed() {
        let took = took(2, 0, true).unwrap();
        assert_eq!((took.ns, took.doubt_ns), (120, 4));
    }

    #[test]
    fn one_clock_needs_nothing_taken_off() {
        let one = clocks(500, ["x", "x"]);
        let took = |measured| Crossings::default().took(&one, "a", "b", measured).unwrap();
        assert_eq!(took(vec![7]), Took { ns: 7, doubt_ns: 0 });
        assert_eq!(
            took(vec![-14]),
            Took {
                ns: 0,
                doubt_ns: 14
            }
        );
        // Of kernels that do not say which they are, nothing is known.
        let unknown = clocks(500, ["", ""]);
        let took = Crossings::default()
            .took(&unknown, "a", "b", vec![7])
            .unwrap();
        assert_eq!(took.doubt_ns, 1000);
    }

    #[test]
    fn a_clock_that_was_set_meanwhile_says_nothing() {
        let mut crossings = Crossings::default();
        crossings.add("a", "b", -9_000);
        crossings.add("b", "a", 50);
        assert_eq!(
            crossings.took(&clocks(10, ["x", "y"]), "a", "b", vec![-9_000]),
            None
        );
        // A node whose clock was never heard of.
        let mut crossings = Crossings::default();
        crossings.add("a", "c", 90_000_000_000);
        crossings.add("c", "a", -89_999_999_000);
        let took = crossings
            .took(&clocks(10, ["x", "y"]), "a", "c", vec![90_000_000_000])
            .unwrap();
        assert_eq!((took.ns, took.doubt_ns), (500, 500));
    }
}
