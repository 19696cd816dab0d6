//! Sidecar and operator as two users of one directory, as in two containers of a pod.

use super::*;
use std::{env, os::unix::fs::PermissionsExt, path::Path};

/// The program as another user runs it.
fn another_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "1234", "--regid", "1234", "--clear-groups"]).arg(program);
    command
}

/// What keeps this machine from running a program as another user.
fn obstacle(program: &Path) -> Option<&'static str> {
    if run(Command::new("id").arg("-u")).1.trim() != "0" {
        return Some("this takes root");
    }
    match another_user(program).arg("--version").output() {
        Err(_) => Some("there is no setpriv, of util-linux"),
        Ok(output) => (!output.status.success()).then_some("setpriv is not permitted here"),
    }
}

#[tokio::test]
async fn it_works_between_two_users_of_one_directory() {
    let place = Place::new(&document());
    fs::create_dir_all(&place.dir).unwrap();
    // As an emptyDir is: for everybody.
    for dir in place.dir.ancestors().take_while(|dir| dir.starts_with(place.flags.dir())) {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o777)).unwrap();
    }
    // The other user may not get to where it was built.
    let program = place.flags.dir().join("flagstaff");
    fs::copy(env!("CARGO_BIN_EXE_flagstaff"), &program).unwrap();
    if let Some(why) = obstacle(&program) {
        assert!(env::var_os("CI").is_none(), "CI needs this: {why}");
        println!("skipped: {why}");
        return;
    }
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    let address = sidecar.management().to_string();
    let other = |arguments: &[&str]| {
        let mut command = another_user(&program);
        run(command.arg("override").args(arguments).args(["--address", &address]))
    };
    let (code, said) = other(&["set", "page", "old", "--for", "1h", "--why", "x"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
    // And the other way round, with a umask that would hide it from the other user.
    let masked = format!(
        "umask 077; exec {} override set other old --for 1h --why x --address {address}",
        program.display()
    );
    let (code, said) = run(Command::new("sh").args(["-c", &masked]));
    assert_eq!(code, Some(0), "{said}");
    let mode = fs::metadata(place.dir.join("other.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let (code, listed) = other(&["list"]);
    assert!(code == Some(0) && listed.matches("active for").count() == 2, "{listed}");
    let (code, said) = other(&["clear", "other"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ask(&client, "other").await, answer("new", "TARGETING_MATCH"));
    // Where it may not write it says so.
    fs::set_permissions(&place.dir, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, said) = other(&["set", "other", "old", "--for", "1h", "--why", "x"]);
    assert_eq!(code, Some(1), "{said}");
    let dir = place.dir.display();
    assert!(
        said.contains(&format!("in {dir} (this user must be allowed to write there)")),
        "{said}"
    );
    let (code, said) = other(&["clear", "page"]);
    assert!(code == Some(1) && said.contains("allowed to write there"), "{said}");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
}
