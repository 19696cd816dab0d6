//! `/`: the page for people, in a real browser; and what it is served with.

mod live;

use crate::{
    browser::Browser,
    flags::Flags,
    sidecar::{Sidecar, http_get},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Names that would be markup, leave an attribute, or turn the text around them.
const HOSTILE: [&str; 4] = [
    "<script>window.hurt = 1</script>",
    "\"><img src=x onerror=\"window.hurt = 1\">",
    "علم_الدفع",
    "abc\u{202e}fed",
];

const KEYS: &str = "[...document.querySelectorAll('tbody tr:not([hidden]) td:first-child > .key')]\
                    .map((key) => key.textContent)";

fn flag(default: &str, owner: &str, expires: &str) -> Value {
    json!({
        "state": "ENABLED", "variants": {"off": false, "on": true}, "defaultVariant": default,
        "metadata": {"owner": owner, "kind": "release", "expires": expires, "why": owner},
    })
}

fn url(sidecar: &Sidecar) -> String {
    format!("http://{}/", sidecar.management())
}

/// A click on the header of a column.
fn sort_by(browser: &mut Browser, title: &str) {
    let buttons = "[...document.querySelectorAll('th button')]";
    browser
        .ask(&format!("{buttons}.find((button) => button.textContent === '{title}').click() ?? 0"));
}

fn type_in(browser: &mut Browser, text: &str) {
    for key in text.chars() {
        browser.press(&key.to_string());
    }
}

#[tokio::test]
async fn it_is_one_page_that_may_only_ask_its_own_origin() {
    let sidecar = Sidecar::start(&Flags::new(&json!({"flags": {}}))).await;
    let mut stream = TcpStream::connect(sidecar.management()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    for header in [
        "content-type: text/html; charset=utf-8",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(head.lines().any(|line| line == header), "no {header} in\n{head}");
    }
    let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: "));
    let policy: Vec<_> = policy.unwrap().split("; ").collect();
    for directive in [
        "default-src 'none'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(&directive), "no {directive} in {policy:?}");
    }
    for hashed in ["script-src 'sha256-", "style-src 'sha256-"] {
        let directive = policy.iter().find(|directive| directive.starts_with(hashed)).unwrap();
        assert_eq!(directive.split(' ').count(), 2, "more than one hash: {directive}");
    }
    for elsewhere in ["http:", "https:", "\"//", "'//", "(//", "url(", "@import", "src=", "import("]
    {
        assert!(!page.contains(elsewhere), "the page has {elsewhere}");
    }
    for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(markup), "the page uses {markup}");
    }
    assert!(page.contains("<noscript>") && page.contains("href=\"/status\""));
    let (code, advice) = http_get(sidecar.management(), "/nothing").await;
    assert!(code == 404 && advice.contains("try / in a browser"), "{code} {advice}");
}

#[tokio::test]
async fn it_shows_sorts_filters_and_follows_the_flags() {
    let Some(mut browser) = Browser::start() else { return };
    let mut document = json!({"flags": {
        "banner": flag("on", "team-web", "2099-01-01"),
        "checkout": flag("off", "team-shop", "2020-01-01"),
        "search": flag("on", "team-web", "2098-01-01"),
    }});
    let flags = Flags::new(&document);
    let sidecar = Sidecar::start(&flags).await;
    browser.look(1280, 900, "light");
    browser.open(&url(&sidecar));
    browser.expect(KEYS, json!(["banner", "checkout", "search"])).await;
    browser.expect("document.getElementById('phase').textContent", "Ready").await;
    browser.expect("document.title.startsWith('Ready · 127.0.0.1:')", true).await;

    sort_by(&mut browser, "Flag");
    browser.expect(KEYS, json!(["search", "checkout", "banner"])).await;
    browser.expect("document.querySelectorAll('th[aria-sort]').length", 1).await;
    browser.expect("document.querySelector('th').getAttribute('aria-sort')", "descending").await;
    browser.press("/");
    type_in(&mut browser, "TEAM-SHOP");
    browser.expect(KEYS, json!(["checkout"])).await;
    browser.press("Escape");
    type_in(&mut browser, "ch");
    browser.expect(KEYS, json!(["search", "checkout"])).await;
    browser.expect("document.getElementById('count').textContent", "2 of 3 flags").await;

    // A change comes by itself, and neither the order, the filter nor the keyboard's place goes.
    document["flags"]["chat"] = flag("on", "team-web", "2099-01-01");
    document["flags"].as_object_mut().unwrap().remove("checkout");
    flags.rename_over(&document);
    browser.expect(KEYS, json!(["search", "chat"])).await;
    browser.expect("document.activeElement.id", "filter").await;
    browser
        .expect("document.getElementById('facts').innerText.includes('generation\\n2')", true)
        .await;

    // What was chosen outlives a reload.
    browser.call("Page.reload", json!({}));
    browser.expect(KEYS, json!(["search", "chat"])).await;
    browser.press("/");
    browser.press("Escape");
    browser.expect(KEYS, json!(["search", "chat", "banner"])).await;
    assert_eq!(browser.complaints(), Vec::<Value>::new());
}

#[tokio::test]
async fn hostile_names_are_text_and_nothing_leaves_the_origin() {
    let Some(mut browser) = Browser::start() else { return };
    let named = HOSTILE.into_iter().map(|name| (name.to_owned(), flag(name, name, name)));
    let mut named: serde_json::Map<_, _> = named.collect();
    for (name, flag) in &mut named {
        flag["variants"] = json!({name: true, "off": false});
    }
    let flags = Flags::new(&json!({"flags": named}));
    let sidecar = Sidecar::start(&flags).await;
    // A broken definition puts the names into what is told of files and quarantine, too.
    for flag in named.values_mut() {
        flag["defaultVariant"] = "<b>no such</b>".into();
    }
    flags.rename_over(&json!({"flags": named}));
    browser.look(1280, 900, "light");
    browser.open(&url(&sidecar));
    browser.expect("document.querySelectorAll('#quarantined li').length", HOSTILE.len()).await;
    browser.expect(&format!("{KEYS}.length"), HOSTILE.len()).await;
    let seen = browser.ask("document.body.innerText");
    for name in HOSTILE {
        // A control that turns text is written out.
        let written = name.replace('\u{202e}', "\\u{202e}");
        assert!(seen.as_str().unwrap().contains(&written), "{name:?} is not in {seen:#}");
    }
    assert!(seen.as_str().unwrap().contains("<b>no such</b>"), "{seen:#}");
    browser.expect("document.querySelectorAll('tbody script, img, section b b').length", 0).await;
    browser.expect("typeof window.hurt", "undefined").await;
    let titles = "[...document.querySelectorAll('[title]')].map((element) => element.title)";
    browser
        .expect(&format!("{titles}.filter((title) => title.includes('\\u202e')).length"), 0)
        .await;
    browser
        .expect(&format!("{titles}.some((title) => title.includes('abc\\\\u{{202e}}fed'))"), true)
        .await;
    browser
        .expect("[...document.querySelectorAll('.key')].every((key) => key.dir === 'auto')", true)
        .await;
    let origin = url(&sidecar);
    let requests = browser.requests();
    let stays = |url: &String| url.starts_with(&origin) || url.starts_with("data:");
    assert!(requests.iter().all(stays), "{requests:#?}");
    assert!(requests.contains(&format!("{origin}status")), "{requests:#?}");
    assert_eq!(browser.complaints(), Vec::<Value>::new());
    println!("{}", browser.screenshot("page-hostile.png").display());
}
