import { expect, test } from "vitest";
import { goFailure } from "./go-failure.ts";

const module = "github.com/someone/limiter";

test("a module that cannot be had is told with the server's answer, and without its addresses", () => {
  const forbidden = [
    `go: downloading ${module} v1.0.0`,
    `go: ${module}/cmd@0123abc: ${module}/cmd@0123abc: invalid version: reading https://proxy.invalid/a/@v/0123abc.info: 403 Forbidden`,
    "\tserver response: This module version is not available.",
    "",
  ].join("\n");
  expect(goFailure(forbidden)).toBe(
    "the module could not be downloaded: 403 Forbidden, server response: This module version is not available.",
  );
  expect(goFailure(`go: ${module}@v1.0.0: module lookup disabled by GOPROXY=off\n`)).toBe(
    "the module could not be downloaded: module lookup disabled by GOPROXY=off",
  );
});

test("a module whose sum is not known is not said to be missing", () => {
  const message = `go: ${module}/cmd@v1.0.0: ${module}@v1.0.0: verifying module: ${module}@v1.0.0: reading https://sum.invalid/lookup/a: 404 Not Found`;
  expect(goFailure(message)).toBe("the module could not be verified by the checksum database: 404 Not Found");
});

test("a program that does not compile is told with the compiler's last words", () => {
  expect(goFailure("# github.com/someone/limiter\nmain.go:3:4: undefined: x\n")).toBe(
    "it could not be built: main.go:3:4: undefined: x",
  );
  expect(goFailure("go: downloading a v1.0.0\n")).toBe("it could not be built: go said nothing");
});
