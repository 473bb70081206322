//! The configurations of a directory.

use std::io::{self, Write};

use plugin_core::chain::Directory;
use serde::Serialize;

use super::delegate;
use crate::render::{Format, Style, escape::escape, format, table};

/// A directory of configurations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listing {
    schema: &'static str,
    directory: String,
    configurations: Vec<Row>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    file: String,
    in_use: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cni_version: Option<String>,
    plugins: Vec<Binary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Binary {
    r#type: String,
    /// `plugin`, or `ipam` for the one a plugin delegates to.
    role: &'static str,
    present: bool,
}

impl Listing {
    /// Of a directory that was read; `is_present` says whether there is a binary of that name.
    pub fn new(directory: &Directory, is_present: impl Fn(&str) -> bool) -> Self {
        let binary = |kind: &str, role| Binary {
            r#type: kind.to_owned(),
            role,
            present: is_present(kind),
        };
        let rows = directory
            .candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| {
                let list = candidate.list.as_ref();
                Row {
                    file: candidate
                        .path
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                    in_use: index == 0 && list.is_ok(),
                    network: list.ok().map(|list| list.name.to_string()),
                    cni_version: list.ok().map(|list| list.version.to_string()),
                    plugins: list
                        .iter()
                        .flat_map(|list| &list.plugins)
                        .flat_map(|plugin| {
                            std::iter::once(binary(&plugin.kind, "plugin"))
                                .chain(delegate(plugin).map(|kind| binary(kind, "ipam")))
                        })
                        .collect(),
                    error: list.err().map(ToString::to_string),
                }
            });
        Self {
            schema: "ovl.cni-list/v1",
            directory: directory.path.display().to_string(),
            configurations: rows.collect(),
        }
    }

    /// Whether there is a network in use, with every binary it needs.
    pub fn usable(&self) -> bool {
        self.configurations
            .first()
            .is_some_and(|row| row.in_use && row.plugins.iter().all(|binary| binary.present))
    }
}

/// Shows a listing.
///
/// # Errors
/// Those of `out`.
pub fn write(
    listing: &Listing,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if format == Format::Json {
        return format::json(listing, out);
    }
    if listing.configurations.is_empty() {
        return writeln!(
            out,
            "no CNI configuration in {} (*.conf, *.conflist, *.json)",
            escape(&listing.directory)
        );
    }
    let mut table = table::with_heads(&["CONFIG", "NETWORK", "CNI", "STATE", "PLUGINS"]);
    for (index, row) in listing.configurations.iter().enumerate() {
        let state = match (&row.error, row.in_use, index) {
            (Some(_), _, 0) => "broken, and first",
            (Some(_), _, _) => "broken",
            (None, true, _) => "in use",
            (None, false, _) => "not used",
        };
        table::push(
            &mut table,
            [
                row.file.as_str(),
                row.network.as_deref().unwrap_or_default(),
                row.cni_version.as_deref().unwrap_or_default(),
                state,
                &plugins(row),
            ],
        );
    }
    out.write_all(table::text(table).as_bytes())?;
    for row in &listing.configurations {
        if let Some(error) = &row.error {
            writeln!(
                out,
                "{} {}: {}",
                style.bad("broken:"),
                escape(&row.file),
                escape(error)
            )?;
        }
    }
    Ok(())
}

/// `bridge+host-local, portmap (missing)`: what follows a plus is delegated to.
fn plugins(row: &Row) -> String {
    let mut text = String::new();
    for binary in &row.plugins {
        let missing = if binary.present { "" } else { " (missing)" };
        match binary.role {
            "ipam" => text.push('+'),
            _ if text.is_empty() => {}
            _ => text.push_str(", "),
        }
        text.push_str(&binary.r#type);
        text.push_str(missing);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_in_use_and_what_is_missing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let list = r#"{"cniVersion":"1.0.0","name":"pods","plugins":[
            {"type":"bridge","ipam":{"type":"host-local"}},{"type":"portmap"}]}"#;
        std::fs::write(dir.path().join("10-ovl.conflist"), list).unwrap();
        std::fs::write(dir.path().join("20-old.conf"), "{").unwrap();
        std::fs::write(
            dir.path().join("30-x.conf"),
            r#"{"cniVersion":"0.3.1","name":"x","type":"ptp"}"#,
        )
        .unwrap();
        let directory = Directory::read(dir.path()).unwrap();
        let listing = Listing::new(&directory, |kind| kind != "portmap");
        assert!(!listing.usable());
        let mut text = Vec::new();
        write(&listing, Format::Text, Style::PLAIN, &mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "CONFIG           NETWORK  CNI    STATE     PLUGINS\n\
             10-ovl.conflist  pods     1.0.0  in use    bridge+host-local, portmap (missing)\n\
             20-old.conf      -        -      broken    -\n\
             30-x.conf        x        0.3.1  not used  ptp\n\
             broken: 20-old.conf: it is not a JSON object: EOF while parsing an object at line 1 column 1\n"
        );
        assert!(Listing::new(&directory, |_| true).usable());
    }
}
