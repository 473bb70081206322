//! Processes and the network namespaces they live in, from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, Dir, Mode, OFlags};

use super::proc_file;
use crate::model::NetnsId;
use crate::model::netns::Process;

/// Longer command lines are cut; the start tells what it is.
const LONGEST_COMMAND: usize = 200;

/// Why the processes in the node's own namespace are not all told.
pub(super) const ONLY_OF_PODS: &str = "of the node's own processes only those of pods are told";

/// Where control groups are mounted: the one hierarchy (cgroup v2) or, below, one of version 1.
const CGROUPS: [&str; 4] = ["", "unified", "pids", "memory"];

/// The processes of each network namespace, lowest number first.
#[derive(Debug, Default)]
pub(super) struct ByNetns {
    pub(super) pids: HashMap<NetnsId, Vec<u32>>,
    /// Processes whose namespace may not be looked at.
    pub(super) hidden: usize,
}

/// Looks at every process. Those that end meanwhile are left out.
///
/// # Errors
/// When `/proc` cannot be listed.
pub(super) fn by_netns() -> io::Result<ByNetns> {
    let mut found = ByNetns::default();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = rustix::fs::open("/proc", flags, Mode::empty())?;
    for entry in Dir::read_from(&proc)? {
        let entry = entry?;
        let name = entry.file_name().to_str();
        let Some(pid) = name.ok().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        match netns_in(&proc, &format!("{pid}/ns/net")) {
            Ok(id) => found.pids.entry(id).or_default().push(pid),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => found.hidden += 1,
            Err(_) => {}
        }
    }
    for pids in found.pids.values_mut() {
        pids.sort_unstable();
    }
    Ok(found)
}

/// What every process is, by namespaces. Of those in the node's own, `root`, only the ones that belong to a container
/// are told, if any.
pub(super) fn describe_all(
    processes: &ByNetns,
    root: NetnsId,
    on_node: bool,
) -> HashMap<NetnsId, Vec<Process>> {
    processes
        .pids
        .iter()
        .filter(|(netns, _)| **netns != root || on_node)
        .map(|(netns, pids)| {
            let rows = pids
                .iter()
                .filter(|pid| *netns != root || container(**pid).is_some())
                .filter_map(|pid| describe(*pid));
            (*netns, rows.collect())
        })
        .collect()
}

/// The processes of the pod that `holder` holds, lowest number first, by the control groups of its containers; `holder`
/// is in that of the first. `None` where that cannot be told: control groups are not mounted, or not this program's to
/// see.
pub(super) fn of_containers(holder: u32, containers: &[&str]) -> Option<Vec<u32>> {
    let own = containers.first()?;
    let text = proc_file::read(&format!("/proc/{holder}/cgroup")).ok()?;
    let path = text
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .find(|path| path.contains(own))?;
    // The groups of a pod's containers differ in nothing but the identifier.
    let of = |hierarchy: &str, id: &str| {
        let path = path.replace(own, id);
        Path::new("/sys/fs/cgroup")
            .join(hierarchy)
            .join(path.trim_start_matches('/'))
    };
    let hierarchy = CGROUPS
        .iter()
        .find(|hierarchy| of(hierarchy, own).is_dir())?;
    let mut pids = Vec::new();
    for id in containers {
        members(&of(hierarchy, id), &mut pids);
    }
    pids.sort_unstable();
    pids.dedup();
    pids.contains(&holder).then_some(pids)
}

/// The processes of a control group and of those in it.
fn members(group: &Path, pids: &mut Vec<u32>) {
    let list = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    // A process of another process namespace has the number 0.
    pids.extend(
        list.lines()
            .filter_map(|line| line.parse::<u32>().ok())
            .filter(|pid| *pid != 0),
    );
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            members(&entry.path(), pids);
        }
    }
}

/// The network namespace of a process.
///
/// # Errors
/// When it is gone, a zombie, or not to be looked at.
pub(super) fn netns_of(pid: u32) -> io::Result<NetnsId> {
    netns_in(CWD, &format!("/proc/{pid}/ns/net"))
}

/// The namespace that a link of `/proc` stands for.
fn netns_in(dir: impl AsFd, link: &str) -> io::Result<NetnsId> {
    // The longest is `net:[4294967295]`.
    let mut target = [MaybeUninit::uninit(); 32];
    let (target, _) = rustix::fs::readlinkat_raw(dir, link, &mut target)?;
    std::str::from_utf8(target)
        .ok()
        .and_then(|text| text.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok())
        .map(NetnsId)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// What a process is; `None` if it is gone.
pub(super) fn describe(pid: u32) -> Option<Process> {
    let line = proc_file::read(&format!("/proc/{pid}/cmdline")).ok()?;
    let mut command = line.trim_end_matches('\0').replace('\0', " ");
    if command.is_empty() {
        let name = proc_file::read(&format!("/proc/{pid}/comm")).ok()?;
        command = format!("[{}]", name.trim_end());
    }
    if let Some((end, _)) = command.char_indices().nth(LONGEST_COMMAND) {
        command.truncate(end);
        command.push('…');
    }
    Some(Process {
        pid,
        command,
        container: container(pid),
    })
}

/// The container that a process belongs to: runtimes name the control group after it.
pub(super) fn container(pid: u32) -> Option<String> {
    let text = proc_file::read(&format!("/proc/{pid}/cgroup")).ok()?;
    text.lines().find_map(container_in)
}

/// Finds an identifier of 64 hexadecimal digits in the last parts of a control group's path:
/// `…/cri-containerd-ID.scope`, `…/crio-ID.scope`, `…/podUID/ID`.
fn container_in(line: &str) -> Option<String> {
    let path = line.splitn(3, ':').nth(2)?;
    path.rsplit('/')
        .filter_map(|part| {
            let part = part.strip_suffix(".scope").unwrap_or(part);
            let id = part.get(part.len().checked_sub(64)?..)?;
            id.bytes()
                .all(|byte| byte.is_ascii_hexdigit())
                .then(|| id.to_owned())
        })
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_by_their_control_groups() {
        let id = "b7d2391320e07f97add7ccad2ad1a664393348f1dcb6f803f701318999ed0295";
        for path in [
            format!("0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-{id}.scope"),
            format!("11:memory:/kubepods/besteffort/podd6a7/{id}"),
            format!("0::/kubepods.slice/crio-{id}.scope/container"),
            format!("0::/../{id}"),
        ] {
            assert_eq!(container_in(&path).as_deref(), Some(id), "{path}");
        }
        assert_eq!(container_in("0::/user.slice/session-1.scope"), None);
        assert_eq!(container_in("nonsense"), None);
    }

    #[test]
    fn this_process_is_found_in_its_namespace() {
        let me = std::process::id();
        let id = netns_of(me).unwrap();
        assert!(by_netns().unwrap().pids[&id].contains(&me));
        assert!(!describe(me).unwrap().command.is_empty());
        assert_eq!(describe(u32::MAX), None);
    }
}
