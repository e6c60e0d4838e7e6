//! Faults of a GPU as errors. The runtime tells of them in three ways: with the next read, by a panic of the thread that serves the device,
//! and by a panic of the thread that asks it.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

use keisei_core::evaluator::EvaluatorError;
use keisei_core::learn::LearnError;

/// First fault of a thread that serves a device.
static FAULT: Mutex<Option<String>> = Mutex::new(None);

/// Prefix of the names of the threads that serve devices, see `cubecl_common::device`.
const SERVING: &str = "DS";

thread_local! {
    /// Whether this thread makes errors of its panics, so that nobody need see them.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Notes the panics of threads that serve devices: the runtime drops them, and with them the cause of what goes wrong later. Neither
/// these nor [guarded] panics are printed.
pub(super) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let earlier = take_hook();
        set_hook(Box::new(move |panic| {
            if std::thread::current().name().is_some_and(|name| name.starts_with(SERVING)) {
                let mut fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner);
                fault.get_or_insert_with(|| panic.payload_as_str().unwrap_or("no message").to_owned());
            } else if !GUARDED.get() {
                earlier(panic);
            }
        }));
    });
}

/// Result of `run`, which uses the device; its panic is an error.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, LearnError>) -> Result<T, LearnError> {
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    GUARDED.set(before);
    // The thread that serves the device knows the cause of what all others see. It stays: nothing computed from now on is sound.
    let cause = FAULT.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match (result, cause) {
        (_, Some(cause)) => Err(error(&cause)),
        (Ok(result), None) => result,
        (Err(panic), None) => Err(error(message(panic.as_ref()))),
    }
}

/// The same for an evaluator.
pub(super) fn guarded_evaluation<T>(run: impl FnOnce() -> Result<T, LearnError>) -> Result<T, EvaluatorError> {
    guarded(run).map_err(|error| match error {
        LearnError::OutOfMemory(reason) => EvaluatorError::OutOfMemory(reason),
        error => EvaluatorError::Device(error.to_string()),
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// The error that a message of the runtime stands for, without the words around it.
pub(super) fn error(message: &str) -> LearnError {
    let end = ["\nBacktrace", "\nNo backtrace", "\nno backtrace", "\n   0:"]
        .into_iter()
        .filter_map(|end| message.find(end))
        .min();
    let reason = message[..end.unwrap_or(message.len())].split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = reason.strip_prefix("called `Result::unwrap()` on an `Err` value: ").unwrap_or(&reason);
    let says = |words: &[&str]| words.iter().any(|word| message.to_lowercase().contains(word));
    if says(&["out of memory", "out-of-memory", "outofmemory", "out_of_memory", "buffertoobig", "allocate buffer"]) {
        LearnError::OutOfMemory(format!("the GPU has not enough memory: {reason}"))
    } else if says(&["lost", "unrecoverable", "ecc_uncorrectable", "fallen off", "no_device"]) {
        LearnError::Device(format!("the GPU is lost: {reason}"))
    } else {
        LearnError::Device(format!("the GPU: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_message_becomes_an_error() {
        let check = |message: &str, expected: LearnError| assert_eq!(error(message), expected);
        let memory = |reason: &str| LearnError::OutOfMemory(format!("the GPU has not enough memory: {reason}"));
        // Messages of cubecl 0.10 for CUDA and of wgpu 29.
        check(
            "called `Result::unwrap()` on an `Err` value: can't allocate buffer of size: 9000000000\nNo backtrace available",
            memory("can't allocate buffer of size: 9000000000"),
        );
        check("wgpu error: Out of Memory\n", memory("wgpu error: Out of Memory"));
        check(
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")",
            memory("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"),
        );
        let lost = "Parent device is lost";
        check(lost, LearnError::Device(format!("the GPU is lost: {lost}")));
        check("some other\n  fault", LearnError::Device("the GPU: some other fault".into()));
        let panicked = guarded::<()>(|| panic!("a panic of {}", "the caller"));
        assert_eq!(panicked, Err(LearnError::Device("the GPU: a panic of the caller".into())));
    }
}
