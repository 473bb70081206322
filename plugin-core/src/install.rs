//! Putting the plugins into a directory that runtimes look for plugins in.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// The name of the binary itself.
const BINARY: &str = "ovl-cni";

/// Copies this program to `dir` and links each name to it. A runtime may start plugins meanwhile: every
/// file is made under another name and renamed.
pub(crate) fn install(dir: &Path, names: &[&str]) -> Result<(), String> {
    let failed = |what: &str, path: &Path| {
        let what = format!("cannot {what} {}", path.display());
        move |error: io::Error| format!("{what}: {error}")
    };
    fs::create_dir_all(dir).map_err(failed("make the directory", dir))?;
    let myself = Path::new("/proc/self/exe");
    let staged = dir.join(format!(".{BINARY}.{}", std::process::id()));
    let copied = fs::copy(myself, &staged)
        .and_then(|_| fs::set_permissions(&staged, fs::Permissions::from_mode(0o755)))
        .and_then(|()| fs::rename(&staged, dir.join(BINARY)));
    copied.map_err(|error| {
        let _ = fs::remove_file(&staged);
        failed("write", &dir.join(BINARY))(error)
    })?;
    for name in names {
        let linked = symlink(BINARY, &staged).and_then(|()| fs::rename(&staged, dir.join(name)));
        linked.map_err(|error| {
            let _ = fs::remove_file(&staged);
            failed("link", &dir.join(name))(error)
        })?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn installing_twice_leaves_the_binary_and_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("opt/cni/bin");
        for _ in 0..2 {
            install(&dir, &["ovl-routed", "ovl-vxlan"]).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["ovl-cni", "ovl-routed", "ovl-vxlan"]);
        let this = fs::read("/proc/self/exe").unwrap();
        assert_eq!(fs::read(dir.join("ovl-routed")).unwrap(), this);
        assert_eq!(
            fs::metadata(dir.join("ovl-cni"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o755
        );
    }
}
