//! What is said from saved snapshots is what was said of the live network, but for what packets add.

use super::support::lab::Lab;

/// A probed trace's text without what packets added: how many were seen, when, and what became of them.
fn without_probes(text: &str) -> String {
    let is_seen = |word: &str| {
        word.split_once('/').is_some_and(|(seen, sent)| {
            !sent.contains('/') && seen.parse::<u32>().is_ok() && sent.parse::<u32>().is_ok()
        })
    };
    let mut lines = Vec::new();
    for line in text.lines() {
        // `  3/3     +9 µs` at the end of a line.
        let mut kept = line.to_owned();
        if let Some((before, _)) = line
            .rsplit_once("  ")
            .filter(|(_, last)| last.ends_with("µs"))
        {
            kept = before.trim_end().to_owned();
        }
        if let Some((before, _)) = kept
            .clone()
            .rsplit_once(' ')
            .filter(|(_, last)| is_seen(last))
        {
            kept = before.trim_end().to_owned();
        }
        if let Some(rest) = kept.strip_prefix("  ok  ") {
            let mtu = rest.rsplit("; ").next().unwrap();
            kept = format!("  ok  by the tables; no packet was sent; {mtu}");
        }
        lines.push(kept.replace(" ×3", ""));
    }
    lines.join("\n") + "\n"
}

/// Neighbours grow old while one looks (RFC 4861 §7.3.2).
fn settled(text: &str) -> String {
    ["DELAY", "PROBE", "STALE"]
        .iter()
        .fold(text.to_owned(), |text, state| {
            text.replace(state, "REACHABLE")
        })
}

fn same(profile: &str, fault: &str) {
    let Some(lab) = Lab::up(profile, 2) else {
        return;
    };
    let here = lab.here();
    // Neighbours are known then, before and after.
    lab.ok(&["trace", "pod1", "pod2", &here]);
    let file = lab.path("saved.json.zst");
    let file = file.to_str().unwrap();
    lab.ok(&["snapshot", "-o", file, &here]);
    for output in ["text", "wide"] {
        let live = lab.ok(&["trace", "pod1", "pod2", "--static", "-o", output, &here]);
        let saved = lab.ok(&["trace", "pod1", "pod2", "-o", output, "--from", file]);
        let (live, saved) = (settled(&live), settled(&saved));
        assert_eq!(saved, live, "{output}");
        let probed = lab.ok(&["trace", "pod1", "pod2", "-o", output, &here]);
        assert!(probed.contains("3/3") && probed.contains("µs"), "{probed}");
        assert_eq!(settled(&without_probes(&probed)), saved, "{output}");
    }
    let check = lab.ok(&["check", &here]);
    assert_eq!(lab.ok(&["check", "--from", file]), check);
    // What is wrong is said in the same words.
    lab.ok(&["lab", "break", fault, &here]);
    lab.ok(&["snapshot", "-o", file, &here]);
    let live = lab.run(&["trace", "pod1", "pod2", "--static", &here]);
    let saved = lab.run(&["trace", "pod1", "pod2", "--from", file]);
    assert_eq!(
        (live.status.code(), saved.status.code()),
        (Some(1), Some(1))
    );
    let text = |output: std::process::Output| String::from_utf8(output.stdout).unwrap();
    let (live, saved) = (settled(&text(live)), settled(&text(saved)));
    assert!(live.contains(fault), "{live}");
    assert_eq!(saved, live);
}

#[test]
fn of_routed_pods() {
    same("calico", "ip-forward-off");
}

#[test]
fn of_pods_on_one_flat_network() {
    same("weave", "vni-mismatch");
}

#[test]
fn of_pods_routed_into_vxlan() {
    same("flannel", "ip-forward-off");
}

#[test]
fn of_pods_across_subnets() {
    same("crosssubnet", "ip-forward-off");
}
