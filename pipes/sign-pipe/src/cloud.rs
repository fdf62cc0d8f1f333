//! Keys and registries of clouds: AWS, and Vault.

use pipe_core::Context;
use pipe_core::aws::{Aws, Credentials, Source};
use pipe_core::env::Vars;
use pipe_core::exit::Stop;
use pipe_core::spec::Var;
use pipe_evidence::kms::{AwsKey, Key, Reference, Vault, VaultKey};
use pipe_evidence::sign::SignError;
use pipe_evidence::token::request_github;
use pipe_oci::ecr;
use secrecy::SecretString;

use crate::keyless::{http, stop};

pub(crate) const VARS: &[&Var] = &[
    &KMS_KEY,
    &AWS_REGION,
    &AWS_ROLE_ARN,
    &AWS_WEB_IDENTITY_TOKEN,
    &AWS_ACCESS_KEY_ID,
    &AWS_SECRET_ACCESS_KEY,
    &AWS_SESSION_TOKEN,
    &AWS_ENDPOINT_URL,
    &VAULT_ADDR,
    &VAULT_TOKEN,
    &VAULT_TRANSIT_PATH,
];

pub(crate) const KMS_KEY: Var = Var::text(
    "KMS_KEY",
    "A key that a service keeps, instead of COSIGN_PRIVATE_KEY: `awskms:///alias/NAME` (or an id or ARN) or \
     `hashivault://NAME`; if unset, none.",
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
     used.",
)
.example("arn:aws:iam::123456789012:role/ci");
const AWS_WEB_IDENTITY_TOKEN: Var = Var::secret(
    "AWS_WEB_IDENTITY_TOKEN",
    "The OIDC token for AWS_ROLE_ARN; if unset, GitHub's for the audience sts.amazonaws.com, or Bitbucket's.",
);
const AWS_ACCESS_KEY_ID: Var = Var::secret("AWS_ACCESS_KEY_ID", "An access key; if unset, AWS_ROLE_ARN is used.");
const AWS_SECRET_ACCESS_KEY: Var = Var::secret("AWS_SECRET_ACCESS_KEY", "Its secret; if unset, the key is not used.");
const AWS_SESSION_TOKEN: Var =
    Var::secret("AWS_SESSION_TOKEN", "The session of a temporary access key; if unset, it has none.");
const AWS_ENDPOINT_URL: Var =
    Var::url("AWS_ENDPOINT_URL", "Another address for AWS's services, e.g. of a VPC; if unset, their own.");
const VAULT_ADDR: Var =
    Var::url("VAULT_ADDR", "The Vault with a `hashivault://` key; if unset, such a key can't be used.")
        .required("with a hashivault:// key");
const VAULT_TOKEN: Var = Var::secret("VAULT_TOKEN", "The token for Vault; if unset, such a key can't be used.")
    .required("with a hashivault:// key");
const VAULT_TRANSIT_PATH: Var =
    Var::text("VAULT_TRANSIT_PATH", "Where Vault's transit engine is mounted; if unset, transit.")
        .aliases(&["TRANSIT_SECRET_ENGINE_PATH"])
        .default("transit");

/// Who proves a role.
enum Identity {
    Token(SecretString),
    GitHub { url: String, request_token: SecretString },
}

/// What was said about clouds.
pub(crate) struct Cloud {
    /// The key that signs.
    pub(crate) key: Option<Reference>,
    region: Option<String>,
    access: Option<Credentials>,
    role: Option<(String, Identity)>,
    endpoint: Option<String>,
    vault: Option<(String, SecretString, String)>,
}

impl Cloud {
    pub(crate) fn from_vars(vars: &mut Vars) -> Cloud {
        let key = vars.text(&KMS_KEY).and_then(|text| match text.parse::<Reference>() {
            Ok(key) => Some(key),
            Err(error) => {
                vars.problem(&KMS_KEY, error.to_string());
                None
            }
        });
        let region = vars.text(&AWS_REGION);
        let access = vars.secret(&AWS_ACCESS_KEY_ID).zip(vars.secret(&AWS_SECRET_ACCESS_KEY));
        let session_token = vars.secret(&AWS_SESSION_TOKEN);
        let access = access.map(|(id, secret_key)| {
            use secrecy::ExposeSecret;
            Credentials { access_key: id.expose_secret().to_owned(), secret_key, session_token }
        });
        let cloud = Cloud {
            role: role(vars),
            endpoint: vars.text(&AWS_ENDPOINT_URL),
            vault: vault(vars, key.as_ref()),
            key,
            region,
            access,
        };
        if let Some(key @ Reference::Aws { .. }) = &cloud.key {
            if cloud.region.is_none() && key.region().is_none() {
                vars.problem(&AWS_REGION, "required, since KMS_KEY is no ARN");
            }
            if cloud.role.is_none() && cloud.access.is_none() {
                vars.problem(
                    &AWS_ROLE_ARN,
                    "required for a key of AWS, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                );
            }
        }
        cloud
    }

    /// The key, ready to sign.
    pub(crate) async fn open(&self, ctx: &Context, key: &Reference) -> Result<Key, Stop> {
        let opened: Result<Key, SignError> = match key {
            Reference::Aws { key: id } => {
                let region = key.region().or(self.region.as_deref()).unwrap_or_default();
                AwsKey::open(self.aws(ctx, region).await?, id).await.map(|key| Box::new(key) as Key)
            }
            Reference::Vault { key } => match &self.vault {
                Some((address, token, mount)) => {
                    let vault = Vault::new(http(ctx)?, address, token.clone(), mount);
                    VaultKey::open(vault, key).await.map(|key| Box::new(key) as Key)
                }
                None => Err(SignError::Refused("there is no Vault".to_owned())),
            },
        };
        opened.map_err(|error| Stop::Unable(error.to_string()))
    }

    /// User and password for a registry of ECR, where AWS is configured.
    pub(crate) async fn login(&self, ctx: &Context, host: &str) -> Result<Option<(String, SecretString)>, Stop> {
        let Some(region) = ecr::region(host) else { return Ok(None) };
        if self.role.is_none() && self.access.is_none() {
            return Ok(None);
        }
        let aws = self.aws(ctx, region).await?;
        let (user, password) = ecr::login(&aws, host).await.map_err(|error| Stop::Unable(error.to_string()))?;
        ctx.redactor.add_secret(&password);
        Ok(Some((user, password)))
    }

    async fn aws(&self, ctx: &Context, region: &str) -> Result<Aws, Stop> {
        let source = match (&self.role, &self.access) {
            (Some((role, identity)), _) => {
                let token = match identity {
                    Identity::Token(token) => token.clone(),
                    Identity::GitHub { url, request_token } => {
                        let token = request_github(&http(ctx)?, url, request_token, "sts.amazonaws.com").await;
                        token.map_err(stop)?.secret().clone()
                    }
                };
                ctx.redactor.add_secret(&token);
                Source::WebIdentity { role: role.clone(), token }
            }
            (None, Some(access)) => Source::Static(access.clone()),
            (None, None) => return Err(Stop::Unable("there are no credentials for AWS".to_owned())),
        };
        Ok(Aws::new(http(ctx)?, region, source, self.endpoint.clone()))
    }
}

fn role(vars: &mut Vars) -> Option<(String, Identity)> {
    let given = vars.secret(&AWS_WEB_IDENTITY_TOKEN).map(Identity::Token);
    let role = vars.text(&AWS_ROLE_ARN)?;
    let github = vars.ci("ACTIONS_ID_TOKEN_REQUEST_URL").zip(vars.ci("ACTIONS_ID_TOKEN_REQUEST_TOKEN"));
    let github =
        github.map(|(url, token)| Identity::GitHub { url: url.to_owned(), request_token: token.to_owned().into() });
    let bitbucket = vars.ci("BITBUCKET_STEP_OIDC_TOKEN").map(|token| Identity::Token(token.to_owned().into()));
    let identity = given.or(github).or(bitbucket);
    if identity.is_none() {
        vars.problem(&AWS_WEB_IDENTITY_TOKEN, "required with AWS_ROLE_ARN, since the CI gives this job no token");
    }
    Some((role, identity?))
}

fn vault(vars: &mut Vars, key: Option<&Reference>) -> Option<(String, SecretString, String)> {
    let address = vars.text(&VAULT_ADDR);
    let token = vars.secret(&VAULT_TOKEN);
    let mount = vars.text(&VAULT_TRANSIT_PATH).unwrap_or_default();
    if let Some(Reference::Vault { .. }) = key {
        if address.is_none() {
            vars.require(&VAULT_ADDR);
        }
        if token.is_none() {
            vars.require(&VAULT_TOKEN);
        }
    }
    Some((address?, token?, mount))
}
