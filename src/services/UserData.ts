import type { Value } from "./Stack.ts"

/**
 * What a script that fetches a service's one file needs to know. Values are texts, or what CloudFormation puts in their
 * place.
 *
 * @category models
 * @since 1.1.0
 */
export interface Artefact {
  readonly bucket: Value
  readonly key: Value
  readonly sha256: Value
  readonly region: Value
}

/**
 * What the boot script of a machine needs to know.
 *
 * **Details**
 *
 * `nodePackage` is installed where there is no Node; empty: nothing is. `stack` and `resource` are whom CloudFormation
 * awaits a signal for; empty: nobody. `settle` is how many seconds lie between ready and the signal. `flags` are given to
 * `init`, and by it to `serve`.
 *
 * @category models
 * @since 1.1.0
 */
export interface Boot extends Artefact {
  readonly service: string
  readonly nodePackage: Value
  readonly stack: Value
  readonly resource: Value
  readonly settle: number
  readonly flags: ReadonlyArray<string>
}

/**
 * What each value may look like: nothing that a shell would read as more than a word. Parameters of the template and
 * flags of the command are held to it.
 *
 * @category constants
 * @since 1.1.0
 */
export const patterns = {
  bucket: "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
  key: "^[A-Za-z0-9][A-Za-z0-9!_.*()/+-]{0,1022}$",
  sha256: "^[0-9a-f]{64}$",
  region: "^$|^[a-z]{2}(-[a-z0-9]+)+$",
  nodePackage: "^$|^[a-z0-9][a-z0-9._+-]*$",
  stack: "^$|^[A-Za-z][A-Za-z0-9-]{0,127}$",
  resource: "^$|^[A-Za-z0-9]{1,255}$"
}

/**
 * The boot script of a machine, in pieces that joined are its text: fetches the one file, checks it, puts it in its
 * place, runs its `init`, and tells CloudFormation how that went.
 *
 * @category rendering
 * @since 1.1.0
 */
export const boot = (options: Boot): ReadonlyArray<Value> => {
  const { bucket, flags, key, nodePackage, region, resource, service, settle, sha256, stack } = options
  return [
    `#!/bin/bash\n# Boots ${service}: fetches its one file, checks it, and runs its init.\nset -euo pipefail\n\n`,
    ...assignments({ service, bucket, key, sha256, region, node_package: nodePackage, stack, resource, settle }),
    `flags=(${flags.map(quoted).join(" ")})\n`,
    bootBody
  ]
}

/**
 * The script that fetches the one file into the directory `/app` of a task, in pieces that joined are its text.
 *
 * @category rendering
 * @since 1.1.0
 */
export const fetch = ({ bucket, key, region, sha256, service }: Artefact & { readonly service: string }) => [
  "set -euo pipefail\n",
  ...assignments({ service, bucket, key, sha256, region }),
  `${common}\ntrap 'rm -f "\${part-}"' EXIT\nget /app\n`
]

/**
 * Joins pieces that are all texts.
 *
 * @category rendering
 * @since 1.1.0
 */
export const text = (pieces: ReadonlyArray<Value>): string => pieces.map(String).join("")

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

const assignments = (values: Readonly<Record<string, Value>>): ReadonlyArray<Value> =>
  Object.entries(values).flatMap(([name, value]): ReadonlyArray<Value> =>
    typeof value === "object" ? [`${name}='`, value, "'\n"] : [`${name}=${quoted(String(value))}\n`]
  )

// Delays double from one second on, each with up to as much again: a fleet that boots together must not ask together.
const common = `
say() { echo "$(date -u +%FT%TZ) $service: $*"; }

retry() {
  local attempt=1 delay=1
  until "$@"; do
    if [ "$attempt" -ge 6 ]; then
      say "gave up after $attempt attempts: $*"
      return 1
    fi
    say "attempt $attempt failed, again in about \${delay}s: $*"
    sleep $((delay + RANDOM % (delay + 1)))
    attempt=$((attempt + 1)) delay=$((delay * 2))
  done
}

fetch() {
  aws s3 cp --only-show-errors --cli-connect-timeout 5 --cli-read-timeout 60 "s3://$bucket/$key" "$part"
}

# What is not the file that was built never gets its name, and never runs.
get() {
  command -v aws >/dev/null || { say "the AWS CLI is not here; use an image that has it"; return 1; }
  mkdir -p "$1"
  part=$(mktemp "$1/.main.js.XXXXXX")
  [ -z "$region" ] || export AWS_DEFAULT_REGION="$region"
  retry fetch
  if ! echo "$sha256  $part" | sha256sum --check --status -; then
    say "s3://$bucket/$key is not the file that was built: its SHA-256 is not $sha256"
    return 1
  fi
  chmod 0755 "$part"
  mv -f "$part" "$1/main.js"
}
`

const bootBody = `${common}
signal() {
  local status=$?
  trap - EXIT
  rm -f "\${part-}"
  if [ "$status" -eq 0 ]; then say "ready"; else say "failed with status $status"; fi
  if [ -n "$stack" ]; then
    retry /opt/aws/bin/cfn-signal --exit-code "$status" --reason "$service: status $status, see the console output" \\
      --stack "$stack" --resource "$resource" \${region:+--region "$region"} || true
  fi
  exit "$status"
}
trap signal EXIT

main() {
  if [ -n "$node_package" ] && ! command -v node >/dev/null; then
    retry dnf install --assumeyes --quiet "$node_package"
  fi
  get "/opt/$service"
  "/opt/$service/main.js" init "\${flags[@]}"
  # The balancer needs this long to see that it is ready: the next instance must not be taken away before.
  [ -z "$stack" ] || sleep "$settle"
}

main
`
