//! Keys and registries of clouds: AWS, and Vault.

use pipe_core::Context;
use pipe_core::aws::{Aws, Container, Credentials, Source, is_region};
use pipe_core::env::Vars;
use pipe_core::exit::Stop;
use pipe_core::spec::Var;
use pipe_evidence::github::request_id_token;
use pipe_evidence::kms::{AwsKey, KeyReference, KmsKey, Vault, VaultKey};
use pipe_evidence::sign::SignError;
use pipe_oci::ecr;
use secrecy::{ExposeSecret, SecretString};

use crate::keyless::{http, stop};
use crate::registry::Access;
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
    "A key that a service keeps, instead of COSIGN_PRIVATE_KEY: `awskms:///alias/NAME` (or an id or ARN; \
     `awskms://HOST/...` for a KMS at another host) or `hashivault://NAME`; if unset, none.",
)
.example("awskms:///alias/signing");
const AWS_REGION: Var = Var::text(
    "AWS_REGION",
    "The region of the key; if unset, that of its ARN. Registries of ECR have theirs in their name.",
)
.aliases(&["AWS_DEFAULT_REGION"])
.example("eu-west-1");
const AWS_ROLE_ARN: Var = Var::text(
    "AWS_ROLE_ARN",
    "The role to take on with the CI's OIDC token, for the key and for registries of ECR; if unset, the access key is \
     used, or what the container on ECS or EKS is given.",
)
.example("arn:aws:iam::123456789012:role/ci");
const AWS_WEB_IDENTITY_TOKEN: Var = Var::secret(
    "AWS_WEB_IDENTITY_TOKEN",
    "The OIDC token for AWS_ROLE_ARN; if unset, GitHub's for the audience sts.amazonaws.com, or Bitbucket's.",
)
.required("with AWS_ROLE_ARN where the CI gives the job no token");
const AWS_ACCESS_KEY_ID: Var = Var::secret("AWS_ACCESS_KEY_ID", "An access key; if unset, AWS_ROLE_ARN is used.")
    .required("with AWS_SECRET_ACCESS_KEY, and for a key of AWS unless AWS_ROLE_ARN is set");
const AWS_SECRET_ACCESS_KEY: Var = Var::secret("AWS_SECRET_ACCESS_KEY", "Its secret; if unset, the key is not used.")
    .required("with AWS_ACCESS_KEY_ID");
const AWS_SESSION_TOKEN: Var =
    Var::secret("AWS_SESSION_TOKEN", "The session of a temporary access key; if unset, it has none.");
const AWS_ENDPOINT_URL: Var =
    Var::url("AWS_ENDPOINT_URL", "Another address for AWS's services, e.g. of a VPC; if unset, their own.");
const AWS_ENDPOINT_URL_KMS: Var =
    Var::url("AWS_ENDPOINT_URL_KMS", "Another address for KMS alone; if unset, AWS_ENDPOINT_URL.");
const AWS_ENDPOINT_URL_STS: Var = Var::url(
    "AWS_ENDPOINT_URL_STS",
    "Another address for STS alone, which gives the role; if unset, AWS_ENDPOINT_URL.",
);
const AWS_ENDPOINT_URL_ECR: Var =
    Var::url("AWS_ENDPOINT_URL_ECR", "Another address for ECR's API alone; if unset, AWS_ENDPOINT_URL.");
const VAULT_ADDR: Var =
    Var::url("VAULT_ADDR", "The Vault with a `hashivault://` key; if unset, such a key can't be used.")
        .required("with a hashivault:// key");
const VAULT_TOKEN: Var = Var::secret("VAULT_TOKEN", "The token for Vault; if unset, such a key can't be used.")
    .required("with a hashivault:// key");
const VAULT_TRANSIT_PATH: Var = Var::text(
    "VAULT_TRANSIT_PATH",
    "Where Vault's transit engine is mounted, after its namespace if there is one; if unset, transit.",
)
.aliases(&["TRANSIT_SECRET_ENGINE_PATH"])
.default("transit");

/// Who proves a role.
enum Identity {
    Token(SecretString),
    GitHub { url: String, request_token: SecretString },
}

/// Who is to reach AWS.
enum Login {
    Role(String, Identity),
    Access(Credentials),
    Container(Container),
}

/// What was said about clouds.
pub(crate) struct Cloud {
    /// The key that signs.
    pub(crate) key: Option<KeyReference>,
    region: Option<String>,
    login: Option<Login>,
    /// For all services.
    endpoint: Option<String>,
    endpoints: Vec<(&'static str, String)>,
    vault: Option<(String, SecretString, String)>,
}

impl Cloud {
    /// What nothing is needed for may be lacking: on a fork's pull request, or where `access` has credentials.
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
        let registries = images.chain(&access.elsewhere).filter(|repository| !access.knows(repository));
        let logs_in = registries.into_iter().any(|repository| ecr::region(&repository.registry).is_some());
        let needed = Needed { key: of_aws.is_some(), registry: logs_in, untrusted };
        if region.is_none() && of_aws.is_some_and(|key| key.region().is_none()) {
            vars.problem(&AWS_REGION, "required, since KMS_KEY is no ARN");
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
    pub(crate) async fn open(&self, ctx: &Context, key: &KeyReference) -> Result<KmsKey, Stop> {
        let opened: Result<KmsKey, SignError> = match key {
            KeyReference::Aws { host, key: id } => {
                let region = key.region().or(self.region.as_deref()).unwrap_or_default();
                let aws = self.aws(ctx, region).await?;
                let aws = host.iter().fold(aws, |aws, host| aws.at("kms", &format!("https://{host}")));
                AwsKey::open(aws, id).await.map(|key| Box::new(key) as KmsKey)
            }
            KeyReference::Vault { key } => match &self.vault {
                Some((address, token, mount)) => {
                    let vault = Vault::new(http(ctx)?, address, token.clone(), mount);
                    VaultKey::open(vault, key).await.map(|key| Box::new(key) as KmsKey)
                }
                None => Err(SignError::Refused("there is no Vault".to_owned())),
            },
        };
        opened.map_err(|error| Stop::Unable(error.to_string()))
    }

    /// User and password for a registry of ECR, where AWS is configured.
    pub(crate) async fn login(&self, ctx: &Context, host: &str) -> Result<Option<(String, SecretString)>, Stop> {
        let Some(region) = ecr::region(host) else { return Ok(None) };
        if self.login.is_none() {
            return Ok(None);
        }
        let aws = self.aws(ctx, region).await?;
        let (user, password) = ecr::login(&aws, host).await.map_err(|error| Stop::Unable(error.to_string()))?;
        ctx.redactor.add_secret(&password);
        Ok(Some((user, password)))
    }

    async fn aws(&self, ctx: &Context, region: &str) -> Result<Aws, Stop> {
        let source = match &self.login {
            Some(Login::Role(role, identity)) => {
                let token = match identity {
                    Identity::Token(token) => token.clone(),
                    Identity::GitHub { url, request_token } => {
                        let token = request_id_token(&http(ctx)?, url, request_token, "sts.amazonaws.com").await;
                        token.map_err(stop)?.secret().clone()
                    }
                };
                ctx.redactor.add_secret(&token);
                Source::WebIdentity { role: role.clone(), token }
            }
            Some(Login::Access(access)) => Source::Static(access.clone()),
            Some(Login::Container(container)) => Source::Container(container.clone()),
            None => return Err(Stop::Unable("there are no credentials for AWS".to_owned())),
        };
        let aws = Aws::new(http(ctx)?, region, source, self.endpoint.clone()).redacted_by(ctx.redactor.clone());
        Ok(self.endpoints.iter().fold(aws, |aws, (service, url)| aws.at(service, url)))
    }
}

/// What AWS is needed for.
struct Needed {
    key: bool,
    /// One that could be logged in to.
    registry: bool,
    /// A run that gets no secrets.
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
            Err(why) if any => vars.problem(&AWS_ACCESS_KEY_ID, format!("is not set, and {why}")),
            Ok(None) | Err(_) => {}
        },
        _ => {}
    }
    None
}

/// `signs` is the key that will be used.
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
