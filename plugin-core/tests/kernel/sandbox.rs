//! Namespaces that go away with the test that made them.

use std::path::PathBuf;
use std::process::Command;

use plugin_core::netns::Netns;

/// A network namespace of a test, bound in a directory of its own.
pub struct Sandbox {
    /// The namespace.
    pub netns: Netns,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Sandbox {
    /// A new namespace; `None`, with the reason on standard error, where the test cannot have one.
    pub fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            assert!(
                std::env::var_os("OVL_TEST_STRICT").is_none(),
                "this test needs root"
            );
            eprintln!("skipped: making network namespaces needs root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("netns");
        let netns = Netns::create_at(&path).unwrap();
        Some(Self {
            netns,
            path,
            _dir: dir,
        })
    }

    /// Runs a program inside and returns its output; it must succeed.
    pub fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self
            .netns
            .run(|| Command::new(program).args(args).output())
            .unwrap()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(
            output.status.success(),
            "{program} {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a program that prints JSON.
    pub fn json(&self, program: &str, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.run(program, args)).unwrap()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A test that fails must not be followed by a second panic here.
        let _ = Netns::remove(&self.path);
    }
}
