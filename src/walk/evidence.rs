//! The rows that decided, as the tools show them that list them.

use std::net::IpAddr;

use super::fib::Decision;
use super::network::SpaceId;
use super::path::{Row, RowTable};
use super::walker::Walker;
use crate::model::number::IfIndex;
use crate::model::rule::RuleAction;
use crate::model::{FdbEntry, Link, LinkKind, Route, notation};

impl Walker<'_, '_> {
    /// The route that decided, and the rule, unless every namespace has it.
    #[inline]
    pub(super) fn decision_rows(&self, space: SpaceId, decision: &Decision<'_>) -> Vec<Row> {
        let mut rows = self.route_rows(space, decision.route);
        if self.is_recording()
            && let Some(rule) = decision.rule
            && !is_ordinary(rule.action, rule.priority)
        {
            rows.push(Row::new(RowTable::Rule, notation::rule(rule)));
        }
        rows
    }

    /// As `ip route` lists it.
    #[inline]
    pub(super) fn route_rows(&self, space: SpaceId, route: Option<&Route>) -> Vec<Row> {
        if !self.is_recording() {
            return Vec::new();
        }
        let netns = self.network.get(space).netns;
        route
            .map(|route| Row::new(RowTable::Route, notation::route(route, netns)))
            .into_iter()
            .collect()
    }

    /// As `ip neigh` lists it.
    pub(super) fn neighbour_rows(
        &self,
        space: SpaceId,
        device: IfIndex,
        address: IpAddr,
    ) -> Vec<Row> {
        let at = self.network.get(space);
        at.neighbour(device, address)
            .map(|row| Row::new(RowTable::Neighbour, notation::neighbour(row, at.netns)))
            .into_iter()
            .collect()
    }

    /// As `bridge fdb` lists it.
    pub(super) fn fdb_rows(&self, space: SpaceId, row: Option<&FdbEntry>) -> Vec<Row> {
        if !self.is_recording() {
            return Vec::new();
        }
        let netns = self.network.get(space).netns;
        row.map(|row| Row::new(RowTable::Fdb, notation::fdb(row, netns)))
            .into_iter()
            .collect()
    }
}

/// The three rules that every namespace has say nothing about why a route was chosen.
fn is_ordinary(action: RuleAction, priority: u32) -> bool {
    matches!(action, RuleAction::Lookup(_)) && matches!(priority, 0 | 32766 | 32767)
}

/// A device as `ip link` shows it, as far as it matters here.
pub(super) fn link_row(link: &Link) -> Row {
    let flags: Vec<_> = link.flags.names().collect();
    let kind = match &link.kind {
        LinkKind::Device | LinkKind::Loopback => String::new(),
        kind => format!(" {}", kind.name()),
    };
    let text = format!(
        "{}: <{}> mtu {} state {}{kind}",
        link.name,
        flags.join(","),
        link.mtu,
        link.oper_state.as_str(),
    );
    Row::new(RowTable::Link, text)
}
