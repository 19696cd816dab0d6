#!/usr/bin/env bash
# Sets, lists or clears a local override in every running pod of a selector, by `kubectl exec`: whoever may
# exec into the pods may do it, and nobody else.
#
#   kill.sh -l app.kubernetes.io/name=shop -n shop set enable_new_pricing_page off --for 1h --why "INC-4711"
#   kill.sh -l app.kubernetes.io/name=shop -n shop list
#   kill.sh -l app.kubernetes.io/name=shop -n shop clear enable_new_pricing_page
#
# What follows the options goes to `flagstaff override` as it is. Pods that start later do not have the
# override: change the flag file too. Exit code 1 if it failed in any pod, or there is none.
set -euo pipefail

usage() {
    echo "usage: ${0##*/} -l SELECTOR [-n NAMESPACE] [-c CONTEXT] set|list|clear ..." >&2
    exit 2
}

selector=
kubectl=(kubectl)
while getopts l:n:c: option; do
    case $option in
    l) selector=$OPTARG ;;
    n) kubectl+=(--namespace "$OPTARG") ;;
    c) kubectl+=(--context "$OPTARG") ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$selector" ] || usage
case ${1-} in set | list | clear) ;; *) usage ;; esac

pods=()
found=$("${kubectl[@]}" get pods --selector "$selector" --field-selector status.phase=Running --output name)
while read -r pod; do
    [ -z "$pod" ] || pods+=("$pod")
done <<<"$found"
if [ ${#pods[@]} -eq 0 ]; then
    echo "no running pod has $selector" >&2
    exit 1
fi

# Prints what one pod says, each line with the pod's name.
override() {
    local pod=$1 said status=0
    shift
    said=$("${kubectl[@]}" exec "$pod" --container flagstaff -- /flagstaff override "$@" 2>&1 </dev/null) || status=$?
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
echo "$((${#pods[@]} - failed)) of ${#pods[@]} pods"
[ "$failed" -eq 0 ]
