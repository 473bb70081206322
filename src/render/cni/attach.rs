//! What became of an ADD, a DEL or a CHECK.

use std::io::{self, Write};

use plugin_core::spec::{AddResult, Attachment, SpecVersion};
use serde::Serialize;
use serde_json::Value;

use super::ShownStep;
use crate::render::{Format, Style, escape::escape, format, table};

/// What became of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// The schema.
    pub schema: &'static str,
    /// The network.
    pub network: String,
    /// The file its configuration stands in; none when it came from the result cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Which interface of which container.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// The namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub netns: Option<String>,
    /// The plugins in the order they were asked.
    pub steps: Vec<ShownStep>,
    /// The plugins that were asked to undo a failed ADD.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<ShownStep>,
    /// The chain's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Attached {
    fn heading(&self, done: &str, by: &str) -> String {
        let Attachment {
            container_id,
            ifname,
        } = &self.attachment;
        format!("{done} {ifname} of {container_id} {by} {}", self.network)
    }
}

/// Shows a successful ADD: the addresses, and with [`Format::Wide`] the plugins and their logs.
///
/// # Errors
/// Those of `out`.
pub fn write_added(
    added: &Attached,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format == Format::Json {
        return format::json(added, out);
    }
    writeln!(out, "{}", style.good(added.heading("attached", "to")))?;
    let value = added.result.clone().unwrap_or_default();
    // What a foreign plugin printed was read before; at worst there is nothing to show.
    let result = AddResult::from_value(value, SpecVersion::CURRENT)
        .map(|(result, _)| result)
        .unwrap_or_default();
    let mut table = table::with_heads(&["ADDRESS", "GATEWAY", "INTERFACE", "MAC"]);
    for ip in &result.ips {
        let interface = ip.interface.and_then(|index| result.interfaces.get(index));
        table::push(
            &mut table,
            [
                ip.address.to_string(),
                ip.gateway
                    .map(|gateway| gateway.to_string())
                    .unwrap_or_default(),
                interface
                    .map(|interface| interface.name.clone())
                    .unwrap_or_default(),
                interface
                    .and_then(|interface| interface.mac.clone())
                    .unwrap_or_default(),
            ],
        );
    }
    if !result.ips.is_empty() {
        out.write_all(table::text(table).as_bytes())?;
    }
    if format == Format::Wide {
        out.write_all(b"\n")?;
        write_steps(&added.steps, out)?;
    }
    Ok(())
}

/// Shows a DEL. Every plugin that failed is named.
///
/// # Errors
/// Those of `out`.
pub fn write_deleted(
    deleted: &Attached,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format == Format::Json {
        return format::json(deleted, out);
    }
    if deleted.error.is_none() {
        writeln!(out, "{}", style.good(deleted.heading("detached", "from")))?;
    } else {
        writeln!(
            out,
            "{}",
            style.bad(deleted.heading("not wholly detached:", "from"))
        )?;
    }
    if deleted.error.is_some() || format == Format::Wide {
        write_steps(&deleted.steps, out)?;
    }
    Ok(())
}

/// Shows a CHECK.
///
/// # Errors
/// Those of `out`.
pub fn write_checked(
    checked: &Attached,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format == Format::Json {
        return format::json(checked, out);
    }
    if checked.error.is_none() {
        writeln!(
            out,
            "{}",
            style.good(checked.heading("as it was made:", "on"))
        )?;
    } else {
        writeln!(
            out,
            "{}",
            style.bad(checked.heading("not as it was made:", "on"))
        )?;
    }
    if checked.error.is_some() || format == Format::Wide {
        write_steps(&checked.steps, out)?;
    }
    Ok(())
}

/// A table of plugins, then what they had to say at length.
pub(super) fn write_steps(steps: &[ShownStep], out: &mut dyn Write) -> io::Result<()> {
    let mut table = table::with_heads(&["PLUGIN", "VERB", "TOOK", "OUTCOME"]);
    for step in steps {
        table::push(
            &mut table,
            [
                step.plugin.as_str(),
                &step.verb,
                &format!("{:.1} ms", step.milliseconds),
                step.error
                    .as_ref()
                    .map_or("ok", |error| error.message.as_str()),
            ],
        );
    }
    out.write_all(table::text(table).as_bytes())?;
    for step in steps {
        let details = step
            .error
            .as_ref()
            .map_or("", |error| error.details.as_str());
        for line in details.lines().chain(step.log.lines()) {
            writeln!(out, "{}: {}", escape(&step.plugin), escape(line))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::cni::ShownError;
    use serde_json::json;

    fn sample() -> Attached {
        Attached {
            schema: "ovl.cni-add/v1",
            network: "pods".into(),
            file: Some("/etc/cni/net.d/10-a.conflist".into()),
            attachment: Attachment {
                container_id: "c1".parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: Some("/run/netns/blue".into()),
            steps: vec![ShownStep {
                plugin: "ovl-routed".into(),
                verb: "ADD".into(),
                binary: None,
                milliseconds: 2.25,
                log: "a log\n".into(),
                error: None,
            }],
            undo: vec![],
            result: Some(json!({
                "cniVersion": "1.0.0",
                "interfaces": [{"name": "cali1"}, {"name": "eth0", "mac": "02:00:00:00:00:01"}],
                "ips": [{"address": "172.31.239.216/32", "gateway": "169.254.1.1", "interface": 1}],
            })),
            error: None,
        }
    }

    fn text(show: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut text = Vec::new();
        show(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn an_add_shows_its_addresses() {
        assert_eq!(
            text(|out| write_added(&sample(), Format::Wide, Style::PLAIN, out)),
            "attached eth0 of c1 to pods\n\
             ADDRESS            GATEWAY      INTERFACE  MAC\n\
             172.31.239.216/32  169.254.1.1  eth0       02:00:00:00:00:01\n\
             \n\
             PLUGIN      VERB  TOOK    OUTCOME\n\
             ovl-routed  ADD   2.2 ms  ok\n\
             ovl-routed: a log\n"
        );
    }

    #[test]
    fn a_check_that_fails_shows_what_was_expected_and_found() {
        let mut checked = sample();
        checked.error = Some("CHECK by ovl-routed".into());
        checked.steps[0].verb = "CHECK".into();
        checked.steps[0].error = Some(ShownError {
            code: Some(102),
            message: "1 thing is wrong".into(),
            details: "route: expected a, found b".into(),
        });
        assert_eq!(
            text(|out| write_checked(&checked, Format::Text, Style::PLAIN, out)),
            "not as it was made: eth0 of c1 on pods\n\
             PLUGIN      VERB   TOOK    OUTCOME\n\
             ovl-routed  CHECK  2.2 ms  1 thing is wrong\n\
             ovl-routed: route: expected a, found b\n\
             ovl-routed: a log\n"
        );
    }

    #[test]
    fn json_has_it_all() {
        let value: Value = serde_json::from_str(&text(|out| {
            write_added(&sample(), Format::Json, Style::PLAIN, out)
        }))
        .unwrap();
        assert_eq!(value["schema"], "ovl.cni-add/v1");
        assert_eq!(value["containerID"], "c1");
        assert_eq!(value["result"]["ips"][0]["interface"], 1);
        assert_eq!(value["steps"][0]["log"], "a log\n");
    }
}
