/** Tags of the blocks outside the key table: the low byte of word 0. The key table's tags are its own. */
export const BlockKind = { run: 1, more: 2, session: 3, nonce: 4, request: 5, hold: 6, heldKey: 7 } as const;
