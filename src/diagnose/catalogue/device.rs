//! Pairs, bridges and their ports.

use super::super::Severity::{Fault, Warning};
use super::{Entry, Family};

pub(super) const FAMILY: Family = Family {
    name: "devices and bridges",
    entries: &[
        Entry {
            id: "pod-device-down",
            severity: Fault,
            title: "the pod's device is down",
            mechanism: "A device that is down neither sends nor receives, and the kernel takes away its routes when \
                 it goes down. They do not come back by themselves.",
            show: "ip link show eth0 (in the pod)",
            fix: "ip link set eth0 up (in the pod), and its routes again; or delete the pod",
        },
        Entry {
            id: "pod-device-missing",
            severity: Fault,
            title: "the device that a network made in the pod is gone",
            mechanism: "Deleting either end of a pair deletes both, with their addresses and routes. The pod goes on \
                 without the network; nothing makes the pair anew.",
            show: "ip link (in the pod)",
            fix: "Delete the pod, so that its network is set up again.",
        },
        Entry {
            id: "host-veth-down",
            severity: Fault,
            title: "the node's end of the pod's pair is down",
            mechanism: "When one end of a pair is down, the other has no carrier: nothing passes in either \
                 direction, and the routes to the pod are gone from the node's table.",
            show: "ip link show HOST_DEVICE",
            fix: "ip link set HOST_DEVICE up, and the route to the pod again",
        },
        Entry {
            id: "veth-without-peer",
            severity: Warning,
            title: "the other end of a pair is in a namespace that nothing leads to",
            mechanism: "A namespace lives as long as a process, a path or a descriptor holds it. When a runtime \
                 loses it without deleting the pair, the node's end stays behind.",
            show: "ip -d link show HOST_DEVICE",
            fix: "ip link delete HOST_DEVICE",
        },
        Entry {
            id: "bridge-port-down",
            severity: Fault,
            title: "a port of the bridge is down",
            mechanism: "A bridge passes nothing to or from a port that is down (net/bridge/br_if.c).",
            show: "bridge link show dev PORT",
            fix: "ip link set PORT up",
        },
        Entry {
            id: "bridge-port-not-forwarding",
            severity: Fault,
            title: "a port of the bridge is not forwarding",
            mechanism: "Each port has a state: disabled, listening, learning, forwarding, blocking. Only a \
                 forwarding port passes frames (net/bridge/br_forward.c). Spanning tree sets it, or a \
                 program.",
            show: "bridge -d link show dev PORT",
            fix: "bridge link set dev PORT state 3",
        },
        Entry {
            id: "veth-not-in-bridge",
            severity: Fault,
            title: "the node's end of the pod's pair is not in its bridge",
            mechanism: "The pod's frames arrive on the node itself and not on the bridge. They are for nobody there: \
                 the gateway's address is the bridge's, and ARP for it is not answered.",
            show: "ip link show HOST_DEVICE\n\
                 bridge link",
            fix: "ip link set HOST_DEVICE master BRIDGE",
        },
        Entry {
            id: "veth-in-bridge",
            severity: Fault,
            title: "the node's end of a routed pod's pair is a bridge's port",
            mechanism: "The node has routes by the device, and answers the pod's ARP by it. As a bridge's port it hands \
                 all that comes in to the bridge (br_handle_frame, net/bridge/br_input.c): the node answers no \
                 ARP there, and forwards nothing for a device that it does not expect the pod behind.",
            show: "ip -d link show HOST_DEVICE\n\
                 ip route show dev HOST_DEVICE",
            fix: "ip link set HOST_DEVICE nomaster",
        },
        Entry {
            id: "bridge-down",
            severity: Fault,
            title: "the bridge is down",
            mechanism: "A bridge that is down passes nothing, not even between its own ports, and its address does \
                 not answer.",
            show: "ip link show BRIDGE",
            fix: "ip link set BRIDGE up",
        },
        Entry {
            id: "bridge-fdb-wrong",
            severity: Fault,
            title: "the bridge believes the MAC behind another port",
            mechanism: "A bridge sends a frame to the one port its table names for the MAC (net/bridge/br_fdb.c). A \
                 static entry does not age, and a sticky one does not move when the MAC speaks elsewhere.",
            show: "bridge fdb show br BRIDGE | grep MAC",
            fix: "bridge fdb del MAC dev PORT master",
        },
        Entry {
            id: "hairpin-off",
            severity: Fault,
            title: "hairpin is off on a port, unlike on all others",
            mechanism: "A frame does not leave a bridge by the port it came in by unless the port is in hairpin \
                 mode. A pod that calls its own service and is chosen as the endpoint gets no answer.",
            show: "bridge -d link show dev PORT",
            fix: "bridge link set dev PORT hairpin on",
        },
        Entry {
            id: "duplicate-mac",
            severity: Fault,
            title: "two pods on one bridge have one MAC",
            mechanism: "A bridge knows one port for a MAC: the one where it was last seen. The entry moves with \
                 every frame that either pod sends, and answers stray.",
            show: "bridge fdb show br BRIDGE | grep MAC",
            fix: "Give one of them another MAC, or delete that pod.",
        },
        Entry {
            id: "device-down",
            severity: Fault,
            title: "a device of the node is down",
            mechanism: "A device that is down neither sends nor receives, and routes by it are gone.",
            show: "ip link show DEVICE",
            fix: "ip link set DEVICE up, and the routes that went with it",
        },
        Entry {
            id: "device-without-carrier",
            severity: Fault,
            title: "a device has no carrier",
            mechanism: "The other end of the cable or of the pair is down or gone: nothing is sent.",
            show: "ip link show DEVICE",
            fix: "Bring up what is at the other end.",
        },
        Entry {
            id: "bridge-port-isolated",
            severity: Fault,
            title: "a bridge port is isolated",
            mechanism: "Frames do not pass between isolated ports of a bridge (net/bridge/br_forward.c).",
            show: "bridge -d link show dev PORT",
            fix: "bridge link set dev PORT isolated off",
        },
        Entry {
            id: "bridge-port-flood-off",
            severity: Fault,
            title: "a bridge port is kept out of flooding, and what is behind it is not known",
            mechanism: "A frame whose MAC no row of the bridge has leaves by the ports with `flood`, a broadcast by \
                 those with `bcast_flood`, an IPv6 neighbour's question by those with `mcast_flood` \
                 (br_flood, net/bridge/br_forward.c). Behind a port without them only those are heard whom \
                 the bridge has learned.",
            show: "bridge -d link show dev PORT",
            fix: "bridge link set dev PORT flood on bcast_flood on mcast_flood on learning on",
        },
        Entry {
            id: "bridge-port-not-in-vlan",
            severity: Fault,
            title: "a port of the bridge is not in the frame's VLAN",
            mechanism: "A bridge with vlan_filtering lets a frame in and out only by ports that are in its VLAN, and \
                 the bridge itself is one of them (net/bridge/br_vlan.c). The VLAN is that of the tag, else \
                 the PVID of the port where it came in. Ports in different VLANs do not reach each other, \
                 which may be what is wanted.",
            show: "bridge vlan show dev PORT",
            fix: "bridge vlan add dev PORT vid VLAN pvid untagged\n\
                 bridge vlan add dev TRUNK vid VLAN\n\
                 bridge vlan add dev BRIDGE vid VLAN self",
        },
        Entry {
            id: "bridge-port-without-pvid",
            severity: Fault,
            title: "untagged frames come in by a bridge port that has no PVID",
            mechanism: "A bridge with vlan_filtering puts untagged frames into the VLAN that is the PVID of the port \
                 where they come in, and throws them away where there is none (net/bridge/br_vlan.c, \
                 br_allowed_ingress).",
            show: "bridge vlan show dev PORT",
            fix: "bridge vlan add dev PORT vid VLAN pvid untagged",
        },
        Entry {
            id: "vlan-device-missing",
            severity: Fault,
            title: "a tagged frame arrives where no VLAN device takes it",
            mechanism: "A frame with a tag is handed to the VLAN device of that number on the device where it \
                 arrives. Without one it is nobody's (net/core/dev.c, net/8021q/vlan_core.c). Either the \
                 device is missing, or the port of the bridge should take the tag off.",
            show: "ip -d link show type vlan\n\
                 bridge vlan show",
            fix: "ip link add link DEVICE name DEVICE.VLAN up type vlan id VLAN\n\
                 bridge vlan add dev PORT vid VLAN pvid untagged",
        },
    ],
};
