import { createGuard } from "@quorumguard/sdk-web";

const key = "user:42";
const guard = createGuard<"button">({
  endpoints: "/limits",
  // Asked once, and again before the token's five minutes are over.
  token: async () => {
    const response = await fetch("/token", { method: "POST" });
    if (!response.ok) throw new Error(`/token answered ${response.status}`);
    return response.text();
  },
});
const button = document.querySelector("button")!;
const told = document.querySelector("p")!;

button.addEventListener("click", async () => {
  const { allowed, remaining, degraded } = await guard.allow(key, "button");
  if (allowed) told.textContent = `done, ${remaining ?? "some"} left${degraded ? ", as far as this page knows" : ""}`;
  else countDown();
});

/** Says once a second how long it takes. */
function countDown() {
  const denial = guard.denialOf(key, "button");
  if (denial?.retryAtMs === null) {
    told.textContent = "not for you"; // A limit of 0, or who is on the deny list: no time helps.
    return;
  }
  const leftMs = denial === null ? 0 : Math.ceil(denial.retryAtMs - performance.now());
  told.textContent = leftMs > 0 ? `again in ${Math.ceil(leftMs / 1_000)} s` : "ready";
  if (leftMs > 0) setTimeout(countDown, leftMs % 1_000 || 1_000);
}
