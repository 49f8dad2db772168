/** As much of a response as HTTP/1 and HTTP/2 agree on. */
interface Answer {
  writeHead(statusCode: number, headers: Record<string, string>): unknown;
  end(text: string): unknown;
}

/** Answers with a JSON document that no cache keeps. */
export function replyJson(
  response: Answer,
  statusCode: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(statusCode, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Connect's codes for what went wrong before there was a call, by HTTP status. */
const codes: Readonly<Record<number, string>> = {
  403: "permission_denied",
  404: "unimplemented",
  405: "unimplemented",
  415: "unimplemented",
};

/** Answers a request that is no call, in the shape of Connect's errors, so that its clients show the message too. */
export function replyProblem(
  response: Answer,
  statusCode: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  replyJson(response, statusCode, { code: codes[statusCode] ?? "unknown", message }, headers);
}
