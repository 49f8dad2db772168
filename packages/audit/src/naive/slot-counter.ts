import type { HeldAmount, KeyCounter } from "./key-counter.ts";

/** Slots: each is taken until its hold is settled or over; what another rule counted occupies its slots for one window. */
export function createSlotCounter(): KeyCounter {
  let taken: { readonly cost: number; readonly endUs: number; readonly held: HeldAmount | null }[] = [];
  const open = (stampUs: number) => taken.filter(({ endUs }) => endUs > stampUs);
  const sum = (slots: readonly { readonly cost: number }[]) => slots.reduce((total, { cost }) => total + cost, 0);
  return {
    usedAt: (_numbers, stampUs) => sum(open(stampUs)),
    judge({ limit, windowUs }, wanted, stampUs) {
      const slots = open(stampUs).sort((one, other) => one.endUs - other.endUs);
      const used = sum(slots);
      const allowed = used + wanted <= limit;
      const never = wanted > limit;
      let left = used;
      const freeing = slots.find(({ cost }) => {
        left -= cost;
        return left + wanted <= limit;
      });
      const lastUs = slots.at(-1)?.endUs;
      const resetNowUs = lastUs === undefined ? 0 : lastUs - stampUs;
      const retryUs = allowed || never ? 0 : freeing!.endUs - stampUs;
      const resetChargedUs = Math.max(resetNowUs, windowUs);
      return { allowed, never, available: Math.max(0, limit - used), retryUs, resetNowUs, resetChargedUs };
    },
    charge({ windowUs }, cost, stampUs) {
      taken = [...open(stampUs), { cost, endUs: stampUs + windowUs, held: null }];
    },
    open(_numbers, held, stampUs) {
      taken = [...open(stampUs), { cost: held.cost, endUs: held.expiryUs, held }];
    },
    settle(_numbers, held) {
      taken = taken.filter((slot) => slot.held !== held);
    },
    clear() {
      taken = [];
    },
  };
}
