//! Whether a rule could be about a packet at all, whatever connection tracking, marks and devices say: what counts
//! packets is not to be blamed for one that it cannot mean.

use super::rule::{Field, Match, Rule, Test};
use super::{Ruleset, run};
use crate::walk::path::Packet;

impl Ruleset<'_> {
    /// Whether the rule that `undo` takes away could match one of `packets`, by what these carry themselves. Of a rule
    /// that is not known here it is not known either: it could.
    pub fn could_match(&self, undo: &str, packets: &[Packet]) -> bool {
        let rule = self.chains.iter().find_map(|base| {
            let mut chains = base.table.chains.iter();
            chains.find_map(|(name, rules)| {
                rules
                    .iter()
                    .find(|rule| base.table.without(name, rule) == undo)
            })
        });
        rule.is_none_or(|rule| packets.iter().any(|packet| self.could(rule, packet)))
    }

    fn could(&self, rule: &Rule, packet: &Packet) -> bool {
        let mut decided = rule.matches.iter().filter(|one| is_of_packet(one));
        decided.all(|one| run::holds(self, one, packet))
    }
}

/// The test asks for nothing but what the packet itself carries.
fn is_of_packet(one: &Match) -> bool {
    match &one.test {
        Test::Source(_)
        | Test::Destination(_)
        | Test::Protocol(_)
        | Test::SourcePort(_)
        | Test::DestinationPort(_)
        | Test::IcmpType(_)
        | Test::Version(_) => true,
        Test::Elements { fields, .. } => !fields
            .iter()
            .any(|field| matches!(field, Field::Input | Field::Output | Field::Mark)),
        // A packet may be cut, or joined with others, before a rule sees it.
        Test::Length(..)
        | Test::Hops(..)
        | Test::Input(_)
        | Test::Output(_)
        | Test::Mark { .. }
        | Test::State(_)
        | Test::AddressType { .. }
        | Test::Chance
        | Test::Always
        | Test::Unknown(_) => false,
    }
}
