mod found;
mod streams;

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use super::writer::RedactingWriter;
use super::*;

fn knowing(values: &[&str]) -> Redactor {
    let redactor = Redactor::new();
    values.iter().for_each(|value| redactor.add(value));
    redactor
}

/// What a writer lets through that is given `pieces`.
fn written<'a>(redactor: &Redactor, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut writer = RedactingWriter::new(redactor.clone(), Vec::new());
    for piece in pieces {
        writer.write_all(piece).expect("a vector takes everything");
    }
    writer.finish().expect("a vector takes everything")
}

#[test]
fn the_value_itself() {
    let redactor = knowing(&["s3cr3t-value"]);
    assert_eq!(redactor.text("a s3cr3t-value, xs3cr3t-valuey"), "a ***, x***y");
    assert_eq!(redactor.bytes(b"\xff\xfes3cr3t-value\xff").as_ref(), b"\xff\xfe***\xff");
    assert!(matches!(redactor.text("nothing here"), Cow::Borrowed("nothing here")));
    assert!(matches!(Redactor::new().bytes(b"x"), Cow::Borrowed(b"x")));
    assert_eq!(format!("{redactor:?}"), "Redactor(1 values)");
}

#[test]
fn blank_values_hide_nothing() {
    let redactor = knowing(&["", " ", "\n\t "]);
    assert!(matches!(redactor.text("a b \n\t c"), Cow::Borrowed(_)));
    assert_eq!(knowing(&[" padded-value\n"]).text("(padded-value)"), "(***)");
}

#[test]
fn a_secret_address_is_found_in_parts() {
    let redactor = knowing(&["https://hooks.example.com/services/T0/tokentokentokentoken?v=1&sig=signaturesignature"]);
    let text = "no route /services/T0/tokentokentokentoken, token tokentokentokentoken, sig=signaturesignature";
    assert_eq!(redactor.text(text), "no route /***, token ***, sig=***");
    assert_eq!(redactor.text("POST https://hooks.example.com/ v=1"), "POST https://hooks.example.com/ v=1");
    let address = knowing(&["http://pushgateway.example:9091/"]);
    assert_eq!(address.text("PUT http://pushgateway.example:9091/x"), "PUT http://pushgateway.example:9091/x");
    let with_password = knowing(&["http://user:password@pushgateway.example:9091"]);
    assert_eq!(with_password.text("see password"), "see ***");
}

#[test]
fn what_tools_write_of_a_value_in_hex_and_html_is_hidden() {
    let redactor = knowing(&["pa<ss>&\"wo'rd\""]);
    for text in [
        "70613c73733e2622776f27726422",
        "70613C73733E2622776F27726422",
        "pa&lt;ss&gt;&amp;&quot;wo&#x27;rd&quot;",
        "pa&lt;ss&gt;&amp;&#34;wo&#39;rd&#34;",
        "pa&lt;ss&gt;&amp;&quot;wo&#039;rd&quot;",
        "pa&lt;ss&gt;&amp;&quot;wo&#39;rd&quot;",
        "pa&lt;ss&gt;&amp;\"wo'rd\"",
    ] {
        assert_eq!(redactor.text(&format!("({text})")), "(***)", "{text}");
    }
    let hook = knowing(&["https://hooks.example.com/services/T000000/B0000000/tokentokentoken"]);
    assert_eq!(hook.text("see T000000/B0000000/tokentokentoken"), "see ***");
    assert_eq!(hook.text("see B0000000/tokentokentoken"), "see ***");
}

#[test]
fn short_values_are_whole_tokens() {
    let redactor = knowing(&["true", "a/b", "é1"]);
    assert_eq!(redactor.text("true untrue true_ x=true,\"true\" true"), "*** untrue true_ x=***,\"***\" ***");
    assert_eq!(redactor.text("a/b a/bc (a/b) é1 é12"), "*** a/bc (***) *** é12");
    assert_eq!(redactor.text(&format!("Basic {}", STANDARD.encode("true"))), "Basic ***");
    // The next piece decides.
    assert_eq!(written(&redactor, [&b"x tr"[..], b"ue", b"st true"]), b"x truest ***");
    assert_eq!(written(&redactor, [&b"un"[..], b"true ", b"true"]), b"untrue ***");
}

#[test]
fn a_very_short_value_hides_only_words_that_tell_all_of_it() {
    let alphabet: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let mut words: Vec<String> = alphabet.iter().map(char::to_string).collect();
    for length in 1..3 {
        let longer = words.iter().filter(|word| word.len() == length).flat_map(|word| {
            let word = word.clone();
            alphabet.iter().map(move |c| format!("{word}{c}"))
        });
        let longer: Vec<String> = longer.collect();
        words.extend(longer);
    }
    let text = words.join(" ");
    for value in ["x", "3", "no", "7B", "a1b", "~", "?a", "é"] {
        let hex = |upper: bool| -> String {
            value.bytes().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") }).collect()
        };
        let whole =
            [value.to_owned(), hex(false), hex(true), STANDARD_NO_PAD.encode(value), URL_SAFE_NO_PAD.encode(value)];
        let redactor = knowing(&[value]);
        for (word, shown) in words.iter().zip(redactor.text(&text).split(' ')) {
            let expected = if whole.contains(word) { MASK } else { word };
            assert_eq!(shown, expected, "{value:?} and {word:?}");
        }
        for form in whole {
            assert_eq!(redactor.text(&format!("a ({form}) b")), "a (***) b", "{value:?} and {form:?}");
        }
    }
}

#[test]
fn values_that_hide_other_text_are_recognised() {
    for value in ["x", "7", "main", " main\n", "a/b-1", "Admin", "password", "PRODUCTION", "20261129"] {
        assert!(masks_other_text(value), "{value}");
    }
    for value in ["", " ", "hunter2", "s3cr3t", "correct horse", "kqzjxwvbnmlp", "https://hooks.example/x", "aB3dEfGh"]
    {
        assert!(!masks_other_text(value), "{value}");
    }
}

#[test]
fn base64_at_any_offset_in_any_alphabet() {
    let secret = "p?ss>w~rd/ö+x";
    let redactor = knowing(&[secret]);
    for before in 0..7 {
        for after in 0..4 {
            let whole = format!("{}{secret}{}", "k".repeat(before), "v".repeat(after));
            for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
                let text = engine.encode(&whole);
                let clean = redactor.text(&text);
                // At each side one character may remain: it holds bits of the neighbour too.
                let bits = before * 8 % 6 + after * 8 % 6;
                assert!(clean.contains("***"), "{whole}: {text} became {clean}");
                let kept = clean.trim_end_matches('=').len() - 3;
                assert!(kept <= (before + after) * 8 / 6 + 2, "{bits}: {text} became {clean}");
                if before % 3 == 0 && after == 0 {
                    assert_eq!(clean, format!("{}***", "a2tr".repeat(before / 3)));
                }
            }
        }
    }
    assert_eq!(redactor.text("?q=cD9zcz53fnJkL8O2K3g%3D&x"), "?q=***&x");
}

#[test]
fn basic_authentication_hides_the_password() {
    let clean = knowing(&["hunter2-hunter2"]);
    let text = clean.text("Authorization: Basic cm9ib3Q6aHVudGVyMi1odW50ZXIy").into_owned();
    assert_eq!(text, "Authorization: Basic cm9ib3Q6***");
}

#[test]
fn percent_encoded_by_the_usual_encoders() {
    let redactor = knowing(&["a b/c?d=é&f~!*'"]);
    for text in [
        "a%20b%2Fc%3Fd%3D%C3%A9%26f~%21%2A%27",
        "a%20b%2fc%3fd%3d%c3%a9%26f~%21%2a%27",
        "a+b%2Fc%3Fd%3D%C3%A9%26f%7E%21*%27",
        "a%20b%2Fc%3Fd%3D%C3%A9%26f~!*'",
        "a%20b/c?d=%C3%A9&f~!*'",
        "a%20b/c%3Fd%3D%C3%A9%26f~%21%2A%27",
        "%61%20%62%2F%63%3F%64%3D%C3%A9%26%66%7E%21%2A%27",
        "%61%20%62%2f%63%3f%64%3d%c3%a9%26%66%7e%21%2a%27",
    ] {
        assert_eq!(redactor.text(&format!("https://h/?x={text}&y")), "https://h/?x=***&y", "{text}");
    }
}

#[test]
fn json_escaped_by_the_usual_encoders() {
    let redactor = knowing(&["q\"/\\\té<\u{1f600}\u{1}"]);
    for text in [
        "q\\\"/\\\\\\té<😀\\u0001",
        "q\\\"\\/\\\\\\té<😀\\u0001",
        "q\\\"/\\\\\\t\\u00e9<\\ud83d\\ude00\\u0001",
        "q\\\"/\\\\\\t\\u00E9<\\uD83D\\uDE00\\u0001",
        "q\\\"\\/\\\\\\t\\u00e9<\\ud83d\\ude00\\u0001",
        "q\\\"/\\\\\\té\\u003c😀\\u0001",
        "q\\\\\\\"/\\\\\\\\\\\\té<😀\\\\u0001",
    ] {
        assert_eq!(redactor.text(&format!("{{\"k\":\"{text}\"}}")), "{\"k\":\"***\"}", "{text}");
    }
}

#[test]
fn each_line_of_a_value() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";
    let key =
        format!("-----BEGIN PRIVATE KEY-----\r\n{body}\r\nshort\r\n  indented line\r\n-----END PRIVATE KEY-----\r\n");
    let redactor = knowing(&[&key]);
    assert_eq!(redactor.text(&format!("got {body}.")), "got ***.");
    assert_eq!(redactor.text("indented line, short"), "***, short");
    assert_eq!(redactor.text("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
    assert_eq!(redactor.text(&key.replace("\r\n", "\\r\\n")), "***\\r\\n");
    assert_eq!(redactor.text(&key), "***\r\n");
    let clean = redactor.text(&STANDARD.encode(&key)).into_owned();
    assert!(clean.starts_with("***") && clean.len() <= 3 + 4, "{clean}");
}

const KUBECONFIG: &str = r#"apiVersion: v1
kind: Config
clusters:
- cluster:
    certificate-authority-data: Y2VydGlmaWNhdGUtb2YtdGhlLWF1dGhvcml0eQ==
    server: https://cluster.example:6443
  name: main
contexts: []
users:
- name: ci
  user:
    client-certificate-data: Y2VydGlmaWNhdGUtb2YtdGhlLWNsaWVudA==
    client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVFSUV4YW1wbGVLZXlNYXRlcmlhbAotLS0tLUVORCBFQyBQUklWQVRFIEtFWS0tLS0tCg==
    token: "tok-\u0041-123456"   # for ci
    'password': pass,word-with}more
- name: other
  user:
    auth-provider:
      config: {id-token: flow-token-789, refresh-token: 'refresh-token-1'}
- name: third
  user:
    token: |
      first-line-of-token
      second-line-of-token
    username: someone
"#;

#[test]
fn credentials_inside_a_kubeconfig() {
    for config in [KUBECONFIG.to_owned(), STANDARD.encode(KUBECONFIG), URL_SAFE_NO_PAD.encode(KUBECONFIG)] {
        let redactor = knowing(&[&config]);
        for secret in [
            "tok-A-123456",
            "pass,word-with}more",
            "flow-token-789",
            "refresh-token-1",
            "first-line-of-token",
            "second-line-of-token",
            "MHcCAQEEIExampleKeyMaterial",
            "LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0tCk1IY0NBUUVFSUV4YW1wbGVLZXlNYXRlcmlhbAotLS0tLUVORCBFQyBQUklWQVRFIEtFWS0tLS0tCg==",
        ] {
            assert_eq!(redactor.text(&format!("<{secret}>")), "<***>", "{secret}");
        }
        assert_eq!(redactor.text(&config), "***".to_owned() + if config.ends_with('\n') { "\n" } else { "" });
        for public in
            ["kind: Config", "https://cluster.example:6443", "Y2VydGlmaWNhdGUtb2YtdGhlLWNsaWVudA==", "someone"]
        {
            assert_eq!(redactor.text(public), public);
        }
    }
}

#[test]
fn credentials_inside_other_files() {
    let auth = STANDARD.encode("robot:reg-pass");
    let redactor = knowing(&[&json!({"auths": {"ghcr.io": {"auth": auth}}}).to_string()]);
    assert_eq!(redactor.text(&format!("{auth} and reg-pass of robot")), "*** and *** of robot");
    let redactor =
        knowing(&[&json!({"private_key": "-----BEGIN X-----\nline-of-the-key\n-----END X-----\n"}).to_string()]);
    assert_eq!(redactor.text("line-of-the-key"), "***");
}

#[test]
fn passwords_inside_urls() {
    // In two parts, so that no scanner takes it for a real one.
    let url = ["postgres://app:", "p%40ss%2Fword@db.example:5432/x?sslmode=require"].concat();
    let redactor = knowing(&[&url]);
    assert_eq!(redactor.text("app has p@ss/word, p%40ss%2Fword at db.example"), "app has ***, *** at db.example");
    assert_eq!(knowing(&["https://tok3n-abc@h/x"]).text("tok3n-abc h"), "*** h");
    assert_eq!(
        knowing(&[&["https://tok3n-abc:", "x-oauth-basic@h/x"].concat()]).text("tok3n-abc x-oauth-basic"),
        "*** x-oauth-basic"
    );
    assert_eq!(knowing(&["https://h.example/plain@x"]).text("h.example"), "h.example");
}

#[test]
fn json_stays_json() {
    let redactor = knowing(&["pass\"word\\1", "typed\\nkey-line", "123456789", "key-secret"]);
    let mut value = json!({
        "a": ["pass\"word\\1", {"b": "x pass\"word\\1 y"}],
        "key-secret": 1, "is key-secret": 2, "key-secretkey-secret": 3,
        "n": 123_456_789, "m": 12345, "ok": true, "none": null,
        "real": "typed\nkey-line", "end": "x\\typed\nkey-linex",
    });
    redactor.json(&mut value);
    let want = json!({
        "a": ["***", {"b": "x *** y"}],
        "***": 1, "is ***": 2, "*** 2": 3,
        "n": "***", "m": 12345, "ok": true, "none": null,
        "real": "***", "end": "x\\***x",
    });
    assert_eq!(value, want);
    // The match begins in the middle of an escape sequence: nothing of the string can be kept.
    let mut value = json!("line\nothing-here");
    knowing(&["nothing-here"]).json(&mut value);
    assert_eq!(value, json!("***"));
    let mut value = json!({"a": 1});
    Redactor::new().json(&mut value);
    assert_eq!(value, json!({"a": 1}));
}
