//! The result cache, in libcni's own layout: `DIR/results/NETWORK-CONTAINERID-IFNAME`, kind `cniCacheV1`.
//!
//! libcni (`libcni/api.go`) writes the file in place; we stage it and rename, so that nobody reads half a
//! result. Both read each other's.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::{Error, Result};
use super::list::NetworkList;
use super::runtime::Container;
use crate::spec::{AddResult, Args, Attachment, NetworkName, SpecVersion};

/// Where runtimes keep it.
pub const DEFAULT_DIR: &str = "/var/lib/cni";

const KIND: &str = "cniCacheV1";

/// A cache directory.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

/// An attachment as the cache remembers it.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedAttachment {
    /// The network.
    pub network: NetworkName,
    /// Which interface of which container.
    pub attachment: Attachment,
    /// Its network namespace at the time.
    pub netns: Option<PathBuf>,
    /// `CNI_ARGS` at the time.
    pub args: Args,
    /// The capability arguments at the time.
    pub capability_args: Map<String, Value>,
    /// The configuration list at the time, as text.
    pub config: Vec<u8>,
    /// The chain's result.
    pub result: Value,
}

impl CachedAttachment {
    /// The result as `prevResult` for a list of `version`: in that version, as libcni does, whatever the
    /// configuration was when it was made.
    ///
    /// # Errors
    /// When it cannot be read as a result.
    pub fn result_as(&self, version: SpecVersion) -> crate::spec::Result<Value> {
        let (result, made) = AddResult::from_value(self.result.clone(), version)?;
        // In the same version nothing is translated, and fields nobody here knows stay.
        Ok(if made == version {
            self.result.clone()
        } else {
            result.to_value(version)
        })
    }
}

/// libcni's `cachedInfo`. Field order as Go writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    kind: String,
    container_id: String,
    config: String,
    if_name: String,
    network_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    netns: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cni_args: Option<Vec<(String, String)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    capability_args: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
}

impl Cache {
    /// The cache under `dir` (libcni's default is [`DEFAULT_DIR`]).
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory that it is in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory that holds the results.
    pub fn results_dir(&self) -> PathBuf {
        self.dir.join("results")
    }

    fn path(&self, network: &NetworkName, attachment: &Attachment) -> PathBuf {
        let Attachment {
            container_id,
            ifname,
        } = attachment;
        self.results_dir()
            .join(format!("{network}-{container_id}-{ifname}"))
    }

    /// Makes the directory that it is in, as libcni does with the first result.
    ///
    /// # Errors
    /// When it is not there and cannot be made.
    pub fn prepare(&self) -> Result<()> {
        make(&self.dir).map_err(|source| Error::Cache {
            operation: "create",
            path: self.dir.clone(),
            source,
        })
    }

    /// Remembers what an ADD made.
    ///
    /// # Errors
    /// When the directory or the file cannot be written.
    pub fn store(&self, list: &NetworkList, container: &Container, result: &Value) -> Result<()> {
        let path = self.path(&list.name, &container.attachment);
        let args: Vec<_> = container
            .args
            .pairs()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let file = File {
            kind: KIND.to_owned(),
            container_id: container.attachment.container_id.to_string(),
            config: BASE64_STANDARD.encode(&list.text),
            if_name: container.attachment.ifname.to_string(),
            network_name: list.name.to_string(),
            netns: container.netns.clone(),
            cni_args: (!args.is_empty()).then_some(args),
            capability_args: (!container.capability_args.is_empty())
                .then(|| container.capability_args.clone()),
            result: Some(result.clone()),
        };
        let failed = |source| Error::Cache {
            operation: "write",
            path: path.clone(),
            source,
        };
        let text = serde_json::to_vec(&file).map_err(|error| failed(error.into()))?;
        self.replace(&path, &text).map_err(failed)
    }

    /// Writes beside the results, not among them, where libcni would take it for one, and renames.
    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        make(&self.results_dir())?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let staged = self.dir.join(format!(".{name}.{}", std::process::id()));
        let write = || {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&staged)?;
            file.write_all(text)?;
            std::fs::rename(&staged, path)
        };
        write().inspect_err(|_| {
            let _ = std::fs::remove_file(&staged);
        })
    }

    /// What is remembered of an attachment; nothing when there is no file, or one that cannot be
    /// understood: a broken cache must not stop a DEL.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn load(
        &self,
        network: &NetworkName,
        attachment: &Attachment,
    ) -> Result<Option<CachedAttachment>> {
        let path = self.path(network, attachment);
        match std::fs::read(&path) {
            Ok(text) => Ok(parse(&text).or_else(|| parse_legacy(&text, network, attachment))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Cache {
                operation: "read",
                path,
                source,
            }),
        }
    }

    /// Forgets an attachment; one that is not there is forgotten already.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn forget(&self, network: &NetworkName, attachment: &Attachment) -> Result<()> {
        let path = self.path(network, attachment);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Cache {
                operation: "write",
                path,
                source,
            }),
            _ => Ok(()),
        }
    }

    /// Everything that is remembered, in the order of the files' names. Files that are not libcni's are
    /// left out.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn attachments(&self) -> Result<Vec<CachedAttachment>> {
        let dir = self.results_dir();
        let failed = |source| Error::Cache {
            operation: "read",
            path: dir.clone(),
            source,
        };
        let mut paths = match std::fs::read_dir(&dir) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<Vec<_>>>()
                .map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        paths.sort();
        // A file that went away since is an attachment that was just detached.
        Ok(paths
            .iter()
            .filter_map(|path| parse(&std::fs::read(path).ok()?))
            .collect())
    }
}

fn parse(text: &[u8]) -> Option<CachedAttachment> {
    let file: File = serde_json::from_slice(text).ok()?;
    (file.kind == KIND).then_some(())?;
    Some(CachedAttachment {
        network: file.network_name.parse().ok()?,
        attachment: Attachment {
            container_id: file.container_id.parse().ok()?,
            ifname: file.if_name.parse().ok()?,
        },
        netns: file
            .netns
            .filter(|path| !path.as_os_str().is_empty())
            .or_else(|| sandbox(file.result.as_ref()?, &file.if_name)),
        args: Args::from_pairs(file.cni_args.unwrap_or_default()),
        capability_args: file.capability_args.unwrap_or_default(),
        config: BASE64_STANDARD.decode(file.config).ok()?,
        result: file.result.unwrap_or_default(),
    })
}

/// libcni before 1.2, which containerd 1.x has, does not write the namespace; the result usually has it.
fn sandbox(result: &Value, ifname: &str) -> Option<PathBuf> {
    let interfaces = result.get("interfaces")?.as_array()?;
    interfaces
        .iter()
        .filter(|interface| interface.get("name").and_then(Value::as_str) == Some(ifname))
        .filter_map(|interface| interface.get("sandbox")?.as_str())
        .find(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Before `cniCacheV1` the file was the bare result.
fn parse_legacy(
    text: &[u8],
    network: &NetworkName,
    attachment: &Attachment,
) -> Option<CachedAttachment> {
    let result: Value = serde_json::from_slice(text).ok()?;
    (result.is_object() && result.get("kind").is_none()).then_some(())?;
    Some(CachedAttachment {
        network: network.clone(),
        attachment: attachment.clone(),
        netns: None,
        args: Args::default(),
        capability_args: Map::new(),
        config: Vec::new(),
        result,
    })
}

fn make(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt;

    /// A file as libcni 1.2 writes it: Go sorts the keys of a map, and writes those of a structure as declared.
    const LIBCNI: &str = concat!(
        r#"{"kind":"cniCacheV1","containerId":"c1","config":"eyJjbmlWZXJzaW9uIjoiMS4wLjAiLCJuYW1lIjoibmV0Iiw"#,
        r#"icGx1Z2lucyI6W3sidHlwZSI6InB0cCJ9XX0=","ifName":"eth0","networkName":"net","netns":"/run/netns/c1","#,
        r#""cniArgs":[["IgnoreUnknown","1"],["K8S_POD_NAME","pod1"]],"capabilityArgs":{"mac":"02:00:00:00:00:01"},"#,
        r#""result":{"cniVersion":"1.0.0","dns":{},"ips":[{"address":"10.0.0.2/24","interface":0}]}}"#,
    );

    fn list() -> NetworkList {
        NetworkList::from_text(r#"{"cniVersion":"1.0.0","name":"net","plugins":[{"type":"ptp"}]}"#)
            .unwrap()
    }

    fn container() -> Container {
        Container {
            attachment: Attachment {
                container_id: "c1".parse().unwrap(),
                ifname: "eth0".parse().unwrap(),
            },
            netns: Some("/run/netns/c1".into()),
            args: "IgnoreUnknown=1;K8S_POD_NAME=pod1".parse().unwrap(),
            capability_args: serde_json::from_value(json!({"mac": "02:00:00:00:00:01"})).unwrap(),
        }
    }

    fn result() -> Value {
        json!({"cniVersion": "1.0.0", "dns": {}, "ips": [{"address": "10.0.0.2/24", "interface": 0}]})
    }

    #[test]
    fn the_file_is_libcnis_to_the_letter() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        cache.store(&list(), &container(), &result()).unwrap();
        let path = dir.path().join("results/net-c1-eth0");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), LIBCNI);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            path.parent()
                .unwrap()
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o700
        );
        let left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(left, ["results"], "nothing staged is left");
    }

    #[test]
    fn libcnis_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        let Container {
            attachment,
            netns,
            args,
            capability_args,
        } = container();
        assert_eq!(cache.load(&list().name, &attachment).unwrap(), None);
        assert_eq!(cache.attachments().unwrap(), []);
        std::fs::create_dir(dir.path().join("results")).unwrap();
        std::fs::write(dir.path().join("results/net-c1-eth0"), LIBCNI).unwrap();
        std::fs::write(dir.path().join("results/net-c2-eth0"), "half a resu").unwrap();
        std::fs::write(
            dir.path().join("results/net-c3-eth0"),
            r#"{"kind":"cniCacheV2"}"#,
        )
        .unwrap();
        let read = cache.load(&list().name, &attachment).unwrap().unwrap();
        assert_eq!(
            read,
            CachedAttachment {
                network: list().name,
                attachment: attachment.clone(),
                netns,
                args,
                capability_args,
                config: list().text,
                result: result(),
            }
        );
        assert_eq!(cache.attachments().unwrap(), [read]);
        cache.forget(&list().name, &attachment).unwrap();
        cache.forget(&list().name, &attachment).unwrap();
        assert_eq!(cache.attachments().unwrap(), []);
    }

    #[test]
    fn the_namespace_may_stand_in_the_result_only() {
        let text = r#"{"kind":"cniCacheV1","containerId":"c1","config":"","ifName":"eth0","networkName":"net",
            "result":{"cniVersion":"1.0.0","interfaces":[{"name":"cali1"},
            {"name":"eth0","sandbox":"/run/netns/c1"}]}}"#;
        let read = parse(text.as_bytes()).unwrap();
        assert_eq!(read.netns, Some("/run/netns/c1".into()));
    }

    #[test]
    fn a_bare_result_of_old_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        std::fs::create_dir(dir.path().join("results")).unwrap();
        std::fs::write(dir.path().join("results/net-c1-eth0"), result().to_string()).unwrap();
        let read = cache
            .load(&list().name, &container().attachment)
            .unwrap()
            .unwrap();
        assert_eq!(read.result, result());
    }

    #[test]
    fn a_result_follows_the_configurations_version() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path());
        cache.store(&list(), &container(), &result()).unwrap();
        let read = cache
            .load(&list().name, &container().attachment)
            .unwrap()
            .unwrap();
        assert_eq!(read.result_as(SpecVersion::V1_0_0).unwrap(), result());
        assert_eq!(
            read.result_as(SpecVersion::V0_4_0).unwrap(),
            json!({"cniVersion": "0.4.0", "ips": [{"version": "4", "interface": 0, "address": "10.0.0.2/24"}]})
        );
    }
}
