//! A directory that others write to: names that are not text, links that lead elsewhere, several files
//! for one flag, and a disk that is full.

use super::*;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, os::unix::fs::symlink};

#[tokio::test]
async fn names_that_are_not_utf8_are_other_files() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    fs::create_dir_all(&place.dir).unwrap();
    let put = |name: &[u8], content: &str| {
        let hidden = place.dir.join(".hidden");
        fs::write(&hidden, content).unwrap();
        fs::rename(hidden, place.dir.join(OsStr::from_bytes(name))).unwrap();
    };
    put(b"\xfe.json", &decision("page", "old", 3600));
    put(b"\xff.json", &decision("other", "old", 3600));
    for flag in ["page", "other"] {
        let overridden = answer("old", "STATIC");
        eventually(DEADLINE, flag, async || ask(&client, flag).await == overridden).await;
    }
    let shown = status(&sidecar).await["overrides"].clone();
    let names: Vec<_> = shown.as_array().unwrap().iter().map(|of| of["file"].clone()).collect();
    assert_eq!(names, ["\\xfe.json", "\\xff.json"]);
    let (_, listed) = overriding(&sidecar, &["list"]);
    assert_eq!(listed.matches("active for").count(), 2, "{listed}");
    let asked = format!("asked the sidecar on {}", sidecar.management());
    assert_eq!(listed.lines().last(), Some(&*asked));
    let (code, said) = overriding(&sidecar, &["clear", "page"]);
    assert!(code == Some(0) && said.contains(&asked), "{said}");
    assert_eq!(ask(&client, "other").await, answer("old", "STATIC"));
}

#[tokio::test]
async fn a_link_out_of_the_directory_is_not_followed_and_no_error_quotes_a_file() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    let secrets = place.flags.dir().join("secrets");
    fs::create_dir_all(&secrets).unwrap();
    fs::create_dir_all(&place.dir).unwrap();
    fs::write(secrets.join("token"), "\"hunter2\"").unwrap();
    fs::write(secrets.join("valid"), decision("page", "old", 3600)).unwrap();
    symlink(secrets.join("valid"), place.dir.join("absolute.json")).unwrap();
    symlink("../../secrets/token", place.dir.join("relative.json")).unwrap();
    symlink("/proc/self/environ", place.dir.join("environ.json")).unwrap();
    place.put("text.json", "\"hunter2\"");
    place.put("number.json", "{\"flag\": \"hunter2\", \"variant\": [\"hunter2\"]}");
    sidecar.wait_for_log(&["WARN", "text.json", "is not an override"]).await;
    for name in ["absolute.json", "relative.json", "environ.json"] {
        sidecar.wait_for_log(&["WARN", name, "is a link that leads out of the directory"]).await;
    }
    assert_eq!(ask(&client, "page").await, answer("new", "TARGETING_MATCH"));
    let (_, listed) = overriding(&sidecar, &["list"]);
    let (_, page) = http_get(sidecar.management(), "/status").await;
    for told in [listed, page, sidecar.log().join("\n")] {
        assert!(!told.contains("hunter2"), "{told}");
    }
    // A mounted volume has links of its own, within.
    fs::create_dir(place.dir.join("..2026")).unwrap();
    fs::write(place.dir.join("..2026/other.json"), decision("other", "old", 3600)).unwrap();
    symlink("..2026", place.dir.join("..data")).unwrap();
    symlink("..data/other.json", place.dir.join("other.json")).unwrap();
    let overridden = answer("old", "STATIC");
    eventually(DEADLINE, "other", async || ask(&client, "other").await == overridden).await;
}

#[tokio::test]
async fn clear_clears_everything_for_the_flag_in_one_call() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    place.put("a.json", &decision("page", "old", 3600));
    place.put("b.json", &decision("page", "new", 3600));
    place.put("by-hand.json", &decision("page", "old", 3600));
    set(&sidecar, "page", "old");
    place.put("zz.json", &decision("page", "old", 3600));
    eventually(DEADLINE, "all are seen", async || {
        let overrides = status(&sidecar).await["overrides"].clone();
        overrides.as_array().unwrap().iter().any(|of| of["file"] == "zz.json")
    })
    .await;
    // What it said before it turned corrupt holds, whatever the file is called.
    place.put("zz.json", "oops");
    sidecar.wait_for_log(&["WARN", "zz.json", "what it said before holds"]).await;
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
    let (code, said) = overriding(&sidecar, &["clear", "page"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(place.files(), 0);
    assert_eq!(ask(&client, "page").await, answer("new", "TARGETING_MATCH"));
    assert_eq!(status(&sidecar).await["overrides"], json!([]));
}

#[tokio::test]
async fn set_replaces_what_a_corrupt_file_holds() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    place.put("zz.json", &decision("page", "old", 3600));
    eventually(DEADLINE, "seen", async || ask(&client, "page").await.1 == "STATIC").await;
    place.put("zz.json", "oops");
    sidecar.wait_for_log(&["WARN", "zz.json", "what it said before holds"]).await;
    set(&sidecar, "page", "new");
    assert_eq!(ask(&client, "page").await, answer("new", "STATIC"));
    assert_eq!(place.files(), 1);
}

#[tokio::test]
async fn a_full_disk_is_named_with_what_to_do() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let disk = place.flags.dir().join("disk");
    fs::create_dir(&disk).unwrap();
    // Root of a namespace of its own may mount a disk that holds nothing.
    let script = "mount -t tmpfs -o size=4k,nr_inodes=8 tmpfs \"$1\" && \
        head -c 4096 /dev/zero > \"$1/filler\" && \
        exec \"$0\" override set page old --for 1h --why x --overrides \"$1\" --address \"$2\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command.arg(env!("CARGO_BIN_EXE_flagstaff")).arg(&disk).arg(sidecar.management().to_string());
    let (code, said) = run(&mut command);
    if said.contains("unshare") || said.contains("mount:") {
        println!("skipped: no disk can be mounted here: {said}");
        return;
    }
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("No space left on device") && said.contains("free some space"), "{said}");
    assert!(!said.contains("must be allowed"), "{said}");
    assert!(said.contains(&sidecar.management().to_string()), "{said}");
}
