//! `ovl explain`: a kind of finding in words, or the list of all.

use std::io::{self, Write};

use serde::Serialize;

use super::Style;
use super::table::{push, text, with_heads};
use crate::diagnose::Severity;
use crate::diagnose::catalogue::{Entry, FAMILIES, Family};

/// How wide running text is, columns.
const WIDTH: usize = 96;

/// One kind, in words.
///
/// # Errors
/// Those of `out`.
pub fn one(entry: &Entry, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let severity = match entry.severity {
        Severity::Fault => style.bad(entry.severity.as_str()),
        Severity::Warning => style.doubtful(entry.severity.as_str()),
    };
    writeln!(out, "{}  {severity}", style.subject(entry.id))?;
    writeln!(out, "{}", entry.title)?;
    writeln!(out)?;
    for line in wrapped(entry.mechanism) {
        writeln!(out, "{line}")?;
    }
    for (head, commands) in [("show", entry.show), ("fix", entry.fix)] {
        writeln!(out)?;
        writeln!(out, "{}", style.aside(head))?;
        for line in commands.lines() {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// All kinds, as a table.
///
/// # Errors
/// Those of `out`.
pub fn all(out: &mut dyn Write) -> io::Result<()> {
    let mut table = with_heads(&["ID", "SEVERITY", "FAMILY", "WHAT"]);
    for family in FAMILIES {
        for entry in family.entries {
            push(
                &mut table,
                [entry.id, entry.severity.as_str(), family.name, entry.title],
            );
        }
    }
    out.write_all(text(table).as_bytes())
}

/// `ovl explain -o json`.
#[derive(Debug, Serialize)]
pub struct Document {
    schema: &'static str,
    families: Vec<Part>,
}

/// One family, or the part of it that was asked for.
#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    entries: Vec<Entry>,
}

impl Document {
    /// The kind of that name, or all.
    pub fn of(id: Option<&str>) -> Self {
        let part = |family: &Family| Part {
            name: family.name,
            entries: family
                .entries
                .iter()
                .filter(|entry| id.is_none_or(|id| entry.id == id))
                .copied()
                .collect(),
        };
        Self {
            schema: "ovl.explain/v1",
            families: FAMILIES
                .iter()
                .map(part)
                .filter(|part| !part.entries.is_empty())
                .collect(),
        }
    }
}

/// The catalogue as a page of the documentation.
///
/// # Errors
/// Those of `out`.
pub fn page(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Faults that ovl finds")?;
    writeln!(out)?;
    writeln!(
        out,
        "Each has a name that stays, for scripts and for `ovl explain NAME`, from which this page is written\n\
         (`make faults`). Words in capitals stand for names and addresses. `ovl lab break NAME` makes those that a lab can have."
    )?;
    for family in FAMILIES {
        writeln!(out, "\n## {}", family.name)?;
        for entry in family.entries {
            writeln!(out, "\n### {}\n", entry.id)?;
            writeln!(out, "{}: {}.\n", entry.severity.as_str(), entry.title)?;
            for line in wrapped(entry.mechanism) {
                writeln!(out, "{line}")?;
            }
            for (head, commands) in [("show", entry.show), ("fix", entry.fix)] {
                writeln!(out, "\n{head}:\n")?;
                for line in commands.lines() {
                    writeln!(out, "    {line}")?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/faults.md` is what the catalogue says. `make faults` writes it anew.
    #[test]
    fn the_page_is_up_to_date() {
        let mut page = Vec::new();
        super::page(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
        if std::env::var_os("OVL_WRITE_DOCS").is_some_and(|value| value == "1") {
            std::fs::write(path, &page).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).is_ok_and(|found| found == page),
            "docs/faults.md is not what the catalogue says: make faults"
        );
    }

    #[test]
    fn text_is_wrapped_at_words() {
        let lines = wrapped(&"word ".repeat(60));
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH));
    }
}
