//! What is written, listed and removed.

use super::*;
use std::{os::unix::ffi::OsStrExt, time::Duration};

fn of(flag: &str, variant: &str) -> Override {
    let until = UNIX_EPOCH + Duration::from_secs(1_795_345_200);
    let (flag, variant) = (flag.to_owned(), variant.to_owned());
    Override { flag, variant, until, why: "x".to_owned(), set_at: None }
}

fn names(directory: &Path) -> Vec<String> {
    list(directory).unwrap().files.into_iter().map(|(name, _)| shown(&name)).collect()
}

#[test]
fn what_is_written_is_listed_and_readable_by_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("made/when/needed");
    assert!(list(&dir).unwrap().files.is_empty());
    let path = write(&dir, &of("a/b", "on")).unwrap();
    write(&dir, &of("a/b", "off")).unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644);
    let files = list(&dir).unwrap().files;
    assert_eq!(files, [("a%2Fb.json".into(), Ok(of("a/b", "off")))]);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing hidden is left");
}

#[test]
fn what_is_no_override_hurts_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, &of("good", "on")).unwrap();
    fs::write(dir.join("corrupt.json"), "{").unwrap();
    fs::write(dir.join("huge.json"), vec![b' '; 64 * 1024 + 1]).unwrap();
    fs::create_dir(dir.join("directory.json")).unwrap();
    for ignored in [".hidden.json", "README", "notes.txt"] {
        fs::write(dir.join(ignored), "x").unwrap();
    }
    std::os::unix::fs::symlink("nowhere", dir.join("dangling.json")).unwrap();
    let files = list(dir).unwrap().files;
    let told: Vec<_> = files
        .iter()
        .map(|(name, content)| (name.to_str().unwrap(), content.as_ref().err().map(String::as_str)))
        .collect();
    assert_eq!(told[0].0, "corrupt.json");
    assert!(told[0].1.unwrap().starts_with("ends too early"), "{told:?}");
    assert_eq!(told[1], ("directory.json", Some("is a directory, not a file")));
    assert_eq!(told[2], ("good.json", None));
    assert_eq!(told[3].1, Some("is larger than 65536 bytes, which no override is"));
    assert_eq!(told.len(), 4);
}

#[test]
fn too_many_are_left_out_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..MAX_FILES + 3 {
        fs::write(dir.path().join(format!("{number:04}.json")), "{").unwrap();
    }
    let names = Names::of(dir.path()).unwrap().unwrap();
    assert_eq!((names.names.len(), names.left_out), (MAX_FILES, 3));
    assert_eq!(names.names.last().unwrap(), "0999.json");
    assert_eq!(list(dir.path()).unwrap().files.len(), MAX_FILES);
}

#[test]
fn a_flag_s_overrides_are_removed_whatever_their_files_are_called() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let kept = write(dir, &of("a", "on")).unwrap();
    write(dir, &of("b", "on")).unwrap();
    fs::write(dir.join("by-hand.json"), of("a", "off").to_text()).unwrap();
    assert_eq!(remove(dir, "a", &[], Some(&kept)).unwrap(), 1);
    assert_eq!(names(dir), ["a.json", "b.json"]);
    fs::write(&kept, "{").unwrap();
    assert_eq!(remove(dir, "a", &[], None).unwrap(), 1);
    assert_eq!(names(dir), ["b.json"]);
    assert_eq!(remove(dir, "a", &[], None).unwrap(), 0);
    assert_eq!(remove(&dir.join("absent"), "a", &[], None).unwrap(), 0);
}

#[test]
fn one_call_removes_what_is_known_corrupt_or_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for number in 0..MAX_FILES {
        fs::write(dir.join(format!("{number:04}.json")), "{").unwrap();
    }
    let corrupt = OsStr::from_bytes(b"by-hand-\xff.json");
    fs::write(dir.join(corrupt), "{").unwrap();
    fs::write(dir.join("z.json"), of("a", "off").to_text()).unwrap();
    write(dir, &of("a", "on")).unwrap();
    assert_eq!(remove(dir, "a", &["by-hand-\\xff.json"], None).unwrap(), 3);
    assert_eq!(fs::read_dir(dir).unwrap().count(), MAX_FILES);
}

#[test]
fn names_that_are_not_utf8_are_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let names: [&[u8]; 4] = [b"\xfe.json", b"\xff.json", b"\\xff.json", "\u{fffd}.json".as_bytes()];
    for name in names {
        fs::write(dir.path().join(OsStr::from_bytes(name)), of("a", "on").to_text()).unwrap();
    }
    let mut shown = self::names(dir.path());
    shown.sort();
    assert_eq!(shown, ["\\\\xff.json", "\\xfe.json", "\\xff.json", "\u{fffd}.json"]);
}
