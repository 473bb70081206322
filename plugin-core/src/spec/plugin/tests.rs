//! A plugin called by every verb.

use super::*;
use crate::spec::{Interface, IpConfig};
use serde_json::json;

/// Answers with what it was asked.
struct Echo;

impl Plugin for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn add(&self, request: &Add) -> Result<AddResult> {
        if request.attachment.container_id.as_str() == "panics" {
            panic!("at the disco");
        }
        Ok(AddResult {
            interfaces: vec![Interface {
                name: request.attachment.ifname.to_string(),
                sandbox: Some(request.netns.display().to_string()),
                mtu: Some(1450),
                ..Interface::default()
            }],
            ips: request
                .invocation
                .requested_ips()?
                .iter()
                .map(|ip| IpConfig {
                    address: ip.address.into(),
                    gateway: None,
                    interface: Some(0),
                })
                .collect(),
            ..request.prev_result.clone().unwrap_or_default()
        })
    }

    fn del(&self, request: &Del) -> Result<()> {
        assert_eq!(request.invocation.runtime, RuntimeConfig::default());
        Ok(())
    }

    fn check(&self, _: &Check) -> Result<()> {
        Err(Error::new(Code::NotAsExpected, "eth0 is gone")
            .with_details("expected eth0, found nothing"))
    }

    fn gc(&self, request: &Gc) -> Result<()> {
        match request.valid.as_slice() {
            [one] if one.to_string() == "c1/eth0" => Ok(()),
            other => Err(Error::config(format!("{other:?}"))),
        }
    }

    fn status(&self, _: &Status) -> Result<()> {
        Ok(())
    }
}

fn ask_with(variables: &[(&str, &str)], stdin: &str) -> (u8, String) {
    let reply = run(
        &Echo,
        |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        },
        stdin.as_bytes(),
    );
    (reply.exit, String::from_utf8(reply.stdout).unwrap())
}

fn ask(verb: &str, version: &str, extra: Value) -> (u8, Value) {
    let mut config = json!({"cniVersion": version, "name": "net", "type": "echo"});
    config
        .as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    let (exit, text) = ask_with(
        &[
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", "c1"),
            ("CNI_NETNS", "/run/netns/c1"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_ARGS", "IP=10.0.0.9"),
        ],
        &config.to_string(),
    );
    let value = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap()
    };
    (exit, value)
}

#[test]
fn add_answers_in_the_version_it_was_asked_in() {
    for version in SpecVersion::ALL {
        let (exit, value) = ask(
            "ADD",
            version.as_str(),
            json!({"args": {"cni": {"ips": ["10.0.0.9/24", "fd00::9"]}}, "runtimeConfig": {"IPs": ["10.0.0.8"]}}),
        );
        assert_eq!(exit, 0, "{value}");
        assert_eq!(value["cniVersion"], version.as_str());
        assert_eq!(value["ips"].as_array().unwrap().len(), 3);
        assert_eq!(value["ips"][0]["address"], "10.0.0.9/32");
        assert_eq!(value["ips"][1]["address"], "fd00::9/128");
        assert_eq!(
            value["ips"][1].get("version").is_some(),
            version < SpecVersion::V1_0_0
        );
        assert_eq!(
            value["interfaces"][0].get("mtu").is_some(),
            version == SpecVersion::V1_1_0
        );
    }
}

#[test]
fn a_verb_the_version_does_not_have_is_refused() {
    for verb in Verb::ALL {
        for version in SpecVersion::ALL {
            let extra =
                json!({"cni.dev/valid-attachments": [{"containerID": "c1", "ifname": "eth0"}]});
            let (exit, value) = ask(verb.as_str(), version.as_str(), extra);
            if version < verb.since() {
                assert_eq!((exit, &value["code"]), (1, &json!(1)), "{verb} {version}");
                assert_eq!(
                    value["msg"],
                    format!("config version does not allow {verb}")
                );
                assert_eq!(value["cniVersion"], version.as_str());
            } else if verb == Verb::Check {
                assert_eq!(
                    value,
                    json!({"cniVersion": version.as_str(), "code": 102, "msg": "eth0 is gone",
                        "details": "expected eth0, found nothing"})
                );
            } else {
                assert_eq!(exit, 0, "{verb} {version}: {value}");
            }
        }
    }
}

#[test]
fn del_is_not_stopped_by_what_it_does_not_need() {
    let (exit, text) = ask_with(
        &[
            ("CNI_COMMAND", "DEL"),
            ("CNI_CONTAINERID", "c1"),
            ("CNI_IFNAME", "eth0"),
            ("CNI_ARGS", "nonsense"),
        ],
        r#"{"cniVersion":"0.4.0","name":"net","type":"echo","prevResult":{"ips":7},"runtimeConfig":7}"#,
    );
    assert_eq!((exit, text.as_str()), (0, ""));
}

#[test]
fn version_echoes_what_was_asked_and_needs_no_configuration() {
    let spoken = r#""supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}"#;
    for (stdin, version) in [
        (r#"{"cniVersion":"1.0.0"}"#, "1.0.0"),
        ("", "1.1.0"),
        ("{", "1.1.0"),
    ] {
        let (exit, text) = ask_with(
            &[("CNI_COMMAND", "VERSION"), ("CNI_IFNAME", "dummy")],
            stdin,
        );
        assert_eq!(exit, 0);
        assert_eq!(text, format!("{{\"cniVersion\":\"{version}\",{spoken}\n"));
    }
}

#[test]
fn a_panic_is_an_error_object() {
    let (exit, text) = ask_with(
        &[
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", "panics"),
            ("CNI_NETNS", "/run/netns/c1"),
            ("CNI_IFNAME", "eth0"),
        ],
        r#"{"cniVersion":"1.0.0","name":"net","type":"echo"}"#,
    );
    let error = Error::from_json(text.as_bytes()).unwrap();
    assert_eq!((exit, error.code), (1, Code::Internal));
    assert_eq!(error.details, "at the disco");
}

#[test]
fn the_plugins_own_namespace_is_refused() {
    let (exit, text) = ask_with(
        &[
            ("CNI_COMMAND", "ADD"),
            ("CNI_CONTAINERID", "c1"),
            ("CNI_NETNS", "/proc/self/ns/net"),
            ("CNI_IFNAME", "eth0"),
        ],
        r#"{"cniVersion":"1.0.0","name":"net","type":"echo"}"#,
    );
    let error = Error::from_json(text.as_bytes()).unwrap();
    assert_eq!((exit, error.code), (1, Code::InvalidEnvironment));
    assert!(error.msg.contains("CNI_NETNS=/proc/self/ns/net"), "{error}");
}

#[test]
fn gc_without_a_list_removes_nothing() {
    let (exit, value) = ask("GC", "1.1.0", json!({}));
    assert_eq!((exit, &value["code"]), (1, &json!(7)));
}
