//! Ctrl-C while a lab is being made: noticed between two steps, so that what is half made is undone.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

static ASKED_TO_STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_signal: libc::c_int) {
    ASKED_TO_STOP.store(true, Ordering::Relaxed);
}

/// From now on SIGINT and SIGTERM are only noted.
pub fn listen() {
    let handler: extern "C" fn(libc::c_int) = note;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler does nothing but store to an atomic, which is async-signal-safe.
        unsafe { libc::signal(signal, handler as libc::sighandler_t) };
    }
}

/// # Errors
/// When one of the signals has come.
pub fn check() -> Result<()> {
    if ASKED_TO_STOP.load(Ordering::Relaxed) {
        Err(Error::failed("interrupted: nothing of the lab is left"))
    } else {
        Ok(())
    }
}
