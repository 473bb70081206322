//! The store as a directory, shared by the nodes: a bind mount in a lab, NFS or one machine elsewhere.
//!
//! A value is written to a file in `.staging/`, flushed, and given its name in one step: by link(2),
//! which fails when the name exists, or by rename(2). Changes are made under an exclusive flock of
//! `.lock`, which makes compare-and-swap one step and lets the next writer sweep what a killed one left in
//! `.staging/`. Creating does not depend on the lock: two creators can never both succeed, even where
//! flock is not honoured. Readers take no lock.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Entry, Error, Key, Prefix, Revision, Store};

/// Longest file name of the file systems in use (NAME_MAX of ext4, XFS, Btrfs, tmpfs, NFS).
const NAME_MAX: usize = 255;

/// A [`Store`] in a directory.
#[derive(Debug, Clone)]
pub struct DirStore {
    root: PathBuf,
}

impl DirStore {
    /// Uses the store in `root`, which must exist.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        match fs::metadata(&root) {
            Ok(found) if found.is_dir() => Ok(Self { root }),
            Ok(_) => Err(io_error(
                "use as a store:",
                &root,
                io::Error::from(io::ErrorKind::NotADirectory),
            )),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Missing(root)),
            Err(error) => Err(io_error("open the store", &root, error)),
        }
    }

    /// Uses the store in `root` and makes the directory if needed. For whoever sets a network up; a
    /// plugin uses [`DirStore::open`].
    pub fn create_at(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(|e| io_error("create the store", &root, e))?;
        Self::open(root)
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, key: &Key) -> Result<PathBuf, Error> {
        let relative = key.path();
        let name = match key {
            Key::Node(name) | Key::Block { network: name, .. } => name,
        };
        let refuse = |cause| {
            Err(Error::Name {
                name: name.clone(),
                cause,
            })
        };
        if name.is_empty() {
            return refuse("it is empty");
        }
        if relative
            .components()
            .any(|c| c.as_os_str().len() > NAME_MAX)
        {
            return refuse("it is longer than a file name can be");
        }
        Ok(self.root.join(relative))
    }

    /// Excludes other writers until the file is dropped.
    fn lock(&self) -> Result<File, Error> {
        let path = self.root.join(".lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(&path)
            .map_err(|e| io_error("open", &path, e))?;
        file.lock().map_err(|e| io_error("lock", &path, e))?;
        Ok(file)
    }

    /// Writes `value` to a file without a name that anybody looks for. Call with the lock held.
    fn stage(&self, value: &[u8]) -> Result<Staged, Error> {
        let dir = self.root.join(".staging");
        make_dir(&dir)?;
        for leftover in read_dir(&dir)? {
            // Whoever wrote it was killed: writers hold the lock.
            let path = leftover.path();
            fs::remove_file(&path).map_err(|e| io_error("remove", &path, e))?;
        }
        let staged = Staged(dir.join(format!("{}", std::process::id())));
        let path = &staged.0;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path)
            .map_err(|e| io_error("create", path, e))?;
        file.write_all(value)
            .and_then(|()| file.sync_all())
            .map_err(|e| io_error("write", path, e))?;
        Ok(staged)
    }

    fn read(&self, key: &Key, path: &Path) -> Result<Option<Entry>, Error> {
        match fs::read(path) {
            Ok(value) => Ok(Some(Entry {
                key: key.clone(),
                revision: revision(&value),
                value,
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", path, error)),
        }
    }

    fn check_unchanged(&self, key: &Key, path: &Path, seen: &Revision) -> Result<(), Error> {
        match self.read(key, path)? {
            Some(entry) if entry.revision == *seen => Ok(()),
            _ => Err(Error::Changed(self.locate(key))),
        }
    }

    /// The values below `dir`, a path relative to the root, and below its directories.
    fn collect(&self, dir: &Path, into: &mut Vec<Entry>) -> Result<(), Error> {
        for found in read_dir(&self.root.join(dir))? {
            let relative = dir.join(found.file_name());
            if let Some(key) = Key::of_path(&relative) {
                // A value that went away since the directory was read is simply not there.
                into.extend(self.read(&key, &found.path())?);
            } else if found.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.collect(&relative, into)?;
            }
        }
        Ok(())
    }
}

impl Store for DirStore {
    fn create(&self, key: &Key, value: &[u8]) -> Result<Revision, Error> {
        let path = self.path(key)?;
        if path.exists() {
            // The usual end of a lost race, without a flush.
            return Err(Error::Exists(self.locate(key)));
        }
        let _lock = self.lock()?;
        let parent = make_parent(&self.root, &path)?;
        let staged = self.stage(value)?;
        match fs::hard_link(&staged.0, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::Exists(self.locate(key)));
            }
            Err(error) => return Err(io_error("create", &path, error)),
        }
        sync_dir(parent)?;
        Ok(revision(value))
    }

    fn get(&self, key: &Key) -> Result<Option<Entry>, Error> {
        self.read(key, &self.path(key)?)
    }

    fn list(&self, prefix: &Prefix) -> Result<Vec<Entry>, Error> {
        let dir = match prefix {
            Prefix::Nodes => PathBuf::from("nodes"),
            Prefix::Blocks => PathBuf::from("blocks"),
            Prefix::BlocksOf(network) => Path::new("blocks").join(super::name::escape(network)),
        };
        let mut entries = Vec::new();
        self.collect(&dir, &mut entries)?;
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    fn replace(&self, key: &Key, value: &[u8], seen: &Revision) -> Result<Revision, Error> {
        let path = self.path(key)?;
        let _lock = self.lock()?;
        self.check_unchanged(key, &path, seen)?;
        let staged = self.stage(value)?;
        fs::rename(&staged.0, &path).map_err(|e| io_error("replace", &path, e))?;
        sync_dir(path.parent().unwrap_or(&self.root))?;
        Ok(revision(value))
    }

    fn delete(&self, key: &Key, seen: &Revision) -> Result<(), Error> {
        let path = self.path(key)?;
        let _lock = self.lock()?;
        self.check_unchanged(key, &path, seen)?;
        fs::remove_file(&path).map_err(|e| io_error("remove", &path, e))?;
        sync_dir(path.parent().unwrap_or(&self.root))
    }

    fn locate(&self, key: &Key) -> String {
        self.root.join(key.path()).display().to_string()
    }
}

/// A file in `.staging/`, gone when dropped unless it was renamed.
struct Staged(PathBuf);

impl Drop for Staged {
    fn drop(&mut self) {
        // Not there after a rename; whatever else is wrong, the next writer sweeps.
        let _ = fs::remove_file(&self.0);
    }
}

/// A value is its own revision: going back to the same value is no change to anybody who depends on it.
fn revision(value: &[u8]) -> Revision {
    Revision(sha1_smol::Sha1::from(value).digest().to_string())
}

/// What is in `dir`; nothing if it does not exist.
fn read_dir(dir: &Path) -> Result<Vec<fs::DirEntry>, Error> {
    match fs::read_dir(dir) {
        Ok(found) => found
            .collect::<Result<_, _>>()
            .map_err(|e| io_error("list", dir, e)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(io_error("list", dir, error)),
    }
}

/// Makes the directories between `root` and `path`, which last as long as what is put in them.
fn make_parent<'a>(root: &Path, path: &'a Path) -> Result<&'a Path, Error> {
    let parent = path.parent().unwrap_or(path);
    if parent != root && !parent.is_dir() {
        let above = make_parent(root, parent)?;
        make_dir(parent)?;
        sync_dir(above)?;
    }
    Ok(parent)
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    match fs::create_dir(dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error("create", dir, error)),
    }
}

/// Makes the names in `dir` durable.
fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(|e| io_error("flush", dir, e))
}

fn io_error(doing: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io {
        doing,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn node(name: &str) -> Key {
        Key::Node(name.into())
    }

    fn block(network: &str, cidr: &str) -> Key {
        Key::Block {
            network: network.into(),
            cidr: cidr.parse().unwrap(),
        }
    }

    fn store() -> (tempfile::TempDir, DirStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = DirStore::open(dir.path()).unwrap();
        (dir, store)
    }

    fn keys(store: &DirStore, prefix: &Prefix) -> Vec<Key> {
        store
            .list(prefix)
            .unwrap()
            .into_iter()
            .map(|e| e.key)
            .collect()
    }

    #[test]
    fn what_is_created_is_read_back_once() {
        let (_dir, store) = store();
        let key = block("net", "172.31.0.64/26");
        assert_eq!(store.get(&key).unwrap(), None);
        let revision = store.create(&key, b"one").unwrap();
        let entry = store.get(&key).unwrap().unwrap();
        assert_eq!(
            (entry.value.as_slice(), &entry.revision),
            (b"one".as_slice(), &revision)
        );
        assert!(matches!(store.create(&key, b"two"), Err(Error::Exists(_))));
        assert_eq!(store.get(&key).unwrap().unwrap().value, b"one");
    }

    #[test]
    fn a_change_needs_the_value_it_is_based_on() {
        let (_dir, store) = store();
        let key = node("host01");
        let first = store.create(&key, b"1").unwrap();
        let second = store.replace(&key, b"2", &first).unwrap();
        assert!(matches!(
            store.replace(&key, b"3", &first),
            Err(Error::Changed(_))
        ));
        assert!(matches!(store.delete(&key, &first), Err(Error::Changed(_))));
        assert_eq!(store.get(&key).unwrap().unwrap().value, b"2");
        store.delete(&key, &second).unwrap();
        assert_eq!(store.get(&key).unwrap(), None);
        assert!(matches!(
            store.replace(&key, b"4", &second),
            Err(Error::Changed(_))
        ));
        assert!(matches!(
            store.delete(&key, &second),
            Err(Error::Changed(_))
        ));
    }

    #[test]
    fn a_listing_holds_values_only() {
        let (dir, store) = store();
        for key in [
            node("host02"),
            node("host01"),
            block("a", "10.0.0.64/26"),
            block("a", "10.0.0.0/26"),
            block("b", "fd00::/122"),
        ] {
            store.create(&key, b"x").unwrap();
        }
        fs::write(dir.path().join("nodes/.swp"), "").unwrap();
        fs::write(dir.path().join("blocks/a/10.0.0.0-26~"), "").unwrap();
        fs::create_dir(dir.path().join("lost+found")).unwrap();
        assert_eq!(
            keys(&store, &Prefix::Nodes),
            [node("host01"), node("host02")]
        );
        let of_a = [block("a", "10.0.0.0/26"), block("a", "10.0.0.64/26")];
        assert_eq!(keys(&store, &Prefix::BlocksOf("a".into())), of_a);
        assert_eq!(keys(&store, &Prefix::Blocks).len(), 3);
        assert_eq!(keys(&store, &Prefix::BlocksOf("c".into())), []);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let outer = tempfile::tempdir().unwrap();
        let store = DirStore::create_at(outer.path().join("store")).unwrap();
        for name in ["..", "../../x", "/etc/x", ".lock", "a/b", "nul\0"] {
            for key in [node(name), block(name, "10.0.0.0/26")] {
                store.create(&key, b"x").unwrap();
                assert_eq!(Key::of_path(&key.path()), Some(key.clone()));
                assert!(store.get(&key).unwrap().is_some());
            }
        }
        let outside: Vec<_> = fs::read_dir(outer.path()).unwrap().collect();
        assert_eq!(outside.len(), 1);
        assert!(matches!(
            store.create(&node(""), b"x"),
            Err(Error::Name { .. })
        ));
        assert!(matches!(
            store.create(&node(&"x".repeat(300)), b"x"),
            Err(Error::Name { .. })
        ));
    }

    #[test]
    fn a_missing_directory_is_not_created_on_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("absent");
        let error = DirStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("absent does not exist"), "{error}");
        assert!(!path.exists());
        fs::write(&path, "").unwrap();
        let error = DirStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("absent"), "{error}");
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_and_never_seen() {
        let (dir, store) = store();
        fs::create_dir(dir.path().join(".staging")).unwrap();
        fs::write(dir.path().join(".staging/4711"), "half a val").unwrap();
        assert_eq!(keys(&store, &Prefix::Blocks), []);
        store.create(&node("host01"), b"x").unwrap();
        assert_eq!(
            fs::read_dir(dir.path().join(".staging")).unwrap().count(),
            0
        );
    }

    #[test]
    fn one_of_many_creators_wins() {
        let (_dir, store) = store();
        for round in 0..20 {
            let key = node(&format!("round{round}"));
            let barrier = Barrier::new(8);
            let won: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|n| {
                        let (store, key, barrier) = (&store, &key, &barrier);
                        scope.spawn(move || {
                            barrier.wait();
                            usize::from(store.create(key, format!("{n}").as_bytes()).is_ok())
                        })
                    })
                    .collect();
                threads.into_iter().map(|t| t.join().unwrap()).sum()
            });
            assert_eq!(won, 1);
        }
    }

    #[test]
    fn no_increment_is_lost_by_compare_and_swap() {
        let (_dir, store) = store();
        let key = node("counter");
        store.create(&key, b"0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut done = 0;
                    while done < 10 {
                        let seen = store.get(&key).unwrap().unwrap();
                        let count: u32 = String::from_utf8(seen.value).unwrap().parse().unwrap();
                        let next = (count + 1).to_string();
                        match store.replace(&key, next.as_bytes(), &seen.revision) {
                            Ok(_) => done += 1,
                            Err(Error::Changed(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        assert_eq!(store.get(&key).unwrap().unwrap().value, b"40");
    }
}
