//! Disks that are full: the program goes on, and what is dropped is said.

use super::*;
use crate::logs::files::Call;
use service::RETRY_EVERY;

fn after_retry(capture: &mut Capture) {
    assert!(capture.retry_at().is_some(), "a retry is planned");
    capture.retry(Instant::now() + RETRY_EVERY);
}

#[test]
fn a_short_lack_of_space_loses_nothing() {
    let bed = Bed::new();
    let files = Files::default();
    let mut capture = bed.try_engine(files.clone(), BOOT).expect("capture");
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    write_lines(&mut write, &numbered(0..10));
    capture.flush(None);
    files.faults.set_full(&[Call::Append, Call::Checkpoint]);
    for start in (10..50).step_by(10) {
        write_lines(&mut write, &numbered(start..start + 10));
        capture.flush(None);
    }
    after_retry(&mut capture);
    assert_eq!(bed.lines().len(), 10);
    files.faults.set_full(&[]);
    after_retry(&mut capture);
    assert_eq!(bed.lines(), numbered(0..50));
    assert_eq!(capture.retry_at(), None);
    write_lines(&mut write, &numbered(50..60));
    drop(write);
    run_to_the_end(&mut capture);
    assert_eq!(bed.lines(), numbered(0..60));
    assert_eq!(bed.notes(), [""; 0]);
}

#[test]
fn a_full_disk_drops_lines_counts_them_and_never_blocks() {
    let bed = Bed::new();
    let files = Files::default();
    let mut capture = bed.try_engine(files.clone(), BOOT).expect("capture");
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    write.write_all(b"before\nhalf a ").expect("write");
    capture.flush(None);
    files.faults.set_full(&[Call::Splice, Call::Append, Call::Checkpoint]);
    for _ in 0..20 {
        write_lines(&mut write, &numbered(0..1000));
        capture.flush(None);
    }
    write.write_all(b"another half").expect("write");
    capture.flush(None);
    capture.note(&own_note(&web(), Level::Info, "counts as a line".into()));
    files.faults.set_full(&[]);
    after_retry(&mut capture);
    write.write_all(b" dropped too\nafter\n").expect("write");
    drop(write);
    run_to_the_end(&mut capture);
    assert_eq!(bed.lines(), ["before", "after"]);
    assert_eq!(bed.notes(), ["dropped 20002 lines: no storage space"]);
}

#[test]
fn a_spool_at_its_limit_is_dropped_while_the_log_is_blocked() {
    let bed = Bed::new();
    let files = Files::default();
    let mut capture = bed.try_engine(files.clone(), BOOT).expect("capture");
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    files.faults.set_full(&[Call::Append]);
    let block = format!("{}\n", "z".repeat(1023)).repeat(32);
    for _ in 0..600 {
        write.write_all(block.as_bytes()).expect("write");
        capture.flush(None);
    }
    files.faults.set_full(&[]);
    after_retry(&mut capture);
    drop(write);
    run_to_the_end(&mut capture);
    let notes = bed.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(notes[0], format!("dropped {} lines: no storage space", 16 * 1024));
    assert_eq!(bed.lines().len(), 600 * 32 - 16 * 1024);
}

#[test]
fn a_log_folder_that_cannot_be_made_is_tried_again() {
    let bed = Bed::new();
    std::fs::write(bed.paths().logs, "a file is in the way").expect("write");
    let mut capture = bed.engine();
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    write_lines(&mut write, &numbered(0..5));
    capture.flush(None);
    std::fs::remove_file(bed.paths().logs).expect("remove");
    after_retry(&mut capture);
    assert_eq!(bed.lines(), numbered(0..5));
}

#[test]
fn a_log_that_somebody_empties_goes_on() {
    let bed = Bed::new();
    let mut capture = bed.engine();
    let (read, mut write) = pipe();
    capture.attach(&id(1, Which::Stdout), read);
    write_lines(&mut write, &numbered(0..5));
    capture.flush(None);
    std::fs::OpenOptions::new().write(true).truncate(true).open(bed.paths().log(&web())).expect("truncate");
    write_lines(&mut write, &numbered(5..8));
    drop(write);
    run_to_the_end(&mut capture);
    assert_eq!(bed.lines(), numbered(5..8));
    drop(capture);
    bed.engine().adopted();
    assert_eq!(bed.lines(), numbered(5..8));
}
