import { expect, test } from "vitest";
import { describeMembership } from "../testing/describe.ts";
import { parseChanges } from "../testing/parse-changes.ts";
import type { Membership } from "../tracker/membership.ts";
import { applyChange, changeSimple, enterJoint, leaveJoint } from "./changer.ts";

const group: Membership = { incoming: [1, 2, 3], outgoing: [], learners: [4], learnersNext: [], autoLeave: false };
const show = (result: ReturnType<typeof leaveJoint>) => ("error" in result ? result.error : describeMembership(result));
const simple = (text: string, from = group) => show(changeSimple(from, parseChanges(text)));
const joint = (text: string, autoLeave = false) => enterJoint(group, autoLeave, parseChanges(text));

test("one voter may change at a time, learners at will", () => {
  expect(simple("v5 l6 l7")).toBe("voters=(1 2 3 5) learners=(4 6 7)");
  expect(simple("v4")).toBe("voters=(1 2 3 4)");
  expect(simple("l2")).toBe("voters=(1 3) learners=(2 4)");
  expect(simple("r3 r4 r9")).toBe("voters=(1 2)");
  expect(simple("r3 v3")).toBe("voters=(1 2 3) learners=(4)");
  expect(simple("v5 v6")).toMatch(/more than one voter/);
  expect(simple("v5 r1")).toMatch(/more than one voter/);
  expect(simple("r1 r2 r3")).toBe("removed all voters");
});

test("updates and the id zero change nothing", () => {
  expect(simple("u1 u9 v0 r0 l0")).toBe("voters=(1 2 3) learners=(4)");
});

test("a voter that becomes a learner votes in the outgoing half until that is left", () => {
  const entered = joint("l2 v4", true);
  expect(show(entered)).toBe("voters=(1 3 4)&&(1 2 3) learners_next=(2) autoleave");
  expect(show(leaveJoint(entered as Membership))).toBe("voters=(1 3 4) learners=(2)");
});

test("a demotion can be taken back before it happens", () => {
  expect(show(joint("l2 v2"))).toBe("voters=(1 2 3)&&(1 2 3) learners=(4)");
  expect(show(joint("l2 r2"))).toBe("voters=(1 3)&&(1 2 3) learners=(4)");
});

test("joint configurations are entered and left in turn", () => {
  const entered = joint("v5") as Membership;
  expect(simple("v6", entered)).toMatch(/in joint config/);
  expect(show(enterJoint(entered, false, []))).toBe("config is already joint");
  expect(show(leaveJoint(group))).toBe("can't leave a non-joint config");
  expect(show(enterJoint({ ...group, incoming: [] }, false, []))).toMatch(/zero-voter/);
});

test("the transition and the size of a change choose the way", () => {
  const context = new Uint8Array(0);
  const apply = (transition: "auto" | "implicit" | "explicit", text: string) =>
    show(applyChange(group, { transition, changes: parseChanges(text), context }));
  expect(apply("auto", "v5")).toBe("voters=(1 2 3 5) learners=(4)");
  expect(apply("auto", "v5 v6")).toBe("voters=(1 2 3 5 6)&&(1 2 3) learners=(4) autoleave");
  expect(apply("implicit", "v5")).toBe("voters=(1 2 3 5)&&(1 2 3) learners=(4) autoleave");
  expect(apply("explicit", "v5")).toBe("voters=(1 2 3 5)&&(1 2 3) learners=(4)");
  expect(apply("auto", "")).toBe("can't leave a non-joint config");
});
