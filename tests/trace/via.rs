//! A lab's nodes as those of any cluster are reached: by a program that is run for each.

use super::support::OVL;
use super::support::lab::Lab;

/// A `--via` that reads the lab's nodes by a script. For `node` it does `instead`, a line of the shell, in which
/// `serve NODE WORDS…` reads a node as for the others, by a program behind these words.
pub fn via(lab: &Lab, node: &str, instead: &str) -> String {
    let script = lab.path("via.sh");
    let text = format!(
        "export OVL_LAB_DIR={}\n\
         serve() {{ node=$1; shift; exec {OVL} lab {} exec \"$node\" -- \"$@\" ovl node serve; }}\n\
         case $1 in {node}) {instead} ;; *) serve \"$1\" ;; esac\n",
        lab.root().display(),
        lab.here()
    );
    std::fs::write(&script, text).unwrap();
    format!("--via=sh {} {{node}} node serve", script.display())
}

/// The pods by address, as the programs behind `--via` know no lab.
pub fn addresses(lab: &Lab) -> [String; 2] {
    let (trace, _) = lab.trace(&["pod1", "pod2", "--static", &lab.here()]);
    ["source", "destination"].map(|end| trace[end]["address"].as_str().unwrap().to_owned())
}
