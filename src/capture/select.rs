//! Which packets are wanted: by the frame itself, by what is inside its tunnels, by VNI.

use super::filter::{Filter, FilterError};
use super::point::Tunnel;
use super::record::Record;
use crate::wire::LinkType;
use crate::wire::packet::{Kind, Layer};

/// What a packet must be like. Everything given must hold.
#[derive(Default)]
pub struct Selection {
    outer: Vec<Filter>,
    inner: Option<Filter>,
    vni: Option<u32>,
}

impl Selection {
    /// Adds a filter on the frame as it was captured.
    pub fn outer(&mut self, filter: Filter) {
        self.outer.push(filter);
    }

    /// Wants a frame inside a tunnel, at any depth, that passes `filter`.
    pub fn inner(&mut self, filter: Filter) {
        self.inner = Some(filter);
    }

    /// Wants a tunnel with this VNI (or GRE key), at any depth.
    pub fn vni(&mut self, vni: u32) {
        self.vni = Some(vni);
    }

    /// Whether [`Selection::wants_inside`] has anything to ask, for which it needs the headers.
    pub fn looks_inside(&self) -> bool {
        self.inner.is_some() || self.vni.is_some()
    }

    /// Whether the frame itself is wanted.
    ///
    /// # Errors
    /// When a filter makes no sense for a link type that has just turned up.
    #[inline]
    pub fn wants(&mut self, record: &Record<'_>) -> Result<bool, FilterError> {
        for filter in &mut self.outer {
            if !filter.passes(record)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether what is inside the frame's tunnels is wanted.
    ///
    /// # Errors
    /// When a filter makes no sense for what is inside.
    pub fn wants_inside(
        &mut self,
        record: &Record<'_>,
        layers: &[Layer],
    ) -> Result<bool, FilterError> {
        if let Some(vni) = self.vni {
            let found = layers.iter().any(|layer| {
                Tunnel::opened_by(layer, record.data)
                    .is_some_and(|tunnel| tunnel.network == Some(vni))
            });
            if !found {
                return Ok(false);
            }
        }
        let Some(filter) = &mut self.inner else {
            return Ok(true);
        };
        let mut depth = 0;
        for layer in layers {
            if layer.depth == depth {
                continue;
            }
            depth = layer.depth;
            let link_type = match layer.kind {
                Kind::Ethernet => LinkType::ETHERNET,
                Kind::Ipv4 | Kind::Ipv6 => LinkType::RAW,
                _ => continue,
            };
            let start = layer.header.start;
            let end = start.saturating_add(layer.length as usize);
            let end = end.min(record.data.len());
            let bytes = record.data.get(start..end).unwrap_or_default();
            if filter.passes_bytes(link_type, bytes, layer.length)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
