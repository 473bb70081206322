//! Times between devices.

use super::after_text;

#[test]
fn times_say_how_far_they_can_be_believed() {
    assert_eq!(after_text(8_600, 0), "+9 µs");
    assert_eq!(after_text(0, 0), "+0 µs");
    assert_eq!(after_text(41_000, 2_000), "+41 µs");
    assert_eq!(after_text(41_000, 40_000), "~41 µs");
    assert_eq!(after_text(0, 14_000), "≤14 µs");
    assert_eq!(after_text(12_340_000, 0), "+12.3 ms");
}
