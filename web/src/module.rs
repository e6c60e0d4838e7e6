//! Allocator and end of the WebAssembly module, which has no `std`.
//!
//! A panic stops the module at once, by an instruction that traps: a page sees a `WebAssembly.RuntimeError`, as it did with `std`,
//! which has nowhere to print to. That no text of a panic can be shown makes the module a fifth smaller.

use core::panic::PanicInfo;

use dlmalloc::GlobalDlmalloc;

/// The allocator that `std` has for this target.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
