//! The published shapes of what `-o json` prints.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::machine::Machine;

/// Checks a document against the part of JSON Schema that `docs/schema` is written in: type, enum, const,
/// required, properties, additionalProperties, items, anyOf and $ref to a definition of the same file.
/// Returns what does not fit.
fn misfits(schema: &Value, root: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference
            .strip_prefix('#')
            .expect("a definition of the same file");
        let target = root
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{reference} leads nowhere"));
        return misfits(target, root, value, at, found);
    }
    if let Some(kinds) = schema.get("type") {
        let kinds: Vec<&str> = match kinds {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => panic!("type of {at}"),
        };
        let fits = kinds.iter().any(|kind| match *kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "null" => value.is_null(),
            other => panic!("unknown type {other}"),
        });
        if !fits {
            found.push(format!("{at} is not {kinds:?}: {value}"));
            return;
        }
    }
    if let Some(constant) = schema.get("const").filter(|constant| *constant != value) {
        found.push(format!("{at} is not {constant}"));
    }
    if let Some(choices) = schema["enum"]
        .as_array()
        .filter(|choices| !choices.contains(value))
    {
        found.push(format!("{at} is none of {choices:?}: {value}"));
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices.iter().any(|choice| {
            let mut inner = Vec::new();
            misfits(choice, root, value, at, &mut inner);
            inner.is_empty()
        });
        if !fits {
            found.push(format!("{at} fits none of the choices: {value}"));
        }
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !object.contains_key(name) {
                found.push(format!("{at} lacks {name}"));
            }
        }
        for (name, inner) in object {
            let at = format!("{at}.{name}");
            match schema["properties"].get(name) {
                Some(schema) => misfits(schema, root, inner, &at, found),
                None => match schema.get("additionalProperties") {
                    Some(Value::Bool(false)) => found.push(format!("{at} is not described")),
                    Some(schema @ Value::Object(_)) => misfits(schema, root, inner, &at, found),
                    _ => {}
                },
            }
        }
    }
    if let (Some(values), Some(items)) = (value.as_array(), schema.get("items")) {
        for (index, value) in values.iter().enumerate() {
            misfits(items, root, value, &format!("{at}[{index}]"), found);
        }
    }
}

fn schema(name: &str) -> Value {
    let path = format!(
        "{}/docs/schema/{name}.schema.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

pub fn assert_fits(name: &str, text: &str) {
    let schema = schema(name);
    let document: Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    misfits(&schema, &schema, &document, name, &mut found);
    let distinct: BTreeSet<_> = found.into_iter().collect();
    assert!(distinct.is_empty(), "{distinct:#?}");
}

#[test]
fn what_is_printed_is_what_is_published() {
    let Some(machine) = Machine::new() else {
        return;
    };
    machine.sh("ip netns add cni-a; ip -n cni-a link set lo up
        ip link add br0 type bridge; ip link set br0 up
        ip link add veth-a type veth peer name eth0 netns cni-a
        ip link set veth-a master br0 up; ip -n cni-a link set eth0 up
        ip addr add 10.1.0.1/24 dev br0; ip -n cni-a addr add 10.1.0.2/24 dev eth0
        ip -n cni-a route add default via 10.1.0.1
        ip link add vx0 type vxlan id 1 dstport 8472 nolearning; ip link set vx0 up
        printf '{' > /etc/cni/net.d/00-broken.conf");
    assert_fits("node", &machine.ovl(&["snapshot"]));
    machine.ovl(&["snapshot", "-o", "/run/before.json"]);
    assert_fits("pod", &machine.ovl(&["pod", "veth-a", "-o", "json"]));
    assert_fits("pods", &machine.ovl(&["pods", "-o", "json"]));
    machine.sh("ip -n cni-a link set eth0 mtu 1300");
    let diff = machine.run(
        crate::support::OVL,
        &["diff", "/run/before.json", "-o", "json", "--cri", "none"],
    );
    let text = String::from_utf8(diff.stdout).unwrap();
    assert!(text.contains("MTU 1500 → 1300"), "{text}");
    assert_fits("diff", &text);
    let check = machine.run(
        crate::support::OVL,
        &["check", "-o", "json", "--cri", "none"],
    );
    let text = String::from_utf8(check.stdout).unwrap();
    assert!(text.contains("cni-config-broken"), "{text}");
    assert_fits("check", &text);
}

#[test]
fn a_trace_is_what_is_published() {
    let Some(lab) = crate::support::lab::Lab::bare("flannel", 2) else {
        return;
    };
    lab.add("pod1", "host01");
    lab.add("pod2", "host02");
    for more in [
        &["pod2"][..],
        &["pod2", "--static"],
        &["pod2", "--proto", "udp:9"],
        &["8.8.8.8"],
        &["pod2", "--size", "3000"],
    ] {
        let mut args = vec!["trace", "-o", "json", "pod1"];
        args.extend(more);
        let here = lab.here();
        args.push(&here);
        let output = lab.run(&args);
        assert_fits("trace", &String::from_utf8(output.stdout).unwrap());
    }
    let here = lab.here();
    assert_fits("mtu", &lab.ok(&["mtu", "-o", "json", &here]));
    let way = lab.ok(&["mtu", "pod1", "pod2", "-o", "json", &here]);
    assert!(
        way.contains("\"ends\"") && way.contains("\"path_mtu\": 1450"),
        "{way}"
    );
    assert_fits("mtu", &way);
    let nowhere = lab.run(&["mtu", "pod1", "8.8.8.8", "-o", "json", &here]);
    let nowhere = String::from_utf8(nowhere.stdout).unwrap();
    assert!(nowhere.contains("\"doubt\""), "{nowhere}");
    assert_fits("mtu", &nowhere);
    let echoes = lab.ok(&["check", "--probe", "-o", "json", &here]);
    assert!(echoes.contains("\"echoes\""), "{echoes}");
    assert_fits("check", &echoes);
    lab.ok(&[
        "lab",
        "--lab",
        lab.name(),
        "break",
        "vxlan-lost-in-underlay",
    ]);
    let lost = lab.run(&["check", "--probe", "-o", "json", &here]);
    let lost = String::from_utf8(lost.stdout).unwrap();
    assert!(lost.contains("\"layer\": \"pods\""), "{lost}");
    assert_fits("check", &lost);
    lab.ok(&["lab", "--lab", lab.name(), "heal"]);
    let bench = [
        "bench",
        "-o",
        "json",
        "pod1",
        "pod2",
        "--seconds=1",
        "--echoes=5",
        "--rate=100",
        &here,
    ];
    assert_fits("bench", &lab.ok(&bench));
}

#[test]
fn the_check_of_shapes_can_fail() {
    let schema = json!({"type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"$ref": "#/definitions/word"}}, "definitions": {"word": {"type": "string"}}});
    let count = |value: Value| {
        let mut found = Vec::new();
        misfits(&schema, &schema, &value, "it", &mut found);
        found.len()
    };
    assert_eq!(count(json!({"a": "x"})), 0);
    assert_eq!(count(json!({"a": 1})), 1);
    assert_eq!(count(json!({"b": 1})), 2);
}
