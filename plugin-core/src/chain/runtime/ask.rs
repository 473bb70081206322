//! One plugin asked for one verb: its variables, and what it answers.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::{Container, Runtime, Step};
use crate::chain::error::{Error, Result};
use crate::chain::exec::{self, beginning};
use crate::chain::list::ListedPlugin;
use crate::chain::turn::Turn;
use crate::spec::{AddResult, SpecVersion, Verb};

impl Runtime {
    /// Runs one plugin. What it printed comes beside the step, when it ended well.
    pub(super) fn ask(
        &self,
        plugin: &ListedPlugin,
        verb: Verb,
        container: Option<&Container>,
        request: Map<String, Value>,
        turn: Option<&Turn>,
    ) -> (Step, Option<Vec<u8>>) {
        let started = Instant::now();
        let mut step = Step {
            kind: plugin.kind.clone(),
            binary: None,
            verb,
            took: Duration::ZERO,
            log: String::new(),
            outcome: Ok(()),
        };
        let stdin = Value::Object(request).to_string();
        let started_with = exec::find(&plugin.kind, &self.path)
            .and_then(|binary| Ok((binary, self.variables(container)?)));
        let mut stdout = None;
        match started_with {
            Err(error) => step.outcome = Err(error),
            Ok((binary, variables)) => {
                let request = exec::Request {
                    kind: &plugin.kind,
                    verb,
                    variables,
                    stdin: stdin.as_bytes(),
                    limit: self.limit,
                    inherited: turn.map(AsFd::as_fd),
                };
                match exec::run(&binary, &request) {
                    Ok(printed) => {
                        step.log = printed.stderr;
                        stdout = Some(printed.stdout);
                    }
                    Err(failed) => {
                        step.log = failed.stderr;
                        step.outcome = Err(failed.error);
                    }
                }
                step.binary = Some(binary);
            }
        }
        step.took = started.elapsed();
        (step, stdout)
    }

    /// The `CNI_*` variables. All are set, so that none is inherited.
    fn variables(&self, container: Option<&Container>) -> Result<Vec<(&'static str, OsString)>> {
        let path =
            std::env::join_paths(&self.path).map_err(|error| Error::Refused(error.to_string()))?;
        let text = |value: Option<String>| OsString::from(value.unwrap_or_default());
        let attachment = container.map(|container| &container.attachment);
        Ok(vec![
            (
                "CNI_CONTAINERID",
                text(attachment.map(|a| a.container_id.to_string())),
            ),
            ("CNI_IFNAME", text(attachment.map(|a| a.ifname.to_string()))),
            (
                "CNI_NETNS",
                container
                    .and_then(|c| c.netns.clone())
                    .map(PathBuf::into_os_string)
                    .unwrap_or_default(),
            ),
            (
                "CNI_ARGS",
                text(container.map(|container| container.args.to_string())),
            ),
            ("CNI_PATH", path),
        ])
    }
}

/// Reads what an ADD printed: an object of a version we speak. It goes on to the next plugin as it is,
/// with whatever fields nobody here knows; one without a version is given the list's, as libcni does
/// (containernetworking/cni#895).
pub(super) fn read_result(kind: &str, printed: &[u8], version: SpecVersion) -> Result<Value> {
    let wrong = |problem: String| Error::Protocol {
        kind: kind.to_owned(),
        verb: Verb::Add,
        problem,
        printed: beginning(&String::from_utf8_lossy(printed)),
    };
    let mut value: Value = serde_json::from_slice(printed)
        .map_err(|error| wrong(format!("printed no JSON ({error})")))?;
    if value.is_null() {
        value = Value::Object(Map::new());
    }
    let (result, made) = AddResult::from_value(value.clone(), version)
        .map_err(|error| wrong(format!("printed no result ({error})")))?;
    if made != version {
        return Ok(result.to_value(version));
    }
    if let Value::Object(object) = &mut value {
        object.insert("cniVersion".to_owned(), version.as_str().into());
    }
    Ok(value)
}
