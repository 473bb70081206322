//! What an ADD would do.

use std::io::{self, Write};

use plugin_core::plan::{Operation, Side};
use plugin_core::spec::Attachment;
use serde::Serialize;

use crate::render::{Format, escape::escape, format};

/// The plan of a chain.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainPlan {
    /// The schema.
    pub schema: &'static str,
    /// The network.
    pub network: String,
    /// Which interface of which container.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// The plugins in order.
    pub plugins: Vec<PluginPlan>,
}

/// The plan of one plugin.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginPlan {
    /// Its `type`.
    pub r#type: String,
    /// Its kernel operations; none when it is not one of ours, which cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<Operation>>,
}

/// Shows a plan.
///
/// # Errors
/// Those of `out`.
pub fn write(plan: &ChainPlan, format: Format, out: &mut dyn Write) -> io::Result<()> {
    if format == Format::Json {
        return format::json(plan, out);
    }
    for plugin in &plan.plugins {
        writeln!(out, "{}", escape(&plugin.r#type))?;
        let Some(operations) = &plugin.operations else {
            writeln!(
                out,
                "  unknown: it is another author's plugin, which can only be run"
            )?;
            continue;
        };
        for operation in operations {
            let side = match operation.side() {
                Side::Node => "node",
                Side::Pod => "pod",
            };
            writeln!(out, "  {side:<4}  {}", escape(&operation.to_string()))?;
        }
    }
    Ok(())
}
