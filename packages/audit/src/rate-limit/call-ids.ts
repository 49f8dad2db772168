/** How a session is named in histories: by the place in the log where it was registered. */
export const sessionName = ({ index, position }: { readonly index: number | bigint; readonly position: number }) =>
  `${index}:${position}`;

/** How the history of calls names what the log executes: by session and number, or by request id. */
export const sessionCallId = (session: string, number: number) => `${session}#${number}`;

/** A call outside a session, named by its request id. */
export const requestCallId = (namespace: string, requestId: string) => `request ${namespace}|${requestId}`;
