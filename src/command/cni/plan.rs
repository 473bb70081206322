//! `ovl cni plan`.

use plugin_core::attach::{self, Kind};
use plugin_core::chain::{ListedPlugin, NetworkList};
use plugin_core::netns::Netns;
use plugin_core::spec::{self, Add, Invocation, Plugin, PluginConfig};

use super::{Place, Target, choose};
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::render::Format;
use crate::render::cni::plan::{ChainPlan, PluginPlan, write};

pub(super) fn plan(
    place: &Place,
    target: &Target,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let (_, list) = choose(&directory, target.network.as_deref())?;
    if !list
        .plugins
        .iter()
        .any(|plugin| ours(&plugin.kind).is_some())
    {
        return Err(Error::new(
            Outcome::CannotTell,
            format!("network {} has no plugin that can tell its plan", list.name),
        )
        .try_this("ovl-routed and ovl-vxlan can"));
    }
    let plugins = list
        .plugins
        .iter()
        .map(|plugin| {
            let operations = match ours(&plugin.kind) {
                Some(kind) => Some(operations(place, list, plugin, kind, target).map_err(
                    |error| Error::failed(format!("ADD by {} would fail: {error}", plugin.kind)),
                )?),
                None => None,
            };
            Ok(PluginPlan {
                r#type: plugin.kind.clone(),
                operations,
            })
        })
        .collect::<Result<_>>()?;
    let plan = ChainPlan {
        schema: "ovl.cni-plan/v1",
        network: list.name.to_string(),
        attachment: target.container.attachment.clone(),
        plugins,
    };
    write(&plan, format, context.out)?;
    Ok(Outcome::Healthy)
}

/// Which of our plugins it is, if it is one.
pub(super) fn ours(kind: &str) -> Option<Kind> {
    [Kind::Routed, Kind::Vxlan]
        .into_iter()
        .find(|ours| ours.name() == kind)
}

fn operations(
    place: &Place,
    list: &NetworkList,
    plugin: &ListedPlugin,
    kind: Kind,
    target: &Target,
) -> spec::Result<Vec<plugin_core::plan::Operation>> {
    let container = &target.container;
    let netns = container.netns.clone().unwrap_or_default();
    Netns::open(&netns)?;
    let config = PluginConfig::from_object(plugin.request(list, None, &container.capability_args))?;
    let request = Add {
        attachment: container.attachment.clone(),
        netns,
        prev_result: None,
        invocation: Invocation {
            runtime: config.runtime_config()?,
            args: container.args.clone(),
            path: place.bin_dirs.clone(),
            config,
        },
    };
    Ok(attach::rehearse(kind, &request)?.operations)
}
