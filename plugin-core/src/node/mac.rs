//! The rules by which the Ethernet addresses of a node's own devices are made.

use crate::mac::Mac;

/// The address of a node's VXLAN device by Calico's rule: 0x66, then the first five octets of the
/// SHA-1 of the node's name. Stable over restarts, so peers need not relearn it.
pub fn of_vtep(node: &str) -> Mac {
    digest(0x66, node)
}

/// The address of a node's bridge. A bridge without one of its own takes the lowest of its ports' and
/// changes it as pods come and go, which breaks the pods' ARP entries for their gateway.
pub fn of_bridge(node: &str, bridge: &str) -> Mac {
    // 0x1a: locally administered, unicast.
    digest(0x1a, &format!("{node}/{bridge}"))
}

fn digest(first: u8, seed: &str) -> Mac {
    let [a, b, c, d, e, ..] = sha1_smol::Sha1::from(seed).digest().bytes();
    Mac([first, a, b, c, d, e])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vtep_has_calicos_address() {
        assert_eq!(of_vtep("host01").to_string(), "66:5a:18:78:e4:a8");
    }

    #[test]
    fn a_bridge_has_one_of_its_own_on_each_node() {
        assert_ne!(of_bridge("host01", "weave"), of_bridge("host02", "weave"));
        assert!(!of_bridge("host01", "weave").is_multicast());
    }
}
