//! What a GC did, or would do.

use std::io::{self, Write};
use std::net::IpAddr;

use plugin_core::ipam::Block;
use plugin_core::spec::Attachment;
use serde::Serialize;

use super::ShownStep;
use super::attach::write_steps;
use crate::render::{Format, Style, format, table};

/// What became of a GC.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sweep {
    /// The schema.
    pub schema: &'static str,
    /// The network.
    pub network: String,
    /// Nothing was done.
    pub dry_run: bool,
    /// The attachments the result cache remembers.
    pub attachments: Vec<Fate>,
    /// The plugins that sweep, in order.
    pub plugins: Vec<String>,
    /// Why no plugin is asked to sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_sweep: Option<String>,
    /// In a dry run, what our IPAM would free.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Addresses>,
    /// What the plugins said when they swept.
    pub steps: Vec<ShownStep>,
}

/// What becomes of an attachment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fate {
    /// Which interface of which container.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// Its namespace, if the cache says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// Whether it stays.
    pub kept: bool,
    /// Why.
    pub why: &'static str,
    /// The plugins of its DEL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ShownStep>,
}

/// What the IPAM of a plugin would free.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// Its `type`.
    pub ipam: String,
    /// The plugin that it serves.
    pub plugin: String,
    /// Attachments that are not in use, and what they have.
    pub freed: Vec<Freed>,
    /// Blocks of addresses that would go back to the store.
    pub returned_blocks: Vec<Block>,
    /// Blocks that were set aside when the node's records were lost, and would be used again.
    pub settled_blocks: Vec<Block>,
}

/// Addresses that would be freed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Freed {
    /// Whose they are.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// What they are.
    pub addresses: Vec<IpAddr>,
}

impl Sweep {
    /// Whether every plugin succeeded.
    pub fn succeeded(&self) -> bool {
        self.attachments
            .iter()
            .flat_map(|fate| &fate.steps)
            .chain(&self.steps)
            .all(|step| step.error.is_none())
    }
}

/// Shows a sweep.
///
/// # Errors
/// Those of `out`.
pub fn write(sweep: &Sweep, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Json {
        return format::json(sweep, out);
    }
    let (removed, asked) = if sweep.dry_run {
        ("would be removed", "would be asked to sweep")
    } else {
        ("removed", "asked to sweep")
    };
    if sweep.attachments.is_empty() {
        writeln!(out, "no attachment is remembered")?;
    } else {
        let mut table = table::with_heads(&["ATTACHMENT", "NETNS", "FATE", "WHY"]);
        for fate in &sweep.attachments {
            table::push(
                &mut table,
                [
                    fate.attachment.to_string().as_str(),
                    fate.netns.as_deref().unwrap_or_default(),
                    if fate.kept { "kept" } else { removed },
                    fate.why,
                ],
            );
        }
        out.write_all(table::text(table).as_bytes())?;
    }
    match &sweep.no_sweep {
        Some(why) => writeln!(
            out,
            "{}",
            style.doubtful(format!("plugins not asked to sweep: {why}"))
        )?,
        None => writeln!(out, "{asked}: {}", sweep.plugins.join(", "))?,
    }
    for addresses in &sweep.addresses {
        write_addresses(addresses, out)?;
    }
    let steps: Vec<ShownStep> = sweep
        .attachments
        .iter()
        .flat_map(|fate| &fate.steps)
        .chain(&sweep.steps)
        .filter(|step| format == Format::Wide || step.error.is_some())
        .cloned()
        .collect();
    if steps.is_empty() {
        Ok(())
    } else {
        write_steps(&steps, out)
    }
}

fn write_addresses(would: &Addresses, out: &mut dyn Write) -> io::Result<()> {
    let ipam = &would.ipam;
    for freed in &would.freed {
        let all: Vec<String> = freed.addresses.iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "{ipam} would free {} of {}",
            all.join(", "),
            freed.attachment
        )?;
    }
    for block in &would.returned_blocks {
        writeln!(out, "{ipam} would return block {block} to the store")?;
    }
    for block in &would.settled_blocks {
        writeln!(out, "{ipam} would use block {block} again")?;
    }
    if would.freed.is_empty() && would.returned_blocks.is_empty() && would.settled_blocks.is_empty()
    {
        writeln!(out, "{ipam} would free nothing")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_says_what_would_be_done() {
        let fate = |id: &str, kept, why| Fate {
            attachment: Attachment {
                container_id: id.parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: Some(format!("/run/netns/{id}")),
            kept,
            why,
            steps: vec![],
        };
        let sweep = Sweep {
            schema: "ovl.cni-gc/v1",
            network: "pods".into(),
            dry_run: true,
            attachments: vec![
                fate("c1", true, "its namespace is there"),
                fate("c2", false, "its namespace is gone"),
            ],
            plugins: vec!["ovl-routed".into(), "portmap".into()],
            no_sweep: None,
            addresses: vec![Addresses {
                ipam: "ovl-ipam".into(),
                plugin: "ovl-routed".into(),
                freed: vec![Freed {
                    attachment: Attachment {
                        container_id: "c2".parse().unwrap(),
                        ifname: "eth0".parse().unwrap(),
                    },
                    addresses: vec!["10.1.0.66".parse().unwrap(), "fd00::42".parse().unwrap()],
                }],
                returned_blocks: vec![Block::from("10.1.0.64/26".parse::<ipnet::IpNet>().unwrap())],
                settled_blocks: vec![],
            }],
            steps: vec![],
        };
        let mut text = Vec::new();
        write(&sweep, Format::Text, Style::PLAIN, &mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "ATTACHMENT  NETNS          FATE              WHY\n\
             c1/eth0     /run/netns/c1  kept              its namespace is there\n\
             c2/eth0     /run/netns/c2  would be removed  its namespace is gone\n\
             would be asked to sweep: ovl-routed, portmap\n\
             ovl-ipam would free 10.1.0.66, fd00::42 of c2/eth0\n\
             ovl-ipam would return block 10.1.0.64/26 to the store\n"
        );
    }
}
