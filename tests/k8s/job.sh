#!/bin/sh
# What the node does: a cluster, `vigil run` from before the first pod, two pods, and every way into them. Each program
# bears a word mark=WHO, by which check.go knows what is to be found. Leaves in /job/out the trail and what the cluster says.
exec 2>&1
out=/job/out
export KUBECONFIG=/k8s/run/kubeconfig PATH="$PATH:/k8s/bin"
up() { echo "== $1, $(cut -d ' ' -f 1 /proc/uptime) s after boot"; }

mkdir -p /job/audit/rules.d /job/audit/log /job/state /job/run
cat >/job/audit/auditd.conf <<C
log_file = /job/audit/log/audit.log
log_format = ENRICHED
max_log_file = 500
C
printf '%s\n' '-b 65536' '-a always,exit -F arch=b64 -S execve,execveat -k exec' >/job/audit/rules.d/exec.rules
cat >/job/vigil.yaml <<C
attribution: {bpf: require, fields: [container, names, detail, labels, exec, login, unit, process, script, parents, parent_args, cgroup], labels: ["*"]}
C
/job/vigil run --config /job/vigil.yaml --output none --audit-dir /job/audit --state-dir /job/state --run-dir /job/run >$out/vigil.log 2>&1 &
vigil=$!
up "vigil runs"
sh /job/cluster.sh || { cp /k8s/run/*.log $out/; exit 1; }
up "node is ready"

# pod NAMESPACE NAME LIVENESSPROBE
pod() {
	kubectl create namespace "$1" >/dev/null
	kubectl apply --validate=false -f - <<P
apiVersion: v1
kind: Pod
metadata: {name: $2, namespace: $1, labels: {app: $2}}
spec:
  nodeName: node1
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: localhost/shell:1
    imagePullPolicy: Never
    command: [/bin/sh, -c, "while true; do /bin/true mark=$2-main; sleep 0.2; done"]
    $3
  - name: side
    image: localhost/shell:1
    imagePullPolicy: Never
    command: [/bin/sh, -c, "while true; do /bin/true mark=$2-side; sleep 0.5; done"]
P
}
pod demo one ''
pod prod two 'livenessProbe: {exec: {command: [/bin/true, mark=two-probe]}, periodSeconds: 2}'
until [ "$(kubectl get pods -A --no-headers 2>/dev/null | grep -c '2/2.*Running')" = 2 ]; do sleep 1; done
up "pods run"

kubectl exec -n demo one -c main -- /bin/sh -c '/bin/true mark=exec-plain; (/bin/sh -c "/bin/true mark=exec-plain-child; true"); sleep 1; /bin/true mark=exec-plain-end'
script -qec "kubectl exec -it -n prod two -c side -- /bin/sh -c '/bin/true mark=exec-tty; /bin/sh -c \"/bin/true mark=exec-tty-child; true\"; /bin/true mark=exec-tty-end'" /dev/null
# Two at once, in one container.
kubectl exec -n demo one -c side -- /bin/sh -c '/bin/true mark=exec-a; sleep 3; /bin/true mark=exec-a-end' &
first=$!
kubectl exec -n demo one -c side -- /bin/sh -c '/bin/true mark=exec-b; sleep 3; /bin/true mark=exec-b-end'
wait $first
up "four kubectl exec"
kubectl debug -n demo one --image=localhost/shell:1 --image-pull-policy=Never --profile=general -c dbg --attach=false -- \
	/bin/sh -c '/bin/true mark=debug; sleep 2; /bin/true mark=debug-end; sleep 5'
until kubectl get pod -n demo one -o jsonpath='{.status.ephemeralContainerStatuses[0].state}' | grep -q running; do sleep 0.5; done
sleep 6
up "kubectl debug"
/bin/true mark=node
kubectl get pods -A -o json >$out/pods.json
/job/vigil status --run-dir /job/run --json >$out/status.json || /job/vigil status --run-dir /job/run
kill $vigil
wait $vigil
echo "vigil ended with $?"
cp /job/audit/log/audit.log $out/ || ls -R /job/audit
cp /k8s/run/*.log $out/
tail -n 5 $out/vigil.log
up "done"
