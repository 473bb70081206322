//! `ovl cni gc`.

use plugin_core::attach::{Kind, ipam::Ipam};
use plugin_core::chain::{self, CachedAttachment, NetworkList};
use plugin_core::ipam::Purpose;
use plugin_core::netns::{self, Netns};
use plugin_core::spec::{self, Attachment, PluginConfig, Verb};
use serde_json::Map;

use super::plan::ours;
use super::{Place, choose};
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::render::Format;
use crate::render::cni::ShownStep;
use crate::render::cni::sweep::{Addresses, Fate, Freed, Sweep, write};

pub(super) fn gc(
    place: &Place,
    network: Option<&str>,
    keep: Vec<Attachment>,
    dry_run: bool,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let (_, list) = choose(&directory, network)?;
    if list.disable_gc {
        return Err(chain::Error::Disabled {
            network: list.name.clone(),
            verb: Verb::Gc,
        }
        .into());
    }
    let runtime = place.runtime();
    let results = runtime.cache.results_dir();
    if !results.is_dir() {
        // With no list of attachments, every pod on the node would be swept away.
        return Err(Error::failed(format!(
            "there is no result cache {}, so nothing says which attachments are in use",
            results.display()
        ))
        .try_this("--cache-dir says where the runtime of this node keeps it"));
    }
    let mut attachments: Vec<Fate> = runtime
        .stale(list, &[])?
        .iter()
        .map(|cached| fate(cached, &keep))
        .collect();
    let mut valid = keep;
    valid.extend(
        attachments
            .iter()
            .filter(|fate| fate.kept)
            .map(|fate| fate.attachment.clone()),
    );
    let mut steps = Vec::new();
    let mut addresses = Vec::new();
    if dry_run {
        addresses = would_free(list, &valid)?;
    } else {
        let collected = runtime.gc(list, &valid)?;
        steps = collected.steps.iter().map(ShownStep::from).collect();
        for swept in collected.swept {
            if let Some(fate) = attachments
                .iter_mut()
                .find(|fate| fate.attachment == swept.attachment.attachment)
            {
                fate.steps = swept.steps.iter().map(ShownStep::from).collect();
            }
        }
    }
    let sweep = Sweep {
        schema: "ovl.cni-gc/v1",
        network: list.name.to_string(),
        dry_run,
        attachments,
        plugins: list
            .plugins
            .iter()
            .map(|plugin| plugin.kind.clone())
            .collect(),
        no_sweep: no_sweep(list),
        addresses,
        steps,
    };
    write(&sweep, format, context.style, context.out)?;
    Ok(if sweep.succeeded() {
        Outcome::Healthy
    } else {
        Outcome::Fault
    })
}

/// What our IPAM would free, whatever plugin it serves. It is asked in this process, as its plugin would be: a
/// GC by CNI's protocol has no dry run.
fn would_free(list: &NetworkList, valid: &[Attachment]) -> Result<Vec<Addresses>> {
    let mut all = Vec::new();
    if list.version < Verb::Gc.since() {
        return Ok(all);
    }
    for plugin in &list.plugins {
        let failed = |error: spec::Error| {
            Error::failed(format!(
                "GC by the IPAM of {} would fail: {error}",
                plugin.kind
            ))
        };
        let config =
            PluginConfig::from_object(plugin.request(list, None, &Map::new())).map_err(failed)?;
        let purpose = ours(&plugin.kind).map_or(Purpose::Delegated, Kind::purpose);
        let Some(ipam) = Ipam::of(&config, purpose) else {
            continue;
        };
        if let Some(swept) = ipam.would_free(&config, valid).map_err(failed)? {
            all.push(Addresses {
                ipam: ipam.kind().to_owned(),
                plugin: plugin.kind.clone(),
                freed: swept
                    .records
                    .into_iter()
                    .map(|(attachment, addresses)| Freed {
                        attachment,
                        addresses,
                    })
                    .collect(),
                returned_blocks: swept.blocks,
                settled_blocks: swept.settled,
            });
        }
    }
    Ok(all)
}

fn no_sweep(list: &NetworkList) -> Option<String> {
    (list.version < Verb::Gc.since()).then(|| {
        format!(
            "network {} is of CNI {}; GC came with {}",
            list.name,
            list.version,
            Verb::Gc.since()
        )
    })
}

/// An attachment goes when its namespace is known and gone. What cannot be told stays.
fn fate(cached: &CachedAttachment, keep: &[Attachment]) -> Fate {
    let (kept, why) = if keep.contains(&cached.attachment) {
        (true, "asked to be kept")
    } else {
        match cached.netns.as_ref().map(Netns::open) {
            None => (true, "its namespace is not known"),
            Some(Ok(_)) => (true, "its namespace is there"),
            Some(Err(netns::Error::NotANetns { .. })) => (false, "its namespace is gone"),
            Some(Err(error)) if is_absent(&error) => (false, "its namespace is gone"),
            Some(Err(_)) => (true, "its namespace cannot be looked at"),
        }
    };
    Fate {
        attachment: cached.attachment.clone(),
        netns: cached.netns.as_ref().map(|path| path.display().to_string()),
        kept,
        why,
        steps: Vec::new(),
    }
}

fn is_absent(error: &netns::Error) -> bool {
    error
        .io()
        .is_some_and(|io| io.kind() == std::io::ErrorKind::NotFound)
}
