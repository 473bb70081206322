//! Single addresses of other nodes' blocks.

use std::collections::BTreeSet;

use super::*;
use crate::store::Store;

fn lending(cidr: &str, block_size: u8) -> Cluster {
    Cluster::new(json!({"borrow": true, "pools": [{"cidr": cidr, "blockSize": block_size}]}))
}

fn claim(cluster: &Cluster) -> Claim {
    let mut taken = claimed(&cluster.store(), "net").unwrap();
    assert_eq!(taken.len(), 1);
    taken.remove(0).claim.unwrap()
}

#[test]
fn owner_and_borrower_share_a_block_and_no_address() {
    let cluster = lending("10.9.0.0/26", 26);
    let (one, two) = (cluster.node("host01"), cluster.node("host02"));
    let mut given = BTreeSet::new();
    for n in 0..32 {
        given.insert(one.add(&format!("a{n}")));
        let allocation = two.allocate(&format!("b{n}"), &Request::default()).unwrap();
        assert!(allocation.addresses[0].borrowed);
        given.insert(allocation.addresses[0].address.addr());
    }
    assert_eq!(given.len(), 64);
    for node in [&one, &two] {
        assert!(
            node.try_add("more")
                .unwrap_err()
                .to_string()
                .contains("no other node")
        );
        assert!(node.status().is_err());
    }
    assert_eq!(claim(&cluster).lent_in_use().count(), 32);
    assert!(
        claim(&cluster)
            .lent_in_use()
            .all(|(_, node)| node == "host02")
    );
    // Each frees what it has, and it can be given again; the owner may not have what the borrower returns
    // before it is granted, but here it is.
    let returned = two.del("b7");
    assert_eq!(one.try_add("again").unwrap(), returned);
    assert_eq!(one.del("a3").len(), 1);
    one.add("a3");
    assert_eq!((one.records(), two.records()), (33, 31));
}

#[test]
fn a_returned_address_rests_for_both() {
    let cluster = lending("10.9.0.0/30", 30);
    let (one, mut two) = (cluster.node("host01"), cluster.node("host02"));
    one.add("a");
    let first = two.add("b");
    two.del("b");
    let second = two.add("c");
    assert_ne!(first, second);
    two.now += 60;
    two.del("c");
    assert_eq!(two.add("d"), first);
}

#[test]
fn nothing_is_lent_by_who_does_not_borrow() {
    let cluster = Cluster::new(json!({"pools": [{"cidr": "10.9.0.0/26"}]}));
    cluster.node("host01").add("a");
    let mut ipam = cluster.ipam.clone();
    ipam["borrow"] = json!(true);
    let borrower = Cluster {
        dir: cluster.dir,
        ipam,
    };
    let node = borrower.node("host02");
    assert!(node.try_add("b").is_err());
    assert!(!borrower.ledger("host02").exists());
}

#[test]
fn a_particular_address_can_be_borrowed() {
    let cluster = lending("10.9.0.0/26", 26);
    let (one, two) = (cluster.node("host01"), cluster.node("host02"));
    let own = one.add("a");
    two.ask("b", "10.9.0.60").unwrap();
    two.check("b", &[ip("10.9.0.60")]).unwrap();
    let error = one.ask("c", "10.9.0.60").unwrap_err().to_string();
    assert!(
        error.contains("b on node host02 has borrowed it"),
        "{error}"
    );
    let error = two.ask("c", &own.to_string()).unwrap_err().to_string();
    assert!(error.contains("does not lend it"), "{error}");
    assert_eq!(two.records(), 1);
    two.del("b");
    assert!(two.check("b", &[ip("10.9.0.60")]).is_err());
    one.ask("c", "10.9.0.60").unwrap();
}

#[test]
fn garbage_collection_returns_loans_and_lends_again_what_is_not_needed() {
    let cluster = lending("10.9.0.0/26", 26);
    let (mut one, mut two) = (cluster.node("host01"), cluster.node("host02"));
    for n in 0..40 {
        one.add(&format!("a{n}"));
    }
    assert!(claim(&cluster).granted >= 40);
    two.add("b");
    two.gc(&[]);
    assert_eq!(claim(&cluster).lent_in_use().count(), 0);
    (one.now, two.now) = (5000, 5000);
    one.gc(&["a0"]);
    one.now += 60;
    one.gc(&["a0"]);
    assert_eq!(claim(&cluster).granted, 16);
    assert_eq!(two.ask("b", "10.9.0.20").unwrap().addresses.len(), 1);
}

/// The plugin was killed after the loan and before its record.
#[test]
fn a_loan_without_a_record_is_found_by_del() {
    let cluster = lending("10.9.0.0/26", 26);
    let (one, two) = (cluster.node("host01"), cluster.node("host02"));
    one.add("a");
    two.add("b");
    let ledger = std::fs::read_to_string(cluster.ledger("host02")).unwrap();
    let lines: Vec<_> = ledger.lines().collect();
    assert!(lines[0].contains("borrowing") && lines[1].contains("borrowed") && lines.len() == 2);
    std::fs::write(cluster.ledger("host02"), format!("{}\n", lines[0])).unwrap();
    assert_eq!(claim(&cluster).lent_in_use().count(), 1);
    two.del("b");
    assert_eq!(claim(&cluster).lent_in_use().count(), 0);
    assert_eq!(two.records(), 0);
}

/// The store cannot be reached when a pod with a borrowed address ends.
#[test]
fn a_loan_that_cannot_be_returned_is_kept_for_later() {
    let cluster = Cluster::new(json!({"borrow": true, "pools": [
        {"cidr": "10.9.0.0/26"}, {"cidr": "fd00::/120"},
    ]}));
    let (one, two) = (cluster.node("host01"), cluster.node("host02"));
    one.add("a");
    let addresses = two.try_add("b").unwrap();
    let hidden = cluster.path().join("hidden");
    std::fs::rename(cluster.path().join("store"), &hidden).unwrap();
    let error = release(&two.config.place, &attachment("b"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("store does not exist"), "{error}");
    std::fs::rename(&hidden, cluster.path().join("store")).unwrap();
    // The IPv6 address of its own is free all the same.
    assert!(two.ask("c", &addresses[1].to_string()).is_ok());
    let claims = || {
        let taken = claimed(&cluster.store(), "net").unwrap();
        taken
            .into_iter()
            .map(|t| t.claim.unwrap().lent_in_use().count())
            .sum::<usize>()
    };
    let before = claims();
    two.gc(&["c"]);
    assert_eq!(claims(), before - 1);
    assert_eq!(two.records(), 1);
}

#[test]
fn the_blocks_of_a_removed_node_are_free_but_for_what_is_lent() {
    let cluster = lending("10.9.0.0/26", 26);
    let (one, two) = (cluster.node("host01"), cluster.node("host02"));
    one.add("a");
    let lent = two.add("b");
    let store = cluster.store();
    assert_eq!(remove_node(&store, "net", "host01").unwrap().len(), 1);
    assert_eq!(claim(&cluster).node, None);
    // Another node takes it over, and leaves alone what is lent.
    let three = cluster.node("host03");
    let given: BTreeSet<_> = (0..63).map(|n| three.add(&format!("c{n}"))).collect();
    assert!(given.len() == 63 && !given.contains(&lent));
    assert!(three.try_add("more").is_err());
    assert_eq!(claim(&cluster).node.as_deref(), Some("host03"));
    // A borrower that is removed has borrowed nothing any more, and the last one takes the block along.
    remove_node(&store, "net", "host03").unwrap();
    remove_node(&store, "net", "host02").unwrap();
    assert_eq!(store.list(&crate::store::Prefix::Blocks).unwrap(), []);
}
