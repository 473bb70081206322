//! Programs that answer, fail, hang and talk too much.

use super::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

fn script(dir: &TempDir, text: &str) -> PathBuf {
    let path = dir.path().join("plugin");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

fn request(stdin: &[u8]) -> Request<'_> {
    Request {
        kind: "plugin",
        verb: Verb::Add,
        variables: vec![("CNI_IFNAME", "eth0".into())],
        stdin,
        limit: Duration::from_secs(60),
        inherited: None,
    }
}

fn run_script(text: &str, stdin: &[u8]) -> Result<Printed, Failed> {
    let dir = tempfile::tempdir().unwrap();
    run(&script(&dir, text), &request(stdin))
}

#[test]
fn input_output_and_variables() {
    let printed = run_script(r#"cat; echo "$CNI_COMMAND $CNI_IFNAME" >&2"#, b"{}").unwrap();
    assert_eq!(printed.stdout, b"{}");
    assert_eq!(printed.stderr, "ADD eth0\n");
}

#[test]
fn more_than_a_pipe_holds_in_every_direction() {
    let input = vec![b'x'; 300_000];
    let printed = run_script("tee /dev/stderr", &input).unwrap();
    assert_eq!(printed.stdout, input);
    assert_eq!(printed.stderr.len(), input.len());
}

#[test]
fn a_plugin_need_not_read() {
    run_script("exec <&-; echo done", &vec![b'x'; 300_000]).unwrap();
}

#[test]
fn an_error_object_is_the_plugins_own_word() {
    let failed = run_script(
        r#"echo '{"code":7,"msg":"bad","details":"why"}'; echo log >&2; exit 1"#,
        b"",
    )
    .unwrap_err();
    assert_eq!(failed.error.to_string(), "ADD by plugin: bad: why");
    assert_eq!(
        failed.error.reported().unwrap().code,
        spec::Code::InvalidConfig
    );
    assert_eq!(failed.stderr, "log\n");
}

#[test]
fn garbage_is_quoted() {
    let message = |text: &str| run_script(text, b"").unwrap_err().error.to_string();
    assert_eq!(
        message("echo 'panic: nil map'; exit 2"),
        "ADD by plugin failed with exit status 2 and without an error object: panic: nil map"
    );
    assert_eq!(
        message("echo oops >&2; exit 3"),
        "ADD by plugin failed with exit status 3 and without an error object: oops"
    );
    assert_eq!(
        message("kill -SEGV $$"),
        "ADD by plugin was killed by signal 11 and without an error object"
    );
}

/// Waits until the process is gone, or at least dead.
fn assert_ends(pid: &str) {
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let started = Instant::now();
    while !(stat().is_empty() || stat().contains(") Z ")) {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "still there: {}",
            stat()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_plugin_that_does_not_end_is_killed_with_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let binary = script(
        &dir,
        &format!(
            "sleep 600 & echo $! > {}; echo waiting >&2; wait",
            pid_file.display()
        ),
    );
    // On a busy machine the plugin may need longer to get as far as waiting.
    let message = [1, 4, 16, 64].into_iter().find_map(|seconds| {
        let limit = Duration::from_secs(seconds);
        let request = Request {
            limit,
            ..request(b"")
        };
        let message = run(&binary, &request).unwrap_err().error.to_string();
        let killed = format!("ADD by plugin did not end within {seconds} s and was killed");
        assert!(message.starts_with(&killed), "{message}");
        message.ends_with(": waiting").then_some(message)
    });
    assert!(message.is_some(), "it never got as far as waiting");
    assert_ends(std::fs::read_to_string(pid_file).unwrap().trim());
}

#[test]
fn a_plugin_dies_with_whoever_runs_it() {
    let dir = tempfile::tempdir().unwrap();
    let binary = script(&dir, "exec sleep 600");
    let mut other = start(&binary, &request(b"")).unwrap();
    let runner = std::thread::spawn(move || start(&binary, &request(b"")).unwrap());
    let status = runner.join().unwrap().wait().unwrap();
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    assert_eq!(other.try_wait().unwrap(), None, "who runs it goes on");
    kill(&other);
    other.wait().unwrap();
}

/// Runs a plugin that succeeds and leaves a process behind, which would outlive the test by far.
fn leave_behind(inherited: Option<BorrowedFd<'_>>) -> Pid {
    let dir = tempfile::tempdir().unwrap();
    let binary = script(&dir, "sleep 600 & echo $!");
    let with = Request {
        inherited,
        ..request(b"")
    };
    let printed = run(&binary, &with).unwrap();
    let number = String::from_utf8(printed.stdout).unwrap();
    Pid::from_raw(number.trim().parse().unwrap()).unwrap()
}

#[test]
fn a_daemon_left_behind_does_not_hold_us_up() {
    let daemon = leave_behind(None);
    // It still runs, and holds the plugin's outputs open.
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
    assert_ends(&daemon.as_raw_nonzero().to_string());
}

#[test]
fn what_is_inherited_tells_when_the_last_process_has_ended() {
    let (ours, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let daemon = leave_behind(Some(theirs.as_fd()));
    drop(theirs);
    let hung_up = |patience: Duration| {
        let mut fds = [PollFd::new(&ours, PollFlags::IN)];
        let patience = Timespec::try_from(patience).unwrap();
        poll(&mut fds, Some(&patience)).unwrap() == 1
    };
    assert!(!hung_up(Duration::ZERO), "the daemon has it");
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
    assert!(hung_up(Duration::from_secs(60)));
}

#[test]
fn endless_output_is_cut_off() {
    let failed = run_script("exec yes", b"").unwrap_err();
    assert!(
        failed.error.to_string().contains("more than 4 MiB"),
        "{}",
        failed.error
    );
}

#[test]
fn a_binary_that_is_being_written_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let binary = dir.path().join("plugin");
    // ETXTBSY is for a binary: of a script the interpreter is what is executed.
    std::fs::copy("/bin/true", &binary).unwrap();
    let writer = std::fs::OpenOptions::new()
        .append(true)
        .open(&binary)
        .unwrap();
    let closer = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        drop(writer);
    });
    run(&binary, &request(b"")).unwrap();
    closer.join().unwrap();
}

#[test]
fn finding_a_binary() {
    let dir = tempfile::tempdir().unwrap();
    let binary = script(&dir, "");
    std::fs::create_dir(dir.path().join("directory")).unwrap();
    let path = [PathBuf::from("/nowhere"), dir.path().to_owned()];
    assert_eq!(find("plugin", &path).unwrap(), binary);
    for name in ["other", "", "directory", "../plugin", "/bin/sh"] {
        let error = find(name, &path).unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{name}");
        assert!(error.to_string().contains("/nowhere"));
    }
    assert!(
        find("plugin", &[])
            .unwrap_err()
            .to_string()
            .contains("CNI_PATH is empty")
    );
}

#[test]
fn what_cannot_start_says_which_file() {
    let dir = tempfile::tempdir().unwrap();
    let binary = script(&dir, "");
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o644)).unwrap();
    let failed = run(&binary, &request(b"")).unwrap_err();
    assert!(failed.error.is_permission());
    assert!(failed.error.to_string().contains(binary.to_str().unwrap()));
}
