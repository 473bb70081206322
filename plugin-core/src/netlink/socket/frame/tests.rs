//! Answers taken apart.

use super::*;

#[test]
fn explanation_is_found_behind_other_attributes() {
    let mut bytes = vec![8, 0, 2, 0, 1, 2, 3, 4];
    bytes.extend([4 + 6, 0, 1, 0]);
    bytes.extend(b"no way\0\0"[..6].iter());
    bytes.extend([0, 0]);
    assert_eq!(explanation(&bytes).as_deref(), Some("no way"));
    assert_eq!(explanation(&bytes[..8]), None);
    assert_eq!(
        explanation(&[255, 0, 1, 0]),
        None,
        "a length beyond the end"
    );
}

#[test]
fn broken_datagrams_are_errors_and_end() {
    assert!(frames(&[1, 2, 3]).next().unwrap().is_err());
    let mut short = vec![0; 16];
    short[0] = 200;
    let all: Vec<_> = frames(&short).collect();
    assert_eq!(all.len(), 1);
    assert!(all[0].is_err());
    assert!(
        frames(&[0; 16]).next().unwrap().is_err(),
        "a length of zero must not loop"
    );
}

#[test]
fn an_error_number_is_positive_in_the_error() {
    let error = refusal("RTM_NEWROUTE", -libc::EEXIST, Some("why".into()));
    assert!(error.is_exists());
    assert_eq!(
        error.to_string(),
        "RTM_NEWROUTE: File exists (os error 17) (why)"
    );
}
