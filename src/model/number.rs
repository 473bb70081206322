//! Numbers that mean something.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
    };
}

number! {
    /// A network device's index. It means nothing without its network namespace.
    IfIndex(u32)
}

number! {
    /// A network namespace of this boot, by the inode number of its file in nsfs (what
    /// `readlink /proc/PID/ns/net` shows).
    NetnsId(u64)
}

number! {
    /// A namespace as another namespace calls it (`link-netnsid`). Only that other one understands it.
    Nsid(i32)
}

number! {
    /// A VXLAN network identifier, 24 bits.
    Vni(u32)
}

number! {
    /// A routing table.
    TableId(u32)
}

impl TableId {
    /// Where addresses of the node itself are (`RT_TABLE_LOCAL`).
    pub const LOCAL: Self = Self(255);
    /// Where routes go unless said otherwise (`RT_TABLE_MAIN`).
    pub const MAIN: Self = Self(254);
    /// The last that is looked at (`RT_TABLE_DEFAULT`).
    pub const DEFAULT: Self = Self(253);

    /// The name that iproute2 knows, if it has one.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::LOCAL => Some("local"),
            Self::MAIN => Some("main"),
            Self::DEFAULT => Some("default"),
            _ => None,
        }
    }
}
