//! `ovl-cni`: the multi-call plugin binary.

fn main() {}
