//! `ovl trace --watch`: says when a way breaks and when it heals, with the time of day.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use super::support::lab::{Lab, Running};

/// How long a change may take to be told. Far more than it does, because tests share the machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// The next line that is `HH:MM:SS  WORDS`; its words.
#[track_caller]
fn next(lines: &Receiver<String>) -> String {
    loop {
        let line = lines.recv_timeout(PATIENCE).expect("a change is told");
        let Some((time, words)) = line.split_once("  ") else {
            continue;
        };
        let parts: Vec<_> = time.split(':').collect();
        let is_time = parts.len() == 3
            && parts
                .iter()
                .all(|part| part.len() == 2 && part.parse::<u8>().is_ok_and(|n| n < 60));
        if is_time {
            return words.to_owned();
        }
    }
}

#[test]
fn what_breaks_and_heals_is_told_with_its_time() {
    let Some(lab) = Lab::up("calico", 2) else {
        return;
    };
    let here = lab.here();
    let mut child = lab
        .command(&["trace", "pod1", "pod2", "--watch", "--wait=0.3", &here])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let _running = Running(child);
    let (send, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    assert_eq!(next(&lines), "begun");
    lab.ok(&["lab", "break", "no-route-to-block", &here]);
    assert_eq!(next(&lines), "broke");
    lab.ok(&["lab", "heal", &here]);
    assert_eq!(next(&lines), "healed");
}
