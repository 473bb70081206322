//! What is lost, damaged or renamed never leads to an address given twice.

use std::collections::BTreeSet;
use std::fs;

use super::*;
use crate::store::Store;

fn cluster() -> Cluster {
    Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/24", "blockSize": 26}]}))
}

#[test]
fn blocks_of_a_lost_ledger_are_set_aside_until_gc_knows() {
    let cluster = cluster();
    let node = cluster.node("host01");
    let forgotten: BTreeSet<_> = (0..10).map(|n| node.add(&format!("a{n}"))).collect();
    fs::remove_dir_all(cluster.state_dir("host01")).unwrap();
    let given: BTreeSet<_> = (0..64).map(|n| node.add(&format!("b{n}"))).collect();
    assert!(given.is_disjoint(&forgotten));
    assert_eq!(cluster.claims().len(), 2);
    // An address asked for is refused too, with the reason.
    let one = forgotten.iter().next().unwrap().to_string();
    let error = node.ask("c", &one).unwrap_err().to_string();
    assert!(
        error.contains("set aside") && error.contains("GC"),
        "{error}"
    );
    // a3 is alive and nobody knows its address.
    let mut valid: Vec<String> = (0..64).map(|n| format!("b{n}")).collect();
    valid.push("a3".into());
    let gc = |valid: &[String]| node.gc(&valid.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(gc(&valid).settled, []);
    valid.pop();
    assert_eq!(gc(&valid).settled.len(), 1);
    node.ask("c", &one).unwrap();
}

#[test]
fn a_full_pool_says_that_blocks_are_set_aside() {
    let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/26"}]}));
    let node = cluster.node("host01");
    node.add("a");
    fs::remove_file(cluster.ledger("host01")).unwrap();
    let error = node.try_add("b").unwrap_err().to_string();
    assert!(error.contains("10.9.0.0/26 is set aside"), "{error}");
    assert_eq!(node.gc(&[]).settled.len(), 1);
    node.add("b");
}

#[test]
fn gc_alone_settles_an_empty_node() {
    let cluster = cluster();
    let node = cluster.node("host01");
    node.add("a");
    fs::remove_dir_all(cluster.state_dir("host01")).unwrap();
    assert_eq!(node.sweep(&[], true), Swept::default());
    assert!(!cluster.ledger("host01").exists());
    assert_eq!(node.gc(&[]).settled.len(), 1);
    node.add("b");
    assert_eq!(cluster.claims().len(), 1);
}

#[test]
fn a_claim_that_the_store_lost_is_made_again() {
    let cluster = cluster();
    let node = cluster.node("host01");
    node.add("a");
    let before = cluster.claims();
    fs::remove_dir_all(cluster.path().join("store/blocks")).unwrap();
    assert!(node.status().is_ok());
    node.add("b");
    assert_eq!(cluster.claims(), before);
}

#[test]
fn a_claim_that_another_node_has_by_now_is_not_used() {
    let cluster = cluster();
    let node = cluster.node("host01");
    let first = node.add("a");
    let (block, _) = cluster.claims().remove(0);
    fs::remove_dir_all(cluster.path().join("store/blocks")).unwrap();
    let other = cluster.node("host02");
    other.ask("x", &first.to_string()).unwrap();
    let allocation = node.allocate("b", &Request::default()).unwrap();
    let given = allocation.addresses[0].address.addr();
    assert!(Block::new(block.parse().unwrap()).offset(given).is_none());
    assert!(
        allocation.warnings[0].contains("says it is of host02"),
        "{allocation:?}"
    );
    let error = node.check("a", &[first]).unwrap_err().to_string();
    assert!(
        error.contains("should be of host01") && error.contains("host02"),
        "{error}"
    );
    // The pod ends as ever, and GC forgets the block.
    assert_eq!(node.del("a"), [first]);
    let later = Node { now: 2000, ..node };
    later.gc(&["b"]);
    assert_eq!(
        inventory(&later.config.place)
            .unwrap()
            .unwrap()
            .blocks
            .len(),
        1
    );
    assert_eq!(other.records(), 1);
}

/// What is lent of a claim that was lost is not known.
#[test]
fn a_claim_made_again_neither_grows_nor_lends() {
    let mut ipam = cluster().ipam;
    ipam["borrow"] = json!(true);
    ipam["pools"][0]["cidr"] = json!("10.9.0.0/26");
    let cluster = Cluster::new(ipam);
    let (one, two) = (cluster.node("host01"), cluster.node("host02"));
    one.add("a0");
    let lent = two.add("b");
    fs::remove_dir_all(cluster.path().join("store/blocks")).unwrap();
    let given: BTreeSet<_> = (1..16).map(|n| one.add(&format!("a{n}"))).collect();
    assert!(!given.contains(&lent));
    assert!(one.try_add("a16").is_err());
    assert!(one.ask("a16", &lent.to_string()).is_err());
    assert!(two.try_add("c").is_err());
    two.del("b");
}

#[test]
fn a_node_with_another_name_does_not_use_its_old_blocks() {
    let cluster = cluster();
    let old = cluster.node("host01");
    let first = old.add("a");
    let new = cluster.node_in("host01-new", &cluster.state_dir("host01"));
    let allocation = new.allocate("b", &Request::default()).unwrap();
    let given = allocation.addresses[0].address.addr();
    assert!(
        allocation.warnings[0].contains("of host01, which is what"),
        "{allocation:?}"
    );
    let owners: BTreeSet<_> = cluster
        .claims()
        .into_iter()
        .map(|(_, node)| node.unwrap())
        .collect();
    assert_eq!(
        owners,
        BTreeSet::from(["host01".into(), "host01-new".into()])
    );
    // An existing pod keeps its address and can end; GC then forgets the block and leaves the store alone:
    // there may be a host01, of which this disk is a copy.
    assert_eq!(new.add("a"), first);
    assert_eq!(new.del("a"), [first]);
    let new = Node { now: 2000, ..new };
    new.gc(&["b"]);
    assert_eq!(cluster.claims().len(), 2);
    assert_ne!(new.add("c"), first);
    assert!(new.check("b", &[given]).is_ok());
}

#[test]
fn a_torn_last_line_is_dropped() {
    let cluster = cluster();
    let node = cluster.node("host01");
    let first = node.add("a");
    let whole = fs::read(cluster.ledger("host01")).unwrap();
    node.add("b");
    let longer = fs::read(cluster.ledger("host01")).unwrap();
    for length in whole.len()..longer.len() {
        fs::write(cluster.ledger("host01"), &longer[..length]).unwrap();
        assert_eq!(node.records(), 1, "{length}");
    }
    for garbage in [
        b"\0".repeat(4096),
        b"garbage\n".repeat(3),
        b"00000000 {}\n".to_vec(),
    ] {
        fs::write(cluster.ledger("host01"), [whole.clone(), garbage].concat()).unwrap();
        assert_ne!(node.add("b"), first);
        assert_eq!(node.records(), 2);
    }
}

#[test]
fn a_damaged_line_stops_giving_but_not_freeing() {
    let cluster = cluster();
    let node = cluster.node("host01");
    let first = node.add("a");
    node.add("b");
    node.add("c");
    let text = fs::read_to_string(cluster.ledger("host01")).unwrap();
    fs::write(cluster.ledger("host01"), text.replace("\"b\"", "\"x\"")).unwrap();
    for error in [
        node.try_add("d").unwrap_err(),
        node.status().unwrap_err(),
        node.check("a", &[first]).unwrap_err(),
    ] {
        let error = error.to_string();
        for part in ["host01/ipam/net/ledger", "line 3", "checksum", "run GC"] {
            assert!(error.contains(part), "{part:?} in {error:?}");
        }
    }
    assert_eq!(node.del("a"), [first]);
    // As the message says: away with it, then GC.
    fs::remove_file(cluster.ledger("host01")).unwrap();
    assert_eq!(node.gc(&["b", "c"]).settled, []);
    assert_eq!(node.gc(&[]).settled.len(), 1);
}

#[test]
fn a_damaged_claim_is_named_and_not_overwritten() {
    let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/25"}]}));
    let node = cluster.node("host01");
    let first = node.add("a");
    let (block, _) = cluster.claims().remove(0);
    let path = cluster
        .path()
        .join("store/blocks/net")
        .join(block.replace('/', "-"));
    fs::write(&path, "half a cla").unwrap();
    // There is another block.
    let allocation = node.allocate("b", &Request::default()).unwrap();
    assert!(
        allocation.warnings[0].contains(path.to_str().unwrap()),
        "{allocation:?}"
    );
    for n in 0..63 {
        node.add(&format!("c{n}"));
    }
    let error = node.try_add("d").unwrap_err().to_string();
    assert!(
        error.contains(path.to_str().unwrap()) && error.contains("damaged"),
        "{error}"
    );
    let error = node.check("a", &[first]).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"half a cla");
    // For another node it is taken.
    assert!(cluster.node("host02").try_add("x").is_err());
}

#[test]
fn another_block_size_never_overlaps_claims_of_the_old_one() {
    let old = cluster();
    let node = old.node("host01");
    let first = node.add("a");
    let mut ipam = old.ipam.clone();
    ipam["pools"][0]["blockSize"] = json!(25);
    let new = Cluster { dir: old.dir, ipam };
    let other = new.node("host02");
    let given: BTreeSet<_> = (0..128).map(|n| other.add(&format!("x{n}"))).collect();
    assert!(!given.contains(&first));
    assert!(other.try_add("more").is_err());
    // The old block stays in use on its node.
    let node = new.node("host01");
    let block: IpNet = new
        .claims()
        .iter()
        .find(|(_, n)| n.as_deref() == Some("host01"))
        .unwrap()
        .0
        .parse()
        .unwrap();
    assert!(block.contains(&node.add("b")));
}

#[test]
fn a_pool_that_is_gone_frees_its_blocks_when_they_are_empty() {
    let old = cluster();
    let node = old.node("host01");
    let first = node.add("a");
    let mut ipam = old.ipam.clone();
    ipam["pools"][0]["cidr"] = json!("10.10.0.0/24");
    let new = Cluster { dir: old.dir, ipam };
    let node = new.node("host01");
    assert!(node.add("b").to_string().starts_with("10.10.0."));
    assert_eq!(node.gc(&["a", "b"]).blocks, []);
    assert_eq!(node.del("a"), [first]);
    let node = Node { now: 2000, ..node };
    assert_eq!(node.gc(&["b"]).blocks.len(), 1);
    assert_eq!(new.claims().len(), 1);
}

#[test]
fn the_ledger_stays_small_and_says_the_same() {
    let cluster = Cluster::new(json!({"coolDown": 10, "pools": [{"cidr": "10.9.0.0/24"}]}));
    let mut node = cluster.node("host01");
    let kept = node.add("kept");
    let mut last = None;
    for n in 0..1000 {
        node.now += 1;
        let given = node.add(&format!("c{n}"));
        assert!(Some(given) != last && given != kept);
        last = Some(given);
        node.del(&format!("c{n}"));
    }
    let size = fs::metadata(cluster.ledger("host01")).unwrap().len();
    assert!(size < 100_000, "{size}");
    assert_eq!(cluster.claims().len(), 1);
    node.check("kept", &[kept]).unwrap();
    assert_eq!(node.records(), 1);
    let store: &dyn Store = &cluster.store();
    assert_eq!(store.list(&crate::store::Prefix::Blocks).unwrap().len(), 1);
}
