/** @type {import("next").NextConfig} */
export default {
  distDir: "dist",
  poweredByHeader: false,
  // gRPC is loaded as it is, and not bundled.
  serverExternalPackages: ["@quorumguard/sdk-node"],
};
