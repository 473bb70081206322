//! The Internet checksum (RFC 1071).

/// The ones' complement sum of 16-bit words over several pieces; every piece but the last must have an
/// even number of octets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds octets.
    pub fn octets(mut self, octets: &[u8]) -> Self {
        let mut wide = octets.chunks_exact(4);
        for chunk in &mut wide {
            if let Ok(word) = <[u8; 4]>::try_from(chunk) {
                self.0 += u64::from(u32::from_be_bytes(word));
            }
        }
        match *wide.remainder() {
            [a] => self.0 += u64::from(a) << 8,
            [a, b] => self.0 += u64::from(u16::from_be_bytes([a, b])),
            [a, b, c] => {
                self.0 += u64::from(u16::from_be_bytes([a, b])) + (u64::from(c) << 8);
            }
            _ => {}
        }
        self
    }

    /// Adds one 16-bit word.
    pub fn word(mut self, word: u16) -> Self {
        self.0 += u64::from(word);
        self
    }

    /// The complement of the sum: 0 when the summed octets hold a right checksum.
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The checksum of `octets`: 0 when they hold a right one.
pub fn of(octets: &[u8]) -> u16 {
    Sum::default().octets(octets).finish()
}

/// What the checksum field should have been, given what it is and what the sum over everything,
/// the field included, came to.
pub fn should_be(field: u16, computed: u16) -> u16 {
    let mut sum = u32::from(field) + u32::from(computed);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ip_header_sums_to_zero() {
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
            0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert_eq!(of(&header), 0);
        let mut wrong = header;
        wrong[10] = 0;
        wrong[11] = 0;
        assert_eq!(should_be(0, of(&wrong)), 0xb861);
    }

    #[test]
    fn an_odd_octet_is_padded_with_zero() {
        assert_eq!(of(&[0x12, 0x34, 0x56]), of(&[0x12, 0x34, 0x56, 0x00]));
    }
}
