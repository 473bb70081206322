//! `ovl-cni`: one binary, several CNI plugins. Its own name decides which it is, so that a plugin
//! directory holds one copy and a link for each; `ovl-cni NAME` does the same by hand, and `ovl-cni install
//! DIR` fills such a directory.
//!
//! A runtime starts it anew for every verb: no threads, no runtime, no argument parser.

mod install;

// The unwinder from libgcc's archive, so that libgcc_s is not loaded: finding and binding one more library is
// a seventh of what a start takes. gcc, which links for this target, comes with the archive.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use plugin_core::attach::Kind;
use plugin_core::ipam::plugin::Ipam;
use plugin_core::spec::{self, Plugin, SpecVersion};

/// Wrong usage, as everywhere in this project.
const USAGE: u8 = 2;

/// Every plugin, under the name it is installed as.
static PLUGINS: [&(dyn Plugin + Sync); 3] = [&Kind::Routed, &Kind::Vxlan, &Ipam];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let called = arguments.next().unwrap_or_default();
    if let Some(plugin) = Path::new(&called).file_name().and_then(named) {
        return spec::plugin::main(plugin);
    }
    let arguments: Vec<OsString> = arguments.collect();
    match arguments.as_slice() {
        [] => say_what_it_is(),
        [verb, dir] if verb == "install" => install(Path::new(dir)),
        [name] => match named(name) {
            Some(plugin) => spec::plugin::main(plugin),
            None => usage(),
        },
        _ => usage(),
    }
}

/// The plugin of this name, with or without `ovl-`.
fn named(name: &OsStr) -> Option<&'static dyn Plugin> {
    let name = name.to_str()?;
    PLUGINS
        .into_iter()
        .find(|plugin| plugin.name() == name || plugin.name().strip_prefix("ovl-") == Some(name))
        .map(|plugin| plugin as &dyn Plugin)
}

fn say_what_it_is() -> ExitCode {
    let names = PLUGINS.map(Plugin::name).join(", ");
    let versions = SpecVersion::ALL.map(SpecVersion::as_str).join(", ");
    let text = format!(
        "ovl-cni {}: the CNI plugins {names}\n\
         CNI versions: {versions}\n\n\
         ovl-cni install DIR   put them into a plugin directory, such as /opt/cni/bin\n\
         ovl-cni NAME          be one of them, with CNI_COMMAND and its configuration on standard input\n",
        env!("CARGO_PKG_VERSION"),
    );
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn usage() -> ExitCode {
    let names = PLUGINS.map(Plugin::name).join("|");
    tell(&format!("usage: ovl-cni [install DIR | {names}]"));
    ExitCode::from(USAGE)
}

fn install(dir: &Path) -> ExitCode {
    match install::install(dir, &PLUGINS.map(Plugin::name)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("ovl-cni: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
