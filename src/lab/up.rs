//! Making a lab: machines, cables, agents; and unmaking it when something fails on the way.

use std::fs;
use std::path::PathBuf;

use super::cables;
use super::directory::{Directory, Labs, Lock};
use super::down;
use super::files::MachineFiles;
use super::handshake::{Plan, Waiting};
use super::hosts;
use super::interrupt;
use super::node;
use super::privilege;
use super::process;
use super::profile::Profile;
use super::programs::Programs;
use super::state::{Machine, Phase, Role, SCHEMA, State};
use super::topology::{ROUTER, SWITCH, Topology};
use crate::error::{Error, Result};

/// What lab to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its name; by default that of the profile or of the file.
    pub name: Option<String>,
    /// What it is to consist of.
    pub source: Source,
}

/// Where the topology comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One of ours, with this many nodes.
    Profile(Profile, u8),
    /// A file.
    File(PathBuf),
}

impl Source {
    fn topology(&self) -> Result<Topology> {
        match self {
            Self::Profile(profile, nodes) => profile
                .topology(*nodes)
                .map_err(|e| Error::usage(e.to_string())),
            Self::File(path) => {
                let shown = path.display();
                let text = fs::read_to_string(path)
                    .map_err(|e| Error::usage(format!("cannot read {shown}")).caused_by(e))?;
                Topology::parse(&text).map_err(|e| Error::usage(format!("{shown}: {e}")))
            }
        }
    }

    /// What a lab is called that was given no name.
    fn name(&self) -> String {
        match self {
            Self::Profile(profile, _) => profile.name().to_owned(),
            Self::File(path) => path
                .file_stem()
                .map(|stem| stem.to_string_lossy().to_lowercase())
                .unwrap_or_default(),
        }
    }
}

/// Makes the lab. `progress` hears of what takes time or is worth a word. Must be called while the process
/// has one thread.
///
/// # Errors
/// When there is such a lab, or something of it cannot be made; nothing is left of it then.
pub fn up(request: &Request, progress: &mut dyn FnMut(&str)) -> Result<State> {
    let topology = request.source.topology()?;
    let programs = Programs::find()?;
    let labs = Labs::of_caller();
    let name = request
        .name
        .clone()
        .unwrap_or_else(|| request.source.name());
    clear_remains(&labs, &name, progress)?;
    let user_namespace = !privilege::is_sufficient();
    if user_namespace {
        privilege::make_user_namespace()?;
    }
    interrupt::listen();
    let boot = process::boot_id().map_err(|e| Error::failed("cannot read /proc").caused_by(e))?;
    let (directory, lock) = labs.create(&name)?;
    let mut builder = Builder {
        state: State {
            schema: SCHEMA.to_owned(),
            name,
            profile: match request.source {
                Source::Profile(profile, _) => Some(profile.name().to_owned()),
                Source::File(_) => None,
            },
            boot,
            user_namespace,
            phase: Phase::Starting,
            topology,
            machines: Vec::new(),
            pods: Vec::new(),
            faults: Vec::new(),
        },
        directory,
        lock,
        programs,
    };
    match builder.build(progress) {
        Ok(()) => Ok(builder.state),
        Err(error) => {
            let undone = down::take_apart(&builder.directory, &builder.lock, Some(&builder.state));
            if let Err(remains) = undone {
                progress(&format!(
                    "{remains}; ovl lab down --lab {} removes the rest",
                    builder.state.name
                ));
            }
            Err(error)
        }
    }
}

/// Removes what a lab of this name left that was killed while it was made, or whose machines are gone.
fn clear_remains(labs: &Labs, name: &str, progress: &mut dyn FnMut(&str)) -> Result<()> {
    let Some(directory) = labs.find(name)? else {
        return Ok(());
    };
    let Some(lock) = directory.try_lock(std::time::Duration::ZERO)? else {
        return Ok(());
    };
    let state = directory.read()?;
    if state
        .as_ref()
        .is_some_and(|state| state.phase == Phase::Up && state.is_alive())
    {
        return Err(
            Error::failed(format!("lab {name} is up already")).try_this(format!(
                "ovl lab down --lab {name}, or choose another name with --lab"
            )),
        );
    }
    progress(&format!("removing what is left of an earlier lab {name}"));
    down::take_apart(&directory, &lock, state.as_ref())
}

struct Builder {
    directory: Directory,
    lock: Lock,
    state: State,
    programs: Programs,
}

impl Builder {
    fn build(&mut self, progress: &mut dyn FnMut(&str)) -> Result<()> {
        self.save()?;
        self.prepare_files()?;
        self.start_machines()?;
        cables::lay(&self.state.topology, &self.state.machines)?;
        interrupt::check()?;
        node::start_agents(&self.directory, &self.state, progress)?;
        self.state.phase = Phase::Up;
        self.save()
    }

    fn save(&self) -> Result<()> {
        self.directory.write(&self.lock, &self.state)
    }

    fn prepare_files(&self) -> Result<()> {
        let shared = self.directory.shared();
        fs::create_dir_all(shared.join("store")).map_err(|e| {
            Error::failed(format!("cannot create {}", shared.display())).caused_by(e)
        })?;
        hosts::write(&self.directory, &self.state)
    }

    /// Starts all machines at once: each takes a while to make its mounts.
    fn start_machines(&mut self) -> Result<()> {
        let mut wanted = vec![(SWITCH.to_owned(), Role::Switch)];
        if self.state.topology.subnets.len() > 1 {
            wanted.push((ROUTER.to_owned(), Role::Router));
        }
        let nodes = self.state.topology.nodes.iter();
        wanted.extend(nodes.map(|node| (node.name.clone(), Role::Node)));
        let mut starting = Vec::new();
        for (name, role) in wanted {
            let failed =
                |e: std::io::Error| Error::failed(format!("cannot start {name}")).caused_by(e);
            let label = format!("{}/{name}", self.state.name);
            let mut machine = Waiting::machine(&label).map_err(failed)?;
            let plan = self.plan(&name, role);
            self.state.machines.push(Machine {
                name: name.clone(),
                role,
                process: machine.process(),
            });
            self.save()?;
            machine.send(&plan).map_err(failed)?;
            starting.push((name, machine, plan));
        }
        for (name, machine, plan) in starting {
            interrupt::check()?;
            machine
                .ready(&plan)
                .map_err(|e| Error::failed(format!("cannot start {name}")).caused_by(e))?;
        }
        Ok(())
    }

    fn plan(&self, name: &str, role: Role) -> Plan {
        Plan::Machine {
            host_name: name.to_owned(),
            files: (role == Role::Node).then(|| MachineFiles {
                root: self.directory.node_root(name),
                shared: self.directory.shared(),
                ovl: self.programs.ovl.clone(),
                ovl_cni: self.programs.ovl_cni.clone(),
            }),
        }
    }
}
