#!/bin/sh
# Brings what an environment runs of one config to a folder, with nothing but git and a POSIX shell.
#
#   deploy.sh URL ENVIRONMENT CONFIG FOLDER
#
# Follows the branch llmops/env/ENVIRONMENT of the repository at URL and writes FOLDER/CONFIG.json, the bundle that an
# application renders its prompts from, and FOLDER/CONFIG.conf, the record of what it is. Run it from cron, a systemd timer or
# a pipeline: a second run without a new deployment changes nothing. Each file appears whole or not at all.
#
# It refuses, and leaves FOLDER as it was, when the release tag is not the object that was deployed (a moved tag), or when the
# bundle is not the one that was recorded. With LLMOPS_ALLOWED_SIGNERS=FILE (the format of ssh-keygen) it also refuses when the
# tag or the newest deployment is not signed by a key in FILE; that needs ssh-keygen.
#
# Exit code: 0 FOLDER is up to date, 1 refused, 2 wrong usage, 3 the repository could not be read or runs nothing.
set -eu

LC_ALL=C
GIT_TERMINAL_PROMPT=0
export LC_ALL GIT_TERMINAL_PROMPT
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_NAMESPACE

stop() {
  code=$1
  shift
  printf '%s\n' "deploy.sh: $*" >&2
  exit "$code"
}

require_name() { # only what llmops-git itself accepts as a name: nothing here needs quoting or can leave its folder
  case $2 in
    '' | -* | *[!a-z0-9-]*) stop 2 "\`$2\` is not a name for $1" ;;
  esac
}

require_hex() {
  case $2 in
    '' | *[!0-9a-f]*) stop 1 "the record of $config has no $1" ;;
  esac
}

[ $# -eq 4 ] || stop 2 'usage: deploy.sh URL ENVIRONMENT CONFIG FOLDER'
url=$1
environment=$2
config=$3
folder=$4
require_name 'an environment' "$environment"
require_name 'a config' "$config"

store=$folder/.llmops-git
branch=refs/deploy/$environment
mkdir -p "$folder"
[ -d "$store" ] || git init -q --bare "$store"

in_store() { git --git-dir="$store" "$@"; }

fetch() { # exactly one ref, one commit deep; what it was before does not matter, what it is now is checked below
  in_store fetch -q --no-tags --no-write-fetch-head --depth=1 -- "$url" "+$1:$2" ||
    stop 3 "$1 cannot be fetched from $url"
}

record() { in_store config --blob "$branch:$config.conf" --get "running.$1" 2>/dev/null || :; }

fetch "refs/heads/llmops/env/$environment" "$branch"
release=$(record release)
tag_object=$(record tag-object)
commit=$(record commit)
bundle=$(record bundle)
[ -n "$release" ] || stop 3 "$config does not run in $environment"
case $release in
  "llmops/$config/v"*[!0-9.]*) stop 1 "$release is not a release of $config" ;;
  "llmops/$config/v"[0-9]*) ;;
  *) stop 1 "$release is not a release of $config" ;;
esac
require_hex 'tag object' "$tag_object"
require_hex commit "$commit"
require_hex bundle "$bundle"

fetch "refs/tags/$release" "refs/tags/$release"
actual=$(in_store rev-parse --verify -q "refs/tags/$release")
[ "$actual" = "$tag_object" ] ||
  stop 1 "refused: the tag $release was moved: $tag_object was deployed to $environment, $actual is there now"
[ "$(in_store rev-parse --verify -q "refs/tags/$release^{commit}")" = "$commit" ] ||
  stop 1 "refused: $release is not on commit $commit"
[ "$(in_store rev-parse --verify -q "$branch:$config.json" || :)" = "$bundle" ] ||
  stop 1 "refused: $config.json in $environment is not the bundle that was deployed with $release"

signed() { # what, object: only the keys in the file count, never a keyring of this machine
  in_store -c "gpg.ssh.allowedSignersFile=$signers" -c gpg.minTrustLevel=undefined -c gpg.program=false \
    -c gpg.openpgp.program=false -c gpg.x509.program=false "verify-$1" "$2" >/dev/null 2>&1
}

signers=${LLMOPS_ALLOWED_SIGNERS:-}
if [ -n "$signers" ]; then
  [ -f "$signers" ] || stop 2 "LLMOPS_ALLOWED_SIGNERS: there is no file $signers"
  [ "$(in_store for-each-ref --format='%(tag)' "refs/tags/$release")" = "$release" ] ||
    stop 1 "refused: the tag $release holds the object of another release"
  signed tag "$tag_object" || stop 1 "refused: $release is not signed by a key in $signers"
  signed commit "$branch" || stop 1 "refused: the newest deployment to $environment is not signed by a key in $signers"
fi

place() { # object, file: whole or not at all
  in_store cat-file blob "$1" >"$folder/.$2.$$"
  mv -f "$folder/.$2.$$" "$folder/$2"
}

trap 'rm -f "$folder/.$config.json.$$" "$folder/.$config.conf.$$"' EXIT
trap 'exit 130' INT TERM HUP

conf=$(in_store rev-parse --verify -q "$branch:$config.conf")
same() { [ -f "$folder/$2" ] && [ "$(in_store hash-object --no-filters "$folder/$2")" = "$1" ]; }
if same "$bundle" "$config.json" && same "$conf" "$config.conf"; then
  printf '%s\n' "unchanged: $release runs in $environment"
  exit 0
fi
place "$bundle" "$config.json"
place "$conf" "$config.conf"
printf '%s\n' "deployed: $release runs in $environment"
