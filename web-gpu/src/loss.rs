//! Loss of the device: the browser may take the GPU away at any time, and pending operations then never complete.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

/// State of this module's only device.
struct Device {
    /// Reason why it was lost, if it was.
    lost: Option<String>,
    /// Wakers of the futures that wait for the device.
    waiting: Vec<Waker>,
}

thread_local! {
    static DEVICE: RefCell<Device> = const { RefCell::new(Device { lost: None, waiting: Vec::new() }) };
}

/// Records that the device was lost for this reason, and wakes all futures that wait for it.
pub fn happened(reason: String) {
    let waiting = DEVICE.with_borrow_mut(|device| {
        device.lost = Some(reason);
        std::mem::take(&mut device.waiting)
    });
    waiting.into_iter().for_each(Waker::wake);
}

/// Output of `answer`, or the reason if the device is lost before that.
pub async fn or<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        let lost = DEVICE.with_borrow_mut(|device| {
            // A future that is polled is not waiting; it is added again below if it is still pending.
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
