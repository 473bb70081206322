//! What an ADD would be given, without giving it: the allocation itself, on a copy of the network's
//! records. There is no second opinion on which address comes next that could differ from the first.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::config::{Place, Shared};
use super::{Allocation, Config, Error, Owner, Request};

/// ADD on a copy. Another ADD may of course come first.
///
/// # Errors
/// What [`allocate`](super::allocate()) would say, and when the records cannot be copied.
pub fn rehearse(config: &Config, owner: &Owner, request: &Request) -> Result<Allocation, Error> {
    let copy = Copy::of(&config.place)?;
    let config = Config {
        place: copy.place.clone(),
        ..config.clone()
    };
    super::allocate(&config, owner, request)
}

/// A network's records, copied to a directory that goes away with this.
struct Copy {
    root: PathBuf,
    place: Place,
}

impl Copy {
    fn of(place: &Place) -> Result<Self, Error> {
        let root = std::env::temp_dir().join(format!(
            "ovl-rehearsal-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        // The store must be there if it is named, and would not be missed in the copy.
        let store = match &place.store {
            Shared::At(path) => place.open_store().map(|_| path.clone())?,
            Shared::Alone => place.state_dir.join("store"),
        };
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&root)
            .map_err(|source| Error::io("make the directory", &root, source))?;
        let copy = Self {
            place: Place {
                state_dir: root.join("state"),
                store: Shared::At(root.join("store")),
                ..place.clone()
            },
            root,
        };
        let blocks = Path::new("blocks").join(&place.network);
        let copied_store = copy.root.join("store");
        fs::create_dir_all(&copied_store)
            .map_err(|source| Error::io("make the directory", &copied_store, source))?;
        for (from, to) in [
            (place.ledger(), copy.place.ledger()),
            (store.join(&blocks), copied_store.join(&blocks)),
        ] {
            copy_files(&from, &to).map_err(|source| Error::io("copy", &from, source))?;
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What cannot be removed is a copy in the directory for such things.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The ordinary files of a directory; no directory has none. One that goes away meanwhile is not needed.
fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    fs::create_dir_all(to)?;
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        match fs::copy(entry.path(), to.join(entry.file_name())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipam::Purpose;
    use crate::spec::{Attachment, PluginConfig};

    #[test]
    fn the_next_address_is_told_and_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        for named_store in [false, true] {
            let mut section = serde_json::json!({
                "type": "ovl-ipam", "pools": [{"cidr": "172.31.0.0/16", "blockSize": 26}],
                "stateDir": dir.path().join(format!("state-{named_store}")), "node": "host01",
            });
            if named_store {
                let store = dir.path().join("store");
                fs::create_dir(&store).unwrap();
                section["store"] = serde_json::json!(store);
            }
            let config = serde_json::json!({
                "cniVersion": "1.0.0", "name": "net", "type": "ovl-routed", "ipam": section,
            });
            let config = PluginConfig::from_json(config.to_string().as_bytes()).unwrap();
            let config = Config::of(&config, Purpose::Routed).unwrap();
            let owner = |id: &str| Owner {
                attachment: Attachment {
                    container_id: id.parse().unwrap(),
                    ifname: "eth0".parse().unwrap(),
                },
                pod: None,
            };
            for id in ["c1", "c2", "c3"] {
                let told = rehearse(&config, &owner(id), &Request::default()).unwrap();
                let again = rehearse(&config, &owner(id), &Request::default()).unwrap();
                assert_eq!(told, again);
                let given =
                    crate::ipam::allocate(&config, &owner(id), &Request::default()).unwrap();
                assert_eq!(told.addresses, given.addresses);
            }
        }
    }
}
