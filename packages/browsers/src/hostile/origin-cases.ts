import { callFor } from "./arena.ts";
import type { HostileCase } from "./hostile-case.ts";

const fromForm = (name: string, type: string | null, body: string): HostileCase => ({
  name,
  // What a page of a stranger's can send without asking first: no header that it chooses, but the visitor's cookies.
  send: ({ send, scene }) =>
    send({
      token: null,
      headers: { "content-type": type, origin: scene.origin("stranger.test"), cookie: "session=visitor" },
      body,
    }),
  status: 403,
  code: "permission_denied",
});

const foreignOrigin = (name: string, origin: string): HostileCase => ({
  name,
  send: ({ send }) => send({ headers: { origin } }),
  status: 403,
  code: "permission_denied",
});

const unasked = (name: string, type: string | null, body: string): HostileCase => ({
  name,
  send: ({ send }) => send({ headers: { "content-type": type }, body }),
  status: 415,
  code: "unimplemented",
});

/** From which page: requests across origins, and those that browsers send for a form. */
export const originCases: readonly HostileCase[] = [
  {
    name: "a preflight of a page that is not on the list",
    send: ({ send, scene }) =>
      send({
        method: "OPTIONS",
        token: null,
        headers: {
          "content-type": null,
          origin: scene.origin("stranger.test"),
          "access-control-request-method": "POST",
          "access-control-request-headers": "authorization,content-type",
        },
        body: "",
      }),
    status: 403,
    code: "permission_denied",
  },
  {
    name: "a call of a page that is not on the list, with a sound token",
    send: ({ send, scene }) => send({ headers: { origin: scene.origin("stranger.test") } }),
    status: 403,
    code: "permission_denied",
  },
  foreignOrigin("a call of a page that has no origin", "null"),
  foreignOrigin("a call of an origin that ends in a listed one", "https://evil-listed.test"),
  foreignOrigin("a call of an origin that begins as a listed one", "https://listed.test.stranger.test"),
  foreignOrigin("a call of an origin with a line break's letters", "https://listed.test%0d%0a"),
  fromForm("a stranger's form", "application/x-www-form-urlencoded", "check.key=victim&check.cost=1"),
  fromForm("a stranger's form with JSON as text/plain", "text/plain", JSON.stringify(callFor("victim"))),
  fromForm("a stranger's form with files", "multipart/form-data; boundary=x", "--x\r\n\r\n{}\r\n--x--\r\n"),
  unasked("a form, with a sound token", "application/x-www-form-urlencoded", "check.key=victim"),
  unasked("JSON as text/plain, with a sound token", "text/plain", JSON.stringify(callFor("victim"))),
  unasked("no content type at all", null, JSON.stringify(callFor("victim"))),
];
