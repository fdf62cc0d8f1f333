//! The header `WWW-Authenticate`, in which registries name the authentication that they require (RFC 9110, 11.6.1).

use pipe_core::http::Response;

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// The best challenge of a response. A token is preferred to a password, since it grants less.
    pub(crate) fn of(response: &Response) -> Option<Challenge> {
        let headers = response.headers.get_all("www-authenticate");
        let all: Vec<Challenge> =
            headers.iter().filter_map(|header| header.to_str().ok()).flat_map(Challenge::parse).collect();
        let bearer = all.iter().position(|challenge| matches!(challenge, Challenge::Bearer { .. }));
        all.into_iter().nth(bearer.unwrap_or(0))
    }

    /// The known challenges of one header: `Bearer realm="...", service="...", Basic realm="..."`.
    pub(crate) fn parse(header: &str) -> Vec<Challenge> {
        let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
        let mut rest = header;
        loop {
            rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
            let end = rest.find(|c: char| c == '=' || c == ',' || c == '"' || c.is_whitespace()).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if let Some(value) = after.trim_start().strip_prefix('=') {
                let (value, after) = value_of(value.trim_start());
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.push((word.to_ascii_lowercase(), value));
                }
                rest = after;
            } else if word.is_empty() {
                // The end, or a quote in the wrong place.
                let Some(after) = after.strip_prefix('"') else { break };
                rest = after;
            } else {
                found.push((word.to_ascii_lowercase(), Vec::new()));
                rest = after;
            }
        }
        found.into_iter().filter_map(|(scheme, parameters)| Challenge::named(&scheme, parameters)).collect()
    }

    fn named(scheme: &str, parameters: Vec<(String, String)>) -> Option<Challenge> {
        let get = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        match scheme {
            "basic" => Some(Challenge::Basic),
            "bearer" => Some(Challenge::Bearer { realm: get("realm")?, service: get("service") }),
            _ => None,
        }
    }
}

/// A value, in quotes or not, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Challenge;

    fn bearer(realm: &str, service: Option<&str>) -> Challenge {
        Challenge::Bearer { realm: realm.to_owned(), service: service.map(str::to_owned) }
    }

    #[test]
    fn challenges_are_read_as_they_are_written() {
        let a = || bearer("https://a/t", Some("s"));
        for (header, expected) in [
            ("Basic realm=\"x\"", vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            ("BASIC realm=\"Sonatype Nexus Repository Manager\"", vec![Challenge::Basic]),
            (
                "Bearer realm=\"https://auth.example/token\",service=\"registry.example\",scope=\"repository:a:pull,push\"",
                vec![bearer("https://auth.example/token", Some("registry.example"))],
            ),
            ("bearer Realm=https://a/t, SERVICE=s", vec![a()]),
            ("Bearer realm = \"https://a/t\" ,\tservice= \"s\"", vec![a()]),
            (r#"Bearer realm="a\"b\\c""#, vec![bearer("a\"b\\c", None)]),
            ("Bearer realm=\"https://a/t\",service=\"s\", Basic realm=\"x\"", vec![a(), Challenge::Basic]),
            (
                "Basic realm=\"Bearer realm=y\", Bearer service=\"s\", realm=\"https://a/t\"",
                vec![Challenge::Basic, a()],
            ),
            ("Bearer realm=\"never ends", vec![bearer("never ends", None)]),
            ("Bearer service=\"no realm\"", vec![]),
            ("realm=\"no scheme\"", vec![]),
            ("Negotiate abc==", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(Challenge::parse(header), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_challenge_panics(text in "(Bearer |Basic )?[a-zB=\"\\\\, \tàé]{0,60}") {
            drop(Challenge::parse(&text));
        }

        #[test]
        fn any_value_comes_through(value in "[ -~é]{0,40}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let parsed = Challenge::parse(&format!("Basic realm=\"x\", Bearer service=\"s\",realm=\"{quoted}\""));
            prop_assert_eq!(parsed, vec![Challenge::Basic, bearer(&value, Some("s"))]);
        }
    }
}
