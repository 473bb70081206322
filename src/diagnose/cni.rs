//! Configurations and plugins that a runtime cannot use.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Evidence, Finding, Severity, whole};
use crate::model::Node;
use crate::model::cni::Config;

pub(super) fn check(node: &Node, findings: &mut Vec<Finding>) {
    let Some(configs) = whole(&node.cni.configs) else {
        return;
    };
    let Some(active) = configs.first() else {
        return;
    };
    let base = |id, severity| Finding {
        id,
        severity,
        node: node.name.clone(),
        place: None,
        device: None,
        what: String::new(),
        why: String::new(),
        evidence: Vec::new(),
        show: format!("ls -l {}", node.cni.config_dir),
        fix: String::new(),
    };
    if let Some(error) = &active.error {
        findings.push(Finding {
            what: format!("{} is broken, and it comes first: {error}", file(active)),
            why: "the runtime takes the first file by name and does not go on to the next: no new pod gets a network".to_owned(),
            evidence: vec![Evidence::new(&active.path, error)],
            show: format!("cat {}", active.path),
            fix: match configs.get(1) {
                Some(_) => format!("mv {0} {0}.off", active.path),
                None => format!("repair {}", active.path),
            },
            ..base("cni-config-broken", Severity::Fault)
        });
        return;
    }
    // A file that was written later and does not come first is the usual way to install a network that then
    // is not used.
    let loses = configs
        .iter()
        .skip(1)
        .filter(|config| config.error.is_none() && config.network.is_some())
        .filter(|config| config.modified_s > active.modified_s && config.network != active.network)
        // A plugin that runs others keeps their files beside its own on purpose.
        .find(|config| !delegates_to(&active.content, config));
    if let Some(config) = loses {
        findings.push(Finding {
            what: format!(
                "{} is newer but not used: {} comes first by name",
                file(config),
                file(active)
            ),
            why: format!(
                "the runtime uses the first file by name, so new pods are in {} and not in {}",
                active.network.as_deref().unwrap_or("the older network"),
                config.network.as_deref().unwrap_or("the newer one")
            ),
            evidence: vec![
                Evidence::new(
                    &active.path,
                    format!("network {}", active.network.as_deref().unwrap_or("-")),
                ),
                Evidence::new(
                    &config.path,
                    format!(
                        "network {}, {} s newer",
                        config.network.as_deref().unwrap_or("-"),
                        config.modified_s - active.modified_s
                    ),
                ),
            ],
            fix: format!("mv {0} {0}.off", active.path),
            ..base("cni-config-shadowed", Severity::Warning)
        });
    }
    let Some(plugins) = whole(&node.cni.plugins) else {
        return;
    };
    let mut wanted = BTreeSet::new();
    types(&active.content, &mut wanted);
    for kind in wanted {
        let found = plugins.iter().find(|plugin| plugin.name == kind);
        let (what, fix) = match found {
            None => (
                format!(
                    "the plugin {kind} that {} needs is not installed",
                    file(active)
                ),
                format!(
                    "install {kind} into {}",
                    node.cni
                        .plugin_dirs
                        .first()
                        .map_or("/opt/cni/bin", String::as_str)
                ),
            ),
            Some(plugin) if !plugin.executable => (
                format!(
                    "the plugin {kind} that {} needs cannot be run",
                    file(active)
                ),
                format!("chmod +x {}", plugin.path),
            ),
            Some(_) => continue,
        };
        findings.push(Finding {
            what,
            why: "every new pod fails with it, and pods that end keep their addresses".to_owned(),
            evidence: vec![
                Evidence::new(&active.path, format!("\"type\": \"{kind}\"")),
                Evidence::new(
                    node.cni.plugin_dirs.join(", "),
                    "no such program that can be run",
                ),
            ],
            show: format!("ls -l {}", node.cni.plugin_dirs.join(" ")),
            fix,
            ..base("cni-plugin-missing", Severity::Fault)
        });
    }
}

fn file(config: &Config) -> &str {
    config.path.rsplit('/').next().unwrap_or(&config.path)
}

/// The plugins that a configuration runs: its own, their address plugins, and their delegates.
fn types(config: &Value, found: &mut BTreeSet<String>) {
    let mut plugin = |value: &Value| {
        if let Some(kind) = value.get("type").and_then(Value::as_str) {
            found.insert(kind.to_owned());
        }
        if let Some(kind) = value
            .get("ipam")
            .and_then(|ipam| ipam.get("type"))
            .and_then(Value::as_str)
        {
            found.insert(kind.to_owned());
        }
        for delegate in value
            .get("delegates")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            types(delegate, found);
        }
    };
    match config.get("plugins").and_then(Value::as_array) {
        Some(plugins) => plugins.iter().for_each(plugin),
        None => plugin(config),
    }
}

/// Whether a configuration runs the network of another one.
fn delegates_to(config: &Value, other: &Config) -> bool {
    let Some(name) = other.network.as_deref() else {
        return false;
    };
    match config {
        Value::Object(object) => object.iter().any(|(key, value)| {
            (key == "name" || key == "clusterNetwork" || key == "defaultNetworks")
                && value.as_str() == Some(name)
                || delegates_to(value, other)
        }),
        Value::Array(values) => values.iter().any(|value| delegates_to(value, other)),
        Value::String(text) => text == name || *text == other.path,
        _ => false,
    }
}
