//! The verdicts as tables.

use super::*;

const ALL: [WriterState; 7] = [
    WriterState::Done,
    WriterState::Closed,
    WriterState::ClosedAgain,
    WriterState::ClosedByAnother,
    WriterState::Replaced,
    WriterState::Unknown,
    WriterState::Open,
];

const MS: fn(u64) -> Duration = Duration::from_millis;

fn known(writer: WriterState, differs: u64, unchanged: u64) -> Evidence {
    let (differs_for, unchanged_for) = (MS(differs), MS(unchanged));
    Evidence { writer, differs_for, unchanged_for, is_moving: false, is_reopened: false }
}

const HOLD: fn(u64, u64) -> Verdict =
    |left, needed| Verdict::Hold { left: MS(left), needed: MS(needed) };

/// The verdict after the file has differed and the content been the same for so many
/// milliseconds.
fn verdict(writer: WriterState, differs: u64, unchanged: u64, loss: Loss) -> Verdict {
    let evidence = known(writer, differs, unchanged);
    evidence.still_written(false, true).map_or_else(|| evidence.judge(loss), Verdict::Wait)
}

#[test]
fn what_is_complete_by_construction_is_served_at_once() {
    for loss in [Loss::None, Loss::Small, Loss::Large] {
        assert_eq!(verdict(WriterState::Done, 0, 0, loss), Verdict::Serve);
    }
}

#[test]
fn a_writer_that_has_the_file_open_is_waited_for() {
    use Loss::*;
    for (differs, unchanged, loss, expected) in [
        (0, 0, None, Verdict::Wait(MS(5000))),
        (4999, 4999, Large, Verdict::Wait(MS(1))),
        (5000, 0, None, Verdict::Serve),
        (5000, 0, Small, Verdict::Serve),
        (5000, 5000, Large, HOLD(5000, 5000)),
        (9000, 1000, Large, HOLD(4000, 5000)),
        (10_000, 10_000, Large, Verdict::Serve),
        (60_000, 4999, Large, HOLD(1, 5000)),
    ] {
        let found = verdict(WriterState::Open, differs, unchanged, loss);
        assert_eq!(found, expected, "{differs} {unchanged} {loss:?}");
    }
}

#[test]
fn without_events_content_must_stay_the_same() {
    use Loss::*;
    for (differs, unchanged, loss, expected) in [
        (0, 0, None, Verdict::Wait(MS(200))),
        (4900, 10, Large, Verdict::Wait(MS(100))),
        (5000, 10, None, Verdict::Serve),
        (200, 200, None, Verdict::Serve),
        (200, 200, Small, Verdict::Wait(MS(1800))),
        (2000, 2000, Small, Verdict::Serve),
        (200, 200, Large, HOLD(4800, 5000)),
        (9000, 4999, Large, HOLD(1, 5000)),
        (5000, 5000, Large, Verdict::Serve),
    ] {
        let found = verdict(WriterState::Unknown, differs, unchanged, loss);
        assert_eq!(found, expected, "{differs} {unchanged} {loss:?}");
    }
    assert_eq!(verdict(WriterState::Replaced, 200, 200, None), Verdict::Serve);
    assert_eq!(verdict(WriterState::Replaced, 200, 200, Large), Verdict::Wait(MS(800)));
    assert_eq!(verdict(WriterState::Replaced, 1000, 1000, Large), Verdict::Serve);
}

#[test]
fn empty_content_must_stay_empty_whatever_is_known() {
    let left = |writer, unchanged_for, can_be_half| {
        known(writer, unchanged_for, unchanged_for).still_written(true, can_be_half)
    };
    for can_be_half in [true, false] {
        assert_eq!(left(WriterState::Done, 0, can_be_half), Some(MS(200)));
        assert_eq!(left(WriterState::Done, 200, can_be_half), None);
    }
    assert_eq!(left(WriterState::Open, 200, true), Some(MS(4800)));
    assert_eq!(left(WriterState::Open, 200, false), None);
}

#[test]
fn content_that_changes_again_is_as_old_as_the_first_difference() {
    let start = Instant::now();
    let doubt = Doubt::of(None, [1; 32], WriterState::Open, start);
    let doubt = Doubt::of(Some(doubt), [1; 32], WriterState::Open, start + MS(10));
    assert!(!doubt.evidence(false, start).is_moving);
    let doubt = Doubt::of(Some(doubt), [2; 32], WriterState::Open, start + MS(20));
    let evidence = doubt.evidence(false, start + MS(50));
    assert_eq!((evidence.differs_for, evidence.unchanged_for), (MS(50), MS(30)));
    assert!(evidence.is_moving && !evidence.is_reopened);
}

#[test]
fn more_than_a_quarter_is_a_large_loss() {
    for (lost, all, expected) in [
        (0, 0, Loss::None),
        (0, 9, Loss::None),
        (1, 4, Loss::Small),
        (2, 7, Loss::Large),
        (1, 1, Loss::Large),
        (500, 2000, Loss::Small),
        (501, 2000, Loss::Large),
    ] {
        assert_eq!(Loss::of(lost, all), expected, "{lost} of {all}");
    }
}

/// A stable content is served after ten seconds, whatever is known of it.
#[test]
fn no_stable_content_waits_for_ever() {
    for writer in ALL {
        for loss in [Loss::None, Loss::Small, Loss::Large] {
            assert_eq!(verdict(writer, 10_000, 10_000, loss), Verdict::Serve, "{writer:?}");
        }
    }
}

#[test]
fn a_closed_file_waits_only_if_it_lost_much() {
    for writer in [WriterState::Closed, WriterState::ClosedAgain, WriterState::ClosedByAnother] {
        for loss in [Loss::None, Loss::Small] {
            assert_eq!(verdict(writer, 0, 0, loss), Verdict::Serve);
        }
    }
    let large = |writer, unchanged| verdict(writer, unchanged, unchanged, Loss::Large);
    assert_eq!(large(WriterState::Closed, 0), HOLD(1000, 1000));
    assert_eq!(large(WriterState::Closed, 1000), Verdict::Serve);
    for writer in [WriterState::ClosedAgain, WriterState::ClosedByAnother, WriterState::Unknown] {
        assert_eq!(large(writer, 1000), HOLD(4000, 5000));
        assert_eq!(large(writer, 5000), Verdict::Serve);
    }
}

#[test]
fn a_file_that_is_opened_again_for_each_part_waits_longer() {
    let start = Instant::now();
    let doubt = Doubt::of(None, [1; 32], WriterState::Closed, start);
    // Events are reported once, and other scans follow.
    let doubt = Doubt::of(Some(doubt), [1; 32], WriterState::Unknown, start + MS(900));
    let evidence = doubt.evidence(false, start + MS(900));
    assert_eq!(evidence.judge(Loss::Large), HOLD(100, 1000));
    let doubt = Doubt::of(Some(doubt), [2; 32], WriterState::Closed, start + MS(950));
    let evidence = doubt.evidence(false, start + MS(1950));
    assert_eq!(evidence.judge(Loss::Large), HOLD(4000, 5000));
    assert_eq!(evidence.judge(Loss::None), Verdict::Serve);
    let doubt = Doubt::of(Some(doubt), [2; 32], WriterState::Open, start + MS(2000));
    assert_eq!(doubt.evidence(false, start + MS(2000)).writer, WriterState::Open);
}

#[test]
fn without_events_a_file_that_moves_or_grows_waits_longer() {
    let start = Instant::now();
    let doubt = Doubt::of(None, [1; 32], WriterState::Unknown, start);
    let left = |doubt: &Doubt, is_longer, at| {
        doubt.evidence(is_longer, start + MS(at)).still_written(false, true)
    };
    assert_eq!(left(&doubt, false, 50), Some(MS(150)));
    assert_eq!(left(&doubt, true, 50), Some(MS(950)));
    let doubt = Doubt::of(Some(doubt), [2; 32], WriterState::Unknown, start + MS(100));
    assert_eq!(left(&doubt, false, 300), Some(MS(800)));
    assert_eq!(left(&doubt, false, 1100), None);
    // At most as long as for an open writer.
    let doubt = Doubt::of(Some(doubt), [3; 32], WriterState::Unknown, start + MS(4900));
    assert_eq!(left(&doubt, false, 4950), Some(MS(50)));
}

/// The parts of a file that is written in parts often end within a flag, and are no YAML then.
#[test]
fn a_part_that_cannot_be_served_does_not_end_the_wait_for_the_next() {
    let start = Instant::now();
    let taken = |writer| Doubt::of(None, [1; 32], writer, start);
    let next = |before: Option<Doubt>| {
        let doubt = Doubt::of(before, [2; 32], WriterState::Closed, start + MS(4000));
        doubt.evidence(false, start + MS(5000))
    };
    let evidence = next(taken(WriterState::Closed).after_taken(start + MS(4000)));
    assert_eq!(evidence.judge(Loss::Large), HOLD(4000, 5000));
    assert_eq!(evidence.differs_for, MS(1000), "an open writer is waited for anew");
    let evidence = next(taken(WriterState::Unknown).after_taken(start + MS(4000)));
    assert_eq!(evidence.judge(Loss::Large), HOLD(4000, 5000), "no event showed its close");
    assert!(taken(WriterState::Closed).after_taken(start + MS(5000)).is_none());
    let waited_for = taken(WriterState::Closed).taken(start + MS(5000));
    assert_eq!(
        next(waited_for.after_taken(start + MS(5100))).judge(Loss::Large),
        HOLD(4000, 5000),
        "the time counts from when it was taken"
    );
}
