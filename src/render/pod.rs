//! `ovl pod`, for people: who it is, the pair drawn from end to end, and the way in and out.

mod device;

use std::io::{self, Write};
use std::net::IpAddr;

use unicode_width::UnicodeWidthStr;

use super::Style;
use super::escape::escape;
use super::pods::age;
use crate::inspect::gateway::Answer;
use crate::inspect::pod::{Interface, PodReport, Row};
use crate::model::netns::Process;
use crate::model::sandbox::short_id;
use crate::model::{State, Table};
use device::{device_lines, kind_in_words, peer_lines};

/// The width of the words on the left.
const LABEL: usize = 12;

/// Writes the report. `wide` leaves nothing out.
///
/// # Errors
/// Those of `out`.
pub fn text(report: &PodReport, wide: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out, style };
    page.head(report)?;
    page.identity(report, wide)?;
    for interface in &report.interfaces {
        page.interface(interface, &report.node, wide)?;
    }
    if !report.interfaces.is_empty() {
        writeln!(page.out)?;
    }
    page.way(report, wide)?;
    page.cni(report, wide)?;
    for doubt in &report.doubts {
        page.line("not known", &style.doubtful(escape(doubt)).to_string())?;
    }
    Ok(())
}

struct Page<'a> {
    out: &'a mut dyn Write,
    style: Style,
}

impl Page<'_> {
    fn line(&mut self, label: &str, text: &str) -> io::Result<()> {
        // The label is padded before it is coloured, so that escapes do not count.
        let label = self.style.aside(format!("{label:<LABEL$}"));
        writeln!(self.out, "  {label}{text}")
    }

    fn lines(&mut self, label: &str, texts: impl IntoIterator<Item = String>) -> io::Result<()> {
        for (place, text) in texts.into_iter().enumerate() {
            self.line(if place == 0 { label } else { "" }, &escape(&text))?;
        }
        Ok(())
    }

    fn head(&mut self, report: &PodReport) -> io::Result<()> {
        let name = self.style.subject(escape(&report.name));
        let mut line = name.clone();
        for address in &report.addresses {
            line.push_str(&format!("  {address}"));
        }
        writeln!(self.out, "{line}  on {}", escape(&report.node))
    }

    fn identity(&mut self, report: &PodReport, wide: bool) -> io::Result<()> {
        if let Some(sandbox) = &report.sandbox {
            let id = if wide {
                sandbox.id.as_str()
            } else {
                short_id(&sandbox.id)
            };
            let mut text = if id.is_empty() {
                "not known to a runtime".to_owned()
            } else {
                id.to_owned()
            };
            if let Some(state) = Some(sandbox.state.as_str()).filter(|_| !id.is_empty()) {
                text.push_str(&format!("  {state}"));
            }
            if let Some(created) = sandbox.created_ns {
                let seconds = report.taken_ns.saturating_sub(created) / 1_000_000_000;
                text.push_str(&format!(
                    ", {} old",
                    age(u64::try_from(seconds).unwrap_or_default())
                ));
            }
            if let Some(runtime) = &report.runtime {
                text.push_str(&format!("; {} {}", runtime.name, runtime.version));
                if wide {
                    text.push_str(&format!(", CRI {} at {}", runtime.api, runtime.socket));
                }
            }
            self.line("sandbox", &escape(&text))?;
            self.lines(
                "containers",
                sandbox.containers.iter().map(|container| {
                    let mut text = format!(
                        "{}  {}  {}",
                        container.name,
                        container.state.as_str(),
                        short_id(&container.id)
                    );
                    if let (true, Some(image)) = (wide, &container.image) {
                        text.push_str(&format!("  {image}"));
                    }
                    text
                }),
            )?;
        }
        match &report.netns {
            Some(netns) if netns.is_node => {
                self.line("netns", "the node's own (hostNetwork)")?;
                self.processes(&netns.processes)?;
            }
            Some(netns) => {
                let paths = if netns.paths.is_empty() {
                    "no path leads to it".to_owned()
                } else {
                    netns.paths.join(", ")
                };
                self.line("netns", &format!("{}  net:[{}]", escape(&paths), netns.id))?;
                self.processes(&netns.processes)?;
            }
            None => {
                let path = report
                    .sandbox
                    .as_ref()
                    .and_then(|s| s.netns_path.as_deref());
                if report
                    .sandbox
                    .as_ref()
                    .is_some_and(|sandbox| sandbox.host_network)
                {
                    self.line("netns", "the node's own (hostNetwork)")?;
                } else {
                    let text = format!("{}  cannot be read", path.unwrap_or("of unknown path"));
                    self.line("netns", &self.style.doubtful(escape(&text)))?;
                }
            }
        }
        Ok(())
    }

    fn processes(&mut self, processes: &Table<Process>) -> io::Result<()> {
        let width = processes
            .iter()
            .map(|process| process.pid.to_string().len())
            .max()
            .unwrap_or(0);
        let texts = processes
            .iter()
            .map(|process| format!("{:>width$}  {}", process.pid, process.command));
        self.lines("processes", texts)?;
        match (processes.state, processes.doubt()) {
            // Of a table that was read as far as needed, what was needed is here.
            (State::Complete | State::Partial, _) | (_, None) => {
                if processes.rows.is_empty() {
                    self.line("processes", "none")?;
                }
            }
            (_, Some(reason)) => {
                let text = format!("not known: {}", escape(reason));
                self.line("processes", &self.style.doubtful(text))?;
            }
        }
        Ok(())
    }

    /// Draws a device with what is at its other end, side by side.
    fn interface(&mut self, interface: &Interface, node: &str, wide: bool) -> io::Result<()> {
        writeln!(self.out)?;
        let mut columns = vec![Column {
            lines: device_lines(&interface.link, &interface.addresses, wide),
            join: String::new(),
        }];
        match (&interface.peer, &interface.peer_doubt) {
            (Some(peer), _) => {
                let is_pair = interface.link.peer().is_some();
                columns.push(Column {
                    join: match is_pair {
                        true => format!("◀── {} ──▶", interface.link.kind),
                        false => format!("── {} on ──▶", kind_in_words(&interface.link)),
                    },
                    lines: peer_lines(peer, node, wide),
                });
                if let Some(master) = &peer.master {
                    columns.push(Column {
                        join: "── port ──".to_owned(),
                        lines: device_lines(master, &peer.master_addresses, wide),
                    });
                }
            }
            (None, Some(doubt)) => columns.push(Column {
                join: format!("◀── {} ──▶", interface.link.kind),
                lines: vec![doubt.clone()],
            }),
            (None, None) => {}
        }
        self.columns(&columns)
    }

    fn columns(&mut self, columns: &[Column]) -> io::Result<()> {
        let height = columns
            .iter()
            .map(|column| column.lines.len())
            .max()
            .unwrap_or(0);
        let widths: Vec<usize> = columns.iter().map(Column::width).collect();
        for row in 0..height {
            let mut line = String::from("  ");
            for (column, width) in columns.iter().zip(&widths) {
                let join = column.join.width();
                if join > 0 {
                    let text = if row == 0 {
                        column.join.clone()
                    } else {
                        " ".repeat(join)
                    };
                    line.push_str(&format!("  {text}  "));
                }
                let cell = column
                    .lines
                    .get(row)
                    .map(|text| escape(text))
                    .unwrap_or_default();
                let padding = width.saturating_sub(cell.width());
                if row == 0 {
                    line.push_str(&self.style.subject(&cell));
                } else {
                    line.push_str(&cell);
                }
                line.push_str(&" ".repeat(padding));
            }
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn way(&mut self, report: &PodReport, wide: bool) -> io::Result<()> {
        // The three rules that every namespace has tell nothing.
        let usual = |text: &str| {
            text.ends_with("from all lookup local")
                || text.ends_with("from all lookup main")
                || text.ends_with("from all lookup default")
        };
        self.lines(
            "rules",
            report
                .rules
                .iter()
                .map(|row| row.text.clone())
                .filter(|text| wide || !usual(text)),
        )?;
        // IPv6 link-local routes neither.
        self.table("routes", &report.routes, |text| {
            wide || !(text.starts_with("fe80::") || text.starts_with("ff00::"))
        })?;
        for gateway in &report.gateways {
            let text = gateway_text(gateway.address, gateway.mac, &gateway.answer);
            let text = escape(&text).into_owned();
            let text = match gateway.answer {
                Answer::Nobody { .. } => self.style.bad(text),
                Answer::Unknown { .. } => self.style.doubtful(text),
                _ => text,
            };
            self.line("gateway", &text)?;
        }
        self.table("neighbours", &report.neighbours, |_| true)?;
        self.lines(
            "on the node",
            report.node_routes.iter().map(|row| row.text.clone()),
        )?;
        if wide {
            let learned = report
                .interfaces
                .iter()
                .filter_map(|interface| interface.peer.as_ref())
                .flat_map(|peer| peer.fdb.iter().map(|row| row.text.clone()));
            self.lines("bridge fdb", learned)?;
        }
        let ways = report.ways_here.iter().map(|way| match &way.from {
            Some(node) => format!("{}  (on {node})", way.route),
            None => format!("{}  (this node's range)", way.route),
        });
        self.lines("from others", ways)
    }

    fn table<T>(
        &mut self,
        label: &str,
        table: &Table<Row<T>>,
        keep: impl Fn(&str) -> bool,
    ) -> io::Result<()> {
        let texts = table
            .iter()
            .map(|row| row.text.clone())
            .filter(|text| keep(text));
        self.lines(label, texts)?;
        match table.doubt() {
            Some(reason) if table.state == State::Unavailable && reason != "not asked for" => self
                .line(
                    label,
                    &self
                        .style
                        .doubtful(format!("not known: {}", escape(reason))),
                ),
            _ => Ok(()),
        }
    }

    fn cni(&mut self, report: &PodReport, wide: bool) -> io::Result<()> {
        // Runtimes bring the loopback up with a plugin too, which is no network.
        let networks: Vec<_> = report
            .attachments
            .iter()
            .filter(|attachment| wide || attachment.ifname != "lo")
            .collect();
        for attachment in &networks {
            let mut text = format!("{}: {}", attachment.network, attachment.plugins.join(", "));
            if networks.len() > 1 {
                text.push_str(&format!("  → {}", attachment.ifname));
            }
            match &attachment.config {
                Some(path) => text.push_str(&format!("  ({path})")),
                None => text.push_str("  (no configuration has this network any more)"),
            }
            self.line("made by", &escape(&text))?;
            if wide {
                self.line("result", &escape(&attachment.cached.path))?;
                self.line("", &escape(&attachment.cached.result.to_string()))?;
            }
        }
        self.lines(
            "recorded by",
            report.address_records.iter().map(|record| {
                let holder = report
                    .sandbox
                    .as_ref()
                    .is_some_and(|sandbox| sandbox.id == record.container);
                let mut text = format!("{}  {}", record.plugin, record.address);
                if !holder {
                    text.push_str(&format!("  for {}", short_id(&record.container)));
                }
                if wide {
                    text.push_str(&format!("  {}", record.path));
                }
                text
            }),
        )
    }
}

/// A device with what belongs to it, line by line.
struct Column {
    join: String,
    lines: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        self.lines
            .iter()
            .map(|line| escape(line).width())
            .max()
            .unwrap_or(0)
    }
}

fn gateway_text(address: IpAddr, known: Option<plugin_core::mac::Mac>, answer: &Answer) -> String {
    let mac = |mac: &Option<plugin_core::mac::Mac>| {
        mac.map_or_else(|| "an unknown MAC".to_owned(), |mac| mac.to_string())
    };
    let mut text = match answer {
        Answer::Owner {
            place,
            device,
            mac: own,
        } => format!("{address} is {device} on {place}, {}", mac(own)),
        Answer::ProxyArp { device, mac: own } => {
            format!("{address} answered by {device} (proxy ARP), {}", mac(own))
        }
        Answer::Nobody { reason, .. } => format!("{address} answered by nobody: {reason}"),
        Answer::Unknown { reason } => {
            format!("{address} answered by whom cannot be told: {reason}")
        }
    };
    let concluded = answer.mac();
    match known {
        Some(known) if concluded.is_some_and(|mac| mac != known) => {
            text.push_str(&format!("; but the pod knows it as {known}"));
        }
        Some(known) if concluded.is_none() => {
            text.push_str(&format!("; the pod knows it as {known}"));
        }
        _ => {}
    }
    text
}
