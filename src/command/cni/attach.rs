//! `ovl cni add`, `del` and `check`.

use std::path::Path;

use plugin_core::chain::runtime::first_failure;
use plugin_core::chain::{NetworkList, Step};

use super::{Place, Target, choose};
use crate::command::Context;
use crate::error::{Error, Outcome, Result};
use crate::render::Format;
use crate::render::cni::ShownStep;
use crate::render::cni::attach::{Attached, write_added, write_checked, write_deleted};

pub(super) fn add(
    place: &Place,
    target: &Target,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let (file, list) = choose(&directory, target.network.as_deref())?;
    let added = place.runtime().add(list, &target.container)?;
    let failure = added.failure();
    if let (Some(error), true) = (failure, format != Format::Json) {
        let attachment = &target.container.attachment;
        let mut message = format!(
            "cannot attach {} of {} to network {}: {error}",
            attachment.ifname, attachment.container_id, list.name
        );
        for step in added.undo.iter().filter(|step| step.outcome.is_err()) {
            if let Err(undo) = &step.outcome {
                message.push_str(&format!("; undoing it: {undo}"));
            }
        }
        return Err(Error::failed(message));
    }
    let mut shown = report("ovl.cni-add/v1", list, Some(file), target, &added.steps);
    shown.error = failure.map(ToString::to_string);
    shown.undo = added.undo.iter().map(ShownStep::from).collect();
    shown.result = added.result.clone();
    write_added(&shown, format, context.style, context.out)?;
    Ok(outcome(&shown))
}

pub(super) fn del(
    place: &Place,
    target: &Target,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let runtime = place.runtime();
    let remembered;
    let (file, list) = match choose(&directory, target.network.as_deref()) {
        Ok((file, list)) => (Some(file), list),
        // A network whose file is gone must not keep its attachments: the cache has the configuration.
        Err(error) => match cached_list(place, target)? {
            Some(list) => {
                remembered = list;
                (None, &remembered)
            }
            None => return Err(error),
        },
    };
    let steps = runtime.del(list, &target.container)?;
    let shown = report("ovl.cni-del/v1", list, file, target, &steps);
    write_deleted(&shown, format, context.style, context.out)?;
    Ok(outcome(&shown))
}

fn cached_list(place: &Place, target: &Target) -> Result<Option<NetworkList>> {
    let wanted = target.network.as_deref();
    let cached = place
        .runtime()
        .cache
        .attachments()?
        .into_iter()
        .find(|cached| {
            cached.attachment == target.container.attachment
                && wanted.is_none_or(|name| name == cached.network.as_str())
        });
    Ok(cached.and_then(|cached| NetworkList::from_text(cached.config).ok()))
}

pub(super) fn check(
    place: &Place,
    target: &Target,
    format: Format,
    context: &mut Context<'_>,
) -> Result<Outcome> {
    let directory = place.directory()?;
    let (file, list) = choose(&directory, target.network.as_deref())?;
    let steps = place.runtime().check(list, &target.container)?;
    let shown = report("ovl.cni-check/v1", list, Some(file), target, &steps);
    write_checked(&shown, format, context.style, context.out)?;
    Ok(outcome(&shown))
}

fn report(
    schema: &'static str,
    list: &NetworkList,
    file: Option<&Path>,
    target: &Target,
    steps: &[Step],
) -> Attached {
    Attached {
        schema,
        network: list.name.to_string(),
        file: file.map(|path| path.display().to_string()),
        attachment: target.container.attachment.clone(),
        netns: target
            .container
            .netns
            .as_ref()
            .map(|path| path.display().to_string()),
        steps: steps.iter().map(ShownStep::from).collect(),
        undo: Vec::new(),
        result: None,
        error: first_failure(steps).map(ToString::to_string),
    }
}

fn outcome(shown: &Attached) -> Outcome {
    if shown.error.is_none() {
        Outcome::Healthy
    } else {
        Outcome::Fault
    }
}
