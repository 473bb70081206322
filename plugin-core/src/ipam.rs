//! Address management: a pool is split into blocks, a node claims blocks in the shared store, and pods get
//! addresses from their node's blocks.

mod claim;
mod pool;
mod time;

pub use claim::{Claim, Claimed, Loan, claimed};
pub use pool::{Block, Family, Gateway, Layout, Pool, Reserved};
pub use time::Seconds;
