//! Bad input: a clear error with the right code, and nothing left behind.

use serde_json::{Value, json};

use crate::speaker::{Reply, Speaker};

const KINDS: [&str; 2] = ["ovl-routed", "ovl-vxlan"];

/// Says it to a plugin that has nothing of this attachment, and wants an error of `code` that holds `said`.
fn refused(
    speaker: &Speaker,
    kind: &str,
    variables: &[(&str, String)],
    stdin: &str,
    code: u32,
    said: &str,
) {
    let before = speaker.traces();
    let reply = speaker.say(kind, variables, stdin);
    assert_eq!(reply.exit, Some(1), "{kind} {said}: {reply:?}");
    assert_error(&reply, code, said);
    let changes = speaker.changes_since(&before);
    assert!(changes.is_empty(), "{kind} {said}: {changes:#?}");
}

fn assert_error(reply: &Reply, code: u32, said: &str) {
    let error = reply.json();
    assert_eq!(error["code"], code, "{error}");
    let text = format!("{} {}", error["msg"], error["details"]);
    assert!(text.contains(said), "{said:?} is not in {error}");
}

/// The variables of an ADD with one of them changed.
fn with(speaker: &Speaker, name: &str, value: &str) -> Vec<(&'static str, String)> {
    let mut variables = speaker.variables("ADD", "c1");
    for (key, old) in &mut variables {
        if *key == name {
            value.clone_into(old);
        }
    }
    variables
}

#[test]
fn a_configuration_that_is_not_one() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        let add = speaker.variables("ADD", "c1");
        let say = |stdin: &str, code, said| refused(&speaker, kind, &add, stdin, code, said);
        say("", 6, "not a JSON object");
        say("{\"cniVersion\":", 6, "not a JSON object");
        say("[1, 2]", 6, "not a JSON object");
        say(
            &json!({"cniVersion": "1.0.0", "type": kind}).to_string(),
            7,
            "no network name",
        );
        say(
            &json!({"cniVersion": "1.0.0", "name": "../x", "type": kind}).to_string(),
            7,
            "../x",
        );
        let mut typo = speaker.in_version(kind, "1.0.0");
        typo["mtu"] = json!("large");
        say(&typo.to_string(), 7, "large");
        let mut broken = speaker.in_version(kind, "1.0.0");
        broken["prevResult"] = json!({"ips": [{"address": "nowhere"}]});
        say(&broken.to_string(), 6, "prevResult");
    }
}

#[test]
fn a_version_nobody_speaks() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        for version in ["9.9.9", "0.2.0", "1.1", "latest"] {
            let config = speaker.in_version(kind, version).to_string();
            for verb in ["ADD", "DEL", "CHECK", "GC", "STATUS"] {
                refused(
                    &speaker,
                    kind,
                    &speaker.variables(verb, "c1"),
                    &config,
                    1,
                    version,
                );
            }
        }
        // None at all means 0.1.0.
        let config = speaker.network(kind).to_string();
        refused(
            &speaker,
            kind,
            &speaker.variables("ADD", "c1"),
            &config,
            1,
            "0.1.0",
        );
    }
}

#[test]
fn variables_that_are_missing_or_wrong() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        let config = speaker.in_version(kind, "1.0.0").to_string();
        for name in ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] {
            refused(&speaker, kind, &with(&speaker, name, ""), &config, 4, name);
        }
        for (name, value) in [
            ("CNI_COMMAND", "UPDATE"),
            ("CNI_CONTAINERID", "a/b"),
            ("CNI_CONTAINERID", "-a"),
            ("CNI_IFNAME", "a/b"),
            ("CNI_IFNAME", "sixteen-octets__"),
            ("CNI_IFNAME", ".."),
            ("CNI_ARGS", "IP"),
            ("CNI_ARGS", "IP=somewhere"),
            ("CNI_ARGS", "COLOUR=red"),
        ] {
            refused(
                &speaker,
                kind,
                &with(&speaker, name, value),
                &config,
                4,
                name,
            );
        }
    }
}

#[test]
fn a_namespace_that_is_none() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    let file = speaker.dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    for kind in KINDS {
        let config = speaker.in_version(kind, "1.0.0").to_string();
        let missing = speaker.dir.path().join("missing");
        for path in [
            file.to_str().unwrap(),
            missing.to_str().unwrap(),
            "/proc/self/ns/uts",
            "/",
            "/dev/null",
        ] {
            refused(
                &speaker,
                kind,
                &with(&speaker, "CNI_NETNS", path),
                &config,
                4,
                path,
            );
        }
        // The plugin's own: what would be wired is the node itself.
        let own = "/proc/self/ns/net";
        refused(
            &speaker,
            kind,
            &with(&speaker, "CNI_NETNS", own),
            &config,
            4,
            own,
        );
    }
}

#[test]
fn an_interface_name_that_is_taken() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        let config = speaker.in_version(kind, "1.0.0");
        refused(
            &speaker,
            kind,
            &with(&speaker, "CNI_IFNAME", "lo"),
            &config.to_string(),
            103,
            "lo",
        );
        // Taken by an attachment of another container: it stays as it is.
        assert_eq!(speaker.ask("ADD", &config).exit, Some(0));
        let mut other = config.clone();
        other["name"] = json!("other");
        let variables = speaker.variables("ADD", "c2");
        refused(&speaker, kind, &variables, &other.to_string(), 103, "eth0");
        assert!(speaker.ask("DEL", &config).is_silent_success());
    }
}

/// Asked twice without a DEL between, which the specification forbids a runtime: the first stays whole.
#[test]
fn an_attachment_that_exists_already() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        let config = speaker.in_version(kind, "1.1.0");
        let first = speaker.ask("ADD", &config);
        assert_eq!(first.exit, Some(0), "{first:?}");
        refused(
            &speaker,
            kind,
            &speaker.variables("ADD", "c1"),
            &config.to_string(),
            103,
            "eth0",
        );
        let mut checked = config.clone();
        checked["prevResult"] = first.json();
        assert!(speaker.ask("CHECK", &checked).is_silent_success());
        assert!(speaker.ask("DEL", &config).is_silent_success());
    }
}

/// `ipam.type` of another author is found through CNI_PATH, which is only then required.
#[test]
fn a_delegate_that_cannot_be_found() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        let mut config = speaker.in_version(kind, "1.0.0");
        config["ipam"] = json!({"type": "host-local", "subnet": "172.31.9.0/24"});
        let mut variables = speaker.variables("ADD", "c1");
        refused(
            &speaker,
            kind,
            &variables,
            &config.to_string(),
            4,
            "CNI_PATH",
        );
        variables.push(("CNI_PATH", "/nowhere".to_owned()));
        refused(
            &speaker,
            kind,
            &variables,
            &config.to_string(),
            105,
            "/nowhere",
        );
    }
}

#[test]
fn gc_without_the_list_of_what_is_valid() {
    let Some(speaker) = Speaker::new() else {
        return;
    };
    for kind in KINDS {
        let config = speaker.in_version(kind, "1.1.0");
        assert_eq!(speaker.ask("ADD", &config).exit, Some(0));
        let gc = speaker.variables("GC", "");
        refused(
            &speaker,
            kind,
            &gc,
            &config.to_string(),
            7,
            "cni.dev/valid-attachments",
        );
        // Go writes an empty list as null.
        let mut empty = config.clone();
        empty["cni.dev/valid-attachments"] = Value::Null;
        let reply = speaker.say(kind, &gc, &empty.to_string());
        assert!(reply.is_silent_success(), "{reply:?}");
        assert!(
            !speaker
                .node
                .run("ip", &["-o", "link"])
                .contains("calice0906292e2")
        );
        assert!(speaker.ask("DEL", &config).is_silent_success());
    }
}
