import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { expect, it } from "vitest";
import { rateLimit } from "./express.ts";

it("Express: a client that goes while it is authenticated is no misconfiguration", async () => {
  const errors: { readonly code: string; readonly message: string }[] = [];
  let arrived: () => void = () => {};
  let ended: () => void = () => {};
  const whenArrived = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const whenEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const authenticate: RequestHandler = async (request, _response, next) => {
    arrived();
    await once(request.socket, "close");
    next();
  };
  const note: ErrorRequestHandler = (error, _request, response, _next) => {
    errors.push(error);
    response.status(500).end();
    ended();
  };
  const guard = {
    allow: () => Promise.reject(new Error("it was asked")),
    allowAll: () => Promise.reject(new Error("it was asked")),
  };
  const app = express().use(authenticate, rateLimit({ guard, limits: "api" }), note);
  const server = app.listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
    client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await whenArrived;
    client.destroy();
    await whenEnded;
  } finally {
    server.close();
  }
  expect(errors.map(({ code }) => code)).toEqual(["aborted"]);
  expect(errors[0]!.message).toContain("the client has closed its connection");
});
