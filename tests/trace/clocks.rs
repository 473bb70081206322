//! Nodes whose clocks are minutes apart: times between them stay what they are, and the verdict does too.
//!
//! Namespaces share one clock, so that of the second node is made another on the way to whoever asks: a filter behind
//! `--via` puts every time that the node says off, and gives it the boot identifier of another machine.

use serde_json::Value;

use super::support::lab::Lab;
use super::support::needs;
use super::via::{addresses, via};

/// What is done to each line that the second node says. `OFF` is added to its times, and `SLOW` seconds are waited
/// before each answer, but not before each question, as on a line that is slower one way: its clock then seems to be
/// half of that behind.
const FILTER: &str = r#"
    $| = 1;
    while (<STDIN>) {
        s/"(time_ns|ns|taken_ns)":(\d+)/"\"$1\":" . ($2 + OFF)/ge;
        s/"boot":"[^"]*"/"boot":"00000000-another-machine"/;
        select(undef, undef, undef, SLOW);
        print;
    }
"#;

fn filtered(lab: &Lab, off_ns: i64, slow: f32) -> String {
    let filter = FILTER
        .replace("OFF", &format!("({off_ns})"))
        .replace("SLOW", &slow.to_string());
    let path = lab.path("clock.pl");
    std::fs::write(&path, filter).unwrap();
    let script = format!("serve host02 | perl {}", path.display());
    via(lab, "host02", &script)
}

/// The hops of both ways: node, time since the hop before, and how wrong that may be.
fn times(trace: &Value) -> Vec<(String, Option<i64>, i64)> {
    let mut all = Vec::new();
    for leg in ["out", "back"] {
        let hops = trace[leg]["hops"].as_array().unwrap();
        let sights = trace[leg]["sights"].as_array().unwrap();
        all.extend(hops.iter().zip(sights).map(|(hop, sight)| {
            (
                hop["at"]["node"].as_str().unwrap().to_owned(),
                sight["after_ns"].as_i64(),
                sight["doubt_ns"].as_i64().unwrap_or(0),
            )
        }));
    }
    all
}

/// All hops are timed, none before the one before it, and none beyond what the whole took.
#[track_caller]
fn assert_sane(trace: &Value, code: i32) -> Vec<i64> {
    assert_eq!(code, 0, "{trace:#}");
    assert_eq!(trace["findings"], Value::Array(Vec::new()), "{trace:#}");
    let longest = trace["probes"]["round_trips_ns"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_i64)
        .max()
        .unwrap();
    let times = times(trace);
    let mut doubts = Vec::new();
    for pair in times.windows(2) {
        let [(from, ..), (to, after, doubt)] = pair else {
            unreachable!()
        };
        let Some(after) = *after else { continue };
        assert!(
            (0..=longest).contains(&after),
            "{after} of {longest}: {trace:#}"
        );
        if from == to {
            assert_eq!(*doubt, 0, "{trace:#}");
        } else if *doubt > 0 {
            assert!(*doubt <= longest, "{doubt} of {longest}: {trace:#}");
            doubts.push(*doubt);
        }
    }
    doubts
}

#[test]
fn clocks_minutes_apart_do_not_show() {
    let Some(lab) = Lab::up("flannel", 2) else {
        return;
    };
    needs("perl", "perl-base");
    let [from, to] = addresses(&lab);
    let nodes = "--nodes=host01,host02";
    // Eleven minutes ahead; seven behind; and half a millisecond wrong by what is heard over a slow line, of which a
    // packet takes far less.
    for (off_ns, slow) in [
        (660_000_000_000, 0.0),
        (-420_000_000_000, 0.0),
        (660_000_000_000, 0.02),
        (-420_000_000_000, 0.02),
    ] {
        let via = filtered(&lab, off_ns, slow);
        let (trace, code) = lab.trace(&[&from, &to, &via, nodes]);
        let doubts = assert_sane(&trace, code);
        assert_eq!(doubts.len(), 2, "one each way between the nodes: {trace:#}");
        let text = lab.run(&["trace", &from, &to, &via, nodes]);
        let text = String::from_utf8(text.stdout).unwrap();
        let is_negative = |word: &str| {
            word.strip_prefix('-')
                .is_some_and(|rest| rest.parse::<f64>().is_ok())
        };
        assert!(text.contains("µs"), "{text}");
        assert!(!text.split_whitespace().any(is_negative), "{text}");
    }
}

#[test]
fn a_fault_is_found_whatever_the_clocks_say() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    needs("perl", "perl-base");
    let [from, to] = addresses(&lab);
    let via = filtered(&lab, 660_000_000_000, 0.005);
    let nodes = "--nodes=host01,host02";
    for fault in ["pod-addresses-lost-in-underlay", "host-route-missing"] {
        lab.ok(&["lab", "break", fault, &lab.here()]);
        let (trace, code) = lab.trace(&[&from, &to, &via, nodes]);
        assert_eq!(code, 1, "{trace:#}");
        assert_eq!(trace["findings"][0]["id"], fault, "{trace:#}");
        lab.ok(&["lab", "heal", &lab.here()]);
    }
}

/// A node whose own programs believe in another time.
#[test]
fn a_program_that_lives_minutes_off_answers_as_others_do() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    needs("faketime", "faketime");
    let [from, to] = addresses(&lab);
    for off in ["+7m", "-90m"] {
        let via = via(&lab, "host02", &format!("serve host02 faketime -f '{off}'"));
        let (trace, code) = lab.trace(&[&from, &to, &via, "--nodes=host01,host02"]);
        assert_sane(&trace, code);
        let trips = trace["probes"]["round_trips_ns"].as_array().unwrap();
        assert_eq!(trips.len(), 3, "{trace:#}");
        // The way back is asked for on the node that lives in another time.
        let (trace, code) = lab.trace(&[&to, &from, &via, "--nodes=host01,host02"]);
        assert_sane(&trace, code);
    }
}
