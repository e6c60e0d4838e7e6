//! A lost device: the browser may take the GPU away at any time, and what was asked of it is then never answered.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

/// The device of this module, of which there is one.
struct Device {
    /// Why it was lost, if it was.
    lost: Option<String>,
    /// Those who wait for it.
    waiting: Vec<Waker>,
}

thread_local! {
    static DEVICE: RefCell<Device> = const { RefCell::new(Device { lost: None, waiting: Vec::new() }) };
}

/// The device was lost for this reason.
pub fn happened(reason: String) {
    let waiting = DEVICE.with_borrow_mut(|device| {
        device.lost = Some(reason);
        std::mem::take(&mut device.waiting)
    });
    waiting.into_iter().for_each(Waker::wake);
}

/// What `answer` comes to, or why the device was lost, now or meanwhile.
pub async fn or<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        let lost = DEVICE.with_borrow_mut(|device| {
            // Whoever is answered waits no longer.
            device.waiting.retain(|waker| !waker.will_wake(context.waker()));
            device.lost.clone()
        });
        if let Some(reason) = lost {
            return Poll::Ready(Err(reason));
        }
        let answer = answer.as_mut().poll(context);
        if answer.is_pending() {
            DEVICE.with_borrow_mut(|device| device.waiting.push(context.waker().clone()));
        }
        answer.map(Ok)
    })
    .await
}
