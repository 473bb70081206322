//! `cargo fuzz run json`: a capture file through the reader, the decoder and the answers for scripts.
#![no_main]

#[path = "../body.rs"]
#[allow(dead_code)]
mod body;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    body::json(file);
});
