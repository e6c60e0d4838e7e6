//! Functions of the module. A page writes a text where [`input`] tells it, and finds the answer, of the length that a function
//! returns, at [`output`]. An instance holds one game.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::panic::PanicInfo;

use crate::{Game, read as read_game};

#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// A defect of this program ends the instance; the page says so and goes on.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[derive(Default)]
struct State {
    input: Vec<u8>,
    output: String,
    game: Option<Game>,
}

/// State of the instance, which has one thread; empty while a function works on it.
struct OneThread(Cell<Option<State>>);

// SAFETY: the module is compiled without atomics: an instance has one thread.
unsafe impl Sync for OneThread {}

static STATE: OneThread = OneThread(Cell::new(None));

/// Works on the state.
fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    let mut state = STATE.0.take().unwrap_or_default();
    let done = work(&mut state);
    STATE.0.set(Some(state));
    done
}

// SAFETY, for all: no other function of these names is linked into the module.

/// Buffer for `length` bytes of text.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    with(|state| {
        state.input.clear();
        state.input.resize(length, 0);
        state.input.as_mut_ptr()
    })
}

/// Last answer.
#[unsafe(no_mangle)]
pub extern "C" fn output() -> *const u8 {
    with(|state| state.output.as_ptr())
}

/// Reads game `number` of the text, before which stands the extension of its file, of `extension` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn read(extension: usize, number: usize) -> usize {
    with(|state| {
        // A page writes text as UTF-8; anything else is no game.
        let input = str::from_utf8(&state.input).unwrap_or_default();
        let (extension, text) = input.split_at_checked(extension).unwrap_or_default();
        (state.output, state.game) = read_game(text, extension, number);
        state.output.len()
    })
}

/// Position after a node of the game.
#[unsafe(no_mangle)]
pub extern "C" fn position(node: usize) -> usize {
    with(|state| {
        state.output = state.game.as_ref().map(|game| game.position(node)).unwrap_or_default();
        state.output.len()
    })
}
