//! Programs that see packets before the stack does, or behind it: XDP, and filters of traffic control.

use std::mem::size_of;
use std::process::Command;

use serde_json::Value;

use super::support::lab::Lab;

/// The variable that tells [`attaches`] which device to take.
const DEVICE: &str = "OVL_TEST_XDP_DEVICE";

/// `BPF_PROG_LOAD`; `union bpf_attr` up to the name.
#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel: u32,
    flags: u32,
    name: [u8; 16],
}

/// A program of XDP that drops all: `r0 = XDP_DROP; exit`.
fn load() -> libc::c_int {
    let instructions: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 1, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];
    let license = c"GPL";
    let load = Load {
        // BPF_PROG_TYPE_XDP
        kind: 6,
        count: 2,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel: 0,
        flags: 0,
        name: *b"guard_xdp\0\0\0\0\0\0\0",
    };
    // SAFETY: the structure and all that it points to are valid for as long as the call lasts.
    let program = unsafe { libc::syscall(libc::SYS_bpf, 5, &raw const load, size_of::<Load>()) };
    assert!(program >= 0, "{}", std::io::Error::last_os_error());
    libc::c_int::try_from(program).unwrap()
}

/// No test of its own: run by another one inside of a node's namespace, it attaches a program to a device there.
#[test]
#[ignore = "run by `what_programs_take_is_told_of_the_program` in a namespace"]
fn attaches() {
    let Ok(device) = std::env::var(DEVICE) else {
        return;
    };
    let program = load();
    let index = std::fs::read_to_string(format!("/sys/class/net/{device}/ifindex")).unwrap();
    let index: u32 = index.trim().parse().unwrap();
    // struct ifinfomsg; IFLA_XDP { IFLA_XDP_FD, IFLA_XDP_FLAGS = generic }.
    let mut body = vec![0; 16];
    body[4..8].copy_from_slice(&index.to_ne_bytes());
    let number = |kind: u16, value: u32| {
        let mut attribute = vec![8, 0, 0, 0, 0, 0, 0, 0];
        attribute[2..4].copy_from_slice(&kind.to_ne_bytes());
        attribute[4..].copy_from_slice(&value.to_ne_bytes());
        attribute
    };
    body.extend([20, 0, 43, 0x80]);
    body.extend(number(1, u32::try_from(program).unwrap()));
    body.extend(number(3, 2));
    let mut message = Vec::new();
    message.extend(u32::try_from(16 + body.len()).unwrap().to_ne_bytes());
    // RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK.
    message.extend([19, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    message.extend(body);
    // SAFETY: plain calls with buffers that are valid and as long as is said.
    let answer = unsafe {
        let socket = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        assert!(socket >= 0);
        let sent = libc::send(socket, message.as_ptr().cast(), message.len(), 0);
        assert!(sent > 0, "{}", std::io::Error::last_os_error());
        let mut answer = [0_u8; 64];
        assert!(libc::recv(socket, answer.as_mut_ptr().cast(), answer.len(), 0) >= 20);
        answer
    };
    let error = i32::from_ne_bytes(answer[16..20].try_into().unwrap());
    assert_eq!(error, 0, "{}", std::io::Error::from_raw_os_error(-error));
}

fn attach(lab: &Lab, node: &str, device: &str) {
    let test = std::env::current_exe().unwrap();
    let mut command: Command = lab.command(&["lab", &lab.here(), "exec", node, "--"]);
    let output = command
        .arg("env")
        .arg(format!("{DEVICE}={device}"))
        .arg(test)
        .args(["--exact", "programs::attaches", "--ignored"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

fn told(trace: &Value) -> (&str, &str, &str, &str) {
    let finding = &trace["findings"][0];
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    (text("id"), text("certainty"), text("node"), text("fix"))
}

#[test]
fn what_programs_take_is_told_of_the_program() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    let here = lab.here();
    let traced = || lab.trace(&["pod1", "pod2", "--wait", "0.3", &here]);
    // Nothing counts what XDP takes.
    attach(&lab, "host02", "enp0s8");
    let (trace, code) = traced();
    let fix = "ip link set dev enp0s8 xdpgeneric off";
    assert_eq!(
        (code, told(&trace)),
        (1, ("xdp-drop", "seen", "host02", fix)),
        "{trace:#}"
    );
    let what = trace["findings"][0]["what"].as_str().unwrap();
    assert!(what.contains("guard_xdp, id "), "{what}");
    lab.on("host02", fix);
    // What filters drop their queue counts. 2 is TC_ACT_SHOT, -1 TC_ACT_UNSPEC: the next is asked.
    let filter = |pref: &str, verdict: &str| {
        let line = format!(
            "tc filter add dev enp0s8 ingress pref {pref} bpf da bytecode 1,6\u{a0}0\u{a0}0\u{a0}{verdict}"
        );
        let words: Vec<String> = line
            .split(' ')
            .map(|word| word.replace('\u{a0}', " "))
            .collect();
        let mut all = vec!["lab", &here, "exec", "host02", "--"];
        all.extend(words.iter().map(String::as_str));
        lab.ok(&all);
    };
    lab.on("host02", "tc qdisc add dev enp0s8 clsact");
    filter("7", "2");
    let (trace, code) = traced();
    let fix = "tc filter del dev enp0s8 ingress pref 7";
    assert_eq!(
        (code, told(&trace)),
        (1, ("tc-filter-drop", "proven", "host02", fix)),
        "{trace:#}"
    );
    lab.on("host02", fix);
    filter("7", "4294967295");
    filter("8", "2");
    let (trace, code) = traced();
    let both = "one by one: tc filter del dev enp0s8 ingress pref 7; tc filter del dev enp0s8 ingress pref 8";
    assert_eq!(
        (code, told(&trace)),
        (1, ("tc-filter-drop", "proven", "host02", both)),
        "{trace:#}"
    );
    lab.on("host02", "tc filter del dev enp0s8 ingress pref 8");
    // The filters took the nodes' ARP as well; a neighbour still asked for is asked again but once a second.
    for node in ["host01", "host02"] {
        lab.on(node, "ip neigh flush dev enp0s8");
    }
    // One that lets all pass is nothing to speak of.
    let (trace, code) = traced();
    assert_eq!(
        (code, &trace["findings"]),
        (0, &serde_json::json!([])),
        "{trace:#}"
    );
}
