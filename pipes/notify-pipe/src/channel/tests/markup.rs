//! HTML as its readers take it: tags that are known, closed in order, and no character out of its place.

/// The text that is left, or what is wrong.
pub(super) fn text(html: &str, known: &[&str]) -> Result<String, String> {
    let mut open: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match rest.as_bytes()[0] {
            b'<' => {
                let end = rest.find('>').ok_or("a tag without an end")?;
                tag(&rest[1..end], known, &mut open)?;
                rest = &rest[end + 1..];
            }
            b'&' => {
                let end = rest.find(';').ok_or_else(|| format!("a bare & in {:?}", head(rest)))?;
                out.push(entity(&rest[1..end])?);
                rest = &rest[end + 1..];
            }
            _ => return Err(format!("a bare > before {:?}", head(rest))),
        }
    }
    out.push_str(rest);
    if open.is_empty() { Ok(out) } else { Err(format!("{open:?} is left open")) }
}

fn head(text: &str) -> String {
    text.chars().take(30).collect()
}

fn entity(name: &str) -> Result<char, String> {
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        _ => {
            let code = name.strip_prefix('#').and_then(|digits| digits.parse().ok());
            code.and_then(char::from_u32).ok_or_else(|| format!("the entity {:?}", head(name)))
        }
    }
}

/// `name`, `/name`, or `name` with `key="value"`, in which nothing begins or ends anything.
fn tag(inside: &str, known: &[&str], open: &mut Vec<String>) -> Result<(), String> {
    if let Some(name) = inside.strip_prefix('/') {
        return if open.pop().as_deref() == Some(name) { Ok(()) } else { Err(format!("</{name}> closes nothing")) };
    }
    let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
    if !known.contains(&name) {
        return Err(format!("the tag <{}>", head(inside)));
    }
    let mut rest = attributes;
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").ok_or_else(|| format!("attributes {:?}", head(rest)))?;
        let (value, after) = after.split_once('"').ok_or_else(|| format!("no quote ends {:?}", head(after)))?;
        if !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') || value.contains('<') {
            return Err(format!("the attribute {:?}", head(key)));
        }
        text(value, &[])?;
        rest = after.trim_start_matches(' ');
    }
    if !["br", "meta"].contains(&name) {
        open.push(name.to_owned());
    }
    Ok(())
}

#[test]
fn what_is_wrong_is_seen() {
    assert_eq!(text("<b>a&lt;</b> &#39;", &["b"]), Ok("a< '".to_owned()));
    let links = "<a href=\"https://x/?a=1&amp;b=2\">x</a>";
    assert_eq!(text(links, &["a"]), Ok("x".to_owned()));
    for wrong in ["<b>", "</b>", "<b><i></b></i>", "<script></script>", "a > b", "a & b", "&nbsp;", "<a href=\"x\"y>"] {
        assert!(text(wrong, &["a", "b", "i"]).is_err(), "{wrong}");
    }
}
