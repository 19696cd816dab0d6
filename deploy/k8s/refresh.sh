#!/usr/bin/env bash
# Has the kubelet look at the ConfigMaps of every running pod of a selector at once, instead of within a minute or
# two: it does so whenever a pod changes, and an annotation is a change that restarts nothing.
#
#   refresh.sh -l app.kubernetes.io/name=shop -n shop
set -euo pipefail

usage() {
    echo "usage: ${0##*/} -l SELECTOR [-n NAMESPACE] [-c CONTEXT]" >&2
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
[ -n "$selector" ] && [ $# -eq 0 ] || usage

said=$("${kubectl[@]}" annotate pods --selector "$selector" --field-selector status.phase=Running \
    --overwrite "flagstaff-refreshed=$(date -u +%Y-%m-%dT%H:%M:%SZ)")
if [ -z "$said" ]; then
    echo "no running pod has $selector" >&2
    exit 1
fi
echo "$said"
