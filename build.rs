//! Links libpcap and the unwinder into `ovl` where the platform has them as archives.
//!
//! A node that `ovl node serve` is run on needs nothing but glibc then. And every start is shorter: distributions build
//! libpcap with its D-Bus source of captures, so the shared one draws eight more libraries in (libdbus, libsystemd,
//! libgcrypt, …), and finding, mapping and binding those takes longer than most commands do.
//!
//! The D-Bus source is replaced by one that no device belongs to (libpcap, `pcap.c`, `capture_source_types`).

use std::path::{Path, PathBuf};
use std::process::Command;

/// Captures from no D-Bus.
const NO_DBUS: &str = "
#include <stddef.h>
#include <pcap/pcap.h>
pcap_t *dbus_create(const char *device, char *error, int *is_ours) {
    (void)device, (void)error;
    *is_ours = 0;
    return NULL;
}
int dbus_findalldevs(void *devices, char *error) {
    (void)devices, (void)error;
    return 0;
}
";

/// What rustc asks for as `-lgcc_s`: a linker script in its place names the archives.
const UNWINDER: &str = "GROUP ( -lgcc_eh -lgcc )\n";

/// What the archive must answer for, with nothing but libc beside it.
const PROBE: &str = "
#include <pcap/pcap.h>
int main(void) {
    char error[PCAP_ERRBUF_SIZE];
    pcap_if_t *devices;
    return pcap_create(\"lo\", error) == 0 || pcap_findalldevs(&devices, error);
}
";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBPCAP_LIBDIR");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    // Cross linkers find their archives elsewhere, and a libpcap that was chosen by hand stays chosen.
    if std::env::var("HOST") != std::env::var("TARGET")
        || std::env::var_os("LIBPCAP_LIBDIR").is_some()
    {
        return;
    }
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from) else {
        return;
    };
    let unwinder = out.join("libgcc_s.so");
    if gather(&out).is_some() && std::fs::write(unwinder, UNWINDER).is_ok() && links(&out) {
        println!("cargo:rustc-link-search=native={}", out.display());
    }
}

/// Puts the archive, with its D-Bus member replaced, into `out`; `None` where there is none.
fn gather(out: &Path) -> Option<()> {
    let answer = Command::new("cc")
        .arg("-print-file-name=libpcap.a")
        .output()
        .ok()?;
    let found = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
    // A compiler that has none repeats the name.
    if !found.is_absolute() {
        return None;
    }
    let archive = out.join("libpcap.a");
    std::fs::copy(found, &archive).ok()?;
    // The member's name replaces the member.
    let (source, member) = (out.join("pcap-dbus.c"), out.join("pcap-dbus.o"));
    std::fs::write(&source, NO_DBUS).ok()?;
    run(Command::new("cc")
        .args(["-O2", "-fPIC", "-c", "-o"])
        .args([&member, &source]))?;
    run(Command::new("ar").arg("r").args([&archive, &member]))
}

/// Whether the archives need nothing but libc: another distribution's may want more, and is linked as before.
fn links(out: &Path) -> bool {
    let source = out.join("probe.c");
    std::fs::write(&source, PROBE).is_ok()
        && run(Command::new("cc")
            .arg("-o")
            .args([&out.join("probe"), &source])
            .arg(format!("-L{}", out.display()))
            .args(["-lpcap", "-lgcc_s"]))
        .is_some()
}

fn run(command: &mut Command) -> Option<()> {
    command.output().ok()?.status.success().then_some(())
}
