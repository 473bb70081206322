//! Saved snapshots: JSON, or JSON in zstd.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Outcome, Result};
use crate::model::{Bundle, Node};

/// The first octets of a zstd frame (RFC 8878 §3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest document taken, after decompression: a thousand nodes of a few megabytes.
const LARGEST: u64 = 8 << 30;

/// How a snapshot comes to be.
const WRITE_ONE: &str = "ovl snapshot -o FILE";

/// Reads all files as one bundle.
///
/// # Errors
/// When one cannot be read, or is no snapshot.
pub fn read_all(paths: &[PathBuf]) -> Result<Bundle> {
    let mut bundle = Bundle::new(Vec::new(), Vec::new());
    for path in paths {
        let part = read(path)?;
        bundle.nodes.extend(part.nodes);
        bundle.missing.extend(part.missing);
    }
    Ok(bundle)
}

/// Reads a snapshot of a node, or of several. `-` is standard input.
///
/// # Errors
/// When it cannot be read, or is no snapshot.
pub fn read(path: &Path) -> Result<Bundle> {
    let name = path.display();
    let unreadable = |error: io::Error| {
        let outcome = match error.kind() {
            io::ErrorKind::PermissionDenied => Outcome::NoAccess,
            _ => Outcome::CannotTell,
        };
        Error::new(outcome, format!("cannot read the snapshot {name}")).caused_by(error)
    };
    let text = load(path).map_err(unreadable)?;
    #[derive(Deserialize)]
    struct Document {
        schema: String,
    }
    let broken = |error: serde_json::Error| {
        Error::new(
            Outcome::CannotTell,
            format!("{name} is no snapshot: {error}"),
        )
        .try_this(WRITE_ONE)
    };
    let document: Document = serde_json::from_slice(&text).map_err(broken)?;
    match document.schema.as_str() {
        Node::SCHEMA => {
            let node = serde_json::from_slice(&text).map_err(broken)?;
            Ok(Bundle::new(vec![node], Vec::new()))
        }
        Bundle::SCHEMA => serde_json::from_slice(&text).map_err(broken),
        other => Err(Error::new(
            Outcome::CannotTell,
            format!(
                "{name} holds {other}, not {} or {}",
                Node::SCHEMA,
                Bundle::SCHEMA
            ),
        )
        .try_this(WRITE_ONE)),
    }
}

fn load(path: &Path) -> io::Result<Vec<u8>> {
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    let mut first = Vec::new();
    input.by_ref().take(4).read_to_end(&mut first)?;
    let packed = first == ZSTD;
    let whole = io::Cursor::new(first).chain(input);
    let mut text = Vec::new();
    if packed {
        zstd::Decoder::new(whole)?
            .take(LARGEST)
            .read_to_end(&mut text)?;
    } else {
        whole.take(LARGEST).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Writes a snapshot, packed if the file's name ends in `.zst`. The file is the owner's alone, as addresses
/// and names are nobody else's business, and appears when it is whole.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, document: &serde_json::Value) -> Result<()> {
    let failed = |error: io::Error| {
        Error::failed(format!("cannot write {}", path.display())).caused_by(error)
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut staged = stage(directory, path).map_err(failed)?;
    let packed = path.extension().is_some_and(|extension| extension == "zst");
    let written = (|| {
        let mut file = io::BufWriter::new(&mut staged.file);
        if packed {
            let mut encoder = zstd::Encoder::new(&mut file, 3)?;
            serde_json::to_writer(&mut encoder, document)?;
            encoder.finish()?;
        } else {
            serde_json::to_writer(&mut file, document)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    })();
    match written.and_then(|()| std::fs::rename(&staged.path, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // What was begun is not left lying about.
            let _ = std::fs::remove_file(&staged.path);
            Err(failed(error))
        }
    }
}

struct Staged {
    file: File,
    path: PathBuf,
}

fn stage(directory: &Path, target: &Path) -> io::Result<Staged> {
    use std::os::unix::fs::OpenOptionsExt;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let path = directory.join(format!(".{name}.{}", std::process::id()));
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    Ok(Staged { file, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_written_and_read_plain_and_packed() {
        let dir = tempfile::tempdir().unwrap();
        let node = Node {
            schema: Node::SCHEMA.to_owned(),
            name: "host01".to_owned(),
            ..Node::default()
        };
        let document = serde_json::to_value(&node).unwrap();
        for name in ["a.json", "a.json.zst"] {
            let path = dir.path().join(name);
            write(&path, &document).unwrap();
            assert_eq!(
                read(&path).unwrap().nodes,
                std::slice::from_ref(&node),
                "{name}"
            );
        }
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            2,
            "nothing staged is left"
        );
        let both = read_all(&[dir.path().join("a.json"), dir.path().join("a.json.zst")]).unwrap();
        assert_eq!(both.nodes.len(), 2);
    }

    #[test]
    fn what_is_no_snapshot_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (text, words) in [
            ("", "is no snapshot"),
            ("{", "is no snapshot"),
            (r#"{"schema":"a/v1"}"#, "holds a/v1"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.outcome(), Outcome::CannotTell);
        }
        assert!(read(&dir.path().join("absent")).is_err());
    }
}
