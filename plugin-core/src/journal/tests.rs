//! Entries that are whole, cut off and of another boot.

use super::*;

fn owner(container: &str) -> Owner {
    Owner {
        network: "net".parse().unwrap(),
        attachment: Attachment {
            container_id: container.parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        },
    }
}

fn intent(container: &str) -> Intent {
    let undo = vec![
        Undo::DeleteLink {
            name: "cali9381c30abed".into(),
        },
        Undo::ReleaseAddresses {
            ipam: "ovl-ipam".into(),
        },
    ];
    Intent::new(owner(container), "/run/netns/pod".into(), undo).unwrap()
}

fn attached() -> Attached {
    let operation = Operation::SetAlias {
        link: "cali9381c30abed".into(),
        alias: "ovl:net/c/eth0".into(),
    };
    Attached {
        addresses: vec!["172.31.239.205/32".parse().unwrap()],
        operations: vec![operation],
    }
}

#[test]
fn an_entry_is_read_as_far_as_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path());
    let mut entry = journal.begin(&owner("c"), Busy::Refuse).unwrap();
    assert_eq!(entry.progress, Progress::None);
    entry.intend(intent("c")).unwrap();
    drop(entry);

    let mut entry = journal.find(&owner("c"), Busy::Refuse).unwrap().unwrap();
    assert_eq!(entry.progress, Progress::Begun(intent("c")));
    entry.attach(attached()).unwrap();
    drop(entry);

    let entry = journal.find(&owner("c"), Busy::Refuse).unwrap().unwrap();
    assert_eq!(entry.progress, Progress::Attached(intent("c"), attached()));
    assert_eq!(journal.owners(&owner("c").network).unwrap(), [owner("c")]);
    entry.remove().unwrap();
    assert!(journal.find(&owner("c"), Busy::Refuse).unwrap().is_none());
    assert!(journal.owners(&owner("c").network).unwrap().is_empty());
}

#[test]
fn a_line_that_was_cut_off_was_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path());
    journal
        .begin(&owner("c"), Busy::Refuse)
        .unwrap()
        .intend(intent("c"))
        .unwrap();
    let path = journal.path(&owner("c"));
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() - 1 {
        fs::write(&path, &whole[..length]).unwrap();
        let entry = journal.find(&owner("c"), Busy::Refuse).unwrap().unwrap();
        assert_eq!(entry.progress, Progress::None, "{length}");
    }
}

#[test]
fn one_process_at_a_time_works_on_an_attachment() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path());
    let first = journal.begin(&owner("c"), Busy::Refuse).unwrap();
    let second = journal.find(&owner("c"), Busy::Refuse);
    assert!(matches!(second, Err(Unavailable::Busy(_))));
    assert!(journal.begin(&owner("d"), Busy::Refuse).is_ok());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| journal.find(&owner("c"), Busy::Wait).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(20));
        first.remove().unwrap();
        assert!(
            waiting.join().unwrap().is_none(),
            "the removed entry was handed out"
        );
    });
}

#[test]
fn a_link_is_being_made_only_while_its_process_lives() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(dir.path());
    let mut entry = journal.begin(&owner("c"), Busy::Refuse).unwrap();
    entry.intend(intent("c")).unwrap();
    assert!(journal.is_being_made("cali9381c30abed", &owner("d")));
    assert!(!journal.is_being_made("cali9381c30abed", &owner("c")));
    assert!(!journal.is_being_made("calice0906292e2", &owner("d")));
    drop(entry);
    assert!(!journal.is_being_made("cali9381c30abed", &owner("d")));
}

#[test]
fn an_entry_of_another_boot_is_known() {
    let mut intent = intent("c");
    assert!(intent.is_of_this_boot());
    intent.boot = "f1d2d2f9-24e9-4e2b-9d1c-000000000000".into();
    assert!(!intent.is_of_this_boot());
}

#[test]
fn a_directory_that_cannot_be_written_says_so() {
    let journal = Journal::new(Path::new("/proc/self/ovl-none"));
    let error = Error::from(journal.begin(&owner("c"), Busy::Refuse).unwrap_err());
    assert_eq!(error.code, Code::State);
    assert!(
        error.msg.contains("/proc/self/ovl-none/journal/net/c@eth0"),
        "{error}"
    );
}
