/**
 * Layout of an entry, and of the bodies of its operations. Integers are little-endian; a u64 is below 2^53.
 *
 * ```
 * entry    := formatVersion u8 · flags u8 (1: takeover) · fsmVersion u16 · stampUs u64 · operation*
 * operation := tag u8 · length u32 · body
 *
 * calls    := origin · firstNumber u64 · calls u32 · items u32 · rules u16 · columns u8 (the bits of Column)
 *             · rule{rules} · sizes u32{calls}? · ruleIndexes u16{items}? · costs u32{items}?
 *             · verbs u8{calls}? · ttlsMs u64{items}? · handles u64{items}? · keyLengths u16{items} · keys
 * origin   := 0 u8 · index u64 · position u32 · nonce 16 bytes · ackedThrough u64      a session
 *           | 1 u8 · namespace · identity · requestId                                  a request id
 *           | 2 u8 · namespace                                                         neither
 * rule     := algorithm u8 · limit u32 · windowUs u64 · burst u32 · policy
 * register := nonce 16 bytes · helloStampUs u64 · namespace
 * renew    := index u64 · position u32 · nonce 16 bytes · ackedThrough u64
 * goodbye  := index u64 · position u32 · nonce 16 bytes
 * bounds   := maxKeys u64 · maxSessions u64 · maxResultsPerSession u64 · sessionTtlUs u64 · maxRequestIds u64 · requestIdTtlUs u64
 *             · maxHolds u64 · maxHoldsPerSession u64
 * administer := an AdminRequest as canonical JSON in UTF-8
 * ```
 * namespace, identity, requestId and policy are UTF-8 with a u16 length before them.
 */
export const FORMAT_VERSION = 1;
/** Changes when the same entries would come to other results. */
export const FSM_VERSION = 8;
export const HEADER_BYTES = 12;
export const OPERATION_HEADER_BYTES = 5;
export const FLAG_TAKEOVER = 1;

/** The operations by their tag. Numbers are never reused. */
export const Tag = { calls: 1, register: 2, renew: 3, goodbye: 4, bounds: 5, administer: 6 } as const;
/** Whose calls an operation holds, by the first byte of its body. Numbers are never reused. */
export const OriginTag = { session: 0, request: 1, anonymous: 2 } as const;
/** Bits for the columns that a calls operation may leave out when every call has the default. */
export const Column = { ruleIndexes: 1, costs: 2, sizes: 4, verbs: 8, ttlsMs: 16, handles: 32 } as const;
export const ALL_COLUMNS = 63;

/** Length of the nonce that proves whose a session is. */
export const NONCE_BYTES = 16;
/** A rule's bytes before its policy's length and name. */
export const RULE_FIXED_BYTES = 17;

/** The largest stamp: year 2248. A stamp and a window of 400 days together stay below 2^53. */
export const MAX_STAMP_US = 2 ** 53 - 2 ** 47;
export const MAX_INT32 = 2147483647;
export const MAX_U32 = 4294967295;
export const MIN_WINDOW_US = 1_000;
export const MAX_WINDOW_US = 34_560_000_000_000;
/** The longest that a hold may stay open: 400 days. */
export const MAX_TTL_MS = 34_560_000_000;
export const MAX_KEY_BYTES = 512;
/** Items of one operation: far above what a frame may hold. */
export const MAX_ITEMS = 65_536;
export const MAX_RULES = 65_535;
/** Longest identity and request id, in bytes. */
export const MAX_NAME_BYTES = 512;
