//! Which configuration of a directory a runtime uses, and why.
//!
//! containerd (go-cni, `loadFromConfDir`): all files named `*.conf`, `*.conflist` or `*.json`, sorted by
//! their whole names as octets, hidden ones included, directories not; the first one is the network. When the
//! first one is broken there is no network: the next is not tried.

use std::io;
use std::path::{Path, PathBuf};

use super::list::{self, ListError, NetworkList};

/// The extensions that count.
pub const EXTENSIONS: [&str; 3] = ["conf", "conflist", "json"];

/// A configuration directory as it was when it was read.
#[derive(Debug)]
pub struct Directory {
    /// Where it is.
    pub path: PathBuf,
    /// Its files that count, in the order in which a runtime takes them.
    pub candidates: Vec<Candidate>,
}

/// A file that could be the network.
#[derive(Debug)]
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// What it says, or what is wrong with it.
    pub list: Result<NetworkList, ListError>,
}

/// Why a directory gives no network.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The directory cannot be read.
    #[error("cannot read the CNI configuration directory {}: {source}", path.display())]
    Read {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not there, or holds no file that counts.
    #[error("there is no CNI configuration in {} (*.conf, *.conflist, *.json)", path.display())]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// The file that comes first is broken.
    #[error("the CNI configuration {} is broken, and it comes first: {cause}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// No file has a network of that name.
    #[error("there is no network {name} in {}{}", path.display(), unread(.broken))]
    NoSuchNetwork {
        /// The name asked for.
        name: String,
        /// The directory.
        path: PathBuf,
        /// Files that could not be read, in one of which it might be.
        broken: Vec<PathBuf>,
    },
}

fn unread(files: &[PathBuf]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let names: Vec<_> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    format!("; {} could not be read", names.join(", "))
}

impl Directory {
    /// Reads every file that counts. A directory that does not exist has none.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, DiscoveryError> {
        let path = path.into();
        let files = files_in_order(&path).map_err(|source| DiscoveryError::Read {
            path: path.clone(),
            source,
        })?;
        let candidates = files
            .into_iter()
            .map(|path| Candidate {
                list: NetworkList::from_file(&path),
                path,
            })
            .collect();
        Ok(Self { path, candidates })
    }

    /// The network a runtime uses: the first file's.
    ///
    /// # Errors
    /// When there is none, or the first file is broken.
    pub fn winner(&self) -> Result<(&Path, &NetworkList), DiscoveryError> {
        match self.candidates.first() {
            None => Err(DiscoveryError::Empty {
                path: self.path.clone(),
            }),
            Some(Candidate {
                path,
                list: Ok(list),
            }) => Ok((path, list)),
            Some(Candidate {
                path,
                list: Err(cause),
            }) => Err(DiscoveryError::Broken {
                path: path.clone(),
                cause: cause.to_string(),
            }),
        }
    }

    /// The first network of that name, wherever it stands.
    ///
    /// # Errors
    /// When there is none; broken files are named, for it may be in one of them.
    pub fn named(&self, name: &str) -> Result<(&Path, &NetworkList), DiscoveryError> {
        let readable = |candidate: &'_ Candidate| candidate.list.is_ok();
        self.candidates
            .iter()
            .filter_map(|candidate| Some((candidate.path.as_path(), candidate.list.as_ref().ok()?)))
            .find(|(_, list)| list.name.as_str() == name)
            .ok_or_else(|| DiscoveryError::NoSuchNetwork {
                name: name.to_owned(),
                path: self.path.clone(),
                broken: self
                    .candidates
                    .iter()
                    .filter(|candidate| !readable(candidate))
                    .map(|candidate| candidate.path.clone())
                    .collect(),
            })
    }
}

fn files_in_order(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    files.retain(|path| list::has_extension(path, &EXTENSIONS) && !list::is_directory(path));
    // A Path compares by component; within one directory that is by the octets of the name.
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const LIST: &str = r#"{"cniVersion":"1.0.0","name":"NAME","plugins":[{"type":"ptp"}]}"#;
    const SINGLE: &str = r#"{"cniVersion":"1.0.0","name":"NAME","type":"ptp"}"#;

    fn directory(files: &[(&str, &str)]) -> (TempDir, Directory) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(
                dir.path().join(name),
                text.replace("NAME", &name.replace(['.', '~'], "-")),
            )
            .unwrap();
        }
        let read = Directory::read(dir.path()).unwrap();
        (dir, read)
    }

    fn order(directory: &Directory) -> Vec<String> {
        let name = |c: &Candidate| c.path.file_name().unwrap().to_str().unwrap().to_owned();
        directory.candidates.iter().map(name).collect()
    }

    #[test]
    fn the_order_is_that_of_octets_over_all_extensions() {
        let (_dir, read) = directory(&[
            ("99-loopback.conf", SINGLE),
            ("10-calico.conflist", LIST),
            ("10-calico.conf", SINGLE),
            ("9-late.json", SINGLE),
            ("Z.json", SINGLE),
            ("a.json", SINGLE),
            ("README", "no"),
            ("00-first.conflist.bak", LIST),
            ("00-first.yaml", "no"),
        ]);
        assert_eq!(
            order(&read),
            [
                "10-calico.conf",
                "10-calico.conflist",
                "9-late.json",
                "99-loopback.conf",
                "Z.json",
                "a.json"
            ]
        );
        let (path, list) = read.winner().unwrap();
        assert!(path.ends_with("10-calico.conf"));
        assert_eq!(list.name.as_str(), "10-calico-conf");
    }

    #[test]
    fn a_broken_first_file_is_an_error_that_names_it() {
        let broken = [
            ("not JSON", "{"),
            ("a list in a .conf", LIST),
            ("no type", r#"{"cniVersion":"1.0.0","name":"x"}"#),
            (
                "unknown version",
                r#"{"cniVersion":"9.9.9","name":"x","type":"ptp"}"#,
            ),
            ("empty", ""),
        ];
        for (what, text) in broken {
            let (_dir, read) = directory(&[("10-broken.conf", text), ("20-good.conflist", LIST)]);
            let error = read.winner().unwrap_err();
            assert!(matches!(error, DiscoveryError::Broken { .. }), "{what}");
            assert!(
                error.to_string().contains("10-broken.conf"),
                "{what}: {error}"
            );
            assert!(read.candidates[1].list.is_ok());
        }
    }

    #[test]
    fn a_broken_later_file_does_not_matter() {
        let (_dir, read) = directory(&[("20-broken.conf", "{"), ("10-good.conflist", LIST)]);
        assert!(read.winner().is_ok());
    }

    #[test]
    fn hidden_files_count_and_directories_do_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("00-dir.conflist")).unwrap();
        std::fs::write(dir.path().join(".05-hidden.conf"), SINGLE).unwrap();
        std::fs::write(dir.path().join(".05-staged.conflist.tmp"), LIST).unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join("01-dangling.conf")).unwrap();
        let read = Directory::read(dir.path()).unwrap();
        assert_eq!(order(&read), [".05-hidden.conf", "01-dangling.conf"]);
        assert!(matches!(read.candidates[1].list, Err(ListError::Read(_))));
    }

    #[test]
    fn nothing_there_is_said() {
        let (_dir, read) = directory(&[("README", "")]);
        assert!(matches!(read.winner(), Err(DiscoveryError::Empty { .. })));
        let read = Directory::read("/nowhere/net.d").unwrap();
        assert!(
            read.winner()
                .unwrap_err()
                .to_string()
                .contains("/nowhere/net.d")
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(
            Directory::read(file.path()),
            Err(DiscoveryError::Read { .. })
        ));
    }

    #[test]
    fn a_network_by_name() {
        let (_dir, read) = directory(&[("10-a.conf", "{"), ("20-b.conf", SINGLE)]);
        assert!(read.named("20-b-conf").unwrap().0.ends_with("20-b.conf"));
        let error = read.named("other").unwrap_err().to_string();
        assert!(
            error.contains("other") && error.contains("10-a.conf"),
            "{error}"
        );
    }
}
