//! `ovl mtu`, for people.

use std::io::{self, Write};

use super::Style;
use super::escape::escape;
use super::table;
use crate::trace::mtu::Mtus;

/// Writes what fits where.
///
/// # Errors
/// Those of `out`.
pub fn text(mtus: &Mtus, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some((source, destination)) = &mtus.ends {
        writeln!(
            out,
            "{} {}  →  {} {}",
            style.subject(escape(&source.name)),
            source.address,
            style.subject(escape(&destination.name)),
            destination.address
        )?;
    }
    let is_way = mtus.ends.is_some();
    let heads: &[&str] = if is_way {
        &["NODE", "IN", "DEVICE", "MTU", "WRAPPING", "ROOM", ""]
    } else {
        &["NODE", "IN", "DEVICE", "MTU"]
    };
    let mut rows = table::with_heads(heads);
    for device in &mtus.devices {
        let mut cells = vec![
            device.node.clone(),
            device.place.clone(),
            device.device.clone(),
            device.mtu.to_string(),
        ];
        if is_way {
            cells.push(device.wrapping.to_string());
            cells.push(device.room.to_string());
            let narrow = Some(device.room) == mtus.path_mtu;
            cells.push(if narrow { "narrowest" } else { " " }.to_owned());
        }
        table::push(&mut rows, cells);
    }
    out.write_all(table::text(rows).as_bytes())?;
    if let Some(path_mtu) = mtus.path_mtu {
        writeln!(out, "path MTU  {path_mtu}")?;
    }
    for reason in &mtus.reasons {
        writeln!(out, "why       {}", escape(reason))?;
    }
    for fault in &mtus.faults {
        writeln!(out, "{}     {}", style.bad("wrong"), escape(fault))?;
    }
    if let Some(doubt) = &mtus.doubt {
        writeln!(out, "{}  {}", style.doubtful("in doubt"), escape(doubt))?;
    }
    Ok(())
}
