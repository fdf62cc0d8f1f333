//! E-mail by SMTP: encrypted unless the user says otherwise, as plain text and as HTML.

mod html;
mod server;

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{AsyncTransport, Message as Mail};
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::is_unknown_host;
use pipe_core::plan::Effects;
use pipe_core::spec::{Group, Kind, Var};
use serde_json::json;
use sha2::{Digest, Sha256};

use self::server::{Security, Server};
use super::target::{Channel, ChannelKind, Preview, Target};
use crate::message::{Message, Priority};
use crate::post::{Post, Receipt, Undelivered};
use crate::state::State;
use crate::text::{bytes, chars, last_lines, one_line, shorten};

const EMAIL_TO: Var = Var::list("EMAIL_TO", "The recipients of the mail.")
    .unset("no mail is sent")
    .example("team@example.com,ops@example.com");
const EMAIL_FROM: Var = Var::text("EMAIL_FROM", "The sender of the mail, an address that the server may send for.")
    .required("with EMAIL_TO")
    .example("ci@example.com");
const EMAIL_REPLY_TO: Var = Var::text("EMAIL_REPLY_TO", "The address for replies.").unset("replies go to EMAIL_FROM");
const EMAIL_SMTP_HOST: Var =
    Var::text("EMAIL_SMTP_HOST", "The SMTP server.").required("with EMAIL_TO").example("smtp.example.com");
const EMAIL_SMTP_PORT: Var = Var::new(
    "EMAIL_SMTP_PORT",
    Kind::Integer { min: 1, max: 65_535 },
    "The port of the SMTP server. 587 expects STARTTLS, and 465 expects TLS from the start.",
)
.default("587");
const EMAIL_SMTP_USERNAME: Var = Var::text("EMAIL_SMTP_USERNAME", "The account at the SMTP server.")
    .unset("the mail is sent without authentication")
    .file();
const EMAIL_SMTP_PASSWORD: Var =
    Var::secret("EMAIL_SMTP_PASSWORD", "The password of EMAIL_SMTP_USERNAME.").required("with EMAIL_SMTP_USERNAME");
const EMAIL_USE_TLS: Var = Var::flag("EMAIL_USE_TLS", "Sends mail only over an encrypted connection.")
    .or("sends mail, user and password unencrypted, for a server on the same machine")
    .default("true");
const EMAIL_TLS: Var =
    Var::choice("EMAIL_TLS", &["auto", "starttls", "implicit"], "Sets how the connection is encrypted.")
        .values(&[
            ("auto", "uses TLS from the start on port 465, and STARTTLS on any other"),
            ("starttls", "uses STARTTLS"),
            ("implicit", "uses TLS from the start"),
        ])
        .default("auto");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "email",
    group: Group {
        title: "E-mail",
        vars: &[
            &EMAIL_TO,
            &EMAIL_FROM,
            &EMAIL_REPLY_TO,
            &EMAIL_SMTP_HOST,
            &EMAIL_SMTP_PORT,
            &EMAIL_SMTP_USERNAME,
            &EMAIL_SMTP_PASSWORD,
            &EMAIL_USE_TLS,
            &EMAIL_TLS,
        ],
    },
    needs: &[&EMAIL_TO, &EMAIL_SMTP_HOST],
    inferred: true,
    from_vars,
};

/// Characters of a subject: longer ones are cut by every client.
const MAX_SUBJECT: usize = 200;
const MAX_TEXT: usize = 100_000;
const MAX_LOG: usize = 100_000;
/// A title, a fact, a finding or an address.
const MAX_ITEM: usize = 4_000;
/// The most that is waited between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(8);

struct Email {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    to: Vec<Mailbox>,
    server: Server,
}

fn from_vars(vars: &mut Vars, ctx: &Context) -> Vec<Box<dyn Channel>> {
    let to = whole(vars.list(&EMAIL_TO));
    let from = mailbox(vars, &EMAIL_FROM);
    let reply_to = mailbox(vars, &EMAIL_REPLY_TO);
    let host = host(vars);
    let port = vars.integer(&EMAIL_SMTP_PORT).and_then(|port| u16::try_from(port).ok()).unwrap_or(587);
    let username = vars.text(&EMAIL_SMTP_USERNAME).map(|name| name.trim().to_owned());
    let password = vars.secret(&EMAIL_SMTP_PASSWORD);
    let tls = match (vars.flag(&EMAIL_USE_TLS), vars.choice(&EMAIL_TLS)) {
        // Never towards the less safe of two settings that contradict each other.
        (false, Some(kind @ ("implicit" | "starttls"))) => {
            vars.problem(
                &EMAIL_USE_TLS,
                format!("`false` contradicts EMAIL_TLS={kind}. Unset EMAIL_USE_TLS to send encrypted, or EMAIL_TLS"),
            );
            Security::StartTls
        }
        (false, _) => Security::None,
        (true, Some("implicit")) => Security::Implicit,
        (true, Some("starttls")) => Security::StartTls,
        (true, _) if port == 465 => Security::Implicit,
        (true, _) => Security::StartTls,
    };
    for (var, missing) in [
        (&EMAIL_TO, to.is_empty()),
        (&EMAIL_FROM, !vars.is_set(&EMAIL_FROM)),
        (&EMAIL_SMTP_HOST, !vars.is_set(&EMAIL_SMTP_HOST)),
    ] {
        if missing {
            vars.require(var);
        }
    }
    if username.is_some() && password.is_none() {
        let untrusted = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.may_lack_secrets());
        vars.lacks_secret(&EMAIL_SMTP_PASSWORD, untrusted);
    }
    let parsed: Result<Vec<Mailbox>, _> = to.iter().map(|address| address.parse::<Mailbox>()).collect();
    let Ok(to) = parsed else {
        vars.problem(&EMAIL_TO, "expected mail addresses, separated by commas. Example: team@example.com");
        return Vec::new();
    };
    let (Some(from), Some(host)) = (from, host) else { return Vec::new() };
    let settings = ctx.http_settings();
    let server = Server {
        host,
        port,
        tls,
        credentials: username.zip(password),
        ca_pem: settings.ca_pem,
        roots_pem: settings.roots_pem,
    };
    vec![Box::new(Email { from, reply_to, to, server })]
}

/// Addresses that a comma in a quoted name (`"Doe, J" <j@example.com>`, RFC 5322) has cut into parts.
fn whole(parts: Vec<String>) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    let mut open = false;
    for part in parts {
        let quotes = part.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        match addresses.last_mut().filter(|_| open) {
            Some(address) => address.push_str(&format!(", {part}")),
            None => addresses.push(part),
        }
        open ^= quotes % 2 == 1;
    }
    addresses
}

/// The name or the address of the server. A port beside it would be taken for a part of the name.
fn host(vars: &mut Vars) -> Option<String> {
    let text = vars.text(&EMAIL_SMTP_HOST)?;
    let host = text.trim();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some(bare.to_owned());
    }
    match host.split_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => vars.problem(
            &EMAIL_SMTP_HOST,
            format!("expected a host name without a port. Set EMAIL_SMTP_HOST={name} and EMAIL_SMTP_PORT={port}"),
        ),
        None if !host.contains(|c: char| c.is_whitespace() || "/@?#\\".contains(c)) => return Some(host.to_owned()),
        _ => vars.problem(&EMAIL_SMTP_HOST, "expected a host name such as smtp.example.com"),
    }
    None
}

fn mailbox(vars: &mut Vars, var: &'static Var) -> Option<Mailbox> {
    let text = vars.text(var)?;
    let mailbox = text.trim().parse().ok();
    if mailbox.is_none() {
        vars.problem(var, "expected a mail address such as ci@example.com or CI <ci@example.com>");
    }
    mailbox
}

impl Target for Email {
    fn target(&self) -> String {
        match self.to.as_slice() {
            [] => String::new(),
            [one] => one.email.to_string(),
            [one, rest @ ..] => format!("{} and {} more", one.email, rest.len()),
        }
    }
}

impl Channel for Email {
    fn preview(&self, message: &Message, _: &State) -> Result<Preview, Undelivered> {
        let security = match self.server.tls {
            Security::StartTls => "STARTTLS",
            Security::Implicit => "TLS",
            Security::None => "not encrypted",
        };
        let (plain, html) = bodies(message);
        let server = format!("{}:{}", self.server.host, self.server.port);
        let sent = json!({
            "server": format!("{server} ({security})"),
            "from": self.from.to_string(),
            "to": self.to.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "subject": subject(message),
            "text": plain,
            "html": html,
        });
        let effects =
            Effects { writes: vec![format!("MAIL smtp://{server}")], hosts: vec![server], ..Effects::default() };
        Ok(Preview { sent, effects })
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(self.send(message, post))
    }
}

impl Email {
    async fn send(&self, message: &Message, post: &Post) -> Result<Receipt, Undelivered> {
        let mail =
            self.mail(message).map_err(|error| Undelivered::Refused(format!("failed to build the mail: {error}")))?;
        let mut tried = 0;
        loop {
            tried += 1;
            let transport = self.server.transport(post.remaining())?;
            let failure = match transport.send(mail.clone()).await {
                Ok(_) => return Ok(Receipt::default()),
                Err(error) => self.server.failure(&error),
            };
            let wait = Duration::from_secs(1 << (tried - 1).min(3)).min(MAX_WAIT);
            let more = tried < post.attempts && wait < post.remaining();
            match failure {
                Undelivered::Refused(why) if more && is_unknown_host(&why) => tokio::time::sleep(wait).await,
                Undelivered::Unreachable(_) if more => tokio::time::sleep(wait).await,
                Undelivered::Unreachable(why) if tried > 1 => {
                    return Err(Undelivered::Unreachable(format!("{why} after {tried} attempts")));
                }
                other => return Err(other),
            }
        }
    }

    fn mail(&self, message: &Message) -> Result<Mail, lettre::error::Error> {
        let (plain, html) = bodies(message);
        let mut builder = Mail::builder()
            .from(self.from.clone())
            .subject(subject(message))
            .date(
                std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(message.worded_at.as_second()).unwrap_or(0)),
            )
            .message_id(Some(self.id(&format!("{}|{}", message.worded_at, std::process::id()))))
            // One conversation for all mails of a run, without automatic answers.
            .references(self.id(&thread(message)))
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder = match message.priority {
            Priority::Urgent | Priority::High => {
                builder.raw_header(raw("X-Priority", "1")).raw_header(raw("Importance", "high"))
            }
            Priority::Low => builder.raw_header(raw("X-Priority", "5")).raw_header(raw("Importance", "low")),
            Priority::Normal => builder,
        };
        builder.multipart(
            MultiPart::alternative()
                .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(plain))
                .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(html)),
        )
    }

    /// An id in the sender's domain.
    fn id(&self, of: &str) -> String {
        let digest = Sha256::digest(of.as_bytes());
        let hex: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("<{hex}@{}>", self.from.email.domain())
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn thread(message: &Message) -> String {
    let run = &message.run;
    [&run.repository, &run.pipeline, &run.id].into_iter().flatten().cloned().collect::<Vec<_>>().join("|")
}

fn subject(message: &Message) -> String {
    shorten(&one_line(&message.headline()), MAX_SUBJECT, chars)
}

/// The same as text and as HTML, each part within what servers take, a log cut to its end.
fn bodies(message: &Message) -> (String, String) {
    let mut message = message.clone();
    let cut = |text: &mut String, limit| *text = shorten(text, limit, bytes);
    cut(&mut message.title, MAX_ITEM);
    cut(&mut message.text, MAX_TEXT);
    for field in &mut message.fields {
        cut(&mut field.label, MAX_ITEM);
        cut(&mut field.value, MAX_ITEM);
        field.url.take_if(|url| url.len() > MAX_ITEM);
    }
    for finding in &mut message.findings {
        cut(&mut finding.label, MAX_ITEM);
        cut(&mut finding.text, MAX_ITEM);
    }
    message.links.retain(|link| link.url.len() <= MAX_ITEM);
    if let Some(log) = &mut message.log {
        cut(&mut log.name, MAX_ITEM);
        log.text = last_lines(&log.text, MAX_LOG, bytes);
    }
    (message.plain(), html::page(&message))
}
