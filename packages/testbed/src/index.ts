/** Real node processes, proxies and ports on loopback, and calls on a schedule. Runs from source only: nothing here is published. */
export { type CallSchedule, startSchedule } from "./call-schedule.ts";
export { chromiumFlags } from "./chromium-flags.ts";
export { type EndSignals, takeEndSignals } from "./end-signals.ts";
export { freePortRun, freePorts } from "./free-ports.ts";
export {
  type LocalCluster,
  type LocalClusterOptions,
  type LocalNode,
  startLocalCluster,
} from "./local-cluster.ts";
export { agreedLeader, type LocalStatus, readStatus } from "./local-status.ts";
export { type Nginx, type NginxOptions, startNginx } from "./nginx.ts";
export { type NodeEnd, type NodeLaunch, NodeProcesses, type NodeProcessesOptions } from "./node-processes.ts";
export { type ProgramEnd, readToEnd, runExample } from "./program-end.ts";
export { type ServerLaunch, type ServerProcess, startServerProcess, withServer } from "./server-process.ts";
export {
  findProgram,
  missingPackages,
  requireProgram,
  type SystemPackage,
  type SystemPackageName,
  skipReason,
  systemPackages,
} from "./system-packages.ts";
export { startTlsProxy, type TlsProxy, type TlsProxyOptions } from "./tls-proxy.ts";
export { until } from "./until.ts";
