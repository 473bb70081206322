//! Sets of ports. Most packets have no port that means something, and are to be told so at once.

/// A set of ports, a bit for each.
pub(super) struct Ports([u64; 1024]);

impl Ports {
    pub(super) const fn of(ports: &[u16]) -> Self {
        let mut words = [0; 1024];
        let mut n = 0;
        while n < ports.len() {
            let port = ports[n];
            words[(port / 64) as usize] |= 1 << (port % 64);
            n += 1;
        }
        Self(words)
    }

    #[inline(always)]
    pub(super) fn has(&self, port: u16) -> bool {
        self.0
            .get(usize::from(port / 64))
            .is_some_and(|word| word >> (port % 64) & 1 != 0)
    }
}
