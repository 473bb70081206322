//! Directories as plugins leave them.

use super::*;

#[test]
fn a_node_with_host_local() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let conf = r#"{"cniVersion":"0.3.1","name":"net","plugins":[{"type":"bridge",
        "ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.0.0/24"}]]}},{"type":"portmap"}]}"#;
    write(&at("net.d/10-net.conflist"), conf);
    write(&at("net.d/20-broken.conf"), "{");
    write(&at("net.d/README"), "");
    write(&at("networks/net/10.244.0.2"), "c0ffee\r\neth0");
    write(&at("networks/net/last_reserved_ip.0"), "10.244.0.2");
    write(&at("bin/bridge"), "");
    let cached = serde_json::json!({
        "kind": "cniCacheV1", "containerId": "c0ffee", "ifName": "eth0", "networkName": "net",
        "config": BASE64_STANDARD.encode(conf),
        "cniArgs": [["K8S_POD_NAME", "pod1"], ["K8S_POD_NAMESPACE", "default"]],
        "result": {"interfaces": [{"name": "veth1"}, {"name": "eth0", "sandbox": "/run/netns/cni-1"}],
                   "ips": [{"address": "10.244.0.2/24", "interface": 1}]}
    });
    write(&at("results/net-c0ffee-eth0"), &cached.to_string());
    let cni = read(&Paths {
        config_dir: at("net.d"),
        plugin_dirs: vec![at("bin")],
        cache_dir: dir.path().to_owned(),
        host_local_dir: at("networks"),
    });
    assert_eq!(cni.configs.rows.len(), 2);
    assert_eq!(cni.configs.rows[0].plugins, ["bridge", "portmap"]);
    assert!(cni.configs.rows[1].error.is_some());
    assert!(!cni.plugins.rows[0].executable);
    let cached = &cni.results.rows[0];
    assert_eq!(cached.netns.as_deref(), Some("/run/netns/cni-1"));
    assert_eq!(cached.arg("K8S_POD_NAME"), Some("pod1"));
    assert_eq!(
        cached.addresses(),
        ["10.244.0.2".parse::<IpAddr>().unwrap()]
    );
    assert_eq!(cached.config["name"], "net");
    assert_eq!(cni.addresses.rows.len(), 1);
    assert_eq!(cni.addresses.rows[0].container, "c0ffee");
    assert_eq!(cni.addresses.rows[0].ifname.as_deref(), Some("eth0"));
    assert_eq!(cni.blocks.rows[0].cidr.to_string(), "10.244.0.0/24");
}

#[test]
fn what_is_not_there_is_empty_and_what_may_not_be_read_is_not() {
    let nowhere = PathBuf::from("/nowhere");
    let cni = read(&Paths {
        config_dir: nowhere.clone(),
        plugin_dirs: vec![nowhere.clone()],
        cache_dir: nowhere.clone(),
        host_local_dir: nowhere,
    });
    assert!(cni.configs.is_complete() && cni.configs.rows.is_empty());
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(configs(file.path()).doubt().is_some());
}
