//! What may be typed. The only place that knows clap: each file below turns the words of one command
//! into a plain request for [`crate::command`].

mod agent;
mod bench;
mod capture;
mod cni;
mod decode;
mod explain;
mod kubernetes;
mod lab;
mod mtu;
mod pod;
mod snapshot;
mod source;
mod trace;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::command::{self, Context};
use crate::error::{Error, Outcome, Result};
use crate::render::style::{Style, When};

/// See, trace and run Kubernetes pod networks.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// When to colour: auto (on a terminal, unless NO_COLOR is set), always, never
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub color: When,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything about a pod: sandbox, namespace, processes, the pair drawn from both ends, routes
    Pod(Box<pod::Pod>),
    /// List the pods of a node with their devices
    Pods(Box<pod::Pods>),
    /// Follow a packet from one pod to another, device by device, and say what breaks it
    Trace(Box<trace::Trace>),
    /// Say what the overlay costs: round trips, TCP and packets a second between pods, beside their nodes
    ///
    /// A small sender and receiver run inside the namespaces of both ends for --seconds each, at most at --rate.
    /// Nothing is left behind.
    Bench(Box<bench::Bench>),
    /// Show how large a packet may be on its way, and what the numbers are made of
    Mtu(Box<mtu::Mtu>),
    /// Say what is wrong on each node, and between them
    Check(Box<snapshot::Check>),
    /// Save everything that decides where packets go
    Snapshot(Box<snapshot::Snapshot>),
    /// Say what changed between two snapshots, or since one
    Diff(Box<snapshot::Diff>),
    /// Say what a finding means: what the kernel does, how to see it by hand, how to mend it
    Explain(explain::Explain),
    /// The far side of a conversation with a node
    #[command(hide = true)]
    Node(snapshot::Node),
    /// Make and use a whole multi-node pod network on this machine
    Lab(lab::Lab),
    /// Capture on this node, in any network namespace
    ///
    /// Prints as decode does, or writes a file. Never puts a device into promiscuous mode, and gives up
    /// all rights once the sockets are open. Ctrl-C ends it with the counters.
    Capture(Box<capture::Capture>),
    /// Read captures: print packets, pair pings, sum up flows
    ///
    /// Files are pcap or pcapng, also inside gzip, zstd or xz; several are merged by time; `-` is standard
    /// input. A filter is a pcap-filter(7) expression and stands behind `--`, or, tcpdump's way, behind
    /// `-r FILE`.
    Decode(Box<decode::Decode>),
    /// Keep this node in a pod network: devices, routes, neighbours, forwarding entries
    Agent(agent::Arguments),
    /// Drive the CNI configurations and plugins of this node as a runtime would
    Cni(Box<cni::Cni>),
    /// Print the completion script of a shell
    Completion {
        /// The shell
        shell: command::completion::Target,
    },
    /// What could come next, for kubectl_complete-ovl
    #[command(name = "__complete", hide = true)]
    Complete {
        /// The words so far; the last is to be completed
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

/// Parses `args`, runs the command, reports its error on standard error, and says how to exit.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(code) = crate::lab::inside::run_if_asked(&args) {
        return code;
    }
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) => {
            let outcome = if error.use_stderr() {
                Outcome::Usage
            } else {
                Outcome::Healthy
            };
            // A reader that went away is not an error of ours.
            let _ = error.print();
            return outcome.into();
        }
    };
    let when = cli.color;
    let stdout = io::stdout();
    let mut out = BufWriter::with_capacity(64 * 1024, stdout.lock());
    let mut context = Context {
        out: &mut out,
        style: Style::for_stdout(when),
    };
    let result = run(cli, &program_name(&args), &mut context)
        .and_then(|outcome| Ok(out.flush().map(|()| outcome)?));
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) if is_broken_pipe(&error) => Outcome::Healthy.into(),
        Err(error) => {
            report(&error, Style::for_stderr(when));
            error.outcome().into()
        }
    }
}

/// The command tree, with help that speaks as the program was called: `ovl` or `kubectl ovl`.
pub fn command_named(name: &str) -> clap::Command {
    let command = Cli::command().name("ovl");
    if name == "kubectl-ovl" {
        command.bin_name("kubectl ovl").display_name("kubectl ovl")
    } else {
        command.bin_name("ovl")
    }
}

fn parse(args: &[OsString]) -> std::result::Result<Cli, clap::Error> {
    let mut command = command_named(&program_name(args));
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The last component of `argv[0]`.
fn program_name(args: &[OsString]) -> String {
    args.first()
        .and_then(|arg| Path::new(arg).file_name())
        .map_or_else(
            || "ovl".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
}

fn run(cli: Cli, program: &str, context: &mut Context<'_>) -> Result<Outcome> {
    match cli.command {
        Command::Pod(pod) => command::pod::run(&pod.into_request()?, context),
        Command::Pods(pods) => command::pods::run(&pods.into_request()?, context),
        Command::Bench(bench) => command::bench::run(&bench.into_request()?, context),
        Command::Trace(trace) => command::trace::run(&trace.into_request()?, context),
        Command::Mtu(mtu) => command::mtu::run(&mtu.into_request()?, context),
        Command::Check(check) => command::check::run(&check.into_request()?, context),
        Command::Snapshot(snapshot) => command::snapshot::run(&snapshot.into_request()?, context),
        Command::Diff(diff) => command::diff::run(&diff.into_request()?, context),
        Command::Explain(explain) => command::explain::run(&explain.into_request(), context),
        Command::Node(node) => match node.action {
            snapshot::NodeAction::Serve => command::node::serve(context),
        },
        Command::Lab(lab) => command::lab::run(lab.into_request()?, context),
        Command::Capture(capture) => command::capture::run(&capture.into_request()?, context),
        Command::Decode(decode) => command::decode::run(&decode.into_request()?, context),
        Command::Agent(arguments) => command::agent::run(&arguments.request()),
        Command::Cni(words) => command::cni::run(words.into_request()?, context),
        Command::Completion { shell } => {
            command::completion::run(shell, command_named(program), program, context.out)
        }
        Command::Complete { words } => {
            command::completion::complete(words, command_named("ovl"), context.out)
        }
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if cause
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
        {
            return true;
        }
        source = cause.source();
    }
    false
}

fn report(error: &Error, style: Style) {
    let mut message = format!("{} {}", style.bad("error:"), error.with_cause());
    message.push('\n');
    if let Some(advice) = error.advice() {
        message.push_str(&format!("{} {advice}\n", style.aside("try:")));
    }
    // Standard error is the last resort; when it is gone, so is the message.
    let _ = io::stderr().write_all(message.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        command_named("ovl").debug_assert();
    }

    #[test]
    fn help_speaks_as_it_was_called() {
        let help = |name| command_named(name).render_help().to_string();
        assert!(help("ovl").contains("Usage: ovl "));
        assert!(help("kubectl-ovl").contains("Usage: kubectl ovl "));
    }
}
