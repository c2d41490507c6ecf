#!/usr/bin/env bash
# Shows the whole pipeline on the sample company of examples/: starts `deltadrop dev` on a free port with a temporary
# DATA_DIR, uploads each version, shows the results, and stops the server.
#
#   tools/demo.sh PROGRAM
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=$1

work=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap finish EXIT

title() { printf '\n\033[1m== %s\033[0m\n' "$1"; }
get() { curl --silent --show-error --fail-with-body "$base$1"; }
fail() {
  echo "demo: $1" >&2
  cat "$work/log" >&2
  exit 1
}

title "Start: deltadrop dev, all state in a temporary folder"
mkfifo "$work/greeting"
env -u PARQUET_DIR DATA_DIR="$work/data" LISTEN=127.0.0.1:0 "$program" dev >"$work/greeting" 2>"$work/log" &
server=$!
exec 3<"$work/greeting"
IFS= read -r first_line <&3 || fail "the server did not start"
base=${first_line##* }
echo "$first_line"

for file in examples/so-financials/v*.csv; do
  title "Upload $file"
  answer=$(curl --silent --show-error --fail-with-body -F "file=@$file;filename=so-financials.csv" "$base/upload") ||
    fail "upload of $file: $answer"
  jq '{message, file_id, company_id, changes_detected, version, status, rows, inserted, updated, deleted, schema_changes}' <<<"$answer"
  upload_id=$(jq -r .upload_id <<<"$answer")
  state=$(get "/api/v1/uploads/$upload_id?wait=in_lake&timeout=30s")
  [ "$(jq -r .in_lake <<<"$state")" = true ] || fail "upload $upload_id did not reach the lake: $state"
done

title "The same file again: nothing changes, so a retry is safe"
curl --silent --show-error -F "file=@$file;filename=so-financials.csv" "$base/upload" | jq -c '{status, changes_detected, version}'

title "The events of the versions after the first"
get "/api/v1/events?company=so-financials&limit=1000" |
  jq -r '.events[] | select(.version > 1) | [.version, .event_type, .key_value,
         (if .event_type == "update" then ([.changed_columns[] as $c | "\($c): \(.old_values[$c]) -> \(.new_values[$c])"] | join("; ")) else "" end)] | @tsv' |
  column -t -s "$(printf '\t')"

key=$(get "/api/v1/events?company=so-financials&type=update&limit=1" | jq -r '.events[0].key_value')
title "One key's history: $key"
get "/api/v1/tables/so-financials/financials/records/$key/history" |
  jq -r '.history[] | "version \(.version)  \(.valid_from) to \(.valid_to // "now")  \(.event_type)  \(.changed_columns | join(", "))\n  \(.values | tojson)"'

first_version=$(get "/api/v1/tables/so-financials/financials/versions" | jq -r '.versions[0].effective_at')
title "Record $key as of version 1 ($first_version)"
get "/api/v1/tables/so-financials/financials/records?as_of=$first_version&limit=1000" |
  jq -c --arg key "$key" '.records[] | select(.key == $key) | .values'

title "Parquet files"
(cd "$work/data/parquet" && find . -name '*.parquet' -printf '%P\t%s bytes\n' | sort | column -t -s "$(printf '\t')")

title "Archive: every version byte for byte, each with its manifest"
(cd "$work/data/archive" && find . -type f | sort)

title "Stop: everything is flushed"
kill "$server"
wait "$server" || fail "the server did not exit with 0"
server=
echo "done"

cat <<END

To keep a server running:

    $program dev
    curl -F file=@examples/so-financials/v1.csv -F company_id=so-financials http://127.0.0.1:8000/upload
END
