//! States that are kept, changed and left behind.

use super::*;
use crate::lab::process::{self, Process};
use crate::lab::profile::Profile;
use crate::lab::state::{Machine, Role};

fn state(name: &str) -> State {
    State {
        schema: SCHEMA.into(),
        name: name.into(),
        profile: Some("calico".into()),
        boot: process::boot_id().unwrap(),
        user_namespace: false,
        phase: Phase::Up,
        topology: Profile::Calico.topology(3).unwrap(),
        machines: Vec::new(),
        pods: Vec::new(),
        faults: Vec::new(),
    }
}

#[test]
fn a_state_survives_its_file() {
    let root = tempfile::tempdir().unwrap();
    let labs = Labs {
        root: root.path().join("labs"),
    };
    assert!(labs.names().unwrap().is_empty());
    assert!(labs.choose(None).is_err());
    let (directory, lock) = labs.create("one").unwrap();
    assert_eq!(directory.read().unwrap(), None);
    directory.write(&lock, &state("one")).unwrap();
    assert_eq!(directory.read().unwrap(), Some(state("one")));
    assert_eq!(labs.names().unwrap(), ["one"]);
    assert_eq!(labs.choose(None).unwrap().name(), "one");
    assert!(labs.choose(Some("two")).is_err());
    labs.create("two").unwrap();
    assert!(
        labs.choose(None)
            .unwrap_err()
            .to_string()
            .contains("one, two")
    );
}

#[test]
fn a_lab_is_changed_by_one_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let labs = Labs {
        root: root.path().to_owned(),
    };
    let (directory, lock) = labs.create("one").unwrap();
    let error = directory.lock(Duration::from_millis(20)).unwrap_err();
    assert!(error.to_string().contains("another ovl"), "{error}");
    assert!(labs.create("one").is_err());
    drop(lock);
    let lock = directory.lock(Duration::ZERO).unwrap();
    fs::remove_dir_all(directory.path()).unwrap();
    drop(lock);
    let error = directory.lock(Duration::ZERO).unwrap_err();
    assert!(error.to_string().contains("taken down"), "{error}");
}

#[test]
fn a_name_cannot_lead_elsewhere() {
    let labs = Labs {
        root: "/nowhere".into(),
    };
    for name in ["..", "a/b", "", "."] {
        assert!(labs.find(name).is_err(), "{name}");
    }
}

#[test]
fn a_state_of_another_boot_is_dead() {
    let mut state = state("one");
    state.machines.push(Machine {
        name: "switch".into(),
        role: Role::Switch,
        process: Process::of(std::process::id()).unwrap(),
    });
    assert!(state.is_alive());
    state.boot = "another".into();
    assert!(!state.is_alive());
}
