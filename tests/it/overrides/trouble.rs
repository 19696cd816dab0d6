//! What cannot be overridden, and files that say nothing of use: refused, or ignored loudly.

use super::*;

#[tokio::test]
async fn what_cannot_be_is_refused_and_nothing_is_written() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    for (flag, variant, expected) in [
        ("pgae", "old", "no flag \"pgae\" is served; did you mean \"page\"?"),
        ("nothing_like_it", "old", "must be in a file before it can be overridden"),
        ("page", "odl", "no variant \"odl\"; did you mean \"old\"?"),
        ("page", "nothing_like_it", "it has new, old"),
    ] {
        let arguments = ["set", flag, variant, "--for", "1h", "--why", "x"];
        let (code, said) = overriding(&sidecar, &arguments);
        assert_eq!(code, Some(1), "{flag} {variant}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{flag} {variant}: {said}");
    }
    assert!(!place.dir.exists());
    let (code, said) = overriding(&sidecar, &["clear", "page"]);
    assert!(code == Some(1) && said.contains("there is none at all"), "{said}");
    assert_eq!(overriding(&sidecar, &["list"]).0, Some(0));
    set(&sidecar, "page", "old");
    let (code, said) = overriding(&sidecar, &["clear", "pgae"]);
    assert!(code == Some(1) && said.contains("did you mean \"page\"?"), "{said}");
}

#[tokio::test]
async fn without_a_sidecar_or_a_directory_it_says_what_to_do() {
    let sidecar = Sidecar::start(&Flags::new(&document())).await;
    for arguments in [
        &["set", "page", "old", "--for", "1h", "--why", "x"][..],
        &["set", "page", "old", "--for", "1h", "--why", "x", "--overrides", "/tmp"],
        &["list"],
        &["clear", "page"],
    ] {
        let (code, said) = overriding(&sidecar, arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {said}");
        assert!(said.contains("flagstaff serve --overrides DIR"), "{arguments:?}: {said}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = nobody.to_string();
    let alone = |arguments: &[&str]| {
        run(flagstaff().arg("override").args(arguments).args(["--address", &nobody]))
    };
    let (code, said) = alone(&["set", "page", "old", "--for", "1h", "--why", "x"]);
    assert!(code == Some(1) && said.contains(&nobody) && said.contains("--address"), "{said}");
    let (code, said) = alone(&["list"]);
    assert!(code == Some(1) && said.contains("--overrides"), "{said}");
    // With a directory these two need no sidecar, and say that there was none.
    let place = Place::new(&document());
    place.put("page.json", &decision("page", "old", 3600));
    let dir = place.dir.to_str().unwrap();
    let (code, said) = alone(&["list", "--overrides", dir]);
    assert!(code == Some(0) && said.contains("page  old"), "{said}");
    assert!(said.contains("unknown") && said.contains("not confirmed: no sidecar"), "{said}");
    let (code, said) = alone(&["clear", "page", "--overrides", dir]);
    assert!(code == Some(0) && said.contains("not confirmed: no sidecar"), "{said}");
    assert_eq!(place.files(), 0);
}

#[test]
fn a_decision_without_an_end_or_a_reason_is_exit_2() {
    for (arguments, named) in [
        (&["--why", "x"][..], "--for"),
        (&["--for", "1h"], "--why"),
        (&["--for", "1h", "--why", " "], "say why"),
        (&["--for", "31days", "--why", "x"], "30days"),
        (&["--for", "0s", "--why", "x"], "from 1s"),
        (&["--for", "soon", "--why", "x"], "--for"),
    ] {
        let mut command = flagstaff();
        let (code, said) = run(command.args(["override", "set", "page", "old"]).args(arguments));
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_variant_that_vanishes_ends_it_loudly_until_it_is_back() {
    let place = Place::new(&document());
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    set(&sidecar, "page", "old");
    let mut renamed = document();
    renamed["flags"]["page"]["variants"] = json!({"elder": "elder", "new": "new"});
    renamed["flags"]["page"]["defaultVariant"] = "elder".into();
    place.flags.rename_over(&renamed);
    let back = answer("new", "TARGETING_MATCH");
    eventually(DEADLINE, "inactive", async || ask(&client, "page").await == back).await;
    sidecar.wait_for_log(&["WARN", "cannot be served", "has no variant \\\"old\\\""]).await;
    eventually(DEADLINE, "it can be alerted on", async || {
        let metrics = sidecar.metrics().await;
        let count = |state: &str| metrics[&format!("flagstaff_overrides{{state=\"{state}\"}}")];
        (count("active"), count("failing")) == (0.0, 1.0)
    })
    .await;
    let shown = status(&sidecar).await["overrides"][0].clone();
    assert_eq!(shown["active"], false, "{shown}");
    assert!(shown["problem"].as_str().unwrap().contains("no variant \"old\""), "{shown}");
    assert!(!sidecar.metrics().await.contains_key(&format!("{GAUGE}{{flag=\"page\"}}")));
    place.flags.rename_over(&json!({"flags": {}}));
    let gone = "no flag \\\"page\\\"; no file defines it";
    sidecar.wait_for_log(&["WARN", "cannot be served", gone]).await;
    place.flags.rename_over(&document());
    let overridden = answer("old", "STATIC");
    let what = "active again";
    eventually(DEADLINE, what, async || {
        client.resolve::<ResolveStringResponse>("page", json!({})).await.is_ok()
            && ask(&client, "page").await == overridden
    })
    .await;
}

#[tokio::test]
async fn a_corrupt_file_is_ignored_loudly_and_hurts_no_other() {
    let place = Place::new(&document());
    place.put("a.json", "{\"flag\": \"other\"");
    let sidecar = place.start().await;
    let client = Client::connect(&sidecar).await;
    sidecar.wait_for_log(&["WARN", "cannot be served", "a.json", "ends too early"]).await;
    assert_eq!(ask(&client, "other").await, answer("new", "TARGETING_MATCH"));
    set(&sidecar, "page", "old");
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
    // It turns corrupt: a slip of the pen does not undo a kill.
    place.put("page.json", "oops");
    sidecar.wait_for_log(&["WARN", "cannot be served", "page.json", "what it said before"]).await;
    assert_eq!(ask(&client, "page").await, answer("old", "STATIC"));
    place.put("huge.json", &" ".repeat(65 * 1024));
    sidecar.wait_for_log(&["WARN", "huge.json", "larger than 65536 bytes"]).await;
    let shown = status(&sidecar).await["overrides"].clone();
    let told: Vec<_> =
        shown.as_array().unwrap().iter().map(|of| (&of["file"], &of["flag"])).collect();
    let [a, huge, page] = ["a.json", "huge.json", "page.json"].map(Value::from);
    assert_eq!(told, [(&a, &Value::Null), (&huge, &Value::Null), (&page, &json!("page"))]);
    assert_eq!(sidecar.readyz().await.0, 200);
    let warned = |file: &str| sidecar.log().iter().filter(|line| line.contains(file)).count();
    assert_eq!(warned("a.json"), 1, "once for one content");
}
