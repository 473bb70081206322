//! The same program as `ovl`, under the name by which kubectl finds a plugin.

use std::process::ExitCode;

fn main() -> ExitCode {
    ovl::cli::main(std::env::args_os())
}
