/** The frameworks that the contract is run against: each serves one route, `/route`, on loopback. */
import "reflect-metadata";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener, serve } from "@hono/node-server";
import { Catch, Controller, Get, Module, UseFilters, UseGuards } from "@nestjs/common";
import { type AbstractHttpAdapter, NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import express5, { type ErrorRequestHandler, type Express } from "express";
// @ts-expect-error: it has no types of its own, and those of Express 5 are what the middleware is compiled against.
import express4 from "express-4";
import fastify from "fastify";
import { Hono } from "hono";
import { rateLimit as limitExpress } from "../express.ts";
import { rateLimit as limitFastify } from "../fastify.ts";
import { rateLimit as limitHono } from "../hono.ts";
import { rateLimit as limitNest } from "../nest.ts";
import { withRateLimit } from "../next.ts";
import type { RateLimitOptions } from "../options.ts";

/** Options whose callbacks read requests by the framework's `headerOf`. */
// biome-ignore lint/suspicious/noExplicitAny: each framework has its own request.
export type AnyOptions = RateLimitOptions<any, string>;

/** A running server. */
export interface ServedRoute {
  readonly url: string;
  /** How often the route itself ran. */
  readonly runs: () => number;
  close(): Promise<void>;
}

/** One framework, as the contract sees it. */
export interface Framework {
  readonly name: string;
  /** False: the platform does not tell who is at the other end of the connection. */
  readonly knowsPeer: boolean;
  headerOf(request: unknown, name: string): string | undefined;
  /**
   * Serves `/route`, limited by each of the options in turn, the first one outermost. The framework's own handling of errors
   * answers 500 with the error's code.
   */
  serve(...stack: readonly AnyOptions[]): Promise<ServedRoute>;
}

const body = "served";
const nodeHeader = (request: unknown, name: string) =>
  (request as http.IncomingMessage).headers[name] as string | undefined;
const codeOf = (error: unknown) => String((error as { code?: unknown }).code ?? (error as Error).message);

function served(server: http.Server, runs: () => number, close = () => closeServer(server)): ServedRoute {
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/route`, runs, close };
}

async function closeServer(server: http.Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}

function expressFramework(name: string, create: () => Express): Framework {
  return {
    name,
    knowsPeer: true,
    headerOf: nodeHeader,
    async serve(...stack) {
      let runs = 0;
      const app = create();
      // What the application trusts must not matter.
      app.set("trust proxy", true);
      app.all("/route", ...stack.map((options) => limitExpress(options)), (_request, response) => {
        runs += 1;
        response.send(body);
      });
      app.use(((error, _request, response, _next) => {
        response.status(500).send(codeOf(error));
      }) satisfies ErrorRequestHandler);
      const server = app.listen(0, "127.0.0.1");
      await once(server, "listening");
      return served(server, () => runs);
    },
  };
}

const fastifyFramework: Framework = {
  name: "Fastify 5",
  knowsPeer: true,
  headerOf: nodeHeader,
  async serve(...stack) {
    let runs = 0;
    const app = fastify({ trustProxy: true });
    app.setErrorHandler((error, _request, reply) => reply.code(500).send(codeOf(error)));
    app.all("/route", { onRequest: stack.map((options) => limitFastify(options)) }, async () => {
      runs += 1;
      return body;
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    return served(
      app.server,
      () => runs,
      () => app.close(),
    );
  },
};

const honoFramework: Framework = {
  name: "Hono on Node",
  knowsPeer: true,
  headerOf: (context, name) => (context as { req: { header(name: string): string | undefined } }).req.header(name),
  async serve(...stack) {
    let runs = 0;
    const app = new Hono();
    app.onError((error, context) => context.text(codeOf(error), 500));
    for (const options of stack) app.use("/route", limitHono(options));
    app.all("/route", (context) => {
      runs += 1;
      return context.text(body);
    });
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }) as http.Server;
    if (!server.listening) await once(server, "listening");
    return served(server, () => runs);
  },
};

const nextFramework: Framework = {
  name: "handlers of Request and Response, as Next has them",
  knowsPeer: false,
  headerOf: (request, name) => (request as Request).headers.get(name) ?? undefined,
  async serve(...stack) {
    let runs = 0;
    const route = async (_request: Request): Promise<Response> => {
      runs += 1;
      return new Response(body);
    };
    const handler = stack.reduceRight((inner, options) => withRateLimit(options, inner), route);
    const answerErrors = (error: unknown) => new Response(codeOf(error), { status: 500 });
    const listener = getRequestListener((request) => handler(request).catch(answerErrors));
    const server = http.createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    return served(server, () => runs);
  },
};

const nestFramework = (name: string, adapter: () => AbstractHttpAdapter): Framework => ({
  name,
  knowsPeer: true,
  headerOf: nodeHeader,
  async serve(...stack) {
    let runs = 0;
    class RouteController {
      get(): string {
        runs += 1;
        return body;
      }
    }
    class ErrorFilter {
      catch(
        error: unknown,
        host: { switchToHttp(): { getResponse(): { status(code: number): { send(text: string): void } } } },
      ) {
        host.switchToHttp().getResponse().status(500).send(codeOf(error));
      }
    }
    class AppModule {}
    const { GuardError } = await import("@quorumguard/sdk-core");
    // Decorators by hand: sources are run without being compiled.
    const method = Object.getOwnPropertyDescriptor(RouteController.prototype, "get")!;
    UseGuards(...stack.map((options) => limitNest(options)))(RouteController.prototype, "get", method);
    Get()(RouteController.prototype, "get", method);
    Catch(GuardError, TypeError)(ErrorFilter);
    UseFilters(new ErrorFilter())(RouteController);
    Controller("route")(RouteController);
    Module({ controllers: [RouteController] })(AppModule);
    const app = await NestFactory.create(AppModule, adapter(), { logger: false });
    await app.listen(0, "127.0.0.1");
    return served(
      app.getHttpServer() as http.Server,
      () => runs,
      () => app.close(),
    );
  },
});

/** All of them. */
export const frameworks: readonly Framework[] = [
  expressFramework("Express 5", () => express5()),
  expressFramework("Express 4", () => express4()),
  fastifyFramework,
  honoFramework,
  nextFramework,
  nestFramework("Nest 12 on Express", () => new ExpressAdapter()),
  nestFramework("Nest 12 on Fastify", () => new FastifyAdapter()),
];
