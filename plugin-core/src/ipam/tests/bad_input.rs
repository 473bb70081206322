//! What is refused, in which words, and that nothing stays behind.

use std::fs;
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

use super::*;

#[test]
fn a_configuration_that_makes_no_sense_says_so() {
    for (ipam, expected) in [
        (json!({}), "there is no pool"),
        (json!({"pools": []}), "there is no pool"),
        (json!({"pools": [{"cidr": "10.9.0.0/33"}]}), "10.9.0.0/33"),
        (json!({"pools": [{"cidr": "nowhere"}]}), "nowhere"),
        (json!({"pools": [{}]}), "missing field `cidr`"),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "blocksize2": 1}]}),
            "blocksize2",
        ),
        (
            json!({"pool": [{"cidr": "10.9.0.0/24"}]}),
            "unknown field `pool`",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.1/24"}]}),
            "its range is 10.9.0.0/24",
        ),
        (json!({"pools": [{"cidr": "0.0.0.0/0"}]}), "is everything"),
        (
            json!({"pools": [{"cidr": "10.9.0.0/27"}]}),
            "pool 10.9.0.0/27 is too small for a block of /26; give a larger pool, or a blockSize from 27 to 32",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "blockSize": 33}]}),
            "longer than an IPv4 address",
        ),
        (
            json!({"pools": [{"cidr": "fd00::/48", "blockSize": 64}]}),
            "more than 2^32 addresses",
        ),
        (
            json!({"pools": [{"cidr": "fd00::/124"}]}),
            "too small for a block of /122",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/16"}, {"cidr": "fd00::/112"}, {"cidr": "10.9.8.0/24"}]}),
            "pools 10.9.0.0/16 and 10.9.8.0/24 overlap",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "exclude": ["10.8.0.0/24"]}]}),
            "exclude 10.8.0.0/24 is not in the pool",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "exclude": ["fd00::/64"]}]}),
            "exclude fd00::/64 is not in the pool",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "exclude": ["10.9.0.0/25", "10.9.0.128/25"]}]}),
            "no address to give",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/31", "blockSize": 31, "layout": "flat"}]}),
            "no address to give",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "preferred": ["10.9.0.0/25"]}]}),
            "preferred 10.9.0.0/25 is not one of its blocks of /26",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "layout": "flat", "gateway": "10.8.0.1"}]}),
            "gateway 10.8.0.1 is not in the pool",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "gateway": "fd00::1"}]}),
            "gateway fd00::1 is not an IPv4 address",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "gateway": "first"}]}),
            "neither none, node nor",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24", "layout": "round"}]}),
            "round",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24"}], "stateDir": "var/lib"}),
            "not an absolute path",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24"}], "store": "store"}),
            "not an absolute path",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24"}], "coolDown": -1}),
            "-1",
        ),
        (
            json!({"pools": [{"cidr": "10.9.0.0/24"}], "routes": [{"dst": "all"}]}),
            "all",
        ),
    ] {
        let error = match config(&ipam, Purpose::Routed) {
            Ok(config) => panic!("{ipam} gave {config:?}"),
            Err(error) => spec::Error::from(error),
        };
        assert_eq!(error.code, spec::Code::InvalidConfig);
        let text = error.to_string();
        assert!(
            text.contains("network net") && text.contains(expected),
            "{expected:?} in {text:?}"
        );
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let ipam = json!({"stateDir": "x", "pools": [{"cidr": "10.9.0.0/30"}, {"cidr": "fd00::/126"}]});
    let text = config(&ipam, Purpose::Routed).unwrap_err().to_string();
    for part in [
        "stateDir x",
        "10.9.0.0/30 is too small",
        "fd00::/126 is too small",
    ] {
        assert!(text.contains(part), "{part:?} in {text:?}");
    }
}

#[test]
fn keys_in_any_case_and_from_the_plugin_above() {
    let whole = json!({
        "cniVersion": "1.0.0", "name": "net", "type": "ovl-routed", "Node": "host07", "statedir": "/s",
        "ipam": {"type": "ovl-ipam", "Pools": [{"CIDR": "10.9.0.0/24", "BlockSize": 28}], "Store": "/x"},
    });
    let whole = PluginConfig::from_json(whole.to_string().as_bytes()).unwrap();
    let config = Config::of(&whole, Purpose::Routed).unwrap();
    assert_eq!(config.place().node(), "host07");
    assert_eq!(config.state_dir(), Path::new("/s"));
    assert_eq!(config.store_path(), Path::new("/x"));
    assert_eq!(config.pools()[0].block_count(), 16);
}

#[test]
fn a_store_that_is_not_there_is_an_error_and_not_a_store_of_ones_own() {
    let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/24"}]}));
    let node = cluster.node("host01");
    fs::remove_dir(cluster.path().join("store")).unwrap();
    let error = allocate(&node.config, &owner("a"), &Request::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/store does not exist; create it"),
        "{error}"
    );
    assert!(!cluster.path().join("store").exists());
    assert!(!cluster.state_dir("host01").exists());
    assert!(status(&node.config).is_err());
}

/// Runs `test` where mounts are its own.
fn with_private_mounts(test: impl FnOnce() + Send) {
    if !rustix::process::geteuid().is_root() {
        assert!(
            std::env::var_os("OVL_TEST_STRICT").is_none(),
            "this test needs root"
        );
        eprintln!("skipped: private mounts need root");
        return;
    }
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            // SAFETY: file descriptors stay shared; only this thread's view of mounts is its own.
            unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            rustix::mount::mount_change("/", private).unwrap();
            test();
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn mount_tmpfs(dir: &Path, options: &str) {
    let options = std::ffi::CString::new(options).unwrap();
    rustix::mount::mount(
        "tmpfs",
        dir,
        "tmpfs",
        MountFlags::empty(),
        options.as_c_str(),
    )
    .unwrap();
}

fn remount_read_only(dir: &Path, read_only: bool) {
    let flags = if read_only {
        MountFlags::RDONLY
    } else {
        MountFlags::empty()
    };
    rustix::mount::mount_remount(dir, flags, c"").unwrap();
}

#[test]
fn a_read_only_store() {
    with_private_mounts(|| {
        let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/24"}]}));
        let node = cluster.node("host01");
        let store = cluster.path().join("store");
        mount_tmpfs(&store, "size=1m");
        remount_read_only(&store, true);
        let error = spec::Error::from(node.try_add("a").unwrap_err());
        assert_eq!(error.code, spec::Code::State);
        let text = error.to_string();
        assert!(
            text.contains("/store/.lock") && text.contains("Read-only"),
            "{text}"
        );
        assert!(!cluster.ledger("host01").exists());
        // A node that has a block needs nothing from the store but the sight of it.
        remount_read_only(&store, false);
        node.add("a");
        remount_read_only(&store, true);
        node.add("b");
        node.del("a");
        assert_eq!(node.records(), 1);
    });
}

#[test]
fn a_read_only_state_directory() {
    with_private_mounts(|| {
        let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/24"}]}));
        let node = cluster.node("host01");
        let state = cluster.state_dir("host01");
        fs::create_dir(&state).unwrap();
        mount_tmpfs(&state, "size=1m,ro");
        let text = spec::Error::from(node.try_add("a").unwrap_err()).to_string();
        assert!(
            text.contains("host01/ipam") && text.contains("Read-only"),
            "{text}"
        );
        assert_eq!(cluster.claims(), []);
    });
}

#[test]
fn a_full_store() {
    with_private_mounts(|| {
        let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/24"}]}));
        let node = cluster.node("host01");
        let store = cluster.path().join("store");
        mount_tmpfs(&store, "size=16k");
        fs::write(store.join("ballast"), vec![0; 16384]).unwrap();
        let text = spec::Error::from(node.try_add("a").unwrap_err()).to_string();
        assert!(
            text.contains("/store/.staging/") && text.contains("No space left"),
            "{text}"
        );
        assert!(!cluster.ledger("host01").exists());
        assert_eq!(fs::read_dir(store.join(".staging")).unwrap().count(), 0);
        fs::remove_file(store.join("ballast")).unwrap();
        node.add("a");
    });
}

#[test]
fn a_full_state_directory() {
    with_private_mounts(|| {
        let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/16", "blockSize": 20}]}));
        let node = cluster.node("host01");
        let state = cluster.state_dir("host01");
        fs::create_dir(&state).unwrap();
        mount_tmpfs(&state, "size=32k");
        fs::write(state.join("ballast"), vec![0; 16384]).unwrap();
        let mut given = Vec::new();
        let error = loop {
            let container = format!("c{}", given.len());
            match node.try_add(&container) {
                Ok(addresses) => given.push((container, addresses[0])),
                Err(error) => break spec::Error::from(error),
            }
        };
        let text = error.to_string();
        assert!(
            text.contains("host01/ipam/net/ledger") && text.contains("No space left"),
            "{text}"
        );
        assert!(given.len() > 20);
        assert_eq!(node.records(), given.len());
        let size = || fs::metadata(cluster.ledger("host01")).unwrap().len();
        assert!(size() <= 16384);
        // Pods can end all the same, and their addresses are free.
        for (container, address) in &given[..10] {
            assert_eq!(node.del(container), [*address]);
            assert_eq!(node.del(container), [] as [IpAddr; 0]);
        }
        assert_eq!(node.records(), given.len() - 10);
        for (container, address) in &given[10..] {
            node.check(container, &[*address]).unwrap();
        }
        node.gc(&[]);
        assert_eq!(node.records(), 0);
        fs::remove_file(state.join("ballast")).unwrap();
        node.add("after");
    });
}
