import { decodeErrorDetail, ErrorReason } from "@quorumguard/proto";

/** What became of a request, as far as the documentation names it. */
export interface Answer {
  /** Of HTTP; 0: the connection was ended without an answer. */
  readonly status: number;
  /** Connect's, such as `permission_denied`; null: the answer is no error of Connect's. */
  readonly code: string | null;
  /** Why, such as `KEY_FORBIDDEN`; null: not told. */
  readonly reason: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that was not answered: the connection was ended. */
export const noAnswer: Answer = { status: 0, code: null, reason: null, headers: {}, body: "" };

/** Reads the error out of a body, if there is one. */
export function answerOf(status: number, headers: Readonly<Record<string, string>>, body: string): Answer {
  return { status, headers, body, ...readError(body) };
}

/** What a body says of one call, or of the first of them that was refused. */
function readError(body: string): Pick<Answer, "code" | "reason"> {
  const error = parse(body) as { code?: unknown; details?: readonly { type?: string; value?: string }[] } | null;
  if (typeof error?.code !== "string") return { code: null, reason: null };
  const detail = error.details?.find(({ type }) => type === "quorumguard.v1.ErrorDetail");
  if (detail?.value === undefined) return { code: error.code, reason: null };
  const { reason } = decodeErrorDetail(Buffer.from(detail.value, "base64"));
  return { code: error.code, reason: Object.entries(ErrorReason).find(([, value]) => value === reason)?.[0] ?? null };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
