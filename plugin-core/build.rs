//! Links `ovl-cni` statically where the platform lets it.
//!
//! A plugin is installed from a container onto nodes whose libc is another, so it should need none. It also starts in
//! half the time: a runtime starts it for every verb of every pod, and finding, mapping and binding one shared
//! library is most of what such a start takes.
//!
//! Only the binary: `+crt-static` in RUSTFLAGS would be for everything that is linked, `ovl` with its libpcap too. So
//! the archives that stand for what rustc asks for go into a directory that is searched before the system's.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What std links for `*-linux-gnu`, beside the unwinder.
const LIBRARIES: [&str; 6] = ["c", "m", "rt", "pthread", "dl", "util"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    // Cross linkers find their archives elsewhere.
    if std::env::var("HOST") != std::env::var("TARGET") {
        return;
    }
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from) else {
        return;
    };
    if gather(&out).is_some() {
        println!("cargo:rustc-link-arg-bin=ovl-cni=-L{}", out.display());
        println!("cargo:rustc-link-arg-bin=ovl-cni=-static-pie");
    }
}

/// Puts the archives into `out`; `None` where libc has none, and the binary stays dynamic.
fn gather(out: &Path) -> Option<()> {
    for name in LIBRARIES {
        let file = format!("lib{name}.a");
        let answer = Command::new("cc")
            .arg(format!("-print-file-name={file}"))
            .output()
            .ok()?;
        let found = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
        // A compiler that has none repeats the name.
        if !found.is_absolute() {
            return None;
        }
        let link = out.join(file);
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(found, link).ok()?;
    }
    // The unwinder comes from libgcc_eh (main.rs); nothing is taken from the shared one.
    std::fs::write(out.join("libgcc_s.a"), "!<arch>\n").ok()
}
