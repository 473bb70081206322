//! Each verb in each version, in the published shape: what must be there, and nothing else.

use serde_json::{Value, json};

use crate::speaker::{Speaker, VERSIONS};

/// Puts `<mac>` where a hardware address stands that the kernel or the plugin chose.
fn without_macs(mut value: Value) -> Value {
    for interface in value["interfaces"].as_array_mut().into_iter().flatten() {
        let mac = interface["mac"].as_str().unwrap_or_default();
        let is_mac = mac.len() == 17
            && mac
                .split(':')
                .all(|part| u8::from_str_radix(part, 16).is_ok());
        if is_mac && mac != "ee:ee:ee:ee:ee:ee" {
            interface["mac"] = json!("<mac>");
        }
    }
    value
}

fn is_before(version: &str, other: &str) -> bool {
    let place = |version| VERSIONS.iter().position(|v| *v == version).unwrap();
    place(version) < place(other)
}

#[test]
fn add_of_the_routed_plugin() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    let netns = speaker.pod.to_str().unwrap();
    let old = |version| {
        json!({
            "cniVersion": version,
            "interfaces": [
                {"name": "calice0906292e2", "mac": "ee:ee:ee:ee:ee:ee"},
                {"name": "eth0", "mac": "<mac>", "sandbox": netns},
            ],
            "ips": [{"version": "4", "interface": 1, "address": "172.31.0.5/32", "gateway": "169.254.1.1"}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}],
        })
    };
    let expected = [
        old("0.3.0"),
        old("0.3.1"),
        old("0.4.0"),
        json!({
            "cniVersion": "1.0.0",
            "interfaces": [
                {"name": "calice0906292e2", "mac": "ee:ee:ee:ee:ee:ee"},
                {"name": "eth0", "mac": "<mac>", "sandbox": netns},
            ],
            "ips": [{"interface": 1, "address": "172.31.0.5/32", "gateway": "169.254.1.1"}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}],
        }),
        json!({
            "cniVersion": "1.1.0",
            "interfaces": [
                {"name": "calice0906292e2", "mac": "ee:ee:ee:ee:ee:ee", "mtu": 1450},
                {"name": "eth0", "mac": "<mac>", "mtu": 1450, "sandbox": netns},
            ],
            "ips": [{"interface": 1, "address": "172.31.0.5/32", "gateway": "169.254.1.1"}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "169.254.1.1"}],
        }),
    ];
    for (version, expected) in VERSIONS.into_iter().zip(expected) {
        let config = speaker.in_version("ovl-routed", version);
        let reply = speaker.ask("ADD", &config);
        assert_eq!(reply.exit, Some(0), "{version}: {reply:?}");
        assert_eq!(without_macs(reply.json()), expected, "{version}");
        assert!(speaker.ask("DEL", &config).is_silent_success());
    }
}

#[test]
fn add_of_the_vxlan_plugin() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    let netns = speaker.pod.to_str().unwrap();
    for version in VERSIONS {
        let config = speaker.in_version("ovl-vxlan", version);
        let reply = speaker.ask("ADD", &config);
        assert_eq!(reply.exit, Some(0), "{version}: {reply:?}");
        let mut expected = json!({
            "cniVersion": version,
            "interfaces": [
                {"name": "weave", "mac": "<mac>"},
                {"name": "<port>", "mac": "<mac>"},
                {"name": "eth0", "mac": "<mac>", "sandbox": netns},
            ],
            "ips": [{"interface": 2, "address": "172.31.0.5/16", "gateway": "<gateway>"}],
            "routes": [{"dst": "0.0.0.0/0", "gw": "<gateway>"}],
        });
        if is_before(version, "1.0.0") {
            expected["ips"][0]["version"] = json!("4");
        }
        if version == "1.1.0" {
            for end in [1, 2] {
                expected["interfaces"][end]["mtu"] = json!(1376);
            }
        }
        let mut found = without_macs(reply.json());
        let port = found["interfaces"][1]["name"].take();
        assert!(port.as_str().unwrap().len() <= 15, "{port}");
        found["interfaces"][1]["name"] = json!("<port>");
        // The node's own address on the bridge, whichever the pool gave it.
        let gateway = found["ips"][0]["gateway"].take();
        assert!(
            gateway.as_str().unwrap().starts_with("172.31."),
            "{gateway}"
        );
        assert_eq!(found["routes"][0]["gw"], gateway);
        found["ips"][0]["gateway"] = json!("<gateway>");
        found["routes"][0]["gw"] = json!("<gateway>");
        assert_eq!(found, expected, "{version}");
        assert!(speaker.ask("DEL", &config).is_silent_success());
    }
}

/// SPEC 1.1.0, "Delegated plugins (IPAM)": no `interfaces`, and no `interface` in `ips`.
#[test]
fn add_of_the_ipam_plugin() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for version in VERSIONS {
        // Delegated to by a plugin of another author, it gets that plugin's whole configuration.
        let mut config = speaker.in_version("ovl-ipam", version);
        config["type"] = json!("bridge");
        let config = config.to_string();
        let reply = speaker.say("ovl-ipam", &speaker.variables("ADD", "c1"), &config);
        assert_eq!(reply.exit, Some(0), "{version}: {reply:?}");
        let found = reply.json();
        let keys: Vec<&str> = found
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert!(
            keys.iter()
                .all(|key| ["cniVersion", "ips", "routes", "dns"].contains(key)),
            "{version}: {keys:?}"
        );
        assert_eq!(found["cniVersion"], version);
        assert!(
            found["ips"][0]["address"]
                .as_str()
                .unwrap()
                .starts_with("172.31.0.5/"),
            "{found}"
        );
        assert_eq!(found["ips"][0].get("interface"), None);
        assert_eq!(
            found["ips"][0].get("version").is_some(),
            is_before(version, "1.0.0"),
            "{version}"
        );
        let reply = speaker.say("ovl-ipam", &speaker.variables("DEL", "c1"), &config);
        assert!(reply.is_silent_success(), "{reply:?}");
    }
}

/// What succeeds without a result prints nothing.
#[test]
fn del_check_gc_and_status_are_silent() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in ["ovl-routed", "ovl-vxlan"] {
        for version in VERSIONS {
            let config = speaker.in_version(kind, version);
            let added = speaker.ask("ADD", &config);
            assert_eq!(added.exit, Some(0), "{kind} {version}: {added:?}");
            let mut checked = config.clone();
            checked["prevResult"] = added.json();
            let mut swept = config.clone();
            let valid = json!([{"containerID": "c1", "ifname": "eth0"}]);
            swept["cni.dev/valid-attachments"] = valid.clone();
            swept["cni.dev/attachments"] = valid;
            for (verb, since, config) in [
                ("CHECK", "0.4.0", &checked),
                ("GC", "1.1.0", &swept),
                ("STATUS", "1.1.0", &config),
            ] {
                let reply = speaker.ask(verb, config);
                if is_before(version, since) {
                    assert_eq!(reply.exit, Some(1), "{kind} {verb} {version}");
                    let error = reply.json();
                    assert_eq!(error["cniVersion"], version);
                    assert_eq!(error["code"], 1, "{error}");
                    assert_eq!(
                        error["msg"],
                        format!("config version does not allow {verb}")
                    );
                } else {
                    assert!(
                        reply.is_silent_success(),
                        "{kind} {verb} {version}: {reply:?}"
                    );
                }
            }
            // A kubelet's runtime calls DEL twice; the second time without namespace and prevResult.
            assert!(speaker.ask("DEL", &checked).is_silent_success());
            let second: Vec<_> = speaker
                .variables("DEL", "c1")
                .into_iter()
                .map(|(name, value)| {
                    (
                        name,
                        if name == "CNI_NETNS" {
                            String::new()
                        } else {
                            value
                        },
                    )
                })
                .collect();
            let reply = speaker.say(kind, &second, &config.to_string());
            assert!(reply.is_silent_success(), "{kind} {version}: {reply:?}");
        }
    }
}

#[test]
fn version_of_every_plugin() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in ["ovl-routed", "ovl-vxlan", "ovl-ipam"] {
        for version in VERSIONS {
            let only = [("CNI_COMMAND", "VERSION".to_owned())];
            let reply = speaker.say(kind, &only, &json!({"cniVersion": version}).to_string());
            assert_eq!(reply.exit, Some(0));
            assert_eq!(
                reply.json(),
                json!({
                    "cniVersion": version,
                    "supportedVersions": ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
                })
            );
        }
    }
}

/// SPEC 1.1.0, "Error": `cniVersion`, `code`, `msg`, `details`, and no other key.
#[test]
fn check_reports_what_was_expected_and_found() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for version in ["0.4.0", "1.0.0", "1.1.0"] {
        let config = speaker.in_version("ovl-routed", version);
        let mut checked = config.clone();
        let added = speaker.ask("ADD", &config);
        assert_eq!(added.exit, Some(0), "{added:?}");
        checked["prevResult"] = added.json();
        speaker.node.run("ip", &["route", "del", "172.31.0.5"]);
        let reply = speaker.ask("CHECK", &checked);
        assert_eq!(reply.exit, Some(1), "{version}");
        let error = reply.json();
        let keys: Vec<&str> = error
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys, ["cniVersion", "code", "msg", "details"]);
        assert_eq!(error["cniVersion"], version);
        assert_eq!(error["code"], 102);
        assert!(
            error["details"].as_str().unwrap().contains("172.31.0.5"),
            "{error}"
        );
        assert!(speaker.ask("DEL", &config).is_silent_success());
    }
}

/// containerd marshals Go structures without tags into runtimeConfig.
#[test]
fn keys_in_any_case_are_understood() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    let mut config = speaker.in_version("ovl-routed", "1.0.0");
    config["runtimeConfig"] = json!({
        "IPs": ["172.31.0.77"],
        "PortMappings": [{"HostPort": 8080, "ContainerPort": 80, "Protocol": "TCP", "HostIP": ""}],
        "DNS": {"Servers": null, "Searches": ["a"], "Options": null},
        "io.kubernetes.cri.pod-annotations": {"a": "b"},
    });
    let mut variables = speaker.variables("ADD", "c1");
    variables.retain(|(name, _)| *name != "CNI_ARGS");
    let reply = speaker.say("ovl-routed", &variables, &config.to_string());
    assert_eq!(reply.exit, Some(0), "{reply:?}");
    assert_eq!(reply.json()["ips"][0]["address"], "172.31.0.77/32");
    assert!(speaker.ask("DEL", &config).is_silent_success());
}
