//! Lists as files have them.

use super::*;

fn list(value: Value) -> Result<NetworkList> {
    NetworkList::from_text(value.to_string())
}

fn plugins() -> Value {
    json!([{"type": "bridge", "capabilities": {"mac": true, "ips": false}}, {"type": "portmap"}])
}

#[test]
fn a_list() {
    let read = list(json!({
        "cniVersion": "0.4.0", "name": "net", "plugins": plugins(),
        "disableCheck": "TRUE", "disableGC": true,
    }))
    .unwrap();
    assert_eq!(read.version, SpecVersion::V0_4_0);
    assert!(read.disable_check && read.disable_gc && !read.load_only_inlined_plugins);
    assert_eq!(
        read.plugins[0].capabilities,
        BTreeSet::from(["mac".to_owned()])
    );
    assert_eq!(read.plugins[1].kind, "portmap");
}

#[test]
fn the_highest_version_that_is_spoken_wins() {
    let version = |single: &str, many: Value| {
        list(
            json!({"cniVersion": single, "cniVersions": many, "name": "net", "plugins": plugins()}),
        )
        .map(|list| list.version.to_string())
        .map_err(|error| error.to_string())
    };
    assert_eq!(
        version("0.3.1", json!(["0.4.0", "1.0.0"])).unwrap(),
        "1.0.0"
    );
    assert_eq!(version("1.1.0", json!(["0.4.0"])).unwrap(), "1.1.0");
    assert_eq!(
        version("0.4.0", json!(["1.0.0", "1.2.0", "2.0.0"])).unwrap(),
        "1.0.0"
    );
    assert_eq!(version("", json!(["0.4.0"])).unwrap(), "0.4.0");
    assert!(
        version("1.0.0", json!(["x"]))
            .unwrap_err()
            .contains("\"x\"")
    );
    assert!(version("1.0.0", json!([1])).is_err());
    assert!(version("9.9.9", json!([])).unwrap_err().contains("9.9.9"));
    assert!(version("0.2.0", json!([])).unwrap_err().contains("0.2.0"));
}

#[test]
fn what_is_wrong_is_said() {
    let error = |value: Value| list(value).unwrap_err().to_string();
    assert!(
        NetworkList::from_text("{")
            .unwrap_err()
            .to_string()
            .contains("not a JSON object")
    );
    assert!(
        NetworkList::from_text("[]")
            .unwrap_err()
            .to_string()
            .contains("not a JSON object")
    );
    assert!(
        error(json!({"cniVersion": "1.0.0", "plugins": plugins()})).contains("no network name")
    );
    assert!(
        error(json!({"cniVersion": "1.0.0", "name": "a/b", "plugins": plugins()})).contains("a/b")
    );
    assert!(error(json!({"cniVersion": "1.0.0", "name": "net"})).contains("no plugins"));
    assert!(error(json!({"cniVersion": "1.0.0", "name": "net", "plugins": []})).contains("empty"));
    assert!(
        error(json!({"cniVersion": "1.0.0", "name": "net", "plugins": {}})).contains("not a list")
    );
    assert!(
        error(json!({"cniVersion": "1.0.0", "name": "net", "plugins": [{}]})).contains("plugin 1")
    );
    assert!(error(json!({"name": "net", "plugins": plugins()})).contains("0.1.0"));
    assert!(
        error(json!({"cniVersion": "1.0.0", "name": "net", "loadOnlyInlinedPlugins": true}))
            .contains("loadOnlyInlinedPlugins")
    );
    assert!(
        error(
            json!({"cniVersion": "1.0.0", "name": "net", "plugins": plugins(), "disableCheck": 1})
        )
        .contains("disableCheck")
    );
}

#[test]
fn a_single_plugin_is_a_list_of_one() {
    let text = br#"{"cniVersion":"0.3.1","name":"single","type":"ptp","mtu":1400}"#;
    let read = NetworkList::from_single(text).unwrap();
    assert_eq!(read.name.as_str(), "single");
    assert_eq!(read.plugins.len(), 1);
    assert_eq!(read.plugins[0].config["mtu"], 1400);
    // The cache keeps a list, whatever the file was.
    let kept: Value = serde_json::from_slice(&read.text).unwrap();
    assert_eq!(kept["plugins"][0]["type"], "ptp");
    let list = br#"{"cniVersion":"0.3.1","name":"x","plugins":[{"type":"ptp"}]}"#;
    assert!(
        NetworkList::from_single(list)
            .unwrap_err()
            .to_string()
            .contains(".conflist")
    );
}

#[test]
fn plugins_beside_the_list_are_appended_unless_it_says_not() {
    let dir = tempfile::tempdir().unwrap();
    let beside = dir.path().join("net");
    std::fs::create_dir(&beside).unwrap();
    for (name, kind) in [
        ("20-b.conf", "tuning"),
        ("10-a.conf", "portmap"),
        ("30-c.json", "ignored"),
    ] {
        std::fs::write(beside.join(name), json!({"type": kind}).to_string()).unwrap();
    }
    let file = dir.path().join("10-net.conflist");
    let kinds = |value: Value| {
        std::fs::write(&file, value.to_string()).unwrap();
        NetworkList::from_file(&file)
            .map(|list| {
                list.plugins
                    .iter()
                    .map(|p| p.kind.clone())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .map_err(|error| error.to_string())
    };
    let mut value = json!({"cniVersion": "1.1.0", "name": "net", "plugins": [{"type": "ptp"}]});
    assert_eq!(kinds(value.clone()).unwrap(), "ptp portmap tuning");
    value["loadOnlyInlinedPlugins"] = json!(true);
    assert_eq!(kinds(value).unwrap(), "ptp");
    assert_eq!(
        kinds(json!({"cniVersion": "1.1.0", "name": "net"})).unwrap(),
        "portmap tuning"
    );
    std::fs::write(beside.join("10-a.conf"), "{}").unwrap();
    let error = kinds(json!({"cniVersion": "1.1.0", "name": "net"})).unwrap_err();
    assert!(
        error.contains("10-a.conf") && error.contains("no type"),
        "{error}"
    );
}

#[test]
fn a_request_carries_what_the_plugin_asked_for() {
    let read = list(json!({"cniVersion": "1.0.0", "name": "net", "plugins": plugins()})).unwrap();
    let Value::Object(arguments) = json!({"mac": "02:00:00:00:00:01", "ips": ["10.0.0.1"]}) else {
        unreachable!()
    };
    let prev = json!({"cniVersion": "1.0.0"});
    assert_eq!(
        Value::Object(read.plugins[0].request(&read, Some(&prev), &arguments)),
        json!({
            "type": "bridge", "capabilities": {"mac": true, "ips": false}, "name": "net",
            "cniVersion": "1.0.0", "prevResult": {"cniVersion": "1.0.0"},
            "runtimeConfig": {"mac": "02:00:00:00:00:01"},
        })
    );
    assert_eq!(
        Value::Object(read.plugins[1].request(&read, None, &arguments)),
        json!({"type": "portmap", "name": "net", "cniVersion": "1.0.0"})
    );
}
