//! AWS's error responses.

use crate::text::line_excerpt;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Characters of a message that an error shows.
const MAX_SHOWN: usize = 400;

/// A refusal as AWS's services write it, in JSON or XML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// `AccessDeniedException`
    code: String,
    /// For people: one line.
    message: String,
}

impl Refusal {
    pub(super) fn read(body: &[u8]) -> Option<Refusal> {
        #[derive(Deserialize)]
        struct Json {
            #[serde(rename = "__type", alias = "code", default)]
            kind: String,
            #[serde(alias = "Message", default)]
            message: String,
        }
        let (code, message) = match serde_json::from_slice::<Json>(body) {
            Ok(Json { kind, message }) => (kind, message),
            Err(_) => {
                let xml = String::from_utf8_lossy(body);
                (element(&xml, "Code")?, element(&xml, "Message").unwrap_or_default())
            }
        };
        // `com.amazonaws.kms#NotFoundException`
        let code = code.rsplit('#').next().unwrap_or_default().trim().to_owned();
        // After the first line, a signature's refusal repeats the whole request, with the session's token.
        let message = message.trim().lines().next().unwrap_or_default().to_owned();
        (!code.is_empty()).then_some(Refusal { code, message })
    }

    /// Whether another attempt may succeed: the codes that AWS's SDKs retry.
    pub(super) fn is_transient(&self) -> bool {
        const OTHERS: [&str; 4] =
            ["TooManyRequestsException", "RequestLimitExceeded", "RequestTimeoutException", "IDPCommunicationError"];
        self.code.contains("Throttl") || OTHERS.contains(&self.code.as_str())
    }

    /// `AccessDeniedException: User ... is not authorized to perform ...`
    pub(super) fn text(&self, status: u16) -> String {
        if self.message.is_empty() {
            return format!("{} (status {status})", self.code);
        }
        format!("{}: {}", self.code, self.message)
    }
}

/// One line without any of `secrets`, shortened.
pub(super) fn single_line<'a>(text: &str, secrets: impl IntoIterator<Item = &'a SecretString>) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        let secret = secret.expose_secret();
        if !secret.is_empty() {
            text = text.replace(secret, "***");
        }
    }
    line_excerpt(&text, MAX_SHOWN)
}

/// The text of the first such element, which has no others in it.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    if text.contains('<') {
        return None;
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(entities.iter().fold(text.trim().to_owned(), |text, (entity, meant)| text.replace(entity, meant)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_their_entities() {
        let xml = "<A xmlns=\"x\"><B> a &lt;b&gt; &amp;lt; &apos;c&apos; </B><C><D>d</D></C><E></E></A>";
        assert_eq!(element(xml, "B").as_deref(), Some("a <b> &lt; 'c'"));
        assert_eq!(element(xml, "C"), None);
        assert_eq!(element(xml, "E").as_deref(), Some(""));
        assert_eq!(element(xml, "F"), None);
        assert_eq!(element("<B>cut", "B"), None);
    }

    #[test]
    fn what_is_no_refusal_is_none() {
        for body in ["", "{}", "[]", "<html>", "{\"message\":\"x\"}", "<Message>x</Message>"] {
            assert_eq!(Refusal::read(body.as_bytes()), None, "{body}");
        }
    }
}
