//! Any HTTP endpoint: our own JSON document or the user's template, signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::{Method, Request};
use pipe_core::spec::{Group, Kind, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::target::{Channel, ChannelKind, HttpChannel, Target, urls};
use crate::http::{host, is_header, secret};
use crate::message::Message;
use crate::post::Undelivered;
use crate::template::{Form, Template};

const WEBHOOK_URL: Var = Var::secrets("WEBHOOK_URL", "One or several URLs to send to.")
    .unset("nothing is sent")
    .example("https://api.example.com/notify");
const WEBHOOK_METHOD: Var = Var::choice("WEBHOOK_METHOD", &["POST", "PUT", "PATCH"], "The method of the request.")
    .values(&[("POST", "sends a POST request"), ("PUT", "sends a PUT request"), ("PATCH", "sends a PATCH request")])
    .default("POST");
const WEBHOOK_HEADERS: Var = Var::secret("WEBHOOK_HEADERS", "Adds headers, as a JSON object of texts.")
    .unset("the only header is `Content-Type: application/json`")
    .example(r#"{"Authorization": "Bearer …"}"#);
const WEBHOOK_PAYLOAD_TEMPLATE: Var = Var::text(
    "WEBHOOK_PAYLOAD_TEMPLATE",
    "A Jinja template for the body. Its values are escaped for JSON unless WEBHOOK_HEADERS has another Content-Type. \
     https://github.com/pipewright/pipewright/blob/main/docs/notify/templates.md lists the names.",
)
.unset("the document of https://github.com/pipewright/pipewright/blob/main/docs/notify/webhook.md is sent")
.file()
.example(r#"{"text": "{{ message }}", "status": "{{ status }}"}"#);
const WEBHOOK_SECRET: Var =
    Var::secret("WEBHOOK_SECRET", "Signs the body with this secret.").unset("requests are not signed");
const WEBHOOK_SIGNATURE: Var = Var::new(
    "WEBHOOK_SIGNATURE",
    Kind::Choices(&["standard", "github"], &[]),
    "Sets the form of the signature: `standard` is Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature), \
     `github` is X-Hub-Signature-256.",
)
.unset("it is `standard` for a secret that begins with whsec_, and `github` for any other");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "webhook",
    group: Group {
        title: "Webhook",
        vars: &[
            &WEBHOOK_URL,
            &WEBHOOK_METHOD,
            &WEBHOOK_HEADERS,
            &WEBHOOK_PAYLOAD_TEMPLATE,
            &WEBHOOK_SECRET,
            &WEBHOOK_SIGNATURE,
        ],
    },
    needs: &[&WEBHOOK_URL],
    inferred: true,
    from_vars,
};

#[derive(Clone)]
struct Webhook {
    url: SecretString,
    method: Method,
    content_type: String,
    headers: Vec<(String, SecretString)>,
    template: Option<Template>,
    signatures: Vec<Signature>,
}

/// One way to sign, with its key.
#[derive(Clone)]
enum Signature {
    /// https://www.standardwebhooks.com
    Standard(Vec<u8>),
    /// As GitHub signs its webhooks.
    GitHub(SecretString),
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &WEBHOOK_URL);
    let method = match vars.choice(&WEBHOOK_METHOD) {
        Some("PUT") => Method::PUT,
        Some("PATCH") => Method::PATCH,
        _ => Method::POST,
    };
    let mut headers = headers(vars);
    let content_type = headers
        .iter()
        .position(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|at| headers.remove(at).1.expose_secret().to_owned());
    let json = content_type.as_ref().is_none_or(|given| given.to_ascii_lowercase().contains("json"));
    let form = if json { Form::Json } else { Form::Text };
    let template = vars.text(&WEBHOOK_PAYLOAD_TEMPLATE).and_then(|source| match Template::new(source, form) {
        Ok(template) => Some(template),
        Err(problem) => {
            vars.problem(&WEBHOOK_PAYLOAD_TEMPLATE, problem);
            None
        }
    });
    let signatures = signatures(vars);
    let content_type = content_type.unwrap_or_else(|| "application/json; charset=utf-8".to_owned());
    urls.into_iter()
        .map(|url| {
            let (method, content_type, headers) = (method.clone(), content_type.clone(), headers.clone());
            let (template, signatures) = (template.clone(), signatures.clone());
            Box::new(Webhook { url, method, content_type, headers, template, signatures }) as Box<dyn Channel>
        })
        .collect()
}

fn headers(vars: &mut Vars) -> Vec<(String, SecretString)> {
    let Some(text) = vars.secret(&WEBHOOK_HEADERS) else { return Vec::new() };
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(text.expose_secret()) else {
        vars.problem(&WEBHOOK_HEADERS, "expected a JSON object of texts. Example: {\"X-Key\": \"value\"}");
        return Vec::new();
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let headers: Vec<(String, String)> = object.into_iter().map(|(name, value)| (name, text(value))).collect();
    if headers.iter().any(|(name, value)| !is_header(name, value)) {
        vars.problem(&WEBHOOK_HEADERS, "expected names and values of HTTP headers. Example: {\"X-Key\": \"value\"}");
        return Vec::new();
    }
    headers.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect()
}

fn signatures(vars: &mut Vars) -> Vec<Signature> {
    let wanted = vars.list(&WEBHOOK_SIGNATURE);
    let Some(secret) = vars.secret(&WEBHOOK_SECRET) else {
        if !wanted.is_empty() {
            vars.problem(&WEBHOOK_SIGNATURE, "requires WEBHOOK_SECRET");
        }
        return Vec::new();
    };
    let prefixed = secret.expose_secret().strip_prefix("whsec_");
    let wants = |word: &str, unset: bool| if wanted.is_empty() { unset } else { wanted.iter().any(|it| it == word) };
    let mut signatures = Vec::new();
    if wants("standard", prefixed.is_some()) {
        match STANDARD.decode(prefixed.unwrap_or(secret.expose_secret())) {
            Ok(key) if !key.is_empty() => signatures.push(Signature::Standard(key)),
            _ => vars.problem(&WEBHOOK_SECRET, "expected `whsec_` followed by base64"),
        }
    }
    if wants("github", prefixed.is_none()) {
        signatures.push(Signature::GitHub(secret));
    }
    signatures
}

impl Target for Webhook {
    fn target(&self) -> String {
        host(&self.url)
    }

    fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }
}

impl HttpChannel for Webhook {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let mut request = secret(self.method.clone(), &self.url);
        for (name, value) in &self.headers {
            request = request.secret_header(name, value);
        }
        let body = match &self.template {
            None => serde_json::to_vec(&document(message)).unwrap_or_default(),
            Some(template) => {
                let refuse = |why: String| Undelivered::Refused(format!("WEBHOOK_PAYLOAD_TEMPLATE: {why}"));
                let rendered = message.payload.clone().unwrap_or_else(|| template.render(message));
                let body = rendered.map_err(refuse)?;
                if self.content_type.to_ascii_lowercase().contains("json") {
                    serde_json::from_str::<serde::de::IgnoredAny>(&body)
                        .map_err(|error| refuse(format!("the result is not JSON: {error}")))?;
                }
                body.into_bytes()
            }
        };
        let time = message.worded_at.as_second();
        for signature in &self.signatures {
            for (name, value) in signature.headers(&body, time) {
                request = request.header(name, &value);
            }
        }
        Ok(request.body(&self.content_type, body))
    }
}

impl Signature {
    /// Of the exact bytes that are sent; the same for every attempt, so that a receiver recognizes repetitions.
    fn headers(&self, body: &[u8], time: i64) -> Vec<(&'static str, String)> {
        match self {
            Signature::GitHub(secret) => {
                let mac = hmac(secret.expose_secret().as_bytes(), &[body]);
                vec![("x-hub-signature-256", format!("sha256={}", hex(&mac)))]
            }
            Signature::Standard(key) => {
                let time = time.to_string();
                let digest = Sha256::new().chain_update(&time).chain_update(body).finalize();
                let id = format!("msg_{}", hex(&digest[..16]));
                let mac = hmac(key, &[id.as_bytes(), b".", time.as_bytes(), b".", body]);
                let signature = format!("v1,{}", STANDARD.encode(mac));
                vec![("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)]
            }
        }
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // A key of any length will do.
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is sent without a template: docs/notify/webhook.md.
fn document(message: &Message) -> Value {
    let fields: Map<String, Value> =
        message.fields.iter().map(|field| (field.label.clone(), Value::from(field.value.as_str()))).collect();
    json!({
        "schema_version": "1.0",
        "title": message.title,
        "status": message.status,
        "message": message.text,
        "priority": message.priority,
        "environment": message.run.environment,
        "fields": fields,
        "findings": message.findings,
        "links": message.links,
        "log": message.log,
        "run": message.run,
    })
}

#[cfg(test)]
mod tests {
    use super::{Signature, hex, hmac};

    #[test]
    fn signatures_are_those_of_the_published_examples() {
        // GitHub's documentation: "Testing the webhook payload validation".
        let github = Signature::GitHub("It's a Secret to Everybody".into());
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(github.headers(b"Hello, World!", 0), [("x-hub-signature-256", expected.to_owned())]);
        // RFC 4231, test case 2.
        assert!(hex(&hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"])).starts_with("5bdcc146bf60754e6a042426"));
    }

    #[test]
    fn an_attempt_that_is_repeated_has_the_same_id_and_another_message_another() {
        let standard = Signature::Standard(b"key".to_vec());
        let first = standard.headers(b"{}", 1_700_000_000);
        assert_eq!(first, standard.headers(b"{}", 1_700_000_000));
        assert_ne!(first[0], standard.headers(b"{}", 1_700_000_001)[0]);
        assert!(first[2].1.starts_with("v1,"));
    }
}
