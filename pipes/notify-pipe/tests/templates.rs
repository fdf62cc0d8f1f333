//! Templates that are made to hurt: the message is sent without them, in time, and this process stays small.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::time::{Duration, Instant};

use common::*;

/// Values that double in every step, and each way to walk them.
fn bombs() -> Vec<String> {
    let start = "{% set ns = namespace(x=['a'], y=['a']) %}";
    let grow = |times: usize, step: &str| format!("{start}{{% for i in range({times}) %}}{step}{{% endfor %}}");
    let sum = grow(40, "{% set ns.x = ns.x + ns.x %}");
    let nest = grow(200, "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}");
    let map = grow(200, "{% set ns.x = {'a': ns.x, 'b': ns.x} %}{% set ns.y = {'a': ns.y, 'b': ns.y} %}");
    let deep = grow(60_000, "{% set ns.x = [ns.x] %}");
    let walks = [
        "{{ ns.x }}",
        "{{ ns.x | tojson }}",
        "{{ ns.x | tojson(indent=2) }}",
        "{{ ns.x | string | length }}",
        "{{ ns.x | length }}",
        "{{ ns.x ~ '' }}",
        "{{ ns.x == ns.y }}",
        "{{ [ns.x, ns.y] | unique | list | length }}",
        "{{ [ns.x, ns.y] | sort | length }}",
        "{{ ns.x in [ns.y] }}",
        "{{ ns.x | pprint }}",
        "{{ ns.x | join }}",
        "{{ ns.x | list | length }}",
        "{{ (ns.x * 1000000 * 1000000) | length }}",
        "{{ {ns.x: 1} }}",
    ];
    // Where a walk is endless in one of them, it is in the others too.
    let mut bombs: Vec<String> = walks.iter().map(|walk| format!("{nest}{walk}")).collect();
    bombs.extend(["{{ ns.x | length }}", "{{ ns.x }}"].map(|walk| format!("{sum}{walk}")));
    bombs.extend(["{{ ns.x == ns.y }}", "{{ ns.x | tojson }}"].map(|walk| format!("{map}{walk}")));
    bombs.extend(["", "{{ ns.x }}", "{{ ns.x == ns.x }}"].map(|walk| format!("{deep}{walk}")));
    let line = format!("{{% set x = ['a'] %}}{}{{{{ x | length }}}}", "{% set x = x + x %}".repeat(60));
    bombs.push(line);
    bombs.push("{% macro m(x, n) %}{% if n %}{{ m(x + x, n - 1) }}{% else %}{{ x | length }}{% endif %}{% endmacro %}{{ m([1], 50) }}".to_owned());
    bombs.push("{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}".to_owned());
    bombs
}

#[test]
fn no_template_takes_the_time_or_the_memory_of_the_pipe() {
    let (repo, server) = (repo(), sink());
    for template in bombs() {
        let started = Instant::now();
        let outcome = slack(&repo, &server)
            .env("TEMPLATE", &template)
            .env("MESSAGE", "as it is")
            .env("STATUS", "success")
            .env("TIMEOUT", "3")
            .run();
        let short = &template[..template.len().min(300)];
        // Some walks take shortcuts, and then the template may well be rendered.
        assert!(matches!(outcome.code, Some(0 | 3)), "{short}: {outcome:?}");
        assert!(outcome.peak_kb < 64 * 1024, "{short}: {} KB", outcome.peak_kb);
        assert!(started.elapsed() < Duration::from_secs(3), "{short}: {:?}", started.elapsed());
        assert!(
            outcome.code == Some(0) || texts(&body(server.requests().last().unwrap())).contains("as it is"),
            "{short}"
        );
    }
    let requests = server.requests().len();
    assert_eq!(requests, bombs().len(), "a message is sent in any case");
}

#[test]
fn a_template_that_doubles_its_data_is_reported_and_the_message_is_sent_without_it() {
    let (repo, server) = (repo(), sink());
    for walk in ["{{ ns.x }}", "{{ ns.x | tojson }}"] {
        let grow =
            "{% set ns = namespace(x=['a']) %}{% for i in range(200) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
        let outcome = slack(&repo, &server).env("TEMPLATE", format!("{grow}{walk}")).env("STATUS", "success").run();
        let outcome = outcome.expect(3);
        assert!(outcome.stdout.contains("TEMPLATE: the template does too much work"), "{}", outcome.stdout);
        let webhook = notify(&repo).env("WEBHOOK_URL", server.url()).env("STATUS", "success");
        let outcome = webhook.env("WEBHOOK_PAYLOAD_TEMPLATE", format!("{grow}{walk}")).run().expect(1);
        assert!(outcome.stdout.contains("does too much work"), "{}", outcome.stdout);
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn values_reach_a_template_as_they_are() {
    let (repo, server) = (repo(), sink());
    let template = "{{ message }}|{{ run.subject }}|{{ fields[0] | tojson }}|{{ run | tojson }}";
    let run = notify(&repo).env("WEBHOOK_URL", server.url()).env("TEMPLATE", template);
    run.env("MESSAGE", "a \"q\" \u{1f389}\n{{ title }}").env("STATUS", "success").run().expect(0);
    let text = texts(&body(&only(&server)));
    assert!(text.contains("a \"q\" \u{1f389}\n{{ title }}|Fix the <cart> & *total*|{\"label\": "), "{text}");
}

#[test]
fn a_signal_gets_through_while_templates_are_rendered() {
    let (repo, server) = (repo(), sink());
    let template = bombs().remove(0);
    for signal in ["TERM", "INT"] {
        let webhook = notify(&repo).env("WEBHOOK_URL", server.url()).env("STATUS", "success");
        let running = webhook.env("TEMPLATE", &template).env("WEBHOOK_PAYLOAD_TEMPLATE", &template).spawn();
        std::thread::sleep(Duration::from_millis(300));
        let sent = Instant::now();
        running.signal(signal);
        let outcome = running.finish();
        assert!(matches!(outcome.code, Some(130 | 143)), "{outcome:?}");
        assert!(sent.elapsed() < Duration::from_millis(500), "{signal}: {:?}", sent.elapsed());
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn one_rendering_serves_all_webhooks() {
    let (repo, server) = (repo(), sink());
    let urls: Vec<String> = (0..6).map(|turn| format!("{}/{turn}", server.url())).collect();
    let webhooks = notify(&repo).env("WEBHOOK_URL", urls.join(",")).env("STATUS", "success").env("TIMEOUT", "5");
    let outcome = webhooks.env("WEBHOOK_PAYLOAD_TEMPLATE", bombs().remove(0)).run().expect(1);
    assert_eq!(outcome.stdout.matches("does too much work").count(), 6, "{}", outcome.stdout);
    assert!(outcome.elapsed < Duration::from_secs(4), "{:?}", outcome.elapsed);
    let webhooks = notify(&repo).env("WEBHOOK_URL", urls.join(",")).env("STATUS", "success");
    webhooks.env("WEBHOOK_PAYLOAD_TEMPLATE", r#"{"text": "{{ title }}"}"#).run().expect(0);
    assert_eq!(server.requests().len(), 6);
}
