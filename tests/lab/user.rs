//! A lab of an ordinary user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::support::lab::processes;
use super::support::{OVL, can_run};

/// `nobody` on every distribution; it owns nothing and may do nothing.
const USER: u32 = 65534;

struct User {
    /// Programs that the user can reach, and a directory it can write to.
    directory: TempDir,
}

impl User {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let built = Path::new(OVL).parent().unwrap();
        for program in ["ovl", "ovl-cni"] {
            let copy = directory.path().join(program);
            fs::copy(built.join(program), &copy).unwrap();
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let home = directory.path().join("home");
        fs::create_dir(&home).unwrap();
        chown(&home, Some(USER), Some(USER)).unwrap();
        Self { directory }
    }

    fn run(&self, args: &[&str]) -> Output {
        let home = self.directory.path().join("home");
        Command::new("setpriv")
            .args([
                "--reuid",
                "65534",
                "--regid",
                "65534",
                "--clear-groups",
                "--no-new-privs",
            ])
            .arg(self.directory.path().join("ovl"))
            .args(args)
            .env_remove("OVL_LAB_DIR")
            .env("XDG_RUNTIME_DIR", &home)
            .env("HOME", &home)
            // As Debian gives it to users: without /usr/sbin.
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .current_dir("/")
            .output()
            .unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ovl {}: {stderr}", args.join(" "));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.run(&["lab", "down", "--all"]);
    }
}

#[test]
fn an_ordinary_user_has_labs_too() {
    if !can_run() {
        return;
    }
    let user = User::new();
    let name = format!("user-{}", std::process::id());
    for profile in ["calico", "weave"] {
        user.ok(&[
            "lab",
            "up",
            "--profile",
            profile,
            "--nodes",
            "2",
            "--lab",
            &name,
        ]);
        user.ok(&[
            "lab", "pod", "add", "one", "--node", "host01", "--port", "8080:80",
        ]);
        user.ok(&["lab", "pod", "add", "two", "--node", "host02"]);
        user.ok(&[
            "lab", "exec", "one", "--", "ping", "-c", "1", "-W", "10", "two",
        ]);
        assert!(user.ok(&["lab", "ls"]).contains("default/two"));
        assert_eq!(
            user.ok(&["lab", "exec", "host01", "--", "id", "-u"]).trim(),
            "0"
        );
        user.ok(&["lab", "pod", "rm", "one"]);
        user.ok(&["lab", "down"]);
        assert_eq!(processes(&name), Vec::<String>::new());
        let left = fs::read_dir(user.directory.path().join("home"))
            .unwrap()
            .count();
        assert_eq!(left, 0, "nothing is left in the user's directory");
    }
}

#[test]
fn where_the_kernel_gives_no_user_namespace_the_error_says_what_to_do() {
    if !can_run() {
        return;
    }
    let user = User::new();
    // A user namespace that may have no further ones below it.
    let script = "echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all \
                  --inh-caps=-all --no-new-privs \"$0\" lab up --nodes 1";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "--net",
            "sh",
            "-c",
            script,
        ])
        .arg(user.directory.path().join("ovl"))
        .env("OVL_LAB_DIR", user.directory.path().join("labs"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("max_user_namespaces"), "{stderr}");
}
