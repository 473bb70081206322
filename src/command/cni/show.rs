//! `ovl cni show` and `ovl cni status`.

use plugin_core::chain::{Directory, NetworkList, Runtime, exec};

use super::{Place, choose};
use crate::command::Context;
use crate::error::{Outcome, Result};
use crate::render::Format;
use crate::render::cni::show::{Network, PluginRow, Readiness, write, write_status};
use crate::render::cni::{ShownStep, delegate};

pub(super) fn show(
    place: &Place,
    network: Option<&str>,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let (file, list) = choose(&directory, network)?;
    let runtime = place.runtime();
    let disabled = [(list.disable_check, "CHECK"), (list.disable_gc, "GC")];
    let shown = Network {
        schema: "ovl.cni-show/v1",
        network: list.name.to_string(),
        file: file.display().to_string(),
        why: why(&directory, file),
        cni_version: list.version.to_string(),
        disabled: disabled
            .into_iter()
            .filter_map(|(off, verb)| off.then_some(verb))
            .collect(),
        attachments: runtime
            .stale(list, &[])
            .ok()
            .map(|attachments| attachments.len()),
        cache: runtime.cache.results_dir().display().to_string(),
        plugins: list
            .plugins
            .iter()
            .flat_map(|plugin| {
                let capabilities = plugin.capabilities.iter().cloned().collect();
                let own = row(&runtime, list, &plugin.kind, false, capabilities);
                let other =
                    delegate(plugin).map(|kind| row(&runtime, list, kind, true, Vec::new()));
                std::iter::once(own).chain(other)
            })
            .collect(),
    };
    write(&shown, format, context.style, context.out)?;
    Ok(if shown.usable() {
        Outcome::Healthy
    } else {
        Outcome::Fault
    })
}

fn why(directory: &Directory, file: &std::path::Path) -> String {
    let count = directory.candidates.len();
    let first = directory
        .candidates
        .first()
        .map(|candidate| candidate.path.as_path());
    match first {
        Some(first) if first == file && count == 1 => "the only file".to_owned(),
        Some(first) if first == file => {
            format!("the first of {count} files by name (*.conf, *.conflist, *.json)")
        }
        Some(first) => format!("asked for by name; a runtime uses {}", first.display()),
        None => "asked for by name".to_owned(),
    }
}

fn row(
    runtime: &Runtime,
    list: &NetworkList,
    kind: &str,
    delegated: bool,
    capabilities: Vec<String>,
) -> PluginRow {
    let binary = exec::find(kind, &runtime.path);
    let (versions, problem) = match (&binary, binary.is_ok().then(|| runtime.versions(kind))) {
        (Err(error), _) => (Vec::new(), Some(error.to_string())),
        (Ok(_), Some(Err(error))) => (Vec::new(), Some(error.to_string())),
        (Ok(_), Some(Ok(spoken))) => {
            let speaks = spoken
                .versions
                .iter()
                .any(|version| version == list.version.as_str());
            let problem = (!speaks).then(|| {
                format!(
                    "{kind} does not speak CNI {}, only {}",
                    list.version,
                    spoken.versions.join(", ")
                )
            });
            (spoken.versions, problem)
        }
        (Ok(_), None) => (Vec::new(), None),
    };
    PluginRow {
        r#type: kind.to_owned(),
        delegated,
        binary: binary.ok().map(|path| path.display().to_string()),
        versions,
        capabilities,
        problem,
    }
}

pub(super) fn status(
    place: &Place,
    network: Option<&str>,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let (_, list) = choose(&directory, network)?;
    let steps = place.runtime().status(list)?;
    let readiness = Readiness {
        schema: "ovl.cni-status/v1",
        network: list.name.to_string(),
        plugins: steps.iter().map(ShownStep::from).collect(),
    };
    write_status(&readiness, format, context.out)?;
    let ready = steps.iter().all(|step| step.outcome.is_ok());
    Ok(if ready {
        Outcome::Healthy
    } else {
        Outcome::Fault
    })
}
