//! A plugin that has another one do part of its work, as ours do with `ipam.type` (SPEC.md, section 4):
//! the same configuration and variables, found through `CNI_PATH`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::exec;
use crate::spec::{
    Add, AddResult, Attachment, Check, Code, Del, Error, Gc, Invocation, Result, Status, Verb,
};

/// A DHCP client may wait for its server; nothing waits longer.
const LIMIT: Duration = Duration::from_secs(120);

/// Has `kind` do an ADD. When that fails, it is also asked to undo what it did.
///
/// # Errors
/// What it reported, or why it could not be run.
pub fn add(kind: &str, request: &Add) -> Result<AddResult> {
    let Add {
        attachment,
        netns,
        invocation,
        ..
    } = request;
    let netns = Some(netns.as_os_str().to_owned());
    let variables = variables(Some(attachment), netns.as_ref(), invocation)?;
    let answer = run(kind, Verb::Add, variables.clone(), invocation)
        .and_then(|stdout| AddResult::from_json(&stdout, invocation.config.version));
    match answer {
        Ok((result, _)) => Ok(result),
        Err(error) => {
            // "should execute again with DEL before returning failure"; the first error is the one to tell.
            let _ = run(kind, Verb::Del, variables, invocation);
            Err(error)
        }
    }
}

/// Has `kind` do a DEL.
///
/// # Errors
/// What it reported, or why it could not be run.
pub fn del(kind: &str, request: &Del) -> Result<()> {
    let Del {
        attachment,
        netns,
        invocation,
        ..
    } = request;
    let netns = netns.as_ref().map(|path| path.as_os_str().to_owned());
    run(
        kind,
        Verb::Del,
        variables(Some(attachment), netns.as_ref(), invocation)?,
        invocation,
    )
    .map(drop)
}

/// Has `kind` do a CHECK.
///
/// # Errors
/// What it reported, or why it could not be run.
pub fn check(kind: &str, request: &Check) -> Result<()> {
    let Check {
        attachment,
        netns,
        invocation,
        ..
    } = request;
    let netns = Some(netns.as_os_str().to_owned());
    run(
        kind,
        Verb::Check,
        variables(Some(attachment), netns.as_ref(), invocation)?,
        invocation,
    )
    .map(drop)
}

/// Has `kind` do a GC.
///
/// # Errors
/// What it reported, or why it could not be run.
pub fn gc(kind: &str, request: &Gc) -> Result<()> {
    run(
        kind,
        Verb::Gc,
        variables(None, None, &request.invocation)?,
        &request.invocation,
    )
    .map(drop)
}

/// Asks `kind` for its STATUS.
///
/// # Errors
/// What it reported, or why it could not be run.
pub fn status(kind: &str, request: &Status) -> Result<()> {
    run(
        kind,
        Verb::Status,
        variables(None, None, &request.invocation)?,
        &request.invocation,
    )
    .map(drop)
}

/// The binary of `kind`.
///
/// # Errors
/// [`Code::InvalidEnvironment`] without `CNI_PATH`, [`Code::Delegate`] when no directory of it has the binary.
pub fn locate(kind: &str, invocation: &Invocation) -> Result<PathBuf> {
    if invocation.path.is_empty() {
        return Err(Error::environment(format!(
            "CNI_PATH is missing, and {kind}, which {} delegates to, is found through it",
            invocation.config.kind
        )));
    }
    Ok(exec::find(kind, &invocation.path)?)
}

/// Every `CNI_*` variable, from the request and not from this process's environment: a caller may answer
/// requests that did not come through it.
fn variables(
    attachment: Option<&Attachment>,
    netns: Option<&OsString>,
    invocation: &Invocation,
) -> Result<Vec<(&'static str, OsString)>> {
    let path = std::env::join_paths(&invocation.path)
        .map_err(|error| Error::environment(format!("CNI_PATH: {error}")))?;
    let text = |value: Option<String>| OsString::from(value.unwrap_or_default());
    Ok(vec![
        (
            "CNI_CONTAINERID",
            text(attachment.map(|a| a.container_id.to_string())),
        ),
        ("CNI_IFNAME", text(attachment.map(|a| a.ifname.to_string()))),
        ("CNI_NETNS", netns.cloned().unwrap_or_default()),
        ("CNI_ARGS", invocation.args.to_string().into()),
        ("CNI_PATH", path),
    ])
}

fn run(
    kind: &str,
    verb: Verb,
    variables: Vec<(&'static str, OsString)>,
    invocation: &Invocation,
) -> Result<Vec<u8>> {
    let binary = locate(kind, invocation)?;
    let stdin = Value::Object(invocation.config.raw().clone()).to_string();
    let request = exec::Request {
        kind,
        verb,
        variables,
        stdin: stdin.as_bytes(),
        limit: LIMIT,
        // What this process inherited, its children inherit by themselves.
        inherited: None,
    };
    let (answer, stderr) = match exec::run(&binary, &request) {
        Ok(printed) => (Ok(printed.stdout), printed.stderr),
        Err(failed) => (Err(failed.error.into()), failed.stderr),
    };
    // Its logs belong to ours.
    let _ = io::stderr().write_all(stderr.as_bytes());
    answer.map_err(|error: Error| match error.code {
        Code::Delegate => error,
        _ => Error {
            msg: format!("{kind}: {}", error.msg),
            ..error
        },
    })
}
