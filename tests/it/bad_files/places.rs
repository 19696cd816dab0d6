//! What stands in the place of the file, if it is no file at all or one that cannot be read.

use crate::{
    client::Client,
    flags::Flags,
    sidecar::{DEADLINE, Sidecar, eventually},
};
use flagstaff::pb::flagd::evaluation::v2::ResolveStringResponse;
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

fn document(value: &str) -> Value {
    json!({"flags": {"greeting":
        {"state": "ENABLED", "variants": {"now": value}, "defaultVariant": "now"}}})
}

async fn ask(client: &Client) -> String {
    let answer: ResolveStringResponse = client.resolve("greeting", json!({})).await.unwrap();
    answer.value.unwrap()
}

/// Puts something in the file's place, and checks that nobody suffers until the file is back.
async fn check(sidecar: &Sidecar, flags: &Flags, what: &str, why: &str, put: impl Fn(&Path)) {
    let client = Client::connect(sidecar).await;
    let before = ask(&client).await;
    let errors = async || sidecar.reloads().await.get("read_error").copied().unwrap_or_default();
    let errors_before = errors().await;
    put(flags.path());
    eventually(DEADLINE, &format!("{what} is noticed"), async || errors().await > errors_before)
        .await;
    assert_eq!(ask(&client).await, before, "{what}");
    assert_eq!(sidecar.readyz().await.0, 200, "{what}");
    let successful = "flagstaff_config_last_reload_successful";
    let told = format!("told so of {what}");
    eventually(DEADLINE, &told, async || sidecar.metric(successful).await == 0.0).await;
    sidecar.wait_for_log(&["WARN", "cannot read the flag file", why]).await;
    // Written beside it and moved there, after what no file can be moved over has gone.
    if flags.path().symlink_metadata().is_ok_and(|found| found.is_dir()) {
        fs::remove_dir(flags.path()).unwrap();
    }
    flags.rename_over(&document(what));
    eventually(DEADLINE, &format!("healed after {what}"), async || ask(&client).await == what)
        .await;
    let told = format!("told so after {what}");
    eventually(DEADLINE, &told, async || sidecar.metric(successful).await == 1.0).await;
}

#[tokio::test]
async fn what_is_no_file_hurts_nobody() {
    let flags = Flags::new(&document("good"));
    let sidecar = Sidecar::start(&flags).await;
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let replaced = |path: &Path, target: &Path| {
        let link = path.with_extension("link");
        symlink(target, &link).unwrap();
        fs::rename(link, path).unwrap();
    };
    check(&sidecar, &flags, "a file that is gone", "file not found", remove).await;
    let directory = |path: &Path| {
        remove(path);
        fs::create_dir(path).unwrap();
    };
    check(&sidecar, &flags, "a directory", "is a directory, not a file", directory).await;
    let fifo = |path: &Path| {
        let made = path.with_extension("fifo");
        assert!(Command::new("mkfifo").arg(&made).status().unwrap().success());
        fs::rename(made, path).unwrap();
    };
    check(&sidecar, &flags, "a fifo", "is not a regular file", fifo).await;
    let socket = |path: &Path| {
        let made = path.with_extension("socket");
        drop(UnixListener::bind(&made).unwrap());
        fs::rename(made, path).unwrap();
    };
    check(&sidecar, &flags, "a socket", "is not a regular file", socket).await;
    for (what, why, target) in [
        ("a dangling link", "file not found", "nowhere.json"),
        ("a link to itself", "cannot be read: Too many levels of symbolic links", "flags.json"),
        ("a link through a file", "file not found", "/dev/null/flags.json"),
        ("a link to a device", "is not a regular file", "/dev/zero"),
        ("a link to a terminal", "is not a regular file", "/dev/tty"),
        ("a link to a directory", "is a directory, not a file", "/"),
        ("a link to memory", "cannot be read", "/proc/self/mem"),
    ] {
        let link = |path: &Path| replaced(path, Path::new(target));
        check(&sidecar, &flags, what, why, link).await;
    }
    let pair = |path: &Path| {
        let other = path.with_extension("other");
        symlink("flags.json", &other).unwrap();
        replaced(path, &other);
    };
    check(&sidecar, &flags, "a loop of two links", "Too many levels", pair).await;
}

#[tokio::test]
async fn a_file_that_may_not_be_read_hurts_nobody() {
    let flags = Flags::new(&document("good"));
    let everybody = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
    everybody(flags.dir(), 0o777).unwrap();
    // Root may read everything, so as root it has to be somebody else.
    let is_root = fs::metadata(flags.path()).unwrap().uid() == 0;
    let sidecar = match is_root {
        true => Sidecar::start_in(&flags, &[], |command| command.uid(65_534).gid(65_534)).await,
        false => Sidecar::start(&flags).await,
    };
    let closed = |path: &Path| {
        let next = path.with_extension("next");
        fs::write(&next, document("secret").to_string()).unwrap();
        everybody(&next, 0o000).unwrap();
        fs::rename(next, path).unwrap();
    };
    let why = "permission denied for the user this process runs as";
    check(&sidecar, &flags, "a closed file", why, closed).await;
    let closed_directory = |path: &Path| {
        let directory = path.with_extension("d");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("flags.json"), document("secret").to_string()).unwrap();
        everybody(&directory, 0o000).unwrap();
        let link = path.with_extension("link");
        symlink(directory.join("flags.json"), &link).unwrap();
        fs::rename(link, path).unwrap();
    };
    check(&sidecar, &flags, "a file in a closed directory", why, closed_directory).await;
}
