//! The people that a message mentions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipe_core::Context;
use pipe_core::env::{MAX_FILE, Vars};
use pipe_core::fs::{Links, ReadError, read_text};
use pipe_core::spec::Var;
use serde::{Deserialize, Serialize};

use crate::run::Person;
use crate::status::Status;

pub(crate) const MENTION_USERS: Var = Var::list(
    "MENTION_USERS",
    "Mentions these people: user ids of a service, e-mail addresses, names from MENTIONS_FILE, or `author` for the author \
     of the commit.",
)
.unset("no person is mentioned")
.example("author,U012AB3CD");
pub(crate) const MENTION_CHANNEL: Var = Var::choice(
    "MENTION_CHANNEL",
    &["channel", "here", "everyone", "true", "false"],
    "Mentions a whole channel, on services that support it.",
)
.values(&[
    ("channel", "mentions all members of the channel"),
    ("here", "mentions the members who are active"),
    ("everyone", "means `channel`"),
    ("true", "means `channel`"),
    ("false", "mentions only MENTION_USERS"),
])
.unset("only MENTION_USERS are mentioned");
pub(crate) const MENTION_ON: Var =
    Var::choice("MENTION_ON", &["always", "failure"], "Decides when people are mentioned.")
        .values(&[
            ("always", "mentions people in every message"),
            ("failure", "mentions people only if the pipeline failed"),
        ])
        .default("always");
pub(crate) const MENTIONS_FILE: Var =
    Var::path("MENTIONS_FILE", "A TOML file with the ids of people at each service, by e-mail address or name.")
        .unset("`.pipewright/mentions.toml` is read if it exists")
        .example(".pipewright/mentions.toml");
pub(crate) const VARS: &[&Var] = &[&MENTION_USERS, &MENTION_CHANNEL, &MENTION_ON, &MENTIONS_FILE];

/// Where people are looked up when MENTIONS_FILE is not set.
const DEFAULT_FILE: &str = ".pipewright/mentions.toml";

/// The people to mention in one message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Mentions {
    pub(crate) people: Vec<Mention>,
    pub(crate) broadcast: Option<Broadcast>,
}

/// A person, by what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Mention {
    /// As a reader knows them: what the user wrote, or the author's name.
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    /// Their id by service, as channels are called.
    pub(crate) ids: BTreeMap<String, String>,
}

/// More than single people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Broadcast {
    /// All members of the channel.
    Channel,
    /// The members who are active.
    Here,
}

/// What the variables say, before it is known who the author is.
#[derive(Debug, Default)]
pub(crate) struct MentionOptions {
    users: Vec<String>,
    broadcast: Option<Broadcast>,
    only_failure: bool,
    file: PathBuf,
    named: bool,
}

/// One person's ids: `slack = "U012AB3CD"`.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
struct People(BTreeMap<String, BTreeMap<String, String>>);

impl MentionOptions {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> MentionOptions {
        if let Some(file) = vars.path(&MENTIONS_FILE)
            && !ctx.workspace.dir.join(file).exists()
        {
            vars.problem(&MENTIONS_FILE, "expected a file that exists");
        }
        let broadcast = match vars.choice(&MENTION_CHANNEL) {
            Some("channel" | "everyone" | "true") => Some(Broadcast::Channel),
            Some("here") => Some(Broadcast::Here),
            _ => None,
        };
        MentionOptions {
            users: vars.list(&MENTION_USERS),
            broadcast,
            only_failure: vars.choice(&MENTION_ON) == Some("failure"),
            named: vars.is_set(&MENTIONS_FILE),
            file: vars.path(&MENTIONS_FILE).unwrap_or_else(|| PathBuf::from(DEFAULT_FILE)),
        }
    }

    /// Who that is, for a message of this status. `file` makes a path of the configuration absolute.
    ///
    /// # Errors
    /// MENTIONS_FILE can't be read. People are then known by what the user wrote.
    pub(crate) fn resolve(
        &self,
        status: Status,
        author: Option<&Person>,
        file: impl Fn(&Path) -> Result<PathBuf, &'static str>,
    ) -> (Mentions, Vec<String>) {
        if self.only_failure && !status.is_failure() {
            return (Mentions::default(), Vec::new());
        }
        let mut problems = Vec::new();
        let people = self.read(file).unwrap_or_else(|problem| {
            problems.push(format!(
                "failed to read {}: {problem}. Set MENTIONS_FILE to a TOML file of people",
                self.file.display()
            ));
            People::default()
        });
        if author.is_none() && self.users.iter().any(|user| is_author(user)) {
            problems.push(
                "MENTION_USERS=author mentions no person because the author of the commit is unknown. Check out the commit \
                 (on GitHub `ref: ${{ github.event.pull_request.head.sha }}` of actions/checkout), or name people in \
                 MENTION_USERS"
                    .to_owned(),
            );
        }
        let mentions = self.users.iter().filter_map(|user| people.find(user.trim_start_matches('@'), author));
        (Mentions { people: mentions.collect(), broadcast: self.broadcast }, problems)
    }

    fn read(&self, file: impl Fn(&Path) -> Result<PathBuf, &'static str>) -> Result<People, String> {
        if self.users.is_empty() {
            return Ok(People::default());
        }
        let path = file(&self.file)?;
        let text = match read_text(&path, MAX_FILE, Links::Follow) {
            Err(ReadError::NotFound) if !self.named => return Ok(People::default()),
            read => read.map_err(|error| error.to_string())?,
        };
        toml::from_str(&text).map_err(|error| error.to_string().trim_end().replace('\n', " "))
    }
}

impl People {
    fn find(&self, user: &str, author: Option<&Person>) -> Option<Mention> {
        if is_author(user) {
            let author = author?;
            // The address is unknown if only the event names the author, by their login.
            let email = Some(author.email.clone()).filter(|email| !email.is_empty());
            let ids = email.as_ref().and_then(|email| self.ids(email)).or_else(|| self.ids(&author.name));
            return Some(Mention { name: author.name.clone(), email, ids: ids.unwrap_or_default() });
        }
        let email = user.contains('@').then(|| user.to_owned());
        Some(Mention { name: user.to_owned(), email, ids: self.ids(user).unwrap_or_default() })
    }

    fn ids(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, ids)| ids.clone())
    }
}

fn is_author(user: &str) -> bool {
    user.trim_start_matches('@').eq_ignore_ascii_case("author")
}

impl Mention {
    /// Their id at a service: from MENTIONS_FILE, or what the user wrote where `is_id` takes it for one.
    pub(crate) fn id(&self, service: &str, is_id: impl Fn(&str) -> bool) -> Option<String> {
        self.ids.get(service).cloned().or_else(|| is_id(&self.name).then(|| self.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Broadcast, MentionOptions};
    use crate::run::Person;
    use crate::status::Status;

    fn wanted(users: &[&str]) -> MentionOptions {
        MentionOptions {
            users: users.iter().map(|user| (*user).to_owned()).collect(),
            broadcast: Some(Broadcast::Here),
            file: "mentions.toml".into(),
            ..MentionOptions::default()
        }
    }

    #[test]
    fn people_are_known_by_mail_by_name_and_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let text = "[\"ada@example.com\"]\nslack = \"U0ADA\"\ndiscord = \"123\"\n[grace]\nslack = \"U0GRACE\"\n";
        fs::write(dir.path().join("mentions.toml"), text).unwrap();
        let author = Person { name: "Ada".to_owned(), email: "Ada@example.com".to_owned() };
        let file = |path: &Path| Ok(dir.path().join(path));
        let (mentions, problem) =
            wanted(&["author", "@Grace", "U012AB3CD", "x@y.example"]).resolve(Status::Error, Some(&author), file);
        assert!(problem.is_empty(), "{problem:?}");
        let is_slack = |text: &str| text.starts_with("U0");
        let ids: Vec<_> = mentions.people.iter().map(|person| person.id("slack", is_slack)).collect();
        assert_eq!(ids, [Some("U0ADA"), Some("U0GRACE"), Some("U012AB3CD"), None].map(|id| id.map(str::to_owned)));
        assert_eq!(mentions.people[0].id("discord", |_| false).as_deref(), Some("123"));
        assert_eq!(mentions.people[3].email.as_deref(), Some("x@y.example"));
        assert_eq!(mentions.broadcast, Some(Broadcast::Here));
    }

    #[test]
    fn an_unreadable_file_is_reported_and_loses_no_mention() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mentions.toml"), "not = [toml").unwrap();
        let file = |path: &Path| Ok(dir.path().join(path));
        let (mentions, problem) = wanted(&["ada"]).resolve(Status::Error, None, file);
        assert!(problem[0].starts_with("failed to read mentions.toml: "));
        assert_eq!(mentions.people[0].name, "ada");
        let named = MentionOptions { named: true, file: "nowhere.toml".into(), ..wanted(&["ada"]) };
        assert!(named.resolve(Status::Error, None, file).1.len() == 1);
        let unnamed = MentionOptions { file: "nowhere.toml".into(), ..wanted(&["ada"]) };
        assert!(unnamed.resolve(Status::Error, None, file).1.is_empty());
    }

    #[test]
    fn people_are_mentioned_only_for_failures_if_that_is_set() {
        let quiet = MentionOptions { only_failure: true, ..wanted(&["ada"]) };
        let nowhere = |_: &Path| Err("nowhere");
        assert!(quiet.resolve(Status::Success, None, nowhere).0.people.is_empty());
        assert_eq!(quiet.resolve(Status::Success, None, nowhere).0.broadcast, None);
        assert_eq!(quiet.resolve(Status::Error, None, nowhere).0.people.len(), 1);
    }
}
