//! Byte order of the machine that wrote a file.

/// How numbers of more than one octet are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Most significant octet first.
    Big,
    /// Least significant octet first.
    Little,
}

impl Order {
    /// The 16-bit number at `at`; 0 where `bytes` ends before it.
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let raw = chunk(bytes, at);
        match self {
            Self::Big => u16::from_be_bytes(raw),
            Self::Little => u16::from_le_bytes(raw),
        }
    }

    /// The 32-bit number at `at`; 0 where `bytes` ends before it.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let raw = chunk(bytes, at);
        match self {
            Self::Big => u32::from_be_bytes(raw),
            Self::Little => u32::from_le_bytes(raw),
        }
    }

    /// Four 32-bit numbers, one behind the other.
    #[inline]
    pub(super) fn four(self, bytes: &[u8; 16]) -> [u32; 4] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
        let raw = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]];
        match self {
            Self::Big => raw.map(u32::from_be_bytes),
            Self::Little => raw.map(u32::from_le_bytes),
        }
    }

    /// The 64-bit number at `at`; 0 where `bytes` ends before it.
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let raw = chunk(bytes, at);
        match self {
            Self::Big => u64::from_be_bytes(raw),
            Self::Little => u64::from_le_bytes(raw),
        }
    }
}

#[inline]
fn chunk<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .unwrap_or([0; N])
}
