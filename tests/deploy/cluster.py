"""A real Kubernetes for tests: an API server that judges manifests, or a whole node that runs them.

The programs come from `tests/tools/kubernetes.sh`. The control plane is child processes on free ports of loopback. The
node lives in namespaces of its own (processes, mounts, network): ending the first process ends everything in it, and
nothing of it shows outside but its control groups, which are removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.data import CRDS
from tests.deploy.images import archive, layer
from tests.required import absent

TOOLS = Path(os.environ.get("ADVISOR_TOOLS", Path.home() / ".cache" / "advisor-tools")) / "kubernetes"
TOKEN, NODE, PAUSE = "judge", "node", "advisor-tests/pause:1"
PATH = f"{TOOLS}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
JUDGE = ("etcd", "kube-apiserver", "kubectl", "kustomize")
WHOLE = (*JUDGE, "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "containerd", "runc", "pause")
POD_NETWORK = "10.88.0.0/16"
# Folders whose place is fixed: in the node's mounts something of its own lies over them.
COVERED = ("/var/lib/cni", "/run/netns", "/var/log/pods", "/var/log/containers", "/var/lib/kubelet")


def program(name: str) -> str:
    """A program of tests/tools/kubernetes.sh; skips where it is absent, unless ADVISOR_REQUIRE_TOOLS=1."""
    found = TOOLS / "bin" / name
    if not found.exists():
        absent(f"{name} is not in {TOOLS}: tests/tools/kubernetes.sh builds it", "TOOLS")
    return str(found)


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Cluster:
    """The control plane: etcd and API server, with `kubectl` and `kustomize` as a person has them."""

    def __init__(self, folder: Path, prefix: Sequence[str] = ()) -> None:
        """`prefix` goes before every command: the way into a node's namespaces."""
        self.folder, self.prefix = folder, tuple(prefix)
        self.etcd, self.peer, self.port = free_port(), free_port(), free_port()
        self.config = folder / "kubeconfig"
        self.children: list[tuple[str, subprocess.Popen[bytes], IO[bytes]]] = []
        self.keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until the API server is ready and has the custom resources."""
        for name in JUDGE:
            program(name)
        (self.folder / "tokens").write_text(f'{TOKEN},admin,1,"system:masters"\n')
        key = str(self.folder / "accounts.key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        client, peer = f"http://127.0.0.1:{self.etcd}", f"http://127.0.0.1:{self.peer}"
        self.spawn(
            "etcd", "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync", "--listen-client-urls", client,
            "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}",
        )  # fmt: skip
        self.spawn(
            "kube-apiserver", f"--etcd-servers={client}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder / 'certificates'}", f"--token-auth-file={self.folder / 'tokens'}",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            "--service-account-issuer=https://advisor.test", "--authorization-mode=RBAC", "--allow-privileged",
            "--service-cluster-ip-range=10.96.0.0/16", "--profiling=false",
        )  # fmt: skip
        self.write_config()
        self.wait("the API server", lambda: self.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 180)
        self.install(sorted(CRDS.glob("*.json")), sorted(TOOLS.glob("crds/*/*.yaml")))

    def write_config(self) -> None:
        """A kubeconfig of the administrator."""
        server = {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}
        text = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": server}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        }
        self.config.write_text(json.dumps(text))

    def install(self, *groups: Sequence[Path]) -> None:
        """Custom resources, and until the server knows them."""
        for path in (path for group in groups for path in group):
            self.kubectl("apply", "--server-side", "-f", str(path))
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    def spawn(self, name: str, *arguments: str) -> None:
        """One program with its log in the folder."""
        log = (self.folder / f"{name}.log").open("wb")
        child = subprocess.Popen(
            [*self.prefix, program(name), *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": PATH, "HOME": str(self.folder)},
        )
        self.children.append((name, child, log))

    def command(self, name: str) -> list[str]:
        """A program's command line in this cluster."""
        return [*self.prefix, program(name)]

    def kubectl(
        self, *arguments: str, given: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """`kubectl ARGUMENTS` as the administrator."""
        done = subprocess.run(
            [*self.command("kubectl"), f"--kubeconfig={self.config}", *arguments],
            input=given, capture_output=True, text=True, check=False, timeout=timeout,
            env={"PATH": PATH, "HOME": str(self.folder)},
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done

    def get(self, *arguments: str) -> Any:
        """Objects as the server has them."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").stdout)

    def dry_run(self, manifests: str) -> subprocess.CompletedProcess[str]:
        """The server's judgement: defaulting, validation and admission, without keeping anything."""
        return self.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", given=manifests, check=False)

    def wait(self, what: str, done: Any, patience_s: float) -> None:
        """Until `done()` is true; fails with the ends of all logs, and at once when a program has ended."""
        end = time.monotonic() + patience_s
        while not done():
            gone = [name for name, child, _ in self.children if child.poll() is not None]
            if gone or time.monotonic() > end:
                raise AssertionError(f"{what} is not there ({gone or 'time is up'})\n{self.logs()}")
            time.sleep(0.5)

    def logs(self, lines: int = 15) -> str:
        """The end of every log."""
        ends = [
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted(self.folder.glob("*.log"))
        ]
        return "\n".join(ends)

    def stop(self) -> None:
        """The last one started ends first; who does not end is killed."""
        for _, child, log in reversed(self.children):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
            log.close()
        self.children.clear()


def build(folder: Path) -> str:
    """What Kustomize makes of a folder."""
    done = subprocess.run([program("kustomize"), "build", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Node(Cluster):
    """The same with a node: controller manager, scheduler, containerd, kubelet and kube-proxy."""

    models: Path  # where a test keeps models that its pods read

    def start(self) -> None:
        """Until the node is ready."""
        for name in WHOLE:
            program(name)
        self.keeper = subprocess.Popen(  # the first process of the node's namespaces
            ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "sleep", "infinity"],
            start_new_session=True,
        )
        children = Path(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children")
        while not children.read_text().strip():
            time.sleep(0.05)
        self.prefix = ("nsenter", "--target", children.read_text().split()[0], "--mount", "--net", "--pid", "--")
        self.prepare()
        super().start()
        self.spawn(
            "kube-controller-manager", f"--kubeconfig={self.config}", "--leader-elect=false", "--bind-address=127.0.0.1",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
        )  # fmt: skip
        self.spawn("kube-scheduler", f"--kubeconfig={self.config}", "--leader-elect=false", "--bind-address=127.0.0.1")
        self.spawn("containerd", "--config", str(self.folder / "containerd.toml"))
        self.wait("containerd", lambda: self.ctr("version", check=False).returncode == 0, 60)
        pause = layer(self.folder / "pause.tar", {"/pause": Path(program("pause"))})
        self.load(f"docker.io/{PAUSE}", [pause], {"Entrypoint": ["/pause"]})
        self.spawn(
            "kubelet", f"--kubeconfig={self.config}", f"--config={self.folder / 'kubelet.json'}",
            f"--root-dir={self.folder / 'kubelet'}", f"--hostname-override={NODE}", "--node-ip=10.88.0.1",
        )  # fmt: skip
        self.spawn(
            "kube-proxy", f"--kubeconfig={self.config}", f"--hostname-override={NODE}", "--proxy-mode=iptables",
            f"--cluster-cidr={POD_NETWORK}", "--bind-address=10.88.0.1", "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0s", "--conntrack-tcp-timeout-close-wait=0s",
        )  # fmt: skip
        self.wait("the node", self.ready, 180)
        self.wait("the default account", lambda: self.kubectl("get", "sa", "default", check=False).returncode == 0, 60)

    def ready(self) -> bool:
        """Whether the node says so itself."""
        nodes = json.loads(self.kubectl("get", "nodes", "-o", "json", check=False).stdout or '{"items": []}')["items"]
        conditions = [c for node in nodes for c in node["status"].get("conditions", ())]
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def prepare(self) -> None:
        """Network, folders that would otherwise be shared with the machine, and the programs' own configuration."""
        script = """
set -e
ip link set lo up
ip link add name cni0 type bridge
ip addr add 10.88.0.1/16 dev cni0
ip link set cni0 up
ip route add default dev cni0
echo 1 >/proc/sys/net/ipv4/ip_forward
for folder in "$@"; do mkdir -p "$folder" && mount -t tmpfs tmpfs "$folder"; done
"""
        subprocess.run([*self.prefix, "bash", "-c", script, "bash", *COVERED], check=True, env={"PATH": PATH})
        networks = self.folder / "networks"
        networks.mkdir()
        bridge = {
            "type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True,
            "ipam": {
                "type": "host-local", "dataDir": str(self.folder / "addresses"),
                "ranges": [[{"subnet": POD_NETWORK, "rangeStart": "10.88.1.1"}]], "routes": [{"dst": "0.0.0.0/0"}],
            },
        }  # fmt: skip
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        listed = {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}
        (networks / "10-pods.conflist").write_text(json.dumps(listed))
        (self.folder / "containerd.toml").write_text(self.containerd_settings(networks))
        (self.folder / "kubelet.json").write_text(json.dumps(self.kubelet_settings()))

    @property
    def socket(self) -> str:
        """Where containerd listens."""
        return f"{self.folder}/containerd.sock"

    def containerd_settings(self, networks: Path) -> str:
        """Version 2, as containerd 1.6 and 1.7 read it."""
        return f"""
version = 2
root = "{self.folder}/containerd"
state = "{self.folder}/state"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/{PAUSE}"
  # Without it runc fails where this process may not lower the score: "can't get final child's PID from pipe".
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{TOOLS}/cni"
    conf_dir = "{networks}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""

    def kubelet_settings(self) -> Mapping[str, Any]:
        """A kubelet that takes this machine as it is."""
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "failSwapOn": False,
            "localStorageCapacityIsolation": False,
            "resolvConf": "",
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "maxPods": 20,
        }

    def ctr(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """containerd's own client."""
        done = subprocess.run(
            [*self.prefix, program("ctr"), "--address", self.socket, "--namespace", "k8s.io", *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done

    def load(self, name: str, layers: Sequence[Path], settings: Mapping[str, Any]) -> None:
        """A local image under the name that the manifests have, as if a registry had given it."""
        packed = archive(self.folder / "image.tar", name, layers, settings)
        self.ctr("images", "import", str(packed))
        packed.unlink()

    def stop(self) -> None:
        """The first process of the namespaces ends, and with it every other, every mount and the network."""
        if self.keeper is not None:
            self.keeper.kill()
            self.keeper.wait()
        super().stop()
        remove_groups()
        for folder in COVERED:  # what was made for the mounts; a folder that somebody uses is not empty
            with contextlib.suppress(OSError):
                Path(folder).rmdir()


def remove_groups() -> None:
    """The control groups of pods that are gone."""
    end = time.monotonic() + 10
    roots = [*Path("/sys/fs/cgroup").glob("kubepods"), *Path("/sys/fs/cgroup").glob("*/kubepods")]
    for root in roots:
        for folder in [*sorted(root.glob("**/"), key=lambda path: -len(path.parts))]:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    if time.monotonic() > end:
                        raise
                    time.sleep(0.1)


@contextlib.contextmanager
def running(kind: type[Cluster]) -> Iterator[Any]:
    """A cluster in a folder of its own, ended and removed afterwards."""
    # A short path: sockets lie there.
    folder = Path(tempfile.mkdtemp(prefix="advisor-k8s-", dir="/tmp"))
    cluster = kind(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
