//! Fractions in decimal.

use super::Put;

/// A fraction with that many digits behind the point (`%.Nf`), the last one rounded, a half to the even digit.
pub(in crate::wire::print) struct Fixed<const DIGITS: u32> {
    pub(in crate::wire::print) numerator: u64,
    /// Not zero.
    pub(in crate::wire::print) denominator: u64,
}

impl<const DIGITS: u32> Put for Fixed<DIGITS> {
    fn put(self, out: &mut Vec<u8>) {
        let scale = 10u64.pow(DIGITS);
        let denominator = self.denominator.max(1);
        let scaled = self.numerator.saturating_mul(scale);
        let (quotient, remainder) = (scaled / denominator, scaled % denominator);
        let twice = remainder.saturating_mul(2);
        let up = twice > denominator || twice == denominator && quotient % 2 == 1;
        let rounded = quotient + u64::from(up);
        (rounded / scale, ".").put(out);
        let mut digit = scale / 10;
        while digit > 0 {
            out.push(b'0' + (rounded / digit % 10) as u8);
            digit /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(numerator: u64, denominator: u64) -> String {
        let mut out = Vec::new();
        Fixed::<3> {
            numerator,
            denominator,
        }
        .put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn halves_are_rounded_to_the_even_digit() {
        assert_eq!(text(16, 256), "0.062");
        assert_eq!(text(48, 256), "0.188");
        assert_eq!(text(1, 3), "0.333");
        assert_eq!(text(2, 3), "0.667");
        assert_eq!(text(31 << 15, 256), "3968.000");
    }
}
