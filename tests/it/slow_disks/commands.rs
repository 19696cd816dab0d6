//! Commands that read files which do not open: they end in time and say why.

use super::{
    file,
    held::{HANG, Held, LEASE},
};
use crate::{
    flags::Flags,
    sidecar::{flagstaff, run},
};
use std::{
    thread,
    time::{Duration, Instant},
};

#[test]
fn check_and_eval_of_a_file_that_does_not_answer_end_in_time_and_name_it() {
    let flags = Flags::new(&file("f", "a"));
    let Some(_hung) = Held::by(HANG, flags.path()) else { return };
    let start = Instant::now();
    let running = [&["check"][..], &["eval", "--flag", "f"], &["export"]].map(|arguments| {
        let mut command = flagstaff();
        command.arg(arguments[0]).arg(flags.path()).args(&arguments[1..]);
        thread::spawn(move || run(&mut command))
    });
    for running in running {
        let (code, printed, said) = running.join().unwrap();
        let all = format!("{printed}{said}");
        assert_eq!(code, Some(1), "{all}");
        assert!(all.contains("flags.json") && all.contains("its file system may hang"), "{all}");
    }
    println!("three commands on a hung file: {:.1?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn check_waits_for_a_lease_to_end_and_names_one_that_does_not() {
    let flags = Flags::new(&file("f", "a"));
    let lease = Held::by(LEASE, flags.path()).unwrap();
    let (code, printed, _) = run(flagstaff().arg("check").arg(flags.path()));
    assert!(code == Some(1) && printed.contains("lease of another process"), "{printed}");
    let mut command = flagstaff();
    command.arg("check").arg(flags.path());
    let running = thread::spawn(move || run(&mut command));
    // Its first attempts fail.
    thread::park_timeout(Duration::from_millis(300));
    drop(lease);
    let (code, printed, said) = running.join().unwrap();
    assert_eq!(code, Some(0), "{printed}{said}");
}
