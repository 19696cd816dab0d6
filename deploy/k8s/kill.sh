#!/usr/bin/env bash
# Sets, lists or clears a local override in every pod of a selector whose sidecar runs, by `kubectl exec`:
# whoever may exec into the pods may do it, and nobody else.
#
#   kill.sh -l app.kubernetes.io/name=shop -n shop set enable_new_pricing_page off --for 1h --why "INC-4711"
#   kill.sh -l app.kubernetes.io/name=shop -n shop list
#   kill.sh -l app.kubernetes.io/name=shop -n shop clear enable_new_pricing_page
#
# The options are kubectl's; --timeout is how many seconds one pod may take (20). What follows them goes to
# `flagstaff override` as it is. Pods that start later do not have the override: change the flag file too. Pods
# whose sidecar does not run are named as skipped. Exit code 1 if it failed in any other, or there is none.
set -euo pipefail

usage() {
    echo "usage: ${0##*/} -l SELECTOR [-n NAMESPACE] [--context CONTEXT] [--timeout SECONDS] set|list|clear ..." >&2
    exit 2
}

selector=
seconds=20
kubectl=(kubectl)
while [ $# -gt 1 ]; do
    case $1 in
    -l | --selector) selector=$2 ;;
    -n | --namespace) kubectl+=(--namespace "$2") ;;
    --context) kubectl+=(--context "$2") ;;
    --timeout) seconds=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ -n "$selector" ] || usage
case ${1-} in set | list | clear) ;; *) usage ;; esac

# Each pod, and since when its sidecar runs. A pod in which it alone runs, and waits for good flags, is Pending.
runs='[?(@.name=="flagstaff")].state.running.startedAt'
line="{\"pod/\"}{.metadata.name}{\" \"}{.status.initContainerStatuses$runs}{.status.containerStatuses$runs}{\"\\n\"}"
found=$("${kubectl[@]}" get pods --selector "$selector" \
    --field-selector 'status.phase!=Succeeded,status.phase!=Failed' \
    --output "jsonpath={range .items[*]}$line{end}")
pods=()
skipped=0
while read -r pod since; do
    if [ -n "$since" ]; then
        pods+=("$pod")
    elif [ -n "$pod" ]; then
        echo "$pod: skipped, its container flagstaff does not run"
        skipped=$((skipped + 1))
    fi
done <<<"$found"
if [ ${#pods[@]} -eq 0 ]; then
    echo "no running sidecar has $selector" >&2
    exit 1
fi

# A pod on a node that is gone would hold up all others. Not every system has the program.
exec=("${kubectl[@]}" exec)
if command -v timeout >/dev/null; then
    exec=(timeout "$seconds" "${exec[@]}")
fi

# Prints what one pod says, each line with the pod's name.
override() {
    local pod=$1 said status=0
    shift
    said=$("${exec[@]}" "$pod" --container flagstaff -- /flagstaff override "$@" 2>&1 </dev/null) || status=$?
    if [ "$status" -eq 124 ]; then
        said+="${said:+$'\n'}no answer within $seconds s"
    elif [ "$status" -ne 0 ] && [ -z "$said" ]; then
        said="failed with exit code $status"
    fi
    while IFS= read -r line; do
        echo "$pod: $line"
    done <<<"$said"
    return "$status"
}

# Sixteen at a time: one after the other takes too long for a fleet, all at once is hard on the API server.
failed=0
at=0
while [ "$at" -lt ${#pods[@]} ]; do
    running=()
    for pod in "${pods[@]:at:16}"; do
        override "$pod" "$@" &
        running+=($!)
    done
    for job in "${running[@]}"; do
        wait "$job" || failed=$((failed + 1))
    done
    at=$((at + 16))
done
told="$((${#pods[@]} - failed)) of ${#pods[@]} pods"
[ "$skipped" -eq 0 ] || told+=", $skipped skipped"
echo "$told"
[ "$failed" -eq 0 ]
