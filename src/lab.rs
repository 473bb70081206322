//! A whole multi-node pod network on one machine, in a second and without a trace.
//!
//! ```text
//! lab ─┬─ switch   a bridge a subnet; nothing leads out of it
//!      ├─ router   joins the subnets, if there are several
//!      └─ host01…  agent, plugins, /etc/cni/net.d, /run/netns ── pods: a netns and a pause process
//! ```
//!
//! Each machine is a process with network, mount, PID, UTS and IPC namespaces of its own. Nothing is made in
//! the namespaces of the caller: no link, no mount, no `/run/netns` entry. Nodes run the real agent and the
//! real plugins, as a runtime would.
//!
//! | file | answers |
//! |---|---|
//! | [`topology`], [`profile`] | what a lab is to consist of |
//! | [`state`] | what it consists of, and who may change it |
//! | [`process`], [`namespaces`], [`privilege`] | how its processes are named, entered and allowed |
//! | [`handshake`], [`inside`], [`files`] | how a machine comes to life |
//! | [`cables`] | how the machines are connected |
//! | [`node`], [`sandbox`], [`runtime`] | what runs on a node: its agent, its pods and their plugins |
//! | [`mod@up`], [`mod@down`], [`pod`], [`exec`] | the commands |
//! | [`fault`] | breaking it on purpose, and healing it |

pub mod cables;
pub mod directory;
pub mod down;
pub mod exec;
pub mod fault;
pub mod files;
pub mod handshake;
pub mod hosts;
pub mod inside;
pub mod interrupt;
pub mod namespaces;
pub mod node;
pub mod pod;
pub mod privilege;
pub mod process;
pub mod profile;
pub mod programs;
pub mod runtime;
pub mod sandbox;
pub mod state;
pub mod topology;
pub mod up;

pub use directory::{Directory, Labs};
pub use profile::Profile;
pub use state::State;
pub use topology::Topology;

use crate::error::{Error, Result};

/// Puts this process where it can reach the lab's machines: into the user namespace of a lab that an ordinary
/// user made. Must be called while the process has one thread.
///
/// # Errors
/// When the lab does not run any more, or belongs to another user.
pub fn enter(state: &State) -> Result<()> {
    // Plugins look for programs of the system, such as iptables.
    // SAFETY: no other thread can read the environment meanwhile, for there is none.
    unsafe { std::env::set_var("PATH", programs::search_path()) };
    if !state.user_namespace {
        return Ok(());
    }
    let lost = || Error::failed(format!("lab {} does not run any more", state.name));
    let switch = state.machines.first().ok_or_else(lost)?;
    let switch = switch
        .process
        .hold()
        .map_err(|e| lost().caused_by(e))?
        .ok_or_else(lost)?;
    privilege::enter_user_namespace(&switch)
}
