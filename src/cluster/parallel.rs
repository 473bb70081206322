//! One thing done for many, several at once.

use std::sync::Mutex;
use std::thread;

/// Does `work` for each of `items`, at most `at_once` of them at a time. The results are in the order of the items.
pub(crate) fn each<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    at_once: usize,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let items: Vec<T> = items.into_iter().collect();
    let threads = at_once.clamp(1, items.len().max(1));
    let queue = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    let run = || {
        loop {
            let next = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some((place, item)) = next else { return };
            let result = work(item);
            if let Ok(mut done) = done.lock() {
                done.push((place, result));
            }
        }
    };
    thread::scope(|scope| {
        // This thread is one of them, so that all is done even where no other can be started.
        for _ in 1..threads {
            if thread::Builder::new().spawn_scoped(scope, run).is_err() {
                break;
            }
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_are_in_order_and_no_more_run_than_asked() {
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let doubled = each(0..20_u64, 3, |number| {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
            running.fetch_sub(1, Ordering::SeqCst);
            number * 2
        });
        assert_eq!(
            doubled,
            (0..20).map(|number| number * 2).collect::<Vec<_>>()
        );
        let most = most.into_inner();
        assert!((2..=3).contains(&most), "{most} at once");
        assert!(each(Vec::<u8>::new(), 4, |n| n).is_empty());
    }
}
