//! `cargo fuzz run text`: a capture file through the reader, the decoder and the printer.
#![no_main]

#[path = "../body.rs"]
#[allow(dead_code)]
mod body;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    body::text(file);
});
