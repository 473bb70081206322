//! Running a command on a node or in a pod.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Output, Stdio};

use super::namespaces;
use super::process::Process;
use super::programs;
use super::state::{Machine, Pod, State};
use crate::error::{Error, Outcome, Result};

/// Where a command can run.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// On a node, the switch or the router.
    Machine(&'a Machine),
    /// In a pod.
    Pod(&'a Pod),
}

/// Finds `host01`, `node/host01`, `pod1` (of the namespace `default`, or the only one of that name),
/// `namespace/pod1` or `pod/pod1`.
///
/// # Errors
/// When there is nothing of that name, or several.
pub fn find<'a>(state: &'a State, name: &str) -> Result<Place<'a>> {
    if let Some(machine) = state.machine(name.strip_prefix("node/").unwrap_or(name)) {
        return Ok(Place::Machine(machine));
    }
    Ok(Place::Pod(find_pod(state, name)?))
}

/// Finds a pod by `name`, `namespace/name` or `pod/name`.
///
/// # Errors
/// When there is nothing of that name, or several.
pub fn find_pod<'a>(state: &'a State, name: &str) -> Result<&'a Pod> {
    let (namespace, short) = match name.split_once('/') {
        None | Some(("pod", _)) => (None, name.strip_prefix("pod/").unwrap_or(name)),
        Some((namespace, short)) => (Some(namespace), short),
    };
    let named = || state.pods.iter().filter(move |pod| pod.name == short);
    let found: Vec<&Pod> = match namespace {
        Some(namespace) => named().filter(|pod| pod.namespace == namespace).collect(),
        None => match named().find(|pod| pod.namespace == "default") {
            Some(pod) => vec![pod],
            None => named().collect(),
        },
    };
    match found.as_slice() {
        [pod] => Ok(pod),
        [] => Err(
            Error::usage(format!("there is no {name} in lab {}", state.name))
                .try_this(format!("ovl lab ls --lab {}", state.name)),
        ),
        several => {
            let names: Vec<String> = several.iter().map(|pod| pod.full_name()).collect();
            Err(
                Error::usage(format!("there are several: {}", names.join(", ")))
                    .try_this("say which with NAMESPACE/POD"),
            )
        }
    }
}

impl Place<'_> {
    fn process(self) -> Result<Process> {
        match self {
            Self::Machine(machine) => Ok(machine.process),
            Self::Pod(pod) => pod.pause.ok_or_else(|| {
                Error::failed(format!("pod {} has not been started", pod.full_name()))
            }),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Machine(machine) => machine.name.clone(),
            Self::Pod(pod) => pod.full_name(),
        }
    }

    /// Runs `command` there without input, and waits for what it says.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn output(self, command: &[OsString]) -> Result<Output> {
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| Error::usage("there is no command"))?;
        let name = self.name();
        let failed = |e: std::io::Error| {
            Error::failed(format!("cannot run {} on {name}", program.display())).caused_by(e)
        };
        let held = self.process()?.hold().map_err(failed)?;
        let held = held.ok_or_else(|| Error::failed(format!("{name} does not run any more")))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PATH", programs::search_path())
            .stdin(Stdio::null())
            .current_dir("/");
        namespaces::run_inside(&held, move || command.output())
            .map_err(failed)?
            .map_err(failed)
    }

    /// Runs `command` there, with the standard streams of the caller, and waits for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(self, command: &[OsString]) -> Result<ExitStatus> {
        let (program, arguments) = command.split_first().ok_or_else(|| {
            Error::usage("there is no command").try_this("ovl lab exec NODE|POD -- CMD")
        })?;
        let name = self.name();
        let gone = || Error::failed(format!("{name} does not run any more"));
        let failed = |e: std::io::Error| {
            // Shells say 127 and 126; so does kubectl exec.
            let outcome = match e.kind() {
                std::io::ErrorKind::PermissionDenied => Outcome::NoAccess,
                _ => Outcome::Fault,
            };
            Error::new(
                outcome,
                format!("cannot run {} on {name}", program.display()),
            )
            .caused_by(e)
        };
        let held = self.process()?.hold().map_err(failed)?.ok_or_else(gone)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("PATH", programs::search_path())
            .current_dir("/");
        let ran = namespaces::run_inside(&held, move || -> std::io::Result<ExitStatus> {
            let mut child = command.spawn()?;
            // Ctrl-C is for the command, which has the same terminal; what it makes of it is passed on.
            // SAFETY: SIG_IGN runs no code of ours.
            unsafe {
                libc::signal(libc::SIGINT, libc::SIG_IGN);
                libc::signal(libc::SIGQUIT, libc::SIG_IGN);
            }
            child.wait()
        });
        ran.map_err(failed)?.map_err(failed)
    }
}

/// The exit code that a shell would report.
pub fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::super::profile::Profile;
    use super::super::state::{Capabilities, Phase, Role, SCHEMA};
    use super::*;

    fn pod(namespace: &str, name: &str) -> Pod {
        Pod {
            namespace: namespace.into(),
            name: name.into(),
            node: "host01".into(),
            sandbox: String::new(),
            netns: "/run/netns/cni-x".into(),
            pause: None,
            ready: true,
            attachments: Vec::new(),
            capabilities: Capabilities::default(),
            networks: Vec::new(),
            requested: Vec::new(),
        }
    }

    #[test]
    fn places_are_found_by_their_names() {
        let process = Process { pid: 1, started: 0 };
        let state = State {
            schema: SCHEMA.into(),
            name: "one".into(),
            profile: None,
            boot: String::new(),
            user_namespace: false,
            phase: Phase::Up,
            topology: Profile::Calico.topology(1).unwrap(),
            machines: vec![Machine {
                name: "host01".into(),
                role: Role::Node,
                process,
            }],
            pods: vec![
                pod("a", "x"),
                pod("default", "x"),
                pod("a", "y"),
                pod("b", "z"),
                pod("c", "z"),
            ],
            faults: Vec::new(),
        };
        let name = |name: &str| {
            find(&state, name)
                .map(Place::name)
                .map_err(|e| e.to_string())
        };
        assert_eq!(name("host01").unwrap(), "host01");
        assert_eq!(name("node/host01").unwrap(), "host01");
        assert_eq!(name("x").unwrap(), "default/x");
        assert_eq!(name("pod/x").unwrap(), "default/x");
        assert_eq!(name("a/x").unwrap(), "a/x");
        assert_eq!(name("y").unwrap(), "a/y");
        assert!(name("z").unwrap_err().contains("b/z, c/z"));
        assert!(name("w").unwrap_err().contains("no w in lab one"));
        assert!(name("node/w").is_err());
    }

    #[test]
    fn exit_codes_are_a_shells() {
        let code = |raw| exit_code(ExitStatus::from_raw(raw));
        assert_eq!(code(0), 0);
        assert_eq!(code(7 << 8), 7);
        assert_eq!(code(libc::SIGKILL), 137);
    }
}
