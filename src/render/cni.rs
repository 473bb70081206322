//! How `ovl cni` shows configurations, plugins and what came of them.

pub mod attach;
pub mod list;
pub mod plan;
pub mod show;
pub mod sweep;

use std::fmt;
use std::time::Duration;

use plugin_core::chain::{ListedPlugin, Step};
use serde::Serialize;

/// One plugin asked once, as it is shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownStep {
    /// Its `type`.
    pub plugin: String,
    /// What it was asked.
    pub verb: String,
    /// Its binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<String>,
    /// How long it took.
    pub milliseconds: f64,
    /// What it printed on standard error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub log: String,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ShownError>,
}

/// A plugin's failure, as it is shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownError {
    /// The CNI error code, if the plugin gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// What went wrong.
    pub message: String,
    /// The plugin's details.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
}

impl fmt::Display for ShownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.details.is_empty() { "" } else { ": " };
        write!(f, "{}{separator}{}", self.message, self.details)
    }
}

impl From<&Step> for ShownStep {
    fn from(step: &Step) -> Self {
        Self {
            plugin: step.kind.clone(),
            verb: step.verb.to_string(),
            binary: step.binary.as_ref().map(|path| path.display().to_string()),
            milliseconds: milliseconds(step.took),
            log: step.log.clone(),
            error: step
                .outcome
                .as_ref()
                .err()
                .map(|error| match error.reported() {
                    Some(reported) => ShownError {
                        code: Some(reported.code.into()),
                        message: reported.msg.clone(),
                        details: reported.details.clone(),
                    },
                    None => ShownError {
                        code: None,
                        message: error.to_string(),
                        details: String::new(),
                    },
                }),
        }
    }
}

/// To the microsecond, which is as much as a process start is worth.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e3
}

/// The plugin that this one starts for addresses. Ours do not start `ovl-ipam`: they have it built in.
pub fn delegate(plugin: &ListedPlugin) -> Option<&str> {
    let kind = plugin
        .config
        .get("ipam")?
        .get("type")?
        .as_str()
        .filter(|kind| !kind.is_empty())?;
    let built_in = matches!(plugin.kind.as_str(), "ovl-routed" | "ovl-vxlan") && kind == "ovl-ipam";
    (!built_in).then_some(kind)
}
