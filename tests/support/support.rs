//! What tests and benches stand on: labs, machines and namespaces of their own, all gone when the test ends.
//!
//! Each program takes this in whole, as `support`, and uses what it needs.

pub mod cgroups;
pub mod cri;
pub mod lab;
pub mod machine;
pub mod space;

use std::path::Path;
use std::time::{Duration, Instant};

/// The program under test.
pub const OVL: &str = env!("CARGO_BIN_EXE_ovl");

/// How long anything may take. Far more than it does, because tests share the machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the test can run here; says why not, and fails where `OVL_TEST_STRICT` asks for every test.
pub fn can_run() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let strict = std::env::var_os("OVL_TEST_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "needs root to make network namespaces");
    eprintln!("skipped: needs root to make network namespaces");
    false
}

/// Fails with what to install when a tool that a test drives is not there.
pub fn needs(tool: &str, package: &str) {
    let found = [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/lib/cni",
        "/opt/cni/bin",
    ]
    .iter()
    .any(|directory| Path::new(directory).join(tool).exists());
    assert!(found, "{tool} is not installed: apt install {package}");
}

/// Waits until something is true; how long that took.
#[track_caller]
pub fn until(what: &str, mut is_true: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    wait_for(what, || is_true().then_some(()));
    start.elapsed()
}

/// Waits until something is there.
#[track_caller]
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
