//! What is said of a saved snapshot, to an ordinary user who has no node at all, is what was said of the node.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::OVL;

/// Looks until nothing changes from one to the next: neighbours age.
const LOOKS: usize = 40;

/// The program and a snapshot where `nobody` can reach them, and nothing else.
pub struct Reader {
    directory: TempDir,
}

impl Reader {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = directory.path().join("ovl");
        fs::copy(OVL, &program).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory }
    }

    fn read(&self, args: &[&str]) -> Output {
        let file = self.directory.path().join("snapshot");
        Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .args(["--no-new-privs", "unshare", "--user", "--net", "--"])
            .arg(self.directory.path().join("ovl"))
            .args(args)
            .arg("--from")
            .arg(file)
            .current_dir("/")
            .output()
            .unwrap()
    }

    /// Compares what `live` prints for some arguments with what is printed of the snapshot that `live` writes to a file.
    /// `visible` tells where that file is from outside.
    pub fn compare(
        &self,
        args: &[&str],
        live: impl Fn(&[&str]) -> Output,
        visible: impl Fn(&str) -> std::path::PathBuf,
    ) {
        let inside = "/run/as-saved.json.zst";
        for _ in 0..LOOKS {
            let before = live(args);
            let taken = live(&["snapshot", "-o", inside]);
            assert!(
                taken.status.success(),
                "{}",
                String::from_utf8_lossy(&taken.stderr)
            );
            let after = live(args);
            if said(&before) != said(&after) {
                continue;
            }
            self.put(&visible(inside));
            assert_eq!(said(&self.read(args)), said(&before), "ovl {args:?}");
            return;
        }
        panic!("what ovl {args:?} says never stays the same");
    }

    fn put(&self, snapshot: &Path) {
        let file = self.directory.path().join("snapshot");
        fs::copy(snapshot, &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

/// The text without ages, which are counted from the moment of each look, and how the program ended.
fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| -> String {
        String::from_utf8_lossy(bytes)
            .split_inclusive(char::is_whitespace)
            .map(|word| match word.trim_end() {
                age if is_age(age) => word.replace(age, "?"),
                _ => word.to_owned(),
            })
            .collect()
    };
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// `17s`, `2m5s`, `3h`
fn is_age(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || "smhd".contains(c))
}
