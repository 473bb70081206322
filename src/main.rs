//! Parses, runs, and maps the outcome to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ovl::cli::main(std::env::args_os())
}
