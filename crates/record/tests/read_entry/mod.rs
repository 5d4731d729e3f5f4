//! What is tried with any bytes as an artefact: by the fuzzer, and by the tests without one.
#![allow(clippy::unwrap_used)] // A failure is what is looked for.
#![allow(unreachable_pub)] // Part of a test in one place, of a program in another.

use nervure_record::Artefact;
use nervure_record::onnx::to_onnx;

/// Reads `data`; whether it was understood.
pub fn artefact(data: &[u8]) -> bool {
    let artefact = match Artefact::from_bytes(data) {
        Ok(artefact) => artefact,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error}");
            assert!(error.hint().is_none_or(|hint| !hint.is_empty()));
            return false;
        }
    };
    // What can be read can be written, and is then the same for ever.
    let bytes = artefact.to_bytes().unwrap();
    let again = Artefact::from_bytes(&bytes).unwrap();
    assert_eq!(again, artefact);
    assert_eq!(again.to_bytes().unwrap(), bytes);
    // It may be no network at all.
    if let Err(error) = to_onnx(&artefact) {
        assert!(!error.to_string().contains(char::is_control), "{error}");
    }
    true
}
