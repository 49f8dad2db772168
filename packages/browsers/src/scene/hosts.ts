/**
 * Names under `.test`, which no network has (RFC 2606); browsers are told that they are this machine. They are none of the names of
 * loopback, since a page's guard treats those apart.
 */
export const hosts = ["shop.test", "listed.test", "stranger.test"] as const;

/** The site whose server proxies to the cluster; one that its operator listed; one that nobody did. */
export type Host = (typeof hosts)[number];
