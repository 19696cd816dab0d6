#!/usr/bin/env bash
# Has the kubelet look at the ConfigMaps of every pod of a selector at once, instead of within a minute or two:
# it does so whenever a pod changes, and an annotation is a change that restarts nothing.
#
#   refresh.sh -l app.kubernetes.io/name=shop -n shop
#
# The options are kubectl's. Exit code 1 if a pod could not be annotated, or there is none.
set -euo pipefail

usage() {
    echo "usage: ${0##*/} -l SELECTOR [-n NAMESPACE] [--context CONTEXT]" >&2
    exit 2
}

selector=
kubectl=(kubectl)
while [ $# -gt 1 ]; do
    case $1 in
    -l | --selector) selector=$2 ;;
    -n | --namespace) kubectl+=(--namespace "$2") ;;
    --context) kubectl+=(--context "$2") ;;
    *) usage ;;
    esac
    shift 2
done
[ -n "$selector" ] && [ $# -eq 0 ] || usage

# Not only those that run: a pod that still waits for good flags is Pending.
status=0
said=$("${kubectl[@]}" annotate pods --selector "$selector" \
    --field-selector 'status.phase!=Succeeded,status.phase!=Failed' \
    --overwrite "flagstaff-refreshed=$(date -u +%Y-%m-%dT%H:%M:%SZ)") || status=1
if [ -n "$said" ]; then
    echo "$said"
elif [ "$status" -eq 0 ]; then
    echo "no pod that has not ended has $selector" >&2
    status=1
fi
exit "$status"
