/** One request's end, as its client saw it. Times are milliseconds of this process's monotonic clock. */
export interface Answer {
  readonly key: string;
  readonly sentMs: number;
  readonly answeredMs: number;
  /** 0: the request failed without an answer. */
  readonly status: number;
  /** What the server said in QuorumGuard-Source. */
  readonly source: string;
}

/** Who asks for what, how often and for how long. */
export interface TrafficOptions {
  readonly url: string;
  readonly apiKeys: readonly string[];
  /** Milliseconds between two requests of one key. */
  readonly everyMs: number;
  /** For how long each key asks, in milliseconds. */
  readonly durationMs: number;
  /** By how much each key starts after the one before it, in milliseconds. */
  readonly staggerMs: number;
  readonly onAnswer: (answer: Answer) => void;
}

/** Sends requests at a steady pace, whether or not earlier ones were answered; resolves when all were. */
export async function sendTraffic(options: TrafficOptions): Promise<void> {
  const { apiKeys, staggerMs } = options;
  const startMs = performance.now();
  await Promise.all(apiKeys.map((key, at) => sendAs(key, startMs + at * staggerMs, options)));
}

async function sendAs(key: string, startMs: number, options: TrafficOptions): Promise<void> {
  const { everyMs, durationMs, url, onAnswer } = options;
  const answers: Promise<void>[] = [];
  for (let dueMs = startMs; dueMs < startMs + durationMs; dueMs += everyMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    answers.push(ask(url, key).then(onAnswer));
  }
  await Promise.all(answers);
}

async function ask(url: string, key: string): Promise<Answer> {
  const sentMs = performance.now();
  const end = (status: number, source: string): Answer => ({
    key,
    sentMs,
    answeredMs: performance.now(),
    status,
    source,
  });
  try {
    const response = await fetch(url, { headers: { "x-api-key": key }, signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return end(response.status, response.headers.get("quorumguard-source") ?? "");
  } catch {
    return end(0, "");
  }
}

/**
 * The most admissions of one key that lay wholly inside one window, by this process's clock. Replicated time may run 1 %
 * faster than ours, so the window is taken 1 % shorter.
 */
export function mostInOneWindow(answers: readonly Answer[], windowMs: number): number {
  let most = 0;
  for (const key of new Set(answers.map((answer) => answer.key))) {
    const admitted = answers.filter((answer) => answer.key === key && answer.status === 200);
    for (const first of admitted) {
      const endMs = first.sentMs + windowMs / 1.01;
      const inside = admitted.filter(({ sentMs, answeredMs }) => sentMs >= first.sentMs && answeredMs <= endMs);
      most = Math.max(most, inside.length);
    }
  }
  return most;
}
