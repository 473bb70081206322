//! Files of `/proc`, which have no size: whoever has no room ready for what comes reads them in many small pieces.

use std::fs::File;
use std::io::{self, Read};

/// As much as most of them have.
const USUAL: usize = 8 * 1024;

/// What stands in a file; what is no text in it is replaced.
///
/// # Errors
/// When it cannot be opened or read.
pub(super) fn read(path: &str) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(USUAL);
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ones_and_what_is_no_text() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        let long = "x".repeat(3 * USUAL);
        std::fs::write(path, &long).unwrap();
        assert_eq!(read(path).unwrap(), long);
        std::fs::write(path, b"a\xff\0b").unwrap();
        assert_eq!(read(path).unwrap(), "a\u{fffd}\0b");
        assert!(read("/nowhere").is_err());
    }
}
