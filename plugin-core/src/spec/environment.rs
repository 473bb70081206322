//! The variables a plugin is started with.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::error::{Error, Result};
use super::name::{ContainerId, IfName};
use super::verb::Verb;

/// The `CNI_*` variables: those the verb requires are there and well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `CNI_COMMAND`.
    pub verb: Verb,
    /// `CNI_CONTAINERID`.
    pub container_id: Option<ContainerId>,
    /// `CNI_NETNS`; empty is absent, which a second DEL makes use of.
    pub netns: Option<PathBuf>,
    /// `CNI_IFNAME`.
    pub ifname: Option<IfName>,
    /// `CNI_ARGS`, unparsed: DEL must not fail on it.
    pub args: String,
    /// `CNI_PATH`.
    pub path: Vec<PathBuf>,
    /// `CNI_NETNS_OVERRIDE`: the container may live in the plugin's own namespace.
    pub netns_override: bool,
}

impl Environment {
    /// Reads the variables through `lookup`, as `std::env::var_os` is one.
    ///
    /// # Errors
    /// [`Code::InvalidEnvironment`](super::Code::InvalidEnvironment), naming each variable that is missing,
    /// or the one that is wrong.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &str| -> Result<Option<String>> {
            variable(name)
                .map(|value| {
                    value.into_string().map_err(|value| {
                        Error::environment(format!(
                            "{name}={} is not UTF-8",
                            value.to_string_lossy()
                        ))
                    })
                })
                .transpose()
        };
        let verb: Verb = match text("CNI_COMMAND")? {
            Some(command) => command.parse().map_err(Error::environment)?,
            None => return Err(missing(&["CNI_COMMAND"])),
        };
        let absent: Vec<&str> = verb
            .required()
            .iter()
            .copied()
            .filter(|name| variable(name).is_none())
            .collect();
        if !absent.is_empty() {
            return Err(missing(&absent));
        }
        // A variable the verb does not use may hold anything: libcni sets "dummy" for VERSION.
        let used = |name: &str| verb.required().contains(&name);
        Ok(Self {
            verb,
            container_id: match text("CNI_CONTAINERID")? {
                Some(id) if used("CNI_CONTAINERID") => Some(id.parse()?),
                _ => None,
            },
            netns: variable("CNI_NETNS").map(PathBuf::from),
            ifname: match text("CNI_IFNAME")? {
                Some(ifname) if used("CNI_IFNAME") => Some(ifname.parse()?),
                _ => None,
            },
            args: text("CNI_ARGS")?.unwrap_or_default(),
            path: variable("CNI_PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            netns_override: variable("CNI_NETNS_OVERRIDE").is_some_and(|value| is_true(&value)),
        })
    }
}

fn missing(names: &[&str]) -> Error {
    Error::environment(format!(
        "required env variables [{}] missing",
        names.join(",")
    ))
}

fn is_true(value: &OsStr) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Code;

    fn environment(variables: &[(&str, &str)]) -> Result<Environment> {
        Environment::from_lookup(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        })
    }

    const FULL: [(&str, &str); 4] = [
        ("CNI_COMMAND", "ADD"),
        ("CNI_CONTAINERID", "c1"),
        ("CNI_NETNS", "/run/netns/c1"),
        ("CNI_IFNAME", "eth0"),
    ];

    #[test]
    fn a_plugin_needs_no_path() {
        let read = environment(&FULL).unwrap();
        assert_eq!(read.verb, Verb::Add);
        assert_eq!(read.container_id.unwrap().as_str(), "c1");
        assert_eq!(read.path, Vec::<PathBuf>::new());
    }

    #[test]
    fn each_verb_requires_its_own() {
        for verb in Verb::ALL {
            let error = environment(&[("CNI_COMMAND", verb.as_str())]);
            match verb {
                Verb::Add | Verb::Check => {
                    let msg = error.unwrap_err().msg;
                    assert!(
                        msg.contains("[CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME]"),
                        "{msg}"
                    );
                }
                Verb::Del => {
                    let msg = error.unwrap_err().msg;
                    assert!(msg.contains("[CNI_CONTAINERID,CNI_IFNAME]"), "{msg}");
                }
                Verb::Gc | Verb::Status | Verb::Version => assert_eq!(error.unwrap().verb, verb),
            }
        }
        let error = environment(&[]).unwrap_err();
        assert_eq!(error.code, Code::InvalidEnvironment);
        assert!(error.msg.contains("CNI_COMMAND"));
        assert!(
            environment(&[("CNI_COMMAND", "UPDATE")])
                .unwrap_err()
                .msg
                .contains("UPDATE")
        );
    }

    #[test]
    fn the_second_del_has_an_empty_netns() {
        let read = environment(&[
            ("CNI_COMMAND", "DEL"),
            ("CNI_CONTAINERID", "c1"),
            ("CNI_NETNS", ""),
            ("CNI_IFNAME", "eth0"),
        ]);
        assert_eq!(read.unwrap().netns, None);
    }

    #[test]
    fn what_a_verb_does_not_use_is_not_checked() {
        let read = environment(&[
            ("CNI_COMMAND", "VERSION"),
            ("CNI_IFNAME", "a/b"),
            ("CNI_CONTAINERID", "/"),
        ]);
        assert_eq!(read.unwrap().ifname, None);
        let bad = FULL.map(|(key, value)| (key, if key == "CNI_IFNAME" { "a/b" } else { value }));
        assert_eq!(
            environment(&bad).unwrap_err().code,
            Code::InvalidEnvironment
        );
    }

    #[test]
    fn the_path_is_a_list() {
        let mut variables = FULL.to_vec();
        variables.push(("CNI_PATH", "/opt/cni/bin:/usr/lib/cni"));
        assert_eq!(
            environment(&variables).unwrap().path,
            [PathBuf::from("/opt/cni/bin"), PathBuf::from("/usr/lib/cni")]
        );
    }
}
