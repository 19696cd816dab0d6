//! Lists beside a flag file: read with it, compared, and what they lost.

use super::*;
use std::fs;

fn look(path: &Path, seen: Option<&Stamp>) -> (Loaded, Stamp) {
    let met = Met::read(path, seen, 1 << 20, &Writes::default(), FilePart::read).unwrap();
    (met.loaded, met.stamp)
}

const FILE: &str = "flagstaff: 1\nflags: { f: { rules: \
                    [{ if: { id: { in_list: ids.txt } }, serve: on }] } }";

#[test]
fn a_list_is_read_with_its_file_and_makes_it_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.yaml");
    fs::write(&path, FILE).unwrap();
    let (loaded, missing) = look(&path, None);
    let why = loaded.lists.get("ids.txt").unwrap().as_ref().unwrap_err();
    assert_eq!(why, "file not found");
    assert_eq!(missing.lists(&path).collect::<Vec<_>>(), [dir.path().join("ids.txt")]);

    fs::write(dir.path().join("ids.txt"), "# from the CRM\n 7 \r\n\n8").unwrap();
    let (loaded, there) = look(&path, Some(&missing));
    let list = loaded.lists.get("ids.txt").unwrap().as_ref().unwrap();
    assert_eq!(**list, ["7".into(), "8".into()]);
    assert_ne!(missing.digest, there.digest);
    assert_eq!(look(&path, Some(&there)).1.digest, there.digest);

    fs::write(dir.path().join("ids.txt"), [0xff, 0xfe]).unwrap();
    let (loaded, _) = look(&path, Some(&there));
    assert!(loaded.lists.get("ids.txt").unwrap().is_err());
    // The lists share the room of their file.
    fs::write(dir.path().join("ids.txt"), "x".repeat(1000)).unwrap();
    let small = Loaded::read(&path, FILE.len() as u64 + 999).unwrap().0;
    assert!(small.lists.get("ids.txt").unwrap().is_err());
}

#[test]
fn an_empty_list_is_a_mistake_and_one_of_comments_is_not() {
    for content in ["", "\n", " \r\n\t\n", "\u{feff}", "\u{feff}\n"] {
        assert!(entries(content.as_bytes()).unwrap_err().starts_with("is empty"), "{content:?}");
    }
    for content in ["# none", "\n# none for now\n", "\u{feff}#"] {
        assert!(entries(content.as_bytes()).unwrap().is_empty(), "{content:?}");
    }
}

#[test]
fn lines_end_as_on_any_system_and_a_list_is_text() {
    for content in ["u1\nu2", "u1\r\nu2\r\n", "u1\ru2\r"] {
        let read = entries(content.as_bytes()).unwrap();
        assert_eq!(read.iter().map(|entry| &**entry).collect::<Vec<_>>(), ["u1", "u2"]);
    }
    assert!(entries(b"u1\0u2\n").unwrap_err().contains("NUL"));
}

#[test]
fn what_a_list_lost_is_counted_from_its_last_good_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.yaml");
    fs::write(&path, FILE).unwrap();
    let mut seen = None;
    for (list, loss, has_blank) in [
        ("1\n2\n3\n4\n5\n6\n7\n8\n", Loss::None, false),
        ("1\n2\n3\n4\n5\n6\n", Loss::Small, false),
        ("1\n2\n3\n4\n", Loss::Large, false),
        ("", Loss::None, true),
        ("1\n", Loss::Large, false),
        ("# none\n", Loss::Large, false),
        ("1\n", Loss::None, false),
    ] {
        fs::write(dir.path().join("ids.txt"), list).unwrap();
        let met =
            Met::read(&path, seen.as_ref(), 1 << 20, &Writes::default(), FilePart::read).unwrap();
        assert_eq!((met.list_loss, met.has_blank), (loss, has_blank), "{list:?}");
        seen = Some(met.stamp);
    }
}
