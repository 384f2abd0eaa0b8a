"""Files that are all about one tool, and what of that tool says whether they are right: a Dockerfile and its build."""

import re
from collections.abc import Sequence

# paths of a kind, and below it, indented, the commands
TABLE = r"""
(?:^|/)(?:[\w.-]+\.)?(?:Dockerfile|Containerfile)[\w.-]*$|(?:^|/)\.dockerignore$
    (?:docker|podman)\b.*\bbuild|buildah|hadolint
compose[\w.-]*\.ya?ml$|\.env[\w.]*$
    (?:docker|podman)(?:-compose|\s+compose)\b.*\b(?:up|config|run|build)\b
(?:^|/)\.github/|\.gitlab-ci\.yml$|(?:^|/)\.circleci/
    actionlint|glab\s+ci|gh\s+run\s+watch|gitlab-ci|act\b|circleci
\.(?:tf|tfvars|hcl)$
    (?:terraform|tofu|terragrunt)\b.*\b(?:validate|plan|apply)|tflint
(?:^|/)(?:k8s|kubernetes|manifests?|charts?|helm|deploy\w*|overlays|base|templates)/.*\.(?:ya?ml|tpl)$
    kubectl|oc\s|helm|kubeconform|kustomize
(?:^|/)(?:playbooks?|roles|tasks|inventory)/.*\.ya?ml$|playbook\w*\.ya?ml$|site\.yml$
    ansible
\.(?:md|mdx|rst|adoc|qmd)$|mkdocs\.yml$|(?:^|/)docs/conf\.py$
    mkdocs|sphinx|mdbook|hugo|jekyll|docusaurus|vale|markdownlint|quarto|astro|antora
nginx[\w./-]*\.conf$|sites-\w+/
    nginx
\.sql$|(?:^|/)migrations?/
    psql|mysql|sqlite3|sqlfluff|dbt|alembic|flyway|migrate
\.proto$|buf[\w.]*\.ya?ml$
    protoc|buf\b
\.(?:tex|bib)$
    latexmk|pdflatex|xelatex|tectonic
\.(?:service|timer|socket)$
    systemd-analyze
rules?[\w.-]*\.ya?ml$|prometheus\w*\.ya?ml$|alert\w*\.ya?ml$
    promtool|amtool
\.nix$
    nix\b
\.ipynb$
    nbconvert|papermill|nbval|nbmake
(?:^|/)(?:package(?:-lock)?\.json|pnpm-lock\.yaml|yarn\.lock|tsconfig[\w.]*\.json|(?:vite|webpack|next)\.config\.\w+)$
    (?:npm|pnpm|yarn|npx)\b.*\bbuild|vite\s+build|webpack|tsc\b
(?:^|/)(?:CMakeLists\.txt|meson\.build|[\w.]+\.cmake)$
    cmake\s+--build|ninja|meson\s+compile|make\b
"""
ROWS = TABLE.strip().split("\n")
KINDS = [
    (re.compile(paths), re.compile(commands.strip())) for paths, commands in zip(ROWS[::2], ROWS[1::2], strict=True)
]


def about(command: str, paths: Sequence[str]) -> bool:
    """Whether all of some files are of a kind that the command is all about."""
    if paths and all(path.endswith((".sh", ".bash")) and path.rsplit("/", 1)[-1] in command for path in paths):
        return True
    return bool(paths) and all(
        any(kind.search(path) and checks.search(command) for kind, checks in KINDS) for path in paths
    )
