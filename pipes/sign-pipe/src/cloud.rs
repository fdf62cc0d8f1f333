//! Signing keys and registries in clouds: AWS and Vault.

use pipe_core::Context;
use pipe_core::aws::{Aws, Container, Credentials, Source, address, is_region};
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_evidence::github::request_id_token;
use pipe_evidence::kms::{AwsKey, KeyReference, KmsKey, Vault, VaultKey};
use pipe_evidence::sign::SignError;
use pipe_oci::ecr;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;
use crate::registry::Access;
use crate::sigstore::http;
use crate::targets::Targets;

pub(crate) const VARS: &[&Var] = &[
    &KMS_KEY,
    &AWS_REGION,
    &AWS_ROLE_ARN,
    &AWS_WEB_IDENTITY_TOKEN,
    &AWS_ACCESS_KEY_ID,
    &AWS_SECRET_ACCESS_KEY,
    &AWS_SESSION_TOKEN,
    &AWS_ENDPOINT_URL,
    &AWS_ENDPOINT_URL_KMS,
    &AWS_ENDPOINT_URL_STS,
    &AWS_ENDPOINT_URL_ECR,
    &VAULT_ADDR,
    &VAULT_TOKEN,
    &VAULT_TRANSIT_PATH,
];

pub(crate) const KMS_KEY: Var = Var::text(
    "KMS_KEY",
    "Signs with this key in a KMS: `awskms:///alias/NAME`, `awskms:///` with a key id or an ARN, or \
     `hashivault://NAME`. `awskms://HOST/...` names a KMS at another host.",
)
.unset("COSIGN_PRIVATE_KEY or the identity of the job signs")
.example("awskms:///alias/signing");
const AWS_REGION: Var =
    Var::text("AWS_REGION", "Sets the region of the KMS key. A registry of ECR has its region in its name.")
        .unset("the region is that of the key's ARN")
        .aliases(&["AWS_DEFAULT_REGION"])
        .example("eu-west-1");
const AWS_ROLE_ARN: Var =
    Var::text("AWS_ROLE_ARN", "Assumes this role with the CI's OIDC token, for the KMS key and for registries of ECR.")
        .unset("the access key is used, or the credentials of the container on ECS or EKS")
        .example("arn:aws:iam::123456789012:role/ci");
const AWS_WEB_IDENTITY_TOKEN: Var = Var::secret("AWS_WEB_IDENTITY_TOKEN", "Assumes AWS_ROLE_ARN with this OIDC token.")
    .unset("the token is GitHub's for the audience sts.amazonaws.com, or Bitbucket's")
    .required("with AWS_ROLE_ARN if the CI gives the job no token");
const AWS_ACCESS_KEY_ID: Var = Var::secret("AWS_ACCESS_KEY_ID", "Logs in to AWS with the access key of this id.")
    .unset("AWS_ROLE_ARN is used")
    .required("with AWS_SECRET_ACCESS_KEY, and for a KMS key of AWS unless AWS_ROLE_ARN is set");
const AWS_SECRET_ACCESS_KEY: Var = Var::secret("AWS_SECRET_ACCESS_KEY", "Sets the secret of the access key.")
    .unset("no access key is used")
    .required("with AWS_ACCESS_KEY_ID");
const AWS_SESSION_TOKEN: Var = Var::secret("AWS_SESSION_TOKEN", "Sets the session token of a temporary access key.")
    .unset("the access key is a permanent one");
const AWS_ENDPOINT_URL: Var = Var::url("AWS_ENDPOINT_URL", "Connects to AWS's services at this URL, e.g. in a VPC.")
    .unset("AWS's own URLs are used");
const AWS_ENDPOINT_URL_KMS: Var =
    Var::url("AWS_ENDPOINT_URL_KMS", "Connects to KMS at this URL.").unset("AWS_ENDPOINT_URL is used");
const AWS_ENDPOINT_URL_STS: Var =
    Var::url("AWS_ENDPOINT_URL_STS", "Connects to STS, which grants the role, at this URL.")
        .unset("AWS_ENDPOINT_URL is used");
const AWS_ENDPOINT_URL_ECR: Var =
    Var::url("AWS_ENDPOINT_URL_ECR", "Connects to the API of ECR at this URL.").unset("AWS_ENDPOINT_URL is used");
const VAULT_ADDR: Var = Var::url("VAULT_ADDR", "Connects to the Vault with the `hashivault://` key at this URL.")
    .unset("no Vault is used")
    .required("with a hashivault:// key");
const VAULT_TOKEN: Var = Var::secret("VAULT_TOKEN", "Logs in to Vault with this token.")
    .unset("no Vault is used")
    .required("with a hashivault:// key");
const VAULT_TRANSIT_PATH: Var = Var::text(
    "VAULT_TRANSIT_PATH",
    "Sets the mount path of Vault's transit engine, with the namespace before it if there is one.",
)
.aliases(&["TRANSIT_SECRET_ENGINE_PATH"])
.default("transit");

/// The proof of the right to a role.
enum Identity {
    Token(SecretString),
    GitHub { url: String, request_token: SecretString },
}

/// The credentials for AWS.
enum Login {
    Role(String, Identity),
    Access(Credentials),
    Container(Container),
}

/// The KMS key, and the credentials for clouds.
pub(crate) struct Cloud {
    pub(crate) key: Option<KeyReference>,
    region: Option<String>,
    login: Option<Login>,
    /// For all services.
    endpoint: Option<String>,
    endpoints: Vec<(&'static str, String)>,
    vault: Option<(String, SecretString, String)>,
}

impl Cloud {
    /// Credentials are only required if something needs them: not on a fork's pull request, and not for a registry whose
    /// credentials `access` has.
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context, access: &Access, targets: &Targets, sign: bool) -> Cloud {
        let key = vars.text(&KMS_KEY).and_then(|text| match text.parse::<KeyReference>() {
            Ok(key) => Some(key),
            Err(error) => {
                vars.problem(&KMS_KEY, error.to_string());
                None
            }
        });
        let region = vars.text(&AWS_REGION);
        if region.as_ref().is_some_and(|region| !is_region(region)) {
            vars.problem(&AWS_REGION, "expected a region such as eu-west-1");
        }
        let untrusted = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.may_lack_secrets());
        let signs = key.as_ref().filter(|_| sign);
        let of_aws = signs.filter(|key| matches!(key, KeyReference::Aws { .. }));
        let images = targets.images.iter().map(|image| &image.repository);
        let registries = images.chain(&access.signature_repository).filter(|repository| !access.knows(repository));
        let logs_in = registries.into_iter().any(|repository| ecr::region(&repository.registry).is_some());
        let needed = Needed { key: of_aws.is_some(), registry: logs_in, untrusted };
        if region.is_none() && of_aws.is_some_and(|key| key.region().is_none()) {
            vars.problem(&AWS_REGION, "required, since KMS_KEY is not an ARN");
        }
        let endpoints =
            [("kms", &AWS_ENDPOINT_URL_KMS), ("sts", &AWS_ENDPOINT_URL_STS), ("ecr", &AWS_ENDPOINT_URL_ECR)];
        Cloud {
            region,
            login: login(vars, &needed),
            endpoint: vars.text(&AWS_ENDPOINT_URL),
            endpoints: endpoints.into_iter().filter_map(|(service, var)| Some((service, vars.text(var)?))).collect(),
            vault: vault(vars, signs, untrusted),
            key,
        }
    }

    /// The key, ready to sign.
    ///
    /// # Errors
    /// The service refuses, is not available, or has no such key.
    pub(crate) async fn open(&self, ctx: &Context, key: &KeyReference) -> Result<KmsKey, Error> {
        match key {
            KeyReference::Aws { key: id, .. } => {
                let aws = self.aws(ctx, self.region_of(key)).await?.at("kms", &self.kms_url(key));
                AwsKey::open(aws, id)
                    .await
                    .map(|key| Box::new(key) as KmsKey)
                    .map_err(|why| not_opened(&why, "AWS_ROLE_ARN or AWS_ACCESS_KEY_ID"))
            }
            KeyReference::Vault { key } => {
                let (address, token, mount) = self.vault.as_ref().ok_or(Error::NoVault)?;
                let vault = Vault::new(http(ctx)?, address, token.clone(), mount);
                VaultKey::open(vault, key)
                    .await
                    .map(|key| Box::new(key) as KmsKey)
                    .map_err(|why| not_opened(&why, "VAULT_ADDR and VAULT_TOKEN"))
            }
        }
    }

    /// User and password for a registry of ECR, if AWS is configured.
    ///
    /// # Errors
    /// AWS refuses or is not available.
    pub(crate) async fn login(&self, ctx: &Context, host: &str) -> Result<Option<(String, SecretString)>, Error> {
        let Some(region) = ecr::region(host) else { return Ok(None) };
        if self.login.is_none() {
            return Ok(None);
        }
        let aws = self.aws(ctx, region).await?;
        let (user, password) = ecr::login(&aws, host)
            .await
            .map_err(|error| Error::EcrLogin { host: host.to_owned(), why: error.to_string() })?;
        ctx.redactor.add_secret(&password);
        Ok(Some((user, password)))
    }

    /// The requests that open and use a key: each URL, and whether it is a POST.
    pub(crate) fn key_calls(&self, key: &KeyReference) -> Vec<(String, bool)> {
        match key {
            KeyReference::Aws { .. } => {
                let mut calls = self.credential_calls(self.region_of(key));
                calls.push((self.kms_url(key), true));
                calls
            }
            KeyReference::Vault { key } => {
                let Some((address, _, mount)) = &self.vault else { return Vec::new() };
                let base = format!("{}/v1/{}", address.trim_end_matches('/'), mount.trim_matches('/'));
                vec![(format!("{base}/keys/{key}"), false), (format!("{base}/sign/{key}*"), true)]
            }
        }
    }

    /// The requests that log in to a registry of ECR, like [`Cloud::key_calls`]. None for other registries.
    pub(crate) fn login_calls(&self, host: &str) -> Vec<(String, bool)> {
        let Some(region) = ecr::region(host).filter(|_| self.login.is_some()) else { return Vec::new() };
        let mut calls = self.credential_calls(region);
        calls.push((self.url("ecr", region), true));
        calls
    }

    fn credential_calls(&self, region: &str) -> Vec<(String, bool)> {
        match &self.login {
            Some(Login::Role(_, Identity::GitHub { url, .. })) => {
                vec![(url.clone(), false), (self.url("sts", region), true)]
            }
            Some(Login::Role(_, Identity::Token(_))) => vec![(self.url("sts", region), true)],
            Some(Login::Container(container)) => vec![(container.url().to_owned(), false)],
            Some(Login::Access(_)) | None => Vec::new(),
        }
    }

    /// The region of a key: that of its ARN, or else AWS_REGION.
    fn region_of<'a>(&'a self, key: &'a KeyReference) -> &'a str {
        key.region().or(self.region.as_deref()).unwrap_or_default()
    }

    /// The URL of the KMS that holds a key.
    fn kms_url(&self, key: &KeyReference) -> String {
        match key {
            KeyReference::Aws { host: Some(host), .. } => format!("https://{host}/"),
            _ => self.url("kms", self.region_of(key)),
        }
    }

    /// The URL of a service: its own variable, or AWS_ENDPOINT_URL, or else AWS's.
    fn url(&self, service: &'static str, region: &str) -> String {
        let own = self.endpoints.iter().find(|(known, _)| *known == service).map(|(_, url)| url);
        match own.or(self.endpoint.as_ref()) {
            Some(url) => format!("{}/", url.trim_end_matches('/')),
            None => address(service, region),
        }
    }

    async fn aws(&self, ctx: &Context, region: &str) -> Result<Aws, Error> {
        let source = match &self.login {
            Some(Login::Role(role, identity)) => {
                let token = match identity {
                    Identity::Token(token) => token.clone(),
                    Identity::GitHub { url, request_token } => {
                        let token = request_id_token(&http(ctx)?, url, request_token, "sts.amazonaws.com").await;
                        token?.secret().clone()
                    }
                };
                ctx.redactor.add_secret(&token);
                Source::WebIdentity { role: role.clone(), token }
            }
            Some(Login::Access(access)) => Source::Static(access.clone()),
            Some(Login::Container(container)) => Source::Container(container.clone()),
            None => return Err(Error::NoAwsCredentials),
        };
        let aws = Aws::new(http(ctx)?, region, source, None).redacted_by(ctx.redactor.clone());
        Ok(["kms", "sts", "ecr"].into_iter().fold(aws, |aws, service| aws.at(service, &self.url(service, region))))
    }
}

fn not_opened(why: &SignError, credentials: &'static str) -> Error {
    Error::KmsKey { why: why.to_string(), credentials }
}

/// The purposes of credentials for AWS.
struct Needed {
    key: bool,
    /// A registry of ECR that has no other credentials.
    registry: bool,
    /// The run gets no secrets.
    untrusted: bool,
}

fn login(vars: &mut Vars, needed: &Needed) -> Option<Login> {
    let given = vars.secret(&AWS_WEB_IDENTITY_TOKEN).map(Identity::Token);
    let access = (vars.secret(&AWS_ACCESS_KEY_ID), vars.secret(&AWS_SECRET_ACCESS_KEY));
    let session_token = vars.secret(&AWS_SESSION_TOKEN);
    let any = needed.key || needed.registry;
    if let Some(role) = vars.text(&AWS_ROLE_ARN) {
        let github = vars.ci("ACTIONS_ID_TOKEN_REQUEST_URL").zip(vars.ci("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
        let github =
            github.map(|(url, token)| Identity::GitHub { url: url.to_owned(), request_token: token.to_owned().into() });
        let bitbucket = vars.ci("BITBUCKET_STEP_OIDC_TOKEN").map(|token| Identity::Token(token.to_owned().into()));
        let identity = given.or(github).or(bitbucket);
        if identity.is_none() && any {
            vars.lacks_secret(&AWS_WEB_IDENTITY_TOKEN, needed.untrusted);
        }
        return Some(Login::Role(role, identity?));
    }
    match access {
        (Some(id), Some(secret_key)) => {
            let access_key = id.expose_secret().to_owned();
            return Some(Login::Access(Credentials { access_key, secret_key, session_token }));
        }
        (Some(_), None) if any => vars.lacks_secret(&AWS_SECRET_ACCESS_KEY, needed.untrusted),
        (None, Some(_)) if any => vars.lacks_secret(&AWS_ACCESS_KEY_ID, needed.untrusted),
        (None, None) => match Container::from_env(|name| vars.ci(name).map(str::to_owned)) {
            Ok(Some(container)) => return Some(Login::Container(container)),
            Ok(None) if needed.key => vars.lacks_secret(&AWS_ACCESS_KEY_ID, needed.untrusted),
            Err(why) if any => vars.problem(
                &AWS_ACCESS_KEY_ID,
                format!(
                    "is not set, and the container's credentials can't be used: {why}. Set it, or set AWS_ROLE_ARN"
                ),
            ),
            Ok(None) | Err(_) => {}
        },
        _ => {}
    }
    None
}

/// URL, token and mount path of Vault. `signs` is the key that signs.
fn vault(vars: &mut Vars, signs: Option<&KeyReference>, untrusted: bool) -> Option<(String, SecretString, String)> {
    let address = vars.text(&VAULT_ADDR);
    let token = vars.secret(&VAULT_TOKEN);
    let mount = vars.text(&VAULT_TRANSIT_PATH).unwrap_or_default();
    if let Some(KeyReference::Vault { .. }) = signs {
        if address.is_none() {
            vars.require(&VAULT_ADDR);
        }
        if token.is_none() {
            vars.lacks_secret(&VAULT_TOKEN, untrusted);
        }
    }
    Some((address?, token?, mount))
}
