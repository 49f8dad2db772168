# What workerd serves: the bundled worker, and the way out to the cluster's HTTP ports.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (
      name = "main",
      worker = (
        modules = [(name = "worker.mjs", esModule = embed "dist/worker.mjs")],
        compatibilityDate = "2026-10-01",
        bindings = [(name = "QUORUMGUARD_ENDPOINTS", fromEnvironment = "QUORUMGUARD_ENDPOINTS")],
      ),
    ),
    # By default a worker reaches public addresses only; the cluster of this example is on loopback.
    (name = "internet", network = (allow = ["local", "private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);
