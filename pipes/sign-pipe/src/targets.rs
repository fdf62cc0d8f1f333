//! The images and files of a run.

use std::path::PathBuf;

use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_oci::{Digest, Reference};

use crate::file::{File, is_bundle, readable};

pub(crate) const VARS: &[&Var] =
    &[&IMAGE, &DOCKER_REGISTRY, &DOCKER_REPOSITORY, &IMAGE_TAG, &EXPECTED_DIGEST, &RECURSIVE, &FILES, &BUNDLE_DIR];

pub(crate) const IMAGE: Var = Var::list(
    "IMAGE",
    "Lists the images, by tag or digest. A tag is resolved once, and the digest that it then has is signed.",
)
.unset("the image is that of DOCKER_REGISTRY, DOCKER_REPOSITORY and IMAGE_TAG")
.aliases(&["IMAGES", "IMAGE_FULL", "CONTAINER_IMAGE"])
.file()
.required("unless DOCKER_REPOSITORY or FILES is set")
.example("ghcr.io/org/app:1.2.3");
pub(crate) const DOCKER_REGISTRY: Var =
    Var::text("DOCKER_REGISTRY", "Names the registry of DOCKER_REPOSITORY, DOCKER_USERNAME and DOCKER_PASSWORD.")
        .unset("it is Docker Hub for DOCKER_REPOSITORY, and the registry of the images for the account")
        .example("ghcr.io");
const DOCKER_REPOSITORY: Var = Var::text("DOCKER_REPOSITORY", "Names the repository of the image if IMAGE is not set.")
    .unset("IMAGE or FILES is required")
    .example("org/app");
const IMAGE_TAG: Var = Var::text("IMAGE_TAG", "Sets the tag of DOCKER_REPOSITORY.")
    .unset("the tag is the first 7 characters of the commit");
pub(crate) const EXPECTED_DIGEST: Var = Var::text(
    "EXPECTED_DIGEST",
    "Sets the digest that the image must have. If the image has another one, the run fails before anything is signed.",
)
.unset("any digest is accepted")
.example("sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b");
pub(crate) const RECURSIVE: Var =
    Var::flag("RECURSIVE", "Signs, attests and verifies an index and the image of each of its platforms.")
        .or("signs, attests and verifies only the index")
        .default("false");
const FILES: Var = Var::list(
    "FILES",
    "Lists files to sign, such as charts, wheels and checksums. The signature of each is written to \
     `<file>.sigstore.json`.",
)
.unset("no files are signed")
.example("dist/app-1.2.3.tgz,dist/checksums.txt");
const BUNDLE_DIR: Var =
    Var::path("BUNDLE_DIR", "Sets the directory in which the signatures of FILES are written and looked for.")
        .unset("each signature is beside its file");

/// The images and files to sign or verify.
#[derive(Debug, Clone)]
pub(crate) struct Targets {
    pub(crate) images: Vec<Reference>,
    pub(crate) expected: Option<Digest>,
    pub(crate) recursive: bool,
    pub(crate) files: Vec<File>,
}

impl Targets {
    /// If the run `signs`, the bundles that it would replace are looked at.
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context, signs: bool) -> Targets {
        let mut images: Vec<Reference> = Vec::new();
        for text in images_named(vars, ctx) {
            match Reference::parse(&text) {
                Ok(reference) if !images.contains(&reference) => images.push(reference),
                Ok(_) => {}
                Err(error) => {
                    let example = "Example: ghcr.io/org/app:1.2";
                    let (shown, why) = (format!("{text:?}"), error.to_string());
                    let prefix = if why.starts_with(&shown) { String::new() } else { format!("{shown}: ") };
                    vars.problem(&IMAGE, with_advice(format!("{prefix}{why}{}", unexpanded(&text)), example));
                }
            }
        }
        let expected = vars.text(&EXPECTED_DIGEST).and_then(|text| match Digest::parse(text.trim()) {
            Ok(digest) => Some(digest),
            Err(error) => {
                vars.problem(&EXPECTED_DIGEST, format!("{text:?}: {error}. Set it to the digest that was pushed"));
                None
            }
        });
        if expected.is_some() && images.len() > 1 {
            vars.problem(
                &EXPECTED_DIGEST,
                "is for one image, but IMAGE lists several. Give each image with its digest instead",
            );
        }
        let files = files(vars, ctx, signs);
        Targets { images, expected, recursive: vars.flag(&RECURSIVE), files }
    }

    /// At least one image or file is required.
    pub(crate) fn require(vars: &mut Vars) {
        if ![&IMAGE, &DOCKER_REPOSITORY, &FILES].into_iter().any(|var| vars.is_set(var)) {
            vars.require(&IMAGE);
        }
    }

    /// Whether the run names files and no image.
    pub(crate) fn only_files(vars: &mut Vars) -> bool {
        vars.is_set(&FILES) && ![&IMAGE, &DOCKER_REPOSITORY].into_iter().any(|var| vars.is_set(var))
    }

    /// The registries of the images, each once.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self.images.iter().map(|image| image.repository.registry.clone()).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    }
}

fn images_named(vars: &mut Vars, ctx: &Context) -> Vec<String> {
    let named = vars.list(&IMAGE);
    let repository = vars.text(&DOCKER_REPOSITORY);
    let registry = vars.text(&DOCKER_REGISTRY);
    let tag = vars.text(&IMAGE_TAG);
    if !named.is_empty() {
        return named;
    }
    let Some(repository) = repository else { return Vec::new() };
    let commit = ctx.ci.commit.as_ref().map(|commit| commit.chars().take(7).collect());
    let Some(tag) = tag.or(commit) else {
        vars.problem(&IMAGE_TAG, "required with DOCKER_REPOSITORY, since the commit is unknown");
        return Vec::new();
    };
    let place = match registry {
        Some(registry) => format!("{}/{repository}", registry.trim_end_matches('/')),
        None => repository,
    };
    vec![if tag.starts_with("sha256:") { format!("{place}@{tag}") } else { format!("{place}:{tag}") }]
}

/// A hint at the most common mistake: `$TAG` in a list that no shell read.
fn unexpanded(text: &str) -> &'static str {
    if text.contains('$') { ". Set the variable in it, which was not expanded" } else { "" }
}

fn files(vars: &mut Vars, ctx: &Context, signs: bool) -> Vec<File> {
    let dir = vars.path(&BUNDLE_DIR).map(|dir| ctx.workspace.dir.join(dir));
    let mut files = Vec::new();
    for name in vars.paths(&FILES) {
        let path = ctx.workspace.dir.join(&name);
        let Some(last) = path.file_name().map(|last| last.to_string_lossy().into_owned()) else {
            vars.problem(&FILES, format!("{name:?}: expected the name of a file"));
            continue;
        };
        if let Err(why) = readable(&path) {
            let pattern = name.contains(['*', '?']) && !path.exists();
            let why = if pattern { "patterns are not expanded. Name each file" } else { why.as_str() };
            vars.problem(&FILES, format!("{name:?}: {why}"));
            continue;
        }
        let bundle = dir.clone().or_else(|| path.parent().map(PathBuf::from)).unwrap_or_default();
        let file = File { name, bundle: bundle.join(format!("{last}.sigstore.json")), path };
        if files.iter().any(|known: &File| known.bundle == file.bundle) {
            vars.problem(
                &FILES,
                format!(
                    "{:?}: another file already has the bundle {}. Unset BUNDLE_DIR, or rename one of the files",
                    file.name,
                    file.bundle.display()
                ),
            );
            continue;
        }
        if signs && file.bundle.exists() && !is_bundle(&file.bundle) {
            let bundle = file.bundle.display();
            vars.problem(
                &FILES,
                format!("{bundle} exists and is not a Sigstore bundle. Move it away, or set BUNDLE_DIR"),
            );
        }
        files.push(file);
    }
    files
}
