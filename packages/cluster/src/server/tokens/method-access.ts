import { AdminService, ClusterService, GuardService, PolicyService } from "@quorumguard/proto";

/** What a call needs before anybody looks at its request. */
export type MethodAccess =
  /** Nothing: a balancer asks. */
  | "open"
  /** A token that counts; of GuardService's calls each check is held to it, too. */
  | "token"
  /** A token for the operation `admin`; the handlers hold it to the request's namespace. */
  | "admin"
  /** The same, and one that is held to no namespace. */
  | "cluster-admin";

const forAnyToken: ReadonlySet<string> = new Set([
  ...GuardService.methods.map((method) => `/${GuardService.typeName}/${method.name}`),
  `/${ClusterService.typeName}/GetTopology`,
  `/${ClusterService.typeName}/WatchTopology`,
]);

const ofNamespaces = [PolicyService, AdminService].map(({ typeName }) => `/${typeName}/`);

/** What the method at a path, such as `/quorumguard.v1.GuardService/Allow`, needs. Whatever is not named here is the operators'. */
export function methodAccess(path: string): MethodAccess {
  if (forAnyToken.has(path)) return "token";
  if (path.startsWith("/grpc.health.v1.Health/")) return "open";
  return ofNamespaces.some((service) => path.startsWith(service)) ? "admin" : "cluster-admin";
}
