//! Every verb of `ovl cni`, typed on a node where a real agent has written the configuration: as text and as
//! JSON.

use serde_json::{Value, json};

use super::support::lab::Lab;
use super::support::{can_run, until};

/// A configuration that declares 1.1.0, so that it has STATUS and a sweep, beside the agent's own.
const NET_DIR: &str = "/etc/cni/current";

fn lab(name: &str) -> Lab {
    let lab = Lab::made(name, &["--nodes", "1"]);
    for netns in ["one", "two"] {
        lab.exec("host01", &["ip", "netns", "add", netns]);
    }
    let written = lab.exec("host01", &["cat", "/etc/cni/net.d/10-calico.conflist"]);
    let mut list: Value = serde_json::from_str(&written).unwrap();
    list["cniVersion"] = json!("1.1.0");
    // The standard plugins of distributions do not speak 1.1.0 yet.
    list["plugins"].as_array_mut().unwrap().truncate(1);
    let path = lab.node_file("host01", NET_DIR);
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("10-pods.conflist"), list.to_string()).unwrap();
    lab
}

/// `ovl cni …` on the node: whether it succeeded, its output, its complaints.
fn try_cni(lab: &Lab, words: &str) -> (bool, String, String) {
    let mut command = vec!["lab", "exec", "host01", "--", "/opt/ovl/bin/ovl", "cni"];
    command.extend(words.split(' '));
    command.extend(["--net-dir", NET_DIR]);
    let output = lab.run(&command);
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.success(), out, err)
}

fn cni(lab: &Lab, words: &str) -> String {
    let (success, out, err) = try_cni(lab, words);
    assert!(success, "ovl cni {words}: {out}{err}");
    out
}

fn cni_json(lab: &Lab, words: &str, schema: &str) -> Value {
    let text = cni(lab, &format!("{words} -o json"));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], schema, "{words}");
    value
}

fn links(lab: &Lab) -> String {
    lab.exec(
        "host01",
        &[
            "sh",
            "-c",
            "ip -br link; ip route; ip netns exec one ip -br link",
        ],
    )
}

#[test]
fn what_plan_says_is_what_add_does() {
    if !can_run() {
        return;
    }
    let lab = lab("cni-plan");
    let before = links(&lab);
    let text = cni(&lab, "plan one --pod default/pod1");
    assert!(text.starts_with("ovl-routed\n"), "{text}");
    for line in [
        "  node  make the veth pair calice0906292e2 (node) and eth0 (pod)",
        "  node  add the node's route to 172.31.239.192/32 by calice0906292e2",
        "  pod   add address 172.31.239.192/32 to the pod's eth0",
        "  pod   add the pod's route to 0.0.0.0/0 by eth0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    let plan = cni_json(&lab, "plan one --pod default/pod1", "ovl.cni-plan/v1");
    assert_eq!(plan["network"], "k8s-pod-network");
    assert_eq!(plan["plugins"][0]["type"], "ovl-routed");
    let operations = plan["plugins"][0]["operations"].as_array().unwrap();
    assert_eq!(operations.len() + 1, text.lines().count(), "{plan:#}");
    assert_eq!(links(&lab), before, "a plan makes nothing");
    let leases = lab.exec("host01", &["find", "/var/lib/cni", "-type", "f"]);
    assert_eq!(leases, "", "and remembers nothing");

    let added = cni_json(&lab, "add one --pod default/pod1", "ovl.cni-add/v1");
    assert_eq!(added["result"]["ips"][0]["address"], "172.31.239.192/32");
    assert!(links(&lab).contains("calice0906292e2@"));
    assert!(links(&lab).contains("\n172.31.239.192 dev calice0906292e2 "));
    lab.down();
}

#[test]
fn an_attachment_is_added_checked_found_wrong_and_removed() {
    if !can_run() {
        return;
    }
    let lab = lab("cni-life");
    let list = cni(&lab, "list");
    assert_eq!(
        list,
        "CONFIG            NETWORK          CNI    STATE   PLUGINS\n\
         10-pods.conflist  k8s-pod-network  1.1.0  in use  ovl-routed\n"
    );
    let listed = cni_json(&lab, "list", "ovl.cni-list/v1");
    assert_eq!(
        listed["configurations"][0]["plugins"][0]["type"],
        "ovl-routed"
    );
    let shown = cni(&lab, "show");
    assert!(shown.contains("why       the only file\n"), "{shown}");
    assert!(
        shown.contains("ovl-routed  /opt/cni/bin/ovl-routed  0.3.0 to 1.1.0"),
        "{shown}"
    );

    // The first pod makes the node claim its block, which stays.
    cni(&lab, "add one --container-id c0");
    cni(&lab, "del one --container-id c0");
    until("the agent routes the block", || {
        links(&lab).contains("blackhole 172.31.239.192/26")
    });
    let before = links(&lab);
    let text = cni(&lab, "add one --container-id c1");
    assert!(
        text.starts_with("attached eth0 of c1 to k8s-pod-network\n"),
        "{text}"
    );
    assert!(
        text.contains("172.31.239.193/32  169.254.1.1  eth0"),
        "{text}"
    );
    let shown = cni_json(&lab, "show", "ovl.cni-show/v1");
    assert_eq!(shown["attachments"], 1);
    let again = try_cni(&lab, "add one --container-id c1");
    assert!(!again.0 && again.2.contains("DEL comes first"), "{again:?}");

    let check = cni(&lab, "check one --container-id c1");
    assert!(
        check.starts_with("as it was made: eth0 of c1 on k8s-pod-network"),
        "{check}"
    );
    lab.exec("host01", &["ip", "route", "del", "172.31.239.193"]);
    let (success, text, _) = try_cni(&lab, "check one --container-id c1");
    assert!(!success && text.contains("172.31.239.193"), "{text}");
    let (success, text, _) = try_cni(&lab, "check one --container-id c1 -o json");
    let checked: Value = serde_json::from_str(&text).unwrap();
    assert!(
        !success && checked["steps"][0]["error"]["message"].is_string(),
        "{text}"
    );

    let removed = cni_json(&lab, "del one --container-id c1", "ovl.cni-del/v1");
    assert_eq!(removed["steps"][0]["plugin"], "ovl-routed");
    assert_eq!(removed["steps"][0]["error"], Value::Null);
    assert_eq!(
        cni(&lab, "del one --container-id c1"),
        "detached eth0 of c1 from k8s-pod-network\n",
        "nothing to remove is success"
    );
    assert_eq!(links(&lab), before);
    let unknown = try_cni(&lab, "check one --container-id c1");
    assert!(
        !unknown.0 && unknown.2.contains("does not know c1/eth0"),
        "{unknown:?}"
    );
    lab.down();
}

#[test]
fn a_sweep_is_shown_before_it_is_made() {
    if !can_run() {
        return;
    }
    let lab = lab("cni-gc");
    cni(&lab, "add one --container-id stays");
    cni(&lab, "add two --container-id goes");
    lab.exec("host01", &["ip", "netns", "del", "two"]);
    let routes = || lab.exec("host01", &["ip", "route"]);
    // A link goes with its namespace a moment later.
    until("the route is gone", || !routes().contains("172.31.239.193"));
    let text = cni(&lab, "gc --dry-run");
    assert_eq!(
        text,
        "ATTACHMENT  NETNS           FATE              WHY\n\
         goes/eth0   /run/netns/two  would be removed  its namespace is gone\n\
         stays/eth0  /run/netns/one  kept              its namespace is there\n\
         would be asked to sweep: ovl-routed\n\
         ovl-ipam would free 172.31.239.193 of goes/eth0\n"
    );
    let would = || cni_json(&lab, "gc --dry-run", "ovl.cni-gc/v1");
    assert_eq!(
        would()["addresses"],
        json!([{
            "ipam": "ovl-ipam",
            "plugin": "ovl-routed",
            "freed": [{"containerID": "goes", "ifname": "eth0", "addresses": ["172.31.239.193"]}],
            "returnedBlocks": [],
            "settledBlocks": [],
        }])
    );
    let kept = cni(&lab, "gc --dry-run --keep goes/eth0");
    assert!(kept.ends_with("ovl-ipam would free nothing\n"), "{kept}");
    assert_eq!(
        cni_json(&lab, "show", "ovl.cni-show/v1")["attachments"],
        2,
        "nothing was done"
    );
    let swept = cni_json(&lab, "gc", "ovl.cni-gc/v1");
    assert_eq!(swept["attachments"][0]["containerID"], "goes");
    assert_eq!(swept["attachments"][0]["kept"], false);
    assert_eq!(would()["addresses"][0]["freed"], json!([]));
    assert_eq!(cni_json(&lab, "show", "ovl.cni-show/v1")["attachments"], 1);
    lab.down();
}

#[test]
fn status_trusts_the_word_of_a_living_agent_only() {
    if !can_run() {
        return;
    }
    let lab = lab("cni-status");
    let text = cni(&lab, "status");
    assert!(text.contains("ovl-routed"), "{text}");
    cni_json(&lab, "status", "ovl.cni-status/v1");
    // By its command line, which no other process of the node has.
    let kill = "for p in /proc/[0-9]*; do \
                if tr '\\0' ' ' <$p/cmdline | grep -q '^[^ ]*ovl agent '; then \
                kill -9 ${p#/proc/} && echo ${p#/proc/}; fi; done";
    let killed = lab.exec("host01", &["sh", "-c", kill]);
    assert_eq!(killed.lines().count(), 1, "{killed:?}");
    // The kernel releases the lock when it has taken the process apart.
    let mut answer = String::new();
    until("the lock is released", || {
        let (success, text, _) = try_cni(&lab, "status");
        answer = text;
        !success
    });
    assert!(answer.contains("its agent does not run"), "{answer}");
    let (_, text, _) = try_cni(&lab, "status -o json");
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["plugins"][0]["error"]["code"], 51, "{status:#}");
    lab.down();
}
