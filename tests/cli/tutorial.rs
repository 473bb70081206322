//! `docs/tutorial.md` is run: every command that stands behind a `$`, in order, and what it prints is held
//! against what the page shows. There, `…` stands for any text within a line, and a line `…` for any lines.

use std::path::Path;
use std::process::Command;

/// A command and the lines the page shows for it.
struct Step {
    line: usize,
    command: String,
    shown: Vec<String>,
}

/// The steps of every ```` ```console ```` block.
fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for (index, text) in page.lines().enumerate() {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if inside {
            if let Some(command) = text.strip_prefix("$ ") {
                steps.push(Step {
                    line: index + 1,
                    command: command.to_owned(),
                    shown: Vec::new(),
                });
            } else if let Some(step) = steps.last_mut() {
                step.shown.push(text.to_owned());
            }
        }
    }
    steps
}

/// Whether `text` is what `pattern` shows, `…` standing for anything. Runs of blanks count as one: columns
/// are as wide as what is in them.
fn matches(pattern: &str, text: &str) -> bool {
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (pattern, text) = (fold(pattern), fold(text));
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether `lines` are what `shown` shows.
fn matches_all(shown: &[String], lines: &[&str]) -> bool {
    match shown.split_first() {
        None => lines.is_empty(),
        Some((first, rest)) if first.trim() == "…" => {
            (0..=lines.len()).any(|skip| matches_all(rest, &lines[skip..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, behind)| matches(first, line) && matches_all(rest, behind)),
    }
}

#[test]
fn the_comparison_can_fail() {
    assert!(matches("up in … s", "up in 0.66 s"));
    assert!(matches("a  b", "a b"));
    assert!(!matches("up in … s", "down in 0.66 s"));
    assert!(!matches("up", "up now"));
    let shown = ["…".to_owned(), "b".to_owned()];
    assert!(matches_all(&shown, &["x", "a", "b"]));
    assert!(!matches_all(&shown, &["x", "b", "c"]));
}

#[test]
fn the_tutorial_does_what_it_says() {
    if !rustix::process::geteuid().is_root() {
        assert!(
            std::env::var_os("OVL_TEST_STRICT").is_none(),
            "this test needs root"
        );
        eprintln!("skipped: the tutorial raises labs, which the test does as root");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/tutorial.md")).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_ovl")).parent().unwrap();
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let dir = tempfile::tempdir().unwrap();
    let steps = steps(&page);
    assert!(steps.len() > 15, "the page lost its commands");
    let mut failed = Vec::new();
    for step in &steps {
        let run = Command::new("bash")
            .args(["-o", "pipefail", "-c", &step.command])
            .env("PATH", &path)
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .env("OVL_LAB_DIR", dir.path().join("labs"))
            .current_dir(dir.path())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&run.stdout);
        let lines: Vec<_> = out.lines().collect();
        if !matches_all(&step.shown, &lines) {
            failed.push(format!(
                "docs/tutorial.md:{}: $ {}\nshown:\n{}\nprinted:\n{out}{}",
                step.line,
                step.command,
                step.shown.join("\n"),
                String::from_utf8_lossy(&run.stderr)
            ));
        }
    }
    // Whatever happened, the labs of this page go.
    let _ = Command::new(env!("CARGO_BIN_EXE_ovl"))
        .args(["lab", "down", "--all"])
        .env("OVL_LAB_DIR", dir.path().join("labs"))
        .output();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
