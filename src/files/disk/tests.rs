//! Operations that hang, are slow or panic.

use super::*;

fn run(disk: &mut Disk, path: &str, work: impl FnOnce() -> u32 + Send + 'static) -> Option<u32> {
    disk.run(Operation::Read, Path::new(path), work)
}

/// Runs it until it returns in time: this machine may be busy.
fn until_some(disk: &mut Disk, path: &str, result: u32) -> u32 {
    loop {
        if let Some(result) = run(disk, path, move || result) {
            return result;
        }
    }
}

#[test]
fn an_operation_that_hangs_delays_no_other_and_is_not_tried_again() {
    let mut disk = Disk::default();
    let (release, held) = mpsc::channel::<()>();
    assert_eq!(until_some(&mut disk, "a", 1), 1);
    let start = Instant::now();
    assert_eq!(run(&mut disk, "b", move || held.recv().map_or(2, |()| 3)), None);
    assert!((WAIT..Duration::from_millis(500)).contains(&start.elapsed()));
    assert!(disk.is_hanging());
    let start = Instant::now();
    disk.begin_scan(ScanCause::Change);
    for _ in 0..100 {
        assert_eq!(run(&mut disk, "b", || 4), None);
        assert_eq!(until_some(&mut disk, "a", 5), 5);
    }
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    drop(release);
    assert_eq!(until_some(&mut disk, "b", 4), 4, "it is tried again");
    assert!(!disk.has_late_result());
}

#[tokio::test]
async fn a_return_is_reported() {
    let returned = Arc::new(Notify::new());
    let mut disk = Disk::new(Arc::clone(&returned));
    let (release, held) = mpsc::channel::<()>();
    assert_eq!(run(&mut disk, "a", move || held.recv().map_or(1, |()| 2)), None);
    drop(release);
    tokio::time::timeout(Duration::from_secs(10), returned.notified()).await.unwrap();
    assert_eq!(run(&mut disk, "a", || 3), Some(1));
}

#[test]
fn the_patience_of_a_scan_and_the_threads_left_behind_are_bounded() {
    let mut disk = Disk::default();
    let (release, held) = mpsc::channel::<()>();
    let held = Arc::new(std::sync::Mutex::new(held));
    let start = Instant::now();
    for number in 0..100 {
        let held = Arc::clone(&held);
        let hang = move || held.lock().map_or(0, |held| held.recv().map_or(1, |()| 2));
        assert_eq!(run(&mut disk, &number.to_string(), hang), None);
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(disk.unanswered.len(), MAX_UNANSWERED);
    drop(release);
}

#[test]
fn an_operation_that_panics_has_no_result_and_hurts_no_other() {
    let mut disk = Disk::default();
    assert_eq!(run(&mut disk, "a", || panic!("a defect")), None);
    assert_eq!(until_some(&mut disk, "a", 1), 1);
    assert!(!disk.is_hanging());
}

#[test]
fn a_result_is_late_only_if_something_may_have_changed_since() {
    for (cause, is_late) in [(ScanCause::Return, false), (ScanCause::Change, true)] {
        let mut disk = Disk::default();
        disk.begin_scan(ScanCause::Change);
        let (release, held) = mpsc::channel::<()>();
        assert_eq!(run(&mut disk, "a", move || held.recv().map_or(1, |()| 2)), None);
        drop(release);
        while disk.is_hanging() {
            thread::yield_now();
        }
        disk.begin_scan(cause);
        if is_late {
            thread::park_timeout(STALE * 2);
        }
        assert_eq!(run(&mut disk, "a", || 3), Some(1));
        assert_eq!(disk.has_late_result(), is_late, "{cause:?}");
    }
}
