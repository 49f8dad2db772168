import type { ReceivedReply } from "@quorumguard/proto";
import type { Call } from "../calls/call.ts";
import type { AttemptFailure } from "../calls/wire-errors.ts";
import type { ConnectorOptions } from "../cluster/connector.ts";
import type { Replaced } from "../cluster/succession.ts";
import type { ClusterNews } from "../without-network/local-answers.ts";
import type { StreamListener } from "./stream-listener.ts";

/** Where the ends of calls go. Each call ends once; the sink sets its phase to `settled` before it returns. */
export interface CallEnds {
  /** `current`: on the stream that calls go to, and nothing that was pushed on it may undo a denial. */
  decided(call: Call, reply: ReceivedReply, item: number, current: boolean): void;
  failed(call: Call, failure: AttemptFailure): void;
}

/** How a session client connects, and where it brings the ends of calls. */
export interface SessionClientOptions extends Omit<ConnectorOptions, "handlers"> {
  readonly ends: CallEnds;
  readonly onFault: (failure: AttemptFailure) => void;
  readonly listener: StreamListener;
  /** One of several endpoints is a mistake; once for each. */
  readonly onMisconfigured: (endpoint: string, reason: string) => void;
  readonly onTopology: () => void;
  /** Told when nothing is sent in the old cluster's session any more, and nothing yet to the new one. */
  readonly onReplaced: (replaced: Replaced) => void;
  readonly news: ClusterNews;
  /** The session is registered and a leader takes its calls. */
  readonly onEstablished: () => void;
}
