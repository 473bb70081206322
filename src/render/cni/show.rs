//! One network and its plugins.

use std::io::{self, Write};

use serde::Serialize;

use super::ShownStep;
use crate::render::{Format, Style, escape::escape, format, table};

/// A network.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// The schema.
    pub schema: &'static str,
    /// Its name.
    pub network: String,
    /// The file it stands in.
    pub file: String,
    /// Why it is this one.
    pub why: String,
    /// The version its plugins are spoken to in.
    pub cni_version: String,
    /// Whether CHECK and GC may be called.
    pub disabled: Vec<&'static str>,
    /// How many attachments the result cache remembers, unless it cannot be read.
    pub attachments: Option<usize>,
    /// Where it remembers them.
    pub cache: String,
    /// Its plugins in order, each followed by the one it delegates to.
    pub plugins: Vec<PluginRow>,
}

/// A plugin of a network.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginRow {
    /// Its `type`.
    pub r#type: String,
    /// Whether another plugin starts it for addresses.
    pub delegated: bool,
    /// Its binary, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// The versions it says it speaks.
    pub versions: Vec<String>,
    /// The capabilities the configuration gives it.
    pub capabilities: Vec<String>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Network {
    /// Whether every plugin is there and speaks the version.
    pub fn usable(&self) -> bool {
        self.plugins.iter().all(|plugin| plugin.problem.is_none())
    }
}

/// Shows a network.
///
/// # Errors
/// Those of `out`.
pub fn write(
    network: &Network,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format == Format::Json {
        return format::json(network, out);
    }
    let attached = match network.attachments {
        Some(count) => format!("{count}, in {}", network.cache),
        None => format!("unknown: {} cannot be read", network.cache),
    };
    let mut lines = vec![
        ("network", network.network.as_str()),
        ("config", &network.file),
        ("why", &network.why),
        ("cni", &network.cni_version),
        ("attached", &attached),
    ];
    let disabled = network.disabled.join(", ");
    if !disabled.is_empty() {
        lines.push(("disabled", &disabled));
    }
    for (name, value) in lines {
        writeln!(out, "{name:<9} {}", escape(value))?;
    }
    out.write_all(b"\n")?;
    let mut table = table::with_heads(&["PLUGIN", "BINARY", "SPEAKS", "CAPABILITIES"]);
    for plugin in &network.plugins {
        table::push(
            &mut table,
            [
                format!(
                    "{}{}",
                    if plugin.delegated { "+" } else { "" },
                    plugin.r#type
                ),
                plugin
                    .binary
                    .clone()
                    .unwrap_or_else(|| "missing".to_owned()),
                spoken(&plugin.versions),
                plugin.capabilities.join(","),
            ],
        );
    }
    out.write_all(table::text(table).as_bytes())?;
    for plugin in &network.plugins {
        if let Some(problem) = &plugin.problem {
            writeln!(out, "{} {}", style.bad("fault:"), escape(problem))?;
        }
    }
    Ok(())
}

/// Oldest and newest; what lies between is rarely of interest, and JSON has it.
fn spoken(versions: &[String]) -> String {
    match versions {
        [] => String::new(),
        [only] => only.clone(),
        [first, .., last] => format!("{first} to {last}"),
    }
}

/// What plugins said about serving an ADD.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Readiness {
    /// The schema.
    pub schema: &'static str,
    /// The network.
    pub network: String,
    /// The plugins in order.
    pub plugins: Vec<ShownStep>,
}

/// Shows what plugins said.
///
/// # Errors
/// Those of `out`.
pub fn write_status(readiness: &Readiness, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Json {
        return format::json(readiness, out);
    }
    let mut table = table::with_heads(&["PLUGIN", "STATUS"]);
    for step in &readiness.plugins {
        let status = match &step.error {
            None => "ready".to_owned(),
            Some(error) => error.to_string(),
        };
        table::push(&mut table, [step.plugin.as_str(), &status]);
    }
    out.write_all(table::text(table).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_with_a_fault() {
        let network = Network {
            schema: "ovl.cni-show/v1",
            network: "pods".into(),
            file: "/etc/cni/net.d/10-a.conflist".into(),
            why: "the first of 2 files by name".into(),
            cni_version: "1.0.0".into(),
            disabled: vec!["CHECK"],
            attachments: Some(3),
            cache: "/var/lib/cni/results".into(),
            plugins: vec![
                PluginRow {
                    r#type: "bridge".into(),
                    delegated: false,
                    binary: Some("/opt/cni/bin/bridge".into()),
                    versions: vec!["0.1.0".into(), "0.4.0".into(), "1.0.0".into()],
                    capabilities: vec![],
                    problem: None,
                },
                PluginRow {
                    r#type: "host-local".into(),
                    delegated: true,
                    binary: None,
                    versions: vec![],
                    capabilities: vec!["ips".into(), "mac".into()],
                    problem: Some("plugin host-local is not in /opt/cni/bin".into()),
                },
            ],
        };
        assert!(!network.usable());
        let mut text = Vec::new();
        write(&network, Format::Text, Style::PLAIN, &mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "network   pods\n\
             config    /etc/cni/net.d/10-a.conflist\n\
             why       the first of 2 files by name\n\
             cni       1.0.0\n\
             attached  3, in /var/lib/cni/results\n\
             disabled  CHECK\n\
             \n\
             PLUGIN       BINARY               SPEAKS          CAPABILITIES\n\
             bridge       /opt/cni/bin/bridge  0.1.0 to 1.0.0  -\n\
             +host-local  missing              -               ips,mac\n\
             fault: plugin host-local is not in /opt/cni/bin\n"
        );
    }
}
