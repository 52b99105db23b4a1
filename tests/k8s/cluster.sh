#!/bin/sh
# Brings up a Kubernetes of one node in this machine, which must be one of its own: etcd, kube-apiserver, containerd and
# kubelet, with cgroups of version 2 under systemd. Returns when the node is ready; leaves /k8s/run/kubeconfig.
set -eu
run=/k8s/run
address=192.0.2.2
mkdir -p $run/cni
cd $run
modprobe overlay
ip link set lo up
ip link add eth0 type dummy && ip addr add $address/24 dev eth0 && ip link set eth0 up && ip route add default dev eth0

openssl genrsa -out sa.key 2048 2>/dev/null
echo 'admin,admin,1,"system:masters"' >tokens
cat >kubeconfig <<K
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: admin}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
K
/k8s/bin/etcd --data-dir $run/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
	--listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync >etcd.log 2>&1 &
/k8s/bin/kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 --bind-address=127.0.0.1 \
	--advertise-address=$address --cert-dir=$run/tls --token-auth-file=tokens --authorization-mode=AlwaysAllow \
	--service-account-issuer=https://kubernetes.default.svc --service-account-key-file=sa.key \
	--service-account-signing-key-file=sa.key --service-cluster-ip-range=10.96.0.0/16 --endpoint-reconciler-type=none \
	--disable-admission-plugins=ServiceAccount --kubelet-preferred-address-types=InternalIP --allow-privileged=true \
	--v=1 >apiserver.log 2>&1 &

cat >cni/10-pods.conflist <<K
{"cniVersion":"0.4.0","name":"pods","plugins":[{"type":"ptp","ipam":{"type":"host-local","dataDir":"$run/ipam",
"ranges":[[{"subnet":"10.88.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}
K
cat >containerd.toml <<K
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
K
# As on a real node, the runtime and the kubelet are services.
systemd-run -q --unit=containerd-node containerd --config $run/containerd.toml
until ctr version >/dev/null 2>&1; do systemctl is-failed -q containerd-node && exit 1; sleep 0.2; done
for image in pause shell; do ctr -n k8s.io images import /k8s/$image.tar >/dev/null; done
cat >kubelet.yaml <<K
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: systemd
failSwapOn: false
clusterDomain: cluster.local
evictionHard: {memory.available: "50Mi", nodefs.available: "1%", imagefs.available: "1%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
K
until curl -sk -H 'Authorization: Bearer admin' https://127.0.0.1:6443/readyz 2>/dev/null | grep -qx ok; do sleep 0.3; done
systemd-run -q --unit=kubelet -p StandardError=file:$run/kubelet.log /k8s/bin/kubelet --config $run/kubelet.yaml \
	--kubeconfig $run/kubeconfig --hostname-override=node1 --node-ip=$address --root-dir=/var/lib/kubelet --v=2
until /k8s/bin/kubectl --kubeconfig $run/kubeconfig get nodes 2>/dev/null | grep -qw Ready; do sleep 1; done
