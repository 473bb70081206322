//! A block's options (section 3.5).

use crate::capture::file::order::Order;

/// Option codes.
pub(super) const COMMENT: u16 = 1;

pub(super) const IF_NAME: u16 = 2;

pub(super) const IF_DESCRIPTION: u16 = 3;

pub(super) const IF_TSRESOL: u16 = 9;

pub(super) const IF_TSOFFSET: u16 = 14;

pub(super) const EPB_FLAGS: u16 = 2;

/// Options as they follow each other: code, length, value, padding.
pub(super) struct OptionList<'a> {
    pub(super) order: Order,
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for OptionList<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let code = self.order.u16(self.rest, 0);
        let length = usize::from(self.order.u16(self.rest, 2));
        let value = self.rest.get(4..)?.get(..length)?;
        self.rest = self
            .rest
            .get(4 + length.next_multiple_of(4)..)
            .unwrap_or_default();
        (code != 0).then_some((code, value))
    }
}
