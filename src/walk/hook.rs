//! What netfilter does with a packet on its way, and what is remembered of it for the answer.
//!
//! Sources: `include/linux/netfilter.h`, `net/netfilter/core.c`, `nf_nat_core.c`, `nf_nat_masquerade.c`.

use super::netfilter::{Devices, Hook, Judgement};
use super::network::SpaceId;
use super::path::{NoteKind, Row, RowTable};
use super::walker::{Current, Stop, Walker};
use crate::model::number::IfIndex;

impl Walker<'_, '_> {
    /// What netfilter does at a hook; rows of rules that changed the packet are added to `rows`.
    #[inline]
    pub(super) fn hook(
        &mut self,
        space: SpaceId,
        hook: Hook,
        devices: Devices,
        current: &mut Current,
        rows: &mut Vec<Row>,
    ) -> Result<(), Stop> {
        let at = self.network.get(space);
        let before = current.packet;
        if current.established
            && matches!(hook, Hook::Prerouting | Hook::Output)
            && let Some(back) = self.translations.back(space, &current.packet)
        {
            current.packet = back;
        }
        let judgement = at.ruleset().judge(
            hook,
            devices,
            self.translations
                .tracked(space, &current.packet, current.established),
            &mut current.packet,
            self.is_recording(),
        );
        let place = devices.output.or(devices.input);
        match judgement {
            Judgement::Accept { changed_by } => {
                rows.extend(changed_by);
            }
            Judgement::Drop(loss) => {
                let row = Row::new(RowTable::Netfilter, loss.row);
                return Err(self.dropped(space, place, loss.cause, vec![row]));
            }
            Judgement::CannotTell(doubt) => {
                let Some((packet, changed_by)) = doubt.otherwise.filter(|_| self.is_recording())
                else {
                    return Err(self.cannot_tell(space, place, doubt.why));
                };
                // Whoever sends a packet will see which it is.
                current.packet = packet;
                rows.extend(changed_by);
                for loss in doubt.losses {
                    let row = Row::new(RowTable::Netfilter, loss.row);
                    let cause = Box::new(loss.cause);
                    self.note(space, place, NoteKind::MayDrop { hook, cause }, Some(row));
                }
            }
        }
        let after = current.packet;
        if after == before || current.established {
            return Ok(());
        }
        if after.destination != before.destination {
            let kind = NoteKind::DestinationTranslated {
                to: after.destination,
            };
            self.note(space, place, kind, rows.last().cloned());
        }
        if hook == Hook::Postrouting && after.source.is_unspecified() {
            // MASQUERADE: the address of the device it leaves by.
            let source = devices.output.and_then(|device| {
                at.netns
                    .addresses_of(device)
                    .find(|row| row.address.is_ipv4() == before.source.is_ipv4())
            });
            match source {
                Some(row) => current.packet.source = row.address,
                None => {
                    let why = "masquerade by a device without an address";
                    return Err(self.cannot_tell(space, place, why));
                }
            }
        }
        if current.packet.source != before.source {
            let kind = NoteKind::SourceTranslated {
                to: current.packet.source,
                masquerade: after.source.is_unspecified(),
            };
            self.note(space, place, kind, rows.last().cloned());
        }
        self.translations.remember(space, &before, &current.packet);
        Ok(())
    }

    /// What netfilter does with a frame that a device is about to send.
    #[inline]
    pub(super) fn leaves(
        &mut self,
        space: SpaceId,
        device: IfIndex,
        current: &mut Current,
    ) -> Result<(), Stop> {
        self.frame_hook(space, Hook::Egress, (None, Some(device)), current)
    }

    /// What netfilter does where frames pass.
    #[inline]
    pub(super) fn frame_hook(
        &mut self,
        space: SpaceId,
        hook: Hook,
        (input, output): (Option<IfIndex>, Option<IfIndex>),
        current: &mut Current,
    ) -> Result<(), Stop> {
        if !self.network.get(space).ruleset().sees_frames() {
            return Ok(());
        }
        let mut rows = Vec::new();
        self.hook(space, hook, Devices { input, output }, current, &mut rows)?;
        self.add_rows(rows);
        Ok(())
    }
}
