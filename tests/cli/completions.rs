//! `completions/` is what the program writes, and kubectl gets its words.

use std::path::Path;
use std::process::Command;

/// The checked-in file, the shell it is for, and the program name inside it.
const SCRIPTS: [(&str, &str); 5] = [
    ("ovl.bash", "bash"),
    ("_ovl", "zsh"),
    ("ovl.fish", "fish"),
    ("ovl.ps1", "powershell"),
    ("kubectl_complete-ovl", "kubectl"),
];

fn output(args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .args(args)
        .output()
        .unwrap();
    assert!(run.status.success(), "ovl {args:?}: {run:?}");
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn checked_in_scripts_are_what_the_program_writes() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (file, shell) in SCRIPTS {
        let written = output(&["completion", shell]);
        let kept = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        assert!(
            kept == written,
            "completions/{file} is out of date: run `make completions`"
        );
    }
}

#[test]
fn kubectl_is_given_the_verbs_and_the_directive() {
    let words = output(&["__complete", "--", "po"]);
    let lines: Vec<_> = words.lines().collect();
    assert!(
        lines.iter().any(|line| line.starts_with("pods\t")),
        "{words}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("pod\t")),
        "{words}"
    );
    assert!(!words.contains("__complete"), "{words}");
    assert_eq!(lines.last(), Some(&":4"));
    let values = output(&["__complete", "--", "lab", "up", "--profile", ""]);
    assert!(values.contains("weave"), "{values}");
}
