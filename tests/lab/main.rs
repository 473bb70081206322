//! Labs, end to end: the real program makes real networks of namespaces, and other tools (`ip`, `ping`, `tc`)
//! say whether they are what they should be.

#[cfg(test)]
mod cni;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod pods;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod standard_plugins;
#[cfg(test)]
#[allow(dead_code, reason = "shared with other programs of tests")]
#[path = "../support/support.rs"]
mod support;
#[cfg(test)]
mod topologies;
#[cfg(test)]
mod user;
